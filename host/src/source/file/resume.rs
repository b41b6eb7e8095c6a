//! What a restart finds: the files that were read, the one in which reading goes on, and new ones.
//!
//! *Invariants*: no file is passed over in silence. What was read must still be what it was, but it
//! may be gone; only the last file may have grown; a new file must stand behind those that were read.
//! *Not here*: reading (`reader`).

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::compression::Compression;
use super::list::{Listed, PathPattern, Place, place_of};
use super::position::{Beginning, FilePosition, FilesPosition, Finished};
use super::reader::{FileReader, beginning_of};
use crate::source::SourceError;
use crate::source::lines::{Filled, LineDecoder};

/// What is to be done with the files that are there.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Those that were read, each with its index among the finished.
    pub(super) finished: Vec<(Listed, usize)>,
    /// The one that was being read; `None`: it is gone, or there was none.
    pub(super) open: Option<Listed>,
    /// Those that are new, in order.
    pub(super) new: VecDeque<Listed>,
}

/// Tells the files apart by what was read of them.
pub(super) fn tell_apart(
    files: Vec<Listed>,
    position: &FilesPosition,
    patterns: &[PathPattern],
) -> Result<Found, SourceError> {
    let indices: HashMap<&str, usize> = position
        .finished
        .iter()
        .enumerate()
        .map(|(index, finished)| (finished.file.as_str(), index))
        .collect();
    let mut open = expected(&files, position, patterns)?;
    let mut found = Found::default();
    let mut last: Option<(Place, String)> = position
        .names()
        .filter_map(|name| Some((place_of(name, patterns)?, name.to_owned())))
        .max();
    for file in files {
        if let Some(index) = indices.get(file.name.as_str()) {
            found.finished.push((file, *index));
        } else if open.is_some_and(|open| open.is_none_or(|open| open == file.name)) {
            open = None;
            last = last.max(Some((file.place.clone(), file.name.clone())));
            found.open = Some(file);
        } else if let Some((_, before)) = last.as_ref().filter(|(place, _)| file.place < *place) {
            let (input, before) = (file.name, before.clone());
            return Err(SourceError::NewBefore { input, before });
        } else {
            found.new.push_back(file);
        }
    }
    Ok(found)
}

/// The name of the file to go on in, where there is one: the inner `None` is the first file, whatever
/// it is called now.
fn expected<'a>(
    files: &[Listed],
    position: &'a FilesPosition,
    patterns: &[PathPattern],
) -> Result<Option<Option<&'a str>>, SourceError> {
    let Some(open) = &position.open else { return Ok(None) };
    let Some(name) = open.file.as_deref() else { return Ok(Some(None)) };
    if patterns.iter().any(|pattern| pattern.owns(name)) {
        return Ok(Some(Some(name)));
    }
    // One file then and one file now: it may have been moved, and is known by its beginning.
    if position.finished.is_empty() && files.len() == 1 {
        return Ok(Some(None));
    }
    Err(SourceError::NotNamed { input: name.to_owned(), line: open.place.line })
}

/// What is to be remembered of the finished files: those that are there, and of those that are gone
/// the last of each pattern. Should another come back, it is a new one that stands before them.
pub(super) fn remembered(
    finished: Vec<Finished>,
    there: &[(Listed, usize)],
    patterns: &[PathPattern],
) -> Vec<Finished> {
    let there: HashSet<usize> = there.iter().map(|(_, index)| *index).collect();
    let pattern =
        |finished: &Finished| patterns.iter().position(|pattern| pattern.owns(&finished.file));
    let mut later = HashSet::new();
    let mut kept: Vec<Finished> = finished
        .into_iter()
        .enumerate()
        .rev()
        .filter(|(index, finished)| later.insert(pattern(finished)) || there.contains(index))
        .map(|(_, finished)| finished)
        .collect();
    kept.reverse();
    kept
}

/// Checks that a file that was read to its end is still what it was.
pub(super) fn check_finished(
    file: &Listed,
    finished: &Finished,
    compression: Compression,
) -> Result<(), SourceError> {
    let input = || file.name.clone();
    let lines = finished.lines;
    let (length, beginning) = beginning_of(file, compression, finished.hashed)?;
    if length < finished.bytes {
        return Err(SourceError::Shorter { input: input(), offset: finished.bytes, length });
    }
    if !finished.begins(&beginning) {
        return Err(SourceError::Changed { input: input(), line: lines });
    }
    if length > finished.bytes {
        return Err(SourceError::Grown { input: input(), lines });
    }
    Ok(())
}

