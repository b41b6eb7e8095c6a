//! Commits and recoveries: every state that a label may be in, and every answer.

use super::*;
use crate::sink::stream_load::commit::StreamLoadCommitter;
use crate::sink::stream_load::error::StreamLoadError;
use crate::sink::stream_load::protocol::BusyCause;
use crate::sink::stream_load::transaction::{Emptied, StreamLoadHandle};
use crate::sink::{Committed, Committer, Handle, SinkError};

struct Test {
    target: Target,
    loader: Arc<Loader>,
    committer: StreamLoadCommitter,
    _folder: tempfile::TempDir,
}

/// A sink that is opened on a target whose labels are in these states.
fn test(labels: &[(&str, LabelState)]) -> Test {
    let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
    let loader = Arc::new(loader(&target, folder.path(), true));
    for (label, state) in labels {
        target.set(label, *state);
        loader.intents.begin(&[((*label).to_owned(), "wagers".to_owned())]).unwrap();
    }
    let told = target.clone();
    let statement = Box::new(move |sql: &str| {
        told.world().told.push(sql.to_owned());
        Ok(())
    });
    let committer = StreamLoadCommitter::new(Arc::clone(&loader), statement, 1);
    Test { target, loader, committer, _folder: folder }
}

fn handle(labels: &[&str], keyed: bool) -> Handle {
    let parts = labels.iter().map(|label| part(label)).collect();
    StreamLoadHandle { parts, keyed, ..StreamLoadHandle::default() }.write()
}

fn halted(error: SinkError) -> StreamLoadError {
    match error {
        SinkError::StreamLoad { source, .. } => *source,
        other => panic!("{other}"),
    }
}

/// What is left of a handle that was given up: nothing is known to be visible, but all may be.
fn in_doubt() -> Committed {
    Committed::Expired { visible: Some(handle(&[], true)) }
}

/// The labels of what is visible of a handle that was given up.
fn visible(committed: Committed) -> Vec<String> {
    let Committed::Expired { visible } = committed else { panic!("it is done") };
    let visible = visible.map(|handle| StreamLoadHandle::read(&handle, "out").unwrap());
    visible.into_iter().flat_map(|handle| handle.parts).map(|part| part.label).collect()
}

const STATES: [LabelState; 6] = [
    LabelState::Unknown,
    LabelState::Prepare,
    LabelState::Prepared,
    LabelState::Committed,
    LabelState::Visible,
    LabelState::Aborted,
];

#[test]
fn a_commit_ends_as_the_state_of_its_label_says() {
    for state in STATES {
        for keyed in [true, false] {
            let mut test = test(&[("a", state)]);
            let result = test.committer.commit(&handle(&["a"], keyed));
            match (state, keyed) {
                (LabelState::Prepared | LabelState::Committed | LabelState::Visible, _) => {
                    assert_eq!(result.unwrap(), Committed::Done, "{state:?}");
                    assert_eq!(test.target.world().labels["a"], LabelState::Visible);
                    assert_eq!(test.target.told(), ["commit a"]);
                }
                (LabelState::Unknown, true) => assert_eq!(result.unwrap(), in_doubt()),
                (LabelState::Aborted, _) => {
                    let expired = Committed::Expired { visible: None };
                    assert_eq!(result.unwrap(), expired, "{state:?}");
                }
                (LabelState::Unknown, false) => {
                    let error = halted(result.unwrap_err());
                    assert!(matches!(error, StreamLoadError::LabelForgotten { .. }), "{error}");
                    assert!(error.to_string().contains("`a`"), "{error}");
                }
                (LabelState::Prepare, _) => {
                    let error = halted(result.unwrap_err());
                    assert!(matches!(error, StreamLoadError::Halted { .. }), "{error}");
                    assert!(test.target.world().waits > 3, "it is waited for");
                }
            }
        }
    }
}

#[test]
fn a_commit_whatever_the_first_answer_was() {
    for kind in [
        FailureKind::Unreachable,
        FailureKind::Lost,
        FailureKind::Busy(BusyCause::Cluster),
        FailureKind::Rejected,
        FailureKind::NotFound,
        FailureKind::Aborted,
        FailureKind::Committed,
    ] {
        for after in [LabelState::Prepared, LabelState::Visible, LabelState::Committed] {
            let mut test = test(&[("a", LabelState::Prepared)]);
            test.target.script("commit", [(kind.clone(), Some(after))]);
            let result = test.committer.commit(&handle(&["a"], false));
            assert_eq!(result.unwrap(), Committed::Done, "{kind:?} {after:?}");
        }
    }
    for kind in [FailureKind::Denied, FailureKind::Fatal] {
        let mut test = test(&[("a", LabelState::Prepared)]);
        test.target.script("commit", [(kind.clone(), None)]);
        test.committer.commit(&handle(&["a"], false)).unwrap_err();
        assert_eq!(test.target.told(), ["commit a", "state a"], "{kind:?}");
        test.target.script("commit", [(kind, Some(LabelState::Visible))]);
        let done = test.committer.commit(&handle(&["a"], false));
        assert_eq!(done.unwrap(), Committed::Done, "it was committed all the same");
    }
}

