//! Lines out of chunks, and batches out of lines.
//!
//! A chunk is taken in blocks of whole lines that fit the nearest cache: one pass checks a block's
//! UTF-8, then its lines are read. The fast path finds a line's end as it goes; only the general
//! path looks for it.

use memchr::{memchr, memrchr};

use super::batch::{Decoded, Limits, MAX_LINE_BYTES, Progress};
use super::convert;
use super::fast::Run;
use super::habit::Habit;
use super::path::PathTree;
use super::reject::{blocked, printable};
use super::shape::Shapes;
use super::walk::Walk;
use crate::format::{ColumnBuilder, ColumnSpec, RowReject};

/// A batch ends here whatever its limits say, so that a text column's bytes stay within its 32-bit
/// offsets: no column holds more than was read, and one line more is below 2 GiB.
pub(in crate::format) const MAX_BATCH_BYTES: usize = 1 << 30;

/// Lines checked for UTF-8 at once: little enough to stay in the first-level cache until they are
/// read, and to lose little when a batch ends among them.
const BLOCK_BYTES: usize = 32 << 10;

pub(in crate::format) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Decodes newline-delimited JSON into columns.
///
/// Feed it whole lines with [`JsonDecoder::decode_chunk`] until a batch is full or the input is
/// exhausted, and take the batch with [`JsonDecoder::finish`]. How the lines are cut into chunks and
/// batches changes no row and no reject.
#[derive(Debug)]
pub struct JsonDecoder {
    columns: Vec<ColumnBuilder>,
    /// By column: its node of the tree.
    nodes: Vec<usize>,
    tree: PathTree,
    walk: Walk,
    shapes: Shapes,
    habit: Habit,
    scratch: String,
    line: u64,
    max_line_bytes: usize,
    batch_bytes: usize,
    rows: usize,
    lines: Vec<i64>,
    rejects: Vec<RowReject>,
    fast_rows: u64,
}

/// What a line came to on the general path.
enum Outcome {
    Row,
    Blank,
    Reject { reason: String, column: Option<String> },
}

impl JsonDecoder {
    /// A decoder that stands in front of line 1.
    #[must_use]
    pub fn new(columns: Vec<ColumnSpec>) -> Self {
        Self::with_habit(&columns, Habit::new(true))
    }

    /// A decoder that never leaves the general path: what [`JsonDecoder::new`] is measured and
    /// tested against.
    #[must_use]
    pub fn without_learning(columns: Vec<ColumnSpec>) -> Self {
        Self::with_habit(&columns, Habit::new(false))
    }

    fn with_habit(columns: &[ColumnSpec], habit: Habit) -> Self {
        let tree = PathTree::new(columns);
        Self {
            columns: columns.iter().map(ColumnBuilder::new).collect(),
            nodes: tree.nodes_by_column(columns.len()),
            walk: Walk::new(&tree),
            tree,
            shapes: Shapes::new(),
            habit,
            scratch: String::new(),
            line: 1,
            max_line_bytes: MAX_LINE_BYTES,
            batch_bytes: 0,
            rows: 0,
            lines: Vec::new(),
            rejects: Vec::new(),
            fast_rows: 0,
        }
    }

    /// Stands in front of line `line`, such as where a resumed file goes on. In front of line 1, and
    /// only there, a byte order mark is taken.
    pub fn seek(&mut self, line: u64) {
        self.line = line;
    }

    /// The number of the next line.
    #[must_use]
    pub fn next_line(&self) -> u64 {
        self.line
    }

