//! Why a sink cannot go on.

use std::io;
use std::path::{Path, PathBuf};

use super::parquet::PartError;
use super::stream_load::StreamLoadError;
use crate::record::Epoch;

/// Why a sink cannot go on: one variant for each thing that a caller can do something about. What
/// is prepared stays prepared, whatever the error.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A file or folder cannot be used.
    #[error("sink `{sink}` cannot {action} `{}`", .path.display())]
    Io {
        /// The sink's name.
        sink: String,
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output has rows already, and the store is new.
    #[error(
        "sink `{sink}`: {output} holds rows that this checkpoint store knows nothing of; say \
         if_exists = \"append\" to add to them or if_exists = \"replace\" to remove them, or name \
         another output"
    )]
    OutputNotEmpty {
        /// The sink's name.
        sink: String,
        /// The output, in words.
        output: String,
    },
    /// The output is gone, though a checkpoint counts on it.
    #[error(
        "sink `{sink}`: `{}` is gone, but the checkpoint says that it holds committed rows; put it \
         back, or start over with a new checkpoint store", .path.display()
    )]
    OutputMissing {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
    },
    /// Another file has taken the output's place while the pipeline ran.
    #[error(
        "sink `{sink}`: `{}` was moved, removed or replaced by another file while the pipeline \
         ran; put the file back and start again", .path.display()
    )]
    OutputReplaced {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
    },
    /// The output is a folder, a pipe or a device.
    #[error("sink `{sink}`: `{}` is not a regular file; name a file", .path.display())]
    NotAFile {
        /// The sink's name.
        sink: String,
        /// The path.
        path: PathBuf,
    },
    /// Upsert mode without a key.
    #[error(
        "sink `{sink}`: mode = \"upsert\" needs a key; name its columns with `key`, or say mode = \
         \"append\""
    )]
    NoKey {
        /// The sink's name.
        sink: String,
    },
    /// The key names a column that the input does not have.
    #[error("sink `{sink}`: the key's column `{column}` is not among the input's columns")]
    UnknownKey {
        /// The sink's name.
        sink: String,
        /// The column.
        column: String,
    },
    /// A column or table has a name that the sink keeps for itself.
    #[error("sink `{sink}`: `{name}` is a name that the sink needs for itself; use another")]
    ReservedName {
        /// The sink's name.
        sink: String,
        /// The name.
        name: String,
    },
    /// The table was there at the last checkpoint and is not any more.
    #[error(
        "sink `{sink}`: table `{table}` of `{}` is gone, but the checkpoint counts on it; put it \
         back, or start over with a new checkpoint store", .path.display()
    )]
    TableMissing {
        /// The sink's name.
        sink: String,
        /// The database.
        path: PathBuf,
        /// The table.
        table: String,
    },
    /// The table's columns are not those of the input.
    #[error(
        "sink `{sink}`: table `{table}` of `{}` does not fit the input: {differences}; change the \
         table, or name another and start with a new checkpoint store", .path.display()
    )]
    TableMismatch {
        /// The sink's name.
        sink: String,
        /// The database.
        path: PathBuf,
        /// The table.
        table: String,
        /// What differs, in words.
        differences: String,
    },
    /// The sink has filled another table of the database under this store.
    #[error(
        "sink `{sink}`: this checkpoint store fills table `{stored}` of `{}`, but the sink now \
         names table `{table}`; name `{stored}` again, or start over with a new checkpoint store",
        .path.display()
    )]
    OtherTable {
        /// The sink's name.
        sink: String,
        /// The database.
        path: PathBuf,
        /// The table that the sink is configured for.
        table: String,
        /// The table that the database knows the sink by.
        stored: String,
    },
    /// Another program holds the database's lock.
    #[error(
        "sink `{sink}`: `{}` is locked by another program; let it finish or close it, then try \
         again: the prepared rows are kept", .path.display()
    )]
    Locked {
        /// The sink's name.
        sink: String,
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: Box<rusqlite::Error>,
    },
    /// SQLite refuses.
    #[error("sink `{sink}` cannot {action} `{}`", .path.display())]
    Database {
        /// The sink's name.
        sink: String,
        /// What was tried, as a verb.
        action: &'static str,
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: Box<rusqlite::Error>,
    },
    /// The database stands at an epoch that the checkpoint does not expect.
    #[error(
        "sink `{sink}`: `{}` stands at {}, but the checkpoint expects {}; an older or newer copy \
         of the database or of the checkpoint store was probably put in its place: put back the \
         copies that belong together, or start over with a new checkpoint store",
        .path.display(), found_words(*.found), expected_words(*.before, *.after)
    )]
    UnexpectedNumber {
        /// The sink's name.
        sink: String,
        /// The database.
        path: PathBuf,
        /// The epoch before the handle's rows.
        before: Epoch,
        /// The epoch after them.
        after: Epoch,
        /// The epoch at which the database stands; `None`: it does not know the store.
        found: Option<Epoch>,
    },
    /// The database stands before an epoch whose rows were committed and then dropped.
    #[error(
        "sink `{sink}`: `{}` stands at epoch {before}, but the rows of epoch {after} were \
         committed and are no longer kept; an older copy of the database was probably put in its \
         place: put the newer one back, or start over with a new checkpoint store", .path.display()
    )]
    RowsGone {
        /// The sink's name.
        sink: String,
        /// The database.
        path: PathBuf,
        /// The epoch at which the database stands.
        before: Epoch,
        /// The epoch whose rows it lacks.
        after: Epoch,
    },
    /// A batch does not have the columns of the sink's input.
    #[error("sink `{sink}` was given a batch that does not fit its input's schema")]
    BatchMismatch {
        /// The sink's name.
        sink: String,
        /// How it differs.
        source: Box<arrow_schema::ArrowError>,
    },
    /// Prepared rows cannot be written or read.
    #[error("sink `{sink}` cannot {action} the prepared rows in `{}`", .path.display())]
    Segment {
        /// The sink's name.
        sink: String,
        /// What was tried, as a verb.
        action: &'static str,
        /// The segment's file.
        path: PathBuf,
        /// Why.
        source: Box<arrow_schema::ArrowError>,
    },
    /// Prepared rows are not as they were written.
    #[error(
        "sink `{sink}`: the prepared rows in `{}` are damaged: {problem}; put the file back from a \
         copy, or start over with a new checkpoint store and an empty output", .path.display()
    )]
    SegmentDamaged {
        /// The sink's name.
        sink: String,
        /// The segment's file.
        path: PathBuf,
        /// What is wrong, in words.
        problem: String,
    },
    /// The file has lost bytes that a checkpoint counts on.
    #[error(
        "sink `{sink}`: `{}` has {found} bytes, but the checkpoint says that {expected} are \
         committed; another program cut it or an older copy was put in its place: put the longer \
         one back, or start over with a new checkpoint store", .path.display()
    )]
    FileTooShort {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
        /// Bytes that are committed.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// Another program has written to the file or cut it.
    #[error(
        "sink `{sink}`: `{}` has {found} bytes where the sink wrote up to byte {expected}, so \
         another program changed it; keep others out of this file, and move what they wrote \
         elsewhere before you start again: a restart cuts the file to the last checkpoint",
        .path.display()
    )]
    FileChanged {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// A file to append to ends within a line.
    #[error(
        "sink `{sink}`: the last line of `{}` has no line break, so that the next row would run \
         into it; complete or remove that line, or name another file", .path.display()
    )]
    UnfinishedLine {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
    },
    /// A CSV file begins with the names of other columns.
    #[error(
        "sink `{sink}`: `{}` begins with the line `{found}`, but the header of this sink's rows is \
         `{expected}`, so that they would stand in the wrong columns; give the sink the file's \
         columns in the file's order, or name another file and start over with a new checkpoint \
         store", .path.display()
    )]
    OtherHeader {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
        /// Its first line.
        found: String,
        /// The line that the sink would write.
        expected: String,
    },
    /// A newer store has taken the file over.
    #[error(
        "sink `{sink}`: `{}` now belongs to another checkpoint store, as `{}` says, and going on \
         would cut its rows; use that store, or name another file and start over with a new one",
        .path.display(), .note.display()
    )]
    OtherStore {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
        /// The note beside it.
        note: PathBuf,
    },
    /// The note beside a file is gone, though a checkpoint counts on both.
    #[error(
        "sink `{sink}`: `{}` has no note `{}` beside it, so nothing says that it is the file that \
         the checkpoint counts on, and it is left as it is; put the file and its note back \
         together, or start over with a new checkpoint store and say with if_exists what to do \
         about the file", .path.display(), .note.display()
    )]
    NoteMissing {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
        /// The note that should be beside it.
        note: PathBuf,
    },
    /// The file's committed bytes do not end where a line does, so another has its name.
    #[error(
        "sink `{sink}`: `{}` has no end of a line at byte {length}, where the checkpoint says that \
         its last committed row ends, so it is not the file that was filled, and it is left as it \
         is; put that file and its note `{}` back, or start over with a new checkpoint store and \
         say with if_exists what to do about this one", .path.display(), .note.display()
    )]
    OtherFile {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
        /// The note beside it.
        note: PathBuf,
        /// Bytes that are committed.
        length: u64,
    },
    /// A file to append to has rows at its end that the store before this one never committed.
    #[error(
        "sink `{sink}`: `{}` has {found} bytes, but the checkpoint store that filled it committed \
         only {length}, as `{}` says; the rows behind them may come again: cut the file to \
         {length} bytes to append to the committed ones, or say if_exists = \"replace\" to remove \
         them all", .path.display(), .note.display()
    )]
    UncommittedRows {
        /// The sink's name.
        sink: String,
        /// The file.
        path: PathBuf,
        /// The other store's note beside it.
        note: PathBuf,
        /// Bytes that are committed.
        length: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The note beside a file is not what the sink wrote.
    #[error(
        "sink `{sink}` cannot make sense of `{}`; put it back from a copy, or, if no other \
         pipeline writes the file beside it, remove it and start over with a new checkpoint store \
         and if_exists", .path.display()
    )]
    NoteDamaged {
        /// The sink's name.
        sink: String,
        /// The note.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The checkpoint's handle is not one of this sink's.
    #[error(
        "sink `{sink}` cannot read its handle in the checkpoint; was the sink's type changed? \
         start over with a new checkpoint store"
    )]
    Handle {
        /// The sink's name.
        sink: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A folder of Parquet files cannot be filled.
    #[error(transparent)]
    Part(Box<PartError>),
    /// Tables of StarRocks or Doris cannot be filled.
    #[error("sink `{sink}` cannot go on")]
    StreamLoad {
        /// The sink's name.
        sink: String,
        /// Why.
        source: Box<StreamLoadError>,
    },
    /// An epoch shall be repeated at a sink whose handles never expire.
    #[error(
        "this kind of sink cannot repeat an epoch of which a part is visible; start over with a new \
         checkpoint store and an emptied output"
    )]
    CannotRepeat,
    /// Whoever read standard output has gone.
    #[error("the reader of standard output has gone away, so the rows have nowhere to go")]
    BrokenPipe,
    /// Standard output cannot be written.
    #[error("cannot write to standard output")]
    Stdout {
        /// Why.
        source: io::Error,
    },
}

