//! A buffer that hands out whole lines.

use std::io::{self, ErrorKind, Read};

use memchr::memrchr;

/// What filling the buffer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Filled {
    /// There is more than before; perhaps no whole line yet.
    More,
    /// The input has ended; what is left in the buffer is a line without its newline.
    End,
    /// The line at the front is as long as the buffer may be, and not whole.
    TooLong,
}

/// Bytes between the input and the decoder: `..start` is used up, `start..whole` are whole lines,
/// `whole..end` is the beginning of the next one.
#[derive(Debug)]
pub(in crate::source) struct ChunkBuffer {
    bytes: Vec<u8>,
    start: usize,
    whole: usize,
    end: usize,
    usual: usize,
    most: usize,
}

impl ChunkBuffer {
    /// An empty buffer of `usual` bytes that grows for a long line, up to `most`.
    pub(in crate::source) fn new(usual: usize, most: usize) -> Self {
        Self { bytes: vec![0; usual], start: 0, whole: 0, end: 0, usual, most: most.max(usual) }
    }

    /// The whole lines that are there.
    pub(in crate::source) fn lines(&self) -> &[u8] {
        &self.bytes[self.start..self.whole]
    }

    /// Everything that is there.
    pub(in crate::source) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The first `bytes` of what is there are used up.
    pub(in crate::source) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.whole = self.whole.max(self.start);
        debug_assert!(self.start <= self.end, "no more is used up than is there");
    }

    /// Reads once from `input`, behind the line that is not whole yet.
    pub(in crate::source) fn fill(&mut self, input: &mut impl Read) -> io::Result<Filled> {
        self.make_room();
        if self.end == self.bytes.len() {
            return Ok(Filled::TooLong);
        }
        let read = loop {
            match input.read(&mut self.bytes[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        let fresh = &self.bytes[self.end..self.end + read];
        if let Some(last) = memrchr(b'\n', fresh) {
            self.whole = self.end + last + 1;
        }
        self.end += read;
        Ok(if read == 0 { Filled::End } else { Filled::More })
    }

    /// Moves what is left to the front; grows when that leaves no room, and goes back to the usual
    /// size once a long line is gone.
    fn make_room(&mut self) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.whole -= self.start;
        self.start = 0;
        let length = self.bytes.len();
        if self.end == length {
            self.bytes.resize((length * 2).min(self.most), 0);
        } else if length > self.usual && self.end < self.usual {
            self.bytes.truncate(self.usual);
            self.bytes.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most `step` bytes a read.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(self.1).min(out.len());
            let (head, rest) = self.0.split_at(length);
            out[..length].copy_from_slice(head);
            self.0 = rest;
            Ok(length)
        }
    }

    #[test]
    fn lines_come_whole_however_they_are_read() {
        let input = b"one\ntwo two two\n\nlast";
        for (usual, step) in [(4, 1), (4, 100), (5, 3), (64, 7), (64, 100)] {
            let mut buffer = ChunkBuffer::new(usual, 32);
            let mut input = Slow(input, step);
            let mut read = Vec::new();
            while buffer.fill(&mut input).unwrap() == Filled::More {
                let lines = buffer.lines();
                assert!(lines.is_empty() || lines.ends_with(b"\n"));
                read.extend_from_slice(lines);
                buffer.consume(lines.len());
            }
            assert_eq!((&read[..], buffer.rest()), (&b"one\ntwo two two\n\n"[..], &b"last"[..]));
        }
    }

    #[test]
    fn a_long_line_grows_the_buffer_to_its_bound_and_no_further() {
        let mut input = &[b'x'; 100][..];
        let mut buffer = ChunkBuffer::new(8, 20);
        while buffer.fill(&mut input).unwrap() == Filled::More {}
        assert_eq!(buffer.rest().len(), 20);
        assert_eq!(buffer.fill(&mut input).unwrap(), Filled::TooLong);
        buffer.consume(20);
        assert_eq!(buffer.fill(&mut input).unwrap(), Filled::More);
        assert_eq!((buffer.rest().len(), buffer.bytes.len()), (8, 8));
    }
}
