//! Waiting before another try: longer each time, and by chance, so that those who failed together
//! do not come back together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rand::Rng;

use crate::telemetry::{Asked, Clock, LoadCounters, LoadHealth};

/// How a sink waits, and who hears of it.
pub(in crate::sink::stream_load) struct Waits {
    pause: Box<dyn Fn(Duration) + Send + Sync>,
    counters: Arc<LoadCounters>,
    clock: Clock,
    /// How many wait now: the sink is healthy again once none does.
    waiting: AtomicUsize,
}

impl Waits {
    pub(in crate::sink::stream_load) fn new(counters: Arc<LoadCounters>, clock: Clock) -> Self {
        Self::pausing(counters, clock, Box::new(thread::sleep))
    }

    /// Waits by `pause`.
    pub(super) fn pausing(
        counters: Arc<LoadCounters>,
        clock: Clock,
        pause: Box<dyn Fn(Duration) + Send + Sync>,
    ) -> Self {
        Self { pause, counters, clock, waiting: AtomicUsize::new(0) }
    }

    /// Says that the target is asked for `what` about a label, until that is dropped.
    pub(super) fn asking(&self, what: &str, label: &str) -> Asked<'_> {
        self.counters.asks(format!("{what} `{label}`"), self.clock.now())
    }

    /// The tries of one step.
    pub(super) const fn backoff(&self) -> Backoff<'_> {
        Backoff { waits: self, tries: 0, limited: 0 }
    }
}

/// The tries of one step, from its first failure to its end.
pub(super) struct Backoff<'a> {
    waits: &'a Waits,
    tries: u32,
    /// Those since the target last asked for patience: while it does, it is alive.
    limited: u32,
}

impl Backoff<'_> {
    /// Waits before another try; false once `limit` tries have failed, one after the other: those
    /// without a limit begin the count anew. The wait is up to `floor` after the first failure, and
    /// up to twice as long after each further one, but never more than `cap`. `cause` is what is
    /// counted, `reason` what the status says.
    pub(super) fn again(
        &mut self,
        cause: &'static str,
        reason: &str,
        (floor, cap): (Duration, Duration),
        limit: Option<u32>,
    ) -> bool {
        if limit.is_some_and(|limit| self.limited >= limit) {
            return false;
        }
        self.limited = if limit.is_some() { self.limited + 1 } else { 0 };
        let Waits { pause, counters, clock, waiting } = self.waits;
        if self.tries == 0 {
            waiting.fetch_add(1, Ordering::Relaxed);
        }
        counters.retried(cause);
        counters.fares(LoadHealth::Waiting { reason: reason.to_owned(), since: clock.now() });
        let wait = jittered(self.tries, floor, cap, rand::rng().random());
        self.tries += 1;
        tracing::debug!(cause, reason, wait_ms = wait.as_millis(), "trying again");
        pause(wait);
        true
    }
}

impl Drop for Backoff<'_> {
    fn drop(&mut self) {
        if self.tries > 0 && self.waits.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.waits.counters.fares(LoadHealth::Healthy);
        }
    }
}

/// The wait before the try after `tries` waits; `chance` is from 0 up to 1.
fn jittered(tries: u32, floor: Duration, cap: Duration, chance: f64) -> Duration {
    let most = floor.saturating_mul(2u32.saturating_pow(tries)).min(cap);
    most.mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let (floor, cap) = (Duration::from_millis(100), Duration::from_secs(1));
        let most: Vec<u128> =
            (0..6).map(|tries| jittered(tries, floor, cap, 1.0).as_millis()).collect();
        assert_eq!(most, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(jittered(500, floor, cap, 1.0), cap);
        assert_eq!(jittered(3, floor, cap, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_target_that_asked_for_patience_leaves_every_limited_try() {
        let counters = Arc::new(LoadCounters::default());
        let waits = Waits::pausing(counters, Clock::Fixed(7), Box::new(drop));
        let bounds = (Duration::from_millis(1), Duration::from_millis(2));
        let mut backoff = waits.backoff();
        for _ in 0..2 {
            for _ in 0..100 {
                assert!(backoff.again("too-many-versions", "busy", bounds, None));
            }
            assert!(backoff.again("lost-reply", "lost", bounds, Some(2)));
            assert!(backoff.again("unreachable", "gone", bounds, Some(2)));
        }
        assert!(!backoff.again("lost-reply", "lost", bounds, Some(2)));
    }

    #[test]
    fn a_sink_waits_until_its_last_step_goes_on() {
        let counters = Arc::new(LoadCounters::default());
        let waited = Arc::new(Mutex::new(0));
        let told = Arc::clone(&waited);
        let pause = Box::new(move |_| *told.lock().unwrap() += 1);
        let waits = Waits::pausing(Arc::clone(&counters), Clock::Fixed(7), pause);
        let bounds = (Duration::from_millis(1), Duration::from_millis(2));
        let (mut first, mut second) = (waits.backoff(), waits.backoff());
        assert!(first.again("memory", "the target is short of memory", bounds, None));
        assert!(second.again("memory", "still", bounds, Some(1)));
        assert!(!second.again("memory", "still", bounds, Some(1)), "one try is allowed");
        drop(second);
        let waiting = LoadHealth::Waiting { reason: "still".to_owned(), since: 7 };
        assert_eq!(counters.health(7), waiting);
        drop(first);
        assert_eq!(counters.health(7), LoadHealth::Healthy);
        assert_eq!((*waited.lock().unwrap(), counters.retries()["memory"]), (2, 2));
    }
}
