//! Columns into Arrow IPC streams, for Doris: a schema, a record batch for each call, an end.
//!
//! Doris reads a column's bytes as those of the table's type and looks at nothing else. So each
//! column is of exactly that type here, however it came:
//!
//! | table | Arrow |
//! |---|---|
//! | BOOLEAN, TINYINT to BIGINT, FLOAT, DOUBLE | Boolean, Int8 to Int64, Float32, Float64 |
//! | DECIMAL(p,s) | Decimal128(p,s), rescaled where the input has fewer digits behind the point |
//! | DATE | Date32 |
//! | CHAR, VARCHAR, STRING, LARGEINT | Utf8: the same text as in JSON |
//!
//! The other types are refused before (`target::arrow`). What is left for JSON instead: bodies with
//! deletes, as Doris has no type for the column that would tell them, and dates before March of the
//! year 0, which its calendar counts otherwise.
//!
//! *Invariants*: a message has the values that JSON would have; nothing is appended of rows that
//! cannot be written; text and integers that have the table's type already are not looked at.
//! *Not here*: which columns and rows (`transaction`), headers (`protocol`).

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Int64Array, PrimitiveArray, RecordBatch,
    StringArray, UInt32Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef};

use super::DeleteSign;
use super::cells::Cells;
use super::digits::Day;
use super::line::{Line, Padded};
use crate::record::DataType;
use crate::sink::stream_load::config::{BodyFormat, Compression, PartialUpdateMode};
use crate::sink::stream_load::held::Piece;
use crate::sink::stream_load::protocol::Shape;
use crate::sink::stream_load::target::{ColumnType, Mapped, Origin};

/// What a value takes at most beside text; the longest are decimals.
const VALUE_BYTES: usize = 160;
/// 0000-03-01. Doris counts days by a calendar whose year 0 is no leap year.
const FIRST_DAY: i32 = -719_468;
/// Digits of the longest decimal that is 128 bits.
const MOST_DIGITS: u32 = 38;
/// Bytes of the shortest digits of a single, with their exponent.
const SINGLE_BYTES: usize = 32;

/// Writes rows as record batches.
pub(in crate::sink::stream_load) struct ArrowEncoder {
    layout: Vec<Mapped>,
    schema: SchemaRef,
    deletes: DeleteSign,
    /// What the rows say of when they were taken.
    synced_at: Padded,
    line: Line,
    /// The body that has begun. Its bytes are taken out of it after each message.
    stream: Option<StreamWriter<Vec<u8>>>,
}

impl ArrowEncoder {
    /// An encoder for bodies of these columns, in this order. `clock_now`, in microseconds since
    /// 1970 UTC, is when the rows were taken.
    pub(in crate::sink::stream_load) fn new(
        layout: Vec<Mapped>,
        deletes: DeleteSign,
        clock_now: i64,
    ) -> Self {
        let mut line = Line::default();
        line.widen(VALUE_BYTES);
        Day::default().write_timestamp(&mut line, clock_now, true);
        let synced_at = Padded::new(line.written().to_vec());
        line.clear();
        // Doris takes null in every column of a body, and finds what the table does not take behind.
        let field = |mapped: &Mapped| Field::new(&mapped.name, arrow_type(&mapped.target), true);
        let schema = Arc::new(Schema::new(layout.iter().map(field).collect::<Vec<_>>()));
        Self { layout, schema, deletes, synced_at, line, stream: None }
    }

    /// What a body is, for its load.
    pub(in crate::sink::stream_load) fn shape(
        &self,
        partial: Option<PartialUpdateMode>,
        sequence: Option<String>,
    ) -> Shape {
        Shape {
            format: BodyFormat::Arrow,
            compression: Compression::None,
            columns: self.layout.iter().map(|mapped| mapped.name.clone()).collect(),
            partial,
            has_deletes: false,
            flexible: false,
            sequence,
        }
    }

    /// Whether rows of a piece can stand in Arrow. A body whose rows do not all has to be JSON.
    pub(super) fn can_write(&self, piece: &Piece, rows: Range<usize>) -> bool {
        if self.deletes == DeleteSign::Column {
            return false;
        }
        let picked = Picked::of(piece, rows);
        // Values were checked for the table, but not those of before images, which give keys.
        let mut texts = || Some(Arc::clone(&piece.batch.columns[0].values));
        self.layout.iter().all(|mapped| {
            !may_not_fit(mapped, piece) || column(mapped, piece, &picked, &mut texts).is_some()
        })
    }

