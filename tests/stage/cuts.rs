//! Batches carry no meaning: random wagers, whole or cut anyhow, alive or dead, come to what the
//! transforms' plain Rust comes to row by row.

use std::sync::Arc;

use millrace::record::{DeadLetter, Operation, Schema};
use millrace::stage::{Missing, Stage};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::model::{self, Letter};
use super::support::{Row, artifact, batch, config, open, schema, shown, through};

/// Amounts: usual ones, none, zero, and what overflows.
fn amount() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        6 => (-100_000_i64..100_000).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(0)),
        1 => Just(Some(1)),
        1 => prop_oneof![Just(900_000_000_000_000_000), Just(-900_000_000_000_000_000)]
            .prop_map(Some),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => Just(Operation::Insert),
        4 => Just(Operation::Update),
        2 => Just(Operation::Delete),
        1 => Just(Operation::Truncate),
        1 => Just(Operation::Read),
    ]
}

fn wager() -> impl Strategy<Value = Row> {
    let version = prop_oneof![
        5 => (1_i64..9).prop_map(Some),
        2 => Just(Some(0)),
        1 => Just(None),
        1 => Just(Some(1 << 31)),
    ];
    let game = prop_oneof![Just(None), Just(Some("g-1")), Just(Some("g-2")), Just(Some("g-9"))];
    let end = prop::option::of(0_i64..1 << 50);
    (operation(), prop::bool::weighted(0.8), game, version, amount(), amount(), end).prop_map(
        |(operation, living, game, version, bet, win, end)| Row {
            number: 0,
            operation,
            living,
            game,
            version,
            bet,
            win,
            end,
        },
    )
}

/// Wagers of rising numbers; half of the time all with one operation, as sources batch them.
fn wagers() -> impl Strategy<Value = Vec<Row>> {
    (prop::collection::vec(wager(), 0..70), prop::option::of(operation())).prop_map(
        |(mut rows, one)| {
            for (row, number) in rows.iter_mut().zip(1..) {
                row.number = number;
                row.operation = one.unwrap_or(row.operation);
            }
            rows
        },
    )
}

/// Lengths of the batches that rows are cut into, over and over; and how their columns are sliced.
fn cuts() -> impl Strategy<Value = (Vec<usize>, usize)> {
    (prop::collection::vec(1_usize..25, 1..5), 0_usize..11)
}

fn missing() -> impl Strategy<Value = Missing> {
    prop_oneof![Just(Missing::Null), Just(Missing::Reject), Just(Missing::Drop)]
}

fn check<S: Strategy>(strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&strategy, test) {
        panic!("{error}");
    }
}

/// The rows in batches through stages, one batch after the other.
fn run(
    stages: &mut [Stage],
    rows: &[Row],
    schema: &Arc<Schema>,
    (lengths, pad): &(Vec<usize>, usize),
) -> (Vec<String>, Vec<Letter>) {
    let (mut rest, mut lengths) = (rows, lengths.iter().cycle());
    let (mut made, mut letters): (Vec<String>, Vec<DeadLetter>) = (Vec::new(), Vec::new());
    while !rest.is_empty() {
        let length = lengths.next().copied().unwrap_or(usize::MAX).min(rest.len());
        let (now, later) = rest.split_at(length);
        let mut rows = batch(now, schema, *pad);
        for stage in stages.iter_mut() {
            let (next, rejected) = through(stage, rows);
            letters.extend(rejected);
            rows = next;
        }
        made.extend(shown(&rows));
        rest = later;
    }
    (made, model::letters(letters))
}

#[test]
fn wager_revenue_is_its_row_by_row_model_however_rows_are_cut() {
    let artifact = artifact("wager_revenue.wasm");
    check((wagers(), cuts(), any::<bool>()), |(rows, cuts, append_only)| {
        let schema = schema(append_only);
        let mut stages = [open(config("revenue", &artifact, json!({}), &schema, None))];
        let mut letters = Vec::new();
        let source = model::source(&rows);
        let made = model::stage("revenue", append_only, source, &mut letters, model::revenue);
        let expected = (model::shown(&made), model::sorted(letters));
        prop_assert_eq!(&run(&mut stages, &rows, &schema, &cuts), &expected);
        prop_assert_eq!(
            &run(&mut stages, &rows, &schema, &(vec![rows.len().max(1)], 0)),
            &expected
        );
        Ok(())
    });
}

#[test]
fn rtp_enrichment_is_its_row_by_row_model_however_rows_are_cut() {
    let artifact = artifact("rtp_enrichment.wasm");
    check((wagers(), cuts(), any::<bool>(), missing()), |(rows, cuts, append_only, missing)| {
        let schema = schema(append_only);
        let mut stages = [open(config("rtp", &artifact, json!({}), &schema, Some(missing)))];
        let mut letters = Vec::new();
        let verdict = |row: &Row| model::rtp(row, missing);
        let source = model::source(&rows);
        let made = model::stage("rtp", append_only, source, &mut letters, verdict);
        let expected = (model::shown(&made), model::sorted(letters));
        prop_assert_eq!(&run(&mut stages, &rows, &schema, &cuts), &expected);
        let whole = (vec![rows.len().max(1)], 0);
        prop_assert_eq!(&run(&mut stages, &rows, &schema, &whole), &expected);
        Ok(())
    });
}

#[test]
fn two_stages_are_their_models_one_after_the_other() {
    let revenue = artifact("wager_revenue.wasm");
    let rtp = artifact("rtp_enrichment.wasm");
    check((wagers(), cuts(), any::<bool>(), missing()), |(rows, cuts, append_only, missing)| {
        let schema = schema(append_only);
        let first = config("revenue", &revenue, json!({}), &schema, None);
        let second = config("rtp", &rtp, json!({}), &first.outputs[0], Some(missing));
        let mut stages = [open(first), open(second)];
        let mut letters = Vec::new();
        let source = model::source(&rows);
        let made = model::stage("revenue", append_only, source, &mut letters, model::revenue);
        let verdict = |row: &Row| model::rtp(row, missing);
        let made = model::stage("rtp", append_only, made, &mut letters, verdict);
        let expected = (model::shown(&made), model::sorted(letters));
        prop_assert_eq!(&run(&mut stages, &rows, &schema, &cuts), &expected);
        Ok(())
    });
}
