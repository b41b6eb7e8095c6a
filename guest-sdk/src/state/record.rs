//! How an entry of state lies in its block.
//!
//! | bytes | |
//! |---|---|
//! | 0..4 | its place among the changes since the last save, from 1; 0 for none |
//! | 4..6 | its key group |
//! | 6 | the index of its state |
//! | 7 | flags |
//! | then | lengths of key and sub-key as LEB128, key, sub-key |
//! | then | length of the value as LEB128, value |
//!
//! The value begins with what only this instance knows: a map's entry has the addresses of the
//! entries before and after it, a list the number of bytes that the host has of it.

use std::ops::Range;

use super::hash::xxh64;
use super::slab::FLAGS;

/// Set in every record: a free block has no flags.
pub(super) const LIVE: u8 = 1;
/// The host has this entry.
pub(super) const STORED: u8 = 2;
/// Removed, and kept until the host knows.
pub(super) const DEAD: u8 = 4;

const BODY: usize = 8;

/// Where the parts of a record lie in its block.
pub(super) struct Parts {
    pub(super) key: Range<usize>,
    /// Its end is the end of the head: what does not change with the value.
    pub(super) sub: Range<usize>,
    pub(super) value: Range<usize>,
}

/// The parts of the record in a block.
#[inline]
pub(super) fn parts(block: &[u8]) -> Parts {
    let (key, at) = read_length(block, BODY);
    let (sub, at) = read_length(block, at);
    let key = at..at + key;
    let sub = key.end..key.end + sub;
    let (value, at) = read_length(block, sub.end);
    Parts { key, sub, value: at..at + value }
}

/// A new record's head, in `head`.
pub(super) fn begin(head: &mut Vec<u8>, state: u8, group: u16, key: &[u8], sub: &[u8]) {
    head.clear();
    head.extend_from_slice(&[0; 4]);
    head.extend_from_slice(&group.to_le_bytes());
    head.extend_from_slice(&[state, LIVE]);
    push_length(head, key.len());
    push_length(head, sub.len());
    head.extend_from_slice(key);
    head.extend_from_slice(sub);
}

/// Bytes of a record.
pub(super) fn length(head: usize, value: usize) -> usize {
    head + width(value) + value
}

/// Writes the value behind a head of this length.
pub(super) fn write_value(block: &mut [u8], head: usize, value: &[u8]) {
    let start = write_length(block, head, value.len());
    block[start..start + value.len()].copy_from_slice(value);
}

/// Lengthens the value in place, where its length is as wide as before and the block has room.
pub(super) fn extend_value(block: &mut [u8], more: &[u8]) -> bool {
    let Parts { sub, value, .. } = parts(block);
    let (old, new) = (value.len(), value.len() + more.len());
    if width(old) != width(new) || value.start + new > block.len() {
        return false;
    }
    write_length(block, sub.end, new);
    block[value.end..value.end + more.len()].copy_from_slice(more);
    true
}

#[inline]
pub(super) fn flags(block: &[u8]) -> u8 {
    block.get(FLAGS).copied().unwrap_or(0)
}

#[inline]
pub(super) fn set_flags(block: &mut [u8], flags: u8) {
    block[FLAGS] = flags;
}

#[inline]
pub(super) fn state(block: &[u8]) -> u8 {
    block[6]
}

pub(super) fn group(block: &[u8]) -> u16 {
    u16::from_le_bytes([block[4], block[5]])
}

/// Its place among the changes, from 1; 0 for none.
#[inline]
pub(super) fn change(block: &[u8]) -> u32 {
    word(block, 0)
}

#[inline]
pub(super) fn set_change(block: &mut [u8], change: u32) {
    set_word(block, 0, change);
}

/// Four bytes as a number.
#[inline]
pub(super) fn word(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

/// Writes a number as four bytes.
#[inline]
pub(super) fn set_word(block: &mut [u8], at: usize, word: u32) {
    block[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

/// Whether the record is of this state, key and sub-key.
#[inline]
pub(super) fn is(block: &[u8], state: u8, key: &[u8], sub: &[u8]) -> bool {
    if self::state(block) != state {
        return false;
    }
    let (key_length, at) = read_length(block, BODY);
    let (sub_length, at) = read_length(block, at);
    let end = at + key_length;
    key_length == key.len()
        && sub_length == sub.len()
        && block[at..end] == *key
        && block[end..end + sub_length] == *sub
}

/// The hash by which an entry is found.
#[inline]
pub(super) fn hash(state: u8, key: &[u8], sub: &[u8]) -> u64 {
    let hash = key_hash(state, key);
    if sub.is_empty() { hash } else { xxh64(sub, hash) }
}

/// The hash by which the entries of a key are found.
#[inline]
pub(super) fn key_hash(state: u8, key: &[u8]) -> u64 {
    // Not the seed of key groups: of those an instance has only some, and its slots would cluster.
    xxh64(key, 0x9e37_79b9_7f4a_7c15 ^ u64::from(state))
}

/// [`hash`] of the record in a block.
pub(super) fn hash_of(block: &[u8]) -> u64 {
    let Parts { key, sub, .. } = parts(block);
    hash(state(block), &block[key], &block[sub])
}

/// [`key_hash`] of the record in a block.
pub(super) fn key_hash_of(block: &[u8]) -> u64 {
    key_hash(state(block), &block[parts(block).key])
}

/// Adds a length as LEB128.
pub(super) fn push_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// A length at `at`, and where it ends.
#[inline]
fn read_length(block: &[u8], mut at: usize) -> (usize, usize) {
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = block[at];
        at += 1;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return (length, at);
        }
        shift += 7;
    }
}

fn write_length(block: &mut [u8], mut at: usize, mut length: usize) -> usize {
    while length >= 0x80 {
        block[at] = length as u8 | 0x80;
        length >>= 7;
        at += 1;
    }
    block[at] = length as u8;
    at + 1
}

/// Bytes of a length as LEB128.
fn width(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros();
    bits.max(1).div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_again_whatever_their_lengths() {
        for lengths in [(0, 0, 0), (12, 8, 20), (127, 128, 127), (300, 1, 20_000)] {
            let (key, sub) = (vec![1; lengths.0], vec![2; lengths.1]);
            let value = vec![3; lengths.2];
            let mut head = Vec::new();
            begin(&mut head, 5, 1_023, &key, &sub);
            let mut block = vec![0; length(head.len(), value.len())];
            block[..head.len()].copy_from_slice(&head);
            write_value(&mut block, head.len(), &value);
            let parts = parts(&block);
            assert_eq!(parts.value.end, block.len());
            assert_eq!((&block[parts.key], &block[parts.sub]), (&key[..], &sub[..]));
            assert_eq!(block[parts.value], value);
            assert!(is(&block, 5, &key, &sub) && !is(&block, 4, &key, &sub));
            assert_eq!((group(&block), flags(&block), change(&block)), (1_023, LIVE, 0));
        }
    }

    #[test]
    fn a_value_grows_in_place_while_its_length_fits() {
        let mut head = Vec::new();
        begin(&mut head, 0, 0, b"k", b"");
        let mut block = vec![0; head.len() + 200];
        block[..head.len()].copy_from_slice(&head);
        write_value(&mut block, head.len(), &[1; 120]);
        assert!(extend_value(&mut block, &[2; 7]));
        assert_eq!(block[parts(&block).value], [[1; 120].as_slice(), &[2; 7]].concat());
        assert!(!extend_value(&mut block, &[3]), "128 takes another byte");
    }
}
