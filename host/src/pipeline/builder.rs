//! The nodes of a plan on their threads, and the edges between them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::chain_node::ChainNode;
use super::coordinator::{Coordinator, progress};
use super::cuts::Cuts;
use super::dead_letters::LetterBox;
use super::edge::{EDGE_CAPACITY, Inbox};
use super::event_time::EventClock;
use super::fanout::{Fanout, Leg};
use super::held::outline;
use super::message::{Control, Event, Message};
use super::recovery::{DEAD_LETTERS, Recovered};
use super::sink_node::{LettersNode, SinkNode};
use super::source_node::SourceNode;
use super::wiring::{Consumer, Wiring};
use super::{NodeError, PipelineError, RunOptions, dead_letter_schema, repeat};
use crate::checkpoint::SinkProgress;
use crate::config::{NodeId, OnError, Plan};
use crate::record::{Batch, DeadLetter};
use crate::stage::{Chain, Numbering, Stage, StageConfig};
use crate::telemetry::PipelineCounters;

type BatchReceiver = Receiver<Message<Batch>>;

/// Makes nodes one after the other; edges wait in it until both of their ends are made.
pub(super) struct Builder<'a> {
    pub(super) plan: &'a Plan,
    pub(super) options: &'a RunOptions,
    pub(super) counters: &'a Arc<PipelineCounters>,
    pub(super) recovered: Recovered,
    pub(super) wiring: Wiring,
    /// By port and instance of the node that sends.
    outlets: BTreeMap<(NodeId, usize, usize), Vec<Leg>>,
    /// By instance of the node that receives.
    inboxes: BTreeMap<(Consumer, usize), Vec<BatchReceiver>>,
    letters: Vec<Receiver<Message<Vec<DeadLetter>>>>,
    controls: BTreeMap<String, Sender<Control>>,
    pub(super) events: (Sender<Event>, Receiver<Event>),
    /// The progress before the first node begins.
    begun: (u64, u64),
    /// Every node's thread holds the sending half: the receiver learns when the last one ends.
    alive: (Sender<()>, Receiver<()>),
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        options: &'a RunOptions,
        counters: &'a Arc<PipelineCounters>,
        recovered: Recovered,
    ) -> Self {
        let wiring = Wiring::of(plan);
        let instances: usize = plan.transforms.iter().map(|stage| stage.instances()).sum();
        let nodes = plan.sources.len() + instances + plan.sinks.len() + 1;
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
            begun: progress(counters),
            alive: bounded(1),
        };
        builder.connect();
        builder
    }

    /// Makes a channel for each edge between two threads: from every instance of a node to every
    /// instance of each of its consumers.
    fn connect(&mut self) {
        let fused: Vec<usize> =
            self.wiring.chains.iter().flat_map(|chain| chain[1..].iter().copied()).collect();
        for ((node, port), consumers) in &self.wiring.consumers {
            let senders = match node {
                NodeId::Source(_) => 1,
                NodeId::Transform(at) => self.plan.transforms[*at].instances(),
            };
            for consumer in consumers {
                if matches!(consumer, Consumer::Transform { transform, .. } if fused.contains(transform))
                {
                    continue;
                }
                let (receivers, routing) = match consumer {
                    Consumer::Sink(_) => (1, None),
                    Consumer::Transform { transform, input } => (
                        self.plan.transforms[*transform].instances(),
                        self.wiring.routing(self.plan, *transform, *input),
                    ),
                };
                for sender in 0..senders {
                    let mut edges = Vec::new();
                    for receiver in 0..receivers {
                        let (send, receive) = bounded(EDGE_CAPACITY);
                        edges.push(send);
                        self.inboxes.entry((*consumer, receiver)).or_default().push(receive);
                    }
                    let leg = Leg { edges, routing: routing.clone() };
                    self.outlets.entry((*node, *port, sender)).or_default().push(leg);
                }
            }
        }
    }

    pub(super) fn sources(&mut self) -> Result<(), PipelineError> {
        for (index, source) in self.plan.sources.iter().enumerate() {
            let name = source.config.name.clone();
            let (control, controlled) = bounded(EDGE_CAPACITY);
            self.controls.insert(name.clone(), control);
            let checkpoint = &self.recovered.checkpoint;
            let event_clock = EventClock::new(
                source.config.event_time.as_ref(),
                checkpoint.event_times.get(&name).map_or(&[], Vec::as_slice),
                checkpoint.watermarks.get(&name).copied().unwrap_or(i64::MIN),
                Instant::now(),
            );
            let node = SourceNode {
                source: self.recovered.sources.remove(&name).expect("every source was opened"),
                budget: self.plan.batch,
                cuts: self.options.cuts.map(|seed| Cuts::new(seed.wrapping_add(index as u64))),
                event_clock,
                epoch: checkpoint.epoch,
                rows: 0,
                checkpoint_rows: self.plan.checkpoint.rows,
                target: self.recovered.targets.remove(&name),
                reached: None,
                ended: false,
                outlet: self.outlet(NodeId::Source(index), 0, 0),
                letters: self.letter_box(vec![(name.clone(), source.on_error, Arc::default())]),
                control: controlled,
                events: self.events.0.clone(),
                counters: Arc::clone(&self.counters.sources[&name]),
                name: name.clone(),
            };
            self.start(&name, move || node.run())?;
        }
        Ok(())
    }

    pub(super) fn chains(&mut self) -> Result<(), PipelineError> {
        for chain in std::mem::take(&mut self.wiring.chains) {
            let (first, last) = (chain[0], chain[chain.len() - 1]);
            let name = self.plan.transforms[first].name.clone();
            let mut stages = Vec::new();
            for index in &chain {
                let plan = &self.plan.transforms[*index];
                let numbering = Numbering::alone(self.emitted(&plan.name));
                stages.push(self.stage(plan.stage(), numbering)?);
            }
            let ports = self.plan.transforms[last].outputs.len();
            let policies = chain
                .iter()
                .map(|index| &self.plan.transforms[*index])
                .map(|transform| (transform.name.clone(), transform.on_error, Arc::default()))
                .collect();
            let node = ChainNode {
                chain: Chain::new(stages),
                tables: self.recovered.tables.current(),
                inbox: self.inbox(first, 0),
                outlets: (0..ports)
                    .map(|port| self.outlet(NodeId::Transform(last), port, 0))
                    .collect(),
                letters: self.letter_box(policies),
                events: self.events.0.clone(),
            };
            self.start(&name, move || node.run())?;
            self.wiring.chains.push(chain);
        }
        Ok(())
    }

    /// Where the source sequences of a stage's rows go on.
    pub(super) fn emitted(&self, stage: &str) -> i64 {
        // A stage that is new to a store in use counts on from the greatest: what it makes may reach
        // a table whose rows are already numbered, where the later sequence wins.
        let checkpoint = &self.recovered.checkpoint;
        let kept =
            |name: &str| checkpoint.stages.get(name).into_iter().flat_map(|kept| &kept.instances);
        let own = kept(stage).map(|instance| instance.emitted).max();
        let all = checkpoint.stages.keys().flat_map(|name| kept(name)).map(|held| held.emitted);
        let greatest = checkpoint.emitted.values().copied().chain(all).max().unwrap_or_default();
        let counted = checkpoint.emitted.get(stage).copied().filter(|next| *next > 0);
        own.or(counted).unwrap_or(greatest)
    }

    pub(super) fn stage(
        &self,
        config: StageConfig,
        numbering: Numbering,
    ) -> Result<Stage, PipelineError> {
        let name = config.name.clone();
        let counters = Arc::clone(&self.counters.transforms[&name]);
        Stage::open(config, counters, self.options.clock, numbering).map_err(|error| {
            PipelineError::Node { node: name, source: Box::new(NodeError::Stage(error)) }
        })
    }

    pub(super) fn sinks(&mut self) -> Result<(), PipelineError> {
        for (index, sink) in self.plan.sinks.iter().enumerate() {
            let name = sink.config.name.clone();
            let edges = self.inboxes.remove(&(Consumer::Sink(index), 0)).unwrap_or_default();
            let node = SinkNode {
                sink: self.recovered.writers.remove(&name).expect("every sink was opened"),
                inbox: Inbox::new(edges.into_iter().map(|edge| (0, edge)).collect()),
                letters: self.letter_box(vec![(name.clone(), sink.on_error, Arc::default())]),
                events: self.events.0.clone(),
                counters: Arc::clone(&self.counters.sinks[&name]),
                pipeline: Arc::clone(self.counters),
                clock: self.options.clock,
                progress: SinkProgress::default(),
                epoch: self.recovered.checkpoint.epoch,
                asked: false,
                name: name.clone(),
            };
            self.start(&name, move || node.run())?;
        }
        Ok(())
    }

    pub(super) fn letters(&mut self) -> Result<(), PipelineError> {
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

    pub(super) fn coordinator(self) -> (Coordinator, Receiver<()>) {
        let Recovered {
            store,
            checkpoint,
            repeat,
            mut committers,
            tables,
            state_folder,
            state_files,
            ..
        } = self.recovered;
        for committing in &mut committers {
            committing.counters = self.counters.sinks.get(&committing.name).cloned();
        }
        let artifacts = self
            .plan
            .transforms
            .iter()
            .map(|stage| (stage.name.clone(), stage.artifact.hash().to_owned()))
            .collect();
        let stateful = self.wiring.stateful.iter().map(|index| &self.plan.transforms[*index]);
        let stages = stateful.map(|stage| (stage.name.clone(), outline(stage))).collect();
        let garbage = state_files.difference(&checkpoint.files()).cloned().collect();
        let coordinator = Coordinator {
            store,
            last: checkpoint,
            sources: self.controls,
            chains: self.wiring.chains.len(),
            stages,
            state_folder,
            garbage,
            sinks: committers,
            events: self.events.1,
            every: self.plan.checkpoint.every,
            wanted: 0,
            finished: 0,
            stop: self.options.stop.clone(),
            tables,
            artifacts,
            graph: repeat::graph(self.plan),
            repeat,
            begun: self.begun,
            reached: 0,
            counters: Arc::clone(self.counters),
            faults: self.options.faults.clone(),
            clock: self.options.clock,
        };
        (coordinator, self.alive.1)
    }

    pub(super) fn outlet(&mut self, node: NodeId, port: usize, instance: usize) -> Fanout {
        Fanout::new(self.outlets.remove(&(node, port, instance)).unwrap_or_default())
    }

    /// Everything that an instance of a transform reads.
    pub(super) fn inbox(&mut self, transform: usize, instance: usize) -> Inbox<Batch> {
        let edges = self.plan.transforms[transform].edges();
        let inputs: BTreeSet<usize> = edges.iter().map(|(_, input)| *input).collect();
        let mut receivers = Vec::new();
        for input in inputs {
            let consumer = (Consumer::Transform { transform, input }, instance);
            let edges = self.inboxes.remove(&consumer).unwrap_or_default();
            receivers.extend(edges.into_iter().map(|edge| (input, edge)));
        }
        Inbox::new(receivers)
    }

    pub(super) fn letter_box(
        &mut self,
        nodes: Vec<(String, OnError, Arc<AtomicU64>)>,
    ) -> LetterBox {
        if self.plan.dead_letters.is_none() {
            return LetterBox::new(nodes, None);
        }
        let (send, receive) = bounded(EDGE_CAPACITY);
        self.letters.push(receive);
        LetterBox::new(nodes, Some(send))
    }

    /// Starts a node's thread; its failure, or its panic, becomes an event.
    pub(super) fn start(
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
