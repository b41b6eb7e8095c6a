//! What a new store finds, and whether it may use it.

use super::*;
use crate::record::Operation::{Insert, Update};

#[test]
fn a_new_store_obeys_if_exists() {
    let mut place = Place::new(WriteMode::Append);
    let mut open = place.open(&place.initialise().unwrap());
    let first = pass(&mut open, 1, &place.batch(&[(Insert, "a", Some(1), 1)]));
    drop(open);

    place.context.incarnation = "two".to_owned();
    let error = place.initialise().unwrap_err().to_string();
    assert!(error.contains("table `wagers`"), "{error}");
    assert!(error.contains("if_exists = \"append\""), "{error}");
    assert!(error.contains("if_exists = \"replace\""), "{error}");

    place.config.if_exists = IfExists::Append;
    let mut open = place.open(&place.initialise().unwrap());
    pass(&mut open, 1, &place.batch(&[(Insert, "b", Some(2), 1)]));
    drop(open);
    assert_eq!(place.rows(), ["a=0.01", "b=0.02"]);

    place.context.incarnation = "three".to_owned();
    place.config.if_exists = IfExists::Replace;
    let mut open = place.open(&place.initialise().unwrap());
    assert!(place.rows().is_empty());
    pass(&mut open, 1, &place.batch(&[(Insert, "c", Some(3), 1)]));
    drop(open);
    assert_eq!(place.rows(), ["c=0.03"]);

    // The first store's rows are gone, and it must not go on as if they were there.
    place.context.incarnation = "one".to_owned();
    let error = place.open(&first).committer.commit(&first).unwrap_err();
    assert!(matches!(error, SinkError::UnexpectedNumber { found: None, .. }), "{error}");
}

#[test]
fn a_new_stores_rows_are_later_than_all_that_it_finds() {
    let mut place = Place::new(WriteMode::Upsert);
    let mut open = place.open(&place.initialise().unwrap());
    pass(&mut open, 1, &place.batch(&[(Insert, "a", Some(100), 1000)]));
    drop(open);
    place.context.incarnation = "two".to_owned();
    place.config.if_exists = IfExists::Append;
    let mut open = place.open(&place.initialise().unwrap());
    pass(&mut open, 1, &place.batch(&[(Update, "a", Some(200), 1)]));
    assert_eq!(place.rows(), ["a=2.00"]);
}

#[test]
fn a_table_that_does_not_fit_is_refused_with_the_difference() {
    let refusal = |mode, ddl: &str| {
        let place = Place::new(mode);
        fs::create_dir_all(place.config.path.parent().unwrap()).unwrap();
        place.database().execute_batch(ddl).unwrap();
        match place.initialise() {
            Err(SinkError::TableMismatch { differences, .. }) => differences,
            Err(other) => panic!("{other}"),
            Ok(_) => String::new(),
        }
    };
    use WriteMode::{Append, Upsert};
    let sequence = "_millrace_major BIGINT NOT NULL, _millrace_minor INTEGER NOT NULL";
    let fits = format!("CREATE TABLE wagers (ID varchar(9) PRIMARY KEY, amount TEXT, {sequence})");
    assert_eq!(refusal(Upsert, &fits), "");
    assert_eq!(
        refusal(Append, "CREATE TABLE wagers (n INTEGER PRIMARY KEY, id TEXT, amount TEXT)"),
        ""
    );
    assert!(
        refusal(Append, "CREATE TABLE wagers (id TEXT, amount DECIMAL(18,2))")
            .contains("`amount` is declared `DECIMAL(18,2)` where `DECIMAL_TEXT(18,2)` is needed")
    );
    assert!(
        refusal(Append, "CREATE TABLE wagers (id TEXT)")
            .contains("it has no column `amount` (DECIMAL_TEXT(18,2))")
    );
    assert!(
        refusal(Upsert, &format!("CREATE TABLE wagers (amount TEXT, {sequence})"))
            .contains("it has no column `id` (TEXT), which is of the key")
    );
    assert!(
        refusal(Append, "CREATE TABLE wagers (id TEXT, amount TEXT NOT NULL)")
            .contains("`amount` is NOT NULL")
    );
    assert!(
        refusal(Append, "CREATE TABLE wagers (id TEXT, amount TEXT, more TEXT NOT NULL)")
            .contains("`more` is NOT NULL without a default")
    );
    assert!(
        refusal(Append, "CREATE TABLE wagers (id TEXT PRIMARY KEY, amount TEXT)")
            .contains("`id` is part of the primary key")
    );
    assert!(
        refusal(Upsert, &format!("CREATE TABLE wagers (id TEXT, amount TEXT, {sequence})"))
            .contains("`id` is not part of the primary key")
    );
    assert!(
        refusal(Append, "CREATE TABLE wagers (id TEXT, amount TEXT UNIQUE)")
            .contains("unique index")
    );
    let child = format!("{fits}; CREATE TABLE bets (wager TEXT REFERENCES Wagers (id))");
    for (mode, ddl, late) in [
        (Append, "CREATE TABLE wagers (id TEXT, amount TEXT CHECK (amount <> ''))", "CHECK"),
        (
            Append,
            "CREATE TABLE people (id TEXT PRIMARY KEY);
             CREATE TABLE wagers (id TEXT REFERENCES people, amount TEXT)",
            "its foreign key to table `people`",
        ),
        (Upsert, child.as_str(), "the foreign key of table `bets`"),
        (
            Append,
            "CREATE TABLE wagers (id TEXT, amount TEXT);
             CREATE TRIGGER refuse BEFORE INSERT ON Wagers BEGIN SELECT raise(ABORT, 'no'); END",
            "its trigger `refuse`",
        ),
    ] {
        let refused = refusal(mode, ddl);
        assert!(refused.contains(late) && refused.contains("too late"), "{refused}");
    }
    assert!(
        refusal(Append, "CREATE VIEW wagers AS SELECT '' AS id, '' AS amount")
            .contains("it is a view")
    );
}