    /// Rows of the batch so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rejects of the batch so far.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.rejects.len()
    }

    /// Rows since the decoder was made that ran along a learnt shape.
    #[must_use]
    pub fn fast_rows(&self) -> u64 {
        self.fast_rows
    }

    /// Reads lines until the chunk ends or the batch is full.
    ///
    /// The chunk holds whole lines; only the input's last line may lack its newline.
    pub fn decode_chunk(&mut self, chunk: &[u8], limits: Limits) -> Progress {
        let mut progress = Progress::default();
        let mut rest = chunk;
        if self.line == 1
            && !self.is_full(limits)
            && let Some(behind) = rest.strip_prefix(BYTE_ORDER_MARK)
        {
            progress.bytes += BYTE_ORDER_MARK.len();
            rest = behind;
        }
        while !rest.is_empty() && !self.is_full(limits) {
            let block = first_block(rest);
            let read = match simdutf8::basic::from_utf8(block) {
                _ if block.len() > self.max_line_bytes => self.reject_long(block, &mut progress),
                Ok(text) => self.decode_block(text, limits, &mut progress),
                Err(_) => self.decode_line_by_line(block, limits, &mut progress),
            };
            progress.bytes += read;
            rest = rest.get(read..).unwrap_or_default();
        }
        progress.full = self.is_full(limits);
        progress
    }

    /// Hands over the batch and begins the next one.
    #[must_use]
    pub fn finish(&mut self) -> Decoded {
        let rows = std::mem::take(&mut self.rows);
        self.batch_bytes = 0;
        Decoded {
            columns: self.columns.iter_mut().map(ColumnBuilder::finish).collect(),
            lines: std::mem::replace(&mut self.lines, Vec::with_capacity(rows)),
            rejects: std::mem::take(&mut self.rejects),
            rows,
        }
    }

    #[inline]
    fn is_full(&self, limits: Limits) -> bool {
        self.rows + self.rejects.len() >= limits.rows.max(1)
            || self.batch_bytes >= limits.bytes.clamp(1, MAX_BATCH_BYTES)
    }

    /// Reads lines of a block that is UTF-8; how many bytes of it.
    fn decode_block(&mut self, block: &str, limits: Limits, progress: &mut Progress) -> usize {
        let mut at = 0;
        while at < block.len() && !self.is_full(limits) {
            let start = at;
            at = match self.run(block, start) {
                Some(behind) => {
                    self.fast_rows += 1;
                    self.push_row();
                    self.count_run(true);
                    behind
                }
                None => self.decode_line(block, start, progress),
            };
            self.pass_line(at - start, progress);
        }
        at
    }

    #[inline]
    fn pass_line(&mut self, bytes: usize, progress: &mut Progress) {
        self.line += 1;
        self.batch_bytes += bytes;
        progress.lines += 1;
    }

    #[inline]
    fn push_row(&mut self) {
        self.rows += 1;
        self.lines.push(self.line.cast_signed());
    }

    #[inline]
    fn count_run(&mut self, ran: bool) {
        if self.habit.count(ran) {
            self.shapes.clear();
        }
    }

    /// The fast path; where the next line begins, or `None` with no trace left.
    #[inline]
    fn run(&mut self, block: &str, at: usize) -> Option<usize> {
        if !self.habit.tries() {
            return None;
        }
        let behind = Run {
            shapes: &self.shapes,
            tree: &self.tree,
            columns: &mut self.columns,
            scratch: &mut self.scratch,
            block,
        }
        .line(at);
        if behind.is_none() {
            self.take_back();
        }
        behind
    }

    /// Takes back what a line that became no row left in the columns.
    #[cold]
    fn take_back(&mut self) {
        for column in &mut self.columns {
            column.truncate(self.rows);
        }
    }

    /// The general path; where the next line begins.
    fn decode_line(&mut self, block: &str, start: usize, progress: &mut Progress) -> usize {
        let rest = block.get(start..).unwrap_or_default();
        let (line, length) = match memchr(b'\n', rest.as_bytes()) {
            Some(end) => (rest.get(..end).unwrap_or_default(), end + 1),
            None => (rest, rest.len()),
        };
        match self.general(line) {
            Outcome::Row => {
                self.push_row();
                if self.habit.tries()
                    && let Some(slots) = self.walk.slots()
                {
                    self.shapes.learn(line.as_bytes(), slots, &self.tree, self.columns.len());
                }
                self.count_run(false);
            }
            Outcome::Blank => progress.blank_lines += 1,
            Outcome::Reject { reason, column } => {
                self.take_back();
                self.reject(line.as_bytes(), reason, column);
                self.count_run(false);
            }
        }
        start + length
    }

    fn general(&mut self, line: &str) -> Outcome {
        if line.bytes().all(is_blank) {
            return Outcome::Blank;
        }
        if let Err(error) = self.walk.line(&self.tree, line) {
            return Outcome::Reject { reason: error.describe(line), column: None };
        }
        for (column, node) in self.columns.iter_mut().zip(&self.nodes) {
            let pushed = match self.walk.value(&self.tree, *node) {
                Ok(Some(found)) => {
                    let raw = line.get(found.start..found.end).unwrap_or_default();
                    convert::push(column, found.kind, raw, &mut self.scratch)
                }
                Ok(None) => column.push_null(),
                Err((above, kind)) => Err(blocked(&self.tree, *node, above, kind)),
            };
            if let Err(reason) = pushed {
                return Outcome::Reject { reason, column: Some(column.name.to_string()) };
            }
        }
        Outcome::Row
    }

    /// Reads the lines of a block that is not UTF-8 throughout.
    fn decode_line_by_line(
        &mut self,
        block: &[u8],
        limits: Limits,
        progress: &mut Progress,
    ) -> usize {
        let mut at = 0;
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            if self.is_full(limits) {
                break;
            }
            at += match std::str::from_utf8(line) {
                Ok(text) => self.decode_block(text, limits, progress),
                Err(error) => {
                    let byte = error.valid_up_to() + 1;
                    let reason = format!("byte {byte}: expected UTF-8, found other bytes");
                    self.reject(line, reason, None);
                    self.pass_line(line.len(), progress);
                    line.len()
                }
            };
        }
        at
    }

    fn reject_long(&mut self, line: &[u8], progress: &mut Progress) -> usize {
        let (max, length) = (self.max_line_bytes, line.len());
        let reason = format!("expected a line of at most {max} bytes, found {length}");
        self.reject(line, reason, None);
        self.pass_line(length, progress);
        length
    }

    fn reject(&mut self, line: &[u8], reason: String, column: Option<String>) {
        let input = printable(line);
        self.rejects.push(RowReject { line: self.line, reason, column, input });
    }

    /// No less than a block, which may hold several lines.
    #[cfg(test)]
    pub(super) fn set_max_line_bytes(&mut self, bytes: usize) {
        self.max_line_bytes = bytes;
    }
}

/// The lines at the beginning that make a block: as many as fit, but at least one.
fn first_block(rest: &[u8]) -> &[u8] {
    let Some(head) = rest.get(..BLOCK_BYTES) else { return rest };
    let end = memrchr(b'\n', head).or_else(|| memchr(b'\n', rest));
    end.and_then(|end| rest.get(..=end)).unwrap_or(rest)
}

pub(in crate::format) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}
