//! The half that makes prepared epochs final: notes the length, and cuts what lies beyond it when a
//! dead run left more.

use std::fs::OpenOptions;

use super::note::{self, Note};
use super::{FileHandle, Output, ends_a_line};
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

    /// Notes that the file is final up to `length`.
    fn note(&mut self, length: u64) -> Result<(), SinkError> {
        if self.noted != Some(length) {
            Note::of(&self.output, length).write(&self.output)?;
            self.noted = Some(length);
        }
        Ok(())
    }

    /// Cuts the file to `length`, if a line ends there: every handle's length is the end of one, so
    /// that a file without is some other that has its name.
    fn cut(&self, length: u64) -> Result<(), SinkError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.output.path)
            .map_err(self.output.failed("open"))?;
        if length > 0 && !ends_a_line(&mut file, length).map_err(self.output.failed("read"))? {
            return Err(SinkError::OtherFile {
                sink: self.output.sink.clone(),
                path: self.output.path.clone(),
                note: note::path(&self.output),
                length,
            });
        }
        file.set_len(length).map_err(self.output.failed("cut"))?;
        file.sync_all().map_err(self.output.failed("sync"))
    }
}

impl Committer for FileCommitter {
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError> {
        let FileHandle { length } = FileHandle::read(handle, &self.output.sink)?;
        self.length(length)?;
        self.note(length)?;
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
        if self.length(length)? != length {
            self.cut(length)?;
        }
        // An epoch that was given up may have been noted, and an empty file's note tidied away.
        self.note(length)
    }
}
