//! What lines are, and that how they are cut changes nothing.

mod lines;
mod tables;
mod values;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

use super::{ChangeFact, DebeziumDecoder, DecodedChanges};
use crate::format::{ColumnSpec, Limits};
use crate::record::{DataType, Operation, write_value};

const ALL: Limits = Limits { rows: usize::MAX, bytes: usize::MAX };

/// A column of its name; `id` is the key.
fn column(name: &str, data_type: DataType) -> ColumnSpec {
    ColumnSpec {
        name: name.into(),
        path: vec![name.to_owned()],
        data_type,
        unit: None,
        required: false,
        key: name == "id",
    }
}

/// An `id` and a text `t`, with all facts.
fn decoder() -> DebeziumDecoder {
    DebeziumDecoder::new(
        vec![column("id", DataType::Int64), column("t", DataType::Text)],
        vec![
            (ChangeFact::Timestamp, column("ts", DataType::Timestamp)),
            (ChangeFact::Lsn, column("lsn", DataType::Int64)),
            (ChangeFact::Table, column("table", DataType::Text)),
        ],
    )
}

fn decode(lines: &str) -> DecodedChanges {
    decode_by(decoder(), lines)
}

/// The same of the table of that name.
fn decode_of(table: &str, lines: &str) -> DecodedChanges {
    decode_by(decoder().of_tables(vec![table.to_owned()]), lines)
}

fn decode_by(mut decoder: DebeziumDecoder, lines: &str) -> DecodedChanges {
    let progress = decoder.decode_chunk(lines.as_bytes(), ALL);
    assert_eq!(progress.bytes, lines.len());
    decoder.finish()
}

/// A row in short: its operation, its id, its text, and the text of its before image behind a `<`.
fn rows(changes: &DecodedChanges) -> Vec<String> {
    let text = |columns: &[crate::record::Column], row: usize| {
        let unchanged = columns[1].unchanged.as_ref().is_some_and(|bits| bits.value(row));
        let mut out = Vec::new();
        write_value(&mut out, DataType::Text, &*columns[1].values, row);
        if unchanged { "?".to_owned() } else { String::from_utf8(out).unwrap().replace('"', "") }
    };
    let ids = changes.columns[0].values.as_primitive::<Int64Type>();
    (0..changes.rows)
        .map(|row| {
            let operation = Operation::from_code(changes.operations[row]).unwrap().name();
            let id = if ids.is_null(row) { "-".to_owned() } else { ids.value(row).to_string() };
            let mut short = format!("{operation} {id} {}", text(&changes.columns, row));
            if let Some(before) = &changes.before
                && before.present.value(row)
            {
                short.push_str(&format!(" < {}", text(&before.columns, row)));
            }
            short
        })
        .collect()
}

/// The one row that a line becomes, in short, or the reason why it becomes none.
fn one(line: &str) -> String {
    let changes = decode(line);
    match (changes.rejects.first(), rows(&changes).pop()) {
        (Some(reject), None) => format!("refused: {}", reject.reason),
        (None, Some(row)) => row,
        (None, None) => "nothing".to_owned(),
        both => panic!("{line}: {both:?}"),
    }
}
