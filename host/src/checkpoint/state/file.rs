//! A sealed segment: where its blocks lie, and the bytes of one.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh64::Xxh64;

use super::block::{self, BLOCK_HEADER, FILE_HEADER, Header, MAGIC};
use super::entries::StateEntries;
use super::{StateSegment, StoreError};

/// A block of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) header: Header,
    /// Where its bytes after the header begin.
    start: u64,
}

/// A segment's file, whose headers are checked.
pub(super) struct SegmentFile {
    file: File,
    path: PathBuf,
}

impl SegmentFile {
    /// Opens a segment, checks that its headers are those that were written, and answers its
    /// blocks. A block's own bytes are checked when it is read.
    pub(super) fn open(
        folder: &Path,
        segment: &StateSegment,
    ) -> Result<(Self, Vec<Place>), StoreError> {
        let path = folder.join(&segment.file);
        let file = open(&path)?;
        length(&file, &path, segment)?;
        let file = Self { file, path };
        let places = file.index(segment)?;
        Ok((file, places))
    }

    /// Checks that a segment is there and as long as it was.
    pub(super) fn check(folder: &Path, segment: &StateSegment) -> Result<(), StoreError> {
        let path = folder.join(&segment.file);
        length(&open(&path)?, &path, segment)
    }

    /// Reads the headers of all blocks, and nothing else.
    fn index(&self, segment: &StateSegment) -> Result<Vec<Place>, StoreError> {
        let mut checksum = Xxh64::new(0);
        let mut start = [0; FILE_HEADER];
        if segment.bytes < FILE_HEADER as u64 {
            return Err(self.damaged("it has no header"));
        }
        self.read(&mut start, 0)?;
        if start != MAGIC {
            return Err(self.damaged("it is no state segment of this version"));
        }
        checksum.update(&start);
        let (mut places, mut entries) = (Vec::new(), 0_u64);
        let mut at = FILE_HEADER as u64;
        while at < segment.bytes {
            let mut bytes = [0; BLOCK_HEADER];
            let left = (segment.bytes - at).checked_sub(BLOCK_HEADER as u64);
            let left = left.ok_or_else(|| self.damaged("its last block is cut off"))?;
            self.read(&mut bytes, at)?;
            checksum.update(&bytes);
            // No more memory than the file has bytes is ever asked for on a header's word.
            let header = Header::read(&bytes).filter(|header| header.payload_bytes() <= left);
            let header = header.ok_or_else(|| self.damaged("a block's header is none"))?;
            places.push(Place { header, start: at + BLOCK_HEADER as u64 });
            entries += u64::from(header.entries);
            at += BLOCK_HEADER as u64 + header.payload_bytes();
        }
        if format!("{:016x}", checksum.digest()) != segment.checksum {
            return Err(self.damaged("its checksum differs"));
        }
        if entries != segment.entries {
            return Err(self.damaged("it has another number of entries"));
        }
        Ok(places)
    }

    /// Reads a block. `scratch` is for its bytes.
    pub(super) fn block(
        &self,
        place: &Place,
        scratch: &mut Vec<u8>,
    ) -> Result<StateEntries, StoreError> {
        let bytes = usize::try_from(place.header.payload_bytes())
            .map_err(|_| self.damaged("a block is larger than memory can be"))?;
        scratch.clear();
        scratch.resize(bytes, 0);
        self.read(scratch, place.start)?;
        block::decode(&place.header, scratch)
            .ok_or_else(|| self.damaged("the checksum of a block differs"))
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), StoreError> {
        self.file.read_exact_at(bytes, at).map_err(StoreError::state("read", &self.path))
    }

    fn damaged(&self, problem: &str) -> StoreError {
        StoreError::StateDamaged { path: self.path.clone(), problem: problem.to_owned() }
    }
}

fn open(path: &Path) -> Result<File, StoreError> {
    File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            StoreError::StateDamaged { path: path.to_owned(), problem: "it is missing".to_owned() }
        }
        _ => StoreError::state("open", path)(error),
    })
}

fn length(file: &File, path: &Path, segment: &StateSegment) -> Result<(), StoreError> {
    let length = file.metadata().map_err(StoreError::state("read", path))?.len();
    if length == segment.bytes {
        return Ok(());
    }
    let problem = format!("it has {length} bytes where {} were written", segment.bytes);
    Err(StoreError::StateDamaged { path: path.to_owned(), problem })
}
