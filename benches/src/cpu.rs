//! What a million rows take of CPU time, by the slope between two sizes of one input.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::figure::{Figure, Unit};
use crate::programs::{Programs, finish};
use crate::stats::{Slope, per_million};

/// Rows of the two inputs.
const SIZES: [u64; 2] = [100_000, 1_100_000];

/// Something that reads wagers, and how to read what it prints.
struct Subject {
    start: fn(&Programs, &Path) -> anyhow::Result<Command>,
    /// Rows that it kept; `None`: it does not keep rows as the others do.
    kept: Option<fn(&Value) -> Option<u64>>,
    /// Seconds that a part of it took, where that part is of interest.
    part: fn(&Value) -> f64,
}

/// Native, sonic-rs, texts copied.
const COPIED: usize = 0;
/// Native, sonic-rs, texts borrowed.
const BORROWED: usize = 1;
/// `pipelines/bench-revenue.toml`.
const REVENUE: usize = 2;
/// `pipelines/bench-enriched.toml`.
const ENRICHED: usize = 3;
/// The stage linked natively.
const NATIVE: usize = 4;
/// The stage as a guest, on the threads of the native one.
const GUEST: usize = 5;

/// `pipelines/bench-fraud.toml`.
const FRAUD: usize = 6;
/// `pipelines/bench-wagers.toml`.
const WAGERS: usize = 7;

const SUBJECTS: [Subject; 8] = [
    Subject {
        start: |programs, wagers| Ok(bound(programs, "sonic", wagers)),
        kept: Some(kept_by_program),
        part: nothing,
    },
    Subject {
        start: |programs, wagers| Ok(bound(programs, "sonic-borrowed", wagers)),
        kept: Some(kept_by_program),
        part: nothing,
    },
    Subject {
        start: |programs, wagers| pipeline(programs, "pipelines/bench-revenue.toml", wagers),
        kept: Some(kept_by_pipeline),
        part: guest_seconds,
    },
    Subject {
        start: |programs, wagers| pipeline(programs, "pipelines/bench-enriched.toml", wagers),
        kept: Some(kept_by_pipeline),
        part: guest_seconds,
    },
    Subject {
        start: |programs, wagers| Ok(twin(programs, "native", wagers)),
        kept: Some(kept_by_program),
        part: |printed| printed["copying_seconds"].as_f64().unwrap_or_default(),
    },
    Subject {
        start: |programs, wagers| Ok(twin(programs, "guest", wagers)),
        kept: Some(kept_by_program),
        part: nothing,
    },
    Subject {
        start: |programs, wagers| pipeline(programs, "pipelines/bench-fraud.toml", wagers),
        kept: None,
        part: guest_seconds,
    },
    Subject {
        start: |programs, wagers| pipeline(programs, "pipelines/bench-wagers.toml", wagers),
        kept: Some(|printed| printed["pipelines"][0]["rows"]["sinks"]["nowhere"].as_u64()),
        part: guest_seconds,
    },
];

fn bound(programs: &Programs, mode: &str, wagers: &Path) -> Command {
    let mut command = Command::new(&programs.native_bound);
    command.arg(mode).arg(wagers);
    command
}

fn twin(programs: &Programs, stage: &str, wagers: &Path) -> Command {
    let mut command = Command::new(&programs.native_twin);
    command.args(["--stage", stage]).arg(wagers);
    command
}

fn pipeline(programs: &Programs, file: &str, wagers: &Path) -> anyhow::Result<Command> {
    let mut command = programs.run(file)?;
    command.env("WAGERS", wagers);
    Ok(command)
}

fn kept_by_program(printed: &Value) -> Option<u64> {
    printed["rows"].as_u64()
}

fn kept_by_pipeline(printed: &Value) -> Option<u64> {
    printed["pipelines"][0]["rows"]["kept"].as_u64()
}

fn nothing(_: &Value) -> f64 {
    0.0
}

fn guest_seconds(printed: &Value) -> f64 {
    let stages = printed["pipelines"][0]["transforms"].as_object();
    let seconds = |stage: &Value| stage["guest_seconds"].as_f64().unwrap_or_default();
    stages.into_iter().flat_map(|stages| stages.values()).map(seconds).sum()
}

/// The runs of a subject, by size, in the order of their turns.
#[derive(Clone, Default)]
struct Series {
    cpu: [Vec<f64>; 2],
    part: [Vec<f64>; 2],
}

