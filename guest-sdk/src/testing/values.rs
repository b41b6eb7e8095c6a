//! JSON values to columns and back.

use serde_json::{Value, json};

use crate::decimal;
use crate::raw::{Column, DataType, DecimalType, Values, Varying};
use crate::time::{Date, Time, Timestamp};
use crate::uuid::Uuid;

const MARKER: &str = "$unchanged";

/// Stands in a row for a value that the source did not send, because it did not change.
#[must_use]
pub fn unchanged() -> Value {
    json!({ MARKER: true })
}

pub(super) fn is_unchanged(value: &Value) -> bool {
    value.get(MARKER).is_some()
}

/// Makes a column of this type from JSON values; `null` is a null, [`unchanged`] its own state.
///
/// # Errors
/// The place of the first value that does not fit, and why it does not.
pub fn encode(data_type: DataType, cells: &[Value]) -> Result<Column, (usize, String)> {
    let absent = |cell: &Value| cell.is_null() || is_unchanged(cell);
    let values = encode_values(data_type, cells, &absent)?;
    let validity = cells.iter().any(absent).then(|| bits(cells, |cell| !absent(cell)));
    let unchanged = cells.iter().any(is_unchanged).then(|| bits(cells, is_unchanged));
    Ok(Column { values, validity, unchanged })
}

/// Reads a column of this type as JSON values.
///
/// # Panics
/// Where the column breaks the contract; see [`check()`](super::check()).
#[must_use]
pub fn decode(data_type: DataType, column: &Column, rows: usize) -> Vec<Value> {
    (0..rows).map(|row| cell(data_type, column, row)).collect()
}

/// One value of a column.
pub(super) fn cell(data_type: DataType, column: &Column, row: usize) -> Value {
    let is_set = |bits: &Vec<u8>| (bits[row / 8] >> (row % 8)) & 1 == 1;
    if column.unchanged.as_ref().is_some_and(is_set) {
        unchanged()
    } else if column.validity.as_ref().is_some_and(|bits| !is_set(bits)) {
        Value::Null
    } else {
        value(data_type, &column.values, row)
    }
}

/// The name that the pipeline's TOML has for a type.
pub(super) fn type_name(data_type: DataType) -> String {
    let name = match data_type {
        DataType::Bool => "bool",
        DataType::Int16 => "i16",
        DataType::Int32 => "i32",
        DataType::Int64 => "i64",
        DataType::Float32 => "f32",
        DataType::Float64 => "f64",
        DataType::Decimal(DecimalType { precision, scale }) => {
            return format!("decimal({precision},{scale})");
        }
        DataType::Text => "text",
        DataType::Binary => "binary",
        DataType::Date => "date",
        DataType::Time => "time",
        DataType::Timestamp => "timestamp",
        DataType::Uuid => "uuid",
        DataType::Json => "json",
    };
    name.to_owned()
}

fn bits(cells: &[Value], is_set: impl Fn(&Value) -> bool) -> Vec<u8> {
    let mut bits = vec![0; cells.len().div_ceil(8)];
    for (row, cell) in cells.iter().enumerate() {
        bits[row / 8] |= u8::from(is_set(cell)) << (row % 8);
    }
    bits
}

