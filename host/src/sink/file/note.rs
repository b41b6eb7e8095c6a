//! The note beside the file: whose it is, and how far its rows are committed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Output;
use crate::checkpoint::sync_folder;
use crate::sink::SinkError;

/// What stands in the note, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub pipeline: String,
    pub sink: String,
    /// The checkpoint store that fills the file.
    pub incarnation: String,
    /// Bytes that are committed; what follows is provisional.
    pub length: u64,
}

/// Where the note is.
pub(super) fn path(output: &Output) -> PathBuf {
    with_suffix(&output.path, ".millrace")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

impl Note {
    pub(super) fn of(output: &Output, length: u64) -> Self {
        Self {
            pipeline: output.pipeline.clone(),
            sink: output.sink.clone(),
            incarnation: output.incarnation.clone(),
            length,
        }
    }

    /// Whether the note is from the same sink of the same store.
    pub(super) fn is_of(&self, output: &Output) -> bool {
        (&self.incarnation, &self.pipeline, &self.sink)
            == (&output.incarnation, &output.pipeline, &output.sink)
    }

    /// The note as it is; `None` where there is none.
    pub(super) fn read(output: &Output) -> Result<Option<Self>, SinkError> {
        let path = path(output);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(SinkError::io(&output.sink, "read", &path)(error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|source| SinkError::NoteDamaged {
            sink: output.sink.clone(),
            path,
            source,
        })
    }

    /// Puts the note in the place of the earlier one, whole or not at all, and durably.
    pub(super) fn write(&self, output: &Output) -> Result<(), SinkError> {
        let path = path(output);
        self.put(&path).and_then(|()| sync_folder(output.folder())).map_err(SinkError::io(
            &output.sink,
            "write",
            &path,
        ))
    }

    fn put(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let unfinished = with_suffix(path, ".tmp");
        let mut file = File::create(&unfinished)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    }
}
