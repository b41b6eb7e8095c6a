//! `wager_revenue` as a native stage: the crate that the guest is made of, called in this process.
//!
//! What it has in common with the guest: the generated loop over the rows, and what its answer does
//! to the batch (columns added or replaced, the selection narrowed, nothing else touched). What it
//! has not: memory of its own to copy into and out of, bounds and deadlines, checks of the answer.
//! The SDK's batch owns its lists, so the columns are copied into it; a stage made to be linked
//! would borrow them, so these copies are timed apart and can be taken off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use millrace::config::TransformPlan;
use millrace::record::{Batch, Column, DataType, Field, Schema};
use millrace_sdk::raw::{self, Guest, Values};

type Revenue = ::wager_revenue::wager_revenue;

/// The stage, ready for batches.
pub struct NativeStage {
    guest: Revenue,
    /// The input's columns that it reads, in its order.
    reads: Vec<usize>,
    /// The columns that it adds or replaces.
    fields: Vec<Field>,
    /// Their places in the output.
    places: Vec<usize>,
    schema: Arc<Schema>,
    copying: Duration,
}

impl NativeStage {
    /// The stage as the pipeline configures it.
    pub fn open(transform: &TransformPlan) -> anyhow::Result<Self> {
        let guest = Revenue::open(&transform.params.to_string(), &[], &[])
            .map_err(|failure| anyhow!(failure.message))?;
        let input = transform.inputs.first().context("the stage has an input")?;
        let port = transform.description.outputs.first().context("the stage has a port")?;
        let schema = transform.outputs.first().context("the stage has an output")?;
        let place = |field: &Field| schema.index_of(&field.name).context("a column is missing");
        Ok(Self {
            guest,
            reads: input.reads.clone(),
            fields: port.fields.clone(),
            places: port.fields.iter().map(place).collect::<anyhow::Result<_>>()?,
            schema: Arc::clone(schema),
            copying: Duration::ZERO,
        })
    }

    /// How long the copies into the SDK's batches took.
    pub fn copying(&self) -> Duration {
        self.copying
    }

    /// Takes one batch through the stage; `None`: no row is left.
    pub fn apply(&mut self, batch: Batch) -> anyhow::Result<Option<Batch>> {
        let mut batch = batch.into_dense();
        ensure!(batch.selection.is_none() && batch.only_inserts(), "all rows of a file cross");
        let input = self.copied(&batch)?;
        let outcome = self.guest.process(input).map_err(|failure| anyhow!(failure.message))?;
        ensure!(outcome.rejected.is_empty(), "a wager was rejected");
        let raw::Output::Mapped(raw::Mapped { after, .. }) = outcome.output else {
            bail!("wager_revenue maps rows")
        };
        batch.schema = Arc::clone(&self.schema);
        let fields = self.fields.iter().zip(&self.places);
        for (column, (field, place)) in after.columns.into_iter().zip(fields) {
            let column = taken(column, field, batch.rows)?;
            if *place < batch.columns.len() {
                batch.columns[*place] = column;
            } else {
                batch.columns.push(column);
            }
        }
        if let Some(kept) = after.kept {
            batch.select(&bits(kept, batch.rows));
        }
        Ok((batch.selected() > 0).then_some(batch))
    }

    /// What the stage reads, as the SDK's own batch.
    fn copied(&mut self, batch: &Batch) -> anyhow::Result<raw::Batch> {
        let start = Instant::now();
        let columns = self.reads.iter().map(|index| copied(&batch.columns[*index]));
        let copied = raw::Batch {
            input: 0,
            schema: 0,
            rows: u32::try_from(batch.rows)?,
            columns: columns.collect::<anyhow::Result<_>>()?,
            before: None,
            operations: None,
            event_times: None,
            processing_times: Some(batch.meta.processing_times.to_vec()),
            keys: None,
        };
        self.copying += start.elapsed();
        Ok(copied)
    }
}

/// A column of 64-bit integers as the contract has it; `wager_revenue` reads no other.
fn copied(column: &Column) -> anyhow::Result<raw::Column> {
    let values = &column.values;
    let numbers = values
        .as_primitive_opt::<Int64Type>()
        .map(PrimitiveArray::values)
        .or_else(|| values.as_primitive_opt::<Decimal64Type>().map(PrimitiveArray::values))
        .or_else(|| {
            values.as_primitive_opt::<TimestampMicrosecondType>().map(PrimitiveArray::values)
        })
        .with_context(|| format!("a column of {} is read", values.data_type()))?;
    let nulls = values.nulls().filter(|nulls| nulls.null_count() > 0);
    let validity = nulls.map(|nulls| {
        let mut bytes = nulls.inner().sliced().to_vec();
        // The contract wants the bits past the last row to be clear.
        if let (tail @ 1.., Some(last)) = (nulls.len() % 8, bytes.last_mut()) {
            *last &= (1 << tail) - 1;
        }
        bytes
    });
    Ok(raw::Column { values: Values::Int64s(numbers.to_vec()), validity, unchanged: None })
}

/// A column of the answer, around the SDK's own lists.
fn taken(column: raw::Column, field: &Field, rows: usize) -> anyhow::Result<Column> {
    let nulls = column.validity.map(|bytes| NullBuffer::new(bits(bytes, rows)));
    let values: ArrayRef = match (field.data_type, column.values) {
        (DataType::Bool, Values::Bools(bytes)) => {
            Arc::new(BooleanArray::new(bits(bytes, rows), nulls))
        }
        (DataType::Int32, Values::Int32s(list)) => primitive::<Int32Type>(list, nulls, field),
        (DataType::Decimal { .. }, Values::Int64s(list)) => {
            primitive::<Decimal64Type>(list, nulls, field)
        }
        (DataType::Timestamp, Values::Int64s(list)) => {
            primitive::<TimestampMicrosecondType>(list, nulls, field)
        }
        (data_type, _) => bail!("a column of {data_type} is added"),
    };
    Ok(Column::from(values))
}

fn primitive<T: ArrowPrimitiveType>(
    list: Vec<T::Native>,
    nulls: Option<NullBuffer>,
    field: &Field,
) -> ArrayRef {
    let array = PrimitiveArray::<T>::new(list.into(), nulls);
    Arc::new(array.with_data_type(field.data_type.arrow()))
}

fn bits(bytes: Vec<u8>, rows: usize) -> BooleanBuffer {
    BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows)
}
