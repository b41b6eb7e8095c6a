//! What the table would refuse, found before the rows are prepared: once an epoch is in a
//! checkpoint, it must be possible to commit it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};

use super::{ChangePolicy, Target};
use crate::record::{Batch, DataType, Operation};
use crate::sink::growing::change_words;
use crate::sink::{Refusal, WriteMode};

/// SQLite refuses a row of more than 10^9 bytes; this leaves room for what it adds.
const ROW_BYTES_MAX: i64 = 999_000_000;
/// An update without all of its values may have to be kept as JSON, which makes six bytes of some,
/// and has the key twice.
const PARTIAL_ROW_BYTES_MAX: i64 = ROW_BYTES_MAX / 16;
const MICROS_A_DAY: i64 = 86_400_000_000;
/// 0001-01-01 to 9999-12-31: what the SQL text of a date can say, and SQLite's functions read.
const DAYS: RangeInclusive<i32> = -719_162..=2_932_896;
const TIMESTAMPS: RangeInclusive<i64> = -719_162 * MICROS_A_DAY..=2_932_897 * MICROS_A_DAY - 1;

const NEW_ROW_UNCHANGED: &str = "the source left the value out as unchanged, but the row is new, \
    so that there is none to keep; an update that changes the key makes such a row: let the source \
    send whole rows, in PostgreSQL by REPLICA IDENTITY FULL or by the connector's reselecting";

const OTHER_YEAR: &str = "a year outside of 0001 to 9999";

/// What becomes of a batch's rows.
pub(super) struct Verdict {
    /// Rows to set aside, in order.
    pub refused: Vec<Refusal>,
    /// The rows to write; `None`: all.
    pub kept: Option<Vec<u32>>,
}

/// Decides about every row of a batch whose rows are all alive.
pub(super) fn inspect(target: &Target, batch: &Batch) -> Verdict {
    let mut rows = Rows { target, batch, refused: BTreeMap::new(), ignored: Vec::new() };
    if !batch.only_inserts() && target.mode == WriteMode::Append {
        rows.check_operations();
    }
    for column in 0..batch.columns.len() {
        rows.check_nulls(column);
        rows.check_unchanged(column);
        rows.check_values(column);
    }
    rows.check_lengths();
    rows.verdict()
}

struct Rows<'a> {
    target: &'a Target,
    batch: &'a Batch,
    /// The first reason found for each refused row.
    refused: BTreeMap<usize, Refusal>,
    /// Rows that the policy leaves out, in order.
    ignored: Vec<usize>,
}

