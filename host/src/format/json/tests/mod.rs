//! The decoder as a whole: the semantics one by one, JSON against `serde_json`, chunks and paths.

mod against_serde;
mod chunks;
mod semantics;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};

use super::{Decoded, JsonDecoder, Limits};
use crate::format::{ColumnSpec, TimeUnit};
use crate::record::DataType;

pub(super) const ALL: Limits = Limits { rows: usize::MAX, bytes: usize::MAX };

/// A column whose name is its path, with points; a timestamp's unit is milliseconds.
pub(super) fn column(path: &str, data_type: &str) -> ColumnSpec {
    let data_type = data_type.parse().expect("a type");
    ColumnSpec {
        name: path.into(),
        path: path.split('.').map(str::to_owned).collect(),
        data_type,
        unit: (data_type == DataType::Timestamp).then_some(TimeUnit::Ms),
        required: false,
        key: false,
    }
}

pub(super) fn key(path: &str, data_type: &str) -> ColumnSpec {
    ColumnSpec { key: true, ..column(path, data_type) }
}

/// The eleven columns of a wager.
pub(super) fn wager_columns() -> Vec<ColumnSpec> {
    let mut columns = vec![key("payload._id", "text")];
    for name in ["gameId", "gameSessionId", "userId"] {
        columns.push(column(&format!("payload.{name}"), "text"));
    }
    columns.push(column("payload.version", "i64"));
    for name in ["totalBet", "totalWin", "totalLose"] {
        columns.push(column(&format!("payload.{name}"), "decimal(18,2)"));
    }
    for name in ["beginTime", "endTime", "lastUpdateTime"] {
        columns.push(column(&format!("payload.{name}"), "timestamp"));
    }
    columns
}

/// A wager's line in one of the producer's three shapes.
pub(super) fn wager(number: u64) -> String {
    let end = match number % 10 {
        0 => String::new(),
        1 => ",\"endTime\":null".to_owned(),
        _ => format!(",\"endTime\":{}", 1_795_168_800_000 + number * 2 + 1),
    };
    format!(
        "{{\"payload\":{{\"_id\":\"6750a1b2c3d4e5f6{number:08}\",\"gameId\":\"g-{}\",\"gameSessionId\":\
         \"s-{number}\",\"userId\":\"u-{}\",\"version\":{},\"totalBet\":{}.{:02},\"totalWin\":{},\
         \"totalLose\":-0.5,\"beginTime\":{}{end},\"lastUpdateTime\":1795168800000}}}}",
        number % 200,
        number % 10_000,
        number % 20,
        number % 977,
        number % 100,
        number * 7,
        1_795_168_800_000 + number * 2,
    )
}

/// Everything that `chunk` holds, decoded at once.
pub(super) fn decode(mut decoder: JsonDecoder, chunk: &[u8]) -> Decoded {
    let progress = decoder.decode_chunk(chunk, ALL);
    assert_eq!(progress.bytes, chunk.len());
    assert!(!progress.full);
    decoder.finish()
}

/// A value as text: null is `null`, text and JSON stand as they are, bytes in hexadecimal, decimals
/// and times as their unscaled integers.
pub(super) fn show(array: &ArrayRef, row: usize) -> String {
    use arrow_schema::DataType as Arrow;
    if array.is_null(row) {
        return "null".to_owned();
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match array.data_type() {
        Arrow::Boolean => array.as_boolean().value(row).to_string(),
        Arrow::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        Arrow::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        Arrow::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        Arrow::Float32 => array.as_primitive::<Float32Type>().value(row).to_string(),
        Arrow::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        Arrow::Decimal64(..) => array.as_primitive::<Decimal64Type>().value(row).to_string(),
        Arrow::Decimal128(..) => array.as_primitive::<Decimal128Type>().value(row).to_string(),
        Arrow::Date32 => array.as_primitive::<Date32Type>().value(row).to_string(),
        Arrow::Time64(_) => array.as_primitive::<Time64MicrosecondType>().value(row).to_string(),
        Arrow::Timestamp(..) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        Arrow::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        Arrow::Binary => hex(array.as_binary::<i32>().value(row)),
        Arrow::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row)),
        other => panic!("no column is of type {other}"),
    }
}

/// Two batches hold the same rows, lines and rejects.
pub(super) fn assert_same(left: &Decoded, right: &Decoded) {
    assert_eq!(left.rows, right.rows);
    assert_eq!(left.lines, right.lines);
    assert_eq!(left.rejects, right.rejects);
    for (left, right) in left.columns.iter().zip(&right.columns) {
        assert_eq!(left.to_data(), right.to_data());
    }
}
