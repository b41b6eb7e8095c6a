//! What pipelines hold in memory: while nearly nothing happens, at most, and over a long run.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::figure::{Figure, Unit};
use crate::programs::{Programs, finish};
use crate::resident::Watched;

/// How long the idle pipeline runs before it is looked at.
const SETTLE: Duration = Duration::from_secs(30);
/// Rows of the run whose peak is taken.
const ROWS: u64 = 1_100_000;
/// How often a long run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// What `pipelines/bench-idle.toml` holds after 30 s of one row a second.
///
/// # Errors
/// If it ends early or badly.
pub fn idle(programs: &Programs) -> anyhow::Result<Figure> {
    let mut command = programs.run("pipelines/bench-idle.toml")?;
    let mut pipeline = Watched::start(command.stdout(Stdio::null()))?;
    thread::sleep(SETTLE);
    let resident = pipeline.resident().context("the idle pipeline has ended")?;
    let status = pipeline.stop()?;
    ensure!(status.success(), "the idle pipeline did not stop well: {status}");
    let note = format!(
        "{:.1} MB of it not backed by a file; {:.1} MB at most",
        megabytes(resident.anonymous),
        megabytes(resident.peak)
    );
    Ok(Figure::new("idle, after 30 s", megabytes(resident.now), Unit::Megabytes)
        .at_most(40.0)
        .note(note))
}

/// The most that `pipelines/bench-revenue.toml` held.
///
/// # Errors
/// If it fails.
pub fn peak(programs: &Programs) -> anyhow::Result<Figure> {
    let mut command = programs.run("pipelines/bench-revenue.toml")?;
    command.env("WAGERS", programs.wagers(ROWS)?);
    let bytes = finish(command)?.printed["peak_memory_bytes"].as_u64();
    let bytes = bytes.context("the run printed no peak")?;
    Ok(Figure::new("bench-revenue, peak", megabytes(bytes), Unit::Megabytes).at_most(150.0))
}

/// The most that `pipelines/bench-generator.toml` held in the last half of a run of `rows` rows,
/// beside the first half.
///
/// # Errors
/// If it fails, or ends before it could be looked at.
pub fn long(programs: &Programs, rows: u64) -> anyhow::Result<Vec<Figure>> {
    let mut command = programs.run("pipelines/bench-generator.toml")?;
    command.env("COUNT", rows.to_string()).env_remove("SEED").stdout(Stdio::null());
    let mut pipeline = Watched::start(&mut command)?;
    let start = Instant::now();
    let mut seen = Vec::new();
    let status = loop {
        if let Some(resident) = pipeline.resident() {
            seen.push((start.elapsed(), resident.now));
        }
        if let Some(status) = pipeline.child().try_wait()? {
            break status;
        }
        thread::sleep(LOOK_EVERY);
    };
    ensure!(status.success(), "the long run failed: {status}");
    let [first, last] = halves(&seen).context("the long run was too short to look at")?;
    let what = format!("{rows} generated rows, peak of the ");
    Ok(vec![
        Figure::new(format!("{what}first half"), megabytes(first), Unit::Megabytes),
        Figure::new(format!("{what}last half"), megabytes(last), Unit::Megabytes).note(format!(
            "{} looks over {:.1} s",
            seen.len(),
            start.elapsed().as_secs_f64()
        )),
        Figure::new("last half / first half", last as f64 / first as f64, Unit::Times)
            .at_most(1.05),
    ])
}

/// The peaks of the first and the last half of the time that was looked at.
fn halves(seen: &[(Duration, u64)]) -> Option<[u64; 2]> {
    let middle = seen.last()?.0 / 2;
    let split = seen.partition_point(|(time, _)| *time <= middle);
    let peak = |seen: &[(Duration, u64)]| seen.iter().map(|(_, bytes)| *bytes).max();
    Some([peak(&seen[..split])?, peak(&seen[split..])?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_by_time() {
        let at = |seconds: u64, bytes: u64| (Duration::from_secs(seconds), bytes);
        let seen = [at(0, 1), at(1, 5), at(2, 4), at(9, 3), at(10, 2)];
        assert_eq!(halves(&seen), Some([5, 3]));
        assert_eq!(halves(&[at(0, 1)]), None);
        assert_eq!(halves(&[]), None);
    }
}
