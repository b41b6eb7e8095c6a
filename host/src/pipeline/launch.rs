//! Threads: one for each source, chain of stages and sink, and one for the coordinator, which the
//! caller's watches, so that a stop is timed whatever hangs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::chain_node::ChainNode;
use super::coordinator::{Coordinator, PULSE};
use super::cuts::Cuts;
use super::dead_letters::LetterBox;
use super::edge::{EDGE_CAPACITY, Inbox, Outlet};
use super::message::{Control, Event, Message};
use super::recovery::{DEAD_LETTERS, Recovered};
use super::sink_node::{LettersNode, SinkNode};
use super::source_node::SourceNode;
use super::wiring::{Consumer, Wiring};
use super::{
    NodeError, Outcome, PipelineError, RunOptions, StopSignal, Stopping, dead_letter_schema,
};
use crate::config::{NodeId, OnError, Plan};
use crate::record::{Batch, DeadLetter};
use crate::stage::{Chain, Stage, StageConfig};
use crate::telemetry::PipelineCounters;

type BatchSender = Sender<Message<Batch>>;
type BatchReceiver = Receiver<Message<Batch>>;

/// Runs the recovered pipeline to its end.
pub(super) fn launch(
    plan: &Plan,
    options: &RunOptions,
    counters: &Arc<PipelineCounters>,
    recovered: Recovered,
) -> Result<Outcome, PipelineError> {
    let mut builder = Builder::new(plan, options, counters, recovered)?;
    builder.sources()?;
    builder.chains()?;
    builder.sinks()?;
    builder.letters()?;
    let (coordinator, alive) = builder.coordinator();
    let result = watch(coordinator, &options.stop, plan.stop_timeout)?;
    // The coordinator has let go of the sources, which ends them, and with them every node
    // downstream; the channel closes with the last of them. One that hangs outside is not waited for
    // without end: the error is what the caller needs.
    let grace = Instant::now() + plan.stop_timeout;
    if alive.recv_deadline(grace).is_err_and(|error| error.is_timeout()) {
        tracing::warn!("a node still waits for the outside and is left behind");
    }
    result
}

/// Runs the coordinator on a thread of its own, so that a stop is timed whatever it waits for.
///
/// The outer error is [`PipelineError::StopTimeout`]: then nobody waits for anything any more, and
/// the abandoned thread keeps the store locked for as long as it may still write.
fn watch(
    mut coordinator: Coordinator,
    stop: &StopSignal,
    stop_timeout: Duration,
) -> Result<Result<Outcome, PipelineError>, PipelineError> {
    let (send, done) = bounded(1);
    thread::Builder::new()
        .name("coordinator".to_owned())
        .spawn(move || {
            let result = coordinator.run();
            drop(coordinator);
            drop(send.send(result));
        })
        .map_err(PipelineError::Thread)?;
    let mut deadline = None;
    loop {
        match done.recv_timeout(PULSE) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => {
                let source = Box::new(NodeError::Panicked);
                return Err(PipelineError::Node { node: "coordinator".to_owned(), source });
            }
            Err(RecvTimeoutError::Timeout) if stop.state() == Stopping::No => {}
            Err(RecvTimeoutError::Timeout) => {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + stop_timeout);
                if Instant::now() >= deadline {
                    return Err(PipelineError::StopTimeout);
                }
            }
        }
    }
}

/// Makes nodes one after the other; edges wait in it until both of their ends are made.
struct Builder<'a> {
    plan: &'a Plan,
    options: &'a RunOptions,
    counters: &'a Arc<PipelineCounters>,
    recovered: Recovered,
    wiring: Wiring,
    outlets: BTreeMap<(NodeId, usize), Vec<BatchSender>>,
    inboxes: BTreeMap<Consumer, Vec<BatchReceiver>>,
    letters: Vec<Receiver<Message<Vec<DeadLetter>>>>,
    controls: BTreeMap<String, Sender<Control>>,
    events: (Sender<Event>, Receiver<Event>),
    /// Every node's thread holds the sending half: the receiver learns when the last one ends.
    alive: (Sender<()>, Receiver<()>),
}