impl Rows<'_> {
    fn verdict(self) -> Verdict {
        let kept = (!self.refused.is_empty() || !self.ignored.is_empty()).then(|| {
            (0..self.batch.rows)
                .filter(|row| {
                    !self.refused.contains_key(row) && self.ignored.binary_search(row).is_err()
                })
                .map(|row| u32::try_from(row).expect("a batch is small"))
                .collect()
        });
        let ignored = self.ignored;
        let refused = self
            .refused
            .into_values()
            .filter(|refusal| ignored.binary_search(&refusal.row).is_err())
            .collect();
        Verdict { refused, kept }
    }

    fn refuse(&mut self, row: usize, column: Option<usize>, reason: impl FnOnce() -> String) {
        let column = column.map(|index| Arc::clone(&self.batch.schema.fields[index].name));
        self.refused.entry(row).or_insert_with(|| Refusal { row, reason: reason(), column });
    }

    /// Whether the table gets the value of this column from this row.
    fn takes(&self, row: usize, column: usize) -> bool {
        match (self.target.mode, self.batch.meta.operations.get(row)) {
            (WriteMode::Upsert, Operation::Truncate) => false,
            (WriteMode::Upsert, Operation::Delete) => self.target.key.contains(&column),
            _ => true,
        }
    }

    fn check_operations(&mut self) {
        for row in 0..self.batch.rows {
            let operation = self.batch.meta.operations.get(row);
            let (policy, key) = match operation {
                Operation::Insert | Operation::Read => continue,
                Operation::Update => (self.target.on_update, "on_update"),
                Operation::Delete | Operation::Truncate => (self.target.on_delete, "on_delete"),
            };
            match policy {
                ChangePolicy::Append => {}
                ChangePolicy::Ignore => self.ignored.push(row),
                ChangePolicy::DeadLetter => self.refuse(row, None, || {
                    format!(
                        "a sink in append mode cannot take {}; use mode = \"upsert\", or say \
                         {key} = \"ignore\" or \"append\"",
                        change_words(operation)
                    )
                }),
            }
        }
    }

    fn check_nulls(&mut self, column: usize) {
        let Some(nulls) = self.batch.columns[column].values.nulls() else { return };
        if nulls.null_count() == 0 || !self.target.is_required(column) {
            return;
        }
        let unchanged = self.batch.columns[column].unchanged.as_ref();
        for row in 0..self.batch.rows {
            let is_unknown = unchanged.is_some_and(|bits| bits.value(row));
            if nulls.is_null(row) && !is_unknown && self.takes(row, column) {
                self.refuse(row, Some(column), || "null, where the table takes none".to_owned());
            }
        }
    }

    /// An unchanged value is kept from the stored row, which append mode has not, a key must name,
    /// and a row that is new has not got.
    fn check_unchanged(&mut self, column: usize) {
        let Some(unchanged) = &self.batch.columns[column].unchanged else { return };
        let is_kept = self.target.mode == WriteMode::Upsert && !self.target.key.contains(&column);
        for row in unchanged.set_indices() {
            let operation = self.batch.meta.operations.get(row);
            let is_new = matches!(operation, Operation::Insert | Operation::Read);
            if !self.takes(row, column) {
                continue;
            }
            if !is_kept {
                self.refuse(row, Some(column), || {
                    "the source left the value out as unchanged, but it is needed here".to_owned()
                });
            } else if is_new {
                self.refuse(row, Some(column), || NEW_ROW_UNCHANGED.to_owned());
            }
        }
    }

    fn check_values(&mut self, column: usize) {
        let values = &self.batch.columns[column].values;
        let (rows, reason) = match self.batch.schema.fields[column].data_type {
            DataType::Float32 => (rows_where::<Float32Type>(values, f32::is_nan), "NaN"),
            DataType::Float64 => (rows_where::<Float64Type>(values, f64::is_nan), "NaN"),
            DataType::Date => {
                (rows_where::<Date32Type>(values, |days| !DAYS.contains(&days)), OTHER_YEAR)
            }
            DataType::Time => (
                rows_where::<Time64MicrosecondType>(values, |micros| {
                    !(0..=MICROS_A_DAY).contains(&micros)
                }),
                "a time beyond a day",
            ),
            DataType::Timestamp => (
                rows_where::<TimestampMicrosecondType>(values, |micros| {
                    !TIMESTAMPS.contains(&micros)
                }),
                OTHER_YEAR,
            ),
            _ => return,
        };
        for row in rows {
            if self.takes(row, column) {
                self.refuse(row, Some(column), || format!("SQLite cannot hold {reason}"));
            }
        }
    }

    fn check_lengths(&mut self) {
        let fields = &self.batch.schema.fields;
        let offsets: Vec<&[i32]> = self
            .batch
            .columns
            .iter()
            .zip(fields)
            .filter_map(|(column, field)| match field.data_type {
                DataType::Text | DataType::Json => {
                    Some(column.values.as_string::<i32>().value_offsets())
                }
                DataType::Binary => Some(column.values.as_binary::<i32>().value_offsets()),
                _ => None,
            })
            .collect();
        let bytes = |from: usize, to: usize| -> i64 {
            offsets.iter().map(|offsets| i64::from(offsets[to]) - i64::from(offsets[from])).sum()
        };
        if bytes(0, self.batch.rows) <= PARTIAL_ROW_BYTES_MAX {
            return;
        }
        let unchanged: Vec<_> =
            self.batch.columns.iter().filter_map(|column| column.unchanged.as_ref()).collect();
        for row in 0..self.batch.rows {
            let length = bytes(row, row + 1);
            let is_partial = unchanged.iter().any(|bits| bits.value(row));
            let most = if is_partial { PARTIAL_ROW_BYTES_MAX } else { ROW_BYTES_MAX };
            if length > most {
                self.refuse(row, None, || format!("SQLite cannot hold a row of {length} bytes"));
            }
        }
    }
}

/// The rows whose value is bad and not null. Looks at the values alone first: mostly none is bad.
fn rows_where<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    bad: impl Fn(T::Native) -> bool,
) -> Vec<usize> {
    let array = array.as_primitive::<T>();
    let values = array.values();
    if !values.iter().any(|value| bad(*value)) {
        return Vec::new();
    }
    (0..values.len()).filter(|row| array.is_valid(*row) && bad(values[*row])).collect()
}
