//! Whole runs against targets that forget: a file, two two-phase sinks in memory, a crash between
//! their commits, and what the target then no longer has.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use serde_json::json;
use tempfile::TempDir;

use crate::config::{self, Environment, Plan};
use crate::pipeline::{self, Faults, Outcome, PipelineError, RunOptions, StandIn, StandIns};
use crate::record::{Batch, Epoch};
use crate::sandbox::{Sandbox, SandboxConfig};
use crate::sink::{
    Committed, Committer, Durability, Handle, OpenSink, Prepared, Refusal, Sink, SinkContext,
    SinkError,
};
use crate::telemetry::NodeCounters;

const ROWS: i64 = 35;
/// Of the file, whose rows are saved ten by ten.
const LAST_EPOCH: Epoch = 4;

const PIPELINE: &str = r#"
[pipeline]
name = "p"
checkpoint = { rows = 10, store = "store" }

[sources.numbers]
type = "file"
path = "numbers.jsonl"
format = "json"

[sources.numbers.columns]
id = { path = "id", type = "i64" }

[sinks.a]
type = "blackhole"
input = "numbers"

[sinks.b]
type = "blackhole"
input = "numbers"
"#;

/// A target: rows by the label of their load.
#[derive(Default)]
struct Tables {
    prepared: BTreeMap<String, Vec<i64>>,
    visible: BTreeMap<String, Vec<i64>>,
    labels: u32,
    /// Whether what it does not know any more may be visible for all it says.
    is_in_doubt: bool,
}

impl Tables {
    fn commit(&mut self, label: &str) -> bool {
        if let Some(rows) = self.prepared.remove(label) {
            self.visible.insert(label.to_owned(), rows);
        }
        self.visible.contains_key(label)
    }
}

#[derive(Clone)]
struct Fake {
    name: &'static str,
    target: Arc<Mutex<Tables>>,
}

impl Fake {
    fn target(&self) -> MutexGuard<'_, Tables> {
        self.target.lock().unwrap()
    }

    /// The rows that readers see, in order.
    fn rows(&self) -> Vec<i64> {
        let mut rows: Vec<i64> = self.target().visible.values().flatten().copied().collect();
        rows.sort_unstable();
        rows
    }
}

/// The parts of an epoch are its even and its odd rows; each has a label.
type Parts = BTreeMap<i64, String>;

fn handle(parts: &Parts) -> Handle {
    let part = |(part, label): (&i64, &String)| json!({ "part": part, "label": label });
    Handle(json!({ "parts": parts.iter().map(part).collect::<Vec<_>>() }))
}

fn parts(handle: &Handle) -> Parts {
    let parts = handle.0["parts"].as_array().expect("it is one of ours");
    let part = |part: &serde_json::Value| {
        let label = part["label"].as_str().expect("a label").to_owned();
        (part["part"].as_i64().expect("a number"), label)
    };
    parts.iter().map(part).collect()
}

struct Writer {
    fake: Fake,
    held: Vec<i64>,
    muted: Parts,
}

impl Sink for Writer {
    fn write(&mut self, batch: &Batch) -> Result<Vec<Refusal>, SinkError> {
        self.held.extend(batch.columns[0].values.as_primitive::<Int64Type>().values());
        Ok(Vec::new())
    }

    fn prepare(&mut self, epoch: Epoch) -> Result<Prepared, SinkError> {
        let held = std::mem::take(&mut self.held);
        let mut parts = std::mem::take(&mut self.muted);
        let mut target = self.fake.target();
        for part in 0..2 {
            if parts.contains_key(&part) {
                continue;
            }
            target.labels += 1;
            let label = format!("{}_{epoch}_{part}_{}", self.fake.name, target.labels);
            let rows = held.iter().copied().filter(|row| row % 2 == part).collect();
            target.prepared.insert(label.clone(), rows);
            parts.insert(part, label);
        }
        Ok(Prepared { handle: handle(&parts), refused: Vec::new() })
    }

    fn mute(&mut self, visible: &Handle, whole: &Handle) -> Result<(), SinkError> {
        assert_eq!(parts(whole).len(), 2);
        self.muted = parts(visible);
        Ok(())
    }
}

impl Committer for Fake {
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError> {
        let all = parts(handle);
        let mut visible = all.clone();
        visible.retain(|_, label| self.target().commit(label));
        Ok(match visible.len() {
            there if there == all.len() => Committed::Done,
            0 if !self.target().is_in_doubt => Committed::Expired { visible: None },
            _ => Committed::Expired { visible: Some(self::handle(&visible)) },
        })
    }

    fn confirmed(&mut self, _: &Handle) -> Result<(), SinkError> {
        Ok(())
    }

