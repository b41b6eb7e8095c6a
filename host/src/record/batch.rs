//! A batch: ordered changes of one table as columns, and what goes with each row.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};

use super::take::take_texts;
use super::{Operation, Operations, Schema};

/// One column of a batch: Arrow values, and a set bit for each row whose value the source left out
/// because it did not change (`None`: none).
#[derive(Clone, Debug)]
pub struct Column {
    /// The values, of the Arrow type of the field's [`super::DataType`].
    pub values: ArrayRef,
    /// Rows whose value is unknown because unchanged; their slots hold null.
    pub unchanged: Option<BooleanBuffer>,
}

impl From<ArrayRef> for Column {
    fn from(values: ArrayRef) -> Self {
        Self { values, unchanged: None }
    }
}

/// The before images of a batch's rows: the same columns, and which rows have one.
#[derive(Clone, Debug)]
pub struct Before {
    /// A set bit for each row that has a before image.
    pub present: BooleanBuffer,
    /// One column for each of the schema's.
    pub columns: Vec<Column>,
}

/// Where the rows of a batch were read that come from several places.
#[derive(Clone, Debug)]
pub struct MixedOrigins {
    /// The origins, each with what to take off the majors of its rows.
    pub places: Arc<[(Arc<str>, i64)]>,
    /// For each row its place among them.
    pub rows: ScalarBuffer<u32>,
}

/// What goes with each row beside its columns.
#[derive(Clone, Debug)]
pub struct RowMeta {
    /// The source's words for the origin of these rows, such as a file's name.
    pub origin: Arc<str>,
    /// What each change did.
    pub operations: Operations,
    /// Event time in microseconds, where the pipeline declares one; null where a row has none.
    pub event_times: Option<(ScalarBuffer<i64>, Option<NullBuffer>)>,
    /// The host's clock when the row entered, microseconds.
    pub processing_times: ScalarBuffer<i64>,
    /// Major part of the source sequence: rises within a source partition. For a file it is the
    /// line's number, from 1.
    pub majors: ScalarBuffer<i64>,
    /// Minor part (a row's place within its major); `None`: all 0.
    pub minors: Option<ScalarBuffer<i32>>,
    /// What to take off a major for the number that people count by: the lines of the same partition
    /// that stand before this origin's first.
    pub base: i64,
    /// Where each row was read, where that differs from row to row; `origin` and `base` then mean
    /// nothing.
    pub mixed: Option<MixedOrigins>,
    /// A set bit for each row whose event time is below the greatest earlier one of its partition by
    /// more than the disorder (`None`: no row is late).
    pub late: Option<BooleanBuffer>,
}

impl RowMeta {
    /// What goes with rows of which nothing is of interest but what their changes did.
    #[cfg(test)]
    pub(crate) fn plain(origin: &str, operations: Operations, rows: usize) -> Self {
        Self {
            origin: origin.into(),
            operations,
            event_times: None,
            processing_times: vec![0; rows].into(),
            majors: vec![0; rows].into(),
            minors: None,
            base: 0,
            mixed: None,
            late: None,
        }
    }

    /// The source sequence of a row.
    #[must_use]
    pub fn sequence(&self, row: usize) -> (i64, i32) {
        (self.majors[row], self.minors.as_ref().map_or(0, |minors| minors[row]))
    }

    /// The source's words for where a row was read.
    #[must_use]
    pub fn position(&self, row: usize) -> String {
        let (origin, base) = self.origin_of(row);
        let (major, minor) = self.sequence(row);
        let number = major.saturating_sub(base);
        match minor {
            0 => format!("{origin}:{number}"),
            _ => format!("{origin}:{number}.{minor}"),
        }
    }

    /// The origin of a row, and what to take off its major.
    #[must_use]
    pub fn origin_of(&self, row: usize) -> (&Arc<str>, i64) {
        match &self.mixed {
            None => (&self.origin, self.base),
            Some(MixedOrigins { places, rows }) => {
                let (origin, base) = &places[rows[row] as usize];
                (origin, *base)
            }
        }
    }

    fn gather(&self, rows: &[u32]) -> Self {
        let pick = |values: &ScalarBuffer<i64>| -> ScalarBuffer<i64> {
            rows.iter().map(|row| values[*row as usize]).collect::<Vec<_>>().into()
        };
        Self {
            origin: Arc::clone(&self.origin),
            operations: self.operations.gather(rows),
            event_times: self.event_times.as_ref().map(|(values, nulls)| {
                let nulls = nulls.as_ref().map(|nulls| {
                    NullBuffer::new(BooleanBuffer::collect_bool(rows.len(), |row| {
                        nulls.is_valid(rows[row] as usize)
                    }))
                });
                (pick(values), nulls)
            }),
            processing_times: pick(&self.processing_times),
            majors: pick(&self.majors),
            minors: self.minors.as_ref().map(|minors| {
                rows.iter().map(|row| minors[*row as usize]).collect::<Vec<_>>().into()
            }),
            base: self.base,
            mixed: self.mixed.as_ref().map(|MixedOrigins { places, rows: of }| MixedOrigins {
                places: Arc::clone(places),
                rows: rows.iter().map(|row| of[*row as usize]).collect(),
            }),
            late: self.late.as_ref().map(|late| gather_bits(late, rows)),
        }
    }
}

