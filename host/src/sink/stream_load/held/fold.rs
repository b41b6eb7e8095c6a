//! What is left of each key's changes, by the numbers of their rows.
//!
//! A key has a slot: its last row, and whether that says everything. Where it leaves values out, a
//! chain of links leads through the earlier rows that have them. Keys are kept as bytes beside the
//! slots, so that rows themselves can be spilled.
//!
//! *Invariants*: a chain ends at the first row that has every column, or where the epoch knows no
//! earlier one; a refused row leaves no trace.

use std::sync::Arc;

use arrow_array::ArrayRef;
use hashbrown::HashTable;

use super::changes::Changes;
use super::incoming::{Given, Incoming};
use super::keys::{self, EncodedKeys};
use super::order::Sequence;
use super::sets::{ALL, SetId, Sets};
use super::{Deletes, FoldRules};
use crate::record::{Batch, Operation, Operations};

/// Ends a chain of links, and is the state of a slot without a row.
pub(super) const NONE: u32 = u32::MAX;
/// The state of a slot whose last row has every column.
const WHOLE: u32 = u32::MAX - 1;
/// The state of a slot whose last change is a delete.
const GONE: u32 = u32::MAX - 2;

/// Keys that are looked up together.
const GROUP: usize = 32;
/// An index of fewer keys grows by more than double.
const SMALL_INDEX: usize = 1 << 19;

/// What is left of a key.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    /// Where the key starts; it ends where the next slot's does.
    start: usize,
    /// The row of the last change.
    last: u32,
    /// One of the constants, or the link of the last row.
    state: u32,
}

/// A row that has some columns, and the next older one to ask for the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) row: u32,
    pub(super) set: SetId,
    pub(super) previous: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    slot: u32,
}

/// A key's row: of the set of columns, by the last row and the links to the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) hash: u32,
    pub(super) set: SetId,
    pub(super) row: u32,
    /// The link of `row`, where other rows have to be asked; otherwise [`NONE`].
    pub(super) link: u32,
}

/// The keys of an epoch.
pub(super) struct Fold {
    rules: Arc<FoldRules>,
    sets: Sets,
    index: HashTable<Entry>,
    slots: Vec<Slot>,
    keys: Vec<u8>,
    links: Vec<Link>,
    /// The sequence of each slot, with a sequence column only.
    sequences: Vec<Sequence>,
    /// Room for the keys of a batch.
    encoded: EncodedKeys,
}

impl Fold {
    pub(super) fn new(rules: Arc<FoldRules>, columns: usize) -> Self {
        Self {
            sets: Sets::new(columns, &rules.key),
            rules,
            index: HashTable::new(),
            slots: Vec::new(),
            keys: Vec::new(),
            links: Vec::new(),
            sequences: Vec::new(),
            encoded: EncodedKeys::default(),
        }
    }

    /// Takes changes, whose rows are numbered from `first`. Answers those that it refuses: rows
    /// that are new and leave values out.
    pub(super) fn add(&mut self, changes: &Changes, first: u32) -> Vec<usize> {
        let batch = &changes.batch;
        let mut encoded = std::mem::take(&mut self.encoded);
        let columns: Vec<&ArrayRef> =
            self.rules.key.iter().map(|index| &batch.columns[*index].values).collect();
        encoded.encode(&columns, batch.rows);
        self.reserve(batch.rows);
        let refused = if self.is_plain(batch) {
            self.add_plain(&encoded, batch.rows, first);
            Vec::new()
        } else {
            self.add_any(changes, &encoded, first)
        };
        self.encoded = encoded;
        refused
    }

    /// Whether each row is all that is to be known of its key: the common case.
    fn is_plain(&self, batch: &Batch) -> bool {
        let no_deletes = match &batch.meta.operations {
            Operations::All(operation) => *operation != Operation::Delete,
            Operations::Each(codes) => !codes.contains(&(Operation::Delete as u8)),
        };
        no_deletes
            && self.rules.sequence.is_none()
            && batch.columns.iter().all(|column| column.unchanged.is_none())
    }

