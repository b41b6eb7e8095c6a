//! Rows of several chunks as one batch.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::Array;
use arrow_buffer::{BooleanBuffer, ScalarBuffer};
use arrow_select::interleave::interleave;
use hashbrown::HashMap;

use super::chunk::{Chunk, event_times};
use crate::record::{Batch, Column, MixedOrigins, Operations, RowMeta};

/// A row: which of the batches, and which of its rows.
type Pick = (usize, usize);

/// The rows at the positions of chunks that fit together, in this order. Rows that lie beside each
/// other in one chunk are shown where they are, without a copy.
///
/// # Panics
/// If there are no parts, or they do not fit together.
pub(super) fn gather(parts: &[(&Chunk, Range<usize>)]) -> Batch {
    let mut sources: Vec<&Batch> = Vec::new();
    let mut places: HashMap<u64, usize> = HashMap::new();
    let mut picks: Vec<Pick> =
        Vec::with_capacity(parts.iter().map(|(_, positions)| positions.len()).sum());
    for (chunk, positions) in parts {
        let source = *places.entry(chunk.arrival).or_insert_with(|| {
            sources.push(&chunk.batch);
            sources.len() - 1
        });
        picks.extend(positions.clone().map(|position| (source, chunk.row(position))));
    }
    match &sources[..] {
        [only] => of_one(only, &picks),
        _ => of_several(&sources, &picks),
    }
}

fn of_one(batch: &Batch, picks: &[Pick]) -> Batch {
    let first = picks.first().map_or(0, |(_, row)| *row);
    if picks.iter().enumerate().all(|(offset, (_, row))| *row == first + offset) {
        return slice(batch, first, picks.len());
    }
    let rows: Vec<u32> =
        picks.iter().map(|(_, row)| u32::try_from(*row).expect("a batch is small")).collect();
    batch.take(&rows)
}

fn slice(batch: &Batch, first: usize, rows: usize) -> Batch {
    if rows == batch.rows {
        return batch.clone();
    }
    let columns = batch
        .columns
        .iter()
        .map(|column| Column {
            values: column.values.slice(first, rows),
            unchanged: column.unchanged.as_ref().map(|bits| bits.slice(first, rows)),
        })
        .collect();
    let meta = &batch.meta;
    let meta = RowMeta {
        origin: Arc::clone(&meta.origin),
        operations: match &meta.operations {
            Operations::All(operation) => Operations::All(*operation),
            Operations::Each(codes) => Operations::Each(codes.slice(first, rows)),
        },
        event_times: Some((event_times(meta).slice(first, rows), None)),
        processing_times: meta.processing_times.slice(first, rows),
        majors: meta.majors.slice(first, rows),
        minors: meta.minors.as_ref().map(|minors| minors.slice(first, rows)),
        mixed: meta.mixed.as_ref().map(|MixedOrigins { places, rows: of }| MixedOrigins {
            places: Arc::clone(places),
            rows: of.slice(first, rows),
        }),
        late: None,
        base: meta.base,
    };
    Batch {
        schema: Arc::clone(&batch.schema),
        columns,
        meta: Arc::new(meta),
        rows,
        selection: None,
        before: None,
    }
}

fn of_several(sources: &[&Batch], picks: &[Pick]) -> Batch {
    let columns = (0..sources[0].columns.len())
        .map(|index| {
            let columns: Vec<&Column> =
                sources.iter().map(|source| &source.columns[index]).collect();
            let values: Vec<&dyn Array> =
                columns.iter().map(|column| column.values.as_ref()).collect();
            Column {
                values: interleave(&values, picks)
                    .expect("columns of one type, and rows that are in them"),
                unchanged: unchanged(&columns, picks),
            }
        })
        .collect();
    Batch {
        schema: Arc::clone(&sources[0].schema),
        columns,
        meta: Arc::new(meta(sources, picks)),
        rows: picks.len(),
        selection: None,
        before: None,
    }
}

fn unchanged(columns: &[&Column], picks: &[Pick]) -> Option<BooleanBuffer> {
    columns.iter().any(|column| column.unchanged.is_some()).then(|| {
        BooleanBuffer::collect_bool(picks.len(), |pick| {
            let (source, row) = picks[pick];
            columns[source].unchanged.as_ref().is_some_and(|bits| bits.value(row))
        })
    })
}

fn meta(sources: &[&Batch], picks: &[Pick]) -> RowMeta {
    let metas: Vec<&RowMeta> = sources.iter().map(|source| &*source.meta).collect();
    let pick = |values: Vec<&ScalarBuffer<i64>>| -> ScalarBuffer<i64> {
        picks.iter().map(|(source, row)| values[*source][*row]).collect()
    };
    RowMeta {
        origin: Arc::clone(&metas[0].origin),
        operations: operations(&metas, picks),
        event_times: Some((pick(metas.iter().map(|meta| event_times(meta)).collect()), None)),
        processing_times: pick(metas.iter().map(|meta| &meta.processing_times).collect()),
        majors: pick(metas.iter().map(|meta| &meta.majors).collect()),
        minors: metas
            .iter()
            .any(|meta| meta.minors.is_some())
            .then(|| picks.iter().map(|(source, row)| metas[*source].sequence(*row).1).collect()),
        mixed: mixed(&metas, picks),
        late: None,
        base: metas[0].base,
    }
}

/// The origin of each row, where the chunks have several.
fn mixed(metas: &[&RowMeta], picks: &[Pick]) -> Option<MixedOrigins> {
    let mut places: Vec<(Arc<str>, i64)> = Vec::new();
    let mut place = |(wanted, taken): (&Arc<str>, i64)| -> u32 {
        let known = places.iter().position(|(origin, base)| {
            *base == taken && (Arc::ptr_eq(origin, wanted) || origin == wanted)
        });
        let place = known.unwrap_or_else(|| {
            places.push((Arc::clone(wanted), taken));
            places.len() - 1
        });
        u32::try_from(place).expect("there are few origins")
    };
    let rows: Vec<u32> = if metas.iter().any(|meta| meta.mixed.is_some()) {
        picks.iter().map(|(source, row)| place(metas[*source].origin_of(*row))).collect()
    } else {
        let of: Vec<u32> = metas.iter().map(|meta| place((&meta.origin, meta.base))).collect();
        if places.len() < 2 {
            return None;
        }
        picks.iter().map(|(source, _)| of[*source]).collect()
    };
    Some(MixedOrigins { rows: rows.into(), places: places.into() })
}

fn operations(metas: &[&RowMeta], picks: &[Pick]) -> Operations {
    if let Operations::All(one) = &metas[0].operations
        && metas
            .iter()
            .all(|meta| matches!(&meta.operations, Operations::All(other) if other == one))
    {
        return Operations::All(*one);
    }
    let codes = picks.iter().map(|(source, row)| match &metas[*source].operations {
        Operations::All(operation) => *operation as u8,
        Operations::Each(codes) => codes[*row],
    });
    Operations::Each(codes.collect())
}
