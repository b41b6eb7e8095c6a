//! The bytes of a segment. All numbers are little-endian.
//!
//! | bytes | of the file |
//! |---|---|
//! | 0..8 | `mrstate` and a zero |
//! | 8..12 | the version of this layout |
//! | 12..16 | zero |
//! | then | blocks, to the end of the file |
//!
//! | bytes | of a block |
//! |---|---|
//! | 0..4 | entries, at least one |
//! | 4..16 | bytes of all keys, sub-keys and values, 4 each |
//! | 16..20 | the first and the last key group, 2 each |
//! | 20..24 | 1 where a run begins with it, else 0 |
//! | 24..32 | XXH64 of what follows |
//! | then | states, 4 each |
//! | then | offsets of keys, of sub-keys and of values: one more than entries, 4 each |
//! | then | groups, 2 each; actions, 1 each |
//! | then | the bytes of keys, of sub-keys and of values |
//!
//! Within a run, entries are sorted by group, state, key and sub-key. Those of one value are in the
//! order in which they are to be applied, as runs are in a segment.

use std::ops::Range;

use xxhash_rust::xxh64::xxh64;

use super::entries::{StateEntries, Varying};

/// Bytes of the file's header.
pub(super) const FILE_HEADER: usize = 16;
/// Bytes of a block's header.
pub(super) const BLOCK_HEADER: usize = 32;

/// How every segment of this layout begins.
pub(super) const MAGIC: [u8; FILE_HEADER] = *b"mrstate\0\x01\0\0\0\0\0\0\0";

/// A block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) entries: u32,
    /// Bytes of keys, sub-keys and values.
    pub(super) varying: [u32; 3],
    pub(super) first_group: u16,
    pub(super) last_group: u16,
    pub(super) begins_run: bool,
    pub(super) checksum: u64,
}

impl Header {
    /// Reads a header; `None` if it cannot be one.
    pub(super) fn read(bytes: &[u8; BLOCK_HEADER]) -> Option<Self> {
        let [words @ .., low, high] = bytes.as_chunks::<4>().0 else { return None };
        let word = |index: usize| words.get(index).map(|bytes| u32::from_le_bytes(*bytes));
        let groups = word(4)?;
        let begins_run = match word(5)? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let checksum =
            u64::from(u32::from_le_bytes(*low)) | (u64::from(u32::from_le_bytes(*high)) << 32);
        let header = Self {
            entries: word(0)?,
            varying: [word(1)?, word(2)?, word(3)?],
            first_group: (groups & 0xffff) as u16,
            last_group: (groups >> 16) as u16,
            begins_run,
            checksum,
        };
        (header.entries > 0 && header.first_group <= header.last_group).then_some(header)
    }

