//! Row functions of every shape, through the code that runs in wasm.

use millrace_sdk::prelude::*;
use millrace_sdk::raw::{Extras, Guest, Operations};
use millrace_sdk::testing::{Row, Test, Value, json, unchanged};

/// A column of each type, to be answered as it came.
#[derive(Input)]
struct Every<'a> {
    yes: Option<bool>,
    small: Option<i16>,
    medium: Option<i32>,
    large: Option<i64>,
    single: Option<f32>,
    double: Option<f64>,
    money: Option<Decimal<2>>,
    wide: Option<Decimal128<4>>,
    text: Option<&'a str>,
    bytes: Option<&'a [u8]>,
    day: Option<Date>,
    hour: Option<Time>,
    instant: Option<Timestamp>,
    id: Option<Uuid>,
    document: Option<Json<'a>>,
    #[column("type")]
    renamed: i64,
    note: Field<&'a str>,
}

#[derive(Output)]
struct Echoed<'a> {
    yes: Option<bool>,
    small: Option<i16>,
    medium: Option<i32>,
    large: Option<i64>,
    single: Option<f32>,
    double: Option<f64>,
    money: Option<Decimal<2>>,
    wide: Option<Decimal128<4>>,
    text: Option<&'a str>,
    bytes: Option<Vec<u8>>,
    day: Option<Date>,
    hour: Option<Time>,
    instant: Option<Timestamp>,
    id: Option<Uuid>,
    document: Option<Json<'a>>,
    #[column("type")]
    renamed: i64,
    note: Field<String>,
}

/// Answers what it reads,
/// but for every seventh row.
///
/// This is not part of the summary.
#[transform]
fn echo(row: Every<'_>) -> Option<Echoed<'_>> {
    (row.renamed % 7 != 0).then(|| Echoed {
        yes: row.yes,
        small: row.small,
        medium: row.medium,
        large: row.large,
        single: row.single,
        double: row.double,
        money: row.money,
        wide: row.wide,
        text: row.text,
        bytes: row.bytes.map(<[u8]>::to_vec),
        day: row.day,
        hour: row.hour,
        instant: row.instant,
        id: row.id,
        document: row.document,
        renamed: row.renamed,
        note: row.note.map(str::to_owned),
    })
}

/// Row `index`: every third value is null, in another column each time.
fn every(index: usize) -> Value {
    let mut row = json!({
        "yes": index.is_multiple_of(2),
        "small": index,
        "medium": 70_000 + index,
        "large": i64::MAX,
        "single": 0.5,
        "double": 0.1,
        "money": format!("-{index}.25"),
        "wide": "1234567890123456789012345678901234.5678",
        "text": "ä".repeat(index % 5),
        "bytes": "00ff".repeat(index % 3),
        "day": "2024-02-29",
        "hour": "23:59:59.999999",
        "instant": "2024-02-29T12:00:00Z",
        "id": "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "document": {"index": index},
    });
    let columns = row.as_object_mut().expect("an object");
    for (place, value) in columns.values_mut().enumerate() {
        if (index + place).is_multiple_of(3) {
            *value = Value::Null;
        }
    }
    row["type"] = json!(index);
    row["note"] = [json!("sent"), Value::Null, unchanged()][index % 3].clone();
    row
}

#[test]
fn every_type_comes_back_however_the_batches_are_cut() {
    for count in [0, 1, 7, 8, 9, 16, 63, 64, 65, 200] {
        let rows: Vec<Value> = (0..count).map(every).collect();
        let test = Test::<echo>::new().rows(rows.clone());
        let whole = test.run();
        let kept: Vec<Value> = rows
            .into_iter()
            .enumerate()
            .filter(|(row, _)| row % 7 != 0)
            .map(|(_, row)| row)
            .collect();
        assert_eq!(whole.added(), kept, "{count} rows");
        for seed in 0..5 {
            assert_eq!(test.clone().cut(seed).run(), whole, "{count} rows, seed {seed}");
        }
    }
}

#[test]
fn a_description_says_what_the_code_says() {
    let description = Test::<echo>::new().describe().expect("it has no params");
    assert_eq!(description.name, "echo");
    assert_eq!(description.about, "Answers what it reads, but for every seventh row.");
    assert_eq!(description.version, env!("CARGO_PKG_VERSION"));
    let input = &description.inputs[0];
    assert_eq!(input.takes, Operations::INSERT | Operations::UPDATE | Operations::READ);
    assert_eq!(input.extras, Extras::empty());
    let renamed = &input.columns[15];
    assert_eq!((renamed.column.as_str(), renamed.nullable), ("type", false));
    assert_eq!(description.outputs[0].fields.len(), 17);
}

#[derive(Input)]
struct Clocked {
    id: i64,
    #[meta(processing_time)]
    now: Timestamp,
    #[meta(event_time)]
    at: Option<Timestamp>,
    #[meta(operation)]
    operation: Operation,
}

#[derive(Output)]
struct Stamped {
    delay: Option<i64>,
    read: bool,
}

/// What is no column, and a name of its own.
#[transform(name = "stamped", about = "Says how late a row is.")]
fn stamp(row: Clocked) -> Stamped {
    Stamped {
        delay: row.at.map(|at| row.now.micros_since(at) + row.id),
        read: row.operation == Operation::Read,
    }
}

#[test]
fn meta_columns_come_beside_the_others() {
    let row = |id: i64| Row::from(json!({"id": id})).processing_time(Timestamp::from_micros(100));
    let answer = Test::<stamp>::new()
        .row(row(0).event_time(Timestamp::from_micros(40)))
        .row(row(1).operation(Operation::Read))
        .run();
    assert_eq!(
        answer.added(),
        [json!({"delay": 60, "read": false}), json!({"delay": null, "read": true})]
    );
    let description = Test::<stamp>::new().describe().expect("it has no params");
    assert_eq!((description.name.as_str(), description.about.len()), ("stamped", 23));
}

#[derive(Input)]
struct Stock {
    amount: i64,
}

#[derive(Output)]
struct Movement {
    moved: i64,
}

/// The difference between the images of an update. Negative amounts are refused.
#[transform]
fn movement(row: Stock, #[before] before: Option<Stock>) -> Result<Movement, &'static str> {
    if row.amount < 0 {
        return Err("a stock is not negative");
    }
    Ok(Movement { moved: row.amount - before.map_or(0, |before| before.amount) })
}

#[test]
fn both_images_are_transformed() {
    let stock = |amount: i64| json!({"amount": amount});
    let mut rows: Vec<Row> = (0..10).map(|amount| Row::from(stock(amount))).collect();
    rows.push(Row::update(stock(5), stock(20)));
    rows.push(Row::update(stock(-1), stock(3)));
    rows.push(Row::update(stock(-1), stock(-2)));
    let test = Test::<movement>::new().rows(rows);
    let answer = test.run();
    assert_eq!(answer.added()[10], json!({"moved": 15}));
    assert_eq!(answer.before_rows(), [json!({"amount": 5, "moved": 5})]);
    let refused: Vec<_> =
        answer.rejected().iter().map(|refused| (refused.row, refused.reason.as_str())).collect();
    assert_eq!(
        refused,
        [(11, "before image: a stock is not negative"), (12, "a stock is not negative")]
    );
    assert_eq!(test.cut(3).run(), answer);
}

#[derive(Input)]
struct Tagged<'a> {
    tag: Option<&'a str>,
}

