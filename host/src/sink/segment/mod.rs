//! Segments: where a write-ahead sink keeps an epoch's rows, durable and in order, from when they
//! are prepared until their commit is confirmed.
//!
//! A segment is an Arrow IPC stream of the batches as they came, with hidden columns for what goes
//! with each row. It is written through while rows come, so that memory stays bounded, under the
//! name [`UNSEALED`]; sealing makes it durable and gives it the name of its epoch. A file that no
//! handle names is garbage of a dead run.
//!
//! *Invariants*: a sealed segment never changes, and what is read back is what was written, or an
//! error (length and SHA-256 stand in the handle and are checked before the first row).
//! *Not here*: what rows mean to a target, and when segments may go (each sink).

mod layout;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub(super) use reader::{SegmentReader, SegmentRows, Unchanged};
pub(super) use writer::SegmentWriter;

use super::SinkError;
use crate::record::Epoch;

/// The file that is being written.
const UNSEALED: &str = "open.arrow.tmp";

/// What a handle keeps of a sealed segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    /// The file's name in the sink's folder.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
    /// The file's length.
    pub bytes: u64,
    /// The file's SHA-256, in hexadecimal.
    pub sha256: String,
}

/// The name of an epoch's segment; names sort as epochs do.
fn file_name(epoch: Epoch) -> String {
    format!("{epoch:020}.arrow")
}

/// Removes the segment `file` and those of all epochs before it.
pub(super) fn remove_up_to(sink: &str, folder: &Path, file: &str) -> Result<(), SinkError> {
    remove(sink, folder, |name| name != UNSEALED && name <= file)
}

/// Removes everything but the segment `keep`: what a dead run left.
pub(super) fn remove_others(
    sink: &str,
    folder: &Path,
    keep: Option<&str>,
) -> Result<(), SinkError> {
    remove(sink, folder, |name| Some(name) != keep)
}

fn remove(sink: &str, folder: &Path, doomed: impl Fn(&str) -> bool) -> Result<(), SinkError> {
    let entries = fs::read_dir(folder).map_err(SinkError::io(sink, "list", folder))?;
    for entry in entries {
        let entry = entry.map_err(SinkError::io(sink, "list", folder))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if !(name == UNSEALED || name.ends_with(".arrow")) || !doomed(name) {
            continue;
        }
        match fs::remove_file(entry.path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(SinkError::io(sink, "remove", &entry.path())(error));
            }
            _ => {}
        }
    }
    Ok(())
}
