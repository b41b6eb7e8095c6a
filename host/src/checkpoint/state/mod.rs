//! The state of keyed stages: what each save handed over, as durable segments that a checkpoint
//! names.
//!
//! A segment is a file of sorted runs, one for each chunk of a save; `block.rs` describes its
//! bytes. The log of a stage is its segments from the oldest to the newest: read in this order,
//! their entries are its state. A thread merges neighbours into one, so that the log stays within
//! about twice what it says, and a restart does not read the history of everything.
//!
//! *Invariants*: a segment that was named never changes, and its name never returns; it goes only
//! when the caller says that no checkpoint names it; what is read back is what was written, or an
//! error; whatever the size of the state, memory is bounded by the limits and the largest entry.
//! *Not here*: what entries mean to a transform (its SDK), when to save, and when files may go
//! (`pipeline`).

mod block;
mod compaction;
mod entries;
mod file;
mod garbage;
mod log;
mod merge;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use serde::{Deserialize, Serialize};

pub use entries::{StateEntries, Varying};
pub use garbage::{remove, sweep};
pub use log::StateLog;
pub use reader::StateReader;

use super::StoreError;

/// How many key groups there are.
pub const KEY_GROUPS: u16 = 1_024;

/// How a sealed segment's name ends.
const ENDING: &str = ".state";
/// How the name of a segment ends that is being written.
const UNSEALED: &str = ".state.tmp";

/// What a checkpoint names of a segment.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct StateSegment {
    /// The file's name in the folder of the state.
    pub file: String,
    /// The file's length.
    pub bytes: u64,
    /// Entries in it.
    pub entries: u64,
    /// How many of them are deletes: what tells that older segments hold what is gone.
    pub deletes: u64,
    /// XXH64 of the file's header and of its blocks' headers, in hexadecimal; each of these has
    /// the checksum of its block.
    pub checksum: String,
}

/// How much a log takes.
#[derive(Clone, Copy, Debug)]
pub struct StateLimits {
    /// The size of a block in a segment, in bytes; an entry that is larger has its own.
    pub block_bytes: usize,
    /// So many neighbours of about one size are merged.
    pub tier: usize,
    /// So many segments there are at most: the next seal waits for a compaction.
    pub segments: usize,
    /// So many runs are merged at once: each has a block in memory.
    pub runs: usize,
    /// Segments below this many bytes are of one size, and the log may be larger by so much than
    /// twice what it says.
    pub small_bytes: u64,
}

impl Default for StateLimits {
    fn default() -> Self {
        Self { block_bytes: 256 << 10, tier: 8, segments: 64, runs: 64, small_bytes: 1 << 20 }
    }
}
