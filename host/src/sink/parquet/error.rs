//! Why a folder of Parquet files cannot be filled.

use std::path::PathBuf;

use parquet::errors::ParquetError;

use crate::record::Epoch;
use crate::sink::SinkError;

/// Why a folder of Parquet files cannot be filled: one variant for each thing that somebody can do
/// something about.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The folder's name is that of a file.
    #[error(
        "sink `{sink}`: `{}` is not a folder, and Parquet files are written into one; name a \
         folder", .path.display()
    )]
    NotAFolder {
        /// The sink's name.
        sink: String,
        /// The path.
        path: PathBuf,
    },
    /// A part that the checkpoint counts on is there under neither of its names.
    #[error(
        "sink `{sink}`: `{}` is gone, hidden as `{}` too, but the checkpoint has {rows} rows in it \
         that were to become visible; put the file back under either name, or start over with a \
         new checkpoint store", .visible.display(), .prepared.display()
    )]
    Missing {
        /// The sink's name.
        sink: String,
        /// Where it is once it is committed.
        visible: PathBuf,
        /// Where it was prepared.
        prepared: PathBuf,
        /// Rows in it.
        rows: u64,
    },
    /// A part is not as it was prepared.
    #[error(
        "sink `{sink}`: `{}` has {found} bytes, but the checkpoint says that {expected} were \
         written; another program changed it or put another file in its place: put the right one \
         back, or start over with a new checkpoint store", .path.display()
    )]
    Changed {
        /// The sink's name.
        sink: String,
        /// The part.
        path: PathBuf,
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// A part is visible that the checkpoint does not know yet.
    #[error(
        "sink `{sink}`: `{}` is of epoch {found}, but the checkpoint store stands at epoch \
         {expected}, so that its rows would come again; an older copy of the store was probably \
         put in its place: put the newer one back, move the parts of later epochs out of the \
         folder, or start over with a new checkpoint store", .path.display()
    )]
    Beyond {
        /// The sink's name.
        sink: String,
        /// The part.
        path: PathBuf,
        /// The part's epoch.
        found: Epoch,
        /// The checkpoint's.
        expected: Epoch,
    },
    /// Rows cannot be written as Parquet.
    #[error("sink `{sink}` cannot {action} `{}`", .path.display())]
    Write {
        /// The sink's name.
        sink: String,
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
}

impl From<PartError> for SinkError {
    fn from(error: PartError) -> Self {
        Self::Part(Box::new(error))
    }
}
