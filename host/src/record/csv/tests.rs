//! What is written is what a reader of CSV reads, and nulls never look like values.

use std::sync::Arc;

use arrow_array::ArrayRef;
use proptest::prelude::*;

use super::super::{Column as BatchColumn, Field, Operation, Operations, RowMeta};
use super::*;

fn batch(columns: Vec<(&str, DataType, ArrayRef)>) -> Batch {
    let rows = columns.first().map_or(0, |(_, _, values)| values.len());
    let fields = columns.iter().map(|(name, data_type, _)| Field::new(name, *data_type, true));
    Batch {
        schema: Arc::new(Schema::new(fields.collect())),
        columns: columns.into_iter().map(|(_, _, values)| BatchColumn::from(values)).collect(),
        meta: Arc::new(RowMeta::plain("test", Operations::All(Operation::Insert), rows)),
        rows,
        selection: None,
        before: None,
    }
}

fn style(delimiter: u8, null: &str) -> CsvStyle {
    CsvStyle { delimiter, null: null.to_owned() }
}

fn lines(batch: &Batch, style: &CsvStyle) -> String {
    let rows = CsvRows::of(batch, style);
    let mut out = Vec::new();
    for row in 0..batch.rows {
        rows.write(&mut out, row);
    }
    String::from_utf8(out).unwrap()
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn one(data_type: DataType, values: ArrayRef) -> String {
    let line = lines(&batch(vec![("a", data_type, values)]), &CsvStyle::DEFAULT);
    line.strip_suffix('\n').unwrap().to_owned()
}

#[test]
fn texts_are_quoted_where_they_must_be_and_nowhere_else() {
    let text = |text: &str| one(DataType::Text, texts(&[Some(text)]));
    assert_eq!(text("plain é 🦀; 'x' "), "plain é 🦀; 'x' ");
    assert_eq!(text("\0\t"), "\0\t");
    assert_eq!(text("a,b"), "\"a,b\"");
    assert_eq!(text("\""), "\"\"\"\"");
    assert_eq!(text("a\"b\"\nc\r"), "\"a\"\"b\"\"\nc\r\"");
    assert_eq!(text(""), "\"\"");
    assert_eq!(one(DataType::Text, texts(&[None])), "");
    assert_eq!(one(DataType::Json, texts(&[Some("{\"a\":1}")])), "\"{\"\"a\"\":1}\"");
}

#[test]
fn what_looks_like_a_null_and_is_none_is_quoted() {
    let values = vec![
        ("t", DataType::Text, texts(&[Some("0"), Some(""), None])),
        ("i", DataType::Int64, Arc::new(Int64Array::from(vec![Some(0), Some(10), None])) as _),
        ("b", DataType::Binary, Arc::new(BinaryArray::from(vec![&b""[..], b"f", b""])) as _),
    ];
    assert_eq!(
        lines(&batch(values), &style(b'\t', "0")),
        "\"0\"\t\"0\"\t\"\"\n\"\"\t10\tZg==\n0\t0\t\"\"\n"
    );
}

#[test]
fn values_are_written_as_json_writes_them_without_quotes() {
    let decimal = |precision, scale| DataType::Decimal { precision, scale };
    let money = Decimal64Array::from(vec![-1250]).with_precision_and_scale(18, 2).unwrap();
    assert_eq!(one(decimal(18, 2), Arc::new(money)), "-12.50");
    let most = Decimal128Array::from(vec![10_i128.pow(38) - 1]);
    let most = most.with_precision_and_scale(38, 38).unwrap();
    assert_eq!(one(decimal(38, 38), Arc::new(most)), format!("0.{}", "9".repeat(38)));
    assert_eq!(one(DataType::Bool, Arc::new(BooleanArray::from(vec![false]))), "false");
    assert_eq!(one(DataType::Int16, Arc::new(Int16Array::from(vec![i16::MIN]))), "-32768");
    assert_eq!(one(DataType::Int32, Arc::new(Int32Array::from(vec![7]))), "7");
    assert_eq!(one(DataType::Float32, Arc::new(Float32Array::from(vec![0.1]))), "0.1");
    for (float, written) in
        [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")]
    {
        assert_eq!(one(DataType::Float64, Arc::new(Float64Array::from(vec![float]))), written);
    }
    let bytes = BinaryArray::from(vec![&b"\x00\xff"[..]]);
    assert_eq!(one(DataType::Binary, Arc::new(bytes)), "AP8=");
    assert_eq!(one(DataType::Date, Arc::new(Date32Array::from(vec![0]))), "1970-01-01");
    let time = Time64MicrosecondArray::from(vec![1]);
    assert_eq!(one(DataType::Time, Arc::new(time)), "00:00:00.000001");
    let timestamp = TimestampMicrosecondArray::from(vec![1_795_176_000_000_000]);
    assert_eq!(one(DataType::Timestamp, Arc::new(timestamp)), "2026-11-20T12:00:00.000000Z");
    let uuid = FixedSizeBinaryArray::try_from(vec![&[255_u8; 16]]).unwrap();
    assert_eq!(one(DataType::Uuid, Arc::new(uuid)), "ffffffff-ffff-ffff-ffff-ffffffffffff");
}

#[test]
fn names_are_quoted_like_texts() {
    let fields = ["id", "a,b", ""].map(|name| Field::new(name, DataType::Text, true));
    let mut out = Vec::new();
    write_csv_names(&mut out, &CsvStyle::DEFAULT, &Schema::new(fields.to_vec()));
    assert_eq!(String::from_utf8(out).unwrap(), "id,\"a,b\",\"\"");
}

#[test]
fn nothing_that_values_are_made_of_delimits() {
    let allowed: String =
        (0..=u8::MAX).filter(|byte| CsvStyle::can_delimit(*byte)).map(char::from).collect();
    for byte in ",;|\t ^~".bytes() {
        assert!(CsvStyle::can_delimit(byte), "{byte}");
    }
    for byte in "\"\n\r\0+-.:/=0aZ".chars() {
        assert!(!allowed.contains(byte), "{byte:?}");
    }
    assert!(allowed.is_ascii());
}

/// Splits a line into fields, each with whether it was in quotes: what readers that tell nulls from
/// empty texts go by.
fn fields(line: &str, delimiter: char) -> Vec<(String, bool)> {
    let mut fields = Vec::new();
    let mut field = (String::new(), false);
    let mut inside = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if inside && characters.peek() == Some(&'"') => {
                characters.next();
                field.0.push('"');
            }
            '"' => {
                inside = !inside;
                field.1 = true;
            }
            _ if character == delimiter && !inside => fields.push(std::mem::take(&mut field)),
            _ => field.0.push(character),
        }
    }
    fields.push(field);
    fields
}

