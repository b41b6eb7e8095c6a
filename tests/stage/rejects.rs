//! A row that is refused leaves the batch, and leaves exactly one dead letter.

use arrow_buffer::BooleanBuffer;
use millrace::record::{DeadLetter, Operation};
use serde_json::json;

use super::support::{
    NOW, artifact, batch, contract, open, places, refused, revenue, row, schema, through,
};
use Operation::{Delete, Insert, Update};

/// The JSON of a wager that is refused for its version.
fn input(number: i64) -> String {
    format!(
        "{{\"id\":{number},\"game_id\":\"g-1\",\"version\":2147483648,\"total_bet\":10.00,\
         \"total_win\":2.50,\"end_time\":null}}"
    )
}

#[test]
fn a_row_that_is_refused_is_one_letter_with_all_that_it_takes_to_find_it() {
    let schema = schema(false);
    let rows = [row(11, Insert), refused(12, Insert), row(13, Insert)];
    let (made, letters) = through(&mut open(revenue(&schema)), batch(&rows, &schema, 4));
    assert_eq!(places(&made), ["insert test:11", "insert test:13"]);
    let letter = DeadLetter {
        time: NOW,
        stage: "revenue".to_owned(),
        reason: "version exceeds an i32".to_owned(),
        column: Some("event_count".to_owned()),
        position: "test:12".to_owned(),
        sequence: (12, 0),
        ordinal: 0,
        artifact: Some(artifact("wager_revenue.wasm").hash().to_owned()),
        input: input(12),
    };
    assert_eq!(letters, [letter]);
}

#[test]
fn an_update_that_is_refused_deletes_nothing() {
    for append_only in [true, false] {
        let schema = schema(append_only);
        let rows = [refused(1, Update), row(2, Update), refused(3, Update)];
        let (made, letters) = through(&mut open(revenue(&schema)), batch(&rows, &schema, 0));
        assert_eq!(places(&made), ["update test:2"]);
        let inputs: Vec<&str> = letters.iter().map(|letter| letter.input.as_str()).collect();
        assert_eq!(inputs, [input(1), input(3)]);
    }
}

#[test]
fn letters_name_the_batchs_rows_though_the_guest_counts_those_that_crossed() {
    let schema = schema(false);
    let params = json!({"do": "reject", "rows": [0, 2], "takes": "inserts"});
    let mut stage = open(contract(params, &schema));
    let mut rows = [
        row(1, Insert),
        row(2, Insert),
        row(3, Delete),
        row(4, Insert),
        row(5, Insert),
        row(6, Insert),
    ];
    rows[0].living = false;
    let (made, letters) = through(&mut stage, batch(&rows, &schema, 0));
    assert_eq!(places(&made), ["delete test:3", "insert test:4", "insert test:6"]);
    let told: Vec<_> = letters
        .iter()
        .map(|letter| (letter.position.as_str(), letter.reason.as_str(), letter.column.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("test:2", "row 0 is refused", Some("amount")),
            ("test:5", "row 2 is refused", Some("amount")),
        ]
    );
}

#[test]
fn a_value_that_the_source_did_not_send_is_refused_where_it_is_read_and_missing_from_the_letter() {
    let schema = schema(false);
    let rows = [row(1, Update), row(2, Update), row(3, Delete)];
    let mut wagers = batch(&rows, &schema, 0);
    let mut bets = rows.clone();
    for bet in &mut bets[1..] {
        bet.bet = None;
    }
    wagers.columns[3] = batch(&bets, &schema, 0).columns.swap_remove(3);
    wagers.columns[3].unchanged = Some(BooleanBuffer::from(vec![false, true, true]));
    let (made, letters) = through(&mut open(revenue(&schema)), wagers);
    assert_eq!(places(&made), ["update test:1", "delete test:3"]);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].column.as_deref(), Some("total_bet"));
    assert_eq!(
        letters[0].input,
        "{\"id\":2,\"game_id\":\"g-1\",\"version\":1,\"total_win\":2.50,\"end_time\":null}"
    );
}
