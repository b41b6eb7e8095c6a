//! All state of an instance: entries by state, key and sub-key, as bytes.
//!
//! An entry is a record in the [`Slab`], found through the [`Index`]. What changed since the last
//! save is a list of addresses, and a record knows its place in it, so that it is there once and
//! leaves it when it goes. A removed entry that the host has stays as a dead record until it has
//! been handed over.

use std::ops::Range;

use super::index::Index;
use super::queue::Queue;
use super::record::{self, DEAD, LIVE, STORED};
use super::slab::Slab;
use super::ttl::{Clock, Domain, Ttl};
use crate::raw::StateKind;

/// A state as it was declared.
pub(crate) struct Declared {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) kind: StateKind,
    pub(crate) ttl: Option<Ttl>,
    /// Of timers: by which time they fire.
    pub(crate) domain: Domain,
}

/// The state and key that an entry is of.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) state: u8,
    pub(crate) group: u16,
    pub(crate) key: &'a [u8],
}

/// What a list has in place of the number of bytes that the host has, where it must get them all.
pub(super) const REWRITTEN: u32 = u32::MAX;

/// The state of an instance.
pub(crate) struct Store {
    pub(super) slab: Slab,
    pub(super) index: Index,
    /// The first entry of each key's maps.
    pub(super) heads: Index,
    pub(super) states: Vec<Declared>,
    /// What changed since the last save, no address for what is gone.
    pub(super) changes: Vec<u32>,
    /// How many of the changes are handed over already.
    pub(super) taken: usize,
    /// How many of the changes are no address.
    pub(super) gone: usize,
    pub(super) queues: [Queue; 2],
    pub(super) clock: Clock,
    /// The clock as the host has it.
    pub(super) saved_clock: Option<Clock>,
    pub(super) swept: [Option<i64>; 2],
    head: Vec<u8>,
    value: Vec<u8>,
}

impl Store {
    /// No entries of these states.
    pub(crate) fn new(states: Vec<Declared>) -> Self {
        Self {
            slab: Slab::new(),
            index: Index::new(),
            heads: Index::new(),
            states,
            changes: Vec::new(),
            taken: 0,
            gone: 0,
            queues: [Queue::new(), Queue::new()],
            clock: Clock::START,
            saved_clock: None,
            swept: [None; 2],
            head: Vec::new(),
            value: Vec::new(),
        }
    }

    /// A state's declaration.
    pub(crate) fn declared(&self, state: u8) -> &Declared {
        &self.states[state as usize]
    }

    /// The address of an entry, dead ones among them.
    pub(super) fn find(&self, state: u8, key: &[u8], sub: &[u8]) -> Option<u32> {
        let hash = record::hash(state, key, sub);
        let same = |address| record::is(self.slab.block(address), state, key, sub);
        self.index.find(hash, same).map(|slot| self.index.at(slot))
    }

    /// The address of an entry that is there.
    pub(super) fn live(&self, state: u8, key: &[u8], sub: &[u8]) -> Option<u32> {
        self.find(state, key, sub).filter(|address| self.flags(*address) & DEAD == 0)
    }

    pub(super) fn flags(&self, address: u32) -> u8 {
        record::flags(self.slab.block(address))
    }

    /// Where the value lies in a block, without what only this instance knows.
    #[inline]
    pub(super) fn body(&self, block: &[u8]) -> Range<usize> {
        let value = record::parts(block).value;
        value.start + prefix(self.states[record::state(block) as usize].kind)..value.end
    }

    /// An entry's bytes.
    pub(super) fn get(&self, state: u8, key: &[u8], sub: &[u8]) -> Option<&[u8]> {
        self.live(state, key, sub).map(|address| self.body_at(address))
    }

    /// The bytes of the entry at an address.
    pub(super) fn body_at(&self, address: u32) -> &[u8] {
        let block = self.slab.block(address);
        &block[self.body(block)]
    }

    /// Sets an entry's bytes, and answers where it lies.
    pub(super) fn put(&mut self, place: Place<'_>, sub: &[u8], body: &[u8]) -> u32 {
        let kind = self.states[place.state as usize].kind;
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        let address = match self.find(place.state, place.key, sub) {
            Some(address) => {
                let block = self.slab.block(address);
                let alive = record::flags(block) & DEAD == 0;
                if alive && block[self.body(block)] == *body {
                    self.value = value;
                    return address;
                }
                if !alive {
                    self.revive(address);
                }
                let block = self.slab.block(address);
                let start = record::parts(block).value.start;
                value.extend_from_slice(&block[start..start + prefix(kind)]);
                if matches!(kind, StateKind::List) {
                    value.copy_from_slice(&REWRITTEN.to_le_bytes());
                }
                value.extend_from_slice(body);
                self.rewrite(address, &value)
            }
            None => {
                // No neighbours of a map's entry, nothing of a list with the host: both are NONE.
                value.resize(prefix(kind), u8::MAX);
                value.extend_from_slice(body);
                self.create(place, sub, &value)
            }
        };
        self.value = value;
        self.mark(address);
        address
    }

