//! Real messages of Debezium, and what becomes of each value in them.
//!
//! `debezium/*.jsonl` are the values of messages that Debezium 3.6.1 (PostgreSQL 15) and 3.5.0
//! (MariaDB 10.11) wrote, one a line, for a table `t` of all kinds of columns under the settings that
//! the file's name says: rows that a snapshot found, rows of extreme values, updates, a change of a
//! key, deletes with their tombstones, and a logical message. The long text in `big` is shortened.
//!
//! Each column is decoded beside the key alone, so that a value that is refused hides no other.

use std::collections::BTreeMap;
use std::fs;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use millrace::format::{ChangeFact, ColumnSpec, DebeziumDecoder, DecodedChanges, Limits, TimeUnit};
use millrace::record::{Column, DataType, Operation, write_value};
use millrace_tests::{compare_golden, root};

const POSTGRES: &[(&str, &str)] = &[
    ("c_text", "text"),
    ("c_varchar", "text"),
    ("c_bool", "bool"),
    ("c_small", "i16"),
    ("c_int", "i32"),
    ("c_big", "i64"),
    ("c_real", "f32"),
    ("c_double", "f64"),
    ("c_num", "decimal(18,2)"),
    ("c_numu", "decimal(38,6)"),
    ("c_date", "date"),
    ("c_time", "time"),
    ("c_ts", "timestamp"),
    ("c_ts3", "timestamp"),
    ("c_tstz", "timestamp"),
    ("c_timetz", "time"),
    ("c_interval", "text"),
    ("c_uuid", "uuid"),
    ("c_bytea", "binary"),
    ("c_json", "json"),
    ("c_jsonb", "json"),
    ("c_arr", "json"),
    ("c_iarr", "json"),
    ("c_enum", "text"),
    ("c_money", "decimal(18,2)"),
    ("c_inet", "text"),
    ("big", "text"),
    ("c_new", "i32"),
];

const MARIADB: &[(&str, &str)] = &[
    ("c_text", "text"),
    ("c_varchar", "text"),
    ("c_bool", "bool"),
    ("c_bit1", "bool"),
    ("c_bit10", "i32"),
    ("c_tiny", "i16"),
    ("c_small", "i16"),
    ("c_int", "i32"),
    ("c_uint", "i64"),
    ("c_big", "i64"),
    ("c_ubig", "decimal(20,0)"),
    ("c_float", "f32"),
    ("c_double", "f64"),
    ("c_num", "decimal(18,2)"),
    ("c_date", "date"),
    ("c_time", "time"),
    ("c_dt", "timestamp"),
    ("c_dt3", "timestamp"),
    ("c_dt6", "timestamp"),
    ("c_ts", "timestamp"),
    ("c_year", "i32"),
    ("c_bin", "binary"),
    ("c_blob", "binary"),
    ("c_json", "json"),
    ("c_enum", "text"),
    ("c_set", "text"),
    ("c_uuid", "uuid"),
    ("big", "text"),
];

/// How a capture's connector was told to write times.
#[derive(Clone, Copy)]
enum Times {
    /// As its schema says, or as text: no unit is declared.
    Said,
    /// In milliseconds where a column has at most three digits, in microseconds where it has more.
    Adaptive,
    /// In milliseconds.
    Connect,
}

impl Times {
    fn unit(self, column: &str) -> Option<TimeUnit> {
        match (self, column) {
            (Self::Said, _) | (_, "c_tstz" | "c_timetz") => None,
            (Self::Adaptive, "c_ts3" | "c_dt" | "c_dt3") => Some(TimeUnit::Ms),
            (Self::Adaptive, _) => Some(TimeUnit::Us),
            (Self::Connect, _) => Some(TimeUnit::Ms),
        }
    }
}

const CAPTURES: &[(&str, Times)] = &[
    ("mariadb-noschema-double-isostring", Times::Said),
    ("mariadb-noschema-precise-adaptive", Times::Adaptive),
    ("mariadb-noschema-string-connect", Times::Connect),
    ("mariadb-schema-precise-adaptive", Times::Said),
    ("mariadb-unwrap-rewrite", Times::Adaptive),
    ("postgres-noschema-double-microseconds", Times::Adaptive),
    ("postgres-noschema-precise-adaptive", Times::Adaptive),
    ("postgres-noschema-string-connect", Times::Connect),
    ("postgres-noschema-string-fullidentity", Times::Adaptive),
    ("postgres-noschema-string-isostring", Times::Said),
    ("postgres-schema-precise-adaptive", Times::Said),
    ("postgres-schema-string-connect", Times::Said),
    ("postgres-unwrap-rewrite", Times::Adaptive),
    ("postgres-unwrap-schema-rewrite", Times::Said),
    ("postgres-unwrap-tombstone", Times::Adaptive),
];

