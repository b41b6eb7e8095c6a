//! Bodies of Arrow read back by the library's own reader, against what JSON says of the same rows.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_schema::DataType as ArrowType;
use proptest::prelude::*;
use serde_json::Value;

use super::super::arrow::ArrowEncoder;
use super::*;

/// The batches of a body that is an IPC stream from its first byte to its last.
fn read(body: &[u8]) -> Vec<RecordBatch> {
    assert!(body.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), "the stream has its end");
    StreamReader::try_new(body, None).unwrap().map(Result::unwrap).collect()
}

/// A body of these rows of a piece; `None`: it cannot be written so.
fn arrow(encoder: &mut ArrowEncoder, piece: &Piece, ranges: &[Range<usize>]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    encoder.begin(&mut out);
    for rows in ranges {
        let before = out.len();
        let is_done = encoder.encode(&mut out, piece, rows.clone());
        assert_eq!(is_done, encoder.can_write(piece, rows.clone()));
        if !is_done {
            assert_eq!(out.len(), before, "nothing of a row is left behind");
            return None;
        }
    }
    encoder.end(&mut out);
    Some(out)
}

/// A decimal the naive way.
fn decimal(unscaled: i128, scale: usize) -> String {
    let digits = format!("{:0>1$}", unscaled.unsigned_abs().to_string(), scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A value as JSON has it.
fn shown(values: &ArrayRef, row: usize) -> Value {
    if values.is_null(row) {
        return Value::Null;
    }
    match values.data_type() {
        ArrowType::Boolean => values.as_boolean().value(row).into(),
        ArrowType::Int8 => values.as_primitive::<Int8Type>().value(row).into(),
        ArrowType::Int16 => values.as_primitive::<Int16Type>().value(row).into(),
        ArrowType::Int32 => values.as_primitive::<Int32Type>().value(row).into(),
        ArrowType::Int64 => values.as_primitive::<Int64Type>().value(row).into(),
        ArrowType::Float32 => {
            let value = values.as_primitive::<Float32Type>().value(row);
            let digits = serde_json::to_string(&value).unwrap();
            digits.parse::<f64>().unwrap().into()
        }
        ArrowType::Float64 => values.as_primitive::<Float64Type>().value(row).into(),
        ArrowType::Decimal128(_, scale) => {
            let unscaled = values.as_primitive::<Decimal128Type>().value(row);
            decimal(unscaled, usize::from(scale.cast_unsigned())).into()
        }
        ArrowType::Date32 => {
            let days = i64::from(values.as_primitive::<Date32Type>().value(row));
            let day = chrono::DateTime::from_timestamp(days * 86_400, 0).unwrap();
            day.format("%Y-%m-%d").to_string().into()
        }
        ArrowType::Utf8 => values.as_string::<i32>().value(row).into(),
        other => panic!("{other} is no type of a body"),
    }
}

/// The only row of a body of these columns, each with the table's type, as its type and its value.
fn only_row(columns: &[(&str, DataType, ArrayRef)], targets: &[&str]) -> Vec<(ArrowType, Value)> {
    let mut layout = layout(System::Doris, columns);
    for (mapped, target) in layout.iter_mut().zip(targets) {
        mapped.target = target.parse().unwrap();
    }
    let piece = piece(columns, &[Operation::Insert]);
    let mut encoder = ArrowEncoder::new(layout, DeleteSign::None, 0);
    let batches = read(&arrow(&mut encoder, &piece, std::slice::from_ref(&(0..1))).unwrap());
    let [batch] = &batches[..] else { panic!("{} batches", batches.len()) };
    batch.columns().iter().map(|values| (values.data_type().clone(), shown(values, 0))).collect()
}

#[test]
fn a_column_is_of_the_tables_type_whatever_it_came_as() {
    let number = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let small = |value: i16| -> ArrayRef { Arc::new(Int16Array::from(vec![value])) };
    let money = Decimal64Array::from(vec![-5]).with_precision_and_scale(18, 2).unwrap();
    let whole = Decimal128Array::from(vec![7]).with_precision_and_scale(20, 0).unwrap();
    let nines = 10_i128.pow(38) - 1;
    let wide = Decimal128Array::from(vec![nines]).with_precision_and_scale(38, 4).unwrap();
    let of = |precision, scale| DataType::Decimal { precision, scale };
    let single: ArrayRef = Arc::new(Float32Array::from(vec![0.1]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![1]));
    let moment: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_500_000]));
    let uuid: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from(vec![&[255_u8; 16]]).unwrap());
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..]]));
    let clock: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![1]));
    let (whole, money): (ArrayRef, ArrayRef) = (Arc::new(whole), Arc::new(money));
    let table: [(&str, DataType, ArrayRef, &str, ArrowType, Value); 19] = [
        ("a", DataType::Int64, number(-7), "tinyint(4)", ArrowType::Int8, (-7).into()),
        ("b", DataType::Int64, number(9), "bigint", ArrowType::Int64, 9.into()),
        ("c", DataType::Int64, number(-1), "largeint", ArrowType::Utf8, "-1".into()),
        ("d", DataType::Int64, number(3), "varchar(20)", ArrowType::Utf8, "3".into()),
        (
            "e",
            DataType::Int64,
            number(3),
            "decimal(9,2)",
            ArrowType::Decimal128(9, 2),
            "3.00".into(),
        ),
        ("f", DataType::Int16, small(3), "int", ArrowType::Int32, 3.into()),
        ("g", DataType::Int16, small(3), "float", ArrowType::Float32, 3.0.into()),
        ("h", DataType::Float32, Arc::clone(&single), "float", ArrowType::Float32, 0.1.into()),
        ("i", DataType::Float32, single, "double", ArrowType::Float64, 0.1.into()),
        (
            "j",
            of(18, 2),
            Arc::clone(&money),
            "decimal(18,2)",
            ArrowType::Decimal128(18, 2),
            "-0.05".into(),
        ),
        (
            "k",
            of(18, 2),
            Arc::clone(&money),
            "decimal(38,9)",
            ArrowType::Decimal128(38, 9),
            "-0.050000000".into(),
        ),
        ("l", of(18, 2), money, "string", ArrowType::Utf8, "-0.05".into()),
        ("m", of(20, 0), whole, "smallint", ArrowType::Int16, 7.into()),
        (
            "n",
            of(38, 4),
            Arc::new(wide),
            "decimal(38,4)",
            ArrowType::Decimal128(38, 4),
            decimal(nines, 4).into(),
        ),
        ("o", DataType::Date, day, "date", ArrowType::Date32, "1970-01-02".into()),
        (
            "p",
            DataType::Timestamp,
            moment,
            "varchar(26)",
            ArrowType::Utf8,
            "1970-01-01 00:00:01.500000".into(),
        ),
        (
            "q",
            DataType::Uuid,
            uuid,
            "char(36)",
            ArrowType::Utf8,
            "ffffffff-ffff-ffff-ffff-ffffffffffff".into(),
        ),
        ("r", DataType::Binary, bytes, "string", ArrowType::Utf8, "AP8=".into()),
        ("s", DataType::Time, clock, "varchar(16)", ArrowType::Utf8, "00:00:00.000001".into()),
    ];
    let columns: Vec<_> =
        table.iter().map(|(name, field, values, ..)| (*name, *field, Arc::clone(values))).collect();
    let targets: Vec<&str> = table.iter().map(|(.., target, _, _)| *target).collect();
    let found = only_row(&columns, &targets);
    assert_eq!(found.len(), table.len());
    for ((name, .., data_type, value), found) in table.iter().zip(&found) {
        assert_eq!(*found, (data_type.clone(), value.clone()), "{name}");
    }
}

