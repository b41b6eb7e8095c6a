//! Lines out of chunks, and batches of changes out of lines.

use arrow_array::ArrayRef;
use arrow_buffer::ScalarBuffer;
use memchr::memchr;

use super::image::{Document, Image, Refusal, bits};
use super::members::Origin;
use super::message::{self, Change, Message};
use super::schema::{Form, Schemas};
use super::tables::Tables;
use super::tombstones::Tombstones;
use super::value::Scratch;
use crate::format::json::{
    BYTE_ORDER_MARK, Found, Kind, MAX_BATCH_BYTES, PathTree, Walk, is_blank, printable, push_plain,
};
use crate::format::{
    ColumnBuilder, ColumnSpec, Limits, MAX_LINE_BYTES, Progress, RowReject, Scalar, TimeUnit,
};
use crate::record::{Before, Column, Operation};

/// What a message tells of its change beside the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeFact {
    /// When the change was made in the source: a timestamp.
    Timestamp,
    /// PostgreSQL's log sequence number: i64. Others have none.
    Lsn,
    /// The table, or the collection: text.
    Table,
}

/// A batch of changes.
#[derive(Clone, Debug)]
pub struct DecodedChanges {
    /// One for each column, in the order of the specifications.
    pub columns: Vec<Column>,
    /// One array for each fact, in the order asked for.
    pub facts: Vec<ArrayRef>,
    /// Each row's operation, as the code of its [`Operation`].
    pub operations: ScalarBuffer<u8>,
    /// The before images, if there are any; the same columns as of the rows.
    pub before: Option<Before>,
    /// Each row's line number.
    pub lines: Vec<i64>,
    /// The lines between that could not become rows, in order.
    pub rejects: Vec<RowReject>,
    /// How many rows the columns hold.
    pub rows: usize,
}

/// Decodes lines of Debezium's JSON into columns.
///
/// It is used as [`JsonDecoder`](crate::format::JsonDecoder) is; columns' paths start at the row.
/// Tombstones, logical messages, heartbeats, metadata and messages of other tables than the one that is
/// asked for are lines that become neither rows nor rejects.
#[derive(Debug)]
pub struct DebeziumDecoder {
    rows: Image,
    befores: Image,
    /// The rows that have a before image.
    present: Vec<usize>,
    facts: Vec<(ChangeFact, ColumnBuilder)>,
    operations: Vec<u8>,
    /// By column: its node of the tree.
    nodes: Vec<usize>,
    tree: PathTree,
    walk: Walk,
    schemas: Schemas,
    tables: Tables,
    tombstones: Tombstones,
    scratch: Scratch,
    line: u64,
    batch_bytes: usize,
    lines: Vec<i64>,
    rejects: Vec<RowReject>,
}

impl DebeziumDecoder {
    /// A decoder that stands in front of line 1. A fact's column has the type of the fact; its path
    /// and its unit are not looked at.
    #[must_use]
    pub fn new(columns: Vec<ColumnSpec>, facts: Vec<(ChangeFact, ColumnSpec)>) -> Self {
        let tree = PathTree::new(&columns);
        let fact = |(fact, spec)| {
            let spec = ColumnSpec { unit: Some(TimeUnit::Us), ..spec };
            (fact, ColumnBuilder::new(&spec))
        };
        Self {
            rows: Image::new(&columns),
            befores: Image::new(&columns),
            present: Vec::new(),
            facts: facts.into_iter().map(fact).collect(),
            operations: Vec::new(),
            nodes: tree.nodes_by_column(columns.len()),
            walk: Walk::new(&tree),
            tree,
            schemas: Schemas::new(&columns),
            tables: Tables::default(),
            tombstones: Tombstones::default(),
            scratch: Scratch::default(),
            line: 1,
            batch_bytes: 0,
            lines: Vec::new(),
            rejects: Vec::new(),
        }
    }