#[test]
fn a_label_that_is_not_known_for_a_moment_is_committed() {
    let mut test = test(&[("a", LabelState::Prepared)]);
    test.target.script("commit", [(FailureKind::NotFound, Some(LabelState::Unknown))]);
    test.target.world().later = Some((2, LabelState::Prepared));
    let committed = test.committer.commit(&handle(&["a"], false));
    assert_eq!(committed.unwrap(), Committed::Done);
    let told = test.target.told();
    assert_eq!(told, ["commit a", "state a", "state a", "state a", "commit a"]);
}

#[test]
fn committing_twice_is_committing_once() {
    let mut test = test(&[("a", LabelState::Prepared), ("b", LabelState::Prepared)]);
    let handle = handle(&["a", "b"], false);
    for _ in 0..2 {
        assert_eq!(test.committer.commit(&handle).unwrap(), Committed::Done);
    }
    test.committer.confirmed(&handle).unwrap();
    assert!(test.loader.intents.all().is_empty());
    let empty = StreamLoadHandle::default().write();
    test.target.told();
    assert_eq!(test.committer.commit(&empty).unwrap(), Committed::Done);
    assert_eq!(test.target.told(), Vec::<String>::new());
}

#[test]
fn a_dead_runs_epoch_that_has_lost_a_part_is_given_up_whole() {
    let mut test = test(&[
        ("a", LabelState::Prepared),
        ("b", LabelState::Aborted),
        ("c", LabelState::Visible),
    ]);
    let expired = test.committer.commit(&handle(&["a", "b", "c"], true)).unwrap();
    assert_eq!(visible(expired), ["c"]);
    assert_eq!(test.target.world().labels["a"], LabelState::Aborted, "it can never be committed");
    let mut test = self::test(&[("a", LabelState::Prepared), ("b", LabelState::Aborted)]);
    let expired = test.committer.commit(&handle(&["a", "b"], false)).unwrap();
    assert_eq!(expired, Committed::Expired { visible: None });
}

#[test]
fn what_a_dead_run_may_have_made_visible_is_never_taken_for_gone() {
    // `a` was committed, and forgotten since; `b` was not, and has expired.
    let labels = [("a", LabelState::Unknown), ("b", LabelState::Aborted)];
    let mut test = test(&labels);
    let error = halted(test.committer.commit(&handle(&["a", "b"], false)).unwrap_err());
    assert!(matches!(error, StreamLoadError::LabelForgotten { .. }), "{error}");
    let mut test = self::test(&labels);
    let expired = test.committer.commit(&handle(&["a", "b"], true)).unwrap();
    assert_eq!(expired, in_doubt(), "the epoch must not be dropped whole");
    assert!(!test.target.told().iter().any(|told| told.starts_with("rollback")));
}

#[test]
fn a_part_that_is_lost_while_running_leaves_the_others_visible() {
    let mut test = test(&[("z", LabelState::Prepared)]);
    test.committer.commit(&handle(&["z"], true)).unwrap();
    test.target.set("a", LabelState::Prepared);
    test.target.set("b", LabelState::Aborted);
    let expired = test.committer.commit(&handle(&["a", "b"], true)).unwrap();
    assert_eq!(visible(expired), ["a"]);
}

#[test]
fn parts_that_were_visible_before_are_not_asked_for() {
    let mut test = test(&[]);
    let seen = PartHandle { visible: true, ..part("a") };
    let parts = vec![seen, part("b")];
    let handle = StreamLoadHandle { parts, ..StreamLoadHandle::default() };
    test.target.set("b", LabelState::Prepared);
    assert_eq!(test.committer.commit(&handle.write()).unwrap(), Committed::Done);
    assert_eq!(test.target.told(), ["commit b"]);
}

#[test]
fn a_table_is_emptied_before_its_parts_and_never_after() {
    for (first, second, statements) in [
        (LabelState::Prepared, LabelState::Prepared, 1),
        (LabelState::Visible, LabelState::Prepared, 0),
        (LabelState::Aborted, LabelState::Prepared, 0),
    ] {
        let mut test = test(&[("a", first), ("b", second)]);
        let emptied =
            vec![Emptied { table: "wagers".to_owned(), sql: vec!["DELETE all".to_owned()] }];
        let parts = vec![part("a"), part("b")];
        let handle = StreamLoadHandle {
            parts,
            keyed: true,
            emptied,
            cut: String::new(),
            place: String::new(),
        };
        let committed = test.committer.commit(&handle.write()).unwrap();
        assert_eq!(committed == Committed::Done, first != LabelState::Aborted);
        let told = test.target.told();
        let deletes = told.iter().filter(|told| *told == "DELETE all").count();
        assert_eq!(deletes, statements, "{first:?}: {told:?}");
        let commit = told.iter().position(|told| told.starts_with("commit"));
        let delete = told.iter().position(|told| told == "DELETE all");
        assert!(delete.is_none() || delete < commit, "{told:?}");
        test.committer.commit(&handle.write()).unwrap();
        let again = test.target.told();
        assert!(!again.contains(&"DELETE all".to_owned()), "{first:?}: {again:?}");
    }
}