#[test]
fn audit_columns_and_chosen_rows_are_as_json_has_them() {
    let columns = [
        ("id", DataType::Int64, numbers(&[Some(1), Some(2), Some(3), None])),
        ("name", DataType::Text, texts(&[Some("a"), None, Some(""), Some("\0\"")])),
    ];
    let operations = [Operation::Insert, Operation::Delete, Operation::Update, Operation::Insert];
    let mut layout = layout(System::Doris, &columns);
    for (name, origin, field) in [
        ("op", Origin::Op, DataType::Text),
        ("deleted", Origin::Deleted, DataType::Bool),
        ("synced", Origin::SyncedAt, DataType::Timestamp),
        ("version", Origin::Version, DataType::Int64),
    ] {
        let target = match field {
            DataType::Text | DataType::Timestamp => ColumnType::String,
            _ => column_type(System::Doris, field, false),
        };
        layout.push(Mapped { target, ..audit(name, origin, field) });
    }
    let mut piece = piece(&columns, &operations);
    for rows in [None, Some(vec![3, 1, 2])] {
        piece.rows = rows;
        let length = piece.len();
        let mut encoder = ArrowEncoder::new(layout.clone(), DeleteSign::None, 1_000_000);
        assert_eq!(encoder.shape(None, None).columns[2..], ["op", "deleted", "synced", "version"]);
        let ranges = [0..1, 1..1, 1..length];
        let batches = read(&arrow(&mut encoder, &piece, &ranges).unwrap());
        assert_eq!(batches.len(), 2, "no rows are no message");
        let json = Encoder::new(
            System::Doris,
            BodyFormat::Json,
            layout.clone(),
            DeleteSign::None,
            1_000_000,
        );
        check(json, &piece, &batches);
    }
}