    fn write(&self) -> [u8; BLOCK_HEADER] {
        let mut bytes = [0; BLOCK_HEADER];
        let [keys, sub_keys, values] = self.varying;
        let groups = u32::from(self.first_group) | (u32::from(self.last_group) << 16);
        let words = [self.entries, keys, sub_keys, values, groups, self.begins_run.into()];
        for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes[24..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Bytes of what follows the header.
    pub(super) fn payload_bytes(&self) -> u64 {
        let entries = u64::from(self.entries);
        let varying: u64 = self.varying.iter().map(|bytes| u64::from(*bytes)).sum();
        entries * (4 + 2 + 1) + 3 * 4 * (entries + 1) + varying
    }

    /// Whether the block has entries of these key groups.
    pub(super) fn overlaps(&self, groups: &Range<u16>) -> bool {
        self.first_group < groups.end && self.last_group >= groups.start
    }
}

/// Writes the block of these entries, of which there is one at least, to `out`, which is cleared.
pub(super) fn encode(block: &StateEntries, begins_run: bool, out: &mut Vec<u8>) {
    out.clear();
    out.resize(BLOCK_HEADER, 0);
    put_words(out, block.states.iter().map(|state| state.to_le_bytes()));
    let columns = [&block.keys, &block.sub_keys, &block.values];
    for column in columns {
        put_words(out, column.offsets.iter().map(|offset| offset.to_le_bytes()));
    }
    for group in &block.groups {
        out.extend_from_slice(&group.to_le_bytes());
    }
    out.extend_from_slice(&block.actions);
    for column in columns {
        out.extend_from_slice(&column.bytes);
    }
    // Offsets of 31 bits reach every byte, so the lengths fit in 32.
    let header = Header {
        entries: block.len() as u32,
        varying: columns.map(|column| column.bytes.len() as u32),
        first_group: block.groups.first().copied().unwrap_or(0),
        last_group: block.groups.last().copied().unwrap_or(0),
        begins_run,
        checksum: xxh64(&out[BLOCK_HEADER..], 0),
    };
    out[..BLOCK_HEADER].copy_from_slice(&header.write());
}

fn put_words(out: &mut Vec<u8>, words: impl Iterator<Item = [u8; 4]>) {
    for word in words {
        out.extend_from_slice(&word);
    }
}

/// Reads what follows a header; `None` if it is not what was written.
pub(super) fn decode(header: &Header, payload: &[u8]) -> Option<StateEntries> {
    if payload.len() as u64 != header.payload_bytes() || xxh64(payload, 0) != header.checksum {
        return None;
    }
    let entries = header.entries as usize;
    let mut rest = payload;
    let states = words(&mut rest, entries)?.iter().map(|word| u32::from_le_bytes(*word)).collect();
    let keys = offsets(&mut rest, entries)?;
    let sub_keys = offsets(&mut rest, entries)?;
    let values = offsets(&mut rest, entries)?;
    let groups = take(&mut rest, entries * 2)?.as_chunks::<2>().0;
    let groups = groups.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let actions = take(&mut rest, entries)?.to_vec();
    let [key_bytes, sub_key_bytes, value_bytes] = header.varying;
    let keys = column(keys, &mut rest, key_bytes)?;
    let sub_keys = column(sub_keys, &mut rest, sub_key_bytes)?;
    let values = column(values, &mut rest, value_bytes)?;
    let block = StateEntries { states, groups, keys, sub_keys, actions, values };
    // The checksum says that these are the bytes that were written, not who wrote them.
    (block.are_sound() && block.groups.is_sorted()).then_some(block)
}

/// Takes so many bytes off the front.
fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (part, after) = rest.split_at_checked(bytes)?;
    *rest = after;
    Some(part)
}

fn words<'a>(rest: &mut &'a [u8], words: usize) -> Option<&'a [[u8; 4]]> {
    take(rest, words * 4).map(|bytes| bytes.as_chunks::<4>().0)
}

fn offsets(rest: &mut &[u8], entries: usize) -> Option<Vec<i32>> {
    let words = words(rest, entries + 1)?;
    Some(words.iter().map(|word| i32::from_le_bytes(*word)).collect())
}

fn column(offsets: Vec<i32>, rest: &mut &[u8], bytes: u32) -> Option<Varying> {
    let bytes = take(rest, bytes as usize)?.to_vec();
    Some(Varying { offsets, bytes })
}

#[cfg(test)]
mod tests {
    use super::super::entries::Entry;
    use super::*;

    #[test]
    fn a_block_reads_back_as_it_was_written() {
        let mut block = StateEntries::default();
        for index in 0..5_u8 {
            block.push(&Entry {
                group: 3 + u16::from(index),
                state: u32::MAX - u32::from(index),
                key: &[1; 5][..index.into()],
                sub_key: &[],
                action: index % 3,
                value: &[index; 3],
            });
        }
        let mut bytes = Vec::new();
        encode(&block, true, &mut bytes);
        let (head, payload) = bytes.split_first_chunk().unwrap();
        let header = Header::read(head).unwrap();
        assert_eq!(header.write(), *head);
        assert!(header.begins_run && (header.first_group, header.last_group) == (3, 7));
        assert_eq!(decode(&header, payload).unwrap(), block);
        assert!(header.overlaps(&(0..4)) && header.overlaps(&(7..9)) && !header.overlaps(&(8..9)));
        assert!(decode(&header, &payload[1..]).is_none());
    }
}
