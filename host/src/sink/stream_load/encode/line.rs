//! The rows that are being written: bytes that are there already, and how far they are written.
//!
//! Values go to a block that stays in the processor's nearest memory, and from there to the body in
//! one go. A value of few bytes is copied as a chunk of a length that the compiler knows, of which
//! what is too much is written over by what comes next: that costs a fraction of a length that it
//! does not know.
//!
//! *Invariants*: between two values there is room for all that a row has beside its texts, so that
//! only those ask for more.

/// Bytes that are worth moving to the body.
const FLUSH_BYTES: usize = 8 << 10;
/// Bytes that are copied in one go.
const PADDED: usize = 32;

/// Rows that are being written.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Written up to `end`; what is behind means nothing.
    bytes: Vec<u8>,
    end: usize,
    /// What a row takes at most beside its texts.
    margin: usize,
    /// Room for writers that know vectors only.
    aside: Vec<u8>,
}

impl Line {
    /// Room for rows that take no more than `margin` beside their texts.
    pub(super) fn new(margin: usize) -> Self {
        let bytes = vec![0; 2 * FLUSH_BYTES + 2 * margin];
        Self { bytes, end: 0, margin, aside: Vec::new() }
    }

    /// What is written.
    pub(super) fn written(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// Makes room for so many bytes beside the margin.
    #[inline]
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
    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes[self.end] = byte;
        self.end += 1;
    }

    /// Appends the first `length` bytes of a chunk, for all of which there is room.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, chunk: &[u8; N], length: usize) {
        self.bytes[self.end..self.end + N].copy_from_slice(chunk);
        self.end += length;
    }

    /// Appends `length` bytes of a text from `start`, behind which it has `N` and the line room for
    /// them.
    #[inline]
    pub(super) fn put_from<const N: usize>(&mut self, text: &[u8], start: usize, length: usize) {
        self.bytes[self.end..self.end + N].copy_from_slice(&text[start..start + N]);
        self.end += length;
    }

    /// Appends bytes, for which it makes room.
    #[inline]
    pub(super) fn bytes(&mut self, text: &[u8]) {
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

    /// Moves what is written to a body, once it is worth that.
    #[inline]
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if self.end >= FLUSH_BYTES {
            self.finish(out);
        }
    }

    /// Moves what is written to a body.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.written());
        self.end = 0;
    }

    /// Forgets what is written.
    pub(super) const fn clear(&mut self) {
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

    #[inline]
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
        let (mut line, mut out, mut expected) = (Line::new(200), Vec::new(), Vec::new());
        for length in (0..300).chain([5_000, 70_000]) {
            line.reserve(0);
            let text: Vec<u8> = (0..length).map(|byte: usize| byte as u8).collect();
            let padded = Padded::new(text[..length.min(60)].to_vec());
            padded.put(&mut line);
            line.byte(b';');
            line.bytes(&text);
            line.put(b"abcd", 2);
            line.put_from::<4>(b"__abcd", 2, 3);
            line.by(|out| out.extend_from_slice(&text));
            line.flush(&mut out);
            expected.extend_from_slice(&text[..length.min(60)]);
            expected.push(b';');
            expected.extend_from_slice(&text);
            expected.extend_from_slice(b"ababc");
            expected.extend_from_slice(&text);
        }
        line.finish(&mut out);
        assert_eq!(out, expected);
        line.byte(b'x');
        line.clear();
        assert!(line.written().is_empty());
    }
}
