//! What it costs to load a table: the CPU time of the program alone, beside the same pipeline
//! without a load, against a backend that counts rows and bytes and looks at none of them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::counting::{Counting, Load};
use crate::figure::{Figure, Unit};
use crate::processor::OneProcessor;
use crate::programs::{Programs, finish};
use crate::stats::{Slope, each_per_million, per_million, range};

/// Rows of the two inputs. The smaller one fills a checkpoint already: what is left between them is
/// what rows cost that come later, in memory that is used again.
const SIZES: [u64; 2] = [1_000_000, 4_000_000];

const FILE: &str = "pipelines/bench-loads.toml";
/// The same without a load.
const TO_NOWHERE: &str = "pipelines/bench-revenue.toml";

/// CPU seconds that a million rows may take,
const GATE: f64 = 0.9;
/// and those of them that encoding may take.
const ENCODING_GATE: f64 = 0.3;

/// What is measured: a system, a promise, a mode and a format.
struct Subject {
    name: &'static str,
    /// None: the rows go nowhere.
    load: Option<Load>,
}

const NOWHERE: usize = 0;
const TWO_PHASE: usize = 1;
const AT_LEAST_ONCE: usize = 2;
const APPEND: usize = 3;

static SUBJECTS: [Subject; 6] = [
    Subject { name: "bench-revenue, to nowhere", load: None },
    Subject {
        name: "starrocks, csv, two-phase",
        load: Some(load("starrocks", "exactly-once", "upsert", "csv")),
    },
    Subject {
        name: "starrocks, csv, at-least-once",
        load: Some(load("starrocks", "at-least-once", "upsert", "csv")),
    },
    Subject {
        name: "starrocks, csv, two-phase, append",
        load: Some(load("starrocks", "exactly-once", "append", "csv")),
    },
    Subject {
        name: "starrocks, json, two-phase",
        load: Some(load("starrocks", "exactly-once", "upsert", "json")),
    },
    Subject {
        name: "doris, csv, two-phase",
        load: Some(load("doris", "exactly-once", "upsert", "csv")),
    },
];

const fn load(
    system: &'static str,
    delivery: &'static str,
    mode: &'static str,
    format: &'static str,
) -> Load {
    Load { system, delivery, mode, format }
}

/// What the runs of a subject took, by size, in the order of the turns.
#[derive(Default)]
struct Series {
    /// Seconds of CPU time of the whole program.
    cpu: [Vec<f64>; 2],
    /// Of it, seconds in which rows became bytes.
    encoding: [Vec<f64>; 2],
    /// Seconds of the clock.
    wall: [Vec<f64>; 2],
}

/// One run.
struct Run {
    cpu: f64,
    encoding: f64,
    wall: f64,
    rows: u64,
}

fn slope([small, large]: &[Vec<f64>; 2]) -> Slope {
    per_million(small, large, SIZES[1] - SIZES[0])
}

/// The subjects in the order of a turn: each turn begins with another one, and every second turn
/// goes backwards, so that none always comes after the same one, or early, or late.
fn order(turn: usize) -> Vec<usize> {
    let count = SUBJECTS.len();
    let step = if turn.is_multiple_of(2) { 1 } else { count - 1 };
    (0..count).map(|place| (turn + place * step) % count).collect()
}

/// Measures every subject `turns` times over both sizes, in turns, and once before that for caches
/// and nothing else. The two sizes of a subject are run one after the other, on one processor
/// together with the backend: two that share a core, as those of rented machines do, slow each other
/// down, and a second of theirs is then no second.
///
/// # Errors
/// If a program fails or rows are missing.
pub fn figures(programs: &Programs, turns: usize) -> anyhow::Result<Vec<Figure>> {
    let wagers = [programs.wagers(SIZES[0])?, programs.wagers(SIZES[1])?];
    let _one = OneProcessor::keep_to()?;
    let mut all: Vec<Series> = SUBJECTS.iter().map(|_| Series::default()).collect();
    let mut kept = [None; 2];
    for turn in 0..=turns {
        for place in order(turn) {
            let (subject, series) = (&SUBJECTS[place], &mut all[place]);
            for (size, path) in wagers.iter().enumerate() {
                let run = once(programs, subject, path)?;
                let expected = *kept[size].get_or_insert(run.rows);
                ensure!(
                    run.rows == expected,
                    "{}: {} rows, not {expected}",
                    subject.name,
                    run.rows
                );
                if turn > 0 {
                    series.cpu[size].push(run.cpu);
                    series.encoding[size].push(run.encoding);
                    series.wall[size].push(run.wall);
                }
            }
        }
    }
    Ok(report(&all))
}

fn once(programs: &Programs, subject: &Subject, wagers: &Path) -> anyhow::Result<Run> {
    let file = subject.load.map_or(TO_NOWHERE, |_| FILE);
    let target = match subject.load {
        Some(load) => Some((Counting::start(programs, file, load)?, load)),
        None => None,
    };
    let mut command = programs.run(file)?;
    command.env("WAGERS", wagers);
    if let Some((counting, load)) = &target {
        counting.tell(&mut command, *load);
    }
    let started = Instant::now();
    let finished = finish(command).with_context(|| subject.name)?;
    let wall = started.elapsed().as_secs_f64();
    let printed = &finished.printed["pipelines"][0];
    let rows = printed["rows"]["kept"].as_u64().context("no rows were printed")?;
    Ok(Run { cpu: finished.cpu, encoding: encoding(subject, printed, rows)?, wall, rows })
}

