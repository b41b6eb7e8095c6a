//! What a long command shows while it works: a bar on a terminal, nothing or lines elsewhere.
//!
//! *Invariants*: everything goes to stderr; the counters are only read.

use std::collections::VecDeque;
use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::text::{bytes, count, counted, per_second, span};
use crate::telemetry::{Clock, PipelineCounters};

/// How often a bar is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// How often a line is printed where there is no terminal.
const PRINT_EVERY: Duration = Duration::from_secs(2);
/// How far back the rate looks.
const RATE_WINDOW: Duration = Duration::from_secs(2);

/// Whether to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// A bar if stderr is a terminal
    Auto,
    /// A bar if stderr is a terminal, else a line every two seconds
    Always,
    /// Nothing
    Never,
}

impl Mode {
    fn way(self) -> Way {
        match (self, stderr().is_terminal()) {
            (Self::Never, _) | (Self::Auto, false) => Way::Nothing,
            (Self::Auto | Self::Always, true) => Way::Bars,
            (Self::Always, false) => Way::Lines,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Nothing,
    Bars,
    Lines,
}

/// A bar for a command that knows how much there is to do.
pub(super) fn bar(mode: Mode, total: u64, bars: &MultiProgress) -> ProgressBar {
    if mode.way() != Way::Bars {
        return ProgressBar::hidden();
    }
    bars.add(ProgressBar::new(total).with_style(with_length()))
}

/// Shows how far pipelines are until the other end of `ended` is dropped; then takes it away.
pub(super) fn watch(
    pipelines: &[(String, Arc<PipelineCounters>)],
    mode: Mode,
    bars: &MultiProgress,
    ended: &Receiver<()>,
) {
    let way = mode.way();
    let every = match way {
        Way::Nothing => return,
        Way::Bars => DRAW_EVERY,
        Way::Lines => PRINT_EVERY,
    };
    let mut shown: Vec<Shown> =
        pipelines.iter().map(|(name, counters)| Shown::new(name, counters, way, bars)).collect();
    while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        for pipeline in &mut shown {
            pipeline.show();
        }
    }
    for pipeline in shown {
        if let Some(bar) = pipeline.bar {
            bar.finish_and_clear();
        }
    }
}

/// One pipeline's progress.
struct Shown<'a> {
    name: &'a str,
    counters: &'a PipelineCounters,
    /// `None`: lines instead.
    bar: Option<ProgressBar>,
    has_length: bool,
    rate: Rate,
}

impl<'a> Shown<'a> {
    fn new(name: &'a str, counters: &'a PipelineCounters, way: Way, bars: &MultiProgress) -> Self {
        let bar = (way == Way::Bars).then(|| {
            let bar = bars.add(ProgressBar::no_length().with_style(without_length()));
            bar.set_prefix(name.to_owned());
            bar
        });
        Self { name, counters, bar, has_length: false, rate: Rate::default() }
    }

    fn show(&mut self) {
        let now = Sample::of(self.counters);
        let rate = self.rate.after(Instant::now(), now.rows);
        let line = now.line(rate);
        let Some(bar) = &self.bar else {
            eprintln!("{}: {line}", self.name);
            return;
        };
        if now.bytes_total > 0 {
            if !self.has_length {
                self.has_length = true;
                bar.set_style(with_length());
            }
            bar.set_length(now.bytes_total);
            bar.set_position(now.bytes.min(now.bytes_total));
        } else {
            bar.tick();
        }
        bar.set_message(line);
    }
}

fn with_length() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {bar:20.cyan/dim} {percent:>3}%  {wide_msg}")
        .expect("the template is fixed")
        .progress_chars("━╸─")
}

fn without_length() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {spinner:.cyan} {wide_msg}")
        .expect("the template is fixed")
}

/// A pipeline's counters at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    rows: u64,
    batches: u64,
    rejected: u64,
    bytes: u64,
    bytes_total: u64,
    /// The greatest event time, microseconds.
    event_time: Option<i64>,
}

impl Sample {
    fn of(counters: &PipelineCounters) -> Self {
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

    fn line(&self, rate: u64) -> String {
        let mut line = format!(
            "{}  {} rows/s  {} {}  {} rejected",
            counted(self.rows, "row"),
            count(rate),
            count(self.batches),
            if self.batches == 1 { "batch" } else { "batches" },
            count(self.rejected),
        );
        if let Some(lag) = self.lag(Clock::System.now()) {
            line.push_str("  ");
            line.push_str(&lag);
        }
        line
    }

    /// How far behind: what is left to read of a finite source, else the age of the newest event.
    fn lag(&self, now: i64) -> Option<String> {
        if self.bytes_total > 0 {
            return Some(format!("{} left", bytes(self.bytes_total.saturating_sub(self.bytes))));
        }
        let behind = u64::try_from(now.saturating_sub(self.event_time?)).unwrap_or_default();
        Some(format!("{} behind", span(Duration::from_micros(behind))))
    }
}

/// Rows a second over the last moments.
#[derive(Debug, Default)]
struct Rate {
    /// Moments within the window and the rows by then, oldest first.
    moments: VecDeque<(Instant, u64)>,
}

impl Rate {
    fn after(&mut self, now: Instant, rows: u64) -> u64 {
        self.moments.push_back((now, rows));
        while self.moments.len() > 2
            && self.moments.front().is_some_and(|(at, _)| now.duration_since(*at) > RATE_WINDOW)
        {
            self.moments.pop_front();
        }
        let Some((at, before)) = self.moments.front() else { return 0 };
        per_second(rows.saturating_sub(*before), now.duration_since(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            sample.line(605_120),
            "612,000 rows  605,120 rows/s  75 batches  3 rejected  2.0 KiB left"
        );
    }

    #[test]
    fn without_an_end_the_newest_event_says_how_far_behind() {
        let sample = Sample { event_time: Some(1_000_000), ..Sample::default() };
        assert_eq!(sample.lag(3_500_000), Some("2.50 s behind".to_owned()));
        assert_eq!(Sample::default().lag(3_500_000), None);
    }

    #[test]
    fn the_rate_looks_two_seconds_back() {
        let mut rate = Rate::default();
        let start = Instant::now();
        assert_eq!(rate.after(start, 0), 0);
        assert_eq!(rate.after(start + Duration::from_secs(1), 500), 500);
        assert_eq!(rate.after(start + Duration::from_secs(2), 1_500), 750);
        assert_eq!(rate.after(start + Duration::from_secs(3), 2_500), 1_000);
    }
}
