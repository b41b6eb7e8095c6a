//! The content of one checkpoint.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::state::StateSegment;
use crate::record::{Epoch, Position};

/// The greatest event time that a source partition has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionTime {
    /// The partition.
    pub partition: u32,
    /// Microseconds since 1970 UTC.
    pub greatest: i64,
}

/// A column of a key, as state was kept by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the TOML writes it.
    pub data_type: String,
}

/// A piece of a transform's state, as it was declared when it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedState {
    /// Its name.
    pub name: String,
    /// The author's version of its encoding.
    pub version: u32,
    /// Its shape, as the contract names it.
    pub kind: String,
}

/// A file of rows that wait at a stage for their event time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSegment {
    /// The file's name in the store's folder of state.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// XXH64 of its bytes, in hexadecimal.
    pub checksum: String,
}

/// What one instance of a stage held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceCheckpoint {
    /// The next source sequence of the rows that it makes.
    pub emitted: i64,
    /// Rows of an earlier event time are late here; microseconds since 1970 UTC.
    pub late_below: i64,
    /// Waiting rows up to this event time have been handed on: in the files of waiting rows they are
    /// dead.
    pub released: i64,
    /// The greatest event time of a row that was handed on.
    pub greatest: i64,
    /// The segments of its state, oldest first.
    pub state: Vec<StateSegment>,
    /// The files of the rows that wait, oldest first.
    pub waiting: Vec<RowSegment>,
}

impl Default for InstanceCheckpoint {
    /// An instance before its first row.
    fn default() -> Self {
        let (state, waiting) = (Vec::new(), Vec::new());
        let none = i64::MIN;
        Self { emitted: 0, late_below: none, released: none, greatest: none, state, waiting }
    }
}

/// What a stage that keeps something between batches held: keyed state, timers, or rows that wait
/// for their event time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCheckpoint {
    /// The names of its inputs, where there are several: waiting rows know theirs by its place.
    pub inputs: Vec<String>,
    /// The columns of its key; empty: it has none.
    pub key: Vec<KeyColumn>,
    /// Its pieces of state: entries name them by their place here.
    pub states: Vec<SavedState>,
    /// Its instances, in order; the key groups are shared out among so many.
    pub instances: Vec<InstanceCheckpoint>,
}

impl StageCheckpoint {
    /// The files that it names.
    fn files(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().flat_map(|instance| {
            let state = instance.state.iter().map(|segment| segment.file.as_str());
            state.chain(instance.waiting.iter().map(|segment| segment.file.as_str()))
        })
    }
}

/// What a source handed out in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceProgress {
    /// Rows, rejected ones included.
    pub rows: u64,
    /// Whether it had ended before the barrier, and said so downstream.
    pub ended: bool,
}

/// What a sink was given in one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkProgress {
    /// Rows that it took.
    pub rows: u64,
    /// Rows that it refused.
    pub refused: u64,
}

/// A consistent cut: everything before it is durable at the sinks or in their prepared handles,
/// nothing after it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its number; 0 is written before the first row.
    pub epoch: Epoch,
    /// When it was written, microseconds since 1970 UTC.
    pub time: i64,
    /// Whether every source had ended.
    pub finished: bool,
    /// Where each source goes on, by name.
    pub positions: BTreeMap<String, Position>,
    /// Event times seen, by source.
    pub event_times: BTreeMap<String, Vec<PartitionTime>>,
    /// The last watermark on each edge, by the name of the node that sent it.
    pub watermarks: BTreeMap<String, i64>,
    /// The version of each table's content in use, by name.
    pub tables: BTreeMap<String, String>,
    /// SHA-256 of each transform's artifact, by stage.
    pub artifacts: BTreeMap<String, String>,
    /// What each sink prepared, by name; the dead letters' sink under its own.
    pub handles: BTreeMap<String, serde_json::Value>,
    /// The next source sequence of the rows that each emitting stage makes, by name.
    pub emitted: BTreeMap<String, i64>,
    /// What each stage that keeps something between batches held, by name.
    #[serde(default)]
    pub stages: BTreeMap<String, StageCheckpoint>,
    /// How far each source came since the checkpoint before, by name.
    #[serde(default)]
    pub read: BTreeMap<String, SourceProgress>,
    /// What each sink was given since the checkpoint before, by name.
    #[serde(default)]
    pub taken: BTreeMap<String, SinkProgress>,
    /// The version of each table's content that the rows since the checkpoint before were joined
    /// with, by name; those from here on are joined with `tables`.
    #[serde(default)]
    pub joined: BTreeMap<String, String>,
    /// SHA-256 of the graph that the rows since the checkpoint before went through, but for the
    /// artifacts.
    #[serde(default)]
    pub graph: String,
}

/// A checkpoint that its targets have given up in part, while the rest of it is visible: the way to
/// it, from the one before, is gone again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// Where the way leads: the same positions, under the same number.
    pub target: Checkpoint,
    /// What is visible of it, by sink. Sinks that are not here show nothing of it.
    pub shown: BTreeMap<String, Shown>,
}

/// What a sink shows of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Everything that was prepared for it.
    Whole,
    /// This part of the handle.
    Part(serde_json::Value),
}

impl Repeat {
    /// The sinks that show all of it: they are given nothing again.
    pub fn whole(&self) -> impl Iterator<Item = &str> {
        self.shown
            .iter()
            .filter(|(_, shown)| **shown == Shown::Whole)
            .map(|(sink, _)| sink.as_str())
    }
}

impl Checkpoint {
    /// The files of state and waiting rows that it names.
    #[must_use]
    pub fn files(&self) -> BTreeSet<String> {
        self.stages.values().flat_map(StageCheckpoint::files).map(str::to_owned).collect()
    }
}