    /// Adds to the end of an entry's bytes.
    pub(super) fn append(&mut self, place: Place<'_>, more: &[u8]) -> u32 {
        let Some(address) = self.live(place.state, place.key, &[]) else {
            return self.put(place, &[], more);
        };
        let address = if record::extend_value(self.slab.block_mut(address), more) {
            address
        } else {
            let mut value = std::mem::take(&mut self.value);
            let block = self.slab.block(address);
            value.clear();
            value.extend_from_slice(&block[record::parts(block).value]);
            value.extend_from_slice(more);
            let address = self.rewrite(address, &value);
            self.value = value;
            address
        };
        self.mark(address);
        address
    }

    /// Removes an entry, if there is one.
    pub(super) fn remove(&mut self, state: u8, key: &[u8], sub: &[u8]) {
        if let Some(address) = self.live(state, key, sub) {
            self.remove_at(address);
        }
    }

    /// Removes the entry at an address, if one is there.
    pub(super) fn remove_at(&mut self, address: u32) {
        let block = self.slab.block(address);
        let flags = record::flags(block);
        if flags & (LIVE | DEAD) != LIVE {
            return;
        }
        let declared = &self.states[record::state(block) as usize];
        match declared.kind {
            StateKind::Map => self.unlink(address),
            StateKind::Timers => self.queues[declared.domain as usize].leave(),
            StateKind::Value | StateKind::List | StateKind::Broadcast => {}
        }
        if flags & STORED != 0 {
            record::set_flags(self.slab.block_mut(address), flags | DEAD);
            self.mark(address);
        } else {
            self.unmark(address);
            self.discard(address);
        }
    }

    /// Makes an entry out of a dead one.
    fn revive(&mut self, address: u32) {
        let block = self.slab.block_mut(address);
        let flags = record::flags(block);
        record::set_flags(block, flags & !DEAD);
        let state = record::state(block);
        if matches!(self.states[state as usize].kind, StateKind::Map) {
            self.link(address);
        }
    }

    fn create(&mut self, place: Place<'_>, sub: &[u8], value: &[u8]) -> u32 {
        let mut head = std::mem::take(&mut self.head);
        record::begin(&mut head, place.state, place.group, place.key, sub);
        let address = self.slab.allocate(record::length(head.len(), value.len()));
        let block = self.slab.block_mut(address);
        block[..head.len()].copy_from_slice(&head);
        record::write_value(block, head.len(), value);
        self.head = head;
        let hash = record::hash(place.state, place.key, sub);
        self.index.insert(hash, address, |other| record::hash_of(self.slab.block(other)));
        if matches!(self.states[place.state as usize].kind, StateKind::Map) {
            self.link(address);
        }
        address
    }

    /// Gives a live record another value, in a block of the size that it needs then.
    fn rewrite(&mut self, address: u32, value: &[u8]) -> u32 {
        let block = self.slab.block_mut(address);
        let end = record::parts(block).sub.end;
        let length = record::length(end, value.len());
        if Slab::size(length) == block.len() {
            record::write_value(block, end, value);
            return address;
        }
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        head.extend_from_slice(&block[..end]);
        let moved = self.slab.allocate(length);
        let block = self.slab.block_mut(moved);
        block[..end].copy_from_slice(&head);
        record::write_value(block, end, value);
        self.head = head;
        self.moved(address, moved);
        self.slab.free(address);
        moved
    }

    /// Follows a record from one address to another.
    fn moved(&mut self, from: u32, to: u32) {
        let block = self.slab.block(to);
        let hash = record::hash_of(block);
        if let Some(slot) = self.index.find(hash, |address| address == from) {
            self.index.set(slot, to);
        }
        if let Some(change) = (record::change(block) as usize).checked_sub(1) {
            self.changes[change] = to;
        }
        if matches!(self.states[record::state(block) as usize].kind, StateKind::Map) {
            self.relink(from, to);
        }
    }

    /// Forgets a record.
    pub(super) fn discard(&mut self, address: u32) {
        let hash = record::hash_of(self.slab.block(address));
        if let Some(slot) = self.index.find(hash, |other| other == address) {
            self.index.remove(slot, |other| record::hash_of(self.slab.block(other)));
        }
        self.slab.free(address);
    }
}

/// Bytes at the front of a value that only this instance knows.
pub(super) fn prefix(kind: StateKind) -> usize {
    match kind {
        StateKind::Map => 8,
        StateKind::List => 4,
        StateKind::Value | StateKind::Broadcast | StateKind::Timers => 0,
    }
}
