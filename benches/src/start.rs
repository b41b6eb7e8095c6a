//! From nothing to the first row.

use std::io::{self, Read};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::figure::{Figure, Unit};
use crate::programs::Programs;
use crate::resident::Watched;
use crate::stats::median;

/// Rows of the file that is read.
const ROWS: u64 = 1_000;

/// How long it takes from the start of the process until the first byte of the first row is on
/// stdout: `benches/start.toml` with a new checkpoint store and the guest's compiled code cached.
///
/// # Errors
/// If a run fails.
pub fn figure(programs: &Programs, turns: usize) -> anyhow::Result<Figure> {
    // The first run may have to compile the guest.
    once(programs)?;
    let millis: Vec<f64> = (0..turns).map(|_| once(programs)).collect::<anyhow::Result<_>>()?;
    let least = millis.iter().copied().fold(f64::INFINITY, f64::min);
    let most = millis.iter().copied().fold(0.0, f64::max);
    Ok(Figure::new("cold start to the first row", median(&millis), Unit::Millis)
        .at_most(300.0)
        .note(format!("{least:.1} to {most:.1}")))
}

fn once(programs: &Programs) -> anyhow::Result<f64> {
    let wagers = programs.wagers(ROWS)?;
    let mut command = programs.run("benches/start.toml")?;
    // The rows go to stdout, so the summary goes to stderr, where nobody looks.
    command.env("WAGERS", wagers).stdout(Stdio::piped()).stderr(Stdio::null());
    let start = Instant::now();
    let mut pipeline = Watched::start(&mut command)?;
    let mut rows = pipeline.child().stdout.take().context("stdout is piped")?;
    let mut first = [0];
    rows.read_exact(&mut first).context("no row came")?;
    let millis = start.elapsed().as_secs_f64() * 1e3;
    io::copy(&mut rows, &mut io::sink())?;
    let status = pipeline.child().wait()?;
    ensure!(status.success(), "benches/start.toml failed: {status}; run it to see why");
    Ok(millis)
}
