//! Joins before the call: what a miss comes to, for every operation.

use std::sync::Arc;

use arrow_array::Array;
use millrace::record::{Operation, Schema};
use millrace::stage::{Missing, StageError, Tables};
use serde_json::json;

use super::support::{
    Row, artifact, batch, config, open, places, row, rtp, schema, shown, tables, through,
};
use Operation::{Delete, Insert, Read, Truncate, Update};

/// A wager of a game that is not in the table.
fn unknown(number: i64, operation: Operation) -> Row {
    Row { game: Some("g-9"), ..row(number, operation) }
}

fn wagers() -> Vec<Row> {
    vec![
        row(1, Insert),
        unknown(2, Insert),
        unknown(3, Update),
        unknown(4, Delete),
        unknown(5, Truncate),
        Row { game: None, ..row(6, Read) },
        row(7, Update),
        row(8, Delete),
        Row { living: false, ..unknown(9, Update) },
    ]
}

/// Places of the rows that go on, and of those that are refused.
fn joined(missing: Missing, schema: &Arc<Schema>) -> (Vec<String>, Vec<String>) {
    let (made, letters) = through(&mut open(rtp(schema, missing)), batch(&wagers(), schema, 2));
    (places(&made), letters.into_iter().map(|letter| letter.position).collect())
}

#[test]
fn a_miss_that_gives_null_keeps_every_row() {
    let schema = schema(false);
    let (made, letters) =
        through(&mut open(rtp(&schema, Missing::Null)), batch(&wagers(), &schema, 0));
    assert!(letters.is_empty());
    let rows = shown(&made);
    assert_eq!(rows.len(), 8);
    assert!(rows[0].contains("\"provider\":\"Acme\",\"theoretical_rtp\":0.9650,\"rtp\":0.2500"));
    for (row, start) in [(1, "insert test:2 "), (2, "update test:3 "), (5, "read test:6 ")] {
        let nulls = "\"provider\":null,\"theoretical_rtp\":null,\"rtp\":0.2500,\
                     \"rtp_difference\":null}";
        assert!(rows[row].starts_with(start) && rows[row].ends_with(nulls), "{}", rows[row]);
    }
}

#[test]
fn a_miss_that_is_refused_leaves_a_letter_and_deletes_nothing() {
    let on =
        ["insert test:1", "delete test:4", "truncate test:5", "update test:7", "delete test:8"];
    for append_only in [true, false] {
        let (made, refused) = joined(Missing::Reject, &schema(append_only));
        assert_eq!(made, on);
        assert_eq!(refused, ["test:2", "test:3", "test:6"]);
    }
    let schema = schema(false);
    let rows = [unknown(1, Update)];
    let stage = &mut open(rtp(&schema, Missing::Reject));
    let letters = through(stage, batch(&rows, &schema, 0)).1;
    assert_eq!(letters[0].reason, "no row of table `games` has game_id = \"g-9\"");
    assert_eq!(letters[0].stage, "rtp");
    assert_eq!(letters[0].artifact.as_deref(), Some(artifact("rtp_enrichment.wasm").hash()));
    assert!(letters[0].input.starts_with("{\"id\":1,\"game_id\":\"g-9\","));
}

#[test]
fn an_update_that_misses_and_is_dropped_becomes_a_delete_of_its_key() {
    let (made, refused) = joined(Missing::Drop, &schema(false));
    assert!(refused.is_empty());
    assert_eq!(
        made,
        [
            "insert test:1",
            "delete test:3",
            "delete test:4",
            "truncate test:5",
            "update test:7",
            "delete test:8",
        ]
    );
    // The same where every row is an update.
    let schema = schema(false);
    let rows = [unknown(1, Update), row(2, Update)];
    let (made, _) = through(&mut open(rtp(&schema, Missing::Drop)), batch(&rows, &schema, 0));
    assert_eq!(places(&made), ["delete test:1", "update test:2"]);
    assert_eq!(shown(&made)[0], "delete test:1 1");
}

#[test]
fn an_update_that_misses_and_is_dropped_is_gone_from_what_only_appends() {
    let (made, refused) = joined(Missing::Drop, &schema(true));
    assert!(refused.is_empty());
    let on =
        ["insert test:1", "delete test:4", "truncate test:5", "update test:7", "delete test:8"];
    assert_eq!(made, on);
}

#[test]
fn deletes_join_nothing_though_their_game_is_known() {
    let schema = schema(false);
    for missing in [Missing::Null, Missing::Reject, Missing::Drop] {
        let mut stage = open(rtp(&schema, missing));
        let rows = [row(1, Delete), row(2, Insert), unknown(3, Delete)];
        let (made, letters) = through(&mut stage, batch(&rows, &schema, 0));
        assert!(letters.is_empty());
        assert_eq!(places(&made), ["delete test:1", "insert test:2", "delete test:3"]);
        for column in &made.columns[6..] {
            assert!(column.values.is_null(0) && column.values.is_null(2));
            assert!(!column.values.is_null(1));
        }
    }
}

#[test]
fn a_table_that_was_never_loaded_is_an_error_of_the_stage() {
    let schema = schema(false);
    let artifact = artifact("rtp_enrichment.wasm");
    let config = config("rates", &artifact, json!({}), &schema, Some(Missing::Null));
    let mut stage = open(config);
    let error = stage.apply(0, batch(&[row(1, Insert)], &schema, 0), &Tables::default());
    assert!(matches!(
        error,
        Err(StageError::TableMissing { stage, table }) if stage == "rates" && table == "games"
    ));
    assert!(stage.apply(0, batch(&[row(1, Insert)], &schema, 0), &tables()).is_ok());
}
