//! Why a source cannot start or go on.

use std::io;

/// An error of a source. All of them end the pipeline; what was handed out before stays good.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The input cannot be opened or read: make it readable and start again.
    #[error("cannot read `{input}`")]
    Read {
        /// The input, as the user wrote it.
        input: String,
        /// What the system says.
        source: io::Error,
    },
    /// The input is a folder, a pipe or a device, which has no place to resume at.
    #[error(
        "`{input}` is not a regular file, so no place in it can be found again: write it to a file first"
    )]
    NotAFile {
        /// The input, as the user wrote it.
        input: String,
    },
    /// What was read before is no longer what it was.
    #[error(
        "`{input}` no longer begins as it did when it was read to line {line}: \
         restore the file, or start with a new checkpoint store"
    )]
    Changed {
        /// The input, as the user wrote it.
        input: String,
        /// Lines that were read from it.
        line: u64,
    },
    /// The input ends before the place where reading has come to.
    #[error(
        "`{input}` was read to byte {offset} and is now only {length} bytes long: \
         restore the file, or start with a new checkpoint store"
    )]
    Shorter {
        /// The input, as the user wrote it.
        input: String,
        /// Where reading has come to.
        offset: u64,
        /// The present length.
        length: u64,
    },
    /// The last line had no newline, was taken as a line at the end, and now goes on.
    #[error(
        "line {line} of `{input}` was read at the file's end without its newline, and the file has grown since, \
         so the line may have been half of one: cut the file back to {offset} bytes, \
         or start with a new checkpoint store"
    )]
    LineWentOn {
        /// The input, as the user wrote it.
        input: String,
        /// The line that had no newline.
        line: u64,
        /// The length of the file when it was read.
        offset: u64,
    },
    /// The generator is set otherwise than when its position was saved.
    #[error(
        "the generator `{source_name}` was at line {line} with another {setting}: \
         set it back, or start with a new checkpoint store"
    )]
    GeneratorChanged {
        /// The source's node.
        source_name: String,
        /// Lines that it had made.
        line: u64,
        /// What differs.
        setting: &'static str,
    },
    /// The checkpoint's position is not one of this kind of source.
    #[error(
        "the checkpoint's position of `{source_name}` is of another kind of source: \
         start with a new checkpoint store"
    )]
    Position {
        /// The source's node.
        source_name: String,
        /// What could not be read.
        source: serde_json::Error,
    },
    /// The column of the event time is not among the columns, or no timestamp.
    #[error("the event time of `{source_name}` is `{column}`, which is no timestamp column of it")]
    EventTime {
        /// The source's node.
        source_name: String,
        /// The column.
        column: String,
    },
}

impl SourceError {
    /// Whether something outside could not be reached, rather than being wrong.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Read { .. })
    }
}
