//! What a pipeline holds while its target stands still for a minute, and after: the bounds hold,
//! the source waits, and nothing is lost.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::counting::{Counting, Load};
use crate::figure::{Figure, Unit};
use crate::programs::{Programs, root};
use crate::resident::Watched;
use crate::stats::percentile;

const FILE: &str = "benches/stall.toml";
/// How long it runs before the target stands still.
const BEFORE: Duration = Duration::from_secs(15);
/// How long it runs when the target goes on.
const AFTER: Duration = Duration::from_secs(20);
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How much more than before it may be while the target stands still and after,
const GROWTH: f64 = 1.1;
/// and how much beside that: batches that wait on every edge, and connections made anew.
const SLACK: u64 = 16_000_000;
/// In the last of so many shares of the stall nothing is read: the source has come to rest.
const SHARES: u32 = 4;

const LOADS: [(&str, Load); 2] =
    [("two-phase", load("exactly-once")), ("at-least-once", load("at-least-once"))];

const fn load(delivery: &'static str) -> Load {
    Load { system: "starrocks", delivery, mode: "upsert", format: "json" }
}

/// What was seen of one run.
#[derive(Debug, Default)]
struct Seen {
    /// Resident bytes while the target answered, stood still, and answered again.
    resident: [Vec<u64>; 3],
    /// Rows that the source had read when the target stopped, when the last share of the stall
    /// began, and at the stall's end.
    read: [u64; 3],
}

/// Memory and the source while a target stands still for so long, under both promises.
///
/// # Errors
/// If a program fails, or rows are missing at the end.
pub fn figures(programs: &Programs, how_long: Duration) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, load) in LOADS {
        figures.extend(report(name, how_long, &run(programs, load, how_long)?)?);
    }
    Ok(figures)
}

fn run(programs: &Programs, load: Load, how_long: Duration) -> anyhow::Result<Seen> {
    let counting = Counting::start(programs, FILE, load)?;
    let mut command = programs.run(FILE)?;
    counting.tell(&mut command, load);
    let mut pipeline = Watched::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut stdout = pipeline.child().stdout.take().context("stdout is piped")?;
    let read = || rows_read(programs, &counting, load);

    let mut seen = Seen::default();
    seen.resident[0] = watch(&pipeline, BEFORE)?;
    counting.stall(how_long)?;
    let stalled = Instant::now();
    seen.read[0] = read()?;
    let last = how_long / SHARES;
    seen.resident[1] = watch(&pipeline, how_long.saturating_sub(last + stalled.elapsed()))?;
    seen.read[1] = read()?;
    // A little of the stall is left, so that the status is from within it.
    let left = how_long.saturating_sub(stalled.elapsed() + LOOK_EVERY * 4);
    seen.resident[1].extend(watch(&pipeline, left)?);
    seen.read[2] = read()?;
    thread::sleep(how_long.saturating_sub(stalled.elapsed()));
    seen.resident[2] = watch(&pipeline, AFTER)?;

    let status = pipeline.stop()?;
    let mut printed = String::new();
    stdout.read_to_string(&mut printed)?;
    ensure!(status.success(), "{FILE} did not stop well: {status}");
    whole(&serde_json::from_str(&printed).context("the run prints JSON")?, seen.read[2])?;
    let breaches = counting.breaches()?;
    ensure!(breaches == Value::Array(Vec::new()), "against the protocol: {breaches}");
    Ok(seen)
}

