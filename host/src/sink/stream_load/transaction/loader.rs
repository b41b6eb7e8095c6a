//! One load, from its label to the target's answer, through whatever trying again it takes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::exchange::Exchange;
use super::intents::Intents;
use super::label::{Labels, Spot};
use super::retry::{Backoff, Waits};
use crate::sink::SinkError;
use crate::sink::stream_load::error::StreamLoadError;
use crate::sink::stream_load::http::Payload;
use crate::sink::stream_load::protocol::{
    Decision, Failure, FailureKind, LabelState, LoadReply, LoadRequest, Shape, Step, decide,
};
use crate::telemetry::{LoadCounters, LoadPhase};

/// Pauses between questions about a label, and tries that an ambiguous answer may cost.
const ASKING: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
const ASKS_MAX: u32 = 30;
/// Tries to roll back what failed, before that is left to the next start.
const ROLLBACKS_MAX: u32 = 3;

/// What both halves of a sink load with, and end loads with.
pub(in crate::sink::stream_load) struct Loader {
    pub sink: String,
    pub exchange: Box<dyn Exchange>,
    pub intents: Intents,
    pub labels: Labels,
    pub waits: Waits,
    pub counters: Arc<LoadCounters>,
    /// Whether loads wait for a commit.
    pub exactly_once: bool,
}

/// Rows as they are sent.
pub(in crate::sink::stream_load) struct Body<'a> {
    pub shape: Shape,
    /// Compressed, if the shape says so.
    pub payload: Box<dyn Payload + 'a>,
    pub rows: u64,
}

/// What the target says of a body.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Every row of it is loaded.
    Taken(Taken),
    /// None is, because of some.
    Rejected(Rejection),
    /// None is, for this reason: it is too large.
    TooLarge(String),
}

/// A load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub label: String,
    pub txn: Option<i64>,
    pub rows: u64,
    pub bytes: u64,
    pub time: Duration,
}

/// Why a body is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    pub reason: String,
    /// What the target wrote about the rows at fault, if it could be read.
    pub log: Option<String>,
}

impl Loader {
    /// An error of this sink.
    pub(in crate::sink::stream_load) fn failed(&self, source: StreamLoadError) -> SinkError {
        SinkError::StreamLoad { sink: self.sink.clone(), source: Box::new(source) }
    }

    /// The next label for this spot, written down.
    pub(super) fn begin(&self, spot: Spot<'_>) -> Result<String, SinkError> {
        let label = self.labels.next(spot);
        self.intents.begin(&[(label.clone(), spot.table.to_owned())])?;
        Ok(label)
    }

    /// Loads a body, such that it waits for its commit where the sink is exactly-once. `label` is
    /// the one to begin with, if one is written down.
    pub(super) fn attempt(
        &self,
        spot: Spot<'_>,
        body: &Body<'_>,
        label: Option<String>,
    ) -> Result<Verdict, SinkError> {
        if self.exactly_once { self.prepare(spot, body, label) } else { self.deliver(spot, body) }
    }

