//! What a transform answered, by rows.

use serde_json::{Map, Value};

use super::{Row, values};
use crate::host::{Level, Recorded};
use crate::operation::Operation;
use crate::raw::{self, Description, Images, Outcome, Output};
use crate::time::Timestamp;

/// A row that the transform refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Which of the test's rows, from 0.
    pub row: usize,
    /// Why.
    pub reason: String,
    /// The column to blame, if one was named.
    pub column: Option<String>,
}

/// A row that an emitting transform emitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Emitted {
    /// The port's name.
    pub port: String,
    /// What the row does; an insert where the transform said nothing.
    pub operation: Operation,
    /// Its event time.
    pub event_time: Option<Timestamp>,
    /// Its columns.
    pub row: Value,
}

/// A row that was kept.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    row: usize,
    image: Map<String, Value>,
    added: Map<String, Value>,
}

/// All that a transform answered to a test's rows. Two answers are equal where the transform did the
/// same, however the batches were cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    after: Vec<Kept>,
    before: Vec<Kept>,
    rejected: Vec<Rejected>,
    emitted: Vec<Emitted>,
    recorded: Recorded,
}

impl Answer {
    /// The rows that were kept, each with its own columns and those that were added or replaced.
    #[must_use]
    pub fn rows(&self) -> Vec<Value> {
        merged(&self.after)
    }

    /// The columns that were added or replaced, an object for each row that was kept.
    #[must_use]
    pub fn added(&self) -> Vec<Value> {
        self.after.iter().map(|kept| Value::Object(kept.added.clone())).collect()
    }

    /// Which of the test's rows were kept, from 0.
    #[must_use]
    pub fn kept(&self) -> Vec<usize> {
        self.after.iter().map(|kept| kept.row).collect()
    }

    /// The before images that were kept, as [`rows`](Self::rows) for the after images.
    #[must_use]
    pub fn before_rows(&self) -> Vec<Value> {
        merged(&self.before)
    }

    /// The rows that were refused, in order.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// The rows that were emitted, in order.
    #[must_use]
    pub fn emitted(&self) -> &[Emitted] {
        &self.emitted
    }

    /// The lines that were logged, in order.
    #[must_use]
    pub fn logs(&self) -> &[(Level, String)] {
        &self.recorded.logs
    }

    /// The sum of a counter; 0 where it was never counted.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        self.recorded.counters.get(name).copied().unwrap_or(0)
    }

    /// Adds the answer to a batch of these rows, of which `first` is the first.
    pub(super) fn add(
        &mut self,
        description: &Description,
        rows: &[Row],
        first: usize,
        outcome: &Outcome,
    ) {
        for rejection in &outcome.rejected {
            self.rejected.push(Rejected {
                row: first + rejection.row as usize,
                reason: rejection.reason.clone(),
                column: rejection.column.clone(),
            });
        }
        let fields = &description.outputs[0].fields;
        let rejected = |row: usize| outcome.rejected.iter().any(|r| r.row as usize == row);
        let kept = |images: &Images, row: usize| {
            !rejected(row) && images.kept.as_ref().is_none_or(|bits| is_set(bits, row))
        };
        match &outcome.output {
            Output::Mapped(mapped) => {
                let added = decode(fields, &mapped.after.columns, rows.len());
                for (row, added) in added.into_iter().enumerate() {
                    if kept(&mapped.after, row) {
                        let image = rows[row].after.clone();
                        self.after.push(Kept { row: first + row, image, added });
                    }
                }
                let Some(images) = &mapped.before else { return };
                let added = decode(fields, &images.columns, rows.len());
                for (row, added) in added.into_iter().enumerate() {
                    if let Some(image) = rows[row].before.clone().filter(|_| kept(images, row)) {
                        self.before.push(Kept { row: first + row, image, added });
                    }
                }
            }
            Output::Emitted(emitted) => {
                for emitted in emitted {
                    self.emit(description, emitted);
                }
            }
        }
    }

    pub(super) fn record(&mut self, recorded: Recorded) {
        self.recorded = recorded;
    }

    fn emit(&mut self, description: &Description, emitted: &raw::Emitted) {
        let port = &description.outputs[emitted.port as usize];
        let rows = decode(&port.fields, &emitted.columns, emitted.rows as usize);
        for (index, row) in rows.into_iter().enumerate() {
            let code = emitted.operations.as_ref().map_or(0, |codes| codes[index]);
            let time = emitted
                .event_times
                .as_ref()
                .filter(|times| times.validity.as_ref().is_none_or(|bits| is_set(bits, index)));
            self.emitted.push(Emitted {
                port: port.name.clone(),
                operation: Operation::from_code(code).expect("a known operation"),
                event_time: time.map(|times| Timestamp::from_micros(times.values[index])),
                row: Value::Object(row),
            });
        }
    }
}

fn is_set(bits: &[u8], row: usize) -> bool {
    (bits[row / 8] >> (row % 8)) & 1 == 1
}

/// Columns as an object for each row.
fn decode(fields: &[raw::Field], columns: &[raw::Column], rows: usize) -> Vec<Map<String, Value>> {
    let mut objects = vec![Map::new(); rows];
    for (field, column) in fields.iter().zip(columns) {
        let values = values::decode(field.data_type, column, rows);
        for (object, value) in objects.iter_mut().zip(values) {
            object.insert(field.name.clone(), value);
        }
    }
    objects
}

fn merged(kept: &[Kept]) -> Vec<Value> {
    kept.iter()
        .map(|Kept { image, added, .. }| {
            Value::Object(image.clone().into_iter().chain(added.clone()).collect())
        })
        .collect()
}
