//! How fast made-up rows come: a pure function of the time since the beginning.

use std::time::Duration;

/// A constant rate. Row n of a run is due n / rate after its beginning, the first at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Rows a second, above 0.
    rate: f64,
}

impl Pace {
    pub(super) fn new(rate: f64) -> Self {
        Self { rate }
    }

    /// How many rows are due after `elapsed`.
    pub(super) fn due(self, elapsed: Duration) -> u64 {
        ((elapsed.as_secs_f64() * self.rate) as u64).saturating_add(1)
    }

    /// How long to wait after `elapsed`, until `rows` rows more than `made` are due or the linger
    /// is over: one wait, whatever the rate.
    pub(super) fn wait(
        self,
        elapsed: Duration,
        made: u64,
        rows: u64,
        linger: Duration,
    ) -> Duration {
        let last = made.saturating_add(rows).saturating_sub(1);
        let full = Duration::try_from_secs_f64(last as f64 / self.rate).unwrap_or(Duration::MAX);
        full.saturating_sub(elapsed).min(linger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(50);

    #[test]
    fn rows_are_due_at_the_rate_and_the_first_at_once() {
        let pace = Pace::new(100.0);
        for (millis, rows) in [(0, 1), (9, 1), (15, 2), (1_005, 101)] {
            assert_eq!(pace.due(Duration::from_millis(millis)), rows, "{millis}");
        }
        assert_eq!(Pace::new(1e30).due(Duration::MAX), u64::MAX);
    }

    #[test]
    fn a_wait_ends_when_the_batch_is_full_or_the_linger_over() {
        let pace = Pace::new(1_000.0);
        let elapsed = Duration::from_secs(1);
        // Row 1,020 is due 1.019 s after the beginning.
        let near = |wait: Duration, millis: f64| (wait.as_secs_f64() * 1e3 - millis).abs() < 1e-3;
        assert!(near(pace.wait(elapsed, 1_000, 20, LINGER), 19.0));
        assert_eq!(pace.wait(elapsed, 1_000, 8_192, LINGER), LINGER);
        assert_eq!(pace.wait(elapsed, 500, 100, LINGER), Duration::ZERO);
        assert_eq!(Pace::new(1e-300).wait(elapsed, 1, u64::MAX, LINGER), LINGER);
    }
}
