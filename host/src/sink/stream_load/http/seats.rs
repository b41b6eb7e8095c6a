//! Several servers for one task: whose turn it is, who is left aside for a while, and who has been
//! heard.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sink::stream_load::config::{Address, Endpoint};

/// How long a server that failed is left aside at first.
const SHORTEST: Duration = Duration::from_millis(500);
/// And at most.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// The servers, in turn. One that fails comes last for a while that doubles with each failure;
/// where all have failed, all are tried.
pub(super) struct Seats {
    seats: Vec<Seat>,
    next: AtomicUsize,
}

struct Seat {
    endpoint: Endpoint,
    aside: Mutex<Option<Aside>>,
}

#[derive(Clone, Copy)]
struct Aside {
    until: Instant,
    pause: Duration,
}

impl Seats {
    /// Seats those servers.
    pub(super) fn new(endpoints: Vec<Endpoint>) -> Self {
        let seat = |endpoint| Seat { endpoint, aside: Mutex::new(None) };
        Self { seats: endpoints.into_iter().map(seat).collect(), next: AtomicUsize::new(0) }
    }

    /// All servers, as configured.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.seats.iter().map(|seat| &seat.endpoint)
    }

    /// Every server once, in the order in which to try them now.
    pub(super) fn order(&self, now: Instant) -> Vec<(usize, &Endpoint)> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.seats.len();
        let mut order: Vec<_> = (0..count).map(|step| first.wrapping_add(step) % count).collect();
        let waits = |index: usize| {
            let aside = *self.seats[index].aside.lock().unwrap_or_else(PoisonError::into_inner);
            aside.map_or(Duration::ZERO, |aside| aside.until.saturating_duration_since(now))
        };
        order.sort_by_cached_key(|index| waits(*index));
        order.into_iter().map(|index| (index, &self.seats[index].endpoint)).collect()
    }

    /// Leaves a server aside; answers for how long.
    pub(super) fn failed(&self, index: usize, now: Instant) -> Duration {
        let mut aside = self.seats[index].aside.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = aside.map_or(SHORTEST, |aside| (aside.pause * 2).min(LONGEST));
        *aside = Some(Aside { until: now + pause, pause });
        pause
    }

    /// A server answers: it has its turn again.
    pub(super) fn works(&self, index: usize) {
        *self.seats[index].aside.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The servers that have answered as one of the cluster: what else they say then comes from
/// something on the way, and passes. They are few, since nobody else is asked.
#[derive(Default)]
pub(super) struct Acquaintances(Mutex<BTreeSet<Address>>);

impl Acquaintances {
    /// Takes note of one.
    pub(super) fn meet(&self, server: &Address) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(server) {
            known.insert(server.clone());
        }
    }

    /// Whether it is one of them.
    pub(super) fn know(&self, server: &Address) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(count: u16) -> Seats {
        let endpoint =
            |port| Endpoint { tls: false, address: Address { host: "fe".to_owned(), port } };
        Seats::new((0..count).map(endpoint).collect())
    }

    fn order(seats: &Seats, now: Instant) -> Vec<usize> {
        seats.order(now).into_iter().map(|(index, _)| index).collect()
    }

    #[test]
    fn turns_go_round_and_those_aside_come_last() {
        let seats = seats(3);
        let now = Instant::now();
        assert_eq!(order(&seats, now), [0, 1, 2]);
        assert_eq!(order(&seats, now), [1, 2, 0]);
        assert_eq!(seats.failed(2, now), SHORTEST);
        assert_eq!(order(&seats, now), [0, 1, 2]);
        assert_eq!(order(&seats, now), [0, 1, 2]);
        assert_eq!(order(&seats, now), [1, 0, 2]);
        let later = now + SHORTEST;
        assert_eq!(order(&seats, later), [2, 0, 1]);
        assert_eq!(order(&seats, later), [0, 1, 2]);
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_end_with_an_answer() {
        let seats = seats(1);
        let now = Instant::now();
        let pauses: Vec<_> = (0..8).map(|_| seats.failed(0, now)).collect();
        assert_eq!(pauses[..3], [SHORTEST, SHORTEST * 2, SHORTEST * 4]);
        assert_eq!(pauses[7], LONGEST);
        assert_eq!(order(&seats, now), [0], "the only one is tried all the same");
        seats.works(0);
        assert_eq!(seats.failed(0, now), SHORTEST);
    }
}
