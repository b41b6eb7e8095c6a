//! Why rows cannot wait for their event time.

use std::io;
use std::path::{Path, PathBuf};

use crate::record::format_timestamp;

/// An error of the rows that wait. All of them end the pipeline: what was checkpointed stays good.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// More rows wait than may be held. Nothing of the batch that was too much is taken.
    #[error(
        "{rows} rows wait for the watermark and take {bytes} bytes, where {max_bytes} are allowed; \
         their event times go from {} to {}: allow more (`limits.max_waiting` of the transform), or let the watermark follow sooner, by a \
         smaller `disorder` of the sources or an `idle` for those that bring no rows",
        format_timestamp(*.earliest),
        format_timestamp(*.latest)
    )]
    Full {
        /// Rows that would wait, with those of the batch that came.
        rows: usize,
        /// What they would take.
        bytes: u64,
        /// What they may take.
        max_bytes: u64,
        /// The earliest event time among them, microseconds.
        earliest: i64,
        /// The latest.
        latest: i64,
    },
    /// A row has no event time, so that it has no place in the order.
    #[error(
        "the row at {position} has no event time, so that there is no place for it in event-time \
         order; a source's rows have one where it declares `event_time`"
    )]
    Untimed {
        /// The source's words for where the row was read.
        position: String,
    },
    /// A file with rows that wait cannot be written or read.
    #[error(
        "cannot {action} `{}`, which is for rows that wait for their event time", .path.display()
    )]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Rows cannot be written in the form of the file.
    #[error("cannot write rows that wait for their event time to `{}`", .path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<arrow_schema::ArrowError>,
    },
    /// A file is not as it was written.
    #[error(
        "the rows in `{}` that wait for their event time are damaged: {problem}; put the file back \
         from a copy, or start over with a new checkpoint store", .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, in words.
        problem: String,
    },
    /// The rows are of an input that the stage no longer has.
    #[error(
        "rows in `{}` wait for their event time at input {input}, counted from 0, and the stage \
         has {inputs} inputs now; start once with the pipeline as it was and let its sources end, \
         or start over with a new checkpoint store", .path.display()
    )]
    Input {
        /// The file.
        path: PathBuf,
        /// The input's index.
        input: usize,
        /// How many there are now.
        inputs: usize,
    },
    /// The rows have another column than the input has now.
    #[error(
        "rows in `{}` wait for their event time at input {input}, counted from 0, whose column \
         `{column}` {problem}; give the column back its name and type, or start over with a new \
         checkpoint store", .path.display()
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The input's index.
        input: usize,
        /// The column's name, as the input has it now.
        column: String,
        /// How the rows differ, in words.
        problem: String,
    },
}

impl OrderError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.into() }
    }
}
