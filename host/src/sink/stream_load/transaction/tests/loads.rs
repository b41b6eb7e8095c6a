//! Loads through lost answers, throttles and bad rows, in both kinds of delivery.

use super::*;
use crate::sink::SinkError;
use crate::sink::stream_load::error::StreamLoadError;
use crate::sink::stream_load::protocol::BusyCause;
use crate::sink::stream_load::transaction::Outcome;
use crate::telemetry::LoadHealth;

fn load(loader: &Loader, rows: &Texts) -> Result<Outcome, SinkError> {
    loader.load_part(SPOT, rows, None)
}

fn halted(error: SinkError) -> StreamLoadError {
    match error {
        SinkError::StreamLoad { source, .. } => *source,
        other => panic!("{other}"),
    }
}

fn good(count: usize) -> Texts {
    Texts::of((0..count).map(|row| format!("row {row}")))
}

#[test]
fn a_part_is_one_prepared_load_whose_label_was_written_down() {
    let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
    let loader = loader(&target, folder.path(), true);
    let outcome = load(&loader, &good(3)).unwrap();
    assert_eq!(target.told(), ["prepare 1-1"]);
    let [part] = &outcome.taken[..] else { panic!("{outcome:?}") };
    assert_eq!((part.rows, part.txn, &*part.table), (3, Some(1), "wagers"));
    assert_eq!((part.index, part.of, part.visible), (0, 1, false));
    assert_eq!(loader.intents.all(), [(part.label.clone(), "wagers".to_owned())]);
    let open = &loader.counters.open_transactions;
    assert_eq!(open.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_body_is_sent_once_in_a_transaction() {
    for (kind, after) in [
        (FailureKind::Lost, Some(LabelState::Prepared)),
        (FailureKind::Lost, None),
        (FailureKind::Unreachable, None),
        (FailureKind::Aborted, Some(LabelState::Aborted)),
        (FailureKind::NotFound, None),
    ] {
        let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
        let loader = loader(&target, folder.path(), true);
        target.script("prepare", [(kind.clone(), after)]);
        let outcome = load(&loader, &good(2)).unwrap();
        assert_eq!(target.told(), ["prepare 1-1", "rollback 1-1", "prepare 1-2"], "{kind:?}");
        assert_eq!(outcome.taken.len(), 1);
        assert_eq!(target.rows(LabelState::Prepared).len(), 2);
        assert_eq!(loader.intents.all().len(), 1, "the first has ended");
    }
}

#[test]
fn what_cannot_be_rolled_back_stays_an_intent() {
    let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
    let loader = loader(&target, folder.path(), true);
    target.script("prepare", [(FailureKind::Lost, Some(LabelState::Prepared))]);
    target.script("rollback", vec![(FailureKind::Unreachable, None); 9]);
    let outcome = load(&loader, &good(2)).unwrap();
    assert_eq!(outcome.taken.len(), 1);
    assert_eq!(loader.intents.all().len(), 2);
}

#[test]
fn throttles_are_waited_for_and_told() {
    for exactly_once in [true, false] {
        let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
        let loader = loader(&target, folder.path(), exactly_once);
        let call = if exactly_once { "prepare" } else { "load" };
        let busy = FailureKind::Busy(BusyCause::Versions);
        target.script(call, [(busy.clone(), Some(LabelState::Aborted))]);
        let again = if exactly_once { "prepare" } else { "resend" };
        target.script(again, vec![(busy, Some(LabelState::Aborted)); 100]);
        let outcome = load(&loader, &good(2)).unwrap();
        assert_eq!(outcome.taken.len(), 1);
        assert_eq!(target.world().waits, 101);
        assert_eq!(loader.counters.retries()["too-many-versions"], 101);
        assert_eq!(loader.counters.health(0), LoadHealth::Healthy);
    }
}

#[test]
fn a_label_that_is_somebody_elses_halts_and_is_left_alone() {
    for exactly_once in [true, false] {
        let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
        let loader = loader(&target, folder.path(), exactly_once);
        let call = if exactly_once { "prepare" } else { "load" };
        target.script(call, [(FailureKind::LabelExists { finished: true, txn: None }, None)]);
        let error = halted(load(&loader, &good(2)).unwrap_err());
        assert!(matches!(error, StreamLoadError::LabelInUse { .. }), "{error}");
        assert_eq!(target.told().len(), 1);
    }
}

#[test]
fn what_no_trying_mends_halts() {
    for kind in [FailureKind::Denied, FailureKind::Fatal] {
        for exactly_once in [true, false] {
            let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
            let loader = loader(&target, folder.path(), exactly_once);
            let call = if exactly_once { "prepare" } else { "load" };
            target.script(call, [(kind.clone(), None)]);
            let error = halted(load(&loader, &good(2)).unwrap_err());
            assert!(error.to_string().contains("the target said no"), "{error}");
            assert_eq!(target.world().waits, 0);
        }
    }
}

#[test]
fn a_load_that_was_committed_at_once_says_why_and_not_what_came_of_it() {
    let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
    let loader = loader(&target, folder.path(), true);
    target.script("prepare", [(FailureKind::Fatal, Some(LabelState::Visible))]);
    let error = halted(load(&loader, &good(2)).unwrap_err());
    assert!(error.to_string().contains("the target said no"), "{error}");
    assert_eq!(loader.intents.all().len(), 1, "the next start finds it");
}

#[test]
fn a_body_that_is_too_large_is_cut_in_halves() {
    for exactly_once in [true, false] {
        let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
        let loader = loader(&target, folder.path(), exactly_once);
        target.world().rows_max = Some(3);
        let outcome = load(&loader, &good(10)).unwrap();
        let rows: Vec<u64> = outcome.taken.iter().map(|part| part.rows).collect();
        assert_eq!(rows, [2, 3, 2, 3]);
        assert!(outcome.taken.iter().all(|part| part.is_of("wagers", "all", 0)));
        target.world().rows_max = Some(0);
        let outcome = load(&loader, &good(2)).unwrap();
        assert_eq!((outcome.taken.len(), outcome.refused.len()), (0, 2));
    }
}

/// Where bad rows stand, and whether the log names them.
fn with_bad_rows(exactly_once: bool, names: bool, bad: &str, at: &[usize]) {
    let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
    let loader = loader(&target, folder.path(), exactly_once);
    target.world().names = names;
    let mut rows = good(40);
    for row in at {
        rows.0[*row] = format!("{bad} {row}");
    }
    let outcome = load(&loader, &rows).unwrap();
    let reason = if names { "too bad." } else { "the target said no" };
    let expected: Vec<(i64, &str)> =
        at.iter().map(|row| (i64::try_from(*row).unwrap(), reason)).collect();
    assert_eq!(refused(&outcome.refused), expected);
    let kept = if exactly_once { LabelState::Prepared } else { LabelState::Visible };
    let mut loaded = target.rows(kept);
    loaded.sort();
    let mut left: Vec<String> =
        rows.0.iter().filter(|row| row.starts_with("row")).cloned().collect();
    left.sort();
    assert_eq!(loaded, left);
    let counted: u64 = outcome.taken.iter().map(|part| part.rows).sum();
    assert_eq!(counted, left.len() as u64);
    if exactly_once {
        let transactions = usize::from(!left.is_empty());
        assert_eq!(outcome.taken.len(), transactions, "one in the end");
        assert_eq!(loader.intents.all().len(), outcome.taken.len(), "trials have ended");
    }
    if names {
        let loads = target.told().iter().filter(|told| !told.starts_with("rollback")).count();
        assert!(loads <= 2, "{loads} loads");
    }
}

#[test]
fn bad_rows_are_found_and_the_rest_is_loaded() {
    let all: Vec<usize> = (0..40).collect();
    for at in [&[0][..], &[39], &[17, 18], &[1, 20, 38], &all[..]] {
        for exactly_once in [true, false] {
            with_bad_rows(exactly_once, true, "bad", at);
            with_bad_rows(exactly_once, false, "bad", at);
            with_bad_rows(exactly_once, false, "broken", at);
        }
    }
}

#[test]
fn rows_that_were_refused_are_found_again_without_a_load() {
    let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
    let loader = loader(&target, folder.path(), true);
    let mut rows = good(9);
    rows.0[4] = "bad".to_owned();
    let found = loader.find_refused(SPOT, &rows, 1).unwrap();
    assert_eq!(refused(&found), [(4, "the target said no")]);
    assert!(target.rows(LabelState::Prepared).is_empty());
    let error = halted(loader.find_refused(SPOT, &rows, 2).unwrap_err());
    assert!(matches!(error, StreamLoadError::Halted { .. }), "{error}");
}

#[test]
fn a_plain_load_is_sent_again_under_its_label() {
    for (after, calls) in [
        // The answer was lost behind the commit, before it, and without a trace.
        (Some(LabelState::Visible), &["load 1-1", "state 1-1"][..]),
        (Some(LabelState::Committed), &["load 1-1", "state 1-1"][..]),
        (Some(LabelState::Aborted), &["load 1-1", "state 1-1", "resend 1-1"][..]),
        (None, &["load 1-1", "state 1-1", "resend 1-1"][..]),
    ] {
        let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
        let loader = loader(&target, folder.path(), false);
        target.script("load", [(FailureKind::Lost, after)]);
        let outcome = load(&loader, &good(2)).unwrap();
        assert_eq!(target.told(), calls, "{after:?}");
        assert_eq!(outcome.taken[0].rows, 2);
        assert!(loader.intents.all().is_empty(), "nothing is left open");
        assert!(loader.intents.sent().is_empty(), "nor under way");
    }
}

#[test]
fn a_plain_load_that_still_runs_is_waited_for() {
    let (target, folder) = (Target::default(), tempfile::tempdir().unwrap());
    let loader = loader(&target, folder.path(), false);
    target.script("load", [(FailureKind::Lost, Some(LabelState::Prepare))]);
    target.script("state", [(FailureKind::Lost, None), (FailureKind::Unreachable, None)]);
    target.world().later = Some((6, LabelState::Visible));
    let outcome = load(&loader, &good(2)).unwrap();
    assert_eq!(outcome.taken[0].rows, 2);
    assert_eq!(target.rows(LabelState::Visible).len(), 2);
    assert_eq!(target.world().waits, 6);
    let told = target.told();
    assert_eq!(told.iter().filter(|told| *told != "state 1-1").count(), 1, "it is sent once");
}
