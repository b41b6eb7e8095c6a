//! A file of JSON lines: a truncating sink.
//!
//! Rows are written through as they come; preparing makes them durable, and the handle is the
//! file's length then. Rows beyond the last handle's length are provisional: a restart cuts them
//! off. Committing only notes the length in a file beside it, named as the file with `.millrace`
//! added, for readers who want to know how far the rows are final, and for the store's name: a file
//! that another store has taken over is not cut.
//!
//! *Invariants*: a committed byte is never changed; every length that a handle names is the end of
//! a line; a file that others cut or wrote to stops the pipeline.
//! *Not here*: how a row looks as JSON (`record`).

mod commit;
mod note;
#[cfg(test)]
mod tests;
mod write;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::segment::sync_folder;
use super::{Handle, IfExists, OpenSink, SinkContext, SinkError};
use note::Note;

/// The settings of a file sink.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// The file; made where there is none, with its folder.
    pub path: PathBuf,
    /// What to do about a file that is not empty when the store is new.
    pub if_exists: IfExists,
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
        fs::create_dir_all(self.folder()).map_err(SinkError::io(
            &self.sink,
            "create",
            self.folder(),
        ))?;
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
    if let Some(note) = Note::read(&output)?.filter(|note| note.is_of(&output))
        && note.length < length
    {
        // A dead run of this store came this far and wrote rows that no checkpoint knows.
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
            IfExists::Append if !ends_a_line(&mut file).map_err(output.failed("read"))? => {
                return Err(SinkError::UnfinishedLine {
                    sink: output.sink.clone(),
                    path: output.path.clone(),
                });
            }
            IfExists::Append => {}
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

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
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
    if Note::read(&output)?.is_some_and(|note| !note.is_of(&output)) {
        return Err(SinkError::OtherStore {
            sink: output.sink.clone(),
            path: output.path.clone(),
            note: note::path(&output),
        });
    }
    let sink = write::FileSink::new(output.clone(), last.length);
    let committer = commit::FileCommitter::new(output);
    Ok(OpenSink { sink: Box::new(sink), committer: Box::new(committer) })
}