    /// Reads the tables of these names alone: a table's own name, or with that of its schema or
    /// database and a dot before it. Of several, no truncate is taken. Without any, there may be one
    /// table only, and no truncate.
    #[must_use]
    pub fn of_tables(self, tables: Vec<String>) -> Self {
        Self { tables: Tables::new(tables), ..self }
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

    /// Whether a tombstone came without its row's delete.
    #[cfg(test)]
    pub(super) fn loses_deletes(&self) -> bool {
        self.tombstones.are_lost()
    }

    /// Rows of the batch so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.operations.len()
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
            let length = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (line, behind) = rest.split_at(length);
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if line.iter().copied().all(is_blank) {
                progress.blank_lines += 1;
            } else if let Err(Refusal { reason, column }) = self.decode_line(line) {
                let input = printable(line);
                self.rejects.push(RowReject { line: self.line, reason, column, input });
            }
            self.line += 1;
            self.batch_bytes += length;
            progress.lines += 1;
            progress.bytes += length;
            rest = behind;
        }
        progress.full = self.is_full(limits);
        progress
    }

    /// Hands over the batch and begins the next one.
    #[must_use]
    pub fn finish(&mut self) -> DecodedChanges {
        let rows = self.rows();
        self.batch_bytes = 0;
        let passed = self.tables.take_passed();
        if passed > 0 {
            tracing::debug!(messages = passed, "messages of other tables were passed over");
        }
        let before = bits(&self.present, rows).map(|present| {
            self.befores.pad(rows);
            Before { present, columns: self.befores.finish() }
        });
        self.befores.truncate(0);
        self.present.clear();
        DecodedChanges {
            columns: self.rows.finish(),
            facts: self.facts.iter_mut().map(|(_, builder)| builder.finish()).collect(),
            operations: std::mem::replace(&mut self.operations, Vec::with_capacity(rows)).into(),
            before,
            lines: std::mem::replace(&mut self.lines, Vec::with_capacity(rows)),
            rejects: std::mem::take(&mut self.rejects),
            rows,
        }
    }

    fn is_full(&self, limits: Limits) -> bool {
        self.rows() + self.rejects.len() >= limits.rows.max(1)
            || self.batch_bytes >= limits.bytes.clamp(1, MAX_BATCH_BYTES)
    }

    fn decode_line(&mut self, line: &[u8]) -> Result<(), Refusal> {
        if line.len() > MAX_LINE_BYTES {
            let length = line.len();
            let reason =
                format!("expected a line of at most {MAX_LINE_BYTES} bytes, found {length}");
            return Err(reason.into());
        }
        let Ok(text) = simdutf8::basic::from_utf8(line) else {
            let valid = line.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
            return Err(format!("byte {}: expected UTF-8, found other bytes", valid + 1).into());
        };
        let message = message::read(text, &mut self.schemas);
        self.tombstones.take(message.as_ref().ok());
        let Message::Change(change) = message? else { return Ok(()) };
        if !self.tables.take(text, &change)? {
            return Ok(());
        }
        let row = self.rows();
        if let Err(refusal) = self.push(text, &change) {
            self.take_back(row);
            return Err(refusal);
        }
        self.operations.push(change.operation as u8);
        self.lines.push(self.line.cast_signed());
        Ok(())
    }

    /// Appends a change to all columns, or to some before it is refused.
    fn push(&mut self, line: &str, change: &Change) -> Result<(), Refusal> {
        let row = self.rows();
        let semantics =
            if change.has_schema { self.schemas.current(change.form) } else { Default::default() };
        for (fact, builder) in &mut self.facts {
            push_fact(*fact, builder, line, &change.origin, &mut self.scratch.text)
                .map_err(|reason| Refusal { reason, column: Some(builder.name.to_string()) })?;
        }
        let key_only = change.operation == Operation::Delete;
        for (image, is_before) in [(change.after, false), (change.before, true)] {
            let Some(image) = image else { continue };
            let text = line.get(image.start..image.end).unwrap_or_default();
            self.walk.line(&self.tree, text).map_err(|error| error.describe(text))?;
            let document = Document {
                text,
                tree: &self.tree,
                nodes: &self.nodes,
                walk: &self.walk,
                semantics,
            };
            if change.form == Form::Row && document.is_strange() {
                let reason = "expected a Debezium message or a row of it, found an object with none of \
                              the columns";
                return Err(reason.to_owned().into());
            }
            if !is_before || key_only {
                self.rows.push(&document, key_only, &mut self.scratch)?;
            }
            if is_before {
                self.befores.pad(row);
                // What cannot be read now could not when it was the row: nothing stands before.
                if self.befores.push(&document, false, &mut self.scratch).is_ok() {
                    self.present.push(row);
                }
            }
        }
        // A truncate has no row.
        self.rows.pad(row + 1);
        Ok(())
    }

    /// Takes back what a line that became no row left in the columns.
    #[cold]
    fn take_back(&mut self, row: usize) {
        self.rows.truncate(row);
        self.befores.truncate(row);
        while self.present.last().is_some_and(|present| *present >= row) {
            self.present.pop();
        }
        for (_, builder) in &mut self.facts {
            builder.truncate(row);
        }
    }
}

fn push_fact(
    fact: ChangeFact,
    builder: &mut ColumnBuilder,
    line: &str,
    origin: &Origin,
    scratch: &mut String,
) -> Result<(), String> {
    let some = |found: Option<Found>| found.filter(|found| found.kind != Kind::Null);
    let raw = |found: Found| line.get(found.start..found.end).unwrap_or_default();
    let found = match fact {
        ChangeFact::Timestamp => match (some(origin.ts_us), some(origin.ts_ms)) {
            // Old versions have milliseconds only.
            (None, Some(millis)) => return builder.push(Scalar::Instant(raw(millis))),
            (micros, _) => micros,
        },
        ChangeFact::Lsn => some(origin.lsn),
        ChangeFact::Table => some(origin.table),
    };
    match found {
        Some(found) => push_plain(builder, found.kind, raw(found), scratch),
        None => builder.push_null(),
    }
}
