//! Columns into the bodies of loads: JSON objects, CSV or Arrow, straight into one buffer.
//!
//! | type | JSON | CSV |
//! |---|---|---|
//! | bool, integer, float | `true`, `42`, `0.1`; integers for text in quotes | the same |
//! | decimal | `"12.50"`: quoted, so that no reader makes a float of it | `12.50` |
//! | date, timestamp | `"2026-11-20"`, `"2026-11-20 12:00:00[.123456]"` in UTC | the same |
//! | time, uuid | `"12:00:00.123456"`, `"00112233-…"` | the same |
//! | text, binary | a string; bytes in base64 | the text as it is |
//! | json | the value itself where the column is JSON, otherwise a string | the text as it is |
//! | null | `null` | `\N` |
//!
//! Nulls are written out. A member that is missing is a null to StarRocks, and to Doris the
//! column's default: the word says the same to both, and leaves nothing to a version's taste.
//!
//! StarRocks takes one array of objects, Doris an object a line; bodies of Doris that have
//! different columns may stand behind one another (flexible partial update). CSV has separators
//! that text does not have; a body with a value that has them, or that reads as null or as nothing
//! at all, goes as JSON.
//!
//! | file | what it is |
//! |---|---|
//! | `body` | whichever of the two writes a body: text, or Arrow |
//! | `arrow` | Arrow IPC streams |
//! | `column` | one column of the layout: what stands around its values |
//! | `cells` | the values of a column of a batch |
//! | `digits`, `text` | numbers and times, escapes and base64 |
//! | `line` | the part of a body that is being written |
//! | `compress` | bodies made smaller |
//!
//! *Invariants*: nothing allocates per row but the growing body; money is digits, never a float;
//! a delete writes its key, and for the rest null or, where the table takes none, a neutral value.
//! *Not here*: which values a table takes (`target`), headers (`protocol`).

mod arrow;
mod body;
mod cells;
mod column;
mod compress;
mod digits;
mod line;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;

use self::arrow::ArrowEncoder;
pub(in crate::sink::stream_load) use self::body::BodyEncoder;
use self::cells::Cells;
use self::column::Column;
pub(in crate::sink::stream_load) use self::compress::Compressor;
pub(in crate::sink::stream_load) use self::line::Line;
use self::line::Padded;
use super::config::{BodyFormat, Compression, PartialUpdateMode, System};
use super::held::Piece;
use super::protocol::{CSV_DELIMITER, CSV_SEPARATOR, DELETE_SIGN, OP_COLUMN, Shape};
use super::target::{Mapped, Origin};

/// What a value takes at most beside text, with its name; the longest are decimals. Names that are
/// longer ask for room themselves.
const VALUE_BYTES: usize = 160;

/// How a body says which of its rows delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) enum DeleteSign {
    /// It does not: every row is written whole. So it is without deletes, and with soft ones.
    None,
    /// By a column behind the others: `__op` or `__DORIS_DELETE_SIGN__`.
    Column,
}

/// Writes rows as text, as one system wants it.
pub(in crate::sink::stream_load) struct Encoder {
    system: System,
    format: BodyFormat,
    columns: Vec<Column>,
    deletes: DeleteSign,
    /// What the rows say of when they were taken.
    synced_at: Padded,
    /// Ends of objects that do not delete, and of those that do.
    object_ends: [Padded; 2],
    /// What a row takes at most beside its texts.
    margin: usize,
    /// Whether the body has a row.
    has_rows: bool,
}

impl Encoder {
    /// An encoder for bodies of these columns, in this order. `clock_now`, in microseconds since
    /// 1970 UTC, is when the rows were taken.
    pub(in crate::sink::stream_load) fn new(
        system: System,
        format: BodyFormat,
        layout: Vec<Mapped>,
        deletes: DeleteSign,
        clock_now: i64,
    ) -> Self {
        // What a row has beside its values fits into one more.
        let margin = (layout.len() + 1) * VALUE_BYTES;
        let mut line = Line::default();
        line.widen(margin);
        digits::Day::default().write_timestamp(&mut line, clock_now, true);
        let synced_at = Padded::new(line.written().to_vec());
        let object_end = |is_delete: bool| match (deletes, system, is_delete) {
            (DeleteSign::None, ..) => b"}".to_vec(),
            (DeleteSign::Column, System::StarRocks, _) => {
                format!(",\"{OP_COLUMN}\":{}}}", u8::from(is_delete)).into_bytes()
            }
            (DeleteSign::Column, System::Doris, _) => {
                format!(",\"{DELETE_SIGN}\":\"{}\"}}", u8::from(is_delete)).into_bytes()
            }
        };
        let object_ends = [false, true].map(|is_delete| {
            let mut end = object_end(is_delete);
            if system == System::Doris {
                end.push(b'\n');
            }
            Padded::new(end)
        });
        let columns =
            layout.into_iter().enumerate().map(|(place, mapped)| Column::new(mapped, place == 0));
        let columns = columns.collect();
        Self { system, format, columns, deletes, synced_at, object_ends, margin, has_rows: false }
    }