    /// Begins a body: its schema.
    pub(in crate::sink::stream_load) fn begin(&mut self, out: &mut Vec<u8>) {
        let mut stream = StreamWriter::try_new(std::mem::take(out), &self.schema)
            .expect("the types are IPC's own, and a Vec takes every byte");
        std::mem::swap(stream.get_mut(), out);
        self.stream = Some(stream);
    }

    /// Appends rows of a piece to a body that has begun, as one record batch. False: a value of
    /// theirs cannot stand in Arrow, so that the whole body has to be JSON; nothing is appended
    /// then.
    ///
    /// # Panics
    /// If no body has begun.
    pub(in crate::sink::stream_load) fn encode(
        &mut self,
        out: &mut Vec<u8>,
        piece: &Piece,
        rows: Range<usize>,
    ) -> bool {
        if self.deletes == DeleteSign::Column {
            return false;
        }
        let picked = Picked::of(piece, rows);
        if picked.len() == 0 {
            return true;
        }
        let (line, synced_at) = (&mut self.line, &self.synced_at);
        let columns = self.layout.iter().map(|mapped| {
            let mut texts = || texts(mapped, piece, &picked, synced_at, line);
            column(mapped, piece, &picked, &mut texts)
        });
        let Some(columns) = columns.collect::<Option<Vec<_>>>() else { return false };
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("each column is made of its field's type, and of as many rows");
        let stream = self.stream.as_mut().expect("a body begins before its rows");
        std::mem::swap(stream.get_mut(), out);
        let written = stream.write(&batch);
        std::mem::swap(stream.get_mut(), out);
        written.expect("the types are IPC's own, and a Vec takes every byte");
        true
    }

    /// Ends a body.
    pub(in crate::sink::stream_load) fn end(&mut self, out: &mut Vec<u8>) {
        let Some(mut stream) = self.stream.take() else { return };
        std::mem::swap(stream.get_mut(), out);
        let ended = stream.finish();
        std::mem::swap(stream.get_mut(), out);
        ended.expect("a Vec takes every byte");
    }
}

/// Whether a column may have a value that its Arrow type has not.
fn may_not_fit(mapped: &Mapped, piece: &Piece) -> bool {
    let Origin::Input(index) = mapped.origin else { return false };
    let wanted = arrow_type(&mapped.target);
    match wanted {
        ArrowType::Int8 | ArrowType::Int16 | ArrowType::Int32 | ArrowType::Int64 => {
            *piece.batch.columns[index].values.data_type() != wanted
        }
        ArrowType::Decimal128(..) | ArrowType::Date32 => true,
        _ => false,
    }
}

/// The type that Doris takes the bytes of a column for.
fn arrow_type(target: &ColumnType) -> ArrowType {
    match target {
        ColumnType::Boolean => ArrowType::Boolean,
        ColumnType::TinyInt => ArrowType::Int8,
        ColumnType::SmallInt => ArrowType::Int16,
        ColumnType::Int => ArrowType::Int32,
        ColumnType::BigInt => ArrowType::Int64,
        ColumnType::Float => ArrowType::Float32,
        ColumnType::Double => ArrowType::Float64,
        ColumnType::Decimal { precision, scale } => {
            ArrowType::Decimal128(*precision, scale.cast_signed())
        }
        ColumnType::Date => ArrowType::Date32,
        // A LARGEINT is read from its digits.
        _ => ArrowType::Utf8,
    }
}

/// The rows of a piece that one message has.
enum Picked<'a> {
    /// Those of the batch that stand side by side.
    Span(Range<usize>),
    /// These.
    Each(&'a [u32]),
}

impl<'a> Picked<'a> {
    fn of(piece: &'a Piece, rows: Range<usize>) -> Self {
        match &piece.rows {
            None => Self::Span(rows),
            Some(picks) => Self::Each(&picks[rows]),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Span(span) => span.len(),
            Self::Each(picks) => picks.len(),
        }
    }

