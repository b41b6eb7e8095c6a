//! Columns on their way back: bitmaps, nulls and values of each, against the port's fields.

use std::cell::OnceCell;

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

use super::super::bindings::wit;
use super::super::description::Port;
use super::super::fault::{Breach, Fault};
use super::super::transform::Rejection;
use super::bits;
use super::values::Wanted;
use crate::record::{Column, Field};

/// The rows of an answer whose slots must be in order; those of others hold anything.
pub(super) struct Live<'a> {
    rows: usize,
    kept: Option<&'a BooleanBuffer>,
    present: Option<&'a BooleanBuffer>,
    rejected: &'a [Rejection],
    /// Worked out only when something is amiss.
    bits: OnceCell<Option<BooleanBuffer>>,
}

impl<'a> Live<'a> {
    /// All of `rows` rows.
    pub(super) fn all(rows: usize) -> Self {
        Self::new(rows, None, None, &[])
    }

    /// The rows that are kept, present and not rejected.
    pub(super) fn new(
        rows: usize,
        kept: Option<&'a BooleanBuffer>,
        present: Option<&'a BooleanBuffer>,
        rejected: &'a [Rejection],
    ) -> Self {
        Self { rows, kept, present, rejected, bits: OnceCell::new() }
    }

    /// A set bit for each row that counts (`None`: all do).
    fn bits(&self) -> Option<&BooleanBuffer> {
        self.bits
            .get_or_init(|| {
                let mut bits = self.without_rejected();
                for more in [self.kept, self.present].into_iter().flatten() {
                    bits = Some(bits.map_or_else(|| more.clone(), |bits| &bits & more));
                }
                bits
            })
            .as_ref()
    }

    fn without_rejected(&self) -> Option<BooleanBuffer> {
        if self.rejected.is_empty() {
            return None;
        }
        let mut bytes = vec![u8::MAX; self.rows.div_ceil(8)];
        for rejection in self.rejected {
            bytes[rejection.row / 8] &= !(1 << (rejection.row % 8));
        }
        Some(BooleanBuffer::new(Buffer::from_vec(bytes), 0, self.rows))
    }

    fn counts(&self, row: usize) -> bool {
        self.bits().is_none_or(|bits| bits.value(row))
    }
}

/// The columns of a port, with one slot for each row of `live`.
pub(super) fn columns(
    columns: Vec<wit::ColumnResult>,
    port: &Port,
    live: &Live<'_>,
) -> Result<Vec<Column>, Breach> {
    let (found, wanted) = (columns.len(), port.fields.len());
    if found != wanted {
        return Err(Fault::Columns { found, wanted }.in_port(&port.name));
    }
    let taken = columns.into_iter().zip(&port.fields).map(|(taken, field)| {
        column(taken, field, live).map_err(|fault| fault.in_column(&port.name, &field.name))
    });
    taken.collect()
}

fn column(column: wit::ColumnResult, field: &Field, live: &Live<'_>) -> Result<Column, Fault> {
    let wit::ColumnResult { values, validity, unchanged } = column;
    let rows = live.rows;
    let validity = validity.map(|bytes| bits::take(bytes, rows, "validity")).transpose()?;
    let unchanged = unchanged
        .map(|bytes| bits::take(bytes, rows, "unchanged"))
        .transpose()?
        .filter(BooleanBuffer::has_true);
    if !field.nullable {
        check_not_null(validity.as_ref(), unchanged.as_ref(), live)?;
    }
    let nulls = valid(validity, unchanged.as_ref())
        .map(NullBuffer::new)
        .filter(|nulls| nulls.null_count() > 0);
    let counts =
        |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) && live.counts(row);
    let wanted = Wanted { data_type: field.data_type, rows, nulls: nulls.clone(), counts: &counts };
    Ok(Column { values: wanted.take(values)?, unchanged })
}

/// The rows that are not null: an unchanged row is null in the host's arrays, whatever the guest
/// left in its slot.
fn valid(
    validity: Option<BooleanBuffer>,
    unchanged: Option<&BooleanBuffer>,
) -> Option<BooleanBuffer> {
    match (validity, unchanged) {
        (validity, None) => validity,
        (None, Some(unchanged)) => Some(!unchanged),
        (Some(validity), Some(unchanged)) => Some(&validity & &!unchanged),
    }
}

fn check_not_null(
    validity: Option<&BooleanBuffer>,
    unchanged: Option<&BooleanBuffer>,
    live: &Live<'_>,
) -> Result<(), Fault> {
    let Some(validity) = validity.filter(|validity| validity.has_false()) else { return Ok(()) };
    let mut nulls = !validity;
    if let Some(unchanged) = unchanged {
        nulls = &nulls & &!unchanged;
    }
    if let Some(live) = live.bits() {
        nulls = &nulls & live;
    }
    match nulls.set_indices().next() {
        Some(row) => Err(Fault::Null { row }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;
    use crate::record::DataType;

    fn result(validity: Option<u8>, unchanged: Option<u8>) -> wit::ColumnResult {
        wit::ColumnResult {
            values: wit::ValuesResult::Int64s(vec![7; 4]),
            validity: validity.map(|bits| vec![bits]),
            unchanged: unchanged.map(|bits| vec![bits]),
        }
    }

    fn taken(answer: wit::ColumnResult, nullable: bool, live: &Live<'_>) -> Result<Column, Fault> {
        column(answer, &Field::new("c", DataType::Int64, nullable), live)
    }

    #[test]
    fn null_is_a_breach_only_where_the_row_lives() {
        let all = Live::all(4);
        assert!(matches!(
            taken(result(Some(0b1101), None), false, &all),
            Err(Fault::Null { row: 1 })
        ));
        assert!(taken(result(Some(0b1111), None), false, &all).is_ok());
        assert!(taken(result(Some(0b1101), None), true, &all).is_ok());
        assert!(taken(result(Some(0b1101), Some(0b0010)), false, &all).is_ok());
        let kept = BooleanBuffer::from(vec![true, false, true, true]);
        assert!(
            taken(result(Some(0b1101), None), false, &Live::new(4, Some(&kept), None, &[])).is_ok()
        );
        let rejected = [Rejection { row: 1, reason: String::new(), column: None }];
        let live = Live::new(4, None, None, &rejected);
        assert!(taken(result(Some(0b1101), None), false, &live).is_ok());
        let present = BooleanBuffer::from(vec![true, true, false, false]);
        let live = Live::new(4, Some(&kept), Some(&present), &[]);
        assert!(taken(result(Some(0b0001), None), false, &live).is_ok());
        assert!(taken(result(Some(0b0000), None), false, &live).is_err());
    }

    #[test]
    fn an_unchanged_row_is_null_in_the_array() {
        let all = Live::all(4);
        let column = taken(result(None, Some(0b0100)), false, &all).unwrap();
        assert!(column.values.is_null(2));
        assert_eq!(column.values.null_count(), 1);
        assert!(column.unchanged.unwrap().value(2));
        let column = taken(result(Some(0b1110), Some(0)), true, &all).unwrap();
        assert!(column.unchanged.is_none());
        assert!(column.values.is_null(0));
    }
}