impl Series {
    fn cpu(&self) -> Slope {
        slope(&self.cpu)
    }

    fn part(&self) -> f64 {
        slope(&self.part).value
    }
}

fn slope([small, large]: &[Vec<f64>; 2]) -> Slope {
    per_million(small, large, SIZES[1] - SIZES[0])
}

/// Measures every subject `turns` times over both sizes, in turns, and once before that for caches
/// and nothing else.
///
/// # Errors
/// If a program fails, or two of them keep different numbers of rows.
pub fn figures(programs: &Programs, turns: usize) -> anyhow::Result<Vec<Figure>> {
    let wagers = [programs.wagers(SIZES[0])?, programs.wagers(SIZES[1])?];
    let mut series = vec![Series::default(); SUBJECTS.len()];
    for turn in 0..=turns {
        for (size, path) in wagers.iter().enumerate() {
            let mut kept = None;
            for (subject, series) in SUBJECTS.iter().zip(&mut series) {
                let finished = finish((subject.start)(programs, path)?)?;
                if let Some(count) = subject.kept {
                    let rows = count(&finished.printed).context("no rows were printed")?;
                    let expected = *kept.get_or_insert(rows);
                    ensure!(rows == expected, "{rows} rows were kept where others kept {expected}");
                }
                if turn > 0 {
                    series.cpu[size].push(finished.cpu);
                    series.part[size].push((subject.part)(&finished.printed));
                }
            }
        }
    }
    Ok(all(&series))
}

fn all(series: &[Series]) -> Vec<Figure> {
    let cpu = |subject: usize| series[subject].cpu();
    let revenue = cpu(REVENUE).value;
    let times = |what: &str, least: f64, whole: f64| Figure::new(what, whole / least, Unit::Times);
    let copies = series[NATIVE].part();
    let guest = series[REVENUE].part();
    vec![
        Figure::of_slope("native, sonic-rs, texts copied", cpu(COPIED)),
        Figure::of_slope("native, sonic-rs, texts borrowed", cpu(BORROWED)),
        Figure::of_slope("bench-revenue", cpu(REVENUE)).at_most(0.6),
        times("bench-revenue / native, texts copied", cpu(COPIED).value, revenue).at_most(1.1),
        times("bench-revenue / native, texts borrowed", cpu(BORROWED).value, revenue),
        Figure::of_slope("bench-enriched", cpu(ENRICHED)).at_most(1.0),
        Figure::of_slope("bench-fraud", cpu(FRAUD)).at_most(0.8),
        Figure::of_slope("bench-wagers", cpu(WAGERS)).at_most(1.3),
        Figure::of_slope("stage linked natively", cpu(NATIVE)),
        Figure::of_slope("stage as a guest, same threads", cpu(GUEST)),
        times("guest / native stage, same threads", cpu(NATIVE).value - copies, cpu(GUEST).value)
            .at_most(1.15)
            .note(format!("{copies:.3} s/M of the native stage's copies left out")),
        times("bench-revenue / native stage", cpu(NATIVE).value - copies, revenue)
            .at_most(1.15)
            .note("has checkpoints and coordinator on top"),
        times("bench-revenue / itself less guest calls", revenue - guest, revenue)
            .note(format!("no native stage could be cheaper: calls take {guest:.3} s/M")),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn guest_seconds_are_those_of_all_stages() {
        let stages = json!({"one": {"guest_seconds": 0.5}, "two": {"guest_seconds": 0.25}});
        let printed = json!({"pipelines": [{"transforms": stages}]});
        assert_eq!(guest_seconds(&printed), 0.75);
        assert_eq!(guest_seconds(&json!({})), 0.0);
    }

    #[test]
    fn the_copies_of_the_native_stage_are_left_out() {
        let series = |cpu: f64, part: f64| Series {
            cpu: [vec![0.0], vec![cpu]],
            part: [vec![0.0], vec![part]],
        };
        let figures = all(&[
            series(0.5, 0.0),
            series(0.4, 0.0),
            series(0.44, 0.04),
            series(0.9, 0.0),
            series(0.42, 0.02),
            series(0.44, 0.0),
            series(0.5, 0.0),
            series(0.7, 0.0),
        ]);
        let ratios: Vec<f64> = figures.iter().filter_map(Figure::ratio).collect();
        assert!((ratios[5] - 1.1 / 1.15).abs() < 1e-9, "{ratios:?}");
    }
}