impl<'a> Builder<'a> {
    fn new(
        plan: &'a Plan,
        options: &'a RunOptions,
        counters: &'a Arc<PipelineCounters>,
        recovered: Recovered,
    ) -> Result<Self, PipelineError> {
        let wiring = Wiring::of(plan);
        let nodes = plan.sources.len() + plan.transforms.len() + plan.sinks.len() + 1;
        let mut builder = Self {
            plan,
            options,
            counters,
            recovered,
            wiring,
            outlets: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            letters: Vec::new(),
            controls: BTreeMap::new(),
            events: bounded(4 * nodes),
            alive: bounded(1),
        };
        builder.connect();
        Ok(builder)
    }

    /// Makes a channel for each edge between two threads.
    fn connect(&mut self) {
        let fused: Vec<usize> =
            self.wiring.chains.iter().flat_map(|chain| chain[1..].iter().copied()).collect();
        for (port, consumers) in &self.wiring.consumers {
            for consumer in consumers {
                if matches!(consumer, Consumer::Transform { transform, .. } if fused.contains(transform))
                {
                    continue;
                }
                let (send, receive) = bounded(EDGE_CAPACITY);
                self.outlets.entry(*port).or_default().push(send);
                self.inboxes.entry(*consumer).or_default().push(receive);
            }
        }
    }

    fn sources(&mut self) -> Result<(), PipelineError> {
        for (index, source) in self.plan.sources.iter().enumerate() {
            let name = source.config.name.clone();
            let (control, controlled) = bounded(EDGE_CAPACITY);
            self.controls.insert(name.clone(), control);
            let checkpoint = &self.recovered.checkpoint;
            let times = checkpoint.event_times.get(&name).into_iter().flatten();
            let event_time = source.config.event_time.as_ref();
            let node = SourceNode {
                source: self.recovered.sources.remove(&name).expect("every source was opened"),
                budget: self.plan.batch,
                cuts: self.options.cuts.map(|seed| Cuts::new(seed.wrapping_add(index as u64))),
                disorder: event_time
                    .map(|time| i64::try_from(time.disorder.as_micros()).unwrap_or(i64::MAX)),
                times: times.map(|time| (time.partition, time.greatest)).collect(),
                watermark: checkpoint.watermarks.get(&name).copied().unwrap_or(i64::MIN),
                epoch: checkpoint.epoch,
                rows: 0,
                checkpoint_rows: self.plan.checkpoint.rows,
                outlet: self.outlet(NodeId::Source(index), 0),
                letters: self.letter_box(vec![(name.clone(), source.on_error)]),
                control: controlled,
                events: self.events.0.clone(),
                counters: Arc::clone(&self.counters.sources[&name]),
                name: name.clone(),
            };
            self.start(&name, move || node.run())?;
        }
        Ok(())
    }

    fn chains(&mut self) -> Result<(), PipelineError> {
        for chain in std::mem::take(&mut self.wiring.chains) {
            let (first, last) = (chain[0], chain[chain.len() - 1]);
            let name = self.plan.transforms[first].name.clone();
            let mut stages = Vec::new();
            for index in &chain {
                stages.push(self.stage(*index)?);
            }
            let ports = self.plan.transforms[last].outputs.len();
            let edges = self.plan.transforms[first].edges();
            let inputs: std::collections::BTreeSet<usize> =
                edges.iter().map(|(_, input)| *input).collect();
            let mut receivers = Vec::new();
            for input in inputs {
                let consumer = Consumer::Transform { transform: first, input };
                let edges = self.inboxes.remove(&consumer).unwrap_or_default();
                receivers.extend(edges.into_iter().map(|edge| (input, edge)));
            }
            let policies = chain
                .iter()
                .map(|index| &self.plan.transforms[*index])
                .map(|transform| (transform.name.clone(), transform.on_error))
                .collect();
            let node = ChainNode {
                chain: Chain::new(stages),
                tables: self.recovered.tables.current(),
                inbox: Inbox::new(receivers),
                outlets: (0..ports)
                    .map(|port| self.outlet(NodeId::Transform(last), port))
                    .collect(),
                letters: self.letter_box(policies),
                events: self.events.0.clone(),
            };
            self.start(&name, move || node.run())?;
            self.wiring.chains.push(chain);
        }
        Ok(())
    }

