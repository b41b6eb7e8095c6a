//! A file of JSON lines or CSV: a truncating sink.
//!
//! Rows are written through as they come; preparing makes them durable, and the handle is the
//! file's length then. Rows beyond the last handle's length are provisional: a restart cuts them
//! off. Committing only notes the length in a file beside it, named as the file with `.millrace`
//! added, for readers who want to know how far the rows are final, and for the store's name: a file
//! that another store has taken over is not cut, and neither is one without a note, since the note
//! is durable before the first handle is.
//!
//! The line of names that a CSV file begins with is written through with the first rows, and is as
//! provisional as they are.
//!
//! *Invariants*: a committed byte is never changed; every length that a handle names is the end of
//! a line; a file that others cut or wrote to stops the pipeline; no file is cut that is not known
//! to be this sink's; rows never follow a header that names other columns.
//! *Not here*: how a row looks as JSON or CSV (`record`).

mod commit;
#[cfg(test)]
mod csv_tests;
mod format;
mod note;
#[cfg(test)]
mod tests;
mod write;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Handle, IfExists, OpenSink, SinkContext, SinkError};
use crate::checkpoint::{create_folder, sync_folder};
pub use format::{CsvConfig, FileFormat};
use note::Note;

/// The settings of a file sink.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// The file; made where there is none, with its folder.
    pub path: PathBuf,
    /// What to do about a file that is not empty when the store is new.
    pub if_exists: IfExists,
    /// How rows are written.
    pub format: FileFormat,
}

/// What the checkpoint keeps of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileHandle {
    /// Bytes up to the end of the epoch's last row.
    length: u64,
}

impl FileHandle {
    fn read(handle: &Handle, sink: &str) -> Result<Self, SinkError> {
        serde_json::from_value(handle.0.clone())
            .map_err(|source| SinkError::Handle { sink: sink.to_owned(), source })
    }

    fn write(&self) -> Handle {
        Handle(serde_json::to_value(self).expect("a number is JSON"))
    }
}

/// The file that a sink fills, and whose it is.
#[derive(Clone, Debug)]
struct Output {
    sink: String,
    pipeline: String,
    incarnation: String,
    path: PathBuf,
}

impl Output {
    fn new(config: &FileConfig, context: &SinkContext) -> Self {
        Self {
            sink: context.sink.clone(),
            pipeline: context.pipeline.clone(),
            incarnation: context.incarnation.clone(),
            path: config.path.clone(),
        }
    }

    /// Says what was tried when the operating system refused.
    fn failed(&self, action: &'static str) -> impl FnOnce(io::Error) -> SinkError {
        SinkError::io(&self.sink, action, &self.path)
    }

    fn missing(&self) -> SinkError {
        SinkError::OutputMissing { sink: self.sink.clone(), path: self.path.clone() }
    }

    fn too_short(&self, expected: u64, found: u64) -> SinkError {
        SinkError::FileTooShort {
            sink: self.sink.clone(),
            path: self.path.clone(),
            expected,
            found,
        }
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Makes the file where there is none, durably.
    fn create(&self) -> Result<File, SinkError> {
        create_folder(self.folder()).map_err(SinkError::io(&self.sink, "create", self.folder()))?;
        // Looked at before it is opened: opening a pipe would wait for its reader.
        if fs::metadata(&self.path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(SinkError::NotAFile { sink: self.sink.clone(), path: self.path.clone() });
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&self.path)
            .map_err(self.failed("create"))?;
        sync_folder(self.folder()).map_err(SinkError::io(&self.sink, "sync", self.folder()))?;
        Ok(file)
    }

    /// The file's length now; `None` if there is no file.
    fn length(&self) -> Result<Option<u64>, SinkError> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("look at")(error)),
        }
    }
}

/// Readies the file for a new store: see [`super::SinkConfig::initialise`].
pub(super) fn initialise(config: &FileConfig, context: &SinkContext) -> Result<Handle, SinkError> {
    let output = Output::new(config, context);
    let mut file = output.create()?;
    let mut length = file.metadata().map_err(output.failed("look at"))?.len();
    let note = Note::read(&output)?;
    if let Some(note) = note.as_ref().filter(|note| note.is_of(&output) && note.length < length) {
        // A dead run of this store came this far: it noted the length that it found or left, and
        // wrote rows behind it that no checkpoint knows. Only those are cut, whatever `if_exists`
        // says about the rest.
        file.set_len(note.length).map_err(output.failed("cut"))?;
        length = note.length;
    }
    if length > 0 {
        match config.if_exists {
            IfExists::Error => {
                return Err(SinkError::OutputNotEmpty {
                    sink: output.sink.clone(),
                    output: format!("`{}`", output.path.display()),
                });
            }
            IfExists::Append => {
                check_appendable(&output, &mut file, length, note.as_ref())?;
                config.format.check_header(&output, &context.schema)?;
            }
            IfExists::Replace => {
                file.set_len(0).map_err(output.failed("empty"))?;
                length = 0;
            }
        }
    }
    file.sync_all().map_err(output.failed("sync"))?;
    Note::of(&output, length).write(&output)?;
    Ok(FileHandle { length }.write())
}

/// Checks that rows may follow the `length` bytes that a new store finds: they must all be final,
/// as far as the note of the store before tells, and end with a line.
fn check_appendable(
    output: &Output,
    file: &mut File,
    length: u64,
    note: Option<&Note>,
) -> Result<(), SinkError> {
    if let Some(note) = note.filter(|note| note.length < length) {
        return Err(SinkError::UncommittedRows {
            sink: output.sink.clone(),
            path: output.path.clone(),
            note: note::path(output),
            length: note.length,
            found: length,
        });
    }
    if ends_a_line(file, length).map_err(output.failed("read"))? {
        return Ok(());
    }
    Err(SinkError::UnfinishedLine { sink: output.sink.clone(), path: output.path.clone() })
}

/// Whether the first `length` bytes, of which there is one at least, end with a line.
fn ends_a_line(file: &mut File, length: u64) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Opens both halves: see [`super::SinkConfig::open`].
pub(super) fn open(
    config: &FileConfig,
    context: &SinkContext,
    last: &Handle,
) -> Result<OpenSink, SinkError> {
    let output = Output::new(config, context);
    let last = FileHandle::read(last, &output.sink)?;
    check_ours(&output, &last)?;
    // A file that is too short for its handle has a worse fault, which the committer names.
    if last.length > 0 && output.length()?.is_some_and(|length| length >= last.length) {
        config.format.check_header(&output, &context.schema)?;
    }
    let header = config.format.header(&context.schema);
    let sink = write::FileSink::new(output.clone(), last.length, config.format.clone(), header);
    let committer = commit::FileCommitter::new(output);
    Ok(OpenSink { sink: Box::new(sink), committer: Box::new(committer) })
}

/// Checks that the file is the one that the store of `last` fills, by its note: recovery cuts it.
fn check_ours(output: &Output, last: &FileHandle) -> Result<(), SinkError> {
    let (sink, path, note) = (output.sink.clone(), output.path.clone(), note::path(output));
    match Note::read(output)? {
        Some(found) if found.is_of(output) => Ok(()),
        Some(_) => Err(SinkError::OtherStore { sink, path, note }),
        // The note is durable before epoch 0 is, so that it was not a crash that left none.
        None => match output.length()? {
            None if last.length > 0 => Err(output.missing()),
            // Somebody tidied an empty file away, or only its note: nothing can be lost.
            None | Some(0) if last.length == 0 => Ok(()),
            _ => Err(SinkError::NoteMissing { sink, path, note }),
        },
    }
}
