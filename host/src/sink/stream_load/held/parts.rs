//! What is left, cut into parts: by the set of columns, then by the hash of the key.
//!
//! A plan says which rows make which part. Of rows in memory a part says only which ones it has;
//! others are gathered when it is loaded, chunk by chunk, so that spilled ones need not all be in
//! memory at once.

use std::ops::Range;

use arrow_array::UInt32Array;
use arrow_buffer::BooleanBuffer;

use super::fold::{Fold, Left, NONE};
use super::rows::{Rows, within};
use super::sets::{ALL, SetId};
use super::sizes::Sizes;
use super::{LoadBounds, Part, Parts, Piece, WHOLE};
use crate::record::{Batch, Operation, Operations};
use crate::sink::SinkError;

/// How often a number of parts is raised until the fullest keeps to the bounds.
const TRIES: usize = 6;
/// It is raised by one in so many.
const RAISE: usize = 16;
/// Rows that are put together from several are gathered so many at a time,
const BLOCK_ROWS: usize = 65_536;
/// or so many bytes.
const BLOCK_BYTES: usize = 64 << 20;
/// A batch of which fewer rows are left than one in so many is not kept for their sake.
const SPARSE: usize = 2;

/// Which rows make which part.
#[derive(Debug)]
pub(in crate::sink::stream_load) struct Plan {
    parts: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    set: SetId,
    name: String,
    index: u32,
    of: u32,
    /// Rows that are as they came, in order.
    plain: Vec<u32>,
    /// Rows that take values from earlier ones, in order.
    merged: Vec<Merged>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Merged {
    row: u32,
    link: u32,
}

/// The plan for rows of which each is kept.
pub(super) fn plan_rows(hashes: &[u32], sizes: &Sizes, parts: &Parts) -> Plan {
    let group: Vec<Left> = hashes
        .iter()
        .zip(0..)
        .map(|(hash, row)| Left { hash: *hash, set: ALL, row, link: NONE })
        .collect();
    let mut plan = Plan { parts: Vec::new() };
    plan.add(WHOLE.to_owned(), ALL, &group, parts, |left| sizes.of(left.row));
    plan
}

/// The plan for what is left of each key.
pub(super) fn plan_keys(fold: &mut Fold, sizes: &Sizes, parts: &Parts) -> Plan {
    let mut groups: Vec<Vec<Left>> = vec![Vec::with_capacity(fold.len())];
    fold.left(|left| {
        let set = left.set as usize;
        if groups.len() <= set {
            groups.resize_with(set + 1, Vec::new);
        }
        groups[set].push(left);
    });
    let mut named: Vec<(String, SetId, Vec<Left>)> = groups
        .into_iter()
        .zip(0..)
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, set)| (fold.sets().name(set), set, group))
        .collect();
    named.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let size = |left: &Left| match left.link {
        NONE => sizes.of(left.row),
        link => fold.chain(link).map(|link| sizes.of(link.row)).sum(),
    };
    let mut plan = Plan { parts: Vec::new() };
    for (name, set, mut group) in named {
        group.sort_unstable_by_key(|left| left.row);
        plan.add(name, set, &group, parts, size);
    }
    plan
}

impl Plan {
    /// How many parts there are.
    pub(in crate::sink::stream_load) fn len(&self) -> usize {
        self.parts.len()
    }

    /// What a part takes in a body, roughly.
    pub(in crate::sink::stream_load) fn bytes(&self, part: usize) -> usize {
        self.parts[part].bytes
    }

    /// Cuts a group, whose rows are in order, into parts.
    fn add(
        &mut self,
        name: String,
        set: SetId,
        group: &[Left],
        parts: &Parts,
        size: impl Fn(&Left) -> usize,
    ) {
        let of = match parts {
            Parts::As(of) => of.get(&name).copied().unwrap_or(1).max(1),
            Parts::BySize(bounds) => count(group, bounds, &size),
        };
        let mut cut: Vec<Planned> = (0..of)
            .map(|index| Planned {
                set,
                name: name.clone(),
                index,
                of,
                plain: Vec::with_capacity(group.len() / of as usize),
                merged: Vec::new(),
                bytes: 0,
            })
            .collect();
        for left in group {
            let part = &mut cut[part_of(left.hash, of)];
            part.bytes += size(left);
            match left.link {
                NONE => part.plain.push(left.row),
                link => part.merged.push(Merged { row: left.row, link }),
            }
        }
        self.parts.extend(cut.into_iter().filter(|part| part.rows() > 0));
    }

    /// The parts `which`, with their rows; `are_held`: those stay in memory anyway as long as the
    /// parts do.
    pub(super) fn load(
        &self,
        which: Range<usize>,
        rows: &Rows,
        fold: &Fold,
        sizes: &Sizes,
        are_held: bool,
    ) -> Result<Vec<Part>, SinkError> {
        let planned = &self.parts[which];
        let mut parts: Vec<Part> = planned.iter().map(|planned| planned.empty(fold)).collect();
        let mut taken = vec![0; planned.len()];
        for chunk in 0..rows.chunks() {
            let range = rows.range(chunk);
            let mut asked: Vec<&[u32]> = Vec::with_capacity(planned.len());
            for (planned, taken) in planned.iter().zip(&mut taken) {
                let rest = &planned.plain[*taken..];
                let count = rest.partition_point(|row| (*row as usize) < range.end);
                *taken += count;
                asked.push(&rest[..count]);
            }
            let count: usize = asked.iter().map(|asked| asked.len()).sum();
            if count == 0 {
                continue;
            }
            let batch = rows.batch(chunk)?;
            let is_worth_it = are_held || count >= range.len() / SPARSE;
            let is_shared = is_worth_it && rows.is_in_memory(chunk);
            let deletes = deletes(&batch);
            for (part, asked) in parts.iter_mut().zip(asked) {
                if asked.len() == range.len() {
                    let (batch, deletes) = (batch.clone(), deletes.clone());
                    part.pieces.push(Piece { batch, rows: None, deletes });
                } else if !asked.is_empty() {
                    let asked = within(asked, range.start);
                    part.pieces.push(match is_shared {
                        true => shared(&batch, asked, deletes.as_ref()),
                        false => piece(batch.take(&asked)),
                    });
                }
            }
        }
        for (planned, part) in planned.iter().zip(&mut parts) {
            let mut rest = &planned.merged[..];
            while !rest.is_empty() {
                let (block, after) = rest.split_at(block_end(rest, fold, sizes));
                part.pieces.push(piece(gather(block, rows, fold)?));
                rest = after;
            }
        }
        Ok(parts)
    }
}

