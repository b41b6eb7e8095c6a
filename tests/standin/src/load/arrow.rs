//! Arrow bodies, as Doris reads them: an IPC stream whose columns are those of the load, in order.
//!
//! A backend takes a column's bytes for those of the table's type, whatever the stream says, and a
//! time for one of its own zone, whatever the header says. The stand-in plays the second, which is
//! a wrong time, and refuses the first, which would be any value at all or the end of the process.
//! Hidden columns are refused, too: many versions have no type for them.
//!
//! *Invariants*: bytes from outside never panic; a body is one stream, with nothing behind it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{ArrowError, DataType, Schema, TimeUnit};
use serde_json::Value;

use crate::catalog::decimal::Decimal;
use crate::catalog::moment::{DAY, Moment};
use crate::catalog::{Cell, ColumnType, LoadRow, TableDef};

/// The zone that a backend reads times in, in microseconds ahead of UTC: its own default.
const ZONE: i64 = 8 * 3600 * 1_000_000;
/// 0000-03-01. Before that the calendar of the systems counts days otherwise.
const FIRST_DAY: i32 = -719_468;

/// The schema and the batches of a body.
type Stream = (Arc<Schema>, Vec<RecordBatch>);

/// The rows of a body; `names` are the columns of the load. An error refuses the whole load.
pub(super) fn rows(
    bytes: &[u8],
    names: &[String],
    table: &TableDef,
) -> Result<Vec<LoadRow>, String> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let (schema, batches) = read(bytes)?;
    let columns = columns(&schema, names, table)?;
    let mut rows = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let mut values = Vec::with_capacity(columns.len());
            for ((name, target), array) in columns.iter().zip(batch.columns()) {
                let cell = cell(array, row, target).map_err(|why| unconverted(name, &why))?;
                values.push(((*name).to_owned(), cell));
            }
            let texts: Vec<String> = values.iter().map(|(_, cell)| shown(cell)).collect();
            rows.push(LoadRow { values, text: texts.join(" ") });
        }
    }
    Ok(rows)
}

/// How many rows a body has; none, where it is no stream.
pub(super) fn count(bytes: &[u8]) -> u64 {
    let batches = read(bytes).map(|(_, batches)| batches).unwrap_or_default();
    batches.iter().map(|batch| batch.num_rows() as u64).sum()
}

/// The schema and the batches of a stream.
fn read(bytes: &[u8]) -> Result<Stream, String> {
    // The library takes the lengths that a message names at their word, and panics where they are
    // none of the body's.
    std::panic::catch_unwind(|| stream(bytes))
        .unwrap_or_else(|_| Err("failed to read batch: a buffer is not in its message".to_owned()))
}

/// The same of a stream that ends as it should, and with the body.
fn stream(bytes: &[u8]) -> Result<Stream, String> {
    let mut reader = StreamReader::try_new(bytes, None)
        .map_err(|error| format!("failed to open stream reader: {error}"))?;
    let batches: Result<Vec<RecordBatch>, ArrowError> = reader.by_ref().collect();
    let batches = batches.map_err(|error| format!("failed to read batch: {error}"))?;
    // The reader takes the end of the bytes for the end of the stream: what was cut off is a loss.
    let is_whole = bytes.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    if !reader.get_ref().is_empty() || !is_whole {
        return Err("failed to read batch: the stream does not end with the body".to_owned());
    }
    Ok((reader.schema(), batches))
}

/// The columns of the load with their types in the table, if the stream has the same.
fn columns<'a>(
    schema: &Schema,
    names: &'a [String],
    table: &'a TableDef,
) -> Result<Vec<(&'a str, &'a ColumnType)>, String> {
    if schema.fields().len() != names.len() {
        return Err(format!(
            "Failed to convert from arrow to block: {} columns, where the load has {}",
            schema.fields().len(),
            names.len()
        ));
    }
    let mut columns = Vec::with_capacity(names.len());
    for (field, name) in schema.fields().iter().zip(names) {
        if field.name() != name {
            return Err(format!("Column name mismatch: expected {name}, got {}", field.name()));
        }
        // Names are the table's to the letter.
        let Some(column) = table.columns.iter().find(|column| column.name == *name) else {
            return Err(format!("Unknown column {name} in table {} for arrow load", table.name));
        };
        if !is_of(&column.column_type, field.data_type()) {
            let why = format!("{} is not read as {:?}", field.data_type(), column.column_type);
            return Err(unconverted(name, &why));
        }
        columns.push((name.as_str(), &column.column_type));
    }
    Ok(columns)
}

fn unconverted(name: &str, why: &str) -> String {
    format!("Failed to convert from arrow to block: column {name}: {why}")
}