#[test]
fn an_emptied_table_whose_label_is_not_known_may_show_the_part() {
    let mut test = test(&[("a", LabelState::Unknown)]);
    let emptied = vec![Emptied { table: "wagers".to_owned(), sql: vec!["DELETE all".to_owned()] }];
    let parts = vec![part("a")];
    let handle =
        StreamLoadHandle { parts, keyed: true, emptied, cut: String::new(), place: String::new() };
    assert_eq!(test.committer.commit(&handle.write()).unwrap(), in_doubt());
    assert_eq!(test.target.told(), ["state a", "state a", "rollback a"]);
}

#[test]
fn what_no_checkpoint_names_is_ended_by_the_next_start() {
    for state in
        [LabelState::Unknown, LabelState::Prepare, LabelState::Prepared, LabelState::Aborted]
    {
        let mut test = test(&[("named", LabelState::Visible), ("beyond", state)]);
        test.committer.discard_beyond(&handle(&["named"], true)).unwrap();
        assert_eq!(test.target.told(), ["rollback beyond"]);
        assert_eq!(test.target.world().labels["beyond"], LabelState::Aborted);
        assert!(test.loader.intents.all().is_empty(), "all are forgotten");
    }
    for state in [LabelState::Committed, LabelState::Visible] {
        let mut test = test(&[("beyond", state)]);
        let error = halted(test.committer.discard_beyond(&handle(&[], true)).unwrap_err());
        assert!(matches!(error, StreamLoadError::Newer { .. }), "{error}");
        assert!(!test.loader.intents.all().is_empty(), "the next start finds it again");
    }
}

#[test]
fn plain_loads_of_a_dead_run_are_over_before_rows_flow() {
    for state in STATES {
        let mut test = test(&[]);
        test.target.set("plain", state);
        test.loader.intents.send("plain", "wagers").unwrap();
        test.committer.discard_beyond(&handle(&[], true)).unwrap();
        let after = test.target.world().labels["plain"];
        let is_over = !matches!(after, LabelState::Prepare | LabelState::Prepared);
        assert!(is_over, "{state:?}: {after:?}");
        assert!(test.loader.intents.sent().is_empty(), "{state:?}");
    }
}

#[test]
fn a_rollback_whatever_the_first_answer_was() {
    for kind in [
        FailureKind::Unreachable,
        FailureKind::Lost,
        FailureKind::Busy(BusyCause::InProgress),
        FailureKind::Rejected,
        FailureKind::NotFound,
    ] {
        for after in [LabelState::Prepared, LabelState::Aborted] {
            let mut test = test(&[("beyond", LabelState::Prepared)]);
            test.target.script("rollback", [(kind.clone(), Some(after))]);
            test.committer.discard_beyond(&handle(&[], true)).unwrap();
            assert_eq!(test.target.world().labels["beyond"], LabelState::Aborted, "{kind:?}");
        }
        let mut test = test(&[("beyond", LabelState::Prepared)]);
        test.target.script("rollback", [(kind.clone(), Some(LabelState::Visible))]);
        let error = halted(test.committer.discard_beyond(&handle(&[], true)).unwrap_err());
        assert!(matches!(error, StreamLoadError::Newer { .. }), "{kind:?}: {error}");
    }
}

#[test]
fn what_is_visible_of_an_epoch_that_is_given_up_is_not_beyond() {
    let mut test = test(&[("a", LabelState::Visible), ("b", LabelState::Aborted)]);
    let expired = test.committer.commit(&handle(&["a", "b"], true)).unwrap();
    assert_eq!(visible(expired), ["a"]);
    test.committer.discard_beyond(&handle(&["earlier"], true)).unwrap();
}

#[test]
fn handles_are_json_that_can_be_read_by_people() {
    let expected = serde_json::json!({
        "keyed": true,
        "parts": [{
            "table": "wagers", "label": "a", "txn": 1, "set": "all", "index": 0, "of": 1,
            "rows": 10, "bytes": 100,
        }],
    });
    assert_eq!(handle(&["a"], true).0, expected);
    assert_eq!(handle(&[], false).0, serde_json::json!({ "keyed": false, "parts": [] }));
    let bare = Handle(serde_json::json!({ "parts": [] }));
    assert_eq!(StreamLoadHandle::read(&bare, "out").unwrap(), StreamLoadHandle::default());
    assert!(StreamLoadHandle::read(&Handle(serde_json::json!({ "epoch": 1 })), "out").is_err());
}