impl Planned {
    fn rows(&self) -> usize {
        self.plain.len() + self.merged.len()
    }

    fn empty(&self, fold: &Fold) -> Part {
        Part {
            set: self.name.clone(),
            index: self.index,
            of: self.of,
            present: fold.sets().columns(self.set),
            pieces: Vec::new(),
            rows: self.rows(),
            bytes: self.bytes,
        }
    }
}

/// The part of a hash, by its upper bits first.
fn part_of(hash: u32, of: u32) -> usize {
    ((u64::from(hash) * u64::from(of)) >> 32) as usize
}

/// How many parts a group needs such that, by the estimate, each keeps to the bounds; a few more
/// than its size asks for, since hashes do not spread evenly. A row that is too large by itself
/// keeps a part too large, so that the search is short.
fn count(group: &[Left], bounds: &LoadBounds, size: &impl Fn(&Left) -> usize) -> u32 {
    let (rows_max, bytes_max) = (bounds.rows.max(1), bounds.bytes.max(1));
    let bytes: usize = group.iter().map(size).sum();
    let mut of = group.len().div_ceil(rows_max).max(bytes.div_ceil(bytes_max)).max(1);
    for _ in 0..TRIES {
        if of == 1 || of >= group.len() || keeps_to(group, of, rows_max, bytes_max, size) {
            break;
        }
        of += of.div_ceil(RAISE);
    }
    u32::try_from(of.min(group.len().max(1))).expect("rows have numbers of 32 bits")
}

fn keeps_to(
    group: &[Left],
    of: usize,
    rows_max: usize,
    bytes_max: usize,
    size: &impl Fn(&Left) -> usize,
) -> bool {
    let Ok(parts) = u32::try_from(of) else { return true };
    let mut filled = vec![(0, 0); of];
    for left in group {
        let (rows, bytes) = &mut filled[part_of(left.hash, parts)];
        *rows += 1;
        *bytes += size(left);
    }
    filled.iter().all(|(rows, bytes)| *rows <= rows_max && (*bytes <= bytes_max || *rows == 1))
}

/// How many of the rows are gathered at once.
fn block_end(rows: &[Merged], fold: &Fold, sizes: &Sizes) -> usize {
    let mut bytes = 0;
    let fitting = rows.iter().take(BLOCK_ROWS).take_while(|merged| {
        bytes += fold.chain(merged.link).map(|link| sizes.of(link.row)).sum::<usize>();
        bytes <= BLOCK_BYTES
    });
    fitting.count().max(1)
}

/// Rows that take each value from the newest row of their key that has it.
fn gather(block: &[Merged], rows: &Rows, fold: &Fold) -> Result<Batch, SinkError> {
    let mut needed: Vec<u32> =
        block.iter().flat_map(|merged| fold.chain(merged.link).map(|link| link.row)).collect();
    needed.sort_unstable();
    needed.dedup();
    let source = rows.take(&needed)?;
    let place = |row: u32| -> u32 {
        let place = needed.binary_search(&row).expect("every row of a chain is there");
        u32::try_from(place).expect("a block is small")
    };
    let last: Vec<u32> = block.iter().map(|merged| place(merged.row)).collect();
    let mut batch = source.take(&last);
    for (index, column) in batch.columns.iter_mut().enumerate() {
        let has =
            |merged: &Merged| fold.chain(merged.link).find(|link| fold.sets().has(link.set, index));
        let picks: Vec<u32> = block
            .iter()
            .zip(&last)
            .map(|(merged, last)| has(merged).map_or(*last, |link| place(link.row)))
            .collect();
        if picks != last {
            let values = &source.columns[index].values;
            column.values = arrow_select::take::take(values, &UInt32Array::from(picks), None)
                .map_err(|source| rows.failed(source))?;
        }
    }
    Ok(batch)
}

/// All rows of a batch.
fn piece(batch: Batch) -> Piece {
    let deletes = deletes(&batch);
    Piece { batch, rows: None, deletes }
}

/// Some rows of a batch that stays as it is.
fn shared(batch: &Batch, rows: Vec<u32>, deletes: Option<&BooleanBuffer>) -> Piece {
    // Those of other parts are none of this one.
    let deletes = deletes.filter(|bits| rows.iter().any(|row| bits.value(*row as usize)));
    Piece { batch: batch.clone(), deletes: deletes.cloned(), rows: Some(rows) }
}

/// A batch's rows that delete, if there are any.
fn deletes(batch: &Batch) -> Option<BooleanBuffer> {
    match &batch.meta.operations {
        Operations::All(Operation::Delete) => Some(BooleanBuffer::new_set(batch.rows)),
        Operations::All(_) => None,
        Operations::Each(codes) => {
            let is_delete = |row: usize| codes[row] == Operation::Delete as u8;
            (0..batch.rows)
                .any(is_delete)
                .then(|| BooleanBuffer::collect_bool(batch.rows, is_delete))
        }
    }
}
