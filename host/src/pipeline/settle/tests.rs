use std::sync::{Arc, Mutex};

use super::*;
use crate::checkpoint::Opened;
use crate::record::{Batch, Epoch};
use crate::sink::{Committer, Prepared, Refusal};

/// What the sinks of a test were told, in order.
type Told = Arc<Mutex<Vec<String>>>;

struct Fake {
    name: &'static str,
    expires: Option<u64>,
    told: Told,
}

impl Fake {
    fn tell(&self, what: &str, handle: &Handle) {
        self.told.lock().unwrap().push(format!("{} {what} {}", self.name, handle.0));
    }
}

impl Committer for Fake {
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError> {
        if self.expires.is_some_and(|epoch| handle.0 == epoch) {
            self.tell("expired", handle);
            return Ok(Committed::Expired);
        }
        self.tell("commit", handle);
        Ok(Committed::Done)
    }

    fn confirmed(&mut self, _: &Handle) -> Result<(), SinkError> {
        Ok(())
    }

    fn discard_beyond(&mut self, last: &Handle) -> Result<(), SinkError> {
        self.tell("discard beyond", last);
        Ok(())
    }
}

struct Nothing;

impl Sink for Nothing {
    fn write(&mut self, _: &Batch) -> Result<Vec<Refusal>, SinkError> {
        Ok(Vec::new())
    }

    fn prepare(&mut self, epoch: Epoch) -> Result<Prepared, SinkError> {
        Ok(Prepared { handle: Handle(epoch.into()), refused: Vec::new() })
    }
}

fn candidate(
    name: &'static str,
    durability: Durability,
    expires: Option<u64>,
    told: &Told,
) -> Candidate<'static> {
    let told = Arc::clone(told);
    Candidate {
        name: name.to_owned(),
        durability,
        initialise: Box::new(|| Ok(Handle(0.into()))),
        open: Box::new(move |_| {
            let committer = Box::new(Fake { name, expires, told: Arc::clone(&told) });
            Ok(OpenSink { sink: Box::new(Nothing), committer })
        }),
    }
}

fn checkpoint(epoch: Epoch) -> Checkpoint {
    let handle = |name: &str| (name.to_owned(), serde_json::Value::from(epoch));
    Checkpoint {
        epoch,
        handles: ["doris", "starrocks", "sqlite"].map(handle).into(),
        ..Checkpoint::default()
    }
}

/// A store whose last two checkpoints are 1, all confirmed, and 2, of which `confirmed` are.
fn store(folder: &std::path::Path, confirmed: &[&str]) -> CheckpointStore {
    let Opened { store, .. } = CheckpointStore::open(folder, "test").unwrap();
    store.write(&checkpoint(1)).unwrap();
    for name in ["doris", "starrocks", "sqlite"] {
        store.confirm(1, name).unwrap();
    }
    store.write(&checkpoint(2)).unwrap();
    for name in confirmed {
        store.confirm(2, name).unwrap();
    }
    store
}

fn run(confirmed: &[&str], expires: Option<u64>) -> (Result<Epoch, String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), confirmed);
    let told = Told::default();
    let candidates = vec![
        candidate("doris", Durability::TwoPhase, None, &told),
        candidate("starrocks", Durability::TwoPhase, expires, &told),
        candidate("sqlite", Durability::WriteAhead, None, &told),
    ];
    let result = settle(&store, checkpoint(2), candidates, &Faults::default())
        .map(|settled| settled.checkpoint.epoch)
        .map_err(|error| error.to_string());
    let told = told.lock().unwrap().clone();
    (result, told)
}

#[test]
fn open_commits_are_finished_in_order_and_then_the_rest_is_discarded() {
    let (result, told) = run(&["doris"], None);
    assert_eq!(result, Ok(2));
    assert_eq!(
        told,
        [
            "starrocks commit 2",
            "sqlite commit 2",
            "doris discard beyond 2",
            "starrocks discard beyond 2",
            "sqlite discard beyond 2",
        ]
    );
}

#[test]
fn a_checkpoint_of_which_nothing_is_visible_falls_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), &[]);
    let told = Told::default();
    let candidates = vec![
        candidate("starrocks", Durability::TwoPhase, Some(2), &told),
        candidate("doris", Durability::TwoPhase, None, &told),
        candidate("sqlite", Durability::WriteAhead, None, &told),
    ];
    let settled = settle(&store, checkpoint(2), candidates, &Faults::default()).unwrap();
    assert_eq!(settled.checkpoint.epoch, 1);
    assert_eq!(
        *told.lock().unwrap(),
        [
            "starrocks expired 2",
            "starrocks discard beyond 1",
            "doris discard beyond 1",
            "sqlite discard beyond 1",
        ]
    );
    drop(store);
    let Opened { last, .. } = CheckpointStore::open(folder.path(), "test").unwrap();
    assert_eq!(last.unwrap().epoch, 1, "the dropped checkpoint stays dropped");
}

#[test]
fn a_checkpoint_that_is_visible_in_part_halts_and_names_the_sink() {
    for confirmed in [&["doris"][..], &[]] {
        let (result, told) = run(confirmed, Some(2));
        let error = result.unwrap_err();
        assert!(error.contains("starrocks"), "{error}");
        assert!(!told.iter().any(|told| told.starts_with("sqlite commit")), "{told:?}");
    }
}