    /// The places in the batch.
    fn rows(&self) -> impl Iterator<Item = usize> {
        let (span, picks) = match self {
            Self::Span(span) => (span.clone(), &[][..]),
            Self::Each(picks) => (0..0, *picks),
        };
        span.chain(picks.iter().map(|row| *row as usize))
    }

    /// Their values; `None`: more text than a column can have.
    fn take(&self, values: &ArrayRef) -> Option<ArrayRef> {
        match self {
            Self::Span(span) => Some(values.slice(span.start, span.len())),
            Self::Each(picks) => {
                let picks = UInt32Array::from(picks.to_vec());
                arrow_select::take::take(values.as_ref(), &picks, None).ok()
            }
        }
    }
}

/// A column's values of the type that the table wants; `None`: one of them has none there.
fn column(
    mapped: &Mapped,
    piece: &Piece,
    picked: &Picked<'_>,
    texts: &mut dyn FnMut() -> Option<ArrayRef>,
) -> Option<ArrayRef> {
    let wanted = arrow_type(&mapped.target);
    let is_text = matches!(mapped.field, DataType::Text | DataType::Json);
    let values = match mapped.origin {
        Origin::Input(_) if wanted == ArrowType::Utf8 && !is_text => return texts(),
        Origin::Input(index) => picked.take(&piece.batch.columns[index].values)?,
        Origin::Op | Origin::SyncedAt => return texts(),
        Origin::Version if wanted == ArrowType::Utf8 => return texts(),
        Origin::Version => {
            let majors: ArrayRef = Arc::new(Int64Array::new(piece.batch.meta.majors.clone(), None));
            picked.take(&majors)?
        }
        Origin::Deleted => {
            let none = || BooleanBuffer::new_unset(piece.batch.rows);
            let deletes = piece.deletes.clone().unwrap_or_else(none);
            let deletes: ArrayRef = Arc::new(BooleanArray::new(deletes, None));
            picked.take(&deletes)?
        }
    };
    match wanted {
        ArrowType::Int8 => integers::<Int8Type>(&values),
        ArrowType::Int16 => integers::<Int16Type>(&values),
        ArrowType::Int32 => integers::<Int32Type>(&values),
        ArrowType::Int64 => integers::<Int64Type>(&values),
        ArrowType::Float32 | ArrowType::Float64 => floats(&values, &wanted),
        ArrowType::Decimal128(precision, scale) => {
            decimals(mapped.field, &values, precision, scale.cast_unsigned())
        }
        ArrowType::Date32 => {
            let days = values.as_primitive::<Date32Type>();
            let is_early = |row: usize| days.is_valid(row) && days.value(row) < FIRST_DAY;
            (!(0..days.len()).any(is_early)).then_some(values)
        }
        _ => Some(values),
    }
}

/// Integers as they are, decimals without their point.
fn unscaled(values: &ArrayRef) -> Option<Vec<i128>> {
    fn wide<T: ArrowPrimitiveType<Native: Into<i128>>>(values: &ArrayRef) -> Vec<i128> {
        values.as_primitive::<T>().values().iter().map(|value| (*value).into()).collect()
    }
    Some(match values.data_type() {
        ArrowType::Int16 => wide::<Int16Type>(values),
        ArrowType::Int32 => wide::<Int32Type>(values),
        ArrowType::Int64 => wide::<Int64Type>(values),
        ArrowType::Decimal64(..) => wide::<Decimal64Type>(values),
        ArrowType::Decimal128(..) => wide::<Decimal128Type>(values),
        _ => return None,
    })
}

/// Integers, and decimals without digits behind the point, as integers of another width.
fn integers<T: ArrowPrimitiveType<Native: TryFrom<i128>>>(values: &ArrayRef) -> Option<ArrayRef> {
    if *values.data_type() == T::DATA_TYPE {
        return Some(Arc::clone(values));
    }
    // Under a null there may be anything.
    let cast = |(row, value): (usize, i128)| match values.is_null(row) {
        true => Some(T::Native::default()),
        false => T::Native::try_from(value).ok(),
    };
    let cast: Option<Vec<T::Native>> =
        unscaled(values)?.into_iter().enumerate().map(cast).collect();
    Some(Arc::new(PrimitiveArray::<T>::new(cast?.into(), values.nulls().cloned())))
}

