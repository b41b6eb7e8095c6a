//! The machines against a target that is made of its labels' states and of a script of failures.

mod commits;
mod intents;
mod labels;
mod loads;

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use super::exchange::Exchange;
use super::label::Spot;
use super::loader::Body;
use super::rows::RowSet;
use super::{Contents, Intents, Labels, Loader, PartHandle, Waits};
use crate::record::{Batch, DataType, Field, Operation, Operations, RowMeta, Schema};
use crate::sink::LateRefusal;
use crate::sink::stream_load::config::{BodyFormat, Compression};
use crate::sink::stream_load::protocol::{
    Failure, FailureKind, LabelState, LoadReply, LoadRequest, Shape,
};
use crate::telemetry::{Clock, LoadCounters};

const SPOT: Spot<'static> = Spot { epoch: 7, table: "wagers", set: "all", index: 0, of: 1 };

/// A failure, and the state that it leaves the label in, where it changes it.
type Scripted = (FailureKind, Option<LabelState>);

#[derive(Default)]
struct World {
    labels: BTreeMap<String, LabelState>,
    /// The rows of each label that has any.
    bodies: BTreeMap<String, Vec<String>>,
    /// What each call is to fail with, in order; after that it succeeds.
    scripts: BTreeMap<&'static str, VecDeque<Scripted>>,
    /// Whether the logs name rows.
    names: bool,
    /// Rows that one load may have.
    rows_max: Option<usize>,
    told: Vec<String>,
    waits: usize,
    /// The state that every label is in after so many waits.
    later: Option<(usize, LabelState)>,
}

impl World {
    fn wait(&mut self) {
        self.waits += 1;
        if let Some((waits, state)) = self.later
            && waits == self.waits
        {
            self.labels.values_mut().for_each(|label| *label = state);
        }
    }
}

/// The target. It refuses rows that begin with `bad`, and bodies with a row that begins with
/// `broken`.
#[derive(Clone, Default)]
struct Target(Arc<Mutex<World>>);

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, message: "the target said no".to_owned(), error_url: None, error: None }
}

impl Target {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    fn script(&self, call: &'static str, answers: impl IntoIterator<Item = Scripted>) {
        self.world().scripts.entry(call).or_default().extend(answers);
    }

    fn set(&self, label: &str, state: LabelState) {
        self.world().labels.insert(label.to_owned(), state);
    }

    /// The calls since the last look, with labels cut to run and attempt.
    fn told(&self) -> Vec<String> {
        let told = std::mem::take(&mut self.world().told);
        told.into_iter().map(|told| short(&told)).collect()
    }

    /// The rows of labels in this state.
    fn rows(&self, state: LabelState) -> Vec<String> {
        let world = self.world();
        let of = |label: &String| world.labels.get(label) == Some(&state);
        let bodies = world.bodies.iter().filter(|(label, _)| of(label));
        bodies.flat_map(|(_, rows)| rows.clone()).collect()
    }

    fn call(&self, call: &'static str, label: &str) -> (MutexGuard<'_, World>, Option<Failure>) {
        let mut world = self.world();
        world.told.push(format!("{call} {label}"));
        let scripted = world.scripts.get_mut(call).and_then(VecDeque::pop_front);
        let scripted = scripted.map(|(kind, state)| {
            if let Some(state) = state {
                world.labels.insert(label.to_owned(), state);
            }
            failure(kind)
        });
        (world, scripted)
    }

    fn take(
        &self,
        call: &'static str,
        load: &LoadRequest<'_>,
        taken: LabelState,
    ) -> Result<LoadReply, Failure> {
        let mut body = String::new();
        load.body.reader().read_to_string(&mut body).unwrap();
        let rows: Vec<String> = body.lines().map(str::to_owned).collect();
        let (mut world, scripted) = self.call(call, load.label);
        if let Some(failure) = scripted {
            world.bodies.insert(load.label.to_owned(), rows);
            return Err(failure);
        }
        if matches!(world.labels.get(load.label), Some(state) if *state != LabelState::Aborted) {
            return Err(failure(FailureKind::LabelExists { finished: false, txn: None }));
        }
        world.labels.insert(load.label.to_owned(), LabelState::Aborted);
        if world.rows_max.is_some_and(|most| rows.len() > most) {
            return Err(failure(FailureKind::TooLarge));
        }
        if rows.iter().any(|row| row.starts_with("broken")) {
            return Err(failure(FailureKind::Unparsable));
        }
        let bad: Vec<String> = rows.iter().filter(|row| row.starts_with("bad")).cloned().collect();
        if !bad.is_empty() {
            let error_url = world.names.then(|| bad.join(","));
            return Err(Failure { error_url, ..failure(FailureKind::Quality) });
        }
        let (txn, loaded) = (i64::try_from(world.labels.len()).unwrap(), rows.len() as u64);
        world.labels.insert(load.label.to_owned(), taken);
        world.bodies.insert(load.label.to_owned(), rows);
        Ok(LoadReply { txn: Some(txn), rows: loaded, bytes: 0, publish_timeout: false })
    }
}