    /// The first phase. A body is sent once in a transaction: each try has its own.
    fn prepare(
        &self,
        spot: Spot<'_>,
        body: &Body<'_>,
        label: Option<String>,
    ) -> Result<Verdict, SinkError> {
        let mut backoff = self.waits.backoff();
        let mut label = match label {
            Some(label) => label,
            None => self.begin(spot)?,
        };
        // Transactions that could not be rolled back: once the target answers, they can.
        let mut owed: Vec<String> = Vec::new();
        loop {
            let started = Instant::now();
            let asked = self.waits.asking("load", &label);
            let result = self.exchange.prepare(&request(spot, &label, body));
            drop(asked);
            self.counters.spent(LoadPhase::Load, started.elapsed());
            let failure = match result {
                Ok(reply) => {
                    for label in &owed {
                        self.give_up(spot.table, label)?;
                    }
                    return Ok(taken(label, body, Some(reply), started));
                }
                Err(failure) => failure,
            };
            if matches!(failure.kind, FailureKind::LabelExists { .. }) {
                // Somebody else's: it is not ours to roll back.
                return Err(self.failed(StreamLoadError::LabelInUse { label }));
            }
            match self.give_up(spot.table, &label) {
                Ok(true) => {}
                Ok(false) => owed.push(label),
                // What cannot be mended says more than what comes of it.
                Err(_) if failure.kind == FailureKind::Fatal => {
                    return Err(self.failed(failure.into_error("the target cannot load rows")));
                }
                Err(error) => return Err(error),
            }
            match decide(&failure, Step::Prepare) {
                Decision::Split => return Ok(Verdict::TooLarge(failure.message)),
                Decision::Bisect => return Ok(self.rejected(failure)),
                decision => self.wait(&mut backoff, decision, failure, "load rows")?,
            }
            label = self.begin(spot)?;
        }
    }

    /// A plain load. It is sent again under the same label, which the target takes once.
    fn deliver(&self, spot: Spot<'_>, body: &Body<'_>) -> Result<Verdict, SinkError> {
        let label = self.labels.next(spot);
        self.intents.send(&label, spot.table)?;
        let verdict = self.send(spot, &label, body)?;
        // Whatever it is, the target has decided: nothing of it is under way any more.
        self.intents.ended(&label);
        Ok(verdict)
    }

    fn send(&self, spot: Spot<'_>, label: &str, body: &Body<'_>) -> Result<Verdict, SinkError> {
        let taken = |reply, started| taken(label.to_owned(), body, reply, started);
        let mut backoff = self.waits.backoff();
        let mut resent = false;
        loop {
            let started = Instant::now();
            let asked = self.waits.asking("load", label);
            let result = self.exchange.load(&request(spot, label, body), resent);
            drop(asked);
            self.counters.spent(LoadPhase::Load, started.elapsed());
            let failure = match result {
                Ok(reply) => return Ok(taken(Some(reply), started)),
                Err(failure) => failure,
            };
            if !resent && matches!(failure.kind, FailureKind::LabelExists { .. }) {
                let label = label.to_owned();
                return Err(self.failed(StreamLoadError::LabelInUse { label }));
            }
            match decide(&failure, Step::Load) {
                Decision::Split => return Ok(Verdict::TooLarge(failure.message)),
                Decision::Bisect => return Ok(self.rejected(failure)),
                Decision::AskState => {
                    if self.is_done(label, &failure)? {
                        return Ok(taken(None, started));
                    }
                    self.wait(&mut backoff, Decision::AskState, failure, "load rows")?;
                }
                decision => self.wait(&mut backoff, decision, failure, "load rows")?,
            }
            resent = true;
        }
    }

    /// Whether a plain load has been committed after all; waits for one that still runs. Where it
    /// goes on running, sending it again is safe: the target takes a label once.
    fn is_done(&self, label: &str, failure: &Failure) -> Result<bool, SinkError> {
        let mut backoff = self.waits.backoff();
        loop {
            match self.state(label)? {
                LabelState::Committed | LabelState::Visible => return Ok(true),
                LabelState::Unknown | LabelState::Aborted => return Ok(false),
                LabelState::Prepare | LabelState::Prepared => {}
            }
            let cause = failure.kind.name();
            if !backoff.again(cause, &failure.message, ASKING, Some(ASKS_MAX)) {
                return Ok(false);
            }
        }
    }

