//! Bodies read back by other readers.

mod arrow;
mod round_trip;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal64Array, Decimal128Array,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_buffer::BooleanBuffer;

use super::*;
use crate::record::{
    Batch, Column as Values, DataType, Field, Operation, Operations, RowMeta, Schema,
};
use crate::sink::stream_load::target::{ColumnType, column_type};

/// A column of a table that is all the input's.
fn mapped(system: System, index: usize, name: &str, field: DataType) -> Mapped {
    Mapped {
        name: name.to_owned(),
        origin: Origin::Input(index),
        field,
        target: column_type(system, field, false),
        required: false,
        key: index == 0,
    }
}

fn layout(system: System, columns: &[(&str, DataType, ArrayRef)]) -> Vec<Mapped> {
    let columns = columns.iter().enumerate();
    columns.map(|(index, (name, field, _))| mapped(system, index, name, *field)).collect()
}

fn audit(name: &str, origin: Origin, field: DataType) -> Mapped {
    let target = column_type(System::StarRocks, field, false);
    Mapped { name: name.to_owned(), origin, field, target, required: false, key: false }
}

/// Rows whose operations are `operations`, of which those that are deletes are marked.
fn piece(columns: &[(&str, DataType, ArrayRef)], operations: &[Operation]) -> Piece {
    let rows = operations.len();
    let fields = columns.iter().map(|(name, field, _)| Field::new(name, *field, true)).collect();
    let is_delete = |row: usize| operations[row] == Operation::Delete;
    let meta = RowMeta {
        origin: "wagers.jsonl".into(),
        operations: Operations::Each(operations.iter().map(|one| *one as u8).collect()),
        event_times: None,
        processing_times: vec![0; rows].into(),
        majors: (10..).take(rows).collect(),
        minors: None,
        base: 0,
        mixed: None,
        late: None,
    };
    Piece {
        batch: Batch {
            schema: Arc::new(Schema::new(fields)),
            columns: columns.iter().map(|(.., values)| Values::from(Arc::clone(values))).collect(),
            meta: Arc::new(meta),
            rows,
            selection: None,
            before: None,
        },
        rows: None,
        present: None,
        deletes: (0..rows).any(is_delete).then(|| BooleanBuffer::collect_bool(rows, is_delete)),
    }
}

