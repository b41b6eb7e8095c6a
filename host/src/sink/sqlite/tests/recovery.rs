//! Crashes between the steps, and databases that are not what they were.

use super::*;
use crate::record::Operation::Insert;

#[test]
fn committing_again_does_nothing() {
    let place = Place::new(WriteMode::Append);
    let mut open = place.open(&place.initialise().unwrap());
    let handle = prepare(&mut open, 1, &place.batch(&[(Insert, "a", Some(1), 1)]));
    for _ in 0..3 {
        assert_eq!(open.committer.commit(&handle).unwrap(), Committed::Done);
    }
    open.committer.confirmed(&handle).unwrap();
    open.committer.confirmed(&handle).unwrap();
    assert_eq!(open.committer.commit(&handle).unwrap(), Committed::Done);
    assert_eq!(place.rows(), ["a=0.01"]);
    assert_eq!(place.segments(), 0);
}

#[test]
fn an_epoch_without_rows_needs_no_file_and_no_transaction() {
    let place = Place::new(WriteMode::Append);
    let mut open = place.open(&place.initialise().unwrap());
    let first = pass(&mut open, 1, &place.batch(&[(Insert, "a", Some(1), 1)]));
    let handle = open.sink.prepare(2).unwrap().handle;
    assert_eq!(place.segments(), 0);
    assert_eq!(handle.0["before"], 1);
    assert_eq!(handle.0["after"], 1);
    assert_eq!(open.committer.commit(&handle).unwrap(), Committed::Done);
    open.committer.confirmed(&handle).unwrap();
    let third = pass(&mut open, 3, &place.batch(&[(Insert, "b", Some(2), 2)]));
    assert_eq!(third.0["before"], 1);
    assert_eq!(place.rows(), ["a=0.01", "b=0.02"]);
    // A handle from before the last commit is not what the database stands at.
    assert!(matches!(
        open.committer.commit(&first).unwrap_err(),
        SinkError::UnexpectedNumber { found: Some(3), .. }
    ));
}

#[test]
fn a_crash_between_any_two_steps_loses_and_doubles_nothing() {
    let place = Place::new(WriteMode::Append);
    let start = place.initialise().unwrap();
    assert_eq!(place.initialise().unwrap(), start, "a crash before epoch 0 is stored");

    // Rows were written, nothing prepared.
    let mut open = place.open(&start);
    open.sink.write(&place.batch(&[(Insert, "lost", Some(1), 1)])).unwrap();
    drop(open);

    // Prepared, but the checkpoint was not stored.
    let mut open = place.open(&start);
    open.committer.commit(&start).unwrap();
    open.committer.discard_beyond(&start).unwrap();
    assert_eq!(place.segments(), 0);
    prepare(&mut open, 1, &place.batch(&[(Insert, "lost", Some(1), 1)]));
    drop(open);

    // Stored, but not committed.
    let mut open = place.open(&start);
    open.committer.commit(&start).unwrap();
    open.committer.discard_beyond(&start).unwrap();
    let first = prepare(&mut open, 1, &place.batch(&[(Insert, "a", Some(1), 1)]));
    drop(open);

    // Committed, but not confirmed; rows of the next epoch are already prepared.
    let mut open = place.open(&first);
    open.committer.commit(&first).unwrap();
    assert_eq!(place.rows(), ["a=0.01"]);
    prepare(&mut open, 2, &place.batch(&[(Insert, "lost", Some(1), 2)]));
    drop(open);

    // Confirmed in the store, but the segment is still there.
    let mut open = place.open(&first);
    open.committer.commit(&first).unwrap();
    open.committer.discard_beyond(&first).unwrap();
    assert_eq!(place.segments(), 1);
    let second = pass(&mut open, 2, &place.batch(&[(Insert, "b", Some(2), 2)]));
    assert_eq!(place.segments(), 0);
    drop(open);

    let mut open = place.open(&second);
    open.committer.commit(&second).unwrap();
    open.committer.discard_beyond(&second).unwrap();
    assert_eq!(place.rows(), ["a=0.01", "b=0.02"]);
}

