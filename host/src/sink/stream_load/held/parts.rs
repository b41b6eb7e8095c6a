//! What is left, cut into parts: by the set of columns, then by the hash of the key.
//!
//! In a flexible part, rows of several sets stand behind one another, set by set.
//!
//! A plan says which rows make which part. Of rows in memory a part says only which ones it has;
//! others are gathered when it is loaded, chunk by chunk, so that spilled ones need not all be in
//! memory at once.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::UInt32Array;
use arrow_buffer::BooleanBuffer;

use super::fold::{Fold, Left, NONE};
use super::rows::{Rows, within};
use super::sets::{ALL, SetId};
use super::sizes::Sizes;
use super::{FLEXIBLE, LoadBounds, Part, Parts, Piece, WHOLE};
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
    name: String,
    index: u32,
    of: u32,
    /// Its rows: several groups in a flexible part, else one.
    groups: Vec<Group>,
    bytes: usize,
}

/// Rows of a part that have the same columns.
#[derive(Debug)]
struct Group {
    set: SetId,
    /// Rows that are as they came, in order.
    plain: Vec<u32>,
    /// Rows that take values from earlier ones, in order.
    merged: Vec<Merged>,
}

#[derive(Clone, Copy, Debug)]
struct Merged {
    row: u32,
    link: u32,
}

/// The plan for rows of which each is kept.
pub(super) fn plan_rows(hashes: &[u32], sizes: &Sizes, parts: &Parts) -> Plan {
    let rows = hashes.iter().zip(0..);
    let group = rows.map(|(hash, row)| Left { hash: *hash, set: ALL, row, link: NONE });
    let mut plan = Plan { parts: Vec::new() };
    plan.add(WHOLE, group, parts, |left| sizes.of(left.row));
    plan
}

/// The plan for what is left of each key; `is_flexible`: rows that leave values out go together,
/// whichever they are.
pub(super) fn plan_keys(fold: &mut Fold, sizes: &Sizes, parts: &Parts, is_flexible: bool) -> Plan {
    if fold.is_whole() {
        let mut plan = Plan { parts: Vec::new() };
        plan.add(WHOLE, fold.whole(), parts, |left| sizes.of(left.row));
        return plan;
    }
    let mut groups: Vec<Vec<Left>> = vec![Vec::with_capacity(fold.len())];
    fold.left(|left| {
        let set = left.set as usize;
        if groups.len() <= set {
            groups.resize_with(set + 1, Vec::new);
        }
        groups[set].push(left);
    });
    let mut named: Vec<(String, Vec<Left>)> = groups
        .into_iter()
        .zip(0..)
        .filter(|(group, _)| !group.is_empty())
        .map(|(mut group, set)| {
            group.sort_unstable_by_key(|left| left.row);
            (fold.sets().name(set), group)
        })
        .collect();
    // Numbers of sets depend on which came first, names do not.
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    if is_flexible {
        named = joined(named);
    }
    let size = |left: &Left| match left.link {
        NONE => sizes.of(left.row),
        link => fold.chain(link).map(|link| sizes.of(link.row)).sum(),
    };
    let mut plan = Plan { parts: Vec::new() };
    for (name, group) in named {
        plan.add(&name, group.iter().copied(), parts, size);
    }
    plan
}

/// The groups of rows that leave values out as one, set by set.
fn joined(named: Vec<(String, Vec<Left>)>) -> Vec<(String, Vec<Left>)> {
    let (mut joined, partial): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|(name, _)| name == WHOLE);
    if !partial.is_empty() {
        let rows = partial.into_iter().flat_map(|(_, group)| group).collect();
        joined.push((FLEXIBLE.to_owned(), rows));
    }
    joined
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

    /// Cuts a group, whose rows are set by set, into parts.
    fn add(
        &mut self,
        name: &str,
        group: impl Iterator<Item = Left> + Clone,
        parts: &Parts,
        size: impl Fn(&Left) -> usize,
    ) {
        let rows = group.clone().count();
        let of = match parts {
            Parts::As(of) => of.get(name).copied().unwrap_or(1).max(1),
            Parts::BySize(bounds) => count(&group, rows, bounds, &size),
        };
        let empty =
            |index| Planned { name: name.to_owned(), index, of, groups: Vec::new(), bytes: 0 };
        let mut cut: Vec<Planned> = (0..of).map(empty).collect();
        // Of a flexible part's rows, nobody knows how many each group has.
        let room = if name == FLEXIBLE { 0 } else { rows / of as usize + rows / of as usize / 8 };
        for left in group {
            let part = &mut cut[part_of(left.hash, of)];
            part.bytes += size(&left);
            part.push(&left, room);
        }
        for group in cut.iter_mut().flat_map(|part| &mut part.groups) {
            group.sort();
        }
        self.parts.extend(cut.into_iter().filter(|part| !part.groups.is_empty()));
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
        let mut groups: Vec<Loading<'_>> =
            planned.iter().flat_map(|part| &part.groups).map(|group| group.begin(fold)).collect();
        for chunk in 0..rows.chunks() {
            let range = rows.range(chunk);
            let asked: Vec<&[u32]> =
                groups.iter_mut().map(|group| group.next_before(range.end)).collect();
            let count: usize = asked.iter().map(|asked| asked.len()).sum();
            if count == 0 {
                continue;
            }
            let batch = rows.batch(chunk)?;
            let is_worth_it = are_held || count >= range.len() / SPARSE;
            let is_shared = is_worth_it && rows.is_in_memory(chunk);
            let deletes = deletes(&batch);
            for (group, asked) in groups.iter_mut().zip(asked) {
                if asked.len() == range.len() {
                    group.push(batch.clone(), None, deletes.clone());
                } else if !asked.is_empty() {
                    let asked = within(asked, range.start);
                    if is_shared {
                        group.push_shared(&batch, asked, deletes.as_ref());
                    } else {
                        group.push_all(batch.take(&asked));
                    }
                }
            }
        }
        let mut groups = groups.into_iter();
        planned.iter().map(|part| part.filled(&mut groups, rows, fold, sizes)).collect()
    }
}

