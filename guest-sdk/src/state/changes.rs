//! What changed since the last save: a list of addresses, each once.

use super::record;
use super::slab::NONE;
use super::store::Store;

impl Store {
    /// Notes that a record changed.
    pub(super) fn mark(&mut self, address: u32) {
        if record::change(self.slab.block(address)) == 0 {
            if self.gone > 1_024 && self.gone * 2 > self.changes.len() {
                self.close_gaps();
            }
            self.changes.push(address);
            let change = self.changes.len() as u32;
            record::set_change(self.slab.block_mut(address), change);
        }
    }

    /// Takes a record off the changes.
    pub(super) fn unmark(&mut self, address: u32) {
        let block = self.slab.block_mut(address);
        let Some(change) = (record::change(block) as usize).checked_sub(1) else { return };
        record::set_change(block, 0);
        if change + 1 == self.changes.len() {
            self.changes.pop();
        } else {
            self.changes[change] = NONE;
            self.gone += 1;
        }
    }

    /// Forgets the changes, all of which were handed over.
    pub(super) fn settled(&mut self) {
        self.changes.clear();
        self.taken = 0;
        self.gone = 0;
    }

    /// Drops what is gone from the changes, which would grow without end where much is born and dies.
    fn close_gaps(&mut self) {
        let changes = std::mem::take(&mut self.changes);
        let waiting = changes.into_iter().skip(self.taken).filter(|address| *address != NONE);
        self.changes = waiting.collect();
        for (index, address) in self.changes.iter().enumerate() {
            record::set_change(self.slab.block_mut(*address), index as u32 + 1);
        }
        self.taken = 0;
        self.gone = 0;
    }
}
