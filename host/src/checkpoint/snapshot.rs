//! The content of one checkpoint.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::{Epoch, Position};

/// The greatest event time that a source partition has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionTime {
    /// The partition.
    pub partition: u32,
    /// Microseconds since 1970 UTC.
    pub greatest: i64,
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
}
