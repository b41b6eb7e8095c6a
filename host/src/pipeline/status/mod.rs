//! What a running pipeline says of itself, in a file of its store, each second and at its end.
//!
//! *Invariants*: the counters are only read; a reader finds the file whole or not at all; a status
//! that cannot be written disturbs nothing.
//! *Not here*: whether the process still lives (the store's lock says so), and the table that people
//! read (`cli`).

mod watchdog;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde::{Deserialize, Serialize};

use self::watchdog::{Look, Watchdog};
use super::{Outcome, PipelineError, RunOptions, Summary};
use crate::config::Plan;
use crate::record::format_timestamp;
use crate::sink::Durability;
use crate::telemetry::{
    Clock, LoadCounters, LoadHealth, LoadPhase, NodeCounters, PipelineCounters,
};

/// The file's name in the store's folder.
const FILE: &str = "status.json";
/// The file until it is whole.
const UNFINISHED: &str = "status.json.new";
/// How often it is written.
const EVERY: Duration = Duration::from_secs(1);

/// Where a pipeline stands. Times are RFC 3339 text in UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub pipeline: String,
    /// The process that runs it.
    pub pid: u32,
    /// When the run began.
    pub started: String,
    /// When this was written.
    pub written: String,
    /// Whether it runs, or how it ended.
    pub state: RunState,
    /// What it ended with.
    pub error: Option<String>,
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// What is wrong, a sentence each.
    pub unhealthy: Vec<String>,
    /// The last checkpoint's number.
    pub epoch: u64,
    /// When it was written; `None`: there is none yet.
    pub checkpoint: Option<String>,
    /// Checkpoints of this run.
    pub checkpoints: u64,
    /// The sources, by name.
    pub sources: BTreeMap<String, SourceStatus>,
    /// The transforms, by name.
    pub transforms: BTreeMap<String, TransformStatus>,
    /// The sinks, by name; the dead letters' sink is among them where it loads a remote table.
    pub sinks: BTreeMap<String, SinkStatus>,
}

/// Whether a pipeline runs, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// It runs, or did when this was written.
    Running,
    /// Every source has ended.
    Finished,
    /// A signal ended it.
    Stopped,
    /// An error ended it.
    Failed,
}

/// How far a source has come in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Rows that it read, rejected ones included.
    pub rows: u64,
    /// Bytes that it read.
    pub bytes: u64,
    /// Rows that it could not decode.
    pub rejected: u64,
    /// Its own words for where the last row was read; empty before the first.
    pub position: String,
}

/// What a transform has done in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransformStatus {
    /// Rows that came in.
    pub rows_in: u64,
    /// Rows that went out.
    pub rows_out: u64,
    /// Rows that it left out.
    pub filtered: u64,
    /// Rows that came too late.
    pub late: u64,
    /// Rows set aside.
    pub rejected: u64,
}

/// What a sink has done in this run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// Rows that are committed.
    pub rows_out: u64,
    /// Rows that it refused.
    pub rejected: u64,
    /// Of a sink that loads a remote table.
    pub load: Option<LoadStatus>,
}

/// What a sink says of its loads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadStatus {
    /// Loads that the target has taken.
    pub loads: u64,
    /// Their rows.
    pub rows: u64,
    /// Their bytes, as sent.
    pub bytes: u64,
    /// Seconds spent, by phase.
    pub seconds: BTreeMap<String, f64>,
    /// Tries again, by cause.
    pub retries: BTreeMap<String, u64>,
    /// Transactions that are open or prepared at the target.
    pub open_transactions: u64,
    /// Why it waits for the target, and since when; `None`: it goes on.
    pub waiting: Option<Waiting>,
}

/// Why a sink waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Why, in words.
    pub reason: String,
    /// Since when.
    pub since: String,
}

impl Status {
    /// The status that the pipeline of this store last wrote; `None`: none has run.
    ///
    /// # Errors
    /// If the file cannot be read, or is not one of ours.
    pub fn read(store: &Path) -> io::Result<Option<Self>> {
        match fs::read(store.join(FILE)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, store: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let unfinished = store.join(UNFINISHED);
        fs::write(&unfinished, text)?;
        fs::rename(unfinished, store.join(FILE))
    }
}

/// Writes the status of a run beside it.
pub(super) struct StatusWriter {
    stop: Sender<()>,
    thread: JoinHandle<Report>,
}

impl StatusWriter {
    /// Begins to write; the store must be this process's.
    pub(super) fn start(
        plan: &Plan,
        options: &RunOptions,
        counters: &Arc<PipelineCounters>,
    ) -> Result<Self, PipelineError> {
        let mut report = Report::new(plan, options.clock, Arc::clone(counters));
        let (stop, stopped) = bounded(0);
        let thread = thread::Builder::new()
            .name("status".to_owned())
            .spawn(move || {
                report.run(&stopped);
                report
            })
            .map_err(PipelineError::Thread)?;
        Ok(Self { stop, thread })
    }

    /// Writes how the run ended.
    pub(super) fn end(self, result: &Result<Summary, PipelineError>) {
        drop(self.stop);
        if let Ok(mut report) = self.thread.join() {
            report.end(result);
        }
    }
}

/// What the status is made of.
struct Report {
    pipeline: String,
    store: PathBuf,
    /// Sinks that load remote tables, whether they have done so or not.
    loading: Vec<String>,
    clock: Clock,
    started: i64,
    counters: Arc<PipelineCounters>,
    watchdog: Watchdog,
    /// A failure to write is told once.
    failed: bool,
}

impl Report {
    fn new(plan: &Plan, clock: Clock, counters: Arc<PipelineCounters>) -> Self {
        let loads = plan.sinks.iter().map(|sink| &sink.config);
        let loading = loads
            .filter(|config| config.durability() == Durability::TwoPhase)
            .map(|config| config.name.clone())
            .collect();
        Self {
            pipeline: plan.name.clone(),
            store: plan.checkpoint.store.clone(),
            loading,
            clock,
            started: Clock::System.now(),
            counters,
            watchdog: Watchdog::new(plan.checkpoint.every),
            failed: false,
        }
    }