/// Integers and decimals as decimals of 128 bits with `scale` digits behind the point.
fn decimals(field: DataType, values: &ArrayRef, precision: u8, scale: u8) -> Option<ArrayRef> {
    let has = match field {
        DataType::Decimal { scale, .. } => scale,
        _ => 0,
    };
    let factor = 10_i128.checked_pow(u32::from(scale.checked_sub(has)?))?;
    let bound = 10_i128.pow(u32::from(precision).min(MOST_DIGITS)).unsigned_abs();
    let rescale = |(row, value): (usize, i128)| match values.is_null(row) {
        true => Some(0),
        false => value.checked_mul(factor).filter(|value| value.unsigned_abs() < bound),
    };
    let rescaled: Option<Vec<i128>> =
        unscaled(values)?.into_iter().enumerate().map(rescale).collect();
    let decimals = PrimitiveArray::<Decimal128Type>::new(rescaled?.into(), values.nulls().cloned());
    Some(Arc::new(decimals.with_precision_and_scale(precision, scale.cast_signed()).ok()?))
}

/// Numbers as floats. One that JSON has no number for is null; the checks before have refused it.
fn floats(values: &ArrayRef, wanted: &ArrowType) -> Option<ArrayRef> {
    let floats: ArrayRef = match (values.data_type(), wanted) {
        (ArrowType::Float32, ArrowType::Float32) => {
            let values = values.as_primitive::<Float32Type>();
            let finite = |value: f32| value.is_finite().then_some(value);
            Arc::new(values.unary_opt::<_, Float32Type>(finite))
        }
        (ArrowType::Float32, ArrowType::Float64) => {
            Arc::new(values.as_primitive::<Float32Type>().unary_opt::<_, Float64Type>(widened))
        }
        (ArrowType::Float64, ArrowType::Float64) => {
            let values = values.as_primitive::<Float64Type>();
            let finite = |value: f64| value.is_finite().then_some(value);
            Arc::new(values.unary_opt::<_, Float64Type>(finite))
        }
        (ArrowType::Int16, ArrowType::Float32) => {
            Arc::new(values.as_primitive::<Int16Type>().unary::<_, Float32Type>(f32::from))
        }
        (ArrowType::Int16, ArrowType::Float64) => {
            Arc::new(values.as_primitive::<Int16Type>().unary::<_, Float64Type>(f64::from))
        }
        (ArrowType::Int32, ArrowType::Float64) => {
            Arc::new(values.as_primitive::<Int32Type>().unary::<_, Float64Type>(f64::from))
        }
        _ => return None,
    };
    Some(floats)
}

/// The double that a single's shortest digits are, as it goes through JSON: 0.1 and not
/// 0.10000000149.
fn widened(value: f32) -> Option<f64> {
    if !value.is_finite() {
        return None;
    }
    let mut digits = [0_u8; SINGLE_BYTES];
    let mut room = &mut digits[..];
    serde_json::to_writer(&mut room, &value).ok()?;
    let written = SINGLE_BYTES - room.len();
    std::str::from_utf8(&digits[..written]).ok()?.parse().ok()
}

/// A column's values as the texts that JSON has; `None`: more text than a column can have.
fn texts(
    mapped: &Mapped,
    piece: &Piece,
    picked: &Picked<'_>,
    synced_at: &Padded,
    line: &mut Line,
) -> Option<ArrayRef> {
    let mut cells = Cells::new(mapped, piece, synced_at);
    let mut values = Vec::new();
    let mut offsets: Vec<i32> = Vec::with_capacity(picked.len() + 1);
    let mut nulls = NullBufferBuilder::new(picked.len());
    offsets.push(0);
    for row in picked.rows() {
        let is_null = cells.is_null(row);
        if !is_null {
            line.reserve(0);
            cells.write(line, row);
            values.extend_from_slice(line.written());
            line.clear();
        }
        nulls.append(!is_null);
        offsets.push(i32::try_from(values.len()).ok()?);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let array = StringArray::try_new(offsets, Buffer::from_vec(values), nulls.finish());
    Some(Arc::new(array.expect("values are written as UTF-8")))
}
