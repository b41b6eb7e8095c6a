//! Batches of one schema, one behind the other, as one batch.

use std::sync::Arc;

use arrow_array::Array;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, ScalarBuffer};
use arrow_schema::ArrowError;

use crate::record::{Batch, Column, MixedOrigins, Operations, RowMeta};

/// The rows of `batches`, of which there is at least one, in order; event times, images and
/// lateness are left behind.
///
/// # Errors
/// If columns differ in type, or a column would have more than 2 GiB of text.
pub(super) fn concat(batches: &[Batch]) -> Result<Batch, ArrowError> {
    let columns = (0..batches[0].columns.len())
        .map(|index| {
            let values: Vec<&dyn Array> =
                batches.iter().map(|batch| batch.columns[index].values.as_ref()).collect();
            Ok(Column {
                values: arrow_select::concat::concat(&values)?,
                unchanged: unchanged(batches, index),
            })
        })
        .collect::<Result<_, ArrowError>>()?;
    Ok(Batch {
        schema: Arc::clone(&batches[0].schema),
        columns,
        meta: Arc::new(meta(batches)),
        rows: batches.iter().map(|batch| batch.rows).sum(),
        selection: None,
        before: None,
    })
}

fn unchanged(batches: &[Batch], index: usize) -> Option<BooleanBuffer> {
    batches.iter().any(|batch| batch.columns[index].unchanged.is_some()).then(|| {
        let mut bits = BooleanBufferBuilder::new(0);
        for batch in batches {
            match &batch.columns[index].unchanged {
                Some(unchanged) => bits.append_buffer(unchanged),
                None => bits.append_n(batch.rows, false),
            }
        }
        bits.finish()
    })
}

fn meta(batches: &[Batch]) -> RowMeta {
    let metas = || batches.iter().map(|batch| &*batch.meta);
    let joined = |values: &dyn Fn(&RowMeta) -> ScalarBuffer<i64>| -> ScalarBuffer<i64> {
        metas().flat_map(|meta| values(meta).to_vec()).collect()
    };
    RowMeta {
        origin: Arc::clone(&batches[0].meta.origin),
        operations: operations(batches),
        event_times: None,
        processing_times: joined(&|meta| meta.processing_times.clone()),
        majors: joined(&|meta| meta.majors.clone()),
        minors: metas().any(|meta| meta.minors.is_some()).then(|| {
            let minors = batches.iter().flat_map(|batch| match &batch.meta.minors {
                Some(minors) => minors.to_vec(),
                None => vec![0; batch.rows],
            });
            minors.collect()
        }),
        base: batches[0].meta.base,
        mixed: mixed(batches),
        late: None,
    }
}

fn operations(batches: &[Batch]) -> Operations {
    if let Operations::All(one) = &batches[0].meta.operations
        && batches
            .iter()
            .all(|batch| matches!(&batch.meta.operations, Operations::All(other) if other == one))
    {
        return Operations::All(*one);
    }
    let codes = batches.iter().flat_map(|batch| batch.meta.operations.codes(batch.rows).to_vec());
    Operations::Each(codes.collect())
}

/// The origin of each row, where the batches have several.
fn mixed(batches: &[Batch]) -> Option<MixedOrigins> {
    let first = &batches[0].meta;
    let is_one = batches.iter().all(|batch| {
        let meta = &batch.meta;
        meta.mixed.is_none() && meta.base == first.base && meta.origin == first.origin
    });
    if is_one {
        return None;
    }
    let mut places: Vec<(Arc<str>, i64)> = Vec::new();
    let mut rows: Vec<u32> = Vec::new();
    for batch in batches {
        // A batch has few origins, and its own numbers for them.
        let own: Vec<(Arc<str>, i64)> = match &batch.meta.mixed {
            Some(mixed) => mixed.places.to_vec(),
            None => vec![(Arc::clone(&batch.meta.origin), batch.meta.base)],
        };
        let numbers: Vec<u32> = own.into_iter().map(|place| numbered(&mut places, place)).collect();
        match &batch.meta.mixed {
            Some(mixed) => rows.extend(mixed.rows.iter().map(|row| numbers[*row as usize])),
            None => rows.extend(std::iter::repeat_n(numbers[0], batch.rows)),
        }
    }
    Some(MixedOrigins { places: places.into(), rows: rows.into() })
}

fn numbered(places: &mut Vec<(Arc<str>, i64)>, place: (Arc<str>, i64)) -> u32 {
    let known = places.iter().position(|other| *other == place);
    let number = known.unwrap_or_else(|| {
        places.push(place);
        places.len() - 1
    });
    u32::try_from(number).expect("there are few origins")
}