impl SinkError {
    /// Whether the same call may succeed later without anybody changing anything: then trying again
    /// is worth it, and loses and doubles nothing.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Locked { .. } => true,
            Self::StreamLoad { source, .. } => source.is_transient(),
            _ => false,
        }
    }

    /// Says what was tried with which file when the operating system refused.
    pub(super) fn io(
        sink: &str,
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { sink: sink.to_owned(), action, path: path.to_owned(), source }
    }
}

fn found_words(found: Option<Epoch>) -> String {
    match found {
        Some(number) => format!("epoch {number}"),
        None => "no epoch of this checkpoint store".to_owned(),
    }
}

fn expected_words(before: Epoch, after: Epoch) -> String {
    if before == after { format!("epoch {after}") } else { format!("epoch {before} or {after}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unexpected_number_says_what_was_found_and_what_was_expected() {
        let error = |before, after, found| {
            SinkError::UnexpectedNumber {
                sink: "wagers".to_owned(),
                path: "out/wagers.db".into(),
                before,
                after,
                found,
            }
            .to_string()
        };
        let text = error(4, 5, Some(3));
        assert!(text.contains("`out/wagers.db` stands at epoch 3"), "{text}");
        assert!(text.contains("expects epoch 4 or 5"), "{text}");
        assert!(error(5, 5, None).contains("stands at no epoch of this checkpoint store"));
        assert!(error(5, 5, None).contains("expects epoch 5;"));
    }

    #[test]
    fn errors_are_small_enough_to_return() {
        assert!(size_of::<SinkError>() < 128);
    }
}
