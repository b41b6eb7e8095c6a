//! Every step of a part's life with a crash behind it, and folders that others have changed.

use arrow_buffer::BooleanBuffer;

use super::*;

#[test]
fn a_part_is_hidden_until_it_is_committed_and_then_final() {
    let place = Place::new();
    let mut open = place.start();
    open.sink.write(&place.batch(&["a", "b"])).unwrap();
    assert_eq!(place.names(), [".millrace-one.parquet.tmp"]);
    let first = open.sink.prepare(1).unwrap().handle;
    assert_eq!(place.names(), [prepared("one", 1)]);
    assert_eq!(first.0["part"]["file"], visible("one", 1));
    assert_eq!(first.0["part"]["rows"], 2);
    commit(&mut open, &first);
    assert_eq!(place.names(), [visible("one", 1)]);
    commit(&mut open, &first);
    open.committer.confirmed(&first).unwrap();
    assert_eq!(place.ids(), ["a", "b"]);

    let second = open.sink.prepare(2).unwrap().handle;
    assert!(second.0["part"].is_null(), "an epoch without rows makes no file");
    commit(&mut open, &second);
    assert_eq!(place.names(), [visible("one", 1)]);
    let third = prepare(&mut open, 3, &place.batch(&["c"]));
    commit(&mut open, &third);
    assert_eq!(place.ids(), ["a", "b", "c"]);
}

#[test]
fn a_crash_between_any_two_steps_loses_and_doubles_nothing() {
    let place = Place::new();
    let start = place.initialise().unwrap();
    assert_eq!(place.initialise().unwrap(), start, "a crash before epoch 0 is stored");

    // Prepared, but the checkpoint was not stored; nor was the first one, where the sink is new.
    let mut open = place.recover(&start);
    prepare(&mut open, 1, &place.batch(&["lost"]));
    open.sink.write(&place.batch(&["lost"])).unwrap();
    drop(open);
    assert_eq!(place.names().len(), 2);
    assert_eq!(place.initialise().unwrap(), start);
    assert!(place.names().is_empty());
    prepare(&mut place.recover(&start), 1, &place.batch(&["lost"]));

    // Stored, but not committed; the next epoch's part is prepared, the one after it half written.
    let mut open = place.recover(&start);
    assert!(place.names().is_empty());
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    prepare(&mut open, 2, &place.batch(&["lost"]));
    open.sink.write(&place.batch(&["lost"])).unwrap();
    drop(open);

    // Committed, but not confirmed.
    let mut open = place.recover(&first);
    assert_eq!(place.names(), [visible("one", 1)]);
    let second = prepare(&mut open, 2, &place.batch(&["b"]));
    commit(&mut open, &second);
    drop(open);

    // Confirmed: the commit is not asked for again.
    let mut open = place.open(&second);
    open.committer.discard_beyond(&second).unwrap();
    assert_eq!(place.ids(), ["a", "b"]);
    let third = open.sink.prepare(3).unwrap().handle;
    drop(open);
    place.recover(&third);
    assert_eq!(place.ids(), ["a", "b"]);
}

#[test]
fn an_epoch_that_is_given_up_before_its_commit_leaves_nothing() {
    let place = Place::new();
    let mut open = place.start();
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    commit(&mut open, &first);
    prepare(&mut open, 2, &place.batch(&["given up"]));
    drop(open);
    let mut open = place.recover(&first);
    assert_eq!(place.names(), [visible("one", 1)]);
    let again = prepare(&mut open, 2, &place.batch(&["b"]));
    commit(&mut open, &again);
    assert_eq!(place.ids(), ["a", "b"]);
}

#[test]
fn a_part_that_is_gone_or_changed_before_its_commit_halts() {
    let place = Place::new();
    let mut open = place.start();
    let first = prepare(&mut open, 1, &place.batch(&["a", "b"]));
    let hidden = place.path(&prepared("one", 1));
    let whole = fs::read(&hidden).unwrap();
    fs::write(&hidden, &whole[1..]).unwrap();
    let error = part_error(open.committer.commit(&first).unwrap_err());
    assert!(matches!(error, PartError::Changed { .. }), "{error}");
    assert_eq!(place.names(), [prepared("one", 1)], "nothing is touched");

    fs::remove_file(&hidden).unwrap();
    let error = part_error(open.committer.commit(&first).unwrap_err());
    assert!(matches!(error, PartError::Missing { rows: 2, .. }), "{error}");
    let text = error.to_string();
    for said in [visible("one", 1), prepared("one", 1), "put the file back".to_owned()] {
        assert!(text.contains(&said), "{text}");
    }

    fs::write(place.path(&visible("one", 1)), "another file").unwrap();
    let error = part_error(open.committer.commit(&first).unwrap_err());
    assert!(matches!(error, PartError::Changed { found: 12, .. }), "{error}");
    // Put back under either name it is the one that was prepared.
    fs::write(place.path(&visible("one", 1)), &whole).unwrap();
    commit(&mut open, &first);
    assert_eq!(place.ids(), ["a", "b"]);
}

