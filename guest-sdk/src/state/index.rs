//! Finds records by hash: open addressing, four bytes a slot.

use super::slab::NONE;

/// Addresses by the hashes of what lies there, which the caller knows.
pub(super) struct Index {
    slots: Vec<u32>,
    used: usize,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), used: 0 }
    }

    /// The slot of the address that is `wanted`.
    #[inline]
    pub(super) fn find(&self, hash: u64, wanted: impl Fn(u32) -> bool) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                NONE => return None,
                address if wanted(address) => return Some(slot),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// The address in a slot.
    #[inline]
    pub(super) fn at(&self, slot: usize) -> u32 {
        self.slots[slot]
    }

    /// Puts another address of the same hash in a slot.
    pub(super) fn set(&mut self, slot: usize, address: u32) {
        self.slots[slot] = address;
    }

    /// Adds an address that is not there.
    pub(super) fn insert(&mut self, hash: u64, address: u32, hash_of: impl Fn(u32) -> u64) {
        // Longer runs than a load of three quarters makes cost a look at a record each.
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            let larger = (self.slots.len() * 2).max(16);
            let old = std::mem::replace(&mut self.slots, vec![NONE; larger]);
            for address in old.into_iter().filter(|address| *address != NONE) {
                self.place(hash_of(address), address);
            }
        }
        self.place(hash, address);
        self.used += 1;
    }

    fn place(&mut self, hash: u64, address: u32) {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while self.slots[slot] != NONE {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = address;
    }

    /// Takes the address in a slot away, and closes the gap: a search stops at the first empty slot.
    pub(super) fn remove(&mut self, slot: usize, hash_of: impl Fn(u32) -> u64) {
        let mask = self.slots.len() - 1;
        let (mut gap, mut slot) = (slot, slot);
        loop {
            slot = (slot + 1) & mask;
            let address = self.slots[slot];
            if address == NONE {
                break;
            }
            let home = hash_of(address) as usize & mask;
            if slot.wrapping_sub(home) & mask >= slot.wrapping_sub(gap) & mask {
                self.slots[gap] = address;
                gap = slot;
            }
        }
        self.slots[gap] = NONE;
        self.used -= 1;
    }

    /// The longest run of slots without a gap: what a search may have to look through.
    #[cfg(test)]
    pub(super) fn longest_run(&self) -> usize {
        self.slots.split(|slot| *slot == NONE).map(<[u32]>::len).max().unwrap_or_default()
    }

    /// Bytes that the slots take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_is_in_is_found_and_nothing_else() {
        // Few homes, so that runs are long and wrap around.
        let hash = |address: u32| u64::from(address % 7).wrapping_mul(u64::MAX / 5);
        let (mut index, mut model) = (Index::new(), BTreeSet::new());
        let mut random = 1_u32;
        for _ in 0..5_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let address = (random >> 16) % 64;
            match index.find(hash(address), |other| other == address) {
                Some(slot) => {
                    assert!(model.remove(&address));
                    index.remove(slot, hash);
                }
                None => {
                    assert!(model.insert(address));
                    index.insert(hash(address), address, hash);
                }
            }
            for address in 0..64 {
                let found = index.find(hash(address), |other| other == address).is_some();
                assert_eq!(found, model.contains(&address));
            }
        }
    }
}