/// Ordered changes of one table at one schema version: the columns of an Arrow record batch, what
/// goes with each row, and a lazy selection.
///
/// Invariants: each column has `rows` values, of the Arrow type of its field; `meta` describes
/// `rows` rows; `selection`, where present, has `rows` bits. Rows that are not selected are dead:
/// nobody may look at their values. Cloning is cheap (shared buffers).
#[derive(Clone, Debug)]
pub struct Batch {
    /// The columns' names and types.
    pub schema: Arc<Schema>,
    /// One for each field of the schema.
    pub columns: Vec<Column>,
    /// What goes with each row.
    pub meta: Arc<RowMeta>,
    /// Rows in the columns, selected or not.
    pub rows: usize,
    /// The rows that live (`None`: all).
    pub selection: Option<BooleanBuffer>,
    /// Before images, where the source has them and something asks for them.
    pub before: Option<Before>,
}

impl Batch {
    /// How many rows live.
    #[must_use]
    pub fn selected(&self) -> usize {
        self.selection.as_ref().map_or(self.rows, BooleanBuffer::count_set_bits)
    }

    /// Narrows the selection to the rows in `kept` as well.
    pub fn select(&mut self, kept: &BooleanBuffer) {
        self.selection = Some(match &self.selection {
            Some(selection) => selection & kept,
            None => kept.clone(),
        });
    }

    /// The batch with only its living rows, so that `selection` is `None`.
    ///
    /// # Panics
    /// Never: the columns' lengths are the batch's invariant.
    #[must_use]
    pub fn gathered(self) -> Self {
        let Some(selection) = &self.selection else { return self };
        let kept = selection.count_set_bits();
        if kept == self.rows {
            return Self { selection: None, ..self };
        }
        let rows: Vec<u32> = selection
            .set_indices()
            .map(|row| u32::try_from(row).expect("a batch is small"))
            .collect();
        let predicate =
            arrow_select::filter::FilterBuilder::new(&BooleanArray::from(selection.clone()))
                .optimize()
                .build();
        let filter = |columns: &[Column]| -> Vec<Column> {
            columns
                .iter()
                .map(|column| Column {
                    values: predicate
                        .filter(&column.values)
                        .expect("columns have the batch's length"),
                    unchanged: column.unchanged.as_ref().map(|bits| gather_bits(bits, &rows)),
                })
                .collect()
        };
        Self {
            columns: filter(&self.columns),
            meta: Arc::new(self.meta.gather(&rows)),
            before: self.before.as_ref().map(|before| Before {
                present: gather_bits(&before.present, &rows),
                columns: filter(&before.columns),
            }),
            rows: kept,
            selection: None,
            schema: self.schema,
        }
    }

    /// The batch as it is while most of its rows live, and gathered once fewer than half do: from
    /// there on, carrying the dead along would cost more than the copy.
    #[must_use]
    pub fn into_dense(self) -> Self {
        if self.selected() * 2 < self.rows { self.gathered() } else { self }
    }

    /// The given rows, in the given order, selected or not.
    ///
    /// # Panics
    /// If a row is out of range.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        let indices = UInt32Array::from(rows.to_vec());
        let pick = |columns: &[Column]| -> Vec<Column> {
            columns
                .iter()
                .map(|column| Column {
                    values: match column.values.as_string_opt::<i32>() {
                        Some(texts) => take_texts(texts, rows),
                        None => arrow_select::take::take(&column.values, &indices, None)
                            .expect("rows are in range"),
                    },
                    unchanged: column.unchanged.as_ref().map(|bits| gather_bits(bits, rows)),
                })
                .collect()
        };
        Self {
            schema: Arc::clone(&self.schema),
            columns: pick(&self.columns),
            meta: Arc::new(self.meta.gather(rows)),
            rows: rows.len(),
            selection: None,
            before: self.before.as_ref().map(|before| Before {
                present: gather_bits(&before.present, rows),
                columns: pick(&before.columns),
            }),
        }
    }

    /// Bytes that the columns hold in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |columns: &[Column]| -> usize {
            columns.iter().map(|column| column.values.get_array_memory_size()).sum()
        };
        of(&self.columns) + self.before.as_ref().map_or(0, |before| of(&before.columns))
    }

    /// Whether every row is an insert or a read: the common case, in which nothing passes by.
    #[must_use]
    pub fn only_inserts(&self) -> bool {
        matches!(self.meta.operations, Operations::All(Operation::Insert | Operation::Read))
    }
}

fn gather_bits(bits: &BooleanBuffer, rows: &[u32]) -> BooleanBuffer {
    BooleanBuffer::collect_bool(rows.len(), |row| bits.value(rows[row] as usize))
}