fn spec(name: &str, data_type: &str, unit: Option<TimeUnit>) -> ColumnSpec {
    ColumnSpec {
        name: name.into(),
        path: vec![name.to_owned()],
        data_type: data_type.parse().expect("a type"),
        unit,
        required: false,
        key: name == "id",
    }
}

fn read(capture: &str) -> Vec<u8> {
    let path = root().join(format!("tests/golden/debezium/{capture}.jsonl"));
    fs::read(path).expect("the capture is in the tree")
}

fn decode(lines: &[u8], columns: Vec<ColumnSpec>) -> DecodedChanges {
    decode_of(None, lines, columns)
}

fn decode_of(table: Option<&str>, lines: &[u8], columns: Vec<ColumnSpec>) -> DecodedChanges {
    let fact = |fact, data_type| (fact, spec("fact", data_type, None));
    let facts = vec![
        fact(ChangeFact::Timestamp, "timestamp"),
        fact(ChangeFact::Lsn, "i64"),
        fact(ChangeFact::Table, "text"),
    ];
    let tables = table.map(str::to_owned).into_iter().collect();
    let mut decoder = DebeziumDecoder::new(columns, facts).of_tables(tables);
    let progress = decoder.decode_chunk(lines, Limits { rows: usize::MAX, bytes: 1 << 30 });
    assert_eq!(progress.bytes, lines.len());
    decoder.finish()
}

/// The changes of a capture, with the key and one column.
fn column_of(capture: &str, name: &str, data_type: &str, unit: Option<TimeUnit>) -> DecodedChanges {
    decode(&read(capture), vec![spec("id", "i64", None), spec(name, data_type, unit)])
}

fn operation(changes: &DecodedChanges, row: usize) -> Operation {
    Operation::from_code(changes.operations[row]).expect("a code")
}