/// A body of all rows; `None`: it cannot be written so.
fn body(encoder: &mut Encoder, piece: &Piece) -> Option<String> {
    let mut out = Line::default();
    encoder.begin(&mut out);
    let can = encoder.can_write(piece, 0..piece.len());
    encoder.encode(&mut out, piece, 0..piece.len());
    encoder.end(&mut out);
    can.then(|| String::from_utf8(out.written().to_vec()).unwrap())
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn numbers(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

#[test]
fn every_type_has_its_form() {
    let decimal = |precision, scale| DataType::Decimal { precision, scale };
    let money = Decimal64Array::from(vec![-5]).with_precision_and_scale(18, 2).unwrap();
    let wide = Decimal128Array::from(vec![10_i128.pow(38) - 1]);
    let wide = wide.with_precision_and_scale(38, 4).unwrap();
    let columns: [(&str, DataType, ArrayRef); 14] = [
        ("a", DataType::Bool, Arc::new(BooleanArray::from(vec![true]))),
        ("b", DataType::Int16, Arc::new(Int16Array::from(vec![-7]))),
        ("c", DataType::Int32, Arc::new(Int32Array::from(vec![0]))),
        ("d", DataType::Int64, Arc::new(Int64Array::from(vec![i64::MIN]))),
        ("e", DataType::Float32, Arc::new(Float32Array::from(vec![0.1]))),
        ("f", DataType::Float64, Arc::new(Float64Array::from(vec![1e300]))),
        ("g", decimal(18, 2), Arc::new(money)),
        ("h", decimal(38, 4), Arc::new(wide)),
        ("i", DataType::Text, texts(&[Some("é\"\n")])),
        ("j", DataType::Binary, Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..]]))),
        ("k", DataType::Date, Arc::new(Date32Array::from(vec![-719_528]))),
        ("l", DataType::Time, Arc::new(Time64MicrosecondArray::from(vec![1]))),
        ("m", DataType::Timestamp, Arc::new(TimestampMicrosecondArray::from(vec![1_500_000]))),
        ("n", DataType::Json, texts(&[Some("{\n\"a\": [1, null]}")])),
    ];
    let piece = piece(&columns, &[Operation::Insert]);
    let write = |system, format| {
        let layout = layout(system, &columns);
        body(&mut Encoder::new(system, format, layout, DeleteSign::None, 0), &piece).unwrap()
    };
    let nines = "9".repeat(34);
    let object = format!(
        "{{\"a\":true,\"b\":-7,\"c\":0,\"d\":-9223372036854775808,\"e\":0.1,\"f\":1e+300,\
         \"g\":\"-0.05\",\"h\":\"{nines}.9999\",\"i\":\"é\\\"\\n\",\"j\":\"AP8=\",\
         \"k\":\"0000-01-01\",\"l\":\"00:00:00.000001\",\"m\":\"1970-01-01 00:00:01.500000\",\
         \"n\":{{ \"a\": [1, null]}}}}"
    );
    let normal = |text: &str| text.replace("e+300", "e300");
    let starrocks = write(System::StarRocks, BodyFormat::Json);
    assert_eq!(normal(&starrocks), normal(&format!("[{object}]")));
    let doris = write(System::Doris, BodyFormat::Json);
    assert_eq!(normal(&doris), normal(&format!("{object}\n")));
    let csv = normal(&write(System::Doris, BodyFormat::Csv));
    let fields: Vec<&str> = csv.strip_suffix('\u{2}').unwrap().split('\u{1}').collect();
    assert_eq!(fields[..6], ["true", "-7", "0", "-9223372036854775808", "0.1", "1e300"]);
    assert_eq!(fields[6..10], ["-0.05", &format!("{nines}.9999"), "é\"\n", "AP8="]);
    assert_eq!(fields[10..12], ["0000-01-01", "00:00:00.000001"]);
    assert_eq!(fields[12..], ["1970-01-01 00:00:01.500000", "{\n\"a\": [1, null]}"]);
}

#[test]
fn uuids_and_values_for_columns_of_other_types_have_their_forms() {
    let uuid = FixedSizeBinaryArray::try_from(vec![&[255_u8; 16]]).unwrap();
    let columns: [(&str, DataType, ArrayRef); 4] = [
        ("a", DataType::Uuid, Arc::new(uuid)),
        ("b", DataType::Int64, numbers(&[Some(3)])),
        ("c", DataType::Json, texts(&[Some("{\"x\":1}")])),
        ("d", DataType::Date, Arc::new(Date32Array::from(vec![1]))),
    ];
    let mut layout = layout(System::Doris, &columns);
    layout[1].target = ColumnType::Varchar(20);
    layout[2].target = ColumnType::String;
    layout[3].target = ColumnType::DateTime { scale: 0 };
    let mut encoder = Encoder::new(System::Doris, BodyFormat::Json, layout, DeleteSign::None, 0);
    assert_eq!(
        body(&mut encoder, &piece(&columns, &[Operation::Insert])).unwrap(),
        "{\"a\":\"ffffffff-ffff-ffff-ffff-ffffffffffff\",\"b\":\"3\",\"c\":\"{\\\"x\\\":1}\",\
         \"d\":\"1970-01-02 00:00:00\"}\n"
    );
}

