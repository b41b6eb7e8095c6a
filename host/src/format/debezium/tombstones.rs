//! Whether deletes are lost: those of unwrapped rows of which only the tombstone was written.
//!
//! *Invariants*: it warns once.

use super::message::Message;
use crate::record::Operation;

/// What the lines so far tell of deletes.
#[derive(Debug, Default)]
pub(super) struct Tombstones {
    behind_delete: bool,
    /// Whether there were rows that do not say what became of them.
    untold: bool,
    lost: bool,
}

impl Tombstones {
    /// Takes the next line's message into account; `None`: it is none.
    pub(super) fn take(&mut self, message: Option<&Message>) {
        let behind_delete = std::mem::take(&mut self.behind_delete);
        match message {
            Some(Message::Change(change)) => {
                self.untold |= !change.tells_operation;
                self.behind_delete = change.operation == Operation::Delete;
            }
            Some(Message::Tombstone) if self.untold && !behind_delete && !self.lost => {
                self.lost = true;
                tracing::warn!(
                    "a tombstone came without the delete of its row: deletes are lost, because it does \
                     not say which row is gone; set `delete.tombstone.handling.mode=rewrite` on the \
                     transform ExtractNewRecordState"
                );
            }
            _ => {}
        }
    }

    /// Whether a delete was lost.
    #[cfg(test)]
    pub(super) fn are_lost(&self) -> bool {
        self.lost
    }
}