    fn stage(&self, index: usize) -> Result<Stage, PipelineError> {
        let config: StageConfig = self.plan.transforms[index].stage();
        let name = config.name.clone();
        // A stage that is new to a store in use counts on from the greatest: what it makes may reach
        // a table whose rows are already numbered, where the later sequence wins.
        let known = &self.recovered.checkpoint.emitted;
        let greatest = || known.values().copied().max().unwrap_or_default();
        let emitted = known.get(&name).copied().unwrap_or_else(greatest);
        let counters = Arc::clone(&self.counters.transforms[&name]);
        Stage::open(config, counters, self.options.clock, emitted).map_err(|error| {
            PipelineError::Node { node: name, source: Box::new(NodeError::Stage(error)) }
        })
    }

    fn sinks(&mut self) -> Result<(), PipelineError> {
        for (index, sink) in self.plan.sinks.iter().enumerate() {
            let name = sink.config.name.clone();
            let edges = self.inboxes.remove(&Consumer::Sink(index)).unwrap_or_default();
            let node = SinkNode {
                sink: self.recovered.writers.remove(&name).expect("every sink was opened"),
                inbox: Inbox::new(edges.into_iter().map(|edge| (0, edge)).collect()),
                letters: self.letter_box(vec![(name.clone(), sink.on_error)]),
                events: self.events.0.clone(),
                counters: Arc::clone(&self.counters.sinks[&name]),
                clock: self.options.clock,
                rows: 0,
                epoch: self.recovered.checkpoint.epoch,
                asked: false,
                name: name.clone(),
            };
            self.start(&name, move || node.run())?;
        }
        Ok(())
    }

    fn letters(&mut self) -> Result<(), PipelineError> {
        let Some(sink) = self.recovered.writers.remove(DEAD_LETTERS) else { return Ok(()) };
        let edges = std::mem::take(&mut self.letters);
        let node = LettersNode {
            name: DEAD_LETTERS.to_owned(),
            sink,
            schema: Arc::new(dead_letter_schema()),
            inbox: Inbox::new(edges.into_iter().map(|edge| (0, edge)).collect()),
            events: self.events.0.clone(),
            rows: 0,
            epoch: self.recovered.checkpoint.epoch,
            asked: false,
        };
        self.start(DEAD_LETTERS, move || node.run())
    }

    fn coordinator(self) -> (Coordinator, Receiver<()>) {
        let Recovered { store, checkpoint, mut committers, tables, .. } = self.recovered;
        for committing in &mut committers {
            committing.counters = self.counters.sinks.get(&committing.name).cloned();
        }
        let artifacts = self
            .plan
            .transforms
            .iter()
            .map(|stage| (stage.name.clone(), stage.artifact.hash().to_owned()))
            .collect();
        let coordinator = Coordinator {
            store,
            last: checkpoint,
            sources: self.controls,
            chains: self.wiring.chains.len(),
            sinks: committers,
            events: self.events.1,
            every: self.plan.checkpoint.every,
            wanted: 0,
            finished: 0,
            stop: self.options.stop.clone(),
            tables,
            artifacts,
            counters: Arc::clone(self.counters),
            faults: self.options.faults.clone(),
            clock: self.options.clock,
        };
        (coordinator, self.alive.1)
    }

    fn outlet(&mut self, node: NodeId, port: usize) -> Outlet<Batch> {
        Outlet::new(self.outlets.remove(&(node, port)).unwrap_or_default())
    }

    fn letter_box(&mut self, nodes: Vec<(String, OnError)>) -> LetterBox {
        if self.plan.dead_letters.is_none() {
            return LetterBox::new(nodes, None);
        }
        let (send, receive) = bounded(EDGE_CAPACITY);
        self.letters.push(receive);
        LetterBox::new(nodes, Some(send))
    }

    /// Starts a node's thread; its failure, or its panic, becomes an event.
    fn start(
        &mut self,
        name: &str,
        run: impl FnOnce() -> Result<(), NodeError> + Send + 'static,
    ) -> Result<(), PipelineError> {
        let events = self.events.0.clone();
        let node = name.to_owned();
        let alive = self.alive.0.clone();
        let body = move || {
            let _alive = alive;
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
            let error = match result {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(_) => NodeError::Panicked,
            };
            // When the coordinator is gone, nobody needs to know.
            drop(events.send(Event::Failed { node, error: Box::new(error) }));
        };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map(drop)
            .map_err(PipelineError::Thread)
    }
}
