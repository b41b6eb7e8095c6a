//! One list of values on its way back: its length, its form and its range, then an Arrow array
//! around the guest's own list.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type,
    Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::super::bindings::wit::{self, ValuesResult as Values};
use super::super::fault::Fault;
use super::bits;
use super::range::{Bounds64, hold_dates, holds_date, holds_decimal};
use crate::format::is_json;
use crate::record::DataType;

/// Bytes of a uuid and of a long decimal.
const FIXED: usize = 16;

/// What a list of values is to be.
pub(super) struct Wanted<'a> {
    /// The port's type of the column.
    pub(super) data_type: DataType,
    /// The answer's rows.
    pub(super) rows: usize,
    /// Which rows are not null.
    pub(super) nulls: Option<NullBuffer>,
    /// Whether a row's value counts, so that it must be in order. Asked only when some value is not.
    pub(super) counts: &'a dyn Fn(usize) -> bool,
}

impl Wanted<'_> {
    /// The array around the guest's list.
    pub(super) fn take(self, values: Values) -> Result<ArrayRef, Fault> {
        match (self.data_type, values) {
            (DataType::Bool, Values::Bools(bytes)) => {
                let values = bits::take(bytes, self.rows, "a column of bools")?;
                Ok(Arc::new(BooleanArray::new(values, self.nulls)))
            }
            (DataType::Int16, Values::Int16s(values)) => self.primitive::<Int16Type>(values),
            (DataType::Int32, Values::Int32s(values)) => self.primitive::<Int32Type>(values),
            (DataType::Int64, Values::Int64s(values)) => self.primitive::<Int64Type>(values),
            (DataType::Float32, Values::Float32s(mut values)) => {
                values
                    .iter_mut()
                    .filter(|value| value.is_nan())
                    .for_each(|value| *value = f32::NAN);
                self.primitive::<Float32Type>(values)
            }
            (DataType::Float64, Values::Float64s(mut values)) => {
                values
                    .iter_mut()
                    .filter(|value| value.is_nan())
                    .for_each(|value| *value = f64::NAN);
                self.primitive::<Float64Type>(values)
            }
            (DataType::Date, Values::Int32s(values)) => {
                self.length("a column", values.len(), self.rows)?;
                if !hold_dates(&values) {
                    self.check(|row| holds_date(values[row]))?;
                }
                self.primitive::<Date32Type>(values)
            }
            (DataType::Time, Values::Int64s(values)) => {
                self.within(Bounds64::TIME, &values)?;
                self.primitive::<Time64MicrosecondType>(values)
            }
            (DataType::Timestamp, Values::Int64s(values)) => {
                self.within(Bounds64::TIMESTAMP, &values)?;
                self.primitive::<TimestampMicrosecondType>(values)
            }
            (DataType::Decimal { precision, .. }, Values::Int64s(values)) if precision <= 18 => {
                self.within(Bounds64::decimal(precision), &values)?;
                self.primitive::<Decimal64Type>(values)
            }
            (DataType::Decimal { precision, .. }, Values::Fixed16s(bytes)) if precision > 18 => {
                self.long_decimal(bytes, precision)
            }
            (DataType::Uuid, Values::Fixed16s(bytes)) => {
                self.length("a column of uuids in bytes", bytes.len(), self.rows * FIXED)?;
                let (values, nulls) = (Buffer::from_vec(bytes), self.nulls);
                let array = FixedSizeBinaryArray::try_new_with_len(16, values, nulls, self.rows);
                Ok(Arc::new(array.expect("the length was checked")))
            }
            (DataType::Text, Values::Varying(varying)) => Ok(Arc::new(self.text(varying)?)),
            (DataType::Json, Values::Varying(varying)) => self.json(varying),
            (DataType::Binary, Values::Varying(varying)) => {
                let (offsets, bytes) = offsets(varying, self.rows)?;
                let array = BinaryArray::try_new(offsets, bytes, self.nulls);
                Ok(Arc::new(array.expect("the offsets were checked")))
            }
            (data_type, values) => Err(Fault::Carrier {
                data_type: data_type.to_string(),
                found: list(&values),
                wanted: carrier(data_type),
            }),
        }
    }

    fn length(&self, what: &'static str, found: usize, wanted: usize) -> Result<(), Fault> {
        if found == wanted { Ok(()) } else { Err(Fault::Length { what, found, wanted }) }
    }

    fn primitive<T: ArrowPrimitiveType>(self, values: Vec<T::Native>) -> Result<ArrayRef, Fault> {
        self.length("a column", values.len(), self.rows)?;
        let array = PrimitiveArray::<T>::new(values.into(), self.nulls);
        Ok(Arc::new(array.with_data_type(self.data_type.arrow())))
    }

    fn within(&self, bounds: Bounds64, values: &[i64]) -> Result<(), Fault> {
        self.length("a column", values.len(), self.rows)?;
        if bounds.hold(values) { Ok(()) } else { self.check(|row| bounds.holds(values[row])) }
    }

    /// Looks for a row that counts and whose value is out of range.
    fn check(&self, holds: impl Fn(usize) -> bool) -> Result<(), Fault> {
        match (0..self.rows).find(|row| !holds(*row) && (self.counts)(*row)) {
            Some(row) => Err(Fault::Range { row, data_type: self.data_type.to_string() }),
            None => Ok(()),
        }
    }

    fn long_decimal(self, bytes: Vec<u8>, precision: u8) -> Result<ArrayRef, Fault> {
        self.length("a column of decimals in bytes", bytes.len(), self.rows * FIXED)?;
        let buffer = Buffer::from_vec(bytes);
        // Large allocations are aligned to 16 bytes in practice, but nothing promises it.
        let values: ScalarBuffer<i128> = if buffer.as_ptr().cast::<i128>().is_aligned() {
            ScalarBuffer::new(buffer, 0, self.rows)
        } else {
            let (values, _) = buffer.as_chunks::<FIXED>();
            values.iter().map(|bytes| i128::from_le_bytes(*bytes)).collect::<Vec<_>>().into()
        };
        if !values.iter().fold(true, |all, value| all & holds_decimal(*value, precision)) {
            self.check(|row| holds_decimal(values[row], precision))?;
        }
        let array = PrimitiveArray::<Decimal128Type>::new(values, self.nulls);
        Ok(Arc::new(array.with_data_type(self.data_type.arrow())))
    }

    /// Sinks write these texts as they are, so one that is no document could add to the row.
    fn json(self, varying: wit::VaryingResult) -> Result<ArrayRef, Fault> {
        let (rows, counts) = (self.rows, self.counts);
        let texts = self.text(varying)?;
        let wrong = (0..rows).find(|row| !is_json(texts.value(*row)) && counts(*row));
        match wrong {
            Some(row) => Err(Fault::Json { row }),
            None => Ok(Arc::new(texts)),
        }
    }

    fn text(self, varying: wit::VaryingResult) -> Result<StringArray, Fault> {
        let (offsets, bytes) = offsets(varying, self.rows)?;
        let array = StringArray::try_new(offsets.clone(), bytes.clone(), self.nulls.clone());
        match array {
            Ok(array) => Ok(array),
            Err(_) => self.texts_that_count(&offsets, &bytes),
        }
    }

    /// The texts with those left out that do not count, since some text is not UTF-8.
    fn texts_that_count(
        self,
        offsets: &OffsetBuffer<i32>,
        bytes: &[u8],
    ) -> Result<StringArray, Fault> {
        let mut texts = String::new();
        let mut ends = Vec::with_capacity(self.rows + 1);
        ends.push(0);
        for (row, length) in offsets.lengths().enumerate() {
            if (self.counts)(row) {
                let start = usize::try_from(offsets[row]).expect("offsets were checked");
                let text = std::str::from_utf8(&bytes[start..start + length]);
                texts.push_str(text.map_err(|_| Fault::Utf8 { row })?);
            }
            ends.push(i32::try_from(texts.len()).expect("it is no longer than it was"));
        }
        let offsets = OffsetBuffer::new(ends.into());
        let array = StringArray::try_new(offsets, Buffer::from_vec(texts.into_bytes()), self.nulls);
        Ok(array.expect("it was made of whole texts"))
    }
}

