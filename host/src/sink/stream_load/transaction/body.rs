//! A part of held rows as bodies for its table.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::buffers::Buffers;
use super::label::Spot;
use super::loader::Body;
use super::part::Contents;
use super::rows::RowSet;
use crate::record::Epoch;
use crate::sink::stream_load::config::{
    BodyFormat, Compression, Deletes, PartialUpdateMode, StreamLoadConfig, System,
};
use crate::sink::stream_load::encode::{DeleteSign, Encoder, compress};
use crate::sink::stream_load::held::{Part, Piece};
use crate::sink::stream_load::target::{Mapped, Origin, Table};
use crate::sink::{LateRefusal, WriteMode};

/// Compression is expected to leave one byte of so many.
const COMPRESSED: usize = 4;

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
    /// Whether deletes are told by a column of the body.
    signs_deletes: bool,
    /// The column whose greater value wins.
    sequence: Option<Arc<str>>,
}

impl Layout {
    /// Doris takes no compressed JSON, which a body that cannot be CSV becomes.
    fn compression_of(&self, format: BodyFormat) -> Compression {
        match (self.system, format) {
            (System::Doris, BodyFormat::Json) => Compression::None,
            _ => self.compression,
        }
    }
}

/// A part's rows, in order.
pub(in crate::sink::stream_load) struct PartContents {
    layouts: Arc<Layouts>,
    buffers: Arc<Buffers>,
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
    /// The rows of `part`, which were taken at `now`; their bodies are in `buffers`.
    pub(in crate::sink::stream_load) fn new(
        layouts: &Arc<Layouts>,
        buffers: &Arc<Buffers>,
        part: Part,
        now: i64,
    ) -> Self {
        let mut next = 0;
        let starts = part.pieces.iter().map(|piece| {
            let start = next;
            next += piece.len();
            start
        });
        let starts = starts.collect();
        let has_deletes = part.pieces.iter().any(|piece| piece.deletes.is_some());
        let (layouts, buffers) = (Arc::clone(layouts), Arc::clone(buffers));
        let is_json = AtomicBool::new(false);
        Self { layouts, buffers, part, starts, has_deletes, now, is_json }
    }

    /// Where the part belongs.
    pub(in crate::sink::stream_load) fn spot(&self, epoch: Epoch) -> Spot<'_> {
        let Part { set, index, of, .. } = &self.part;
        Spot { epoch, table: &self.layouts.table, set, index: *index, of: *of }
    }

    /// The format that bodies have, as far as is known.
    fn format(&self) -> BodyFormat {
        match self.is_json.load(Ordering::Relaxed) {
            true => BodyFormat::Json,
            false => self.layouts.config.format,
        }
    }

    /// The column whose greater value wins, if bodies have it.
    fn sequence(&self, columns: &[Mapped]) -> Option<Mapped> {
        let name = self.layouts.config.sequence.as_deref()?;
        columns.iter().find(|column| column.name.eq_ignore_ascii_case(name)).cloned()
    }

    fn encoder(&self, format: BodyFormat) -> (Encoder, Option<Mapped>) {
        let layout = &self.layouts.config;
        let columns = self.layouts.columns(self.part.present.as_deref());
        let sequence = self.sequence(&columns);
        let input = sequence.as_ref().and_then(|column| match column.origin {
            Origin::Input(index) => Some(index),
            _ => None,
        });
        let deletes = match self.has_deletes && layout.signs_deletes {
            true => DeleteSign::Column,
            false => DeleteSign::None,
        };
        let encoder = Encoder::new(layout.system, format, columns, deletes, self.now);
        (encoder.with_sequence(input), sequence)
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

    /// The rows in this format; `None`: they cannot be written so.
    fn encoded(&self, rows: &RowSet, format: BodyFormat) -> Option<Body> {
        let layout = &self.layouts.config;
        let (mut encoder, sequence) = self.encoder(format);
        let mut bytes = self.buffers.take(self.estimate(rows));
        encoder.begin(&mut bytes);
        for range in rows.ranges() {
            for (piece, rows) in self.pieces(range.clone()) {
                if !encoder.encode(&mut bytes, piece, rows) {
                    self.buffers.give(bytes);
                    return None;
                }
            }
        }
        encoder.end(&mut bytes);
        let partial = self.part.present.is_some().then_some(layout.partial);
        let sequence = sequence.map(|column| column.name);
        let compression = layout.compression_of(format);
        let shape = encoder.shape(compression, partial, false, sequence);
        if compression != Compression::None {
            let room = self.buffers.take(bytes.len() / COMPRESSED);
            let plain = std::mem::replace(&mut bytes, room);
            bytes = compress(compression, &plain, bytes);
            self.buffers.give(plain);
        }
        Some(Body { shape, bytes, rows: rows.len() as u64 })
    }

    /// What these rows take in a body, roughly, and a little more.
    fn estimate(&self, rows: &RowSet) -> usize {
        let bytes = self.part.bytes.div_ceil(self.part.rows.max(1)) * rows.len();
        bytes + bytes / 16
    }
}

impl Contents for PartContents {
    fn rows(&self) -> usize {
        self.part.rows
    }

    fn body(&self, rows: &RowSet) -> Body {
        self.encoded(rows, self.format()).unwrap_or_else(|| {
            self.is_json.store(true, Ordering::Relaxed);
            self.encoded(rows, BodyFormat::Json).expect("JSON takes every value")
        })
    }

    fn take_back(&self, body: Body) {
        self.buffers.give(body.bytes);
    }

    fn text(&self, row: usize) -> Vec<u8> {
        let (mut encoder, _) = self.encoder(self.format());
        let mut text = Vec::new();
        for (piece, rows) in self.pieces(row..row + 1) {
            // What CSV does not take has no text, and so is not known by it.
            encoder.encode(&mut text, piece, rows);
        }
        text
    }

    fn refused(&self, row: usize, reason: String) -> LateRefusal {
        let (piece, rows) = self.pieces(row..row + 1).next().expect("the row is one of the part's");
        let row = u32::try_from(piece.place(rows.start)).expect("a batch is small");
        LateRefusal { row: piece.batch.take(&[row]), reason, column: None }
    }
}
