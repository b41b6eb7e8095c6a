//! A buffer that hands out whole lines, or whole records where a record may have lines in it.

use std::io::{self, ErrorKind, Read};

use memchr::{memchr, memrchr};

use crate::format::RecordEnds;

/// What ends a record.
#[derive(Clone, Debug)]
pub(in crate::source) enum Ends {
    /// Each newline.
    Lines,
    /// The newlines that stand in no quotes.
    Csv(RecordEnds),
}

impl Ends {
    /// Passes over the next bytes; where the last record that ends among them has ended.
    fn last(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Lines => memrchr(b'\n', bytes).map(|end| end + 1),
            Self::Csv(ends) => ends.last(bytes),
        }
    }

    /// Passes over the next bytes to the first record's end among them, or over all of them.
    pub(in crate::source) fn first(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Lines => memchr(b'\n', bytes).map(|end| end + 1),
            Self::Csv(ends) => ends.first(bytes),
        }
    }
}

/// What filling the buffer came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Filled {
    /// There is more than before; perhaps no whole record yet.
    More,
    /// The input has ended; what is left in the buffer is a record without its newline.
    End,
    /// The record at the front is as long as the buffer may be, and not whole.
    TooLong,
}

/// Bytes between the input and the decoder: `..start` is used up, `start..whole` are whole records,
/// `whole..end` is the beginning of the next one.
#[derive(Debug)]
pub(in crate::source) struct ChunkBuffer {
    bytes: Vec<u8>,
    start: usize,
    whole: usize,
    end: usize,
    usual: usize,
    most: usize,
    /// Right behind `end`.
    ends: Ends,
}

impl ChunkBuffer {
    /// An empty buffer of `usual` bytes that grows for a long record, up to `most`.
    pub(in crate::source) fn new(usual: usize, most: usize) -> Self {
        let most = most.max(usual);
        Self { bytes: vec![0; usual], start: 0, whole: 0, end: 0, usual, most, ends: Ends::Lines }
    }

    /// Forgets what is there, and stands in front of a record that ends as `ends` finds.
    pub(in crate::source) fn restart(&mut self, ends: Ends) {
        (self.start, self.whole, self.end) = (0, 0, 0);
        self.ends = ends;
    }

    /// The whole records that are there.
    pub(in crate::source) fn records(&self) -> &[u8] {
        &self.bytes[self.start..self.whole]
    }

    /// Everything that is there.
    pub(in crate::source) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// What finds the next record's end, right behind everything that is there.
    pub(in crate::source) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// The first `bytes` of what is there are used up.
    pub(in crate::source) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.whole = self.whole.max(self.start);
        debug_assert!(self.start <= self.end, "no more is used up than is there");
    }

    /// Reads once from `input`, behind the record that is not whole yet.
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
        if let Some(last) = self.ends.last(fresh) {
            self.whole = self.end + last;
        }
        self.end += read;
        Ok(if read == 0 { Filled::End } else { Filled::More })
    }

    /// Moves what is left to the front; grows when that leaves no room, and goes back to the usual
    /// size once a long record is gone.
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

    /// Every run of whole records that the buffer hands out, and what is left at the end.
    fn cut(input: &[u8], ends: &Ends, usual: usize, step: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut buffer = ChunkBuffer::new(usual, 32);
        buffer.restart(ends.clone());
        let mut input = Slow(input, step);
        let mut runs = Vec::new();
        while buffer.fill(&mut input).unwrap() == Filled::More {
            if !buffer.records().is_empty() {
                runs.push(buffer.records().to_vec());
            }
            buffer.consume(buffer.records().len());
        }
        (runs, buffer.rest().to_vec())
    }

    #[test]
    fn lines_come_whole_however_they_are_read() {
        let input = b"one\ntwo two two\n\nlast";
        for (usual, step) in [(4, 1), (4, 100), (5, 3), (64, 7), (64, 100)] {
            let (runs, rest) = cut(input, &Ends::Lines, usual, step);
            assert!(runs.iter().all(|run| run.ends_with(b"\n")));
            assert_eq!(
                (&runs.concat()[..], &rest[..]),
                (&b"one\ntwo two two\n\n"[..], &b"last"[..])
            );
        }
    }

    #[test]
    fn records_come_whole_with_the_lines_in_them() {
        let input = b"a,\"b\n\"\"\n\"\n\"c\n\",d\n\"\nlast";
        let records: [&[u8]; 2] = [b"a,\"b\n\"\"\n\"\n", b"\"c\n\",d\n"];
        for (usual, step) in [(4, 1), (4, 100), (5, 3), (64, 7), (64, 100)] {
            let ends = Ends::Csv(RecordEnds::new(b','));
            let (runs, rest) = cut(input, &ends, usual, step);
            let whole = records.concat();
            assert!(
                runs.iter().all(|run| records.contains(&&run[..]) || *run == whole),
                "{runs:?}"
            );
            assert_eq!((runs.concat(), &rest[..]), (whole, &b"\"\nlast"[..]));
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