    fn discard_beyond(&mut self, last: &Handle) -> Result<(), SinkError> {
        let named = parts(last);
        self.target().prepared.retain(|label, _| named.values().any(|name| name == label));
        Ok(())
    }
}

impl StandIn for Fake {
    fn durability(&self) -> Durability {
        Durability::TwoPhase
    }

    fn initialise(&self, _: &SinkContext) -> Result<Handle, SinkError> {
        Ok(handle(&Parts::new()))
    }

    fn open(&self, _: &SinkContext, _: &Handle) -> Result<OpenSink, SinkError> {
        let sink = Writer { fake: self.clone(), held: Vec::new(), muted: Parts::new() };
        Ok(OpenSink { sink: Box::new(sink), committer: Box::new(self.clone()) })
    }
}

/// A folder with the pipeline, its input, and the targets of its sinks.
struct Place {
    folder: TempDir,
    a: Fake,
    b: Fake,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pipeline.toml"), PIPELINE).unwrap();
        let fake = |name| Fake { name, target: Arc::default() };
        let place = Self { folder, a: fake("a"), b: fake("b") };
        // The blank line makes two places of one between the rows of the second and third epoch.
        let line = |id: i64| match id {
            20 => format!("\n{{\"id\":{id}}}\n"),
            _ => format!("{{\"id\":{id}}}\n"),
        };
        place.write(&(0..ROWS).map(line).collect::<String>());
        place
    }

    fn write(&self, input: &str) {
        fs::write(self.folder.path().join("numbers.jsonl"), input).unwrap();
    }

    fn plan(&self) -> Plan {
        static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
        let sandbox = SANDBOX
            .get_or_init(|| Sandbox::new(&SandboxConfig::default()).expect("the sandbox starts"));
        let environment = Environment::from_variables(BTreeMap::<String, String>::new());
        let plan = config::load(&self.folder.path().join("pipeline.toml"), &environment, sandbox);
        plan.unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    }

    /// A run that crashes at a point of a sink and an epoch; how it ended, and the rows that sinks
    /// were given and that were committed in it.
    fn run(&self, crash: Option<(&'static str, &'static str, Epoch)>) -> Run {
        let plan = self.plan();
        let faults = Faults::new(move |point, sink, epoch| Some((point, sink, epoch)) == crash);
        let stand_in = |fake: &Fake| {
            let sink: Arc<dyn StandIn> = Arc::new(fake.clone());
            (fake.name.to_owned(), sink)
        };
        let sinks = StandIns::new([stand_in(&self.a), stand_in(&self.b)]);
        let options = RunOptions { faults, sinks, ..RunOptions::default() };
        let counters = pipeline::counters(&plan);
        let result = pipeline::run(&plan, &options, &counters).map(|summary| summary.outcome);
        let committed = counters.sinks.values().map(|sink| NodeCounters::get(&sink.rows_out));
        Run { result, committed: committed.collect() }
    }

    /// A first run that crashes when sink `a` has committed an epoch; then `b`'s target forgets what
    /// is prepared there, or all of it but one part.
    fn crashed(epoch: Epoch, forgets: Forgets) -> Self {
        let place = Self::new();
        let run = place.run(Some(("committed", "a", epoch)));
        assert!(matches!(run.result, Err(PipelineError::Injected(_))), "{:?}", run.result);
        let mut target = place.b.target();
        if forgets == Forgets::ThePartOfOddRows {
            let even = format!("b_{epoch}_0_");
            let label = target.prepared.keys().find(|label| label.starts_with(&even)).cloned();
            assert!(target.commit(&label.expect("it is prepared")));
        }
        target.prepared.clear();
        drop(target);
        place
    }

    fn is_whole(&self) {
        let all: Vec<i64> = (0..ROWS).collect();
        assert_eq!((self.a.rows(), self.b.rows()), (all.clone(), all));
    }
}