fn encode_values(
    data_type: DataType,
    cells: &[Value],
    absent: &dyn Fn(&Value) -> bool,
) -> Result<Values, (usize, String)> {
    let wrong = |row: usize| (row, format!("{} is no {}", cells[row], type_name(data_type)));
    // A slot without a value holds the type's default.
    fn list<T: Default>(
        cells: &[Value],
        absent: &dyn Fn(&Value) -> bool,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, usize> {
        let slot = |(row, cell): (usize, &Value)| match absent(cell) {
            true => Ok(T::default()),
            false => read(cell).ok_or(row),
        };
        cells.iter().enumerate().map(slot).collect()
    }
    let values = match data_type {
        DataType::Bool => list(cells, absent, Value::as_bool).map(|list| {
            let list: Vec<Value> = list.into_iter().map(Value::Bool).collect();
            Values::Bools(bits(&list, |value| *value == Value::Bool(true)))
        }),
        DataType::Int16 => list(cells, absent, |v| v.as_i64()?.try_into().ok()).map(Values::Int16s),
        DataType::Int32 => list(cells, absent, |v| v.as_i64()?.try_into().ok()).map(Values::Int32s),
        DataType::Int64 => list(cells, absent, Value::as_i64).map(Values::Int64s),
        DataType::Float32 => {
            list(cells, absent, |v| float(v).map(|v| v as f32)).map(Values::Float32s)
        }
        DataType::Float64 => list(cells, absent, float).map(Values::Float64s),
        DataType::Decimal(DecimalType { precision, scale }) => {
            let units = list(cells, absent, |v| {
                decimal::parse_units(&decimal::json_text(v)?, scale, precision).ok()
            });
            units.map(|units| match precision {
                ..=18 => Values::Int64s(units.into_iter().map(|units| units as i64).collect()),
                _ => Values::Fixed16s(units.into_iter().flat_map(i128::to_le_bytes).collect()),
            })
        }
        DataType::Text => list(cells, absent, |v| Some(v.as_str()?.into())).map(varying),
        DataType::Binary => list(cells, absent, |v| from_hex(v.as_str()?)).map(varying),
        DataType::Json => list(cells, absent, |v| Some(v.to_string().into())).map(varying),
        DataType::Date => list(cells, absent, |v| Some(v.as_str()?.parse::<Date>().ok()?.days()))
            .map(Values::Int32s),
        DataType::Time => list(cells, absent, |v| Some(v.as_str()?.parse::<Time>().ok()?.micros()))
            .map(Values::Int64s),
        DataType::Timestamp => {
            list(cells, absent, |v| Some(v.as_str()?.parse::<Timestamp>().ok()?.micros()))
                .map(Values::Int64s)
        }
        DataType::Uuid => {
            list(cells, absent, |v| Some(*v.as_str()?.parse::<Uuid>().ok()?.as_bytes()))
                .map(|uuids| Values::Fixed16s(uuids.into_flattened()))
        }
    };
    values.map_err(wrong)
}

fn varying(list: Vec<Vec<u8>>) -> Values {
    let mut varying = Varying::empty();
    for value in list {
        varying.bytes.extend(value);
        varying.offsets.push(varying.bytes.len() as i32);
    }
    Values::Varying(varying)
}

/// JSON has no word for the special values of a float; texts stand for them.
fn float(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn value(data_type: DataType, values: &Values, row: usize) -> Value {
    match (data_type, values) {
        (DataType::Bool, Values::Bools(bits)) => json!((bits[row / 8] >> (row % 8)) & 1 == 1),
        (_, Values::Int16s(list)) => json!(list[row]),
        (DataType::Date, Values::Int32s(list)) => json!(Date::from_days(list[row]).to_string()),
        (_, Values::Int32s(list)) => json!(list[row]),
        (DataType::Time, Values::Int64s(list)) => {
            json!(Time::from_micros(list[row]).expect("a time within a day").to_string())
        }
        (DataType::Timestamp, Values::Int64s(list)) => {
            json!(Timestamp::from_micros(list[row]).to_string())
        }
        (DataType::Decimal(DecimalType { scale, .. }), Values::Int64s(list)) => {
            json!(decimal::units_text(list[row].into(), scale))
        }
        (_, Values::Int64s(list)) => json!(list[row]),
        (_, Values::Float32s(list)) => special(list[row].into()),
        (_, Values::Float64s(list)) => special(list[row]),
        (data_type, Values::Fixed16s(bytes)) => {
            let bytes = bytes.as_chunks::<16>().0[row];
            match data_type {
                DataType::Decimal(DecimalType { scale, .. }) => {
                    json!(decimal::units_text(i128::from_le_bytes(bytes), scale))
                }
                _ => json!(Uuid::from_bytes(bytes).to_string()),
            }
        }
        (data_type, Values::Varying(Varying { offsets, bytes })) => {
            let bytes = &bytes[offsets[row] as usize..offsets[row + 1] as usize];
            match data_type {
                DataType::Binary => {
                    json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
                }
                DataType::Json => serde_json::from_slice(bytes).expect("a JSON column holds JSON"),
                _ => json!(std::str::from_utf8(bytes).expect("a text column holds UTF-8")),
            }
        }
        (data_type, _) => panic!("a column of type {} came otherwise", type_name(data_type)),
    }
}

fn special(float: f64) -> Value {
    if float.is_finite() { json!(float) } else { json!(float.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_back() {
        let decimal = |precision| DataType::Decimal(DecimalType { precision, scale: 2 });
        let cases = [
            (DataType::Bool, json!([true, null, false])),
            (DataType::Int16, json!([1, null, -2])),
            (DataType::Int32, json!([1, null, -2])),
            (DataType::Int64, json!([1, null, i64::MIN])),
            (DataType::Float32, json!([0.5, null, "NaN"])),
            (DataType::Float64, json!([0.1, null, "inf"])),
            (decimal(18), json!(["1.25", null, "-0.01"])),
            (decimal(38), json!(["1.25", null, "-123456789012345678901234567890.01"])),
            (DataType::Text, json!(["", null, "größer"])),
            (DataType::Binary, json!(["", null, "00ff"])),
            (DataType::Date, json!(["2024-02-29", null, "1969-12-31"])),
            (DataType::Time, json!(["00:00:00", null, "23:59:59.000001"])),
            (DataType::Timestamp, json!(["2024-02-29T12:00:00Z", null, "1969-12-31T00:00:00Z"])),
            (DataType::Uuid, json!(["67e55044-10b1-426f-9247-bb680e5fe0c8", null, null])),
            (DataType::Json, json!([{"a": [1, 2]}, null, "text"])),
        ];
        for (data_type, cells) in cases {
            let mut cells = cells.as_array().expect("an array").clone();
            cells.push(unchanged());
            let column = encode(data_type, &cells).expect("values of the type");
            assert_eq!(decode(data_type, &column, 4), cells, "{}", type_name(data_type));
        }
    }

    #[test]
    fn a_misfit_is_named_by_its_row() {
        let misfit = encode(DataType::Int16, &[json!(1), json!(40_000)]);
        assert_eq!(misfit, Err((1, "40000 is no i16".to_owned())));
    }
}
