//! How far a pipeline is, and how fast: what a line of progress says.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::text::{bytes, count, counted, per_second, span};
use crate::config::Plan;
use crate::source::SourceKind;
use crate::telemetry::PipelineCounters;

/// How far back a rate looks.
const WINDOW: Duration = Duration::from_secs(2);
/// A lag above this is no lag: the events are old, or made up.
const PLAUSIBLE_LAG: Duration = Duration::from_hours(30 * 24);

/// What a pipeline is on its way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// The end of its files.
    Bytes,
    /// So many rows.
    Rows(u64),
    /// An end, nobody knows how far away.
    SomeEnd,
    /// Nothing: it follows its sources.
    Endless,
}

impl Goal {
    /// The goal of a pipeline that has not started.
    pub(super) fn of(plan: &Plan) -> Self {
        let kinds = || plan.sources.iter().map(|source| &source.config.kind);
        let count = |kind: &SourceKind| match kind {
            SourceKind::Generator(generator) => generator.count,
            SourceKind::File(_) => None,
        };
        let is_file = |kind: &SourceKind| matches!(kind, SourceKind::File(_));
        if kinds().any(|kind| !is_file(kind) && count(kind).is_none()) {
            return Self::Endless;
        }
        if kinds().all(is_file) {
            return Self::Bytes;
        }
        match kinds().map(count).sum::<Option<u64>>() {
            // With a store from before, some of the rows have been made already.
            Some(rows) if !plan.checkpoint.store.exists() => Self::Rows(rows),
            _ => Self::SomeEnd,
        }
    }
}

/// A pipeline's counters at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub rows: u64,
    batches: u64,
    rejected: u64,
    bytes: u64,
    bytes_total: u64,
    /// The greatest event time, microseconds.
    event_time: Option<i64>,
}

impl Sample {
    pub(super) fn of(counters: &PipelineCounters) -> Self {
        let sources = &counters.sources;
        let event_time = sources
            .values()
            .map(|source| source.event_time.load(Ordering::Relaxed))
            .filter(|time| *time != i64::MIN && *time != 0)
            .max();
        Self {
            rows: PipelineCounters::total(sources, |source| &source.rows_in),
            batches: PipelineCounters::total(sources, |source| &source.batches),
            rejected: [sources, &counters.transforms, &counters.sinks]
                .into_iter()
                .map(|nodes| PipelineCounters::total(nodes, |node| &node.rejected))
                .sum(),
            bytes: PipelineCounters::total(sources, |source| &source.bytes),
            bytes_total: PipelineCounters::total(sources, |source| &source.bytes_total),
            event_time,
        }
    }

    /// What is done and what there is in all, where the goal is known; never more than all.
    pub(super) fn done(&self, goal: Goal) -> Option<(u64, u64)> {
        match goal {
            Goal::Bytes if self.bytes_total > 0 => {
                Some((self.bytes.min(self.bytes_total), self.bytes_total))
            }
            Goal::Rows(rows) => Some((self.rows.min(rows), rows)),
            Goal::Bytes | Goal::SomeEnd | Goal::Endless => None,
        }
    }

    pub(super) fn line(&self, rate: u64, outlook: Option<String>) -> String {
        let mut line = format!(
            "{}  {} rows/s  {} {}  {} rejected",
            counted(self.rows, "row"),
            count(rate),
            count(self.batches),
            if self.batches == 1 { "batch" } else { "batches" },
            count(self.rejected),
        );
        if let Some(outlook) = outlook {
            line.push_str("  ");
            line.push_str(&outlook);
        }
        line
    }

    /// What is left and for how long at this pace; without an end, how old the newest event is.
    pub(super) fn outlook(&self, goal: Goal, pace: u64, now: i64) -> Option<String> {
        if goal == Goal::Endless {
            return self.lag(now);
        }
        let (done, total) = self.done(goal)?;
        let left = total - done;
        let what = if goal == Goal::Bytes { bytes(left) } else { counted(left, "row") };
        Some(match left.div_ceil(pace.max(1)) {
            seconds if left > 0 && pace > 0 => format!("{what} left, about {}", about(seconds)),
            _ => format!("{what} left"),
        })
    }

    fn lag(&self, now: i64) -> Option<String> {
        let behind = u64::try_from(now.saturating_sub(self.event_time?)).ok()?;
        let behind = Duration::from_micros(behind);
        (behind <= PLAUSIBLE_LAG).then(|| format!("{} behind", span(behind)))
    }
}

/// Seconds to come, of which no one knows the hundredths.
fn about(seconds: u64) -> String {
    if seconds < 60 { format!("{seconds} s") } else { span(Duration::from_secs(seconds)) }
}

/// A count's growth a second over the last moments.
#[derive(Debug)]
pub(super) struct Rate {
    /// Moments within the window and the count by then, oldest first.
    moments: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// Of a count that is 0 at the start.
    pub(super) fn since(start: Instant) -> Self {
        Self { moments: VecDeque::from([(start, 0)]) }
    }

    pub(super) fn after(&mut self, now: Instant, count: u64) -> u64 {
        self.moments.push_back((now, count));
        while self.moments.len() > 2
            && self.moments.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            self.moments.pop_front();
        }
        let Some((at, before)) = self.moments.front() else { return 0 };
        per_second(count.saturating_sub(*before), now.duration_since(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROS: i64 = 1_000_000;

    #[test]
    fn a_line_says_rows_rate_batches_rejects_and_what_is_left() {
        let sample = Sample {
            rows: 612_000,
            batches: 75,
            rejected: 3,
            bytes: 1024,
            bytes_total: 3 * 1024,
            event_time: None,
        };
        assert_eq!(
            sample.line(605_120, sample.outlook(Goal::Bytes, 1_000, 0)),
            "612,000 rows  605,120 rows/s  75 batches  3 rejected  2.0 KiB left, about 3 s"
        );
        let rows = |total, pace| sample.outlook(Goal::Rows(total), pace, 0);
        assert_eq!(rows(612_001, 0), Some("1 row left".to_owned()));
        assert_eq!(rows(732_000, 1_000), Some("120,000 rows left, about 2 min 00 s".to_owned()));
        // A file that grows gives more than there was.
        assert_eq!(rows(600_000, 1_000), Some("0 rows left".to_owned()));
        assert_eq!(sample.outlook(Goal::SomeEnd, 1_000, 0), None);
    }

    #[test]
    fn without_an_end_the_newest_event_says_how_far_behind() {
        let sample = Sample { event_time: Some(MICROS), ..Sample::default() };
        let outlook = |sample: Sample, now| sample.outlook(Goal::Endless, 0, now);
        assert_eq!(outlook(sample, 3_500_000), Some("2.50 s behind".to_owned()));
        assert_eq!(outlook(Sample::default(), 3_500_000), None);
        // Made-up events are in the future or long ago.
        assert_eq!(outlook(sample, 0), None);
        assert_eq!(outlook(sample, 365 * 86_400 * MICROS), None);
    }

    #[test]
    fn the_rate_looks_two_seconds_back() {
        let start = Instant::now();
        let mut rate = Rate::since(start);
        assert_eq!(rate.after(start + Duration::from_secs(1), 500), 500);
        assert_eq!(rate.after(start + Duration::from_secs(2), 1_500), 750);
        assert_eq!(rate.after(start + Duration::from_secs(3), 2_500), 1_000);
    }
}
