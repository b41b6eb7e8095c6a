//! A part of held rows as bodies for its table.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::label::Spot;
use super::loader::Body;
use super::part::Contents;
use super::rows::RowSet;
use super::stream::{Spans, Stream};
use crate::record::Epoch;
use crate::sink::stream_load::config::{
    BodyFormat, Compression, Deletes, PartialUpdateMode, StreamLoadConfig, System,
};
use crate::sink::stream_load::encode::{BodyEncoder, DeleteSign, Line};
use crate::sink::stream_load::held::{Part, Piece};
use crate::sink::stream_load::target::{Mapped, Origin, Table};
use crate::sink::{LateRefusal, WriteMode};

/// Behind why a row is refused that stands for all changes of its key.
const NOTHING_OF_THE_KEY: &str = "; of the changes of its key since the load before none is loaded, \
                                  and the row stays what it was";

/// How the loads of one table are written.
#[derive(Debug)]
pub(in crate::sink::stream_load) struct Layouts {
    config: Layout,
    table: String,
    mapped: Vec<Mapped>,
}

/// What the settings say of it.
#[derive(Debug)]
struct Layout {
    system: System,
    format: BodyFormat,
    compression: Compression,
    partial: PartialUpdateMode,
    /// Whether a row of a key replaces the one that is there.
    is_keyed: bool,
    /// Whether deletes are told by a column of the body.
    signs_deletes: bool,
    /// The column whose greater value wins.
    sequence: Option<Arc<str>>,
}

impl Layout {
    /// Doris takes no compressed JSON, which a body that cannot be CSV becomes.
    fn compression_of(&self, format: BodyFormat) -> Compression {
        match (self.system, format) {
            (System::Doris, BodyFormat::Json | BodyFormat::Arrow) => Compression::None,
            _ => self.compression,
        }
    }
}

/// A part's rows, in order.
pub(in crate::sink::stream_load) struct PartContents {
    layouts: Arc<Layouts>,
    part: Part,
    /// Of each piece, the number of its first row.
    starts: Vec<usize>,
    has_deletes: bool,
    /// When the rows were taken.
    now: i64,
    /// Whether a value cannot stand in CSV.
    is_json: AtomicBool,
}

impl Layouts {
    pub(in crate::sink::stream_load) fn new(
        config: &StreamLoadConfig,
        table: &Table,
        mapped: &[Mapped],
    ) -> Self {
        let layout = Layout {
            system: config.system,
            format: config.format,
            compression: config.compression,
            partial: config.partial_update,
            is_keyed: config.mode == WriteMode::Upsert,
            signs_deletes: config.mode == WriteMode::Upsert && config.deletes == Deletes::Hard,
            sequence: config.sequence.clone(),
        };
        Self { config: layout, table: table.name.clone(), mapped: mapped.to_vec() }
    }

    /// The columns of a body: those of the input that its rows have, the key, and the audit's.
    fn columns(&self, present: Option<&[usize]>) -> Vec<Mapped> {
        let is_in = |column: &&Mapped| match (column.origin, present) {
            (Origin::Input(index), Some(present)) => column.key || present.contains(&index),
            _ => true,
        };
        self.mapped.iter().filter(is_in).cloned().collect()
    }
}

impl PartContents {
    /// The rows of `part`, which were taken at `now`.
    pub(in crate::sink::stream_load) fn new(layouts: &Arc<Layouts>, part: Part, now: i64) -> Self {
        let mut next = 0;
        let starts = part.pieces.iter().map(|piece| {
            let start = next;
            next += piece.len();
            start
        });
        let starts = starts.collect();
        let has_deletes = part.pieces.iter().any(|piece| piece.deletes.is_some());
        let layouts = Arc::clone(layouts);
        let is_json = AtomicBool::new(false);
        Self { layouts, part, starts, has_deletes, now, is_json }
    }

