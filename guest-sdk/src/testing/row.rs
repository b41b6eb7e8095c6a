//! A row of a test.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::operation::Operation;
use crate::time::Timestamp;

/// A row that a test hands to a transform: its columns, and what comes with it.
///
/// A JSON object is an inserted row without an event time, processed at 1970-01-01T00:00:00Z.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub(super) after: Map<String, Value>,
    pub(super) before: Option<Map<String, Value>>,
    pub(super) joined: BTreeMap<String, Map<String, Value>>,
    pub(super) operation: Operation,
    pub(super) event_time: Option<Timestamp>,
    pub(super) processing_time: Timestamp,
}

impl Row {
    /// An update from one image to the other.
    ///
    /// # Panics
    /// Where an image is not a JSON object.
    #[must_use]
    pub fn update(before: Value, after: Value) -> Self {
        let row = Self::from(after);
        Self { before: Some(object(before)), operation: Operation::Update, ..row }
    }

    /// The columns that the host joined from a table. Without this they are null, as after a miss.
    ///
    /// # Panics
    /// Where `columns` is not a JSON object.
    #[must_use]
    pub fn joined(mut self, table: &str, columns: Value) -> Self {
        self.joined.insert(table.to_owned(), object(columns));
        self
    }

    /// What the change did.
    #[must_use]
    pub fn operation(self, operation: Operation) -> Self {
        Self { operation, ..self }
    }

    /// When it happened.
    #[must_use]
    pub fn event_time(self, time: Timestamp) -> Self {
        Self { event_time: Some(time), ..self }
    }

    /// When it entered the pipeline.
    #[must_use]
    pub fn processing_time(self, time: Timestamp) -> Self {
        Self { processing_time: time, ..self }
    }
}

impl From<Value> for Row {
    /// # Panics
    /// Where `columns` is not a JSON object.
    fn from(columns: Value) -> Self {
        Self {
            after: object(columns),
            before: None,
            joined: BTreeMap::new(),
            operation: Operation::Insert,
            event_time: None,
            processing_time: Timestamp::from_micros(0),
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(columns) => columns,
        other => panic!("a row is a JSON object of its columns, not {other}"),
    }
}