struct Run {
    result: Result<Outcome, PipelineError>,
    /// By `a` and `b`.
    committed: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Forgets {
    Everything,
    ThePartOfOddRows,
}

#[test]
fn what_a_target_forgot_comes_again_and_nothing_that_is_visible_does() {
    for epoch in 1..=LAST_EPOCH {
        for forgets in [Forgets::Everything, Forgets::ThePartOfOddRows] {
            let place = Place::crashed(epoch, forgets);
            let run = place.run(None);
            assert_eq!(run.result.unwrap(), Outcome::Finished, "epoch {epoch}, {forgets:?}");
            place.is_whole();
            let saved = 10 * epoch.min(3) + if epoch == LAST_EPOCH { 5 } else { 0 };
            let rest = ROWS.unsigned_abs() - saved;
            let again = if epoch == LAST_EPOCH { 5 } else { 10 };
            assert_eq!(run.committed, [rest, rest + again], "epoch {epoch}, {forgets:?}");
            assert_eq!(place.run(None).result.unwrap(), Outcome::AlreadyFinished);
            place.is_whole();
        }
    }
}

#[test]
fn a_crash_anywhere_on_the_way_back_loses_and_doubles_nothing() {
    let points = [
        ("turned", ""),
        ("prepared", "a"),
        ("prepared", "b"),
        ("collected", ""),
        ("stored", ""),
        ("committed", "b"),
        ("confirmed", "b"),
        ("acknowledged", ""),
    ];
    for epoch in [2, LAST_EPOCH] {
        for (point, sink) in points {
            let place = Place::crashed(epoch, Forgets::ThePartOfOddRows);
            let run = place.run(Some((point, sink, epoch)));
            let result = run.result;
            assert!(matches!(result, Err(PipelineError::Injected(_))), "{point}: {result:?}");
            assert!(matches!(
                place.run(None).result,
                Ok(Outcome::Finished | Outcome::AlreadyFinished)
            ));
            place.is_whole();
        }
    }
}

#[test]
fn a_target_that_forgets_on_the_way_back_is_gone_back_for_again() {
    let place = Place::crashed(2, Forgets::ThePartOfOddRows);
    let run = place.run(Some(("stored", "", 2)));
    assert!(run.result.is_err());
    // What was prepared again is gone again; what was visible before still is.
    place.b.target().prepared.clear();
    assert_eq!(place.run(None).result.unwrap(), Outcome::Finished);
    place.is_whole();
}

#[test]
fn where_nothing_is_visible_the_checkpoint_is_dropped_whole() {
    let place = Place::new();
    assert!(place.run(Some(("stored", "", 3))).result.is_err());
    place.b.target().prepared.clear();
    place.a.target().prepared.clear();
    assert_eq!(place.run(None).result.unwrap(), Outcome::Finished);
    place.is_whole();
}

/// A run that crashes before anything of an epoch is committed; then the first target no longer knows
/// what it has prepared.
fn in_doubt(epoch: Epoch) -> Place {
    let place = Place::new();
    assert!(place.run(Some(("stored", "", epoch))).result.is_err());
    let mut target = place.a.target();
    target.prepared.clear();
    target.is_in_doubt = true;
    drop(target);
    place
}

#[test]
fn what_may_be_visible_comes_again_by_the_same_way() {
    for epoch in 1..=LAST_EPOCH {
        let place = in_doubt(epoch);
        assert_eq!(place.run(None).result.unwrap(), Outcome::Finished, "epoch {epoch}");
        place.is_whole();
    }
}

#[test]
fn what_may_be_visible_and_cannot_come_again_halts() {
    let place = in_doubt(2);
    let changed = PIPELINE.replace("type = \"i64\" }", "type = \"i64\", required = true }");
    fs::write(place.folder.path().join("pipeline.toml"), changed).unwrap();
    let error = place.run(None).result.unwrap_err();
    assert!(matches!(error, PipelineError::CannotRepeat { epoch: 2, .. }), "{error}");
    assert!(error.to_string().contains("sink `a` (label a_2_"), "{error}");
}

#[test]
fn an_input_that_was_changed_halts_before_anything_is_prepared() {
    let place = Place::crashed(2, Forgets::Everything);
    // A row of the way is gone.
    let lines = |ids: std::ops::Range<i64>| -> String {
        ids.map(|id| format!("{{\"id\":{id}}}\n")).collect()
    };
    place.write(&format!("{}{}", lines(0..12), lines(13..20)));
    let error = place.run(None).result.unwrap_err();
    let PipelineError::Node { node, .. } = &error else { panic!("the source fails: {error}") };
    assert_eq!(node, "numbers");
    assert!(place.b.target().prepared.is_empty());
}

#[test]
fn a_pipeline_that_was_changed_halts_and_names_the_label() {
    let place = Place::crashed(2, Forgets::ThePartOfOddRows);
    let changed = PIPELINE.replace("type = \"i64\" }", "type = \"i64\", required = true }");
    fs::write(place.folder.path().join("pipeline.toml"), changed).unwrap();
    let error = place.run(None).result.unwrap_err();
    assert!(matches!(error, PipelineError::CannotRepeat { epoch: 2, .. }), "{error}");
    assert!(error.to_string().contains("sink `b` (label b_2_1_"), "{error}");
    fs::write(place.folder.path().join("pipeline.toml"), PIPELINE).unwrap();
    assert_eq!(place.run(None).result.unwrap(), Outcome::Finished);
    place.is_whole();
}
