//! A place in the files of a source, and how each file is known again.
//!
//! *Invariants*: a hash is over what stands before the place, uncompressed, so a file that only grew
//! is the same file, and so is a copy of it under a new inode; a position that an earlier version
//! wrote, when a source had one file, is read as the place in that file.

use std::io::{self, Read};

use serde::de::Error;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::record::Position;

/// Bytes at a file's beginning by which it is known.
const KNOWN_BYTES: u64 = 64 << 10;

/// Digits of the hash that are kept of a file once it is read.
const KEPT_DIGITS: usize = 32;

/// The form that is written; positions of the first form have no number.
const VERSION: u32 = 2;

/// A place in the files of a source, as checkpoints keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilesPosition {
    version: u32,
    /// The files that are read, in order; without some that are gone.
    pub(super) finished: Vec<Finished>,
    /// The lines of all that are read.
    pub(super) before: u64,
    /// The file that is being read, or was the last to be.
    pub(super) open: Option<Open>,
}

/// A file that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finished {
    /// Its name.
    pub(super) file: String,
    /// Its bytes on the disk.
    pub(super) bytes: u64,
    /// Its lines.
    pub(super) lines: u64,
    /// The first digits of the hash of its first `hashed` bytes, uncompressed.
    pub(super) hash: String,
    /// 64 KiB, or all that it had if that was less.
    pub(super) hashed: u64,
}

/// A file that is being read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Open {
    /// Its name; `None`: the only one that there was.
    pub(super) file: Option<String>,
    /// How far it was read.
    pub(super) place: FilePosition,
}

/// A place between two records of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilePosition {
    /// Bytes before the place, uncompressed.
    pub(super) offset: u64,
    /// Lines before it.
    pub(super) line: u64,
    /// SHA-256 of the first `hashed` bytes, in hexadecimal.
    pub(super) hash: String,
    /// How many bytes the hash covers: 64 KiB, or all before the place if that is less.
    pub(super) hashed: u64,
    /// Whether the last line before the place had no newline and was taken as a line.
    pub(super) unterminated: bool,
    /// Where the place is the file's end: its bytes on the disk.
    #[serde(default)]
    pub(super) ended: Option<u64>,
}

impl FilesPosition {
    pub(super) fn new(finished: Vec<Finished>, before: u64, open: Option<Open>) -> Self {
        Self { version: VERSION, finished, before, open }
    }

    /// Reads what a checkpoint kept.
    pub(super) fn read(position: &Position) -> Result<Self, serde_json::Error> {
        let value = position.0.clone();
        if value.get("version").is_none() {
            let place = serde_json::from_value(value)?;
            return Ok(Self::new(Vec::new(), 0, Some(Open { file: None, place })));
        }
        let read: Self = serde_json::from_value(value)?;
        if read.version != VERSION {
            let version = read.version;
            let message =
                format!("its form is {version}, and this program knows {VERSION} at most");
            return Err(serde_json::Error::custom(message));
        }
        Ok(read)
    }

    /// As checkpoints keep it.
    pub(super) fn write(&self) -> Position {
        Position(serde_json::to_value(self).expect("numbers and text are JSON"))
    }

    /// The names of all files that were read, or begun.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let open = self.open.iter().filter_map(|open| open.file.as_deref());
        self.finished.iter().map(|finished| finished.file.as_str()).chain(open)
    }
}

impl Finished {
    /// What is kept of a file of so many bytes on the disk, which was read to `place`.
    pub(super) fn new(file: String, bytes: u64, place: &FilePosition) -> Self {
        let hash = place.hash.chars().take(KEPT_DIGITS).collect();
        Self { file, bytes, lines: place.line, hash, hashed: place.hashed }
    }

    /// Whether the file still begins as it did.
    pub(super) fn begins(&self, beginning: &Beginning) -> bool {
        beginning.hash().starts_with(&self.hash)
    }
}

/// The hash of a file's beginning while the file is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning {
    hasher: Sha256,
    length: u64,
}

impl Beginning {
    /// Reads the first `length` bytes of a file.
    pub(super) fn read(file: impl Read, length: u64) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let length = io::copy(&mut file.take(length), &mut hasher)?;
        Ok(Self { hasher, length })
    }

    /// Goes on with the bytes that follow.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let left = usize::try_from(KNOWN_BYTES.saturating_sub(self.length)).unwrap_or(usize::MAX);
        let bytes = &bytes[..left.min(bytes.len())];
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// How many bytes the hash covers.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The hash in hexadecimal.
    pub(super) fn hash(&self) -> String {
        format!("{:x}", self.hasher.clone().finalize())
    }
}