/// Every value is what JSON says it is.
fn check(mut json: Encoder, piece: &Piece, batches: &[RecordBatch]) {
    let text = body(&mut json, piece).unwrap();
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    let rows: Vec<_> = rows.collect();
    let objects: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), objects.len());
    for ((batch, row), object) in rows.into_iter().zip(&objects) {
        for (field, values) in batch.schema().fields().iter().zip(batch.columns()) {
            let (found, wanted) = (shown(values, row), &object[field.name()]);
            // Floats of JSON are texts here, of more than one form.
            match values.data_type() {
                ArrowType::Float32 | ArrowType::Float64 => {
                    assert_eq!(found.as_f64(), wanted.as_f64(), "{}", field.name());
                }
                _ => assert_eq!(found, *wanted, "{}", field.name()),
            }
        }
    }
}

#[test]
fn deletes_and_the_first_days_of_all_are_left_to_json() {
    let columns = [
        ("id", DataType::Int64, numbers(&[Some(1), Some(2), Some(3)])),
        (
            "born",
            DataType::Date,
            // 0000-03-01, a null above a day that is too early, and 0000-02-29.
            Arc::new(Date32Array::new(
                vec![-719_468, -719_469, -719_469].into(),
                Some(vec![true, false, true].into()),
            )) as ArrayRef,
        ),
    ];
    let layout = layout(System::Doris, &columns);
    let piece = piece(&columns, &[Operation::Insert; 3]);
    let mut encoder = ArrowEncoder::new(layout.clone(), DeleteSign::None, 0);
    assert!(arrow(&mut encoder, &piece, std::slice::from_ref(&(0..2))).is_some());
    assert!(arrow(&mut encoder, &piece, &[0..2, 2..3]).is_none());
    // The next body is whole again.
    assert!(arrow(&mut encoder, &piece, std::slice::from_ref(&(0..1))).is_some());
    let mut encoder = ArrowEncoder::new(layout, DeleteSign::Column, 0);
    assert!(arrow(&mut encoder, &piece, std::slice::from_ref(&(0..1))).is_none());
}

#[test]
fn a_decimal_that_has_too_many_digits_is_not_cut() {
    let decimal = DataType::Decimal { precision: 18, scale: 2 };
    let values = Decimal64Array::from(vec![10_000]).with_precision_and_scale(18, 2).unwrap();
    let columns = [("amount", decimal, Arc::new(values) as ArrayRef)];
    let mut layout = layout(System::Doris, &columns);
    layout[0].target = ColumnType::Decimal { precision: 4, scale: 2 };
    let mut encoder = ArrowEncoder::new(layout, DeleteSign::None, 0);
    let mut out = Vec::new();
    encoder.begin(&mut out);
    let begun = out.len();
    let piece = piece(&columns, &[Operation::Insert]);
    assert!(!encoder.can_write(&piece, 0..1));
    assert!(!encoder.encode(&mut out, &piece, 0..1));
    assert_eq!(out.len(), begun);
}

/// A row of the columns that can go wrong.
#[derive(Clone, Debug)]
struct Row {
    id: i64,
    text: Option<String>,
    money: Option<i64>,
    wide: Option<i128>,
    day: Option<i32>,
    moment: Option<i64>,
    single: Option<f32>,
    small: Option<i8>,
    flag: Option<bool>,
}