/// Looks at the memory of a program for so long, at least once.
fn watch(pipeline: &Watched, how_long: Duration) -> anyhow::Result<Vec<u64>> {
    let start = Instant::now();
    let mut seen = Vec::new();
    loop {
        seen.push(pipeline.resident().with_context(|| format!("{FILE} has ended"))?.now);
        if start.elapsed() >= how_long {
            return Ok(seen);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Rows that the source has read, by `millrace status`, which is a second old at most.
fn rows_read(programs: &Programs, counting: &Counting, load: Load) -> anyhow::Result<u64> {
    let mut command = Command::new(&programs.millrace);
    command
        .args(["--log", "error", "status", "--json"])
        .arg(root().join(FILE))
        .env("OUT", programs.folder.join("run"))
        .stdin(Stdio::null());
    counting.tell(&mut command, load);
    // A pipeline that waits is not healthy, which its exit code says.
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let printed: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{command:?} did not print JSON"))?;
    let rows = printed["pipelines"][0]["status"]["sources"]["wagers"]["rows"].as_u64();
    rows.with_context(|| format!("no rows in {printed}"))
}

/// Every row that was read and kept is loaded, and reading went on after the stall.
fn whole(printed: &Value, read: u64) -> anyhow::Result<()> {
    let rows = &printed["pipelines"][0]["rows"];
    let count = |value: &Value| value.as_u64().with_context(|| format!("no count: {printed}"));
    let (kept, loaded) = (count(&rows["kept"])?, count(&rows["sinks"]["ods_wagers"])?);
    if kept != loaded {
        bail!("{kept} rows were kept, and {loaded} are loaded");
    }
    ensure!(count(&rows["in"])? > read, "nothing was read when the target went on");
    Ok(())
}

fn report(name: &str, how_long: Duration, seen: &Seen) -> anyhow::Result<Vec<Figure>> {
    let most = |seen: &[u64]| seen.iter().copied().max().context("memory was not looked at");
    let [before, during, after] = &seen.resident;
    let [before_most, during_most, after_most] = [most(before)?, most(during)?, most(after)?];
    let gate = megabytes(before_most) * GROWTH + megabytes(SLACK);
    let memory = |when: &str, most: u64, looks: &[u64]| {
        Figure::new(format!("{name}, most {when}"), megabytes(most), Unit::Megabytes).note(format!(
            "95 of 100 looks within {:.1} MB, {} looks",
            megabytes(percentile(looks, 95)),
            looks.len()
        ))
    };
    let seconds = how_long.as_secs_f64();
    let [stopped, rested, ended] = seen.read;
    Ok(vec![
        memory("before the target stands still", before_most, before),
        memory(&format!("while it does, {seconds:.0} s"), during_most, during).at_most(gate),
        memory("after", after_most, after).at_most(gate),
        Figure::new(
            format!("{name}, rows read in the last {:.0} s of it", seconds / f64::from(SHARES)),
            ended.saturating_sub(rested) as f64,
            Unit::Rows,
        )
        .at_most(0.0)
        .note(format!("{} before the source came to rest", rested.saturating_sub(stopped))),
    ])
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn growth_and_reading_on_miss_their_gates() {
        let seen = |during: u64, read: [u64; 3]| Seen {
            resident: [vec![90_000_000, 100_000_000], vec![during], vec![100_000_000]],
            read,
        };
        let met = |seen: &Seen| -> Vec<Option<bool>> {
            let figures = report("x", Duration::from_secs(60), seen).expect("it was looked at");
            figures.iter().map(Figure::is_met).collect()
        };
        let well = [None, Some(true), Some(true), Some(true)];
        assert_eq!(met(&seen(126_000_000, [5, 7, 7])), well);
        let grown = [None, Some(false), Some(true), Some(false)];
        assert_eq!(met(&seen(127_000_000, [5, 7, 8])), grown);
        assert!(report("x", Duration::from_secs(60), &Seen::default()).is_err());
    }

    #[test]
    fn rows_that_are_missing_are_no_figures() {
        let printed = |loaded: u64| {
            let rows = json!({"in": 12, "kept": 10, "sinks": {"ods_wagers": loaded}});
            json!({"pipelines": [{"rows": rows}]})
        };
        assert!(whole(&printed(10), 11).is_ok());
        assert!(whole(&printed(9), 11).is_err());
        assert!(whole(&printed(10), 12).is_err());
    }
}
