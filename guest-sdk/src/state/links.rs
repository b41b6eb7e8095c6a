//! The entries of a key's map, chained so that they can be walked.
//!
//! The value of each begins with the addresses of the entries before and after it, and an index
//! finds the first. The chain is in no order that anybody may see: restored state is chained
//! otherwise, so a walk is sorted by sub-key.

use super::record::{self, parts, set_word, word};
use super::slab::NONE;
use super::store::Store;

const BEFORE: usize = 0;
const AFTER: usize = 4;

impl Store {
    /// The addresses of a key's entries in a map, by their encoded sub-keys.
    pub(super) fn entries(&self, state: u8, key: &[u8]) -> Vec<u32> {
        let same = |address| {
            let block = self.slab.block(address);
            record::state(block) == state && block[parts(block).key] == *key
        };
        let slot = self.heads.find(record::key_hash(state, key), same);
        let mut next = slot.map_or(NONE, |slot| self.heads.at(slot));
        let mut entries = Vec::new();
        while next != NONE {
            entries.push(next);
            next = self.neighbour(next, AFTER);
        }
        entries.sort_unstable_by(|left, right| self.sub_key(*left).cmp(self.sub_key(*right)));
        entries
    }

    /// The encoded sub-key at an address.
    pub(super) fn sub_key(&self, address: u32) -> &[u8] {
        let block = self.slab.block(address);
        &block[parts(block).sub]
    }

    /// Puts an entry at the front of its key's chain.
    pub(super) fn link(&mut self, address: u32) {
        let block = self.slab.block(address);
        let (state, key, hash) =
            (record::state(block), &block[parts(block).key], record::key_hash_of(block));
        let same = |other| {
            let block = self.slab.block(other);
            record::state(block) == state && block[parts(block).key] == *key
        };
        let mut first = NONE;
        match self.heads.find(hash, same) {
            Some(slot) => {
                first = self.heads.at(slot);
                self.heads.set(slot, address);
            }
            None => {
                let slab = &self.slab;
                self.heads.insert(hash, address, |other| record::key_hash_of(slab.block(other)));
            }
        }
        self.set_neighbour(address, BEFORE, NONE);
        self.set_neighbour(address, AFTER, first);
        self.set_neighbour(first, BEFORE, address);
    }

    /// Takes an entry out of its chain.
    pub(super) fn unlink(&mut self, address: u32) {
        let (before, after) = (self.neighbour(address, BEFORE), self.neighbour(address, AFTER));
        if before != NONE {
            self.set_neighbour(before, AFTER, after);
        } else if let Some(slot) = self.head_slot(address) {
            if after == NONE {
                let slab = &self.slab;
                self.heads.remove(slot, |other| record::key_hash_of(slab.block(other)));
            } else {
                self.heads.set(slot, after);
            }
        }
        self.set_neighbour(after, BEFORE, before);
    }

    /// Follows an entry, which is whole at both addresses, from one to the other.
    pub(super) fn relink(&mut self, from: u32, to: u32) {
        let (before, after) = (self.neighbour(to, BEFORE), self.neighbour(to, AFTER));
        if before != NONE {
            self.set_neighbour(before, AFTER, to);
        } else if let Some(slot) = self.head_slot(from) {
            self.heads.set(slot, to);
        }
        self.set_neighbour(after, BEFORE, to);
    }

    /// The slot of the chain whose first entry is at this address.
    fn head_slot(&self, first: u32) -> Option<usize> {
        let hash = record::key_hash_of(self.slab.block(first));
        self.heads.find(hash, |address| address == first)
    }

    fn neighbour(&self, address: u32, side: usize) -> u32 {
        let block = self.slab.block(address);
        word(block, parts(block).value.start + side)
    }

    /// Sets a neighbour of an entry, unless there is no entry.
    fn set_neighbour(&mut self, address: u32, side: usize, neighbour: u32) {
        if address != NONE {
            let block = self.slab.block_mut(address);
            let at = parts(block).value.start + side;
            set_word(block, at, neighbour);
        }
    }
}
