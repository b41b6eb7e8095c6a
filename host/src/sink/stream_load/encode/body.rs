//! What writes a body: text, or Arrow.

use std::ops::Range;

use super::{ArrowEncoder, DeleteSign, Encoder, Line};
use crate::sink::stream_load::config::{BodyFormat, Compression, PartialUpdateMode, System};
use crate::sink::stream_load::held::Piece;
use crate::sink::stream_load::protocol::Shape;
use crate::sink::stream_load::target::Mapped;

/// Writes the rows of a body.
pub(in crate::sink::stream_load) enum BodyEncoder {
    /// As JSON or CSV.
    Text(Encoder),
    /// As an Arrow stream, by way of room for one message.
    Arrow(Box<ArrowEncoder>, Vec<u8>),
}

impl BodyEncoder {
    /// An encoder for bodies of these columns, in this order. `clock_now`, in microseconds since
    /// 1970 UTC, is when the rows were taken. `sequence` is the input's column by which the target
    /// knows the later change: deletes carry it, too.
    pub(in crate::sink::stream_load) fn new(
        system: System,
        format: BodyFormat,
        layout: Vec<Mapped>,
        deletes: DeleteSign,
        clock_now: i64,
        sequence: Option<usize>,
    ) -> Self {
        match format {
            // Its bodies have no deletes.
            BodyFormat::Arrow => {
                Self::Arrow(Box::new(ArrowEncoder::new(layout, deletes, clock_now)), Vec::new())
            }
            BodyFormat::Json | BodyFormat::Csv => {
                let encoder = Encoder::new(system, format, layout, deletes, clock_now);
                Self::Text(encoder.with_sequence(sequence))
            }
        }
    }

    /// What a body is, for its load. `flexible`: its rows have each their own columns.
    pub(in crate::sink::stream_load) fn shape(
        &self,
        compression: Compression,
        partial: Option<PartialUpdateMode>,
        flexible: bool,
        sequence: Option<String>,
    ) -> Shape {
        match self {
            Self::Text(encoder) => encoder.shape(compression, partial, flexible, sequence),
            Self::Arrow(encoder, _) => encoder.shape(partial, sequence),
        }
    }

    /// How many rows of so many bytes are written at once, where about `bytes` are wanted.
    pub(in crate::sink::stream_load) fn rows_at_once(&self, row: usize, bytes: usize) -> usize {
        /// What makes the head of a message small beside its rows.
        const MESSAGE_ROWS: usize = 4_096;
        match self {
            Self::Text(_) => (bytes / row.max(1)).max(1),
            Self::Arrow(..) => MESSAGE_ROWS,
        }
    }

    /// Whether the format can say every value of these rows; JSON can.
    pub(in crate::sink::stream_load) fn can_write(
        &self,
        piece: &Piece,
        rows: Range<usize>,
    ) -> bool {
        match self {
            Self::Text(encoder) => encoder.can_write(piece, rows),
            Self::Arrow(encoder, _) => encoder.can_write(piece, rows),
        }
    }

    /// Whether the format can say every row whose texts have nothing special.
    pub(in crate::sink::stream_load) fn can_write_plain(&self) -> bool {
        match self {
            Self::Text(encoder) => encoder.can_write_plain(),
            Self::Arrow(..) => false,
        }
    }

    /// Begins a body.
    pub(in crate::sink::stream_load) fn begin(&mut self, out: &mut Line) {
        match self {
            Self::Text(encoder) => encoder.begin(out),
            Self::Arrow(encoder, room) => {
                room.clear();
                encoder.begin(room);
                out.bytes(room);
            }
        }
    }

    /// Appends rows of a piece, all of which can be written, to a body that has begun.
    pub(in crate::sink::stream_load) fn encode(
        &mut self,
        out: &mut Line,
        piece: &Piece,
        rows: Range<usize>,
    ) {
        match self {
            Self::Text(encoder) => encoder.encode(out, piece, rows),
            Self::Arrow(encoder, room) => {
                room.clear();
                let is_written = encoder.encode(room, piece, rows);
                assert!(is_written, "what Arrow cannot say is looked for before");
                out.bytes(room);
            }
        }
    }

    /// Ends a body.
    pub(in crate::sink::stream_load) fn end(&mut self, out: &mut Line) {
        match self {
            Self::Text(encoder) => encoder.end(out),
            Self::Arrow(encoder, room) => {
                room.clear();
                encoder.end(room);
                out.bytes(room);
            }
        }
    }
}
