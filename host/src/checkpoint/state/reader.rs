//! A log read back, for the key groups that somebody is to have.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::vec;

use super::entries::StateEntries;
use super::file::{Place, SegmentFile};
use super::{StateSegment, StoreError};

/// About how large the answers are, in bytes; an entry that is larger comes by itself.
const CHUNK_BYTES: u64 = 1 << 20;

/// The entries of a log that are of some key groups, in the order in which they are to be applied.
/// Blocks of other groups are not read. Nothing comes after an error.
pub struct StateReader {
    folder: PathBuf,
    segments: vec::IntoIter<StateSegment>,
    groups: Range<u16>,
    /// The segment that is being read, and its blocks that are still to come.
    current: Option<(SegmentFile, vec::IntoIter<Place>)>,
    /// A block of it that had no room in the last chunk.
    waiting: Option<Place>,
    scratch: Vec<u8>,
}

impl StateReader {
    /// Opens the log of these segments, oldest first, for the key groups `groups`.
    ///
    /// # Errors
    /// [`StoreError::StateDamaged`] if a segment is missing or not as long as it was; their bytes
    /// are checked as they are read. [`StoreError::StateIo`] if one cannot be opened.
    pub fn open(
        folder: &Path,
        segments: &[StateSegment],
        groups: Range<u16>,
    ) -> Result<Self, StoreError> {
        for segment in segments {
            SegmentFile::check(folder, segment)?;
        }
        let segments = Vec::from(segments).into_iter();
        let folder = folder.to_owned();
        let scratch = Vec::new();
        Ok(Self { folder, segments, groups, current: None, waiting: None, scratch })
    }

    /// The next block with entries of the groups.
    fn place(&mut self) -> Result<Option<Place>, StoreError> {
        if let Some(place) = self.waiting.take() {
            return Ok(Some(place));
        }
        loop {
            if let Some((_, places)) = &mut self.current
                && let Some(place) = places.find(|place| place.header.overlaps(&self.groups))
            {
                return Ok(Some(place));
            }
            let Some(segment) = self.segments.next() else {
                self.current = None;
                return Ok(None);
            };
            let (file, places) = SegmentFile::open(&self.folder, &segment)?;
            self.current = Some((file, places.into_iter()));
        }
    }

    fn chunk(&mut self) -> Result<StateEntries, StoreError> {
        let mut chunk = StateEntries::default();
        while let Some(place) = self.place()? {
            let bytes = chunk.bytes() as u64 + place.header.payload_bytes();
            if !chunk.is_empty() && bytes > CHUNK_BYTES {
                self.waiting = Some(place);
                break;
            }
            let Some((file, _)) = &self.current else { break };
            let block = file.block(&place, &mut self.scratch)?;
            let start = block.groups.partition_point(|group| *group < self.groups.start);
            let end = block.groups.partition_point(|group| *group < self.groups.end);
            if chunk.is_empty() && start == 0 && end == block.len() {
                chunk = block;
            } else if start < end {
                chunk.extend(&block, start..end);
            }
        }
        Ok(chunk)
    }
}

impl Iterator for StateReader {
    type Item = Result<StateEntries, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.chunk();
        if chunk.is_err() {
            self.segments = Vec::new().into_iter();
            self.current = None;
            self.waiting = None;
        }
        chunk.map(|chunk| (!chunk.is_empty()).then_some(chunk)).transpose()
    }
}