fn any_row() -> impl Strategy<Value = Row> {
    fn maybe<T: std::fmt::Debug + Clone>(
        values: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Option<T>> {
        prop::option::weighted(0.8, values)
    }
    let most = 10_i128.pow(38) - 1;
    let wide = prop_oneof![-most..=most, Just(most), Just(-most), -100..100_i128];
    // 0000-03-01 and 9999-12-31.
    let day = prop_oneof![-719_468..=2_932_896_i32, Just(-719_468), Just(2_932_896)];
    let moment = -62_167_219_200_000_000..=253_402_300_799_999_999_i64;
    let single = any::<f32>().prop_filter("JSON has no others", |single| single.is_finite());
    (
        (
            any::<i64>(),
            maybe("[\u{0}-\u{ff}\"\\\\\n🦀]{0,12}"),
            maybe(-(10_i64.pow(17))..10_i64.pow(17)),
        ),
        (maybe(wide), maybe(day), maybe(moment)),
        (maybe(single), maybe(any::<i8>()), maybe(any::<bool>())),
    )
        .prop_map(|((id, text, money), (wide, day, moment), (single, small, flag))| Row {
            id,
            text,
            money,
            wide,
            day,
            moment,
            single,
            small,
            flag,
        })
}

fn columns(rows: &[Row]) -> Vec<(&'static str, DataType, ArrayRef)> {
    let money: Decimal64Array = rows.iter().map(|row| row.money).collect();
    let wide: Decimal128Array = rows.iter().map(|row| row.wide).collect();
    let text: StringArray = rows.iter().map(|row| row.text.clone()).collect();
    vec![
        (
            "id",
            DataType::Int64,
            Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>()),
        ),
        ("te\"xt", DataType::Text, Arc::new(text)),
        (
            "money",
            DataType::Decimal { precision: 18, scale: 4 },
            Arc::new(money.with_precision_and_scale(18, 4).unwrap()),
        ),
        (
            "wide",
            DataType::Decimal { precision: 38, scale: 9 },
            Arc::new(wide.with_precision_and_scale(38, 9).unwrap()),
        ),
        ("day", DataType::Date, Arc::new(rows.iter().map(|row| row.day).collect::<Date32Array>())),
        (
            "moment",
            DataType::Timestamp,
            Arc::new(rows.iter().map(|row| row.moment).collect::<TimestampMicrosecondArray>()),
        ),
        (
            "single",
            DataType::Float32,
            Arc::new(rows.iter().map(|row| row.single).collect::<Float32Array>()),
        ),
        (
            "small",
            DataType::Int64,
            Arc::new(rows.iter().map(|row| row.small.map(i64::from)).collect::<Int64Array>()),
        ),
        (
            "flag",
            DataType::Bool,
            Arc::new(rows.iter().map(|row| row.flag).collect::<BooleanArray>()),
        ),
    ]
}

proptest! {
    #[test]
    fn any_rows_say_in_arrow_what_they_say_in_json(
        rows in prop::collection::vec(any_row(), 1..60),
        picks in prop::option::of(prop::collection::vec(any::<prop::sample::Index>(), 1..40)),
        cut in any::<prop::sample::Index>(),
    ) {
        let columns = columns(&rows);
        let mut piece = piece(&columns, &vec![Operation::Insert; rows.len()]);
        piece.rows = picks.map(|picks| {
            picks.iter().map(|pick| u32::try_from(pick.index(rows.len())).unwrap()).collect()
        });
        let mut layout = layout(System::Doris, &columns);
        for (place, target) in
            [(5, ColumnType::String), (6, ColumnType::Double), (7, ColumnType::TinyInt)]
        {
            layout[place].target = target;
        }
        let length = piece.len();
        let middle = cut.index(length + 1);
        let mut encoder = ArrowEncoder::new(layout.clone(), DeleteSign::None, 0);
        let body = arrow(&mut encoder, &piece, &[0..middle, middle..length]).unwrap();
        let json = Encoder::new(System::Doris, BodyFormat::Json, layout, DeleteSign::None, 0);
        check(json, &piece, &read(&body));
    }
}