    /// Ends a transaction that nothing names, if that goes now; else answers false: it stays among
    /// the intents, is never committed, and is ended by the next start.
    pub(in crate::sink::stream_load) fn give_up(
        &self,
        table: &str,
        label: &str,
    ) -> Result<bool, SinkError> {
        let mut backoff = self.waits.backoff();
        loop {
            let failure = match self.exchange.rollback(table, label, None) {
                Ok(()) => {
                    self.intents.ended(label);
                    return Ok(true);
                }
                Err(failure) => failure,
            };
            if failure.kind == FailureKind::Committed {
                let message = format!(
                    "label `{label}` is committed at the target, though nothing has committed it; \
                     does another program end this sink's transactions? stop it, and start again"
                );
                return Err(self.failed(StreamLoadError::Halted { message }));
            }
            let cause = failure.kind.name();
            let again = !matches!(
                failure.kind,
                FailureKind::NotFound | FailureKind::Denied | FailureKind::Fatal
            );
            if !again || !backoff.again(cause, &failure.message, ASKING, Some(ROLLBACKS_MAX)) {
                tracing::warn!(
                    sink = self.sink,
                    table,
                    label,
                    reason = failure.message,
                    "a transaction could not be rolled back; the next start tries again"
                );
                return Ok(false);
            }
        }
    }

    /// How a label stands. Trying to ask again changes nothing, so that it is done as long as it
    /// may help.
    pub(in crate::sink::stream_load) fn state(&self, label: &str) -> Result<LabelState, SinkError> {
        let mut backoff = self.waits.backoff();
        loop {
            match self.exchange.state(label) {
                Ok(state) => return Ok(state),
                Err(failure) => {
                    let decision = decide(&failure, Step::State);
                    self.wait(&mut backoff, decision, failure, "ask how a label stands")?;
                }
            }
        }
    }

    /// Waits before another try, or answers the error that ends the sink.
    pub(super) fn wait(
        &self,
        backoff: &mut Backoff<'_>,
        decision: Decision,
        failure: Failure,
        tried: &str,
    ) -> Result<(), SinkError> {
        let (bounds, limit) = match decision {
            Decision::Retry { floor, cap, limit } => ((floor, cap), limit),
            Decision::AskState => (ASKING, Some(ASKS_MAX)),
            Decision::Split | Decision::Bisect | Decision::Halt => (ASKING, Some(0)),
        };
        if backoff.again(failure.kind.name(), &failure.message, bounds, limit) {
            return Ok(());
        }
        Err(self.failed(failure.into_error(&format!("the target does not let it {tried}"))))
    }

    fn rejected(&self, failure: Failure) -> Verdict {
        // The rows are found without it, too, only slower.
        let log = failure.error_url.and_then(|url| self.exchange.error_log(&url).ok());
        Verdict::Rejected(Rejection { reason: failure.message, log })
    }

    /// Counts a load that is kept, and says so.
    pub(super) fn kept(&self, table: &str, load: &Taken) {
        let LoadCounters { loads, rows, bytes, open_transactions, .. } = &*self.counters;
        loads.fetch_add(1, Ordering::Relaxed);
        rows.fetch_add(load.rows, Ordering::Relaxed);
        bytes.fetch_add(load.bytes, Ordering::Relaxed);
        if self.exactly_once {
            open_transactions.fetch_add(1, Ordering::Relaxed);
        }
        tracing::info!(
            sink = self.sink,
            table,
            label = load.label,
            txn = load.txn,
            rows = load.rows,
            bytes = load.bytes,
            ms = u64::try_from(load.time.as_millis()).unwrap_or(u64::MAX),
            "loaded"
        );
    }
}

fn request<'a>(spot: Spot<'a>, label: &'a str, body: &'a Body<'a>) -> LoadRequest<'a> {
    let Body { shape, payload, rows } = body;
    LoadRequest { table: spot.table, label, shape, body: &**payload, rows: *rows }
}

fn taken(label: String, body: &Body<'_>, reply: Option<LoadReply>, started: Instant) -> Verdict {
    Verdict::Taken(Taken {
        label,
        txn: reply.and_then(|reply| reply.txn),
        rows: body.rows,
        bytes: body.payload.written().bytes,
        time: started.elapsed(),
    })
}
