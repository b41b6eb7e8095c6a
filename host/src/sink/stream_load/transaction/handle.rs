//! What the checkpoint keeps of an epoch: its parts, by the labels of their transactions.

use serde::{Deserialize, Serialize};

use crate::sink::{Handle, SinkError};

/// The prepared epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sink::stream_load) struct StreamLoadHandle {
    /// One for each transaction.
    pub parts: Vec<PartHandle>,
    /// Whether repeating rows that are visible changes nothing.
    #[serde(default)]
    pub keyed: bool,
    /// Tables whose earlier rows go before the parts become visible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emptied: Vec<Emptied>,
    /// A digest of the settings that decide which rows make which part.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cut: String,
    /// Which tables these are: a store belongs to one target.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
}

/// A prepared transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sink::stream_load) struct PartHandle {
    pub table: String,
    pub label: String,
    /// The target's number, where it gave one.
    pub txn: Option<i64>,
    /// The set of columns that its rows have.
    pub set: String,
    /// Which part of the set, of how many.
    pub index: u32,
    pub of: u32,
    pub rows: u64,
    pub bytes: u64,
    /// Whether it was visible already when the handle was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub visible: bool,
}

impl PartHandle {
    /// Whether both are of the same part: one that was too large for one load has several.
    pub(in crate::sink::stream_load) fn is_of(&self, table: &str, set: &str, index: u32) -> bool {
        self.table == table && self.set == set && self.index == index
    }
}

/// A table that the source has truncated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sink::stream_load) struct Emptied {
    pub table: String,
    /// Deletes every row, as the target wants it said.
    pub sql: Vec<String>,
}

impl StreamLoadHandle {
    pub(in crate::sink::stream_load) fn read(
        handle: &Handle,
        sink: &str,
    ) -> Result<Self, SinkError> {
        serde_json::from_value(handle.0.clone())
            .map_err(|source| SinkError::Handle { sink: sink.to_owned(), source })
    }

    pub(in crate::sink::stream_load) fn write(&self) -> Handle {
        Handle(serde_json::to_value(self).expect("numbers and texts are JSON"))
    }

    /// The handle's parts that `is_kept`, and nothing that is still to be done.
    pub(in crate::sink::stream_load) fn only(&self, is_kept: impl Fn(&PartHandle) -> bool) -> Self {
        let parts = self.parts.iter().filter(|part| is_kept(part)).cloned();
        Self {
            parts: parts.map(|part| PartHandle { visible: true, ..part }).collect(),
            keyed: self.keyed,
            emptied: Vec::new(),
            cut: self.cut.clone(),
            place: self.place.clone(),
        }
    }
}
