//! What a long command shows while it works: a bar on a terminal, nothing or lines elsewhere.
//!
//! *Invariants*: everything goes to stderr; the counters are only read.

use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::pace::{Goal, Rate, Sample};
use crate::telemetry::{Clock, PipelineCounters};

/// How often a bar is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// How often a line is printed where there is no terminal.
const PRINT_EVERY: Duration = Duration::from_secs(2);

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

/// A pipeline to show.
pub(super) struct Watched {
    pub name: String,
    pub counters: Arc<PipelineCounters>,
    pub goal: Goal,
    /// Set when there is nothing more to show of it.
    pub ended: AtomicBool,
}

/// Shows how far pipelines are until the other end of `ended` is dropped; then takes it away.
pub(super) fn watch(pipelines: &[Watched], mode: Mode, bars: &MultiProgress, ended: &Receiver<()>) {
    let way = mode.way();
    let every = match way {
        Way::Nothing => return,
        Way::Bars => DRAW_EVERY,
        Way::Lines => PRINT_EVERY,
    };
    let mut shown: Vec<Shown> =
        pipelines.iter().map(|pipeline| Shown::new(pipeline, way, bars)).collect();
    while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        shown.retain_mut(Shown::show);
    }
    for pipeline in shown {
        pipeline.clear();
    }
}

/// One pipeline's progress.
struct Shown<'a> {
    pipeline: &'a Watched,
    /// `None`: lines instead.
    bar: Option<ProgressBar>,
    has_length: bool,
    /// Rows.
    rate: Rate,
    /// What the goal is counted in.
    pace: Rate,
}

impl<'a> Shown<'a> {
    fn new(pipeline: &'a Watched, way: Way, bars: &MultiProgress) -> Self {
        let bar = (way == Way::Bars).then(|| {
            let bar = bars.add(ProgressBar::no_length().with_style(without_length()));
            bar.set_prefix(pipeline.name.clone());
            bar
        });
        let start = Instant::now();
        let (rate, pace) = (Rate::since(start), Rate::since(start));
        Self { pipeline, bar, has_length: false, rate, pace }
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Shows the pipeline as it is now; answers whether there is more to come.
    fn show(&mut self) -> bool {
        if self.pipeline.ended.load(Ordering::Relaxed) {
            self.clear();
            return false;
        }
        let (sample, at) = (Sample::of(&self.pipeline.counters), Instant::now());
        let goal = self.pipeline.goal;
        let done = sample.done(goal);
        let rate = self.rate.after(at, sample.rows);
        let pace = self.pace.after(at, done.map_or(0, |(done, _)| done));
        let line = sample.line(rate, sample.outlook(goal, pace, Clock::System.now()));
        let Some(bar) = &self.bar else {
            eprintln!("{}: {line}", self.pipeline.name);
            return true;
        };
        if let Some((done, total)) = done {
            if !self.has_length {
                self.has_length = true;
                bar.set_style(with_length());
            }
            bar.set_length(total);
            bar.set_position(done);
        } else {
            bar.tick();
        }
        bar.set_message(line);
        true
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
