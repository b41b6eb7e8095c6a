//! How often the host allocates while `pipelines/bench-revenue.toml` runs, by counting in its own
//! process.
//!
//! Every batch takes some allocations (its columns, the gather before the sink, a message), and a
//! row should take none. Three runs tell the two apart: N rows, 2N rows, and 2N rows in batches
//! twice as large. What N more rows take, less what their batches take, is what the rows take.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow, ensure};
use clap::Parser;
use millrace::config::{self, Environment};
use millrace::pipeline::{self, RunOptions};
use millrace::sandbox::{Sandbox, SandboxConfig};
use millrace::source::{GeneratorConfig, WagerGenerator};
use millrace::telemetry::{NodeCounters, PipelineCounters};
use serde_json::json;

/// The most that a row may take.
const GATE: f64 = 0.01;
/// More input bytes than any batch here has, so that batches end at their rows.
const BATCH_BYTES: usize = 1 << 30;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, which counts what it hands out, a list that grows included.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; every call goes to the system's as it came"
)]
// SAFETY: the system's allocator answers every call, and keeps the trait's promises.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: what the caller promised is what the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Count the allocations of a row and of a batch
#[derive(Parser)]
struct Arguments {
    /// Rows of the smaller run
    #[arg(long, default_value_t = 400_000)]
    rows: u64,
    /// Rows of a batch
    #[arg(long, default_value_t = 8_192)]
    batch: usize,
    /// End with 1 if a row takes more than 0.01 allocations
    #[arg(long)]
    check: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Cargo says this to every benchmark
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

/// One run.
struct Run {
    rows: u64,
    batches: u64,
    allocations: u64,
}

/// What three runs say.
struct Found {
    /// Of a row alone.
    per_row: f64,
    /// Of a batch alone.
    per_batch: f64,
    /// Of a row with its share of its batch.
    slope: f64,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let Arguments { rows, batch, .. } = arguments;
    let folder = tempfile::tempdir()?;
    let sandbox = Sandbox::new(&SandboxConfig::default())?;
    // What is made once in a process is made here.
    run(&sandbox, folder.path(), rows, batch)?;
    let half = run(&sandbox, folder.path(), rows, batch)?;
    let whole = run(&sandbox, folder.path(), 2 * rows, batch)?;
    let coarse = run(&sandbox, folder.path(), 2 * rows, 2 * batch)?;
    let found = found(&half, &whole, &coarse)?;
    if arguments.json {
        let runs = [&half, &whole, &coarse].map(|run| {
            json!({
                "rows": run.rows,
                "batches": run.batches,
                "allocations": run.allocations,
            })
        });
        let report = json!({
            "per_row": found.per_row,
            "per_batch": found.per_batch,
            "slope": found.slope,
            "runs": runs,
        });
        println!("{report}");
    } else {
        for Run { rows, batches, allocations } in [&half, &whole, &coarse] {
            println!("{rows:>9} rows in {batches:>4} batches: {allocations:>8} allocations");
        }
        println!(
            "{:.4} a row (gate {GATE}), {:.1} a batch; {:.4} a row with those of its batch",
            found.per_row, found.per_batch, found.slope
        );
    }
    let missed = arguments.check && found.per_row > GATE;
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn found(half: &Run, whole: &Run, coarse: &Run) -> anyhow::Result<Found> {
    let more = |most: u64, least: u64| most as f64 - least as f64;
    ensure!(whole.rows > half.rows && whole.batches > coarse.batches, "there are too few rows");
    let per_batch =
        more(whole.allocations, coarse.allocations) / more(whole.batches, coarse.batches);
    let rows = more(whole.rows, half.rows);
    let allocations = more(whole.allocations, half.allocations);
    let of_batches = per_batch * more(whole.batches, half.batches);
    Ok(Found { per_row: (allocations - of_batches) / rows, per_batch, slope: allocations / rows })
}

/// Runs the pipeline over so many wagers; everything from its first thread to its last is counted.
fn run(sandbox: &Sandbox, folder: &Path, rows: u64, batch: usize) -> anyhow::Result<Run> {
    let wagers = folder.join("wagers.jsonl");
    fs::write(&wagers, lines(rows))?;
    let out = folder.join("out");
    let text = |path: &Path| path.to_str().map(str::to_owned).context("a path is not UTF-8");
    let environment =
        Environment::from_variables([("WAGERS", text(&wagers)?), ("OUT", text(&out)?)]);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/bench-revenue.toml");
    let mut plan = config::load(&file, &environment, sandbox)
        .map_err(|problems| anyhow!("{}", problems.render(false)))?;
    (plan.batch.rows, plan.batch.bytes) = (batch, BATCH_BYTES);
    // A checkpoint by the clock would come in some runs and not in others.
    plan.checkpoint.every = None;
    let counters = pipeline::counters(&plan);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    pipeline::run(&plan, &RunOptions::default(), &counters)?;
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    fs::remove_dir_all(&out)?;
    let total =
        |pick: fn(&NodeCounters) -> &AtomicU64| PipelineCounters::total(&counters.sources, pick);
    ensure!(total(|source| &source.rows_in) == rows, "not every wager was read");
    Ok(Run { rows, batches: total(|source| &source.batches), allocations })
}

/// Made-up wagers, seed 1.
fn lines(rows: u64) -> Vec<u8> {
    let mut generator = WagerGenerator::new(1, GeneratorConfig::DEFAULT_START);
    let mut lines = Vec::new();
    (0..rows).for_each(|_| generator.append_line(&mut lines));
    lines
}