#[test]
fn the_statements_that_a_refusal_names_make_the_table_fit() {
    let place = Place::new(WriteMode::Upsert);
    fs::create_dir_all(place.config.path.parent().unwrap()).unwrap();
    place.database().execute_batch("CREATE TABLE wagers (id TEXT PRIMARY KEY)").unwrap();
    let error = place.initialise().unwrap_err().to_string();
    let statements: Vec<&str> =
        error.split('`').filter(|part| part.starts_with("ALTER TABLE")).collect();
    assert_eq!(statements.len(), 3, "{error}");
    place.database().execute_batch(&statements.join(";")).unwrap();
    place.initialise().unwrap();
}

#[test]
fn a_constraint_that_comes_while_the_pipeline_is_stopped_is_refused() {
    let place = Place::new(WriteMode::Append);
    let start = place.initialise().unwrap();
    place.database().execute_batch("CREATE UNIQUE INDEX one ON wagers (id)").unwrap();
    let error = place.open_error(&start);
    assert!(error.to_string().contains("unique index `one` may refuse rows too late"), "{error}");
}

#[test]
fn one_store_fills_one_table() {
    let mut place = Place::new(WriteMode::Append);
    let start = place.initialise().unwrap();
    place.config.table = "Wagers".to_owned();
    drop(place.open(&start));
    place.config.table = "others".to_owned();
    for is_there in [false, true] {
        if is_there {
            let ddl = "CREATE TABLE others (id TEXT NOT NULL, amount TEXT)";
            place.database().execute_batch(ddl).unwrap();
        }
        for error in [place.open_error(&start), place.initialise().unwrap_err()] {
            assert!(matches!(error, SinkError::OtherTable { .. }), "{error}");
            assert!(error.to_string().contains("fills table `wagers`"), "{error}");
            assert!(error.to_string().contains("names table `others`"), "{error}");
        }
    }
    place.context.incarnation = "two".to_owned();
    place.open(&place.initialise().unwrap());
}

#[test]
fn names_of_ours_and_keys_of_nobody_are_refused() {
    let mut place = Place::new(WriteMode::Upsert);
    place.config.key = vec!["nobody".into()];
    assert!(matches!(place.initialise().unwrap_err(), SinkError::UnknownKey { .. }));
    place.config.key.clear();
    assert!(matches!(place.initialise().unwrap_err(), SinkError::NoKey { .. }));
    let mut place = Place::new(WriteMode::Append);
    for table in ["_Millrace_Commits", "_Millrace_Unplaced"] {
        place.config.table = table.to_owned();
        assert!(matches!(place.initialise().unwrap_err(), SinkError::ReservedName { .. }));
    }
}

#[test]
fn a_lock_of_another_program_can_be_tried_again() {
    let place = Place::new(WriteMode::Append);
    let target = Target::new(&place.config, &place.context).unwrap();
    let busy =
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None);
    let error = target.failed("apply rows to")(busy);
    assert!(matches!(error, SinkError::Locked { .. }) && error.is_transient());
    assert!(error.to_string().contains("locked by another program"), "{error}");
}
