//! Made-up wagers as a source: the lines of a [`WagerGenerator`], read like those of a file.
//!
//! *Invariants*: the position is the number of lines handed out, and resuming there costs the same
//! wherever it is; a smaller count gives a prefix of a larger one.
//! *Not here*: lines into rows (`lines`).

mod numbers;
mod pace;
mod wager;

use std::thread;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use self::pace::Pace;
pub use self::wager::WagerGenerator;
use super::lines::LineDecoder;
use super::{Budget, Next, Source, SourceConfig, SourceError};
use crate::record::Position;
use crate::telemetry::Clock;

/// What to make up, and how fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneratorConfig {
    /// How many rows; `None`: without end.
    pub count: Option<u64>,
    /// The same seed gives the same rows.
    pub seed: u64,
    /// Rows a second, above 0; `None`: as fast as they are taken.
    pub rate: Option<f64>,
    /// Where event time begins, microseconds since 1970 UTC.
    pub start: i64,
}

impl GeneratorConfig {
    /// Where event time begins unless it is said: 2026-01-01T00:00:00Z.
    pub const DEFAULT_START: i64 = 1_767_225_600_000_000;
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self { count: None, seed: 0, rate: None, start: Self::DEFAULT_START }
    }
}

/// The source's word for where its rows come from.
const ORIGIN: &str = "generator";

/// Bytes of lines made at once.
const CHUNK_BYTES: usize = 1 << 20;

/// A place between two lines, as checkpoints keep it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GeneratorPosition {
    line: u64,
    seed: u64,
    start: i64,
}

/// Hands out made-up wagers.
#[derive(Debug)]
pub(super) struct GeneratorSource {
    config: GeneratorConfig,
    wagers: WagerGenerator,
    lines: LineDecoder,
    /// Lines that were made; those not handed out yet are `chunk[read..]`.
    made: u64,
    chunk: Vec<u8>,
    read: usize,
    pace: Option<Pace>,
    /// When this run began, and at which line.
    began: Option<(Instant, u64)>,
}

impl GeneratorSource {
    /// A generator at `position`, or at its first line.
    pub(super) fn open(
        source: &SourceConfig,
        config: &GeneratorConfig,
        position: Option<&Position>,
        clock: Clock,
    ) -> Result<Self, SourceError> {
        let mut opened = Self {
            config: *config,
            wagers: WagerGenerator::new(config.seed, config.start),
            lines: LineDecoder::new(source, ORIGIN, clock)?,
            made: 0,
            chunk: Vec::new(),
            read: 0,
            pace: config.rate.map(Pace::new),
            began: None,
        };
        if let Some(Position(value)) = position {
            let position: GeneratorPosition =
                serde_json::from_value(value.clone()).map_err(|error| SourceError::Position {
                    source_name: source.name.clone(),
                    source: error,
                })?;
            let line = position.line;
            if let Some(setting) = changed(config, &position) {
                let source_name = source.name.clone();
                return Err(SourceError::GeneratorChanged { source_name, line, setting });
            }
            opened.wagers.seek(line);
            opened.lines.seek(line);
            opened.made = line;
        }
        Ok(opened)
    }

    /// Waits for rows to be due, for the linger at most; how many of `rows` are.
    fn due(&mut self, rows: u64, budget: &Budget) -> u64 {
        let Some(pace) = self.pace else { return rows };
        let handed = self.lines.lines();
        let (began, first) = *self.began.get_or_insert_with(|| (Instant::now(), handed));
        let out = handed - first;
        let wait = pace.wait(began.elapsed(), out, rows, budget.linger);
        if !wait.is_zero() {
            thread::sleep(wait);
        }
        pace.due(began.elapsed()).saturating_sub(out).min(rows)
    }

    /// Makes lines up to line `until`, as many as one chunk holds; the last chunk is used up.
    fn make(&mut self, until: u64) {
        self.chunk.clear();
        self.read = 0;
        while self.made < until && self.chunk.len() < CHUNK_BYTES {
            self.wagers.append_line(&mut self.chunk);
            self.made += 1;
        }
    }
}

/// What makes other rows of the ones that were handed out.
fn changed(config: &GeneratorConfig, position: &GeneratorPosition) -> Option<&'static str> {
    if config.seed != position.seed {
        Some("seed")
    } else if config.start != position.start {
        Some("start")
    } else if config.count.is_some_and(|count| count < position.line) {
        Some("count")
    } else {
        None
    }
}

impl Source for GeneratorSource {
    fn next(&mut self, budget: &Budget) -> Result<Next, SourceError> {
        let handed = self.lines.lines();
        let left = self.config.count.map_or(u64::MAX, |count| count.saturating_sub(handed));
        if left == 0 {
            return Ok(Next::Finished);
        }
        let rows = self.due(left.min(budget.rows.max(1) as u64), budget);
        if rows == 0 {
            return Ok(Next::Idle);
        }
        let until = handed.saturating_add(rows);
        let budget = Budget { rows: usize::try_from(rows).unwrap_or(usize::MAX), ..*budget };
        while self.lines.lines() < until {
            if self.read == self.chunk.len() {
                self.make(until);
            }
            let step = self.lines.decode(&self.chunk[self.read..], &budget);
            self.read += step.bytes;
            if step.full {
                break;
            }
        }
        Ok(Next::Rows(self.lines.finish()))
    }

    fn position(&self) -> Position {
        let position = GeneratorPosition {
            line: self.lines.lines(),
            seed: self.config.seed,
            start: self.config.start,
        };
        Position(serde_json::to_value(position).expect("numbers are JSON"))
    }

    fn acknowledge(&mut self, _position: &Position) -> Result<(), SourceError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
