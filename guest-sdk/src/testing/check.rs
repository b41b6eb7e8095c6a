//! Holds an answer against the contract, as the host does.

use super::check_values::{check_times, check_values};
use crate::operation::Operation;
use crate::raw::{
    Column, Description, Emitted, Field, Images, Mode, Outcome, Output, Rejection, Values,
};

/// Checks the answer to a batch of `rows` rows; `before` says which of them had a before image, if
/// the batch came with such images.
///
/// It checks what the host checks: ports, lengths, bitmaps, offsets, rejections and operations; and
/// for the rows that count (those that have the image, are kept and not rejected), the nulls of
/// columns that are not nullable, the ranges of values, and UTF-8. What is in other slots is no
/// matter.
///
/// # Errors
/// The first breach of the contract, in words.
pub fn check(
    description: &Description,
    rows: usize,
    before: Option<&[u8]>,
    outcome: &Outcome,
) -> Result<(), String> {
    check_rejected(&outcome.rejected, rows)?;
    match (&outcome.output, description.mode) {
        (Output::Mapped(mapped), Mode::Map) => {
            let fields = &description.outputs[0].fields;
            check_images(fields, rows, &mapped.after, None, &outcome.rejected)?;
            match (&mapped.before, before) {
                (Some(images), Some(present)) => {
                    check_images(fields, rows, images, Some(present), &outcome.rejected)
                }
                (None, None) => Ok(()),
                _ => Err("before images are answered exactly when they came".to_owned()),
            }
        }
        (Output::Emitted(emitted), Mode::Emit) => {
            emitted.iter().try_for_each(|emitted| check_emitted(description, emitted))
        }
        _ => Err("the output is not of the described mode".to_owned()),
    }
}

/// For each row, whether its slots must be in order: it has the image, is kept and not rejected.
/// The bitmaps are of the right length.
pub(super) fn counting(
    rows: usize,
    images: &Images,
    present: Option<&[u8]>,
    rejected: &[Rejection],
) -> Vec<bool> {
    let bitmaps = [images.kept.as_deref(), present];
    let counts = |row: usize| bitmaps.iter().flatten().all(|bits| is_set(bits, row));
    let mut counting: Vec<bool> = (0..rows).map(counts).collect();
    for rejection in rejected {
        counting[rejection.row as usize] = false;
    }
    counting
}

pub(super) fn is_set(bits: &[u8], row: usize) -> bool {
    (bits[row / 8] >> (row % 8)) & 1 == 1
}

fn check_rejected(rejected: &[Rejection], rows: usize) -> Result<(), String> {
    let mut seen = vec![false; rows];
    for Rejection { row, .. } in rejected {
        match seen.get_mut(*row as usize) {
            None => return Err(format!("row {row} of {rows} is rejected")),
            Some(true) => return Err(format!("row {row} is rejected twice")),
            Some(seen) => *seen = true,
        }
    }
    Ok(())
}

fn check_images(
    fields: &[Field],
    rows: usize,
    images: &Images,
    present: Option<&[u8]>,
    rejected: &[Rejection],
) -> Result<(), String> {
    if let Some(kept) = &images.kept {
        check_bits("kept", kept, rows)?;
    }
    check_columns(fields, &counting(rows, images, present, rejected), &images.columns)
}

fn check_emitted(description: &Description, emitted: &Emitted) -> Result<(), String> {
    let port = description.outputs.get(emitted.port as usize);
    let port = port.ok_or_else(|| format!("there is no port {}", emitted.port))?;
    let rows = emitted.rows as usize;
    if let Some(codes) = &emitted.operations {
        if codes.len() != rows {
            return Err(format!("{} operations for {rows} rows", codes.len()));
        }
        if let Some(code) = codes.iter().find(|code| Operation::from_code(**code).is_none()) {
            return Err(format!("{code} is no operation code"));
        }
    }
    if let Some(times) = &emitted.event_times {
        if let Some(validity) = &times.validity {
            check_bits("event time validity", validity, rows)?;
        }
        check_times(times, rows).map_err(|error| format!("event times: {error}"))?;
    }
    check_columns(&port.fields, &vec![true; rows], &emitted.columns)
}

fn check_columns(fields: &[Field], counting: &[bool], columns: &[Column]) -> Result<(), String> {
    if fields.len() != columns.len() {
        return Err(format!("{} columns for {} fields", columns.len(), fields.len()));
    }
    for (field, column) in fields.iter().zip(columns) {
        check_column(field, counting, column)
            .map_err(|error| format!("column `{}`: {error}", field.name))?;
    }
    Ok(())
}