/// The CPU time of encoding that a run prints, if it loads; all rows must have been loaded.
fn encoding(subject: &Subject, printed: &Value, rows: u64) -> anyhow::Result<f64> {
    if subject.load.is_none() {
        return Ok(0.0);
    }
    let loads = &printed["loads"]["ods_wagers"];
    ensure!(loads["rows"] == rows, "{}: {rows} rows are kept, loaded: {loads}", subject.name);
    loads["encode_seconds"].as_f64().context("no time of encoding was printed")
}

fn report(all: &[Series]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (place, (subject, series)) in SUBJECTS.iter().zip(all).enumerate() {
        let cpu = Figure::of_slope(subject.name, slope(&series.cpu));
        if subject.load.is_none() {
            figures.push(cpu);
            continue;
        }
        // What a duplicate key table costs is shown, and has no gate of its own.
        figures.push(if place == APPEND { cpu } else { cpu.at_most(GATE) });
        let encoding =
            Figure::of_slope(format!("{}, encoding alone", subject.name), slope(&series.encoding));
        figures.push(encoding.at_most(ENCODING_GATE));
    }
    let ratio = |what: &str, one: &[Vec<f64>; 2], other: &[Vec<f64>; 2]| {
        let each =
            |[small, large]: &[Vec<f64>; 2]| each_per_million(small, large, SIZES[1] - SIZES[0]);
        let turns: Vec<f64> =
            each(one).iter().zip(each(other)).map(|(one, other)| one / other).collect();
        let (least, most) = range(&turns);
        Figure::new(what, slope(one).value / slope(other).value, Unit::Times)
            .note(format!("{least:.3} to {most:.3} in single turns"))
    };
    let [nowhere, two_phase, at_least_once, append] =
        [NOWHERE, TWO_PHASE, AT_LEAST_ONCE, APPEND].map(|place| &all[place]);
    figures.push(
        ratio("two-phase / at-least-once, CPU", &two_phase.cpu, &at_least_once.cpu).at_most(1.1),
    );
    figures.push(
        ratio("two-phase / at-least-once, time", &two_phase.wall, &at_least_once.wall).at_most(1.1),
    );
    figures.push(ratio("append / upsert, two-phase, CPU", &append.cpu, &two_phase.cpu));
    let added = slope(&two_phase.cpu).value - slope(&nowhere.cpu).value;
    figures.push(
        Figure::new("what loading adds, starrocks, csv, two-phase", added, Unit::CpuSeconds)
            .note("to the same pipeline without it"),
    );
    figures
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_turn_has_every_subject_and_begins_with_another() {
        let mut firsts = Vec::new();
        for turn in 0..SUBJECTS.len() {
            let mut subjects = order(turn);
            firsts.push(subjects[0]);
            subjects.sort_unstable();
            assert_eq!(subjects, (0..SUBJECTS.len()).collect::<Vec<usize>>());
        }
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), SUBJECTS.len(), "{firsts:?}");
        let before = |turn: usize| {
            let order = order(turn);
            let place = order.iter().position(|subject| *subject == TWO_PHASE).expect("it is in");
            order[(place + order.len() - 1) % order.len()]
        };
        assert_ne!(before(3), before(4), "it always comes after the same one");
    }

    #[test]
    fn the_named_subjects_are_what_their_names_say() {
        let load = |place: usize| SUBJECTS[place].load.expect("it loads");
        assert!(SUBJECTS[NOWHERE].load.is_none());
        assert_eq!((load(TWO_PHASE).delivery, load(TWO_PHASE).mode), ("exactly-once", "upsert"));
        assert_eq!(load(AT_LEAST_ONCE).delivery, "at-least-once");
        assert_eq!(load(APPEND).mode, "append");
    }

    #[test]
    fn encoding_is_what_a_run_says_if_all_rows_are_loaded() {
        let printed = |rows: u64| {
            let loads = json!({"ods_wagers": {"rows": rows, "encode_seconds": 0.25}});
            json!({ "loads": loads })
        };
        let subject = &SUBJECTS[TWO_PHASE];
        assert_eq!(encoding(subject, &printed(10), 10).ok(), Some(0.25));
        assert!(encoding(subject, &printed(9), 10).is_err());
        assert_eq!(encoding(&SUBJECTS[NOWHERE], &json!({}), 10).ok(), Some(0.0));
    }

    #[test]
    fn gates_are_on_the_whole_and_on_encoding() {
        // By a million rows.
        let series = |cpu: f64, encoding: f64| Series {
            cpu: [vec![0.1], vec![0.1 + 3.0 * cpu]],
            encoding: [vec![0.0], vec![3.0 * encoding]],
            wall: [vec![0.0], vec![3.0 * cpu]],
        };
        let of = |subject: &Subject| match subject.load {
            None => series(0.3, 0.0),
            Some(load) if load.format == "json" => series(0.8, 0.31),
            Some(_) => series(1.0, 0.4),
        };
        let all: Vec<Series> = SUBJECTS.iter().map(of).collect();
        let met: Vec<Option<bool>> = report(&all).iter().map(Figure::is_met).collect();
        let (well, missed) = (Some(true), Some(false));
        let whole_and_encoding =
            [None, missed, missed, missed, missed, None, missed, well, missed, missed, missed];
        assert_eq!(met[..11], whole_and_encoding);
        assert_eq!(met[11..], [well, well, None, None]);
    }
}
