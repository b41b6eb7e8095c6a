//! The way from a checkpoint to the one after it, a second time: a target has given up a part of
//! what was prepared for that one, while the rest of it is visible.
//!
//! A repeat is a run of its own: recovery stands at the checkpoint before, sources go exactly to
//! where the other one has them, one barrier makes that checkpoint anew under its old number, and
//! the run ends; the pipeline then recovers from it as from any other. Sinks that show all of it are
//! muted, those that show a part of it are told which (`settle`).
//!
//! | file | holds |
//! |---|---|
//! | `obstacle` | whether the way leads to the same rows: a pure decision |
//! | `target` | where a source has to come to, and how it knows that it is there |
//!
//! *Invariants*: a row that is visible is never written again; the way is only taken where it leads
//! to the same rows; a crash on it is a crash before it.

mod obstacle;
#[cfg(test)]
mod runs;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

pub(super) use obstacle::{graph, obstacle};
pub(super) use target::SourceTarget;

use crate::checkpoint::{Repeat, Shown};
use crate::record::{Batch, Epoch};
use crate::sink::{Handle, Prepared, Refusal, Sink, SinkError};

/// Stands in for a sink that shows all of the repeated checkpoint: what comes again is dropped.
pub(super) struct Muted {
    handle: Handle,
}

impl Muted {
    /// For the sink that prepared `handle`.
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl Sink for Muted {
    fn write(&mut self, _: &Batch) -> Result<Vec<Refusal>, SinkError> {
        Ok(Vec::new())
    }

    fn prepare(&mut self, _: Epoch) -> Result<Prepared, SinkError> {
        Ok(Prepared { handle: self.handle.clone(), refused: Vec::new() })
    }
}

/// The sinks that lack something of the checkpoint, each with the labels of what it lacks where its
/// handle tells them, as a part of a sentence.
pub(super) fn lost(repeat: &Repeat) -> String {
    let mut sinks = Vec::new();
    for (sink, handle) in &repeat.target.handles {
        let mut lacking = labels(handle);
        match repeat.shown.get(sink) {
            Some(Shown::Whole) => continue,
            Some(Shown::Part(visible)) => {
                let visible = labels(visible);
                lacking.retain(|label| !visible.contains(label));
            }
            None => {}
        }
        let lacking = lacking.into_iter().collect::<Vec<_>>().join(", ");
        sinks.push(match lacking.as_str() {
            "" => format!("sink `{sink}`"),
            labels => format!("sink `{sink}` (label {labels})"),
        });
    }
    sinks.join(" and ")
}

/// Every text in a handle that is called a label.
fn labels(handle: &Value) -> BTreeSet<&str> {
    match handle {
        Value::Array(values) => values.iter().flat_map(labels).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("label", Value::String(label)) => BTreeSet::from([label.as_str()]),
                (_, value) => labels(value),
            })
            .collect(),
        _ => BTreeSet::new(),
    }
}
