//! What a restart needs: the consistent cut, kept in an embedded database, and the files of state and
//! waiting rows that it names.
//!
//! *Invariants*: a checkpoint is written whole or not at all (one ACID transaction); checkpoint
//! N − 1 stays until every commit of N is confirmed; going back to N − 1 to come to N again is one
//! such write, too; the store has one user at a time; a crash
//! while it is made leaves either no store or a whole one.
//! *Not here*: when to take one, and in which order to commit (`pipeline`).

mod error;
mod folder;
mod snapshot;
pub mod state;
mod store;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use folder::create_folder;
pub(crate) use folder::sync_folder;
pub use snapshot::{
    Checkpoint, InstanceCheckpoint, KeyColumn, PartitionTime, Repeat, RowSegment, SavedState,
    Shown, SinkProgress, SourceProgress, StageCheckpoint,
};
pub use state::{StateEntries, StateLog, StateReader, StateSegment, Varying};
pub use store::{CheckpointStore, Opened};