    /// Where the part belongs.
    pub(in crate::sink::stream_load) fn spot(&self, epoch: Epoch) -> Spot<'_> {
        let Part { set, index, of, .. } = &self.part;
        Spot { epoch, table: &self.layouts.table, set, index: *index, of: *of }
    }

    /// The format that bodies have, as far as is known.
    fn format(&self) -> BodyFormat {
        let Layout { format, signs_deletes, .. } = self.layouts.config;
        let has_signs = self.has_deletes && signs_deletes;
        let is_json = self.is_json.load(Ordering::Relaxed)
            // Only JSON has rows of different columns,
            || self.part.is_flexible
            // and Arrow has no column that tells deletes.
            || (format == BodyFormat::Arrow && has_signs);
        if is_json { BodyFormat::Json } else { format }
    }

    /// The column whose greater value wins, if bodies have it.
    fn sequence(&self, columns: &[Mapped]) -> Option<Mapped> {
        let name = self.layouts.config.sequence.as_deref()?;
        columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)).cloned()
    }

    /// What writes rows that have these columns (`None`: all) in this format, and the column whose
    /// greater value wins.
    fn encoder(
        &self,
        format: BodyFormat,
        present: Option<&[usize]>,
    ) -> (BodyEncoder, Option<Mapped>) {
        let layout = &self.layouts.config;
        let columns = self.layouts.columns(present);
        let sequence = self.sequence(&columns);
        let input = sequence.as_ref().and_then(|column| match column.origin {
            Origin::Input(index) => Some(index),
            _ => None,
        });
        let deletes = match self.has_deletes && layout.signs_deletes {
            true => DeleteSign::Column,
            false => DeleteSign::None,
        };
        let encoder = BodyEncoder::new(layout.system, format, columns, deletes, self.now, input);
        (encoder, sequence)
    }

    /// The columns of the first rows; unless the part is flexible, of all.
    fn present(&self) -> Option<&[usize]> {
        self.part.pieces.first()?.present.as_deref()
    }

    /// The pieces that have rows of a range, each with its own rows of it.
    fn pieces(&self, rows: Range<usize>) -> impl Iterator<Item = (&Piece, Range<usize>)> {
        let first = self.starts.partition_point(|start| *start <= rows.start).saturating_sub(1);
        let end = self.starts.partition_point(|start| *start < rows.end);
        (first..end.max(first)).map(move |place| {
            let (piece, start) = (&self.part.pieces[place], self.starts[place]);
            let from = rows.start.saturating_sub(start);
            (piece, from..(rows.end - start).min(piece.len()))
        })
    }

    /// Where the rows are, in order.
    fn spans(&self, rows: &RowSet) -> Spans<'_> {
        rows.ranges().iter().flat_map(|range| self.pieces(range.clone())).collect()
    }

    /// The rows in this format; `None`: they cannot be written so.
    fn stream<'a>(&'a self, rows: &'a RowSet, format: BodyFormat) -> Option<Body<'a>> {
        let layout = &self.layouts.config;
        let (encoder, sequence) = self.encoder(format, self.present());
        let spans = self.spans(rows);
        let is_plain = self.part.is_plain && encoder.can_write_plain();
        if !is_plain && !spans.iter().all(|(piece, rows)| encoder.can_write(piece, rows.clone())) {
            return None;
        }
        let partial = self.present().is_some().then_some(layout.partial);
        let sequence = sequence.map(|column| column.name);
        let compression = layout.compression_of(format);
        let shape = encoder.shape(compression, partial, self.part.is_flexible, sequence);
        let make = move |present: Option<&[usize]>| self.encoder(format, present).0;
        let row_bytes = self.part.bytes.div_ceil(self.part.rows.max(1));
        let payload = Box::new(Stream::new(spans, compression, row_bytes, make));
        Some(Body { shape, payload, rows: rows.len() as u64 })
    }
}

impl Contents for PartContents {
    fn rows(&self) -> usize {
        self.part.rows
    }

    fn body<'a>(&'a self, rows: &'a RowSet) -> Body<'a> {
        self.stream(rows, self.format()).unwrap_or_else(|| {
            self.is_json.store(true, Ordering::Relaxed);
            self.stream(rows, BodyFormat::Json).expect("JSON takes every value")
        })
    }

    fn text(&self, row: usize) -> Vec<u8> {
        let mut text = Line::default();
        let format = self.format();
        // Of Arrow, the target shows values in ways of its own.
        if format == BodyFormat::Arrow {
            return Vec::new();
        }
        for (piece, rows) in self.pieces(row..row + 1) {
            let (mut encoder, _) = self.encoder(format, piece.present.as_deref());
            // What CSV does not take has no text, and so is not known by it.
            if encoder.can_write(piece, rows.clone()) {
                encoder.encode(&mut text, piece, rows);
            }
        }
        text.written().to_vec()
    }

    fn refused(&self, row: usize, mut reason: String) -> LateRefusal {
        if self.layouts.config.is_keyed {
            reason.push_str(NOTHING_OF_THE_KEY);
        }
        let (piece, rows) = self.pieces(row..row + 1).next().expect("the row is one of the part's");
        let row = u32::try_from(piece.place(rows.start)).expect("a batch is small");
        LateRefusal { row: piece.batch.take(&[row]), reason, column: None }
    }
}
