//! Rows of a part as the body of a load, written while it is sent.
//!
//! *Invariants*: few rows are in memory as bytes; each reading gives
//! the same bytes, since rows, columns and the time that they say do not change.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::sink::stream_load::config::Compression;
use crate::sink::stream_load::encode::{BodyEncoder, Compressor, Line};
use crate::sink::stream_load::held::Piece;
use crate::sink::stream_load::http::{Payload, Written};

/// Bytes that are written at once: what stays in a processor's nearest memory until it is copied.
const CHUNK_BYTES: usize = 24 << 10;

/// Pieces, each with the numbers of its own rows.
pub(super) type Spans<'a> = Vec<(&'a Piece, Range<usize>)>;

/// The body.
pub(super) struct Stream<'a, M> {
    spans: Spans<'a>,
    compression: Compression,
    /// What a row takes, roughly.
    row_bytes: usize,
    /// Makes what writes rows of these columns (`None`: all).
    make: M,
    written: Mutex<Written>,
}

impl<'a, M: Fn(Option<&[usize]>) -> BodyEncoder> Stream<'a, M> {
    /// The body of all these rows.
    pub(super) fn new(
        spans: Spans<'a>,
        compression: Compression,
        row_bytes: usize,
        make: M,
    ) -> Self {
        Self { spans, compression, row_bytes, make, written: Mutex::default() }
    }
}

impl<M: Fn(Option<&[usize]>) -> BodyEncoder + Sync> Payload for Stream<'_, M> {
    fn reader(&self) -> Box<dyn Read + '_> {
        let present = self.spans.first().and_then(|(piece, _)| piece.present.clone());
        let encoder = (self.make)(present.as_deref());
        Box::new(Reading {
            spans: &self.spans,
            place: (0, 0),
            rows_at_once: encoder.rows_at_once(self.row_bytes, CHUNK_BYTES),
            make: &self.make,
            encoder,
            present,
            compressor: Some(Compressor::new(self.compression)),
            line: Line::new(2 * CHUNK_BYTES),
            packed: Vec::new(),
            is_packed: false,
            read: 0,
            has_begun: false,
            bytes: 0,
            written: &self.written,
        })
    }

    fn written(&self) -> Written {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One reading of a body.
struct Reading<'a> {
    spans: &'a [(&'a Piece, Range<usize>)],
    /// The span that comes next, and how many of its rows are written.
    place: (usize, usize),
    rows_at_once: usize,
    make: &'a dyn Fn(Option<&[usize]>) -> BodyEncoder,
    encoder: BodyEncoder,
    /// The columns that it writes.
    present: Option<Arc<[usize]>>,
    /// None: the body is at its end.
    compressor: Option<Compressor>,
    /// Rows as they are written.
    line: Line,
    /// The same as they are sent, where they are compressed.
    packed: Vec<u8>,
    is_packed: bool,
    /// How much of what is sent next is read.
    read: usize,
    has_begun: bool,
    bytes: u64,
    written: &'a Mutex<Written>,
}

impl Reading<'_> {
    /// What can be read without writing more.
    fn ready(&self) -> &[u8] {
        let chunk = if self.is_packed { &self.packed[..] } else { self.line.written() };
        &chunk[self.read..]
    }

    /// Writes the next rows; nothing is ready afterwards at the end.
    fn write(&mut self) {
        (self.read, self.is_packed) = (0, false);
        self.line.clear();
        while self.ready().is_empty()
            && let Some(mut compressor) = self.compressor.take()
        {
            self.line.clear();
            let is_last = self.write_rows();
            self.is_packed = compressor.pass(self.line.written(), &mut self.packed);
            if !is_last {
                self.compressor = Some(compressor);
            } else if self.is_packed {
                compressor.end(&mut self.packed);
            }
        }
        self.bytes += self.ready().len() as u64;
    }

    /// Writes rows until there are enough; answers whether the body ends with them.
    fn write_rows(&mut self) -> bool {
        if !self.has_begun {
            self.has_begun = true;
            self.encoder.begin(&mut self.line);
        }
        while let Some((piece, rows)) = self.spans.get(self.place.0) {
            if piece.present != self.present {
                // Objects of other columns stand behind the others.
                self.encoder = (self.make)(piece.present.as_deref());
                self.present.clone_from(&piece.present);
            }
            let start = rows.start + self.place.1;
            let end = rows.end.min(start + self.rows_at_once);
            self.encoder.encode(&mut self.line, piece, start..end);
            self.place = if end == rows.end {
                (self.place.0 + 1, 0)
            } else {
                (self.place.0, end - rows.start)
            };
            if self.line.written().len() >= CHUNK_BYTES / 2 {
                return false;
            }
        }
        self.encoder.end(&mut self.line);
        true
    }

    /// Fills `out`, or as much of it as the body is.
    fn fill(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < out.len() {
            if self.ready().is_empty() {
                self.write();
            }
            let ready = self.ready();
            let count = ready.len().min(out.len() - filled);
            if count == 0 {
                break;
            }
            out[filled..filled + count].copy_from_slice(&ready[..count]);
            self.read += count;
            filled += count;
        }
        filled
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let started = processor_time();
        let count = self.fill(out);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.bytes = self.bytes;
        written.time += processor_time().saturating_sub(started);
        Ok(count)
    }
}

/// The time that a processor has had to do with this thread.
fn processor_time() -> Duration {
    // There is such a clock wherever there are threads; elsewhere nothing is counted.
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