    /// Rows that are all that is to be known of their keys. The index is far larger than what the
    /// processor has near: it is asked for many keys before anything is done about the first, so
    /// that waiting for the memory is done for all of them at once.
    fn add_plain(&mut self, encoded: &EncodedKeys, rows: usize, first: u32) {
        let (mut hashes, mut known) = ([0; GROUP], [NONE; GROUP]);
        for start in (0..rows).step_by(GROUP) {
            let group = start..rows.min(start + GROUP);
            for (hash, row) in hashes.iter_mut().zip(group.clone()) {
                *hash = keys::hash(encoded.get(row));
            }
            for (known, hash) in known.iter_mut().zip(&hashes[..group.len()]) {
                let entry = self.index.find(spread(*hash), |entry| entry.hash == *hash);
                *known = entry.map_or(NONE, |entry| entry.slot);
            }
            for ((row, hash), known) in group.zip(hashes).zip(known) {
                let key = encoded.get(row);
                // Another key may have the same hash.
                let is_known = known != NONE && key_of(&self.slots, &self.keys, known) == key;
                let slot = if is_known { known as usize } else { self.slot(hash, key) };
                self.slots[slot].last = first + row as u32;
                self.slots[slot].state = WHOLE;
            }
        }
    }

    /// Makes room in the index for so many keys, in few steps: each puts all of them elsewhere.
    fn reserve(&mut self, keys: usize) {
        let (length, capacity) = (self.index.len(), self.index.capacity());
        if length + keys > capacity {
            let factor = if capacity < SMALL_INDEX { 4 } else { 2 };
            let wanted = (length + keys).max(capacity * factor);
            self.index.reserve(wanted - length, |entry| spread(entry.hash));
        }
    }

    fn add_any(&mut self, changes: &Changes, encoded: &EncodedKeys, first: u32) -> Vec<usize> {
        let batch = &changes.batch;
        let mut incoming = Incoming::new(batch, &self.rules);
        let (mut refused, mut moved) = (Vec::new(), changes.moved.iter().peekable());
        let mut row = 0;
        while row < batch.rows {
            let is_moved = moved.next_if(|moved| **moved as usize == row).is_some();
            let is_taken = if is_moved {
                row += 1;
                self.replace_key(&mut incoming, encoded, row, first)
            } else {
                self.change(&mut incoming, encoded.get(row), row, first)
            };
            if !is_taken {
                refused.push(row);
            }
            row += 1;
        }
        refused
    }

    /// One change of a key.
    fn change(&mut self, incoming: &mut Incoming<'_>, key: &[u8], row: usize, first: u32) -> bool {
        let slot = self.slot(keys::hash(key), key);
        let sequence = incoming.sequence(row);
        if self.is_outdated(slot, sequence) {
            return true;
        }
        let number = first + row as u32;
        let state = if incoming.is_delete(row) {
            self.deleted(slot, number)
        } else {
            match incoming.set(&mut self.sets, row) {
                ALL => WHOLE,
                // What the row was before it went is no longer so, and nobody knows what it is now.
                _ if self.slots[slot].state == GONE => return false,
                set => {
                    let previous = self.link_of(slot);
                    self.link(Link { row: number, set, previous })
                }
            }
        };
        self.put(slot, number, state, sequence);
        true
    }

    /// An update that leaves a key for another: the row before `row` is that of the old key. What
    /// it leaves out as unchanged is what the row had under its old key.
    fn replace_key(
        &mut self,
        incoming: &mut Incoming<'_>,
        encoded: &EncodedKeys,
        row: usize,
        first: u32,
    ) -> bool {
        let (old, new) = (encoded.get(row - 1), encoded.get(row));
        let (number, sequence) = (first + row as u32, incoming.sequence(row));
        let mut state = WHOLE;
        let set = incoming.set(&mut self.sets, row);
        if set != ALL {
            let links = self.links.len();
            let earlier = self.find(keys::hash(old), old);
            let previous = earlier.map_or(NONE, |slot| self.link_of(slot));
            let known = incoming.known(&mut self.sets, row - 1);
            let previous = self.link(Link { row: number - 1, set: known, previous });
            state = self.link(Link { row: number, set, previous });
            if self.union(state) != ALL {
                self.links.truncate(links);
                return false;
            }
        }
        let slot = self.slot(keys::hash(old), old);
        if !self.is_outdated(slot, sequence) {
            let gone = self.deleted(slot, number - 1);
            self.put(slot, number - 1, gone, sequence);
        }
        let slot = self.slot(keys::hash(new), new);
        if !self.is_outdated(slot, sequence) {
            self.put(slot, number, state, sequence);
        }
        true
    }

    /// The state of a slot once the row `number` has deleted it.
    fn deleted(&mut self, slot: usize, number: u32) -> u32 {
        match self.rules.deletes {
            Deletes::Hard => GONE,
            Deletes::Soft => {
                let (set, previous) = (self.sets.key(), self.link_of(slot));
                self.link(Link { row: number, set, previous })
            }
        }
    }

    fn put(&mut self, slot: usize, number: u32, state: u32, sequence: Given) {
        self.slots[slot].last = number;
        self.slots[slot].state = state;
        if let (Some(kept), Given::Upsert(value) | Given::Delete(value)) =
            (self.sequences.get_mut(slot), sequence)
        {
            *kept = value;
        }
    }

