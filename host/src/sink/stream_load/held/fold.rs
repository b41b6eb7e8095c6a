//! What is left of each key's changes, by the numbers of their rows.
//!
//! A key has a slot: its last row, and whether that says everything. Where it leaves values out, a
//! chain of links leads through the earlier rows that have them. Keys are kept as bytes beside the
//! slots, so that rows themselves can be spilled.
//!
//! *Invariants*: a refused row leaves no trace.
//! *Not here*: the chains themselves (`links`).

use std::sync::Arc;

use hashbrown::HashTable;

use super::changes::Changes;
use super::incoming::Incoming;
use super::keys::{self, EncodedKeys};
pub(super) use super::links::NONE;
use super::links::{Link, Links, Order, number};
use super::order::Sequence;
use super::sets::{ALL, SetId, Sets};
use super::{Deletes, FoldRules};
use crate::record::{Batch, Operation, Operations};

/// The state of a slot whose last row has every column. That of a slot without a row is [`NONE`].
const WHOLE: u32 = u32::MAX - 1;
/// The state of a slot whose last change is a delete.
const GONE: u32 = u32::MAX - 2;

/// Keys that are looked up together.
const GROUP: usize = 32;
/// Parts of the index.
const INDEXES: usize = 1 << keys::BITS;

/// What is left of a key.
#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    /// Where the key starts; it ends where the next slot's does.
    start: u32,
    /// The row of the last change.
    last: u32,
    /// One of the constants, or the link of the last row.
    state: u32,
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
    /// By the upper bits of the hash, in whose order the keys of a batch come: those that follow
    /// each other are looked for in little memory.
    index: Vec<HashTable<Entry>>,
    slots: Vec<Slot>,
    keys: Vec<u8>,
    links: Links,
    /// The greatest sequence of each slot, with a sequence column only.
    sequences: Vec<Sequence>,
}

impl Fold {
    pub(super) fn new(rules: Arc<FoldRules>, columns: usize) -> Self {
        Self {
            sets: Sets::new(columns, &rules.key, rules.sequence),
            links: Links::new(rules.sequence.is_some()),
            rules,
            index: (0..INDEXES).map(|_| HashTable::new()).collect(),
            slots: Vec::new(),
            keys: Vec::new(),
            sequences: Vec::new(),
        }
    }

