//! A segment that is being written: under a name of its own until it is whole and durable.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh64::Xxh64;

use super::block::{self, BLOCK_HEADER, MAGIC};
use super::entries::{DELETE, Entry, StateEntries};
use super::{StateSegment, StoreError, UNSEALED};
use crate::checkpoint::{create_folder, sync_folder};

/// Writes sorted runs of entries; removes its file if it goes before that is sealed.
pub(super) struct SegmentWriter {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    /// Entries that wait for their block to be full.
    block: StateEntries,
    block_bytes: usize,
    begins_run: bool,
    scratch: Vec<u8>,
    checksum: Xxh64,
    bytes: u64,
    entries: u64,
    deletes: u64,
    sealed: bool,
}

impl SegmentWriter {
    /// Begins a segment in `folder`, which is made if need be. `stem` is nobody else's.
    pub(super) fn create(
        folder: &Path,
        stem: &str,
        block_bytes: usize,
    ) -> Result<Self, StoreError> {
        create_folder(folder).map_err(StoreError::state("create", folder))?;
        let path = folder.join(format!("{stem}{UNSEALED}"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(StoreError::state("create", &path))?;
        let mut writer = Self {
            folder: folder.to_owned(),
            path,
            file,
            block: StateEntries::default(),
            block_bytes,
            begins_run: true,
            scratch: Vec::new(),
            checksum: Xxh64::new(0),
            bytes: MAGIC.len() as u64,
            entries: 0,
            deletes: 0,
            sealed: false,
        };
        writer.checksum.update(&MAGIC);
        writer.file.write_all(&MAGIC).map_err(StoreError::state("write", &writer.path))?;
        Ok(writer)
    }

    /// Adds the next entry of the run.
    pub(super) fn push(&mut self, entry: &Entry<'_>) -> Result<(), StoreError> {
        if !self.block.is_empty() && self.block.bytes() + entry.bytes() > self.block_bytes {
            self.flush()?;
        }
        self.block.push(entry);
        self.entries += 1;
        self.deletes += u64::from(entry.action == DELETE);
        Ok(())
    }

    /// Ends the run: the next entry begins another.
    pub(super) fn end_run(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.begins_run = true;
        Ok(())
    }

    /// Makes the segment durable under its name; `None`, and no file, if it has no entry.
    pub(super) fn seal(mut self, file: String) -> Result<Option<StateSegment>, StoreError> {
        self.end_run()?;
        if self.entries == 0 {
            return Ok(None);
        }
        self.file.sync_all().map_err(StoreError::state("write", &self.path))?;
        let path = self.folder.join(&file);
        fs::rename(&self.path, &path).map_err(StoreError::state("rename", &self.path))?;
        self.sealed = true;
        sync_folder(&self.folder).map_err(StoreError::state("write", &self.folder))?;
        let checksum = format!("{:016x}", self.checksum.digest());
        let (bytes, entries, deletes) = (self.bytes, self.entries, self.deletes);
        Ok(Some(StateSegment { file, bytes, entries, deletes, checksum }))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.block.is_empty() {
            return Ok(());
        }
        block::encode(&self.block, self.begins_run, &mut self.scratch);
        self.block.clear();
        self.begins_run = false;
        self.checksum.update(&self.scratch[..BLOCK_HEADER]);
        self.bytes += self.scratch.len() as u64;
        self.file.write_all(&self.scratch).map_err(StoreError::state("write", &self.path))
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        if !self.sealed {
            // What cannot be removed now is swept at the next start.
            drop(fs::remove_file(&self.path));
        }
    }
}
