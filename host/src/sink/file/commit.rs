//! The half that makes prepared epochs final: notes the length, and cuts what lies beyond it when a
//! dead run left more.

use std::fs::OpenOptions;

use super::note::Note;
use super::{FileHandle, Output};
use crate::sink::{Committed, Committer, Handle, SinkError};

pub(super) struct FileCommitter {
    output: Output,
    /// The length that the note says, once this run has written it.
    noted: Option<u64>,
}

impl FileCommitter {
    pub(super) fn new(output: Output) -> Self {
        Self { output, noted: None }
    }

    /// The file's length, which must reach `committed`.
    fn length(&self, committed: u64) -> Result<u64, SinkError> {
        match self.output.length()? {
            None if committed > 0 => Err(self.output.missing()),
            None => Ok(0),
            Some(length) if length < committed => Err(self.output.too_short(committed, length)),
            Some(length) => Ok(length),
        }
    }
}

impl Committer for FileCommitter {
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError> {
        let FileHandle { length } = FileHandle::read(handle, &self.output.sink)?;
        self.length(length)?;
        if self.noted != Some(length) {
            Note::of(&self.output, length).write(&self.output)?;
            self.noted = Some(length);
        }
        Ok(Committed::Done)
    }

    fn confirmed(&mut self, _: &Handle) -> Result<(), SinkError> {
        Ok(())
    }

    fn discard_beyond(&mut self, last: &Handle) -> Result<(), SinkError> {
        let FileHandle { length } = FileHandle::read(last, &self.output.sink)?;
        if self.output.length()?.is_none() && length == 0 {
            // Somebody tidied an empty file away: nothing is lost.
            self.output.create()?;
        }
        if self.length(length)? == length {
            return Ok(());
        }
        let file = OpenOptions::new()
            .write(true)
            .open(&self.output.path)
            .map_err(self.output.failed("open"))?;
        file.set_len(length).map_err(self.output.failed("cut"))?;
        file.sync_all().map_err(self.output.failed("sync"))
    }
}