    /// Lets deletes carry the value of this column of the input, too: the one by which the target
    /// knows the later change.
    pub(in crate::sink::stream_load) fn with_sequence(mut self, input: Option<usize>) -> Self {
        for column in &mut self.columns {
            if input.is_some_and(|input| column.mapped.origin == Origin::Input(input)) {
                column.is_in_deletes = true;
            }
        }
        self
    }

    /// What a body is, for its load. `flexible`: its rows have each their own columns.
    pub(in crate::sink::stream_load) fn shape(
        &self,
        compression: Compression,
        partial: Option<PartialUpdateMode>,
        flexible: bool,
        sequence: Option<String>,
    ) -> Shape {
        let has_deletes = self.deletes == DeleteSign::Column;
        let sign = match self.system {
            System::StarRocks => OP_COLUMN,
            System::Doris => DELETE_SIGN,
        };
        let names = self.columns.iter().map(|column| column.mapped.name.clone());
        Shape {
            format: self.format,
            compression,
            columns: names.chain(has_deletes.then(|| sign.to_owned())).collect(),
            partial,
            has_deletes,
            flexible,
            sequence,
        }
    }

    /// Whether CSV can say every value of these rows; JSON can.
    pub(in crate::sink::stream_load) fn can_write(
        &self,
        piece: &Piece,
        rows: Range<usize>,
    ) -> bool {
        if self.format == BodyFormat::Json {
            return true;
        }
        let is_alone = self.is_alone();
        self.columns.iter().all(|column| {
            let cells = Cells::new(&column.mapped, piece, &self.synced_at);
            let can = |row| column.is_field(&cells, row, is_alone);
            match &piece.rows {
                None => rows.clone().all(can),
                Some(picks) => picks[rows.clone()].iter().all(|row| can(*row as usize)),
            }
        })
    }

    /// The same of rows whose texts have nothing special.
    fn can_write_plain(&self) -> bool {
        self.format == BodyFormat::Json || !self.is_alone()
    }

    /// Whether a record is one field: readers skip an empty line, and with it a row of one empty
    /// text.
    fn is_alone(&self) -> bool {
        self.columns.len() == 1 && self.deletes == DeleteSign::None
    }

    /// Begins a body.
    pub(in crate::sink::stream_load) fn begin(&mut self, out: &mut Line) {
        self.has_rows = false;
        if self.is_array() {
            out.bytes(b"[");
        }
    }

    /// Appends rows of a piece, all of which can be written, to a body that has begun.
    pub(in crate::sink::stream_load) fn encode(
        &mut self,
        out: &mut Line,
        piece: &Piece,
        rows: Range<usize>,
    ) {
        out.widen(self.margin);
        let mut cells: Vec<Cells<'_>> = self
            .columns
            .iter()
            .map(|column| Cells::new(&column.mapped, piece, &self.synced_at))
            .collect();
        match &piece.rows {
            None => self.encode_rows(out, piece, &mut cells, rows),
            Some(picks) => {
                let rows = picks[rows].iter().map(|row| *row as usize);
                self.encode_rows(out, piece, &mut cells, rows);
            }
        }
    }

    /// Ends a body.
    pub(in crate::sink::stream_load) fn end(&self, out: &mut Line) {
        if self.is_array() {
            out.bytes(b"]");
        }
    }

    fn is_array(&self) -> bool {
        self.format == BodyFormat::Json && self.system == System::StarRocks
    }

    fn encode_rows(
        &mut self,
        line: &mut Line,
        piece: &Piece,
        cells: &mut [Cells<'_>],
        rows: impl Iterator<Item = usize>,
    ) {
        let deletes = piece.deletes.as_ref().filter(|_| self.deletes == DeleteSign::Column);
        let is_array = self.is_array();
        for row in rows {
            let is_delete = deletes.is_some_and(|deletes| deletes.value(row));
            line.reserve(0);
            match self.format {
                // Arrow has an encoder of its own.
                BodyFormat::Json | BodyFormat::Arrow => {
                    if is_array && self.has_rows {
                        line.byte(b',');
                    }
                    self.object(line, cells, row, is_delete);
                }
                BodyFormat::Csv => self.record(line, cells, row, is_delete),
            }
            self.has_rows = true;
        }
    }

    #[inline]
    fn object(&self, line: &mut Line, cells: &mut [Cells<'_>], row: usize, is_delete: bool) {
        for (column, cells) in self.columns.iter().zip(cells) {
            if is_delete && !column.is_in_deletes {
                column.neutral_member(line);
            } else {
                column.member(line, cells, row);
            }
        }
        self.object_ends[usize::from(is_delete)].put(line);
    }

    fn record(&self, line: &mut Line, cells: &mut [Cells<'_>], row: usize, is_delete: bool) {
        for (place, (column, cells)) in self.columns.iter().zip(cells).enumerate() {
            if place > 0 {
                line.byte(CSV_SEPARATOR);
            }
            if is_delete && !column.is_in_deletes {
                column.neutral_field(line);
            } else {
                column.field(line, cells, row);
            }
        }
        if self.deletes == DeleteSign::Column {
            line.put(&[CSV_SEPARATOR, b'0' + u8::from(is_delete)], 2);
        }
        line.byte(CSV_DELIMITER);
    }
}
