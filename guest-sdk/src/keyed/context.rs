//! What a stateful transform may do while a row or a timer is at work.

use super::ports::{Port, Ports};
use crate::column::OUT_OF_RANGE;
use crate::decimal;
use crate::operation::Operation;
use crate::reject::Reject;
use crate::row::{self, Output};
use crate::state::{Place, Store, Timers};
use crate::time::Timestamp;

/// The key at work, and the ways out: handles read and write its state through this, and rows go to
/// ports.
pub struct Context<'a> {
    pub(crate) store: &'a mut Store,
    pub(super) ports: &'a mut Ports,
    pub(crate) scratch: &'a mut Vec<u8>,
    pub(crate) key: &'a [u8],
    pub(super) group: u16,
    pub(crate) time: Option<i64>,
    /// Why the first row that could not be emitted could not be.
    pub(super) refusal: Option<Reject>,
}

impl<'a> Context<'a> {
    /// Where the key's entries of a state are.
    pub(crate) fn place(&self, state: u8) -> Place<'a> {
        Place { state, group: self.group, key: self.key }
    }

    /// The key at work, as the host encodes it ([`key`](crate::state::key)).
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.key
    }

    /// Emits a row, an insert without an event time.
    pub fn emit<O: Output>(&mut self, port: Port<O>, row: O) {
        self.emit_change(port, Operation::Insert, None, row);
    }

    /// Emits a row, an insert of this event time.
    pub fn emit_at<O: Output>(&mut self, port: Port<O>, time: Timestamp, row: O) {
        self.emit_change(port, Operation::Insert, Some(time), row);
    }

    /// Emits a row with its operation and event time.
    ///
    /// Once a decimal has overflowed, or a value or the event time was out of range, nothing more is
    /// emitted for the row at work, which is refused.
    pub fn emit_change<O: Output>(
        &mut self,
        port: Port<O>,
        operation: Operation,
        time: Option<Timestamp>,
        row: O,
    ) {
        let timely = time.is_none_or(Timestamp::in_range);
        if decimal::overflow_raised() || !timely || !row.in_range() {
            decimal::raise_overflow();
            let late = || (!timely).then(|| Reject::new(OUT_OF_RANGE).column("event time"));
            self.refusal = self.refusal.take().or_else(|| row::refusal(&row)).or_else(late);
            return;
        }
        self.ports.emit(port, row, operation, time.map(Timestamp::micros));
    }
}

/// A timer that fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    pub(super) state: u8,
    pub(super) time: Timestamp,
}

impl Timer {
    /// The time that it was set for.
    #[must_use]
    pub const fn time(self) -> Timestamp {
        self.time
    }

    /// Whether it is of these timers.
    #[must_use]
    pub const fn is_of(self, timers: Timers) -> bool {
        self.state == timers.state
    }
}
