use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::checkpoint::{Opened, SinkProgress};
use crate::record::{Batch, Epoch};
use crate::sink::{Committer, Prepared, Refusal};

/// What the sinks of a test were told, in order.
type Told = Arc<Mutex<Vec<String>>>;

/// What a sink's target does with the handle of epoch 2.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Commits,
    Forgot,
    ForgotHalf,
}

use Target::{Commits, Forgot, ForgotHalf};

struct Fake {
    name: &'static str,
    target: Target,
    told: Told,
}

impl Fake {
    fn tell(&self, what: &str, handle: &Handle) {
        self.told.lock().unwrap().push(format!("{} {what} {}", self.name, handle.0["epoch"]));
    }
}

impl Committer for Fake {
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError> {
        if self.target == Target::Commits || handle.0["epoch"] != 2 {
            self.tell("commit", handle);
            return Ok(Committed::Done);
        }
        self.tell("expired", handle);
        let label = format!("{}-a", self.name);
        let half = Handle(json!({ "epoch": 2, "parts": [{ "label": label }] }));
        Ok(Committed::Expired { visible: (self.target == Target::ForgotHalf).then_some(half) })
    }

    fn confirmed(&mut self, _: &Handle) -> Result<(), SinkError> {
        Ok(())
    }

    fn discard_beyond(&mut self, last: &Handle) -> Result<(), SinkError> {
        self.tell("discard beyond", last);
        Ok(())
    }
}

impl Sink for Fake {
    fn write(&mut self, _: &Batch) -> Result<Vec<Refusal>, SinkError> {
        Ok(Vec::new())
    }

    fn prepare(&mut self, epoch: Epoch) -> Result<Prepared, SinkError> {
        let handle = Handle(json!({ "epoch": epoch, "anew": true }));
        Ok(Prepared { handle, refused: Vec::new() })
    }

    fn ready(&mut self) -> Result<(), SinkError> {
        self.told.lock().unwrap().push(format!("{} ready", self.name));
        Ok(())
    }

    fn mute(&mut self, visible: &Handle, whole: &Handle) -> Result<(), SinkError> {
        let parts = |handle: &Handle| handle.0["parts"].as_array().map_or(0, Vec::len);
        let (visible, whole) = (parts(visible), parts(whole));
        self.told.lock().unwrap().push(format!("{} mute {visible} of {whole}", self.name));
        Ok(())
    }
}

const NAMES: [&str; 3] = ["doris", "starrocks", "sqlite"];