#[test]
fn deletes_write_their_key_and_what_the_table_insists_on() {
    let columns: [(&str, DataType, ArrayRef); 4] = [
        ("id", DataType::Int64, numbers(&[Some(1), Some(2)])),
        ("note", DataType::Text, texts(&[Some("a"), Some("gone")])),
        ("name", DataType::Text, texts(&[Some("b"), None])),
        ("seq", DataType::Int64, numbers(&[Some(5), Some(6)])),
    ];
    let piece = piece(&columns, &[Operation::Update, Operation::Delete]);
    let write = |system, format, deletes| {
        let mut layout = layout(system, &columns);
        layout[2].required = true;
        layout.push(audit("op", Origin::Op, DataType::Text));
        layout.push(audit("deleted", Origin::Deleted, DataType::Bool));
        layout.push(audit("synced", Origin::SyncedAt, DataType::Timestamp));
        layout.push(audit("version", Origin::Version, DataType::Int64));
        let encoder = Encoder::new(system, format, layout, deletes, 0);
        let mut encoder = encoder.with_sequence(Some(3));
        let shape = encoder.shape(Compression::None, None, false, None);
        (body(&mut encoder, &piece).unwrap(), shape)
    };
    let audit = |row: &str| format!("\"op\":{row},\"synced\":\"1970-01-01 00:00:00.000000\"");
    let first = audit("\"update\",\"deleted\":false");
    let second = audit("\"delete\",\"deleted\":true");
    let upsert = format!(r#"{{"id":1,"note":"a","name":"b","seq":5,{first},"version":10"#);
    let delete = format!(r#"{{"id":2,"note":null,"name":"","seq":6,{second},"version":11"#);
    let (text, shape) = write(System::StarRocks, BodyFormat::Json, DeleteSign::Column);
    assert_eq!(text, format!("[{upsert},\"__op\":0}},{delete},\"__op\":1}}]"));
    assert_eq!((shape.columns.len(), &*shape.columns[8], shape.has_deletes), (9, "__op", true));
    let (text, shape) = write(System::Doris, BodyFormat::Json, DeleteSign::Column);
    let sign = |value: u8| format!(",\"__DORIS_DELETE_SIGN__\":\"{value}\"}}\n");
    assert_eq!(text, format!("{upsert}{}{delete}{}", sign(0), sign(1)));
    assert_eq!(shape.columns[8], "__DORIS_DELETE_SIGN__");
    let (text, _) = write(System::StarRocks, BodyFormat::Csv, DeleteSign::Column);
    let last = text.split('\u{2}').nth(1).unwrap();
    let fields: Vec<&str> = last.split('\u{1}').collect();
    assert_eq!(fields[..6], ["2", "\\N", "", "6", "delete", "true"]);
    assert_eq!(fields[7..], ["11", "1"]);
    // A soft delete is a row.
    let (text, shape) = write(System::Doris, BodyFormat::Json, DeleteSign::None);
    assert!(text.contains("\"note\":\"gone\",\"name\":null"), "{text}");
    assert_eq!((shape.columns.len(), shape.has_deletes), (8, false));
}

#[test]
fn only_the_rows_of_the_part_are_written() {
    let ids = numbers(&[Some(1), Some(2), Some(3)]);
    let columns = [("id", DataType::Int64, ids)];
    let operations = [Operation::Insert, Operation::Delete, Operation::Insert];
    let mut piece = piece(&columns, &operations);
    piece.rows = Some(vec![1, 2]);
    let layout = layout(System::StarRocks, &columns);
    let mut encoder =
        Encoder::new(System::StarRocks, BodyFormat::Json, layout, DeleteSign::Column, 0);
    let mut out = Line::default();
    encoder.encode(&mut out, &piece, 0..1);
    encoder.encode(&mut out, &piece, 1..piece.len());
    assert_eq!(
        str::from_utf8(out.written()).unwrap(),
        "{\"id\":2,\"__op\":1},{\"id\":3,\"__op\":0}"
    );
}

#[test]
fn what_csv_cannot_tell_is_left_to_json() {
    let is_taken = |values: &[Option<&str>]| {
        let columns = [("t", DataType::Text, texts(values))];
        let layout = layout(System::StarRocks, &columns);
        let encoder = Encoder::new(System::StarRocks, BodyFormat::Csv, layout, DeleteSign::None, 0);
        let operations = vec![Operation::Insert; values.len()];
        encoder.can_write(&piece(&columns, &operations), 0..values.len())
    };
    assert!(is_taken(&[Some("a"), None, Some("N")]));
    for odd in ["\\N", "a\u{1}", "\u{2}", "\0", "\u{feff}a"] {
        assert!(!is_taken(&[Some("a"), Some(odd)]), "{odd:?}");
    }
    // An empty line, which readers skip.
    assert!(!is_taken(&[Some("a"), Some("")]));
}
