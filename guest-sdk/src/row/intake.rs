//! A batch on its way into a row function.

use super::Report;
use crate::column::{self, InputValue, OperationReader, Reader, Slot};
use crate::decimal;
use crate::raw::{Batch, Column, Failure, Values};
use crate::reject::Reject;

const BLOCK: usize = column::BLOCK;

/// A column with its last, partial block padded.
struct Padded {
    column: Column,
    tail: Option<Values>,
}

impl Padded {
    fn new(column: Column, rows: usize) -> Self {
        let tail = column::tail(&column, rows);
        Self { column, tail }
    }

    fn all(columns: Vec<Column>, rows: usize) -> Vec<Self> {
        columns.into_iter().map(|column| Self::new(column, rows)).collect()
    }

    fn slot(&self, name: &'static str, rows: usize) -> Slot<'_> {
        Slot { name, rows, column: &self.column, tail: self.tail.as_ref() }
    }
}

/// The before images: which rows have one, and the columns.
struct Before {
    present: Vec<u8>,
    columns: Vec<Padded>,
}

/// A batch, owned while its rows are read.
pub struct Intake {
    rows: usize,
    columns: Vec<Padded>,
    before: Option<Before>,
    operations: Option<Vec<u8>>,
    event_times: Option<Padded>,
    processing_times: Option<Padded>,
}

impl Intake {
    /// Takes a batch apart.
    ///
    /// # Errors
    /// Lists whose lengths do not fit the batch's rows.
    pub fn new(batch: Batch) -> Result<Self, Failure> {
        // What an earlier call left behind must not be laid on the first row.
        decimal::take_overflow();
        let rows = batch.rows as usize;
        let mut operations = batch.operations;
        if let Some(codes) = &mut operations {
            fits(codes.len(), rows, "operations", rows)?;
            codes.resize(rows.next_multiple_of(BLOCK), 0);
        }
        let before = batch.before.map(|images| Before {
            present: images.present,
            columns: Padded::all(images.columns, rows),
        });
        if let Some(images) = &before {
            fits(images.present.len(), rows.div_ceil(BLOCK), "bytes of before images", rows)?;
        }
        let event_times = batch.event_times.map(|times| Column {
            validity: times.validity,
            ..Column::of(Values::Int64s(times.values))
        });
        let processing_times = batch.processing_times.map(Values::Int64s).map(Column::of);
        Ok(Self {
            rows,
            columns: Padded::all(batch.columns, rows),
            before,
            operations,
            event_times: event_times.map(|times| Padded::new(times, rows)),
            processing_times: processing_times.map(|times| Padded::new(times, rows)),
        })
    }

    /// The after images and the joined tables.
    #[must_use]
    pub fn after(&self) -> Source<'_> {
        Source { batch: self, columns: &self.columns, taken: 0, present: None, unsent: Vec::new() }
    }

    /// The before images, if the batch has any.
    #[must_use]
    pub fn before(&self) -> Option<Source<'_>> {
        self.before.as_ref().map(|before| Source {
            batch: self,
            columns: &before.columns,
            taken: 0,
            present: Some(&before.present),
            unsent: Vec::new(),
        })
    }
}

/// Gives out the columns of one image in the order in which they were declared.
pub struct Source<'a> {
    batch: &'a Intake,
    columns: &'a [Padded],
    taken: usize,
    present: Option<&'a [u8]>,
    unsent: Vec<(&'static str, &'a [u8])>,
}

