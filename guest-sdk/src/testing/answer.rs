//! What a transform answered, by rows.

use serde_json::{Map, Value};

use super::check::counting;
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
    late: Vec<usize>,
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

    /// The rows that were emitted, in order; those of a keyed transform port by port, because the
    /// order of rows of different ports depends on how batches are cut.
    #[must_use]
    pub fn emitted(&self) -> &[Emitted] {
        &self.emitted
    }

    /// Which of the test's rows were late, from 0, and so never came.
    #[must_use]
    pub fn late(&self) -> &[usize] {
        &self.late
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
        match &outcome.output {
            Output::Mapped(mapped) => {
                let images = |row: usize| Some(rows[row].after.clone());
                self.after.extend(kept(fields, &mapped.after, first, outcome, rows.len(), images));
                let Some(before) = &mapped.before else { return };
                let images = |row: usize| rows[row].before.clone();
                self.before.extend(kept(fields, before, first, outcome, rows.len(), images));
            }
            Output::Emitted(emitted) => {
                for emitted in emitted {
                    self.emit(description, emitted);
                }
            }
        }
    }

    /// Adds the answer of an emitting transform to a batch of these rows of the test.
    pub(super) fn add_emitted(
        &mut self,
        description: &Description,
        rows: &[usize],
        outcome: &Outcome,
    ) {
        for rejection in &outcome.rejected {
            self.rejected.push(Rejected {
                row: rows[rejection.row as usize],
                reason: rejection.reason.clone(),
                column: rejection.column.clone(),
            });
        }
        if let Output::Emitted(emitted) = &outcome.output {
            emitted.iter().for_each(|emitted| self.emit(description, emitted));
        }
    }

    /// Adds a row that was late.
    pub(super) fn add_late(&mut self, row: usize) {
        self.late.push(row);
    }

    /// Brings the emitted rows in the order of their ports.
    pub(super) fn sort_ports(&mut self, description: &Description) {
        let index = |name: &String| description.outputs.iter().position(|port| port.name == *name);
        self.emitted.sort_by_key(|emitted| index(&emitted.port));
    }

    pub(super) fn record(&mut self, recorded: Recorded) {
        self.recorded = recorded;
    }

    fn emit(&mut self, description: &Description, emitted: &raw::Emitted) {
        let port = &description.outputs[emitted.port as usize];
        for index in 0..emitted.rows as usize {
            let row = decode(&port.fields, &emitted.columns, index);
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

/// The rows that an answer keeps. The slots of the others hold anything, and are not looked at.
fn kept(
    fields: &[raw::Field],
    images: &Images,
    first: usize,
    outcome: &Outcome,
    rows: usize,
    image: impl Fn(usize) -> Option<Map<String, Value>>,
) -> Vec<Kept> {
    let counting = counting(rows, images, None, &outcome.rejected);
    let kept = (0..rows).filter(|row| counting[*row]).filter_map(|row| {
        let image = image(row)?;
        Some(Kept { row: first + row, image, added: decode(fields, &images.columns, row) })
    });
    kept.collect()
}

/// A row of these columns as an object.
fn decode(fields: &[raw::Field], columns: &[raw::Column], row: usize) -> Map<String, Value> {
    let cell = |(field, column): (&raw::Field, &raw::Column)| {
        (field.name.clone(), values::cell(field.data_type, column, row))
    };
    fields.iter().zip(columns).map(cell).collect()
}

fn merged(kept: &[Kept]) -> Vec<Value> {
    kept.iter()
        .map(|Kept { image, added, .. }| {
            Value::Object(image.clone().into_iter().chain(added.clone()).collect())
        })
        .collect()
}
