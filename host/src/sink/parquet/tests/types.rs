//! Every type as Parquet has it, read back whole; row groups; compression.

use arrow_array::types::{Decimal128Type, Float64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BinaryArray, BooleanArray, Date32Array, Decimal64Array, Decimal128Array,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use parquet::basic::{Compression, LogicalType, Repetition};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;

const MOST: i128 = 10_i128.pow(38) - 1;

fn decimal(precision: u8, scale: u8) -> DataType {
    DataType::Decimal { precision, scale }
}

/// A column of each type with its least, its greatest and a null.
fn every_type() -> Vec<(Field, ArrayRef)> {
    let short = Decimal64Array::from(three(-999_999_999, 999_999_999));
    let middle = 10_i64.pow(18) - 1;
    let middle = Decimal64Array::from(three(-middle, middle));
    let long = Decimal128Array::from(three(-MOST, MOST));
    let uuids = three([0_u8; 16], [255; 16]).into_iter();
    let uuids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(uuids, 16);
    let day = 86_400_000_000;
    vec![
        column("bool", DataType::Bool, BooleanArray::from(three(false, true))),
        column("i16", DataType::Int16, Int16Array::from(three(i16::MIN, i16::MAX))),
        column("i32", DataType::Int32, Int32Array::from(three(i32::MIN, i32::MAX))),
        column("i64", DataType::Int64, Int64Array::from(three(i64::MIN, i64::MAX))),
        column("f32", DataType::Float32, Float32Array::from(three(f32::MIN, f32::INFINITY))),
        column("f64", DataType::Float64, Float64Array::from(three(-0.0, f64::NAN))),
        column("short", decimal(9, 2), short.with_precision_and_scale(9, 2).unwrap()),
        column("middle", decimal(18, 18), middle.with_precision_and_scale(18, 18).unwrap()),
        column("long", decimal(38, 10), long.with_precision_and_scale(38, 10).unwrap()),
        column("text", DataType::Text, StringArray::from(three("", "é\0🦀"))),
        column("binary", DataType::Binary, BinaryArray::from(three(&b""[..], &b"\x00\xff"[..]))),
        column("date", DataType::Date, Date32Array::from(three(i32::MIN, i32::MAX))),
        column("time", DataType::Time, Time64MicrosecondArray::from(three(0, day - 1))),
        column(
            "timestamp",
            DataType::Timestamp,
            TimestampMicrosecondArray::from(three(i64::MIN, i64::MAX)),
        ),
        column("uuid", DataType::Uuid, uuids.unwrap()),
        column("json", DataType::Json, StringArray::from(three("{\"a\": 1}", "null"))),
    ]
}

fn three<T>(least: T, greatest: T) -> Vec<Option<T>> {
    vec![Some(least), Some(greatest), None]
}

fn column(name: &str, data_type: DataType, values: impl Array + 'static) -> (Field, ArrayRef) {
    (Field::new(name, data_type, true), Arc::new(values))
}

/// Writes one part of these columns, and answers its path.
fn part(place: &Place, columns: Vec<ArrayRef>) -> PathBuf {
    let mut open = place.start();
    let handle = prepare(&mut open, 1, &place.batch_of(columns));
    commit(&mut open, &handle);
    place.path(&visible("one", 1))
}

#[test]
fn every_type_comes_back_whole() {
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = every_type().into_iter().unzip();
    let place = Place::with(fields);
    let path = part(&place, columns.clone());
    let batches = read(&path);
    assert_eq!(batches.len(), 1);
    let column = |name: &str| Arc::clone(batches[0].column_by_name(name).unwrap());
    let floats = column("f64");
    let floats = floats.as_primitive::<Float64Type>();
    assert!(floats.value(0).is_sign_negative() && floats.value(1).is_nan() && floats.is_null(2));
    // Short decimals come back in Arrow's longer carrier, where no schema of Arrow says otherwise.
    let decimals = |name: &str| {
        let values = column(name);
        let values = values.as_primitive::<Decimal128Type>();
        assert!(values.is_null(2));
        (values.precision(), values.scale(), values.value(0), values.value(1))
    };
    assert_eq!(decimals("short"), (9, 2, -999_999_999, 999_999_999));
    let middle = 10_i128.pow(18) - 1;
    assert_eq!(decimals("middle"), (18, 18, -middle, middle));
    assert_eq!(decimals("long"), (38, 10, -MOST, MOST));
    let stamps = column("timestamp");
    let stamps = stamps.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(stamps.timezone(), Some("UTC"));
    assert_eq!(stamps.values()[..2], [i64::MIN, i64::MAX]);
    assert!(stamps.is_null(2));
    for (field, values) in place.context.schema.fields.iter().zip(&columns) {
        if matches!(
            field.data_type,
            DataType::Decimal { .. } | DataType::Timestamp | DataType::Float64
        ) {
            continue;
        }
        let is_same = values.to_data() == column(&field.name).to_data();
        assert!(is_same, "{}", field.name);
    }
}

#[test]
fn columns_have_the_logical_types_that_readers_know() {
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = every_type().into_iter().unzip();
    let place = Place::with(fields);
    let path = part(&place, columns);
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let metadata = reader.metadata().file_metadata();
    let schema = metadata.schema_descr();
    let logical: Vec<String> = (0..schema.num_columns())
        .map(|index| {
            let column = schema.column(index);
            let logical = column.logical_type_ref();
            format!("{} {:?} {logical:?}", column.name(), column.physical_type())
        })
        .collect();
    let starts = [
        "bool BOOLEAN None",
        "i16 INT32 Some(Integer",
        "i32 INT32 None",
        "i64 INT64 None",
        "f32 FLOAT None",
        "f64 DOUBLE None",
        "short INT32 Some(Decimal",
        "middle INT64 Some(Decimal",
        "long FIXED_LEN_BYTE_ARRAY Some(Decimal",
        "text BYTE_ARRAY Some(String",
        "binary BYTE_ARRAY None",
        "date INT32 Some(Date",
        "time INT64 Some(Time",
        "timestamp INT64 Some(Timestamp",
        "uuid FIXED_LEN_BYTE_ARRAY Some(Uuid",
        "json BYTE_ARRAY Some(Json",
    ];
    assert_eq!(logical.len(), starts.len());
    for (logical, start) in logical.iter().zip(starts) {
        assert!(logical.starts_with(start), "{logical}, not {start}");
    }
    let stamp = schema.column(13);
    let Some(LogicalType::Timestamp(stamp)) = stamp.logical_type_ref() else {
        panic!("a timestamp")
    };
    assert!(stamp.is_adjusted_to_u_t_c);
    let named = metadata.key_value_metadata().into_iter().flatten();
    assert!(named.into_iter().all(|entry| entry.key != "ARROW:schema"));
}

#[test]
fn columns_that_are_never_null_are_required() {
    let place = Place::with(vec![
        Field::new("id", DataType::Uuid, false),
        Field::new("j", DataType::Json, true),
        Field::new("n", DataType::Int64, false),
    ]);
    let uuids = FixedSizeBinaryArray::try_from_iter([[7_u8; 16]].into_iter()).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(uuids),
        Arc::new(StringArray::from(vec![None::<&str>])),
        Arc::new(Int64Array::from(vec![1])),
    ];
    let path = part(&place, columns);
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let repetition = |index: usize| schema.column(index).self_type().get_basic_info().repetition();
    assert_eq!(
        [repetition(0), repetition(1), repetition(2)],
        [Repetition::REQUIRED, Repetition::OPTIONAL, Repetition::REQUIRED]
    );

    let mut open = place.open(&ParquetHandle { epoch: 1, part: None }.write());
    let nulls: Vec<ArrayRef> = vec![
        Arc::new(FixedSizeBinaryArray::try_from_iter([[7_u8; 16]].into_iter()).unwrap()),
        Arc::new(StringArray::from(vec![None::<&str>])),
        Arc::new(Int64Array::from(vec![None::<i64>])),
    ];
    let error = open.sink.write(&place.batch_of(nulls)).unwrap_err();
    assert!(matches!(error, SinkError::BatchMismatch { .. }), "{error}");
}

#[test]
fn row_groups_are_bounded_and_pages_compressed_as_told() {
    for (compression, expected) in
        [(ParquetCompression::Zstd, "ZSTD"), (ParquetCompression::None, "UNCOMPRESSED")]
    {
        let mut place = Place::new();
        place.config.compression = compression;
        place.config.row_group_rows = 4;
        let mut open = place.start();
        for _ in 0..3 {
            open.sink.write(&place.batch(&["a", "b", "c"])).unwrap();
        }
        open.sink.write(&place.batch(&[])).unwrap();
        let handle = open.sink.prepare(1).unwrap().handle;
        commit(&mut open, &handle);
        let path = place.path(&visible("one", 1));
        let bytes = fs::metadata(&path).unwrap().len();
        assert_eq!(handle.0["part"]["bytes"], bytes);
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let groups = reader.metadata().row_groups();
        assert_eq!(groups.iter().map(|group| group.num_rows()).collect::<Vec<_>>(), [4, 4, 1]);
        let compression: Compression = groups[0].column(0).compression();
        assert!(format!("{compression:?}").starts_with(expected), "{compression:?}");
        assert_eq!(place.ids().concat(), "abcabcabc");
    }
}