    /// Writes until the other end of the channel is dropped.
    fn run(&mut self, stopped: &Receiver<()>) {
        loop {
            let look = self.look();
            let unhealthy = self.watchdog.look(&look);
            self.write(RunState::Running, None, unhealthy);
            if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn end(&mut self, result: &Result<Summary, PipelineError>) {
        let (state, error) = match result {
            Ok(Summary { outcome: Outcome::Stopped, .. }) => (RunState::Stopped, None),
            Ok(_) => (RunState::Finished, None),
            Err(error) => (RunState::Failed, Some(sentence(error))),
        };
        self.write(state, error, Vec::new());
    }

    fn look(&self) -> Look {
        let counters = &self.counters;
        let read = PipelineCounters::total(&counters.sources, |source| &source.rows_in);
        let waiting =
            counters.loads.iter().filter_map(|(sink, load)| match load.health(self.clock.now()) {
                LoadHealth::Healthy => None,
                LoadHealth::Waiting { reason, since } => {
                    let micros = u64::try_from(self.clock.now().saturating_sub(since));
                    let span = Duration::from_micros(micros.unwrap_or_default());
                    Some((sink.clone(), reason, span))
                }
            });
        Look {
            now: Instant::now(),
            checkpoints: NodeCounters::get(&counters.checkpoints),
            unsaved: read.saturating_sub(NodeCounters::get(&counters.rows_saved)),
            waiting: waiting.collect(),
        }
    }

    fn write(&mut self, state: RunState, error: Option<String>, unhealthy: Vec<String>) {
        let status = self.status(state, error, unhealthy);
        match status.write(&self.store) {
            Ok(()) => self.failed = false,
            Err(error) if !self.failed => {
                self.failed = true;
                tracing::warn!(%error, store = %self.store.display(), "the status cannot be written");
            }
            Err(_) => {}
        }
    }

    fn status(&self, state: RunState, error: Option<String>, unhealthy: Vec<String>) -> Status {
        let counters = &self.counters;
        let get = NodeCounters::get;
        let saved = counters.checkpoint_time.load(Ordering::Relaxed);
        let source = |node: &NodeCounters| SourceStatus {
            rows: get(&node.rows_in),
            bytes: get(&node.bytes),
            rejected: get(&node.rejected),
            position: node.position(),
        };
        let transform = |node: &NodeCounters| TransformStatus {
            rows_in: get(&node.rows_in),
            rows_out: get(&node.rows_out),
            filtered: get(&node.filtered),
            late: get(&node.late),
            rejected: get(&node.rejected),
        };
        Status {
            pipeline: self.pipeline.clone(),
            pid: std::process::id(),
            started: format_timestamp(self.started),
            written: format_timestamp(Clock::System.now()),
            state,
            healthy: error.is_none() && unhealthy.is_empty(),
            error,
            unhealthy,
            epoch: get(&counters.epoch),
            checkpoint: (saved > 0).then(|| format_timestamp(saved)),
            checkpoints: get(&counters.checkpoints),
            sources: each(&counters.sources, source),
            transforms: each(&counters.transforms, transform),
            sinks: self.sinks(),
        }
    }

    fn sinks(&self) -> BTreeMap<String, SinkStatus> {
        let sink = |node: &NodeCounters| SinkStatus {
            rows_out: NodeCounters::get(&node.rows_out),
            rejected: NodeCounters::get(&node.rejected),
            load: None,
        };
        let mut sinks = each(&self.counters.sinks, sink);
        for (name, counters) in &self.counters.loads {
            let load = load(counters, self.clock.now());
            if self.loading.contains(name) || load != LoadStatus::default() {
                sinks.entry(name.clone()).or_default().load = Some(load);
            }
        }
        sinks
    }
}

fn each<T>(
    nodes: &BTreeMap<String, Arc<NodeCounters>>,
    status: impl Fn(&NodeCounters) -> T,
) -> BTreeMap<String, T> {
    nodes.iter().map(|(name, node)| (name.clone(), status(node))).collect()
}

fn load(counters: &LoadCounters, now: i64) -> LoadStatus {
    let waiting = match counters.health(now) {
        LoadHealth::Healthy => None,
        LoadHealth::Waiting { reason, since } => {
            Some(Waiting { reason, since: format_timestamp(since) })
        }
    };
    let spent = |phase: LoadPhase| (phase.name().to_owned(), counters.time(phase).as_secs_f64());
    let seconds = LoadPhase::ALL.into_iter().map(spent).filter(|(_, seconds)| *seconds > 0.0);
    let retries = counters.retries().into_iter().map(|(cause, tries)| (cause.to_owned(), tries));
    LoadStatus {
        loads: NodeCounters::get(&counters.loads),
        rows: NodeCounters::get(&counters.rows),
        bytes: NodeCounters::get(&counters.bytes),
        seconds: seconds.collect(),
        retries: retries.collect(),
        open_transactions: NodeCounters::get(&counters.open_transactions),
        waiting,
    }
}

/// An error with its causes, on one line.
fn sentence(error: &PipelineError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
