//! What lands in the table, and what is refused on the way.

use arrow_array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};

use super::*;
use crate::record::Operation::{Delete, Insert, Read, Update};

#[test]
fn every_type_lands_as_documented() {
    let decimal = |precision, scale| DataType::Decimal { precision, scale };
    let cases: Vec<(DataType, ArrayRef, &str)> = vec![
        (DataType::Bool, Arc::new(BooleanArray::from(vec![true])), "integer:1"),
        (DataType::Int16, Arc::new(Int16Array::from(vec![-7])), "integer:-7"),
        (DataType::Int32, Arc::new(Int32Array::from(vec![7])), "integer:7"),
        (
            DataType::Int64,
            Arc::new(Int64Array::from(vec![i64::MIN])),
            "integer:-9223372036854775808",
        ),
        (DataType::Float32, Arc::new(Float32Array::from(vec![0.5])), "real:0.5"),
        (DataType::Float64, Arc::new(Float64Array::from(vec![2.0])), "real:2.0"),
        (
            decimal(18, 2),
            Arc::new(
                Decimal64Array::from(vec![999_999_999_999_999_990])
                    .with_precision_and_scale(18, 2)
                    .unwrap(),
            ),
            "text:9999999999999999.90",
        ),
        (
            decimal(38, 4),
            Arc::new(
                Decimal128Array::from(vec![-(10_i128.pow(22)) - 1])
                    .with_precision_and_scale(38, 4)
                    .unwrap(),
            ),
            "text:-1000000000000000000.0001",
        ),
        (DataType::Text, Arc::new(StringArray::from(vec!["012"])), "text:012"),
        (DataType::Json, Arc::new(StringArray::from(vec!["{\"a\": 1}"])), "text:{\"a\": 1}"),
        (DataType::Binary, Arc::new(BinaryArray::from(vec![&b"ab"[..]])), "blob:ab"),
        (DataType::Date, Arc::new(Date32Array::from(vec![0])), "text:1970-01-01"),
        (DataType::Time, Arc::new(Time64MicrosecondArray::from(vec![1])), "text:00:00:00.000001"),
        (
            DataType::Timestamp,
            Arc::new(TimestampMicrosecondArray::from(vec![1_795_176_000_123_456])),
            "text:2026-11-20 12:00:00.123456",
        ),
        (
            DataType::Uuid,
            Arc::new(FixedSizeBinaryArray::try_from(vec![&[255_u8; 16]]).unwrap()),
            "text:ffffffff-ffff-ffff-ffff-ffffffffffff",
        ),
    ];
    let fields = cases
        .iter()
        .enumerate()
        .map(|(index, case)| Field::new(&format!("c{index}"), case.0, true))
        .collect();
    let place = Place::with_schema(WriteMode::Append, Schema::new(fields));
    let mut open = place.open(&place.initialise().unwrap());
    let columns: Vec<ArrayRef> = cases.iter().map(|case| Arc::clone(&case.1)).collect();
    let batch = batch(&place.context.schema, &columns, Operations::All(Read), vec![1]);
    pass(&mut open, 1, &batch);
    for (index, case) in cases.iter().enumerate() {
        let sql = format!("SELECT typeof(c{index}) || ':' || CAST(c{index} AS TEXT) FROM wagers");
        assert_eq!(place.texts(&sql), [case.2], "{}", case.0);
    }
    assert_eq!(
        place.texts("SELECT datetime(c13) || ' ' || date(c11) FROM wagers"),
        ["2026-11-20 12:00:00 1970-01-01"]
    );
}

#[test]
fn text_with_nul_comes_back_whole() {
    let place = Place::new(WriteMode::Append);
    let mut open = place.open(&place.initialise().unwrap());
    pass(&mut open, 1, &place.batch(&[(Insert, "a\0b", Some(1), 1), (Insert, "", None, 2)]));
    assert_eq!(place.texts("SELECT id FROM wagers ORDER BY rowid"), ["a\0b", ""]);
}

#[test]
fn append_mode_does_with_changes_what_the_policies_say() {
    let changes = [
        (Insert, "a", Some(1), 1),
        (Update, "b", Some(2), 2),
        (Delete, "c", None, 3),
        (Insert, "d", Some(4), 4),
    ];
    let rows = |on_delete, on_update| {
        let mut place = Place::new(WriteMode::Append);
        (place.config.on_delete, place.config.on_update) = (on_delete, on_update);
        let mut open = place.open(&place.initialise().unwrap());
        let refused = open.sink.write(&place.batch(&changes)).unwrap();
        let handle = open.sink.prepare(1).unwrap().handle;
        open.committer.commit(&handle).unwrap();
        (refused.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), place.rows().join(" "))
    };
    use ChangePolicy::{Append, DeadLetter, Ignore};
    assert_eq!(rows(DeadLetter, DeadLetter), (vec![1, 2], "a=0.01 d=0.04".to_owned()));
    assert_eq!(rows(Ignore, Append), (vec![], "a=0.01 b=0.02 d=0.04".to_owned()));
    assert_eq!(rows(Append, Ignore), (vec![], "a=0.01 c=- d=0.04".to_owned()));
}

#[test]
fn what_the_table_would_refuse_is_refused_at_once() {
    let schema = Schema {
        key: vec![0],
        ..Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("rate", DataType::Float64, true),
            Field::new("time", DataType::Timestamp, false),
        ])
    };
    let place = Place::with_schema(WriteMode::Upsert, schema);
    let mut open = place.open(&place.initialise().unwrap());
    let ids: Int64Array = [Some(1), None, Some(3), Some(4), Some(5), Some(6)].into_iter().collect();
    let rates: Float64Array =
        [Some(0.5), Some(0.5), Some(f64::NAN), None, None, None].into_iter().collect();
    let times: TimestampMicrosecondArray =
        [Some(0), Some(0), Some(0), Some(i64::MAX), None, None].into_iter().collect();
    let columns: [ArrayRef; 3] = [Arc::new(ids), Arc::new(rates), Arc::new(times)];
    let codes: Vec<u8> =
        [Insert, Insert, Insert, Insert, Insert, Delete].iter().map(|code| *code as u8).collect();
    let batch =
        batch(&place.context.schema, &columns, Operations::Each(codes.into()), (1..=6).collect());
    let refused = open.sink.write(&batch).unwrap();
    let found: Vec<(usize, &str, &str)> = refused
        .iter()
        .map(|refusal| (refusal.row, refusal.column.as_deref().unwrap_or(""), &*refusal.reason))
        .collect();
    assert_eq!(
        found,
        [
            (1, "id", "null, where the table takes none"),
            (2, "rate", "SQLite cannot hold NaN"),
            (3, "time", "SQLite cannot hold a year outside of 0001 to 9999"),
            (4, "time", "null, where the table takes none"),
        ]
    );
    let handle = open.sink.prepare(1).unwrap().handle;
    open.committer.commit(&handle).unwrap();
    assert_eq!(place.texts("SELECT CAST(id AS TEXT) FROM wagers"), ["1"]);
}