/// Event times: microseconds within the range of timestamps.
pub(super) fn event_times(
    values: Vec<i64>,
    nulls: Option<NullBuffer>,
    rows: usize,
) -> Result<(ScalarBuffer<i64>, Option<NullBuffer>), Fault> {
    let counts = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    let data_type = DataType::Timestamp;
    Wanted { data_type, rows, nulls: None, counts: &counts }
        .within(Bounds64::TIMESTAMP, &values)?;
    Ok((values.into(), nulls))
}

/// The checked ends of `rows` values, and their bytes.
fn offsets(varying: wit::VaryingResult, rows: usize) -> Result<(OffsetBuffer<i32>, Buffer), Fault> {
    let wit::VaryingResult { offsets, bytes } = varying;
    check_offsets(&offsets, bytes.len(), rows)?;
    Ok((OffsetBuffer::new(offsets.into()), Buffer::from_vec(bytes)))
}

/// Checks offsets as the contract has them.
pub(super) fn check_offsets(offsets: &[i32], bytes: usize, rows: usize) -> Result<(), Fault> {
    if offsets.len() != rows + 1 {
        return Err(Fault::Length { what: "offsets", found: offsets.len(), wanted: rows + 1 });
    }
    if offsets[0] != 0 {
        return Err(Fault::Offsets { what: "do not start at 0" });
    }
    if !offsets.windows(2).fold(true, |rising, pair| rising & (pair[0] <= pair[1])) {
        return Err(Fault::Offsets { what: "fall" });
    }
    if usize::try_from(offsets[rows]).ok() != Some(bytes) {
        return Err(Fault::Offsets { what: "do not end at the length of the bytes" });
    }
    Ok(())
}