impl FileReader {
    /// Checks that the file is still the one that `place` was in, and takes it up there.
    pub(super) fn resume(
        &mut self,
        place: &FilePosition,
        lines: &mut LineDecoder,
    ) -> Result<(), SourceError> {
        if self.stream.plain().is_some() {
            self.resume_plain(place, lines)?;
        } else {
            self.resume_compressed(place, lines)?;
        }
        self.unterminated |= place.unterminated;
        // Not read again, so that growth from here on is found by the next start.
        self.ended = place.unterminated || place.ended == Some(self.stream.length());
        Ok(())
    }

    fn resume_plain(
        &mut self,
        place: &FilePosition,
        lines: &mut LineDecoder,
    ) -> Result<(), SourceError> {
        let beginning = self.check_plain(place)?;
        self.read_header(lines)?;
        // A file that was empty has its header, or its first line, still to come.
        if place.offset > self.offset {
            self.stand_at(place.offset)?;
            self.beginning = beginning;
            lines.seek(place.line);
        }
        Ok(())
    }

    /// Checks what the file is known by, without moving in it.
    fn check_plain(&self, place: &FilePosition) -> Result<Beginning, SourceError> {
        let input = || self.stream.name().to_owned();
        let failed = |source| SourceError::Read { input: input(), source };
        let Some(file) = self.stream.plain() else { return Ok(Beginning::default()) };
        let length = self.stream.length();
        if length < place.offset {
            return Err(SourceError::Shorter { input: input(), offset: place.offset, length });
        }
        let beginning = Beginning::read(At { file, offset: 0 }, place.hashed).map_err(failed)?;
        if beginning.hash() != place.hash || !is_behind_line(file, place).map_err(failed)? {
            return Err(self.changed(place));
        }
        if place.unterminated && length > place.offset {
            let mut next = [0; 2];
            let read = file.read_at(&mut next, place.offset).map_err(failed)?;
            return Err(self.went_on(place, &next[..read]));
        }
        Ok(beginning)
    }

    /// A compressed file has to be read anew up to the place.
    fn resume_compressed(
        &mut self,
        place: &FilePosition,
        lines: &mut LineDecoder,
    ) -> Result<(), SourceError> {
        if place.ended == Some(self.stream.length()) {
            // Nothing is left to read, so only what it is known by is.
            self.beginning = Beginning::read(&mut self.stream, place.hashed)
                .map_err(|source| self.stream.error(source, 0))?;
            self.offset = place.offset;
            lines.seek(place.line);
            let is_same = self.beginning.hash() == place.hash;
            return if is_same { Ok(()) } else { Err(self.changed(place)) };
        }
        self.read_header(lines)?;
        let mut last = b'\n';
        while self.offset < place.offset {
            let left = usize::try_from(place.offset - self.offset).unwrap_or(usize::MAX);
            let passed = left.min(self.buffer.rest().len());
            if let Some(byte) = self.buffer.rest()[..passed].last() {
                last = *byte;
                self.consume(passed);
            } else if self.fill()? == Filled::End {
                let (offset, length) = (place.offset, self.offset);
                let input = self.stream.name().to_owned();
                return Err(SourceError::Shorter { input, offset, length });
            }
        }
        let is_same = if self.offset == place.offset {
            self.beginning.hash() == place.hash
        } else {
            // The header was read in front of a place in an empty file.
            place.offset == 0
        };
        let begins_line = place.unterminated || place.line == 0 || last == b'\n';
        if !(is_same && begins_line) {
            return Err(self.changed(place));
        }
        if self.offset == place.offset {
            lines.seek(place.line);
        }
        if place.unterminated {
            while self.buffer.rest().len() < 2 && self.fill()? != Filled::End {}
            if !self.buffer.rest().is_empty() {
                return Err(self.went_on(place, self.buffer.rest()));
            }
        }
        Ok(())
    }

    fn changed(&self, place: &FilePosition) -> SourceError {
        SourceError::Changed { input: self.stream.name().to_owned(), line: place.line }
    }

    /// The file has these bytes behind a line that was taken as its last.
    fn went_on(&self, place: &FilePosition, next: &[u8]) -> SourceError {
        let whole = next.starts_with(b"\n") || next.starts_with(b"\r\n");
        SourceError::LineWentOn { input: self.stream.name().to_owned(), line: place.line, whole }
    }
}

/// Whether a line ends right before the place, as it did when the position was taken.
fn is_behind_line(file: &File, place: &FilePosition) -> io::Result<bool> {
    // Before the first line there is nothing, or the file's byte order mark.
    if place.unterminated || place.line == 0 || place.offset == 0 {
        return Ok(true);
    }
    let mut last = [0];
    let read = file.read_at(&mut last, place.offset - 1)?;
    Ok(read == 0 || last == *b"\n")
}

/// A file, read without moving its own place.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl io::Read for At<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(out, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
