//! Why a source cannot start or go on.

use std::io;

use crate::format::HeaderError;

/// How to load an input from its start.
const ANEW: &str = "remove the checkpoint store (checkpoint.store), set if_exists = \"replace\" on \
                    the sinks that its rows have reached, and start again";

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
    /// A pattern matches no file: put one there, or change the pattern, and start again.
    #[error("no file matches `{pattern}` in the folder `{folder}`")]
    NoMatch {
        /// The pattern, as the user wrote it.
        pattern: String,
        /// The folder that its matches would be in.
        folder: String,
    },
    /// There are more files than a checkpoint may name.
    #[error(
        "`{pattern}` brings the files of this source to more than {most}: read them by several \
         sources, with a narrower pattern each"
    )]
    TooManyFiles {
        /// The pattern, as the user wrote it.
        pattern: String,
        /// The most that there may be.
        most: usize,
    },
    /// A file came that should have been read before one that was.
    #[error(
        "`{input}` is new and stands before `{before}` in the order of the files, which has been \
         read, so its rows would come too late: rename it so that it comes behind, or read it by a \
         source of its own; or, to load all files in their order, {anew}",
        anew = ANEW
    )]
    NewBefore {
        /// The new file.
        input: String,
        /// One that was read, and stands behind it.
        before: String,
    },
    /// The file in which reading would go on is gone.
    #[error(
        "`{input}` was read to line {line} and is no longer there: put it back; or, to load the files \
         that are there, {anew}",
        anew = ANEW
    )]
    Gone {
        /// The file.
        input: String,
        /// Lines that were read from it.
        line: u64,
    },
    /// The file in which reading would go on is not among those that the source reads now.
    #[error(
        "`{input}` was read to line {line}, and `path` does not name it any more: set it back, behind what \
         was read there may be more; or, to load the files that it names now, {anew}",
        anew = ANEW
    )]
    NotNamed {
        /// The file.
        input: String,
        /// Lines that were read from it.
        line: u64,
    },
    /// A file has grown after a later one was begun.
    #[error(
        "`{input}` has grown since its {lines} lines were read and reading went on to the next file: \
         cut it back to them and put what is new into a file that comes behind; or, to load all files \
         as they are now, {anew}",
        anew = ANEW
    )]
    Grown {
        /// The file.
        input: String,
        /// Lines that were read from it.
        lines: u64,
    },
    /// A file is not compressed, though its name or the configuration says so.
    #[error(
        "`{input}` should be compressed with {method} and does not begin as such a file does: name it \
         otherwise, or set `compression` to how it is written"
    )]
    NotCompressed {
        /// The file.
        input: String,
        /// How it should be compressed.
        method: &'static str,
    },
    /// A file is compressed, though neither its name nor the configuration says so.
    #[error(
        "`{input}` begins as a file does that is compressed with {method}: name it so, or set \
         compression = \"{method}\""
    )]
    Compressed {
        /// The file.
        input: String,
        /// How it is compressed.
        method: &'static str,
    },
    /// A compressed file is cut off, or damaged.
    #[error(
        "`{input}` cannot be unpacked behind byte {offset} of what is in it ({method}): it is cut off \
         or damaged; restore it and start again, and reading goes on from the last checkpoint"
    )]
    Corrupt {
        /// The file.
        input: String,
        /// How it is compressed.
        method: &'static str,
        /// How many bytes of its content could be read.
        offset: u64,
        /// What the decoder says.
        source: io::Error,
    },
    /// A file's header does not have the declared columns.
    #[error("`{input}`: {reason}")]
    Header {
        /// The file.
        input: String,
        /// What is wrong with it.
        reason: HeaderError,
    },
    /// A file has no line end where a header should end.
    #[error("`{input}` has no header: its first record does not end within {most} bytes")]
    HeaderTooLong {
        /// The file.
        input: String,
        /// Within how many bytes a header must end.
        most: usize,
    },
    /// What was read before is no longer what it was.
    #[error(
        "`{input}` is no longer the file that was read to line {line}: restore it; or, to load it as it \
         is now, {anew}",
        anew = ANEW
    )]
    Changed {
        /// The input, as the user wrote it.
        input: String,
        /// Lines that were read from it.
        line: u64,
    },
    /// The input ends before the place where reading has come to.
    #[error(
        "`{input}` was read to byte {offset} and is now only {length} bytes long: restore it; or, to \
         load it as it is now, {anew}",
        anew = ANEW
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
        "line {line} of `{input}` was read at the file's end before its line end was there, and the file \
         has grown since: {why}. To load the whole file, see to it that its last line is ended, {anew}",
        why = went_on(*whole),
        anew = ANEW
    )]
    LineWentOn {
        /// The input, as the user wrote it.
        input: String,
        /// The line that had no newline.
        line: u64,
        /// Whether its newline is what came next, so that it was a whole line.
        whole: bool,
    },
    /// The generator is set otherwise than when its position was saved.
    #[error(
        "the generator `{source_name}` was at line {line} with another {setting}: set it back; or, to \
         start from its first row, {anew}",
        anew = ANEW
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
        "the checkpoint's position of `{source_name}` is of another kind of source: set its `type` back; \
         or, to read the new one from its start, {anew}",
        anew = ANEW
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

/// What growing says about the line that had no end.
const fn went_on(whole: bool) -> &'static str {
    if whole {
        "the line was whole and nothing is lost, but no row begins where reading stopped"
    } else {
        "the line may have been half of one, and its row wrong"
    }
}

impl SourceError {
    /// Whether something outside could not be reached, rather than being wrong.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::NoMatch { .. })
    }
}

#[cfg(test)]
mod tests {
    /// A text that is broken over lines without a backslash has the next line's indent in it.
    #[test]
    fn no_message_has_a_run_of_blanks() {
        let run = " ".repeat(2);
        let is_run = |line: &&str| line.trim_start().contains(&run);
        assert_eq!(include_str!("error.rs").lines().find(is_run), None);
    }
}