#[test]
fn a_database_put_back_to_an_older_copy_halts() {
    let place = Place::new(WriteMode::Append);
    let mut open = place.open(&place.initialise().unwrap());
    let first = pass(&mut open, 1, &place.batch(&[(Insert, "a", Some(1), 1)]));
    drop(open);
    let old = place.copy("old.db");

    let mut open = place.open(&first);
    let second = prepare(&mut open, 2, &place.batch(&[(Insert, "b", Some(2), 2)]));
    open.committer.commit(&second).unwrap();
    drop(open);

    // The rows are still there, so that the copy is simply brought up to date.
    place.put_back(&old);
    let mut open = place.open(&second);
    open.committer.commit(&second).unwrap();
    assert_eq!(place.rows(), ["a=0.01", "b=0.02"]);
    open.committer.confirmed(&second).unwrap();
    drop(open);

    // Now they are not.
    place.put_back(&old);
    let mut open = place.open(&second);
    let error = open.committer.commit(&second).unwrap_err();
    assert!(matches!(error, SinkError::RowsGone { before: 1, after: 2, .. }), "{error}");
    assert!(error.to_string().contains("older copy"), "{error}");
    let error = open.committer.discard_beyond(&second).unwrap_err();
    assert!(matches!(error, SinkError::UnexpectedNumber { found: Some(1), .. }), "{error}");
    drop(open);

    // A copy of another store's database knows no number of this one.
    let mut other = Place::new(WriteMode::Append);
    other.context.incarnation = "two".to_owned();
    other.initialise().unwrap();
    place.put_back(&other.config.path);
    let error = place.open(&second).committer.commit(&second).unwrap_err();
    assert!(matches!(error, SinkError::UnexpectedNumber { found: None, .. }), "{error}");
    // And so does one that no sink has ever filled.
    other.database().execute_batch("DROP TABLE _millrace_commits").unwrap();
    place.put_back(&other.config.path);
    let error = place.open(&second).committer.commit(&second).unwrap_err();
    assert!(matches!(error, SinkError::UnexpectedNumber { found: None, .. }), "{error}");
}

#[test]
fn a_database_that_goes_away_halts_before_and_during_the_run() {
    let place = Place::new(WriteMode::Append);
    let start = place.initialise().unwrap();
    let copy = place.copy("copy.db");
    let mut open = place.open(&start);
    let handle = prepare(&mut open, 1, &place.batch(&[(Insert, "a", Some(1), 1)]));
    fs::remove_file(&place.config.path).unwrap();
    let error = open.committer.commit(&handle).unwrap_err();
    assert!(matches!(error, SinkError::OutputReplaced { .. }), "{error}");
    fs::copy(&copy, &place.config.path).unwrap();
    let error = open.committer.commit(&handle).unwrap_err();
    assert!(matches!(error, SinkError::OutputReplaced { .. }), "{error}");
    drop(open);
    fs::remove_file(&place.config.path).unwrap();
    assert!(matches!(place.open_error(&start), SinkError::OutputMissing { .. }));
    place.put_back(&copy);
    place.database().execute_batch("DROP TABLE wagers").unwrap();
    assert!(matches!(place.open_error(&start), SinkError::TableMissing { .. }));
}

#[test]
fn damaged_rows_are_not_applied() {
    let place = Place::new(WriteMode::Append);
    let mut open = place.open(&place.initialise().unwrap());
    let handle = prepare(&mut open, 1, &place.batch(&[(Insert, "a", Some(1), 1)]));
    let path =
        place.context.segments.join(handle.0["segment"]["file"].as_str().expect("a file's name"));
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    let at = bad.len() / 2;
    bad[at] ^= 1;
    fs::write(&path, bad).unwrap();
    let error = open.committer.commit(&handle).unwrap_err();
    assert!(matches!(error, SinkError::SegmentDamaged { .. }), "{error}");
    assert!(place.rows().is_empty());
    fs::write(&path, good).unwrap();
    open.committer.commit(&handle).unwrap();
    assert_eq!(place.rows(), ["a=0.01"]);
}
