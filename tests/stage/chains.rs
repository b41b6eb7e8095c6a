//! Stages fused on one thread are those stages one after the other.

use std::sync::Arc;

use millrace::record::{DeadLetter, Operation, Schema};
use millrace::stage::{Chain, Missing, StageConfig};

use super::support::{
    Row, batch, open, refused, revenue, row, rtp, schema, shown, tables, through, uncounted,
};
use Operation::{Delete, Insert, Read, Truncate, Update};

fn configs(schema: &Arc<Schema>, missing: Missing) -> [StageConfig; 2] {
    let first = revenue(schema);
    let second = rtp(&first.outputs[0], missing);
    [first, second]
}

fn wagers() -> Vec<Row> {
    vec![
        row(1, Insert),
        uncounted(2, Update),
        Row { game: Some("g-9"), ..row(3, Update) },
        refused(4, Insert),
        row(5, Delete),
        Row { game: Some("g-2"), ..row(6, Read) },
        // The first stage keeps it, and the second has no digits for its rate.
        Row { bet: Some(1), win: Some(900_000_000_000_000_000), ..row(7, Update) },
        row(8, Truncate),
        Row { living: false, ..refused(9, Insert) },
        row(10, Update),
    ]
}

fn chained(schema: &Arc<Schema>, missing: Missing, rows: &[Row]) -> (Vec<String>, Vec<DeadLetter>) {
    let mut chain = Chain::new(configs(schema, missing).map(open).into());
    let output = chain.apply(0, batch(rows, schema, 2), &tables()).expect("the chain goes on");
    assert!(output.batches.iter().all(|(port, batch)| *port == 0 && batch.selected() > 0));
    let made = output.batches.iter().flat_map(|(_, batch)| shown(batch)).collect();
    (made, output.rejected)
}

#[test]
fn a_chain_is_its_stages_one_after_the_other() {
    for append_only in [true, false] {
        for missing in [Missing::Null, Missing::Reject, Missing::Drop] {
            let schema = schema(append_only);
            let [first, second] = configs(&schema, missing);
            let (between, mut letters) = through(&mut open(first), batch(&wagers(), &schema, 0));
            let (made, more) = through(&mut open(second), between);
            letters.extend(more);
            assert_eq!(chained(&schema, missing, &wagers()), (shown(&made), letters));
        }
    }
}

#[test]
fn letters_name_the_stage_that_refused_and_hold_what_came_to_it() {
    let (made, letters) = chained(&schema(false), Missing::Reject, &wagers());
    let told: Vec<(&str, &str)> =
        letters.iter().map(|letter| (letter.stage.as_str(), letter.position.as_str())).collect();
    assert_eq!(told, [("revenue", "test:4"), ("rtp", "test:3"), ("rtp", "test:7")]);
    assert!(!letters[0].input.contains("net_amount"));
    assert!(letters[1].input.contains("\"net_amount\":7.50"));
    assert!(!letters[2].input.contains("rtp_difference"));
    assert_eq!(made.len(), 6);
    assert!(made[1].starts_with("delete test:2 "));
}

#[test]
fn what_the_first_stage_leaves_none_of_goes_no_further() {
    let rows = [uncounted(1, Insert), uncounted(2, Read), refused(3, Update)];
    let mut chain = Chain::new(configs(&schema(false), Missing::Null).map(open).into());
    let names: Vec<&str> = chain.stages().iter().map(millrace::stage::Stage::name).collect();
    assert_eq!(names, ["revenue", "rtp"]);
    let output = chain.apply(0, batch(&rows, &schema(false), 0), &tables());
    let output = output.expect("the chain goes on");
    assert!(output.batches.is_empty());
    assert_eq!(output.rejected.len(), 1);
}