    /// Whether the slot has a row of a greater sequence. A delete that tells none is taken as it
    /// comes.
    fn is_outdated(&self, slot: usize, sequence: Given) -> bool {
        let Some(kept) = self.sequences.get(slot) else { return false };
        self.slots[slot].state != NONE
            && match sequence {
                Given::Unchanged | Given::Delete(None) => false,
                Given::Upsert(value) | Given::Delete(value) => value < *kept,
            }
    }

    /// The chain of what a slot has.
    fn link_of(&mut self, slot: usize) -> u32 {
        match self.slots[slot] {
            Slot { state: GONE | NONE, .. } => NONE,
            Slot { state: WHOLE, last, .. } => {
                self.link(Link { row: last, set: ALL, previous: NONE })
            }
            Slot { state, .. } => state,
        }
    }

    fn link(&mut self, link: Link) -> u32 {
        let number = number(self.links.len());
        self.links.push(link);
        number
    }

    fn find(&self, hash: u32, key: &[u8]) -> Option<usize> {
        let entry = self.index.find(spread(hash), |entry| {
            entry.hash == hash && key_of(&self.slots, &self.keys, entry.slot) == key
        });
        entry.map(|entry| entry.slot as usize)
    }

    /// The slot of a key, a new one where there is none.
    fn slot(&mut self, hash: u32, key: &[u8]) -> usize {
        let Self { index, slots, keys, sequences, rules, .. } = self;
        let next = slots.len();
        let is_same = |entry: &Entry| entry.hash == hash && key_of(slots, keys, entry.slot) == key;
        let entry = index.entry(spread(hash), is_same, |entry| spread(entry.hash));
        let found = entry.or_insert_with(|| Entry { hash, slot: number(next) });
        let slot = found.get().slot as usize;
        if slot == next {
            slots.push(Slot { hash, start: keys.len(), last: 0, state: NONE });
            keys.extend_from_slice(key);
            if rules.sequence.is_some() {
                sequences.push(None);
            }
        }
        slot
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The sets of columns that have been seen.
    pub(super) const fn sets(&self) -> &Sets {
        &self.sets
    }

    /// Roughly what is in memory for the keys.
    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * (size_of::<Slot>() + size_of::<Entry>())
            + self.keys.len()
            + self.links.len() * size_of::<Link>()
            + self.sequences.len() * size_of::<Sequence>()
    }

    pub(super) fn clear(&mut self) {
        // One large epoch must not keep its memory for ever; others use it again.
        if self.slots.len() < self.slots.capacity() / 4 {
            *self = Self::new(Arc::clone(&self.rules), self.sets.width());
            return;
        }
        self.index.clear();
        self.slots.clear();
        self.keys.clear();
        self.links.clear();
        self.sequences.clear();
    }

    /// What is left of each key, by the order in which keys first came.
    pub(super) fn left(&mut self, mut take: impl FnMut(Left)) {
        for slot in 0..self.slots.len() {
            let Slot { hash, last: row, state, .. } = self.slots[slot];
            let (set, link) = match state {
                NONE => continue,
                WHOLE | GONE => (ALL, NONE),
                link => (self.union(link), link),
            };
            let is_alone = link != NONE && self.links[link as usize].previous == NONE;
            take(Left { hash, set, row, link: if is_alone { NONE } else { link } });
        }
    }

    /// The columns that a chain has values for.
    fn union(&mut self, link: u32) -> SetId {
        let first = self.links[link as usize];
        if first.previous == NONE {
            return first.set;
        }
        let mut mask = self.sets.empty();
        for link in self.chain(link) {
            if self.sets.join(&mut mask, link.set) {
                return ALL;
            }
        }
        self.sets.id(&mask)
    }

    /// A link and all that it leads to, newest first.
    pub(super) fn chain(&self, link: u32) -> impl Iterator<Item = Link> {
        std::iter::successors(self.links.get(link as usize), move |link| {
            self.links.get(link.previous as usize)
        })
        .copied()
    }
}

/// A hash as the index asks for it, of which it takes both ends.
#[inline]
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline]
fn key_of<'a>(slots: &[Slot], keys: &'a [u8], slot: u32) -> &'a [u8] {
    let end = slots.get(slot as usize + 1).map_or(keys.len(), |next| next.start);
    &keys[slots[slot as usize].start..end]
}

fn number(index: usize) -> u32 {
    match u32::try_from(index) {
        Ok(number) if number < GONE => number,
        _ => panic!("an epoch has fewer keys and changes than 2^32: its bytes are bounded"),
    }
}