fn candidate(name: &'static str, target: Target, told: &Told) -> Candidate<'static> {
    let told = Arc::clone(told);
    let durability = match name {
        "sqlite" => Durability::WriteAhead,
        _ => Durability::TwoPhase,
    };
    Candidate {
        name: name.to_owned(),
        durability,
        initialise: Box::new(|| Ok(Handle(json!({ "epoch": 0 })))),
        open: Box::new(move |_| {
            let fake = || Fake { name, target, told: Arc::clone(&told) };
            Ok(OpenSink { sink: Box::new(fake()), committer: Box::new(fake()) })
        }),
    }
}

fn handle(name: &str, epoch: Epoch) -> Value {
    let label = |part: &str| json!({ "label": format!("{name}-{part}") });
    json!({ "epoch": epoch, "parts": [label("a"), label("b")] })
}

fn checkpoint(epoch: Epoch) -> Checkpoint {
    let handles = NAMES.map(|name| (name.to_owned(), handle(name, epoch)));
    Checkpoint { epoch, handles: handles.into(), ..Checkpoint::default() }
}

/// A store whose last two checkpoints are 1, all confirmed, and `last`, of which `confirmed` are.
fn store(folder: &std::path::Path, last: &Checkpoint, confirmed: &[&str]) -> CheckpointStore {
    let Opened { store, .. } = CheckpointStore::open(folder, "test").unwrap();
    store.write(&checkpoint(1)).unwrap();
    for name in NAMES {
        store.confirm(1, name).unwrap();
    }
    store.write(last).unwrap();
    for name in confirmed {
        store.confirm(2, name).unwrap();
    }
    store
}

/// A store and its sinks, as one start after the other finds them.
struct Place {
    folder: tempfile::TempDir,
    /// The targets of Doris, StarRocks and SQLite.
    targets: [Target; 3],
    obstacle: Option<&'static str>,
}

impl Place {
    fn new(last: &Checkpoint, confirmed: &[&str], targets: [Target; 3]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        drop(store(folder.path(), last, confirmed));
        Self { folder, targets, obstacle: None }
    }

    /// Settles as a start does, up to the first row; what the sinks were told.
    fn start(&self) -> (Result<Settled, PipelineError>, Vec<String>) {
        let Opened { store, last } = CheckpointStore::open(self.folder.path(), "test").unwrap();
        let told = Told::default();
        let sinks = NAMES.into_iter().zip(self.targets);
        let candidates: Vec<Candidate<'_>> =
            sinks.map(|(name, target)| candidate(name, target, &told)).collect();
        let obstacle = |_: &Repeat| self.obstacle.map(str::to_owned);
        let settled = settle(&store, last.unwrap(), &candidates, &obstacle, &Faults::default());
        let settled = settled.and_then(|mut settled| settled.ready().map(|()| settled));
        let told = told.lock().unwrap().clone();
        (settled, told)
    }

    fn last(&self) -> Epoch {
        CheckpointStore::open(self.folder.path(), "test").unwrap().last.unwrap().epoch
    }
}

#[test]
fn open_commits_are_finished_in_order_and_then_the_rest_is_discarded() {
    let place = Place::new(&checkpoint(2), &["doris"], [Commits; 3]);
    let (settled, told) = place.start();
    let settled = settled.unwrap();
    assert_eq!((settled.checkpoint.epoch, settled.repeat), (2, None));
    assert_eq!(
        told,
        [
            "starrocks commit 2",
            "sqlite commit 2",
            "doris discard beyond 2",
            "starrocks discard beyond 2",
            "sqlite discard beyond 2",
            "doris ready",
            "sqlite ready",
            "starrocks ready",
        ]
    );
}

#[test]
fn a_checkpoint_of_which_nothing_is_visible_falls_back_whole() {
    let place = Place::new(&checkpoint(2), &[], [Forgot, Commits, Commits]);
    let (settled, told) = place.start();
    let settled = settled.unwrap();
    assert_eq!((settled.checkpoint.epoch, settled.repeat), (1, None));
    assert_eq!(
        told[..4],
        [
            "doris expired 2",
            "doris discard beyond 1",
            "starrocks discard beyond 1",
            "sqlite discard beyond 1",
        ]
    );
    assert_eq!(place.last(), 1, "the dropped checkpoint stays dropped");
}

#[test]
fn a_sink_that_took_no_row_shows_nothing() {
    let nothing = SinkProgress::default();
    let taken = [("doris".to_owned(), nothing)].into();
    let place =
        Place::new(&Checkpoint { taken, ..checkpoint(2) }, &["doris"], [Commits, Forgot, Commits]);
    let (settled, told) = place.start();
    let settled = settled.unwrap();
    assert_eq!((settled.checkpoint.epoch, settled.repeat), (1, None));
    assert!(!told.contains(&"sqlite commit 2".to_owned()), "{told:?}");
}

#[test]
fn a_sink_that_shows_all_is_muted_while_the_others_take_their_rows_again() {
    // Doris was committed by the run before, or is now.
    for confirmed in [&["doris"][..], &[]] {
        let place = Place::new(&checkpoint(2), confirmed, [Commits, Forgot, Commits]);
        let (settled, told) = place.start();
        let mut settled = settled.unwrap();
        assert_eq!(settled.checkpoint.epoch, 1);
        let repeat = settled.repeat.clone().expect("it is to be repeated");
        assert_eq!(repeat.target, checkpoint(2));
        assert_eq!(repeat.whole().collect::<Vec<_>>(), ["doris", "sqlite"]);
        assert_eq!(
            told[told.len() - 5..],
            [
                "sqlite commit 2",
                "doris discard beyond 2",
                "starrocks discard beyond 1",
                "sqlite discard beyond 2",
                "starrocks ready",
            ],
            "what can be committed is, and the muted sinks are left alone"
        );
        let mut prepared = |name: &str| {
            settled.writers.get_mut(name).expect("it is open").prepare(2).unwrap().handle.0
        };
        assert_eq!(prepared("doris"), handle("doris", 2), "its handle is that of before");
        assert_eq!(prepared("sqlite"), handle("sqlite", 2));
        assert_eq!(prepared("starrocks")["anew"], true);
    }
}

#[test]
fn a_sink_that_shows_a_part_is_told_which() {
    let place = Place::new(&checkpoint(2), &[], [ForgotHalf, Commits, Commits]);
    let (settled, told) = place.start();
    let settled = settled.unwrap();
    let repeat = settled.repeat.expect("it is to be repeated");
    assert_eq!(repeat.whole().collect::<Vec<_>>(), ["sqlite", "starrocks"]);
    assert_eq!(
        told,
        [
            "doris expired 2",
            "starrocks commit 2",
            "sqlite commit 2",
            "doris discard beyond 2",
            "starrocks discard beyond 2",
            "sqlite discard beyond 2",
            "doris ready",
            "doris mute 1 of 2",
        ]
    );
}

#[test]
fn a_crash_on_the_way_back_is_a_crash_before_it() {
    let place = Place::new(&checkpoint(2), &["doris"], [Commits, ForgotHalf, Commits]);
    let (first, _) = place.start();
    let first = first.unwrap();
    assert_eq!(place.last(), 1, "the store is back, in one step");
    let (second, told) = place.start();
    let second = second.unwrap();
    assert_eq!((second.checkpoint.epoch, &second.repeat), (1, &first.repeat));
    assert_eq!(
        told,
        [
            "doris discard beyond 2",
            "starrocks discard beyond 2",
            "sqlite discard beyond 2",
            "starrocks ready",
            "starrocks mute 1 of 2",
        ],
        "nothing is committed a second time"
    );

    let Opened { store, .. } = CheckpointStore::open(place.folder.path(), "test").unwrap();
    let visible = second.repeat.iter().flat_map(Repeat::whole).map(str::to_owned).collect();
    store.write_confirmed(&checkpoint(2), &visible).unwrap();
    assert_eq!(store.repeat().unwrap(), None, "the way has been gone");
    assert!(store.is_confirmed(2, "doris").unwrap() && store.is_confirmed(2, "sqlite").unwrap());
    assert!(!store.is_confirmed(2, "starrocks").unwrap());
}

#[test]
fn where_the_rows_would_be_others_it_halts_with_sinks_labels_and_choices() {
    let mut place = Place::new(&checkpoint(2), &[], [Commits, ForgotHalf, Commits]);
    place.obstacle = Some("table `games` has other rows now");
    let (halted, told) = place.start();
    let error = halted.err().expect("it halts").to_string();
    for part in ["sink `starrocks` (label starrocks-b)", "checkpoint 2", "table `games`", "by hand"]
    {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains("starrocks-a") && !error.contains("`doris`"), "{error}");
    assert!(told.contains(&"sqlite commit 2".to_owned()), "what can be committed is: {told:?}");
    assert_eq!(place.last(), 2, "the store is as it was");

    // On the way back it halts, too, and goes on once the obstacle is gone.
    place.obstacle = None;
    assert!(place.start().0.is_ok());
    place.obstacle = Some("table `games` has other rows now");
    assert!(matches!(place.start().0, Err(PipelineError::CannotRepeat { epoch: 2, .. })));
    place.obstacle = None;
    assert!(place.start().0.is_ok());
}