impl Exchange for Target {
    fn load(&self, load: &LoadRequest<'_>, resent: bool) -> Result<LoadReply, Failure> {
        let call = if resent { "resend" } else { "load" };
        let found = self.world().labels.get(load.label).copied();
        if resent && found == Some(LabelState::Visible) {
            drop(self.call(call, load.label));
            return Ok(LoadReply::default());
        }
        self.take(call, load, LabelState::Visible)
    }

    fn prepare(&self, load: &LoadRequest<'_>) -> Result<LoadReply, Failure> {
        self.take("prepare", load, LabelState::Prepared)
    }

    fn commit(&self, _: &str, label: &str, _: Option<i64>) -> Result<(), Failure> {
        let (mut world, scripted) = self.call("commit", label);
        if let Some(failure) = scripted {
            return Err(failure);
        }
        match world.labels.get(label) {
            None | Some(LabelState::Unknown) => Err(failure(FailureKind::NotFound)),
            Some(LabelState::Aborted) => Err(failure(FailureKind::Aborted)),
            Some(LabelState::Prepare) => Err(failure(FailureKind::Rejected)),
            Some(_) => {
                world.labels.insert(label.to_owned(), LabelState::Visible);
                Ok(())
            }
        }
    }

    fn rollback(&self, _: &str, label: &str, _: Option<i64>) -> Result<(), Failure> {
        let (mut world, scripted) = self.call("rollback", label);
        if let Some(failure) = scripted {
            return Err(failure);
        }
        match world.labels.get(label) {
            Some(LabelState::Committed | LabelState::Visible) => {
                Err(failure(FailureKind::Committed))
            }
            _ => {
                world.labels.insert(label.to_owned(), LabelState::Aborted);
                Ok(())
            }
        }
    }

    fn state(&self, label: &str) -> Result<LabelState, Failure> {
        let (world, scripted) = self.call("state", label);
        match scripted {
            Some(failure) => Err(failure),
            None => Ok(world.labels.get(label).copied().unwrap_or(LabelState::Unknown)),
        }
    }

    fn error_log(&self, url: &str) -> Result<String, Failure> {
        let row = |row: &str| format!("Error: too bad. Row: {row}\n");
        Ok(url.split(',').map(row).collect())
    }
}

/// The end of a label: its run and attempt.
fn short(told: &str) -> String {
    match told.rsplit_once('_') {
        Some((head, tail)) => {
            let call = head.split(' ').next().unwrap_or_default();
            format!("{call} {tail}")
        }
        None => told.to_owned(),
    }
}

fn loader(target: &Target, folder: &Path, exactly_once: bool) -> Loader {
    let counters = Arc::new(LoadCounters::default());
    let waiting = target.clone();
    let pause = Box::new(move |_| waiting.world().wait());
    let intents = Intents::open("out", folder).unwrap();
    Loader {
        sink: "out".to_owned(),
        exchange: Box::new(target.clone()),
        labels: Labels::new("0123456789abcdef", "p", "out", intents.run()),
        intents,
        waits: Waits::pausing(Arc::clone(&counters), Clock::Fixed(0), pause),
        counters,
        exactly_once,
    }
}

/// Rows that are texts.
struct Texts(Vec<String>);

impl Texts {
    fn of(rows: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(rows.into_iter().map(Into::into).collect())
    }
}

impl Contents for Texts {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn body<'a>(&'a self, rows: &'a RowSet) -> Body<'a> {
        let lines: Vec<&str> = rows.iter().map(|row| &*self.0[row]).collect();
        let shape = Shape {
            format: BodyFormat::Csv,
            compression: Compression::None,
            columns: vec!["text".to_owned()],
            partial: None,
            has_deletes: false,
            flexible: false,
            sequence: None,
        };
        let payload = Box::new(lines.join("\n").into_bytes());
        Body { shape, payload, rows: rows.len() as u64 }
    }

    fn text(&self, row: usize) -> Vec<u8> {
        self.0[row].clone().into_bytes()
    }

    fn refused(&self, row: usize, reason: String) -> LateRefusal {
        let values: Arc<dyn arrow_array::Array> =
            Arc::new(arrow_array::StringArray::from(vec![self.0[row].clone()]));
        let row = Batch {
            schema: Arc::new(Schema::new(vec![Field::new("text", DataType::Text, false)])),
            columns: vec![values.into()],
            meta: Arc::new(RowMeta {
                origin: "here".into(),
                operations: Operations::All(Operation::Insert),
                event_times: None,
                processing_times: vec![0].into(),
                majors: vec![i64::try_from(row).unwrap()].into(),
                minors: None,
                base: 0,
                mixed: None,
                late: None,
            }),
            rows: 1,
            selection: None,
            before: None,
        };
        LateRefusal { row, reason, column: None }
    }
}

/// The numbers of the refused rows, with their reasons.
fn refused(refused: &[LateRefusal]) -> Vec<(i64, &str)> {
    refused.iter().map(|late| (late.row.meta.majors[0], &*late.reason)).collect()
}

fn part(label: &str) -> PartHandle {
    PartHandle {
        table: "wagers".to_owned(),
        label: label.to_owned(),
        txn: Some(1),
        set: "all".to_owned(),
        index: 0,
        of: 1,
        rows: 10,
        bytes: 100,
        visible: false,
    }
}