/// Keeps what has a tag.
#[transform]
fn has_tag(row: Tagged) -> bool {
    count("rows_seen", 1);
    row.tag.is_some()
}

#[test]
fn a_value_that_was_not_sent_refuses_the_row_of_a_function_that_needs_it() {
    let answer = Test::<has_tag>::new()
        .row(json!({"tag": "a"}))
        .row(json!({"tag": unchanged()}))
        .row(json!({"tag": null}))
        .run();
    assert_eq!(answer.kept(), [0]);
    assert_eq!(
        (answer.rejected()[0].row, answer.rejected()[0].column.as_deref()),
        (1, Some("tag"))
    );
    assert_eq!(answer.counter("rows_seen"), 2);
}

#[derive(Input)]
struct Sum {
    left: Decimal<0>,
    right: Decimal<0>,
}

/// Filters by a sum that may overflow.
#[transform]
fn positive_sum(row: Sum) -> bool {
    row.left + row.right > Decimal::ZERO
}

#[test]
fn an_overflow_refuses_the_row_even_where_the_function_drops_it() {
    let most = "999999999999999999";
    let answer = Test::<positive_sum>::new()
        .row(json!({"left": most, "right": "1"}))
        .row(json!({"left": "1", "right": "1"}))
        .row(json!({"left": "-1", "right": "1"}))
        .run();
    assert_eq!(answer.kept(), [1]);
    assert_eq!(answer.rejected().len(), 1);
    assert_eq!(answer.rejected()[0].reason, "decimal overflow");
}

#[test]
fn the_type_of_a_transform_can_be_driven_without_a_test() {
    let test = Test::<positive_sum>::new().row(json!({"left": "1", "right": "2"}));
    let mut transform = positive_sum::open("{}", &[], &[]).expect("it has no params");
    let outcome = transform.process(test.batch()).expect("the batch is right");
    assert!(outcome.rejected.is_empty());
    assert!(positive_sum::open("{\"a\": 1}", &[], &[]).is_ok(), "describe checks params");
}