impl<'a> Source<'a> {
    /// The next column, read as `T`.
    ///
    /// # Errors
    /// No such column, or one of another type or length.
    pub fn column<T: InputValue<'a>>(&mut self, name: &'static str) -> Result<T::Reader, Failure> {
        let padded = self
            .columns
            .get(self.taken)
            .ok_or_else(|| Failure::new(format!("column `{name}` did not come")))?;
        self.taken += 1;
        if let (false, Some(unchanged)) = (T::SEES_UNCHANGED, &padded.column.unchanged) {
            self.unsent.push((name, unchanged.as_slice()));
        }
        T::open(padded.slot(name, self.batch.rows))
    }

    /// Processing times.
    ///
    /// # Errors
    /// They did not come.
    pub fn processing_times<T: InputValue<'a>>(&self) -> Result<T::Reader, Failure> {
        self.times::<T>(self.batch.processing_times.as_ref(), "processing times")
    }

    /// Event times.
    ///
    /// # Errors
    /// They did not come.
    pub fn event_times<T: InputValue<'a>>(&self) -> Result<T::Reader, Failure> {
        self.times::<T>(self.batch.event_times.as_ref(), "event times")
    }

    /// Operations.
    ///
    /// # Errors
    /// They did not come, or a code is unknown.
    pub fn operations(&self) -> Result<OperationReader<'a>, Failure> {
        match &self.batch.operations {
            Some(codes) => OperationReader::open(codes),
            None => Err(Failure::new("the operations did not come")),
        }
    }

    /// Which rows have this image, with every value that is read of it.
    #[must_use]
    pub fn sent(self) -> Presence {
        let pass = self.pass(&mut Report::new());
        Presence((0..pass.blocks()).map(|index| pass.live(index)).collect())
    }

    /// The rows to call the function for: those that have this image and every value that it reads.
    /// The rows that lack a value are rejected here.
    #[must_use]
    pub fn pass(self, report: &mut Report) -> Pass {
        let rows = self.batch.rows;
        if self.present.is_none() && self.unsent.is_empty() {
            return Pass { rows, live: None };
        }
        let mut live: Vec<u8> = (0..rows.div_ceil(BLOCK)).map(|index| full(rows, index)).collect();
        for (byte, present) in live.iter_mut().zip(self.present.unwrap_or_default()) {
            *byte &= present;
        }
        for (name, unchanged) in self.unsent {
            for (index, (byte, unchanged)) in live.iter_mut().zip(unchanged).enumerate() {
                let missing = *byte & unchanged;
                *byte &= !unchanged;
                for lane in (0..BLOCK).filter(|lane| (missing >> lane) & 1 == 1) {
                    report.reject((index * BLOCK + lane) as u32, unsent(name));
                }
            }
        }
        Pass { rows, live: Some(live) }
    }

    fn times<T: InputValue<'a>>(
        &self,
        times: Option<&'a Padded>,
        what: &'static str,
    ) -> Result<T::Reader, Failure> {
        let times = times.ok_or_else(|| Failure::new(format!("the {what} did not come")))?;
        T::open(times.slot(what, self.batch.rows))
    }
}

fn fits(length: usize, wanted: usize, what: &str, rows: usize) -> Result<(), Failure> {
    if length == wanted {
        return Ok(());
    }
    Err(Failure::new(format!("{length} {what} came with {rows} rows")))
}

fn unsent(column: &'static str) -> Reject {
    Reject::new("the source did not send this value, which did not change: read it as `Field<..>`")
        .column(column)
}

/// The lanes of a block that are rows.
fn full(rows: usize, index: usize) -> u8 {
    match rows.saturating_sub(index * BLOCK) {
        lanes if lanes >= BLOCK => u8::MAX,
        lanes => (1 << lanes) - 1,
    }
}

/// Which rows have an image, a byte a block.
pub struct Presence(Vec<u8>);

impl Reader for Presence {
    type Block = u8;

    #[inline(always)]
    fn block(&self, index: usize) -> u8 {
        self.0.get(index).copied().unwrap_or(0)
    }
}

/// The rows that a function is called for.
pub struct Pass {
    rows: usize,
    live: Option<Vec<u8>>,
}

impl Pass {
    /// Rows of the batch.
    #[inline]
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Blocks of the batch, the last of which may be partial.
    #[inline]
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.rows.div_ceil(BLOCK)
    }

    /// The lanes of a block to call the function for.
    #[inline(always)]
    #[must_use]
    pub fn live(&self, index: usize) -> u8 {
        match &self.live {
            None => full(self.rows, index),
            Some(live) => live.get(index).copied().unwrap_or(0),
        }
    }
}
