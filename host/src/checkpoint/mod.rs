//! What a restart needs: the consistent cut, kept in an embedded database.
//!
//! *Invariants*: a checkpoint is written whole or not at all (one ACID transaction); checkpoint
//! N − 1 stays until every commit of N is confirmed; the store has one user at a time.
//! *Not here*: when to take one, and in which order to commit (`pipeline`).

mod snapshot;
mod store;

pub use snapshot::{Checkpoint, PartitionTime};
pub use store::{CheckpointStore, Opened, StoreError};
