//! A place in a file, and how the file is known again.
//!
//! *Invariants*: the hash is over what stands before the place, so a file that only grew is the
//! same file, and so is a copy of it under a new inode.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes at a file's beginning by which it is known.
const KNOWN_BYTES: u64 = 64 << 10;

/// A place between two lines of a file, as checkpoints keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilePosition {
    /// Bytes before the place.
    pub(super) offset: u64,
    /// Lines before it.
    pub(super) line: u64,
    /// SHA-256 of the first `hashed` bytes, in hexadecimal.
    pub(super) hash: String,
    /// How many bytes the hash covers: 64 KiB, or all before the place if that is less.
    pub(super) hashed: u64,
    /// Whether the last line before the place had no newline and was taken as a line.
    pub(super) unterminated: bool,
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