impl Planned {
    /// Adds a row behind the others. A new group has room for so many.
    fn push(&mut self, left: &Left, room: usize) {
        let set = left.set;
        if self.groups.last().is_none_or(|group| group.set != set) {
            let plain = Vec::with_capacity(room);
            self.groups.push(Group { set, plain, merged: Vec::new() });
        }
        let group = self.groups.last_mut().expect("there is one");
        match left.link {
            NONE => group.plain.push(left.row),
            link => group.merged.push(Merged { row: left.row, link }),
        }
    }

    /// The part, with its groups' rows, which come next among `groups`.
    fn filled<'a>(
        &self,
        groups: &mut impl Iterator<Item = Loading<'a>>,
        rows: &Rows,
        fold: &Fold,
        sizes: &Sizes,
    ) -> Result<Part, SinkError> {
        let mut pieces = Vec::new();
        for mut group in groups.take(self.groups.len()) {
            let of = group.of;
            let mut rest = &of.merged[..];
            while !rest.is_empty() {
                let (block, after) = rest.split_at(block_end(rest, fold, sizes));
                group.push_all(gather(block, rows, fold)?);
                rest = after;
            }
            pieces.append(&mut group.pieces);
        }
        Ok(Part {
            set: self.name.clone(),
            index: self.index,
            of: self.of,
            is_flexible: self.name == FLEXIBLE,
            pieces,
            rows: self.groups.iter().map(|group| group.plain.len() + group.merged.len()).sum(),
            bytes: self.bytes,
            is_plain: rows.are_plain(),
        })
    }
}

impl Group {
    /// Puts rows in order, in which they mostly are.
    fn sort(&mut self) {
        if !self.plain.is_sorted() {
            self.plain.sort_unstable();
        }
        if !self.merged.is_sorted_by_key(|merged| merged.row) {
            self.merged.sort_unstable_by_key(|merged| merged.row);
        }
    }

    fn begin(&self, fold: &Fold) -> Loading<'_> {
        let present = fold.sets().columns(self.set).map(Arc::from);
        Loading { of: self, present, taken: 0, pieces: Vec::new() }
    }
}

/// A group whose rows are being loaded.
struct Loading<'a> {
    of: &'a Group,
    present: Option<Arc<[usize]>>,
    /// How many of the plain rows are loaded.
    taken: usize,
    pieces: Vec<Piece>,
}

impl<'a> Loading<'a> {
    /// The next plain rows, as far as they stand before `end`.
    fn next_before(&mut self, end: usize) -> &'a [u32] {
        let rest = &self.of.plain[self.taken..];
        let count = rest.partition_point(|row| (*row as usize) < end);
        self.taken += count;
        &rest[..count]
    }

    fn push(&mut self, batch: Batch, rows: Option<Vec<u32>>, deletes: Option<BooleanBuffer>) {
        let present = self.present.clone();
        self.pieces.push(Piece { batch, rows, present, deletes });
    }

    /// All rows of a batch.
    fn push_all(&mut self, batch: Batch) {
        let deletes = deletes(&batch);
        self.push(batch, None, deletes);
    }

    /// Some rows of a batch that stays as it is.
    fn push_shared(&mut self, batch: &Batch, rows: Vec<u32>, deletes: Option<&BooleanBuffer>) {
        // Those of other parts are none of this one.
        let deletes = deletes.filter(|bits| rows.iter().any(|row| bits.value(*row as usize)));
        self.push(batch.clone(), Some(rows), deletes.cloned());
    }
}

/// The part of a hash, by its upper bits first.
fn part_of(hash: u32, of: u32) -> usize {
    ((u64::from(hash) * u64::from(of)) >> 32) as usize
}

/// How many parts a group needs such that, by the estimate, each keeps to the bounds; a few more
/// than its size asks for, since hashes do not spread evenly. A row that is too large by itself
/// keeps a part too large, so that the search is short.
fn count(
    group: &(impl Iterator<Item = Left> + Clone),
    rows: usize,
    bounds: &LoadBounds,
    size: &impl Fn(&Left) -> usize,
) -> u32 {
    let (rows_max, bytes_max) = (bounds.rows.max(1), bounds.bytes.max(1));
    let bytes: usize = group.clone().map(|left| size(&left)).sum();
    let mut of = rows.div_ceil(rows_max).max(bytes.div_ceil(bytes_max)).max(1);
    for _ in 0..TRIES {
        if of == 1 || of >= rows || keeps_to(group, of, rows_max, bytes_max, size) {
            break;
        }
        of += of.div_ceil(RAISE);
    }
    u32::try_from(of.min(rows.max(1))).expect("rows have numbers of 32 bits")
}

fn keeps_to(
    group: &(impl Iterator<Item = Left> + Clone),
    of: usize,
    rows_max: usize,
    bytes_max: usize,
    size: &impl Fn(&Left) -> usize,
) -> bool {
    let Ok(parts) = u32::try_from(of) else { return true };
    let mut filled = vec![(0, 0); of];
    for left in group.clone() {
        let (rows, bytes) = &mut filled[part_of(left.hash, parts)];
        *rows += 1;
        *bytes += size(&left);
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
