//! Every type from its source, through the boundary and the SDK, into every sink: nulls, what is
//! missing, both ends of each range and what lies beyond them.
//!
//! `types/rows.jsonl` holds the rows, written as the file sink writes them; `types/refused.jsonl`
//! has one bad value a line. The guest answers each column as another, `NAME_too`.

use std::fs::{self, File};
use std::path::PathBuf;

use arrow_array::RecordBatch;
use millrace::pipeline::{Outcome, RunOptions};
use millrace_tests::{Workbench, compare_golden, root};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

/// The columns whose values the file sink writes as they were read.
const SAME: [&str; 14] = [
    "flag", "small", "medium", "large", "single", "double", "money", "exact", "label", "bytes",
    "day", "clock", "id", "document",
];

/// Timestamps by the unit of their column.
const TIMES: [&str; 5] = ["seconds", "millis", "micros", "nanos", "iso"];

fn folder() -> PathBuf {
    root().join("tests/golden/types")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("it is in the tree")
}

/// The pipeline after its run.
fn bench() -> Workbench {
    let bench = Workbench::new(&text("pipeline.toml"));
    bench.write("rows.jsonl", text("rows.jsonl") + &text("refused.jsonl"));
    let summary = bench.run(&RunOptions::default()).expect("bad rows end nothing");
    assert_eq!(summary.outcome, Outcome::Finished);
    bench
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// What the sink of JSON lines wrote.
fn written(bench: &Workbench) -> Vec<Value> {
    lines(&fs::read_to_string(bench.path("types.jsonl")).expect("the sink wrote it"))
}

/// The one file of the sink's folder, as one batch.
fn parquet(bench: &Workbench) -> RecordBatch {
    let entries = fs::read_dir(bench.path("types")).expect("the sink made the folder");
    let files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
        .collect();
    let [path] = &files[..] else { panic!("one checkpoint makes one file: {files:?}") };
    let file = File::open(path).expect("it is readable");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("it is Parquet");
    let batches: Vec<RecordBatch> =
        reader.build().expect("it is Parquet").map(|batch| batch.expect("it is whole")).collect();
    let [batch] = &batches[..] else { panic!("so few rows are one batch") };
    batch.clone()
}

/// Every column with its type and its values, as Arrow shows them.
fn shown(batch: &RecordBatch) -> String {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns.map(|(field, values)| format!("{}: {values:?}\n", field.name())).collect()
}

/// The number of a float column, whatever way it is written; a float of 32 bits as one of 64.
fn float(column: &str, value: &Value) -> Option<f64> {
    let text = value.as_number()?.to_string();
    let parsed = match column {
        "single" => text.parse::<f32>().map(f64::from),
        _ => text.parse::<f64>(),
    };
    Some(parsed.expect("a number"))
}

#[test]
fn every_value_comes_out_as_it_went_in() {
    let (expected, written) = (lines(&text("rows.jsonl")), written(&bench()));
    assert_eq!(written.len(), expected.len());
    for (row, expected) in written.iter().zip(&expected) {
        let n = &row["n"];
        for column in SAME {
            let (found, wanted) = (&row[column], &expected[column]);
            if matches!(column, "single" | "double") {
                assert_eq!(float(column, found), float(column, wanted), "{column} of row {n}");
            } else {
                assert_eq!(found, wanted, "{column} of row {n}");
            }
        }
        assert_eq!(row["iso"], expected["iso"], "iso of row {n}");
    }
}

#[test]
fn one_moment_in_every_unit_is_the_same_time() {
    let written = written(&bench());
    // Row 4 is at the end of the range, which each unit reaches as far as it can tell.
    let ends = [".000000Z", ".999000Z", ".999999Z", ".999999Z", ".999999Z"];
    for (column, end) in TIMES.into_iter().zip(ends) {
        assert_eq!(written[0][column], "2026-11-20T12:00:00.000000Z", "{column}");
        assert!(written[1][column].is_null() && written[2][column].is_null(), "{column}");
        assert_eq!(written[3][column], format!("9999-12-31T23:59:59{end}"), "{column}");
        assert_eq!(written[4][column], "0001-01-01T00:00:00.000000Z", "{column}");
        assert_eq!(written[5][column], "1970-01-01T00:00:00.000000Z", "{column}");
    }
}

#[test]
fn the_guest_answers_what_it_read() {
    let bench = bench();
    let (written, parquet) = (written(&bench), parquet(&bench));
    for column in SAME.into_iter().chain(TIMES) {
        let too = format!("{column}_too");
        for row in &written {
            assert_eq!(row[column], row[&too], "{column} of {row}");
        }
        let sql = format!("select n from types where {column} is not {too}");
        assert_eq!(bench.query("types.db", &sql), "", "{column}");
        let [one, other] = [column, too.as_str()].map(|name| parquet.column_by_name(name));
        assert_eq!(one.expect("it has all columns"), other.expect("it has all columns"));
    }
}

#[test]
fn an_empty_text_is_no_null_in_a_table_and_in_lines() {
    let bench = bench();
    let sql = "select n, label is null, bytes is null from types where n in (2, 3, 6) order by n";
    assert_eq!(bench.query("types.db", sql), "2|1|1\n3|1|1\n6|0|0\n");
    let written = written(&bench);
    assert_eq!(written[5]["label"], "");
    assert!(written[1]["label"].is_null() && written[2]["label"].is_null());
}

#[test]
fn what_lies_beyond_a_range_is_refused_by_its_column() {
    let refused = text("refused.jsonl");
    let sql = "select coalesce(\"column\", '-'), reason from dead_letters order by rowid";
    let letters = bench().query("dead.db", sql);
    assert_eq!(letters.lines().count(), refused.lines().count(), "{letters}");
    for (letter, line) in letters.lines().zip(refused.lines()) {
        let (column, _) = letter.split_once('|').expect("two columns");
        // A line that is no JSON has no columns.
        assert!(column == "-" || line.contains(&format!("\"{column}\":")), "{letter} of {line}");
    }
    assert!(letters.lines().filter(|letter| letter.starts_with("-|")).count() <= 2, "{letters}");
}

#[test]
fn every_sink_writes_what_is_stored() {
    let bench = bench();
    let read = |name| fs::read_to_string(bench.path(name)).expect("the sink wrote it");
    let letters = "select stage, coalesce(\"column\", '-'), reason, input from dead_letters \
                   order by rowid";
    let output = [
        ("types.db", bench.query("types.db", "select * from types order by n")),
        ("types.jsonl", read("types.jsonl")),
        ("types.csv", read("types.csv")),
        ("types/*.parquet", shown(&parquet(&bench))),
        ("dead_letters", bench.query("dead.db", letters)),
    ]
    .map(|(name, rows)| format!("== {name}\n{rows}"))
    .concat();
    compare_golden(&folder().join("output.txt"), &output);
}
