//! The half that makes prepared parts visible, by their names.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::{Output, ParquetHandle, Part, PartError, Role};
use crate::checkpoint::create_folder;
use crate::record::Epoch;
use crate::sink::{Committed, Committer, Handle, SinkError};

pub(super) struct ParquetCommitter {
    output: Output,
}

impl ParquetCommitter {
    pub(super) fn new(output: Output) -> Self {
        Self { output }
    }

    /// Whether a part is there under a name; it must then be as long as it was prepared.
    fn is_there(&self, path: &Path, part: &Part) -> Result<bool, SinkError> {
        let found = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(SinkError::io(&self.output.sink, "look at", path)(error)),
        };
        if found == part.bytes {
            return Ok(true);
        }
        let (sink, path) = (self.output.sink.clone(), path.to_owned());
        Err(PartError::Changed { sink, path, expected: part.bytes, found }.into())
    }

    fn show(&self, epoch: Epoch, part: &Part) -> Result<(), SinkError> {
        let (visible, prepared) = (self.output.visible(epoch), self.output.prepared(epoch));
        if !self.is_there(&visible, part)? {
            if !self.is_there(&prepared, part)? {
                let (sink, rows) = (self.output.sink.clone(), part.rows);
                return Err(PartError::Missing { sink, visible, prepared, rows }.into());
            }
            fs::rename(&prepared, &visible).map_err(SinkError::io(
                &self.output.sink,
                "rename",
                &prepared,
            ))?;
        }
        // Where it is visible already, too: a crash may have come between renaming and this.
        self.output.sync()
    }

    /// The folder may be gone as long as nothing was ever prepared in it.
    fn ensure_folder(&self, last: &ParquetHandle) -> Result<(), SinkError> {
        let (sink, path) = (self.output.sink.clone(), self.output.folder.clone());
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(PartError::NotAFolder { sink, path }.into()),
            Err(error) if error.kind() == ErrorKind::NotFound && last.epoch == 0 => {
                create_folder(&path).map_err(SinkError::io(&sink, "create", &path))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(SinkError::OutputMissing { sink, path })
            }
            Err(error) => Err(SinkError::io(&sink, "look at", &path)(error)),
        }
    }
}

impl Committer for ParquetCommitter {
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError> {
        let ParquetHandle { epoch, part } = ParquetHandle::read(handle, &self.output.sink)?;
        if let Some(part) = part {
            self.show(epoch, &part)?;
        }
        Ok(Committed::Done)
    }

    fn confirmed(&mut self, _: &Handle) -> Result<(), SinkError> {
        Ok(())
    }

    fn discard_beyond(&mut self, last: &Handle) -> Result<(), SinkError> {
        let last = ParquetHandle::read(last, &self.output.sink)?;
        self.ensure_folder(&last)?;
        let files = self.output.files()?;
        // Looked for before anything is removed: a part that readers may have seen is not undone.
        for (path, role) in &files {
            if let Role::Visible(found) = *role
                && found > last.epoch
            {
                let (sink, path) = (self.output.sink.clone(), path.clone());
                return Err(PartError::Beyond { sink, path, found, expected: last.epoch }.into());
            }
        }
        for (path, role) in &files {
            match role {
                Role::Unfinished => self.output.remove(path)?,
                Role::Prepared(epoch) if *epoch > last.epoch => self.output.remove(path)?,
                _ => {}
            }
        }
        self.output.sync()
    }
}
