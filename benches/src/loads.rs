//! What it costs to load a table: the CPU time of the program alone, beside the same pipeline without a
//! load, against a backend that counts rows and bytes and looks at none of them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::figure::{Figure, Unit};
use crate::programs::{Programs, finish, root};
use crate::stats::{Slope, per_million};

/// Rows of the two inputs.
const SIZES: [u64; 2] = [100_000, 1_100_000];

const USER: &str = "bench";

/// What is measured: a system, a promise and a format.
struct Subject {
    name: &'static str,
    /// None: the rows go nowhere.
    load: Option<[&'static str; 3]>,
}

const NOWHERE: usize = 0;
const TWO_PHASE: usize = 1;
const AT_LEAST_ONCE: usize = 2;

const SUBJECTS: [Subject; 5] = [
    Subject { name: "bench-revenue, to nowhere", load: None },
    Subject {
        name: "bench-loads, starrocks, json, two-phase each second",
        load: Some(["starrocks", "exactly-once", "json"]),
    },
    Subject {
        name: "bench-loads, starrocks, json, at-least-once",
        load: Some(["starrocks", "at-least-once", "json"]),
    },
    Subject {
        name: "bench-loads, starrocks, csv, two-phase each second",
        load: Some(["starrocks", "exactly-once", "csv"]),
    },
    Subject {
        name: "bench-loads, doris, json, two-phase each second",
        load: Some(["doris", "exactly-once", "json"]),
    },
];

/// A stand-in that counts; it ends when this is dropped.
struct Counting {
    child: Child,
    load_url: String,
    mysql_url: String,
}

impl Drop for Counting {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Counting {
    fn start(programs: &Programs, system: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(&programs.standin)
            .args([system, "--http", "0", "--mysql", "0", "--control", "0", "--count-only"])
            .args(["--user", USER, "--password-env", "MILLRACE_BENCH_PASSWORD"])
            .env("MILLRACE_BENCH_PASSWORD", "")
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the stand-in")?;
        let stdout = child.stdout.take().context("its output is ours")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("it says where it is, as JSON")?;
        let http = ready["http"][0].as_str().context("it has a frontend")?;
        let mysql = ready["mysql"].as_str().context("it has a MySQL port")?;
        Ok(Self { load_url: format!("http://{http}"), mysql_url: mysql.to_owned(), child })
    }
}

impl Counting {
    /// Gives a command the variables of `pipelines/bench-loads.toml`.
    fn tell(&self, command: &mut Command, [system, delivery, format]: [&str; 3]) {
        command
            .env("SYSTEM", system)
            .env("DELIVERY", delivery)
            .env("FORMAT", format)
            .env("LOAD_URL", &self.load_url)
            .env("MYSQL_URL", &self.mysql_url)
            .env("USERNAME", USER);
    }

    /// Makes the database and the table.
    fn prepare(&self, programs: &Programs, file: &str, load: [&str; 3]) -> anyhow::Result<()> {
        let mut command = Command::new(&programs.millrace);
        command
            .args(["--log", "warn", "ddl", "--apply"])
            .arg(root().join(file))
            .env("OUT", &programs.folder)
            .env("WAGERS", "wagers.jsonl")
            .stderr(Stdio::null());
        self.tell(&mut command, load);
        let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
        ensure!(status.success(), "{command:?} failed");
        Ok(())
    }
}

/// Seconds of CPU time and of the clock, by size, in the order of the turns.
#[derive(Default)]
struct Series {
    cpu: [Vec<f64>; 2],
    wall: [Vec<f64>; 2],
}

/// One run.
struct Run {
    cpu: f64,
    wall: f64,
    rows: u64,
}

fn slope([small, large]: &[Vec<f64>; 2]) -> Slope {
    per_million(small, large, SIZES[1] - SIZES[0])
}

/// Measures every subject `turns` times over both sizes, in turns, and once before that for caches
/// and nothing else.
///
/// # Errors
/// If a program fails or rows are missing.
pub fn figures(programs: &Programs, turns: usize) -> anyhow::Result<Vec<Figure>> {
    let wagers = [programs.wagers(SIZES[0])?, programs.wagers(SIZES[1])?];
    let mut all: Vec<Series> = SUBJECTS.iter().map(|_| Series::default()).collect();
    for turn in 0..=turns {
        for (size, path) in wagers.iter().enumerate() {
            let mut kept = None;
            for (subject, series) in SUBJECTS.iter().zip(&mut all) {
                let run = once(programs, subject, path)?;
                let expected = *kept.get_or_insert(run.rows);
                ensure!(
                    run.rows == expected,
                    "{}: {} rows, not {expected}",
                    subject.name,
                    run.rows
                );
                if turn > 0 {
                    series.cpu[size].push(run.cpu);
                    series.wall[size].push(run.wall);
                }
            }
        }
    }
    Ok(report(&all))
}

fn once(programs: &Programs, subject: &Subject, wagers: &Path) -> anyhow::Result<Run> {
    let (file, counting) = match subject.load {
        None => ("pipelines/bench-revenue.toml", None),
        Some([system, ..]) => {
            ("pipelines/bench-loads.toml", Some(Counting::start(programs, system)?))
        }
    };
    let mut command = programs.run(file)?;
    command.env("WAGERS", wagers);
    if let (Some(load), Some(counting)) = (subject.load, &counting) {
        counting.prepare(programs, file, load)?;
        counting.tell(&mut command, load);
    }
    let started = Instant::now();
    let finished = finish(command)?;
    let wall = started.elapsed().as_secs_f64();
    let printed = &finished.printed["pipelines"][0];
    Ok(Run {
        cpu: finished.cpu,
        wall,
        rows: printed["rows"]["kept"].as_u64().context("no rows were printed")?,
    })
}

fn report(all: &[Series]) -> Vec<Figure> {
    let mut figures: Vec<Figure> = SUBJECTS
        .iter()
        .zip(all)
        .map(|(subject, series)| Figure::of_slope(subject.name, slope(&series.cpu)))
        .collect();
    let cpu = |subject: usize| slope(&all[subject].cpu).value;
    let wall = |subject: usize| slope(&all[subject].wall).value;
    for figure in &mut figures[TWO_PHASE..] {
        *figure = figure.clone().at_most(0.9);
    }
    let added = cpu(TWO_PHASE) - cpu(NOWHERE);
    figures.push(
        Figure::new(
            "two-phase / at-least-once, CPU",
            cpu(TWO_PHASE) / cpu(AT_LEAST_ONCE),
            Unit::Times,
        )
        .at_most(1.1),
    );
    figures.push(
        Figure::new(
            "two-phase / at-least-once, time",
            wall(TWO_PHASE) / wall(AT_LEAST_ONCE),
            Unit::Times,
        )
        .at_most(1.1)
        .note(format!("loading adds {added:.3} s/M to the same pipeline without it")),
    );
    figures
}