#[test]
fn parts_that_readers_moved_away_after_they_were_confirmed_are_theirs() {
    let place = Place::new();
    let mut open = place.start();
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    commit(&mut open, &first);
    drop(open);
    fs::remove_file(place.path(&visible("one", 1))).unwrap();
    let mut open = place.open(&first);
    open.committer.discard_beyond(&first).unwrap();
    let second = prepare(&mut open, 2, &place.batch(&["b"]));
    commit(&mut open, &second);
    assert_eq!(place.ids(), ["b"]);
}

#[test]
fn a_visible_part_of_a_later_epoch_halts_and_stays() {
    let place = Place::new();
    let mut open = place.start();
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    commit(&mut open, &first);
    let second = prepare(&mut open, 2, &place.batch(&["b"]));
    commit(&mut open, &second);
    prepare(&mut open, 3, &place.batch(&["c"]));
    drop(open);
    let error = part_error(place.open(&first).committer.discard_beyond(&first).unwrap_err());
    assert!(matches!(error, PartError::Beyond { found: 2, expected: 1, .. }), "{error}");
    assert!(error.to_string().contains("older copy of the store"), "{error}");
    assert_eq!(place.names().len(), 3, "nothing is touched");
}

#[test]
fn files_of_others_are_left_alone() {
    let place = Place::new();
    let mut open = place.start();
    let others = [
        ".millrace-two-00000000000000000009.parquet.prepared",
        ".millrace-two.parquet.tmp",
        ".millrace-one-9.parquet.prepared",
        ".millrace-one-notes",
        "_SUCCESS",
        "part-two-00000000000000000009.parquet",
        "part-one-9.parquet",
        "readme.txt",
    ];
    for name in others {
        fs::write(place.path(name), "theirs").unwrap();
    }
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    prepare(&mut open, 2, &place.batch(&["lost"]));
    drop(open);
    place.recover(&first);
    let mut expected: Vec<String> = others.map(str::to_owned).to_vec();
    expected.push(visible("one", 1));
    expected.sort();
    assert_eq!(place.names(), expected);
}

#[test]
fn a_new_store_obeys_if_exists() {
    let mut place = Place::new();
    let mut open = place.start();
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    commit(&mut open, &first);
    prepare(&mut open, 2, &place.batch(&["hidden"]));
    drop(open);
    fs::write(place.path("other.parquet"), "theirs").unwrap();
    fs::write(place.path("notes.txt"), "theirs").unwrap();
    let before = place.names();

    place.context.incarnation = "two".to_owned();
    let error = place.initialise().unwrap_err();
    assert!(matches!(error, SinkError::OutputNotEmpty { .. }), "{error}");
    assert_eq!(place.names(), before, "nothing is touched");

    place.config.if_exists = IfExists::Append;
    let mut open = place.start();
    assert_eq!(place.names(), before);
    let added = prepare(&mut open, 1, &place.batch(&["b"]));
    commit(&mut open, &added);
    drop(open);
    assert_eq!(place.ids(), ["a", "b"]);

    place.context.incarnation = "three".to_owned();
    place.config.if_exists = IfExists::Replace;
    place.start();
    assert_eq!(place.names(), ["notes.txt", "other.parquet"]);

    // Whatever may be read from the folder keeps a new store out.
    place.config.if_exists = IfExists::Error;
    assert!(place.initialise().is_err());
    fs::remove_file(place.path("other.parquet")).unwrap();
    place.start();
}

#[test]
fn a_folder_may_be_gone_only_before_the_first_epoch() {
    let place = Place::new();
    let start = place.initialise().unwrap();
    fs::remove_dir(&place.config.path).unwrap();
    let mut open = place.recover(&start);
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    commit(&mut open, &first);
    drop(open);
    fs::remove_dir_all(&place.config.path).unwrap();
    let error = place.open(&first).committer.discard_beyond(&first).unwrap_err();
    assert!(matches!(error, SinkError::OutputMissing { .. }), "{error}");

    fs::write(&place.config.path, "a file").unwrap();
    for error in [
        place.initialise().unwrap_err(),
        place.open(&first).committer.discard_beyond(&first).unwrap_err(),
    ] {
        let error = part_error(error);
        assert!(matches!(error, PartError::NotAFolder { .. }), "{error}");
    }
}

#[test]
fn changes_and_rows_that_are_not_whole_are_refused() {
    let place = Place::new();
    let mut open = place.start();
    let mut batch = place.batch(&["a", "b", "c", "d"]);
    let mut meta = RowMeta::clone(&batch.meta);
    let operations = [Operation::Insert, Operation::Delete, Operation::Read, Operation::Insert];
    meta.operations = Operations::Each(operations.map(|code| code as u8).to_vec().into());
    batch.meta = Arc::new(meta);
    batch.columns[0].unchanged = Some(BooleanBuffer::from(vec![false, false, false, true]));
    let refused = open.sink.write(&batch).unwrap();
    assert_eq!(refused.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1, 3]);
    assert!(refused[0].reason.contains("delete"), "{}", refused[0].reason);
    assert_eq!(refused[1].column.as_deref(), Some("id"));
    let first = open.sink.prepare(1).unwrap().handle;
    commit(&mut open, &first);
    assert_eq!(place.ids(), ["a", "c"]);
}
