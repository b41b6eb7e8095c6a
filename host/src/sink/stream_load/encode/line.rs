//! The part of a body that is being written: bytes that are there already, and how far they are
//! written.
//!
//! It is small enough to stay in the processor's nearest memory until it is sent. A value of few
//! bytes is copied as a chunk of a length that the compiler knows, of which what is too much is
//! written over by what comes next: that costs a fraction of a length that it does not know.
//!
//! *Invariants*: between two values there is room for all that a row has beside its texts, so that
//! only those ask for more.

use std::ops::Range;

/// Bytes that are copied in one go.
const PADDED: usize = 32;

/// Bytes that are being written.
#[derive(Debug, Default)]
pub(in crate::sink::stream_load) struct Line {
    /// Written up to `end`; what is behind means nothing.
    bytes: Vec<u8>,
    end: usize,
    /// What a row takes at most beside its texts.
    margin: usize,
    /// Room for writers that know vectors only.
    aside: Vec<u8>,
}

impl Line {
    /// Room for about so many bytes.
    pub(in crate::sink::stream_load) fn new(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes], ..Self::default() }
    }

    /// What is written.
    pub(in crate::sink::stream_load) fn written(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// Makes room for rows that take no more than `margin` beside their texts.
    pub(super) fn widen(&mut self, margin: usize) {
        self.margin = self.margin.max(margin);
        self.reserve(0);
    }

    /// Makes room for so many bytes beside the margin.
    #[inline(always)]
    pub(super) fn reserve(&mut self, bytes: usize) {
        if self.bytes.len() - self.end < bytes + self.margin {
            self.grow(bytes);
        }
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        let needed = self.end + bytes + self.margin;
        self.bytes.resize(needed.max(2 * self.bytes.len()), 0);
    }

    /// Appends a byte, for which there is room.
    #[inline(always)]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes[self.end] = byte;
        self.end += 1;
    }

    /// Appends the first `length` bytes of a chunk, for all of which there is room.
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, chunk: &[u8; N], length: usize) {
        // As an array: the compiler does not see the length of a copied slice.
        *self.room() = *chunk;
        self.end += length;
    }

    /// The bytes behind what is written, for a value that [`Self::skip`] takes in.
    #[inline(always)]
    pub(super) fn room<const N: usize>(&mut self) -> &mut [u8; N] {
        let room = self.bytes[self.end..].first_chunk_mut::<N>();
        room.expect("between two values there is room for one more")
    }

    /// Takes in bytes that are written already.
    #[inline(always)]
    pub(super) const fn skip(&mut self, bytes: usize) {
        self.end += bytes;
    }

    /// Appends some bytes of a text that is longer, maybe, for which it makes room.
    #[inline(always)]
    pub(super) fn span(&mut self, text: &[u8], span: Range<usize>) {
        self.reserve(span.len() + PADDED);
        let Range { start: mut at, end } = span;
        while at < end {
            match text[at..].first_chunk::<PADDED>() {
                Some(chunk) => self.put(chunk, (end - at).min(PADDED)),
                None => self.bytes(&text[at..end]),
            }
            at += PADDED;
        }
    }

    /// Appends bytes, for which it makes room.
    #[inline]
    pub(in crate::sink::stream_load) fn bytes(&mut self, text: &[u8]) {
        self.reserve(text.len());
        self.bytes[self.end..self.end + text.len()].copy_from_slice(text);
        self.end += text.len();
    }

    /// Appends what is written to a vector.
    pub(super) fn by(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut aside = std::mem::take(&mut self.aside);
        aside.clear();
        write(&mut aside);
        self.bytes(&aside);
        self.aside = aside;
    }

    /// What is written from `start`, to change it.
    pub(super) fn tail_mut(&mut self, start: usize) -> &mut [u8] {
        &mut self.bytes[start..self.end]
    }

    /// Forgets what is written.
    pub(in crate::sink::stream_load) const fn clear(&mut self) {
        self.end = 0;
    }
}

/// Bytes that are written for many rows.
#[derive(Clone, Debug)]
pub(super) struct Padded {
    bytes: [u8; PADDED],
    length: usize,
    /// The bytes, where they are too many.
    long: Vec<u8>,
}

impl Padded {
    pub(super) fn new(text: Vec<u8>) -> Self {
        let mut bytes = [0; PADDED];
        let length = text.len();
        match bytes.get_mut(..length) {
            Some(short) => {
                short.copy_from_slice(&text);
                Self { bytes, length, long: Vec::new() }
            }
            None => Self { bytes, length, long: text },
        }
    }

    #[inline(always)]
    pub(super) fn put(&self, line: &mut Line) {
        if self.length <= PADDED {
            line.put(&self.bytes, self.length);
        } else {
            line.bytes(&self.long);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_all_there_however_long_it_is() {
        let (mut line, mut expected) = (Line::new(8), Vec::new());
        line.widen(200);
        for length in (0..300).chain([5_000, 70_000]) {
            line.reserve(0);
            let text: Vec<u8> = (0..length).map(|byte: usize| byte as u8).collect();
            let padded = Padded::new(text[..length.min(60)].to_vec());
            padded.put(&mut line);
            line.byte(b';');
            line.bytes(&text);
            line.put(b"abcd", 2);
            line.room::<4>()[..2].copy_from_slice(b"xy");
            line.skip(2);
            line.span(&text, length / 3..length / 2);
            line.by(|out| out.extend_from_slice(&text));
            expected.extend_from_slice(&text[..length.min(60)]);
            expected.push(b';');
            expected.extend_from_slice(&text);
            expected.extend_from_slice(b"abxy");
            expected.extend_from_slice(&text[length / 3..length / 2]);
            expected.extend_from_slice(&text);
        }
        assert_eq!(line.written(), expected);
        line.clear();
        assert!(line.written().is_empty());
    }
}
