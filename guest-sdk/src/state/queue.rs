//! Timers: entries whose sub-key is their time, and a queue of those that are still to fire.
//!
//! The queue holds time and address in twelve bytes. A timer that is deleted stays queued, and is
//! passed over when its time comes: an address is always a record's, which tells. Timers of one time
//! fire in the order of their keys, which is made when that time has come; so neither the order in
//! which they were set nor the one in which they were restored can be seen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::record::{self, DEAD, LIVE};
use super::store::{Place, Store};
use super::ttl::Domain;
use crate::raw::StateKind;

/// A queued timer. The order is by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    high: i32,
    low: u32,
    address: u32,
}

impl Entry {
    fn new(time: i64, address: u32) -> Self {
        Self { high: (time >> 32) as i32, low: time as u32, address }
    }

    fn time(self) -> i64 {
        (i64::from(self.high) << 32) | i64::from(self.low)
    }
}

/// The timers of one domain that are still to fire.
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    /// Timers of the time that is firing, the next one last.
    due: Vec<u32>,
    due_time: i64,
    /// How many timers there are; more are queued.
    live: usize,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new(), due: Vec::new(), due_time: i64::MIN, live: 0 }
    }

    /// Notes that a timer is gone. It stays queued.
    pub(super) fn leave(&mut self) {
        self.live -= 1;
    }

    fn first(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(entry)| entry.time())
    }

    /// Puts the timers that are due back, because others may come before or among them.
    fn put_back(&mut self) {
        let time = self.due_time;
        self.heap.extend(self.due.drain(..).map(|address| Reverse(Entry::new(time, address))));
    }
}

/// A timer that fires.
pub(crate) struct Due {
    pub(crate) time: i64,
    pub(crate) state: u8,
    pub(crate) group: u16,
    pub(crate) key: Vec<u8>,
}

impl Store {
    /// Sets a timer, unless it is set.
    pub(super) fn set_timer(&mut self, place: Place<'_>, time: i64) {
        let sub = sub_key(time);
        if self.live(place.state, place.key, &sub).is_none() {
            let address = self.put(place, &sub, &[]);
            self.enqueue(place.state, time, address);
        }
    }

    /// Queues a timer that was put.
    pub(super) fn enqueue(&mut self, state: u8, time: i64, address: u32) {
        let domain = self.states[state as usize].domain;
        let queue = &mut self.queues[domain as usize];
        queue.live += 1;
        if queue.heap.len() > 2 * queue.live + 1_024 {
            self.drop_stale(domain);
        }
        self.queues[domain as usize].heap.push(Reverse(Entry::new(time, address)));
    }

    /// The time of the first timer.
    pub(crate) fn first_timer(&mut self, domain: Domain) -> Option<i64> {
        loop {
            let queue = &self.queues[domain as usize];
            let time = match (queue.due.is_empty(), queue.first()) {
                (true, first) => first?,
                (false, Some(first)) => first.min(queue.due_time),
                (false, None) => queue.due_time,
            };
            if self.gather(domain, time) {
                return Some(time);
            }
        }
    }

    /// Takes the first timer up to `limit`, by time and key.
    pub(crate) fn take_timer(&mut self, domain: Domain, limit: i64) -> Option<Due> {
        let time = self.first_timer(domain).filter(|time| *time <= limit)?;
        let address = self.queues[domain as usize].due.pop()?;
        let block = self.slab.block(address);
        let due = Due {
            time,
            state: record::state(block),
            group: record::group(block),
            key: block[record::parts(block).key].to_vec(),
        };
        self.remove_at(address);
        Some(due)
    }

    /// Makes the timers of `time`, the first, those that are due; whether there are any.
    fn gather(&mut self, domain: Domain, time: i64) -> bool {
        let queue = &mut self.queues[domain as usize];
        if queue.first().is_some_and(|first| first <= time) {
            queue.put_back();
            let mut due = Vec::new();
            while queue.first() == Some(time) {
                due.extend(queue.heap.pop().map(|Reverse(entry)| entry.address));
            }
            due.retain(|address| self.is_timer(domain, time, *address));
            due.sort_unstable_by(|left, right| self.timer_order(*right, *left));
            due.dedup();
            let queue = &mut self.queues[domain as usize];
            (queue.due, queue.due_time) = (due, time);
        }
        // One may have been deleted since it became due.
        while let Some(address) = self.queues[domain as usize].due.last() {
            if self.is_timer(domain, time, *address) {
                return true;
            }
            self.queues[domain as usize].due.pop();
        }
        false
    }

    /// By key, then by the state that it was set in.
    fn timer_order(&self, left: u32, right: u32) -> std::cmp::Ordering {
        let (left, right) = (self.slab.block(left), self.slab.block(right));
        let keys = left[record::parts(left).key].cmp(&right[record::parts(right).key]);
        keys.then(record::state(left).cmp(&record::state(right)))
    }

    /// Whether the timer of this time is still at this address.
    fn is_timer(&self, domain: Domain, time: i64, address: u32) -> bool {
        let block = self.slab.block(address);
        if record::flags(block) & (LIVE | DEAD) != LIVE {
            return false;
        }
        let state = &self.states[record::state(block) as usize];
        matches!(state.kind, StateKind::Timers)
            && state.domain == domain
            && block[record::parts(block).sub] == sub_key(time)
    }

    /// Rebuilds a queue, most of which are timers that were deleted.
    fn drop_stale(&mut self, domain: Domain) {
        let heap = std::mem::take(&mut self.queues[domain as usize].heap);
        let mut entries = heap.into_vec();
        entries.retain(|Reverse(entry)| self.is_timer(domain, entry.time(), entry.address));
        entries.sort_unstable();
        entries.dedup();
        self.queues[domain as usize].heap = entries.into();
    }

    /// Bytes that the queues take.
    #[cfg(test)]
    pub(super) fn queue_bytes(&self) -> usize {
        let entries = self.queues.iter().map(|queue| queue.heap.capacity());
        entries.sum::<usize>() * size_of::<Entry>()
    }
}

/// A time as the sub-key that sorts like it.
pub(super) fn sub_key(time: i64) -> [u8; 8] {
    (time ^ i64::MIN).to_be_bytes()
}

/// The time that a sub-key is.
pub(super) fn time(sub: &[u8]) -> Option<i64> {
    let bytes = sub.first_chunk().filter(|_| sub.len() == 8)?;
    Some(i64::from_be_bytes(*bytes) ^ i64::MIN)
}