fn check_column(field: &Field, counting: &[bool], column: &Column) -> Result<(), String> {
    let rows = counting.len();
    let bitmaps = [("validity", &column.validity), ("unchanged", &column.unchanged)];
    for (what, bits) in bitmaps {
        if let Some(bits) = bits {
            check_bits(what, bits, rows)?;
        }
    }
    let unchanged = |row: usize| column.unchanged.as_ref().is_some_and(|bits| is_set(bits, row));
    let valid = |row: usize| column.validity.as_ref().is_none_or(|bits| is_set(bits, row));
    if !field.nullable {
        let null = (0..rows).find(|row| counting[*row] && !valid(*row) && !unchanged(*row));
        if let Some(row) = null {
            return Err(format!("row {row} is null, but the field is not nullable"));
        }
    }
    if let Values::Bools(bytes) = &column.values {
        check_bits("value", bytes, rows)?;
    }
    let counts = |row: usize| counting[row] && valid(row) && !unchanged(row);
    check_values(field.data_type, &column.values, rows, &counts)
}

fn check_bits(what: &str, bits: &[u8], rows: usize) -> Result<(), String> {
    if bits.len() != rows.div_ceil(8) {
        return Err(format!("{} bytes of {what} bits for {rows} rows", bits.len()));
    }
    match bits.last() {
        Some(last) if !rows.is_multiple_of(8) && last >> (rows % 8) != 0 => {
            Err(format!("a {what} bit past the last row is set"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::{DataType, DecimalType, Mapped, Times, Varying};

    fn answer(data_type: DataType, values: Values, kept: Option<u8>) -> Result<(), String> {
        let mut description = Description::map("t", "1");
        description.outputs[0].fields = vec![Field::new("c", data_type, false)];
        let kept = kept.map(|bits| vec![bits]);
        let outcome = Outcome::mapped(Images { kept, columns: vec![Column::of(values)] });
        check(&description, 2, None, &outcome)
    }

    #[test]
    fn values_are_checked_where_rows_count() {
        let decimal = |precision| DataType::Decimal(DecimalType { precision, scale: 0 });
        let text = Varying { offsets: vec![0, 1, 2], bytes: vec![b'a', 0xff] };
        let long = [0_i128, 10_i128.pow(20)].map(i128::to_le_bytes).as_flattened().to_vec();
        let cases = [
            (decimal(2), Values::Int64s(vec![99, 100])),
            (decimal(20), Values::Fixed16s(long)),
            (DataType::Date, Values::Int32s(vec![0, 2_932_897])),
            (DataType::Time, Values::Int64s(vec![0, 86_400_000_000])),
            (DataType::Timestamp, Values::Int64s(vec![0, i64::MIN])),
            (DataType::Text, Values::Varying(text)),
        ];
        for (data_type, values) in cases {
            let error = answer(data_type, values.clone(), None).expect_err("row 1 is wrong");
            assert!(error.contains("row 1"), "{error}");
            assert_eq!(answer(data_type, values, Some(0b01)), Ok(()), "row 1 does not count");
        }
        let short = Values::Fixed16s(vec![0; 33]);
        assert!(answer(DataType::Uuid, short, None).is_err(), "uuids are 16 bytes each");
    }

    #[test]
    fn nulls_are_checked_where_rows_count() {
        let field = Field::new("c", DataType::Int64, false);
        let column =
            Column { validity: Some(vec![0b01]), ..Column::of(Values::Int64s(vec![1, 2])) };
        assert!(check_column(&field, &[true, true], &column).is_err());
        assert_eq!(check_column(&field, &[true, false], &column), Ok(()));
        let sent = Column { unchanged: Some(vec![0b10]), ..column };
        assert_eq!(check_column(&field, &[true, true], &sent), Ok(()));
    }

    #[test]
    fn before_images_count_where_rows_have_one() {
        let mut description = Description::map("t", "1");
        description.outputs[0].fields = vec![Field::new("c", DataType::Date, false)];
        let images = |days: i32| Images {
            kept: None,
            columns: vec![Column::of(Values::Int32s(vec![days]))],
        };
        let mapped = Mapped { after: images(0), before: Some(images(i32::MAX)) };
        let outcome = Outcome { output: Output::Mapped(mapped), rejected: Vec::new() };
        assert_eq!(check(&description, 1, Some(&[0]), &outcome), Ok(()));
        assert!(check(&description, 1, Some(&[1]), &outcome).is_err());
        assert!(check(&description, 1, None, &outcome).is_err());
    }

    #[test]
    fn what_goes_beside_emitted_rows_is_checked() {
        let mut description = Description::map("t", "1");
        description.mode = Mode::Emit;
        let emitted = |codes: Vec<u8>, times: Vec<i64>| Emitted {
            port: 0,
            rows: 1,
            columns: Vec::new(),
            operations: Some(codes),
            event_times: Some(Times { values: times, validity: None }),
        };
        assert_eq!(check_emitted(&description, &emitted(vec![4], vec![0])), Ok(()));
        assert!(check_emitted(&description, &emitted(vec![5], vec![0])).is_err());
        assert!(check_emitted(&description, &emitted(vec![0], vec![])).is_err());
        assert!(check_emitted(&description, &emitted(vec![0], vec![i64::MAX])).is_err());
    }
}