/// Texts full of what is special.
fn a_text() -> impl Strategy<Value = Option<String>> {
    let parts = prop::sample::select(vec!["\"", ",", "\n", "\r", "\0", "N", "é", " ", ";", "x"]);
    prop::option::of(prop::collection::vec(parts, 0..6).prop_map(|parts| parts.concat()))
}

proptest! {
    #[test]
    fn a_reader_reads_what_was_written(
        rows in prop::collection::vec((a_text(), a_text(), any::<Option<i64>>()), 0..20),
        delimiter in prop::sample::select(vec![b',', b';', b'\t']),
        null in prop::sample::select(vec!["", "N", "null"]),
    ) {
        let style = style(delimiter, null);
        let first: Vec<Option<&str>> = rows.iter().map(|row| row.0.as_deref()).collect();
        let second: Vec<Option<&str>> = rows.iter().map(|row| row.1.as_deref()).collect();
        let numbers: Vec<Option<i64>> = rows.iter().map(|row| row.2).collect();
        let batch = batch(vec![
            ("first", DataType::Text, texts(&first)),
            ("second", DataType::Text, texts(&second)),
            ("number", DataType::Int64, Arc::new(Int64Array::from(numbers))),
        ]);
        let written = lines(&batch, &style);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(written.as_bytes());
        let mut read = 0;
        for (record, row) in reader.records().zip(&rows) {
            let record = record.unwrap();
            let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| null.to_owned());
            let number = row.2.map_or_else(|| null.to_owned(), |number| number.to_string());
            let expected = [shown(&row.0), shown(&row.1), number];
            prop_assert_eq!(record.iter().collect::<Vec<_>>(), expected);
            read += 1;
        }
        prop_assert_eq!(read, rows.len());

        let rows_of = CsvRows::of(&batch, &style);
        for (index, row) in rows.iter().enumerate() {
            let mut line = Vec::new();
            rows_of.write(&mut line, index);
            let line = String::from_utf8(line).unwrap();
            let found = fields(line.strip_suffix('\n').unwrap(), char::from(delimiter));
            let nulls: Vec<bool> =
                found.iter().map(|(text, quoted)| text == null && !quoted).collect();
            prop_assert_eq!(nulls, [row.0.is_none(), row.1.is_none(), row.2.is_none()]);
        }
    }
}