fn list(values: &Values) -> &'static str {
    match values {
        Values::Bools(_) => "bools",
        Values::Int16s(_) => "int16s",
        Values::Int32s(_) => "int32s",
        Values::Int64s(_) => "int64s",
        Values::Float32s(_) => "float32s",
        Values::Float64s(_) => "float64s",
        Values::Fixed16s(_) => "fixed16s",
        Values::Varying(_) => "varying",
    }
}

fn carrier(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Bool => "bools",
        DataType::Int16 => "int16s",
        DataType::Int32 | DataType::Date => "int32s",
        DataType::Int64 | DataType::Time | DataType::Timestamp => "int64s",
        DataType::Float32 => "float32s",
        DataType::Float64 => "float64s",
        DataType::Decimal { precision, .. } if precision <= 18 => "int64s",
        DataType::Decimal { .. } | DataType::Uuid => "fixed16s",
        DataType::Text | DataType::Binary | DataType::Json => "varying",
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;

    use super::*;

    fn take(
        data_type: DataType,
        rows: usize,
        values: Values,
        counts: &dyn Fn(usize) -> bool,
    ) -> Result<ArrayRef, Fault> {
        Wanted { data_type, rows, nulls: None, counts }.take(values)
    }

    fn varying(offsets: Vec<i32>, bytes: &[u8]) -> Values {
        Values::Varying(wit::VaryingResult { offsets, bytes: bytes.to_vec() })
    }

    #[test]
    fn a_list_becomes_an_array_without_a_copy() {
        let values = vec![1_i64, 2, 3];
        let place = values.as_ptr();
        let array = take(DataType::Timestamp, 3, Values::Int64s(values), &|_| true).unwrap();
        assert_eq!(array.data_type(), &DataType::Timestamp.arrow());
        assert_eq!(array.as_primitive::<TimestampMicrosecondType>().values().as_ptr(), place);
    }

    #[test]
    fn decimals_of_both_widths_keep_their_digits() {
        let short = DataType::Decimal { precision: 3, scale: 1 };
        let array = take(short, 2, Values::Int64s(vec![999, -999]), &|_| true).unwrap();
        assert_eq!(array.data_type(), &short.arrow());
        let over = take(short, 2, Values::Int64s(vec![0, 1000]), &|_| true);
        assert!(matches!(over, Err(Fault::Range { row: 1, .. })));
        assert!(take(short, 2, Values::Int64s(vec![0, 1000]), &|row| row == 0).is_ok());

        let long = DataType::Decimal { precision: 20, scale: 0 };
        let bytes = [(10_i128.pow(20) - 1).to_le_bytes(), (-5_i128).to_le_bytes()].concat();
        let array = take(long, 2, Values::Fixed16s(bytes), &|_| true).unwrap();
        assert_eq!(array.as_primitive::<Decimal128Type>().value(1), -5);
        let bytes = 10_i128.pow(20).to_le_bytes().to_vec();
        assert!(matches!(
            take(long, 1, Values::Fixed16s(bytes), &|_| true),
            Err(Fault::Range { row: 0, .. })
        ));
    }

    #[test]
    fn texts_that_do_not_count_may_be_anything() {
        let bytes = b"ok\xff\xfeyes";
        let values = || varying(vec![0, 2, 4, 7], bytes);
        let refused = take(DataType::Text, 3, values(), &|_| true);
        assert!(matches!(refused, Err(Fault::Utf8 { row: 1 })));
        let array = take(DataType::Text, 3, values(), &|row| row != 1).unwrap();
        let texts = array.as_string::<i32>();
        assert_eq!((texts.value(0), texts.value(1), texts.value(2)), ("ok", "", "yes"));
        // A character that is cut in two belongs to no row.
        let cut = take(DataType::Text, 2, varying(vec![0, 1, 2], "é".as_bytes()), &|_| true);
        assert!(matches!(cut, Err(Fault::Utf8 { row: 0 })));
    }

    #[test]
    fn json_is_one_document_on_one_line() {
        let taken = |text: &str, counts: bool| {
            let offsets = vec![0, 2, 2 + i32::try_from(text.len()).unwrap()];
            let values = varying(offsets, format!("{{}}{text}").as_bytes());
            take(DataType::Json, 2, values, &|row| row == 0 || counts)
        };
        for text in ["null", " [1, 2.5e3] ", "{\"a\": \"\\n\"}"] {
            assert!(taken(text, true).is_ok(), "{text}");
        }
        for text in ["", "no", "1,\"forged\":2", "{}{}", "[1,\n2]", "NaN"] {
            assert_eq!(taken(text, true).unwrap_err(), Fault::Json { row: 1 }, "{text}");
            assert!(taken(text, false).is_ok(), "a text that does not count may be anything");
        }
    }

    #[test]
    fn offsets_are_checked() {
        let breach = |offsets: Vec<i32>, rows| {
            take(DataType::Binary, rows, varying(offsets, b"abc"), &|_| true)
        };
        assert!(breach(vec![0, 1, 3], 2).is_ok());
        assert!(matches!(breach(vec![0, 3], 2), Err(Fault::Length { .. })));
        for offsets in [vec![1, 1, 3], vec![0, 4, 3], vec![0, 1, 2], vec![0, 1, 4], vec![0, -1, 3]]
        {
            assert!(matches!(breach(offsets, 2), Err(Fault::Offsets { .. })));
        }
        assert!(matches!(breach(Vec::new(), 0), Err(Fault::Length { .. })));
    }

    #[test]
    fn another_list_or_length_is_a_breach() {
        let wrong = take(DataType::Int32, 1, Values::Int64s(vec![1]), &|_| true);
        assert!(matches!(wrong, Err(Fault::Carrier { found: "int64s", wanted: "int32s", .. })));
        let long = DataType::Decimal { precision: 19, scale: 0 };
        let wrong = take(long, 1, Values::Int64s(vec![1]), &|_| true);
        assert!(matches!(wrong, Err(Fault::Carrier { wanted: "fixed16s", .. })));
        let short = take(DataType::Uuid, 1, Values::Fixed16s(vec![0; 15]), &|_| true);
        assert!(matches!(short, Err(Fault::Length { found: 15, wanted: 16, .. })));
        let long = take(DataType::Int16, 1, Values::Int16s(vec![1, 2]), &|_| true);
        assert!(matches!(long, Err(Fault::Length { found: 2, wanted: 1, .. })));
    }
}