/// Whether the bytes of an Arrow type are those of a column's.
fn is_of(target: &ColumnType, arrow: &DataType) -> bool {
    match target {
        ColumnType::Boolean => *arrow == DataType::Boolean,
        ColumnType::TinyInt => *arrow == DataType::Int8,
        ColumnType::SmallInt => *arrow == DataType::Int16,
        ColumnType::Int => *arrow == DataType::Int32,
        ColumnType::BigInt => *arrow == DataType::Int64,
        ColumnType::Float => *arrow == DataType::Float32,
        ColumnType::Double => *arrow == DataType::Float64,
        ColumnType::Decimal { scale, .. } => {
            matches!(arrow, DataType::Decimal128(_, has) if u32::try_from(*has) == Ok(*scale))
        }
        ColumnType::Char(_)
        | ColumnType::Varchar(_)
        | ColumnType::String
        | ColumnType::LargeInt => *arrow == DataType::Utf8,
        ColumnType::Date => *arrow == DataType::Date32,
        ColumnType::DateTime(_) => matches!(arrow, DataType::Timestamp(TimeUnit::Microsecond, _)),
        _ => false,
    }
}

/// A value of a column whose type fits, or why a backend makes another of it.
fn cell(array: &ArrayRef, row: usize, target: &ColumnType) -> Result<Cell, String> {
    if array.is_null(row) {
        return Ok(Cell::Null);
    }
    Ok(match array.data_type() {
        DataType::Boolean => Cell::Json(Value::Bool(array.as_boolean().value(row))),
        DataType::Int8 => number(array.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => number(array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => number(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => number(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => number(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => {
            let ColumnType::Decimal { scale, .. } = target else { return Err(misread(array)) };
            number(Decimal::new(array.as_primitive::<Decimal128Type>().value(row), *scale))
        }
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            let moment = (days >= FIRST_DAY).then_some(i64::from(days) * DAY);
            let moment = moment.and_then(Moment::of_micros);
            number(moment.map(Moment::date).ok_or_else(|| format!("{days} is another day"))?)
        }
        DataType::Timestamp(..) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            // The division is one of numbers without a sign.
            let moment = u64::try_from(micros).ok().and_then(|_| micros.checked_add(ZONE));
            let moment = moment.and_then(Moment::of_micros);
            let text = moment.map(|moment| moment.date_time(Some(6)));
            number(text.ok_or_else(|| format!("{micros} is another time"))?)
        }
        _ => return Err(misread(array)),
    })
}

fn misread(array: &ArrayRef) -> String {
    format!("{} is not read", array.data_type())
}

/// A value by its text, as a field of CSV would have it.
fn number(value: impl std::fmt::Display) -> Cell {
    Cell::Text(value.to_string())
}

/// A value in the line of the error log.
fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Text(text) => text.clone(),
        Cell::Json(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        BooleanArray, Date32Array, Decimal128Array, Float32Array, Int8Array, Int64Array,
        StringArray, TimestampMicrosecondArray,
    };
    use arrow_ipc::writer::StreamWriter;
    use arrow_schema::Field;
    use proptest::prelude::*;

    use super::super::rows::DELETE_SIGN;
    use super::*;
    use crate::catalog::{ColumnDef, Model};

    fn table(columns: &[(&str, ColumnType)]) -> TableDef {
        let column = |(name, column_type): &(&str, ColumnType)| ColumnDef {
            name: (*name).to_owned(),
            column_type: column_type.clone(),
            nullable: true,
            default: None,
            comment: String::new(),
            aggregation: None,
            key: false,
        };
        TableDef {
            id: 1,
            database: "d".to_owned(),
            name: "t".to_owned(),
            columns: columns.iter().map(column).collect(),
            model: Model::Duplicate,
            keys: Vec::new(),
            sort: Vec::new(),
            distribution: Vec::new(),
            buckets: None,
            partition: None,
            properties: std::collections::BTreeMap::new(),
            comment: String::new(),
        }
    }

    fn body(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, values)| Field::new(*name, values.data_type().clone(), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let values = columns.iter().map(|(_, values)| Arc::clone(values)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), values).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
        writer.write(&batch).unwrap();
        writer.write(&batch.slice(0, 1)).unwrap();
        writer.into_inner().unwrap()
    }

    /// What the rows of one column are, or why they are none.
    fn one(target: ColumnType, values: ArrayRef) -> Result<Vec<String>, String> {
        let rows = rows(&body(&[("c", values)]), &["c".to_owned()], &table(&[("c", target)]))?;
        Ok(rows.into_iter().map(|row| row.text).collect())
    }

    #[test]
    fn values_are_read_batch_by_batch() {
        let decimal = Decimal128Array::from(vec![Some(-5), None]);
        let decimal = decimal.with_precision_and_scale(38, 2).unwrap();
        let target = ColumnType::Decimal { precision: 38, scale: 2 };
        let found = one(target, Arc::new(decimal)).unwrap();
        assert_eq!(found, ["-0.05", "NULL", "-0.05"]);
        let found = one(ColumnType::Date, Arc::new(Date32Array::from(vec![-719_468, 2_932_896])));
        assert_eq!(found.unwrap(), ["0000-03-01", "9999-12-31", "0000-03-01"]);
        let found = one(ColumnType::Float, Arc::new(Float32Array::from(vec![0.1, 1e30])));
        assert_eq!(found.unwrap()[0], "0.1");
        let found = one(ColumnType::LargeInt, Arc::new(StringArray::from(vec!["12", ""])));
        assert_eq!(found.unwrap()[..2], ["12", ""]);
        let found = one(ColumnType::Boolean, Arc::new(BooleanArray::from(vec![true, false])));
        assert_eq!(found.unwrap()[..2], ["true", "false"]);
    }

    #[test]
    fn what_a_backend_would_misread_is_refused() {
        let long: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        assert!(one(ColumnType::Int, Arc::clone(&long)).is_err());
        assert!(one(ColumnType::String, long).is_err());
        let decimal: ArrayRef =
            Arc::new(Decimal128Array::from(vec![1]).with_precision_and_scale(9, 2).unwrap());
        let target = ColumnType::Decimal { precision: 9, scale: 3 };
        assert!(one(target, decimal).is_err());
        assert!(one(ColumnType::Json, Arc::new(StringArray::from(vec!["{}"]))).is_err());
        assert!(one(ColumnType::Date, Arc::new(Date32Array::from(vec![-719_469]))).is_err());
    }

    #[test]
    fn times_are_of_the_backends_zone() {
        let moments =
            |micros: i64| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![micros])) };
        let found = one(ColumnType::DateTime(6), moments(0)).unwrap();
        assert_eq!(found[0], "1970-01-01 08:00:00.000000");
        assert!(one(ColumnType::DateTime(6), moments(-1)).is_err());
    }

    #[test]
    fn columns_are_those_of_the_load_in_order() {
        let values: ArrayRef = Arc::new(Int8Array::from(vec![1]));
        let body = body(&[("a", Arc::clone(&values)), ("b", values)]);
        let table = table(&[("a", ColumnType::TinyInt), ("b", ColumnType::TinyInt)]);
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            rows(&body, &names, &table).map(|rows| rows.len())
        };
        assert_eq!(of(&["a", "b"]), Ok(2));
        assert_eq!(of(&["b", "a"]), Err("Column name mismatch: expected b, got a".to_owned()));
        assert!(of(&["a"]).is_err() && of(&["a", "B"]).is_err());
    }

    #[test]
    fn hidden_columns_have_no_type() {
        let sign: ArrayRef = Arc::new(Int8Array::from(vec![1]));
        let body = body(&[(DELETE_SIGN, sign)]);
        let refused = rows(&body, &[DELETE_SIGN.to_owned()], &table(&[])).unwrap_err();
        assert!(refused.starts_with("Unknown column __DORIS_DELETE_SIGN__"), "{refused}");
    }

    #[test]
    fn a_stream_is_whole_or_none() {
        let values: ArrayRef = Arc::new(Int8Array::from(vec![1, 2]));
        let body = body(&[("c", values)]);
        let (names, table) = (["c".to_owned()], table(&[("c", ColumnType::TinyInt)]));
        assert_eq!(rows(&body, &names, &table).unwrap().len(), 3);
        assert_eq!((count(&body), count(b"{}")), (3, 0));
        assert!(rows(b"", &names, &table).unwrap().is_empty());
        for end in 1..body.len() {
            assert!(rows(&body[..end], &names, &table).is_err(), "cut at {end}");
        }
        let behind = [&body[..], b"\n"].concat();
        assert!(rows(&behind, &names, &table).is_err());
        let refused = rows(b"{\"c\":1}\n", &names, &table).unwrap_err();
        assert!(refused.starts_with("failed to open stream reader: "), "{refused}");
    }

    proptest! {
        #[test]
        fn other_bytes_do_not_panic(
            bytes in prop::collection::vec(any::<u8>(), 1..300),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let (names, table) = (["c".to_owned()], table(&[("c", ColumnType::String)]));
            let _ = rows(&bytes, &names, &table);
            let values: ArrayRef = Arc::new(StringArray::from(vec![Some("ab"), None]));
            let mut body = body(&[("c", values)]);
            for (at, byte) in changes {
                let at = at.index(body.len());
                body[at] = byte;
            }
            let _ = rows(&body, &names, &table);
        }
    }
}