/// A value as JSON, or the word for one that did not change.
fn value(column: &Column, data_type: DataType, row: usize) -> String {
    if column.unchanged.as_ref().is_some_and(|bits| bits.value(row)) {
        assert!(column.values.is_null(row), "an unknown value stands as null");
        return "unchanged".to_owned();
    }
    let mut out = Vec::new();
    write_value(&mut out, data_type, &*column.values, row);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// The row of the line `line` (from 1).
fn row_of(changes: &DecodedChanges, line: i64) -> usize {
    changes.lines.iter().position(|of| *of == line).expect("the line is a row")
}

/// The value of the second column in the line `line`.
fn at(changes: &DecodedChanges, data_type: &str, line: i64) -> String {
    let data_type = data_type.parse().expect("a type");
    value(&changes.columns[1], data_type, row_of(changes, line))
}

fn reason(changes: &DecodedChanges, line: u64) -> &str {
    let reject = changes.rejects.iter().find(|reject| reject.line == line);
    &reject.expect("the line is a reject").reason
}

/// All that becomes of a capture: a line for each change, and one beneath for each of its columns.
fn print(capture: &str, columns: &[(&str, &str)], times: Times) -> String {
    let lines = read(capture);
    let mut printed: BTreeMap<i64, String> = BTreeMap::new();
    let keys = decode(&lines, vec![spec("id", "i64", None)]);
    assert!(keys.rejects.is_empty(), "{capture}: {:?}", keys.rejects);
    let fact = |index: usize, data_type, row| {
        value(&Column::from(keys.facts[index].clone()), data_type, row)
    };
    for (row, line) in keys.lines.iter().enumerate() {
        let id = value(&keys.columns[0], DataType::Int64, row);
        let head = format!(
            "line {line}: {} id={id} timestamp={} lsn={} table={}\n",
            operation(&keys, row).name(),
            fact(0, DataType::Timestamp, row),
            fact(1, DataType::Int64, row),
            fact(2, DataType::Text, row),
        );
        printed.insert(*line, head);
    }
    for (name, data_type) in columns {
        let changes =
            decode(&lines, vec![spec("id", "i64", None), spec(name, data_type, times.unit(name))]);
        let data_type: DataType = data_type.parse().expect("a type");
        for (row, line) in changes.lines.iter().enumerate() {
            let mut text = format!("  {name} = {}", value(&changes.columns[1], data_type, row));
            if let Some(before) = &changes.before
                && before.present.value(row)
            {
                text.push_str(&format!(", before {}", value(&before.columns[1], data_type, row)));
            }
            printed.entry(*line).or_default().push_str(&(text + "\n"));
        }
        for reject in &changes.rejects {
            let text = format!("  {name} refused: {}\n", reject.reason);
            printed.entry(reject.line.cast_signed()).or_default().push_str(&text);
        }
    }
    printed.into_values().collect()
}

#[test]
fn every_capture_becomes_what_its_golden_says() {
    for (capture, times) in CAPTURES {
        let columns = if capture.starts_with("mariadb") { MARIADB } else { POSTGRES };
        let path = root().join(format!("tests/golden/debezium/{capture}.txt"));
        compare_golden(&path, &print(capture, columns, *times));
    }
}

/// PostgreSQL leaves a long value out of an update that does not touch it, also out of the insert
/// that a change of the key becomes, whatever the form of the message.
#[test]
fn a_value_that_was_left_out_is_unchanged_and_not_null() {
    for (capture, update, insert) in [
        ("postgres-schema-precise-adaptive", 5, 9),
        ("postgres-noschema-string-fullidentity", 5, 9),
        ("postgres-unwrap-rewrite", 5, 8),
    ] {
        let changes = column_of(capture, "big", "text", None);
        assert_eq!(at(&changes, "text", update), "unchanged", "{capture}");
        assert_eq!(at(&changes, "text", insert), "unchanged", "{capture}");
        assert_eq!(at(&changes, "text", 2), "null", "{capture}");
        assert_eq!(at(&changes, "text", 6), "null", "{capture}");
    }
}

/// A change of the key is a delete of the old one and an insert of the new one, at one and the same
/// log sequence number; a tombstone between them is nothing.
#[test]
fn a_changed_key_is_a_delete_and_an_insert() {
    let changes = column_of("postgres-schema-precise-adaptive", "c_text", "text", None);
    let (gone, new) = (row_of(&changes, 7), row_of(&changes, 9));
    assert_eq!(new, gone + 1, "the tombstone of line 8 is no row");
    assert_eq!(operation(&changes, gone), Operation::Delete);
    assert_eq!(operation(&changes, new), Operation::Insert);
    let keys = changes.columns[0].values.as_primitive::<Int64Type>();
    assert_eq!((keys.value(gone), keys.value(new)), (1, 100));
    let lsns = changes.facts[1].as_primitive::<Int64Type>();
    assert_eq!(lsns.value(gone), lsns.value(new));
}

/// With the default replica identity a delete's other columns are made up: row 2 held `false`, and
/// the delete says `true`. Only the key is a value of the row.
#[test]
fn a_delete_keeps_its_key_and_nothing_that_may_be_made_up() {
    for (capture, line) in
        [("postgres-noschema-string-fullidentity", 16), ("postgres-unwrap-rewrite", 14)]
    {
        let changes = column_of(capture, "c_bool", "bool", None);
        assert_eq!(at(&changes, "bool", 2), "false", "{capture}");
        let row = row_of(&changes, line);
        assert_eq!(operation(&changes, row), Operation::Delete, "{capture}");
        assert_eq!(value(&changes.columns[0], DataType::Int64, row), "2", "{capture}");
        assert_eq!(at(&changes, "bool", line), "null", "{capture}");
        let before = changes.before.as_ref().expect("deletes have a before image");
        assert!(before.present.value(row), "{capture}");
        assert_eq!(value(&before.columns[1], DataType::Bool, row), "true", "{capture}");
    }
}

/// MariaDB tells both images of every update.
#[test]
fn updates_have_the_before_image_that_the_message_has() {
    let changes = column_of("mariadb-schema-precise-adaptive", "c_num", "decimal(18,2)", None);
    let before = changes.before.as_ref().expect("there are updates");
    for line in [5, 11, 12, 19, 20] {
        let row = row_of(&changes, line);
        assert_eq!(operation(&changes, row), Operation::Update);
        assert!(before.present.value(row), "line {line}");
    }
    assert!(!before.present.value(row_of(&changes, 3)));
    let changes = column_of("postgres-noschema-string-fullidentity", "c_num", "text", None);
    let before = changes.before.as_ref().expect("there are deletes");
    assert!(!before.present.value(row_of(&changes, 5)), "null under the default identity");
}

/// A table without a key has its tombstones, too, and its truncates are rows of nulls once it is said
/// that they are meant.
#[test]
fn a_table_without_a_key_changes_and_is_truncated() {
    let columns = vec![spec("a", "i32", None), spec("b", "text", None)];
    let lines = read("postgres-nopk");
    let unsaid = decode(&lines, columns.clone());
    assert_eq!((unsaid.rows, unsaid.rejects.len()), (5, 1));
    assert!(unsaid.rejects[0].reason.contains("set `table`"), "{}", unsaid.rejects[0].reason);
    assert_eq!(decode_of(Some("public.t"), &lines, columns.clone()).rows, 0);
    let changes = decode_of(Some("public.nopk"), &lines, columns);
    let operations: Vec<Operation> =
        (0..changes.rows).map(|row| operation(&changes, row)).collect();
    use Operation::{Delete, Insert, Read, Truncate, Update};
    assert_eq!(operations, [Read, Insert, Update, Delete, Truncate, Insert]);
    assert!(changes.rejects.is_empty());
    let before = changes.before.as_ref().expect("the identity is full");
    let texts: Vec<String> =
        (0..4).map(|row| value(&before.columns[1], DataType::Text, row)).collect();
    assert_eq!(texts, ["null", "null", "\"x\"", "\"in-tx\""]);
    assert_eq!(value(&changes.columns[1], DataType::Text, 4), "null");
}

/// In precise mode a decimal is bytes, whose scale stands in the schema only.
#[test]
fn decimals_are_exact_or_refused() {
    for capture in [
        "postgres-schema-precise-adaptive",
        "postgres-noschema-string-fullidentity",
        "mariadb-schema-precise-adaptive",
        "mariadb-noschema-string-connect",
    ] {
        let changes = column_of(capture, "c_num", "decimal(18,2)", None);
        assert_eq!(at(&changes, "decimal(18,2)", 1), "1234567890123456.78", "{capture}");
    }
    let changes = column_of("postgres-noschema-precise-adaptive", "c_num", "decimal(18,2)", None);
    assert!(reason(&changes, 1).contains("`decimal.handling.mode=string`"));
    // What carries its scale needs no schema. A NaN is null in this mode, and a text in the other.
    let scaled = "decimal(38,20)";
    let changes = column_of("postgres-noschema-precise-adaptive", "c_numu", scaled, None);
    assert_eq!(at(&changes, scaled, 1), "3.14159265358979323846");
    assert_eq!(at(&changes, scaled, 3), "null");
    let changes = column_of("postgres-noschema-string-connect", "c_numu", scaled, None);
    assert_eq!(reason(&changes, 3), "found `NAN`, which no decimal(38,20) holds");
    let unsigned = "decimal(20,0)";
    let changes = column_of("mariadb-schema-precise-adaptive", "c_ubig", unsigned, None);
    assert_eq!(at(&changes, unsigned, 1), "18446744073709551615");
}

/// One column of three digits and one of six are the same JSON in other units: a schema tells.
#[test]
fn a_schema_tells_the_unit_over_what_is_declared() {
    let wrong = Some(TimeUnit::S);
    for (column, expected) in [
        ("c_ts", "\"2026-02-28T12:34:56.123456Z\""),
        ("c_ts3", "\"2026-02-28T12:34:56.123000Z\""),
        ("c_tstz", "\"2026-02-28T10:34:56.123456Z\""),
    ] {
        for unit in [None, wrong] {
            let changes = column_of("postgres-schema-precise-adaptive", column, "timestamp", unit);
            assert_eq!(at(&changes, "timestamp", 1), expected, "{column}");
        }
    }
    let changes = column_of("postgres-schema-string-connect", "c_time", "time", None);
    assert_eq!(at(&changes, "time", 1), "\"23:59:59.999000\"");
    let changes = column_of("postgres-noschema-string-fullidentity", "c_ts", "timestamp", None);
    assert!(reason(&changes, 1).contains("`unit`"));
    let changes = column_of("postgres-noschema-string-isostring", "c_date", "date", None);
    assert_eq!(at(&changes, "date", 1), "\"2026-02-28\"");
}

/// An infinite date comes as a day of long ago, and an infinite timestamp as an instant that is the
/// more possible the coarser its unit is taken to be.
#[test]
fn infinite_times_are_refused_whatever_they_have_become() {
    for (capture, unit) in [
        ("postgres-schema-precise-adaptive", None),
        ("postgres-noschema-string-connect", Some(TimeUnit::Ms)),
        ("postgres-noschema-string-connect", Some(TimeUnit::Us)),
        ("postgres-noschema-string-fullidentity", Some(TimeUnit::Us)),
        ("postgres-noschema-string-fullidentity", Some(TimeUnit::Ns)),
    ] {
        let changes = column_of(capture, "c_ts", "timestamp", unit);
        assert!(reason(&changes, 4).contains("infinity"), "{}", reason(&changes, 4));
        let changes = column_of(capture, "c_date", "date", None);
        assert!(reason(&changes, 4).contains("infinity"), "{}", reason(&changes, 4));
        let changes = column_of(capture, "c_tstz", "timestamp", unit);
        assert_eq!(reason(&changes, 3), "found `infinity`, which no timestamp holds");
        // A float holds them.
        let changes = column_of(capture, "c_double", "f64", None);
        let doubles = changes.columns[1].values.as_primitive::<Float64Type>();
        assert!(doubles.value(row_of(&changes, 3)).is_nan(), "{capture}");
        assert_eq!(doubles.value(row_of(&changes, 4)), f64::INFINITY, "{capture}");
    }
    let changes = column_of("postgres-noschema-string-isostring", "c_ts", "timestamp", None);
    assert!(reason(&changes, 4).contains("out of range"), "{}", reason(&changes, 4));
}

/// Documents stand as text, and the document `null` is none of the nulls; an array of arrays has
/// lost its elements.
#[test]
fn documents_and_arrays_keep_what_is_in_them() {
    let changes = column_of("postgres-schema-precise-adaptive", "c_jsonb", "json", None);
    assert_eq!(at(&changes, "json", 1), r#"{"a": [1.50, null, "x"], "b": 1}"#);
    assert_eq!(at(&changes, "json", 4), r#"{"n": 12345678901234567890.12}"#);
    let (null, none) = (row_of(&changes, 3), row_of(&changes, 2));
    assert!(!changes.columns[1].values.is_null(null), "the document null");
    assert!(changes.columns[1].values.is_null(none), "no document");
    let changes = column_of("postgres-schema-precise-adaptive", "c_arr", "json", None);
    assert_eq!(at(&changes, "json", 1), r#"["a",null,"c \"d\""]"#);
    assert!(reason(&changes, 4).contains("array of arrays"));
}

/// Snapshots are reads; an added column is in the next message of any row, and a dropped one is
/// missing from then on.
#[test]
fn snapshots_are_reads_and_columns_come_and_go() {
    let changes = column_of("postgres-schema-precise-adaptive", "c_new", "i32", None);
    assert_eq!(operation(&changes, 0), Operation::Read);
    assert_eq!(at(&changes, "i32", 12), "null");
    assert_eq!(at(&changes, "i32", 18), "8");
    assert_eq!(at(&changes, "i32", 19), "7", "an old row has the default");
    let changes = column_of("postgres-schema-precise-adaptive", "c_inet", "text", None);
    assert_eq!(at(&changes, "text", 1), "\"10.0.0.1/8\"");
    assert_eq!(at(&changes, "text", 20), "null");
}

/// A row without `__op` does not say whether it is new.
#[test]
fn an_unwrapped_row_of_unknown_operation_is_an_update() {
    let changes = column_of("postgres-unwrap-tombstone", "c_text", "text", None);
    assert!(changes.rejects.is_empty());
    assert!((0..changes.rows).all(|row| operation(&changes, row) == Operation::Update));
    assert!(!changes.lines.contains(&7), "a tombstone is no row");
    assert!(!changes.lines.contains(&19), "a logical message is no row");
}