    /// Takes changes of these keys, whose rows are numbered from `first`. Answers those that it
    /// refuses: rows that are new and leave values out.
    pub(super) fn add(&mut self, changes: &Changes, keys: &EncodedKeys, first: u32) -> Vec<usize> {
        let batch = &changes.batch;
        if self.is_plain(batch) {
            self.add_plain(keys, batch.rows, first);
            return Vec::new();
        }
        self.add_any(changes, keys, first)
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
        let mut known = [NONE; GROUP];
        for start in (0..rows).step_by(GROUP) {
            let group = start..rows.min(start + GROUP);
            let hashes = &encoded.hashes()[group.clone()];
            for (known, hash) in known.iter_mut().zip(hashes) {
                let index = &self.index[keys::place(*hash)];
                let entry = index.find(spread(*hash), |entry| entry.hash == *hash);
                *known = entry.map_or(NONE, |entry| entry.slot);
            }
            for ((row, hash), known) in group.zip(hashes).zip(known) {
                let key = encoded.get(row);
                // Another key may have the same hash.
                let is_known = known != NONE && key_of(&self.slots, &self.keys, known) == key;
                let slot = if is_known { known as usize } else { self.slot(*hash, key) };
                self.slots[slot].last = first + row as u32;
                self.slots[slot].state = WHOLE;
            }
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
        let sequence = self.sequence(Some(slot), incoming.sequence(row));
        let number = first + row as u32;
        let is_delete = incoming.is_delete(row);
        if self.is_late(slot, sequence) {
            if is_delete {
                self.delete_late(slot, number, sequence);
            } else {
                let set = incoming.set(&mut self.sets, row);
                self.insert(slot, number, set, Order { sequence, ends: set == ALL });
            }
            return true;
        }
        let state = if is_delete {
            self.deleted(slot, number, sequence)
        } else {
            match incoming.set(&mut self.sets, row) {
                ALL => WHOLE,
                // What the row was before it went is no longer so, and nobody knows what it is now.
                _ if self.slots[slot].state == GONE => return false,
                set => {
                    let previous = self.link_of(slot);
                    let order = Order { sequence, ends: false };
                    self.links.push(Link { row: number, set, previous }, order)
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
        let number = first + row as u32;
        let given = incoming.sequence(row);
        // Nothing tells whether the old key's row has changed since.
        if self.rules.sequence.is_some() && given.flatten().is_none() {
            return false;
        }
        let earlier = self.find(keys::hash(old), old);
        let left_at = self.sequence(earlier, given);
        let sequence = self.sequence(self.find(keys::hash(new), new), given);
        let mut state = WHOLE;
        let set = incoming.set(&mut self.sets, row);
        if set != ALL {
            let links = self.links.len();
            let previous = earlier.map_or(NONE, |slot| self.link_at(slot, left_at));
            let known = incoming.known(&mut self.sets, row - 1);
            let order = Order { sequence: left_at, ends: false };
            let previous = self.links.push(Link { row: number - 1, set: known, previous }, order);
            // Whole by what it leads to, whatever the new key had.
            let order = Order { sequence, ends: true };
            state = self.links.push(Link { row: number, set, previous }, order);
            if self.union(state) != ALL {
                self.links.truncate(links);
                return false;
            }
        }
        let slot = self.slot(keys::hash(old), old);
        if self.is_late(slot, left_at) {
            self.delete_late(slot, number - 1, left_at);
        } else {
            let gone = self.deleted(slot, number - 1, left_at);
            self.put(slot, number - 1, gone, left_at);
        }
        let slot = self.slot(keys::hash(new), new);
        if !self.is_late(slot, sequence) {
            self.put(slot, number, state, sequence);
        } else if state == WHOLE {
            self.insert(slot, number, ALL, Order { sequence, ends: true });
        } else if let Some(top) = self.top(slot) {
            self.links.lower(top, state, sequence, &self.sets);
        }
        true
    }

    /// The state of a slot once the row `number` has deleted it.
    fn deleted(&mut self, slot: usize, number: u32, sequence: Sequence) -> u32 {
        match self.rules.deletes {
            Deletes::Hard => GONE,
            Deletes::Soft => {
                let (set, previous) = (self.sets.deleted(), self.link_of(slot));
                let order = Order { sequence, ends: false };
                self.links.push(Link { row: number, set, previous }, order)
            }
        }
    }

    /// A delete that is older than what a slot has: what is older still goes. A newer update that
    /// leaves values out says that the row is there again, and stays what it was.
    fn delete_late(&mut self, slot: usize, number: u32, sequence: Sequence) {
        // Where rows stay, the newer change has revived it.
        if self.rules.deletes == Deletes::Hard {
            self.insert(slot, number, self.sets.key(), Order { sequence, ends: true });
        }
    }

    fn put(&mut self, slot: usize, number: u32, state: u32, sequence: Sequence) {
        self.slots[slot].last = number;
        self.slots[slot].state = state;
        if let Some(kept) = self.sequences.get_mut(slot) {
            *kept = sequence;
        }
    }

    /// The sequence of a change of a slot: one that tells none is taken as it comes, behind all
    /// that is there.
    fn sequence(&self, slot: Option<usize>, given: Option<Sequence>) -> Sequence {
        let kept = || slot.and_then(|slot| self.sequences.get(slot).copied()).flatten();
        given.unwrap_or_else(kept)
    }

    /// Whether the slot has a row of a greater sequence.
    fn is_late(&self, slot: usize, sequence: Sequence) -> bool {
        let is_less = self.sequences.get(slot).is_some_and(|kept| sequence < *kept);
        is_less && self.slots[slot].state != NONE
    }

    /// Puts a late change below the newer ones of its key, if it has a say there.
    fn insert(&mut self, slot: usize, row: u32, set: SetId, order: Order) {
        if let Some(top) = self.top(slot) {
            self.links.insert(top, Link { row, set, previous: NONE }, order, &self.sets);
        }
    }

    /// The newest link of a slot that has some; one that is whole or gone has none.
    fn top(&self, slot: usize) -> Option<u32> {
        let state = self.slots[slot].state;
        (!matches!(state, WHOLE | GONE | NONE)).then_some(state)
    }

    /// The chain of what a slot has.
    fn link_of(&mut self, slot: usize) -> u32 {
        match self.slots[slot] {
            Slot { state: GONE | NONE, .. } => NONE,
            Slot { state: WHOLE, last, .. } => {
                let sequence = self.sequences.get(slot).copied().flatten();
                let order = Order { sequence, ends: true };
                self.links.push(Link { row: last, set: ALL, previous: NONE }, order)
            }
            Slot { state, .. } => state,
        }
    }

    /// The chain of what a slot had at a sequence.
    fn link_at(&mut self, slot: usize, sequence: Sequence) -> u32 {
        if !self.is_late(slot, sequence) {
            return self.link_of(slot);
        }
        self.top(slot).map_or(NONE, |top| self.links.at(top, sequence))
    }

    fn find(&self, hash: u32, key: &[u8]) -> Option<usize> {
        let entry = self.index[keys::place(hash)].find(spread(hash), |entry| {
            entry.hash == hash && key_of(&self.slots, &self.keys, entry.slot) == key
        });
        entry.map(|entry| entry.slot as usize)
    }

    /// The slot of a key, a new one where there is none.
    fn slot(&mut self, hash: u32, key: &[u8]) -> usize {
        let Self { index, slots, keys, sequences, rules, .. } = self;
        let next = slots.len();
        let is_same = |entry: &Entry| entry.hash == hash && key_of(slots, keys, entry.slot) == key;
        let index = &mut index[keys::place(hash)];
        let entry = index.entry(spread(hash), is_same, |entry| spread(entry.hash));
        let found = entry.or_insert_with(|| Entry { hash, slot: number(next) });
        let slot = found.get().slot as usize;
        if slot == next {
            slots.push(Slot { hash, start: number(keys.len()), last: 0, state: NONE });
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
            + self.links.bytes()
            + self.sequences.len() * size_of::<Sequence>()
    }

    pub(super) fn clear(&mut self) {
        // One large epoch must not keep its memory for ever; others use it again.
        if self.slots.len() < self.slots.capacity() / 4 {
            *self = Self::new(Arc::clone(&self.rules), self.sets.width());
            return;
        }
        self.index.iter_mut().for_each(HashTable::clear);
        self.slots.clear();
        self.keys.clear();
        self.links.clear();
        self.sequences.clear();
    }

    /// Whether each row that is left is all that is to be known of its key.
    pub(super) const fn is_whole(&self) -> bool {
        self.links.is_empty()
    }

    /// What is left of each key, where all of it [is whole](Self::is_whole).
    pub(super) fn whole(&self) -> impl Iterator<Item = Left> + Clone {
        let slots = self.slots.iter().filter(|slot| slot.state != NONE);
        slots.map(|slot| Left { hash: slot.hash, set: ALL, row: slot.last, link: NONE })
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
            let is_alone = link != NONE && self.links.get(link).previous == NONE;
            take(Left { hash, set, row, link: if is_alone { NONE } else { link } });
        }
    }

    /// The columns that a chain has values for.
    fn union(&mut self, link: u32) -> SetId {
        let first = self.links.get(link);
        if first.previous == NONE {
            return first.set;
        }
        let mut mask = self.sets.empty();
        for link in self.links.chain(link) {
            if self.sets.join(&mut mask, link.set) {
                return ALL;
            }
        }
        self.sets.id(&mask)
    }

    /// A link and all that it leads to, newest first.
    pub(super) fn chain(&self, link: u32) -> impl Iterator<Item = Link> {
        self.links.chain(link)
    }
}

/// A hash as the index asks for it, of which it takes both ends.
#[inline]
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline]
fn key_of<'a>(slots: &[Slot], keys: &'a [u8], slot: u32) -> &'a [u8] {
    let end = slots.get(slot as usize + 1).map_or(keys.len(), |next| next.start as usize);
    &keys[slots[slot as usize].start as usize..end]
}
