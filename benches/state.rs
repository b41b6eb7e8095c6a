//! What the state of a keyed transform takes: a million users of `fraud_cep`, one large bet each, saved,
//! changed, kept in segments and restored.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use arrow_array::{ArrayRef, Decimal64Array, StringArray, TimestampMicrosecondArray};
use clap::Parser;
use millrace::checkpoint::{StateLog, StateReader, state::StateLimits};
use millrace::config::{self, Environment, Plan};
use millrace::record::{Batch, Column, Operation, Operations, RowMeta};
use millrace::sandbox::{Sandbox, SandboxConfig};
use millrace::stage::{KEY_GROUPS, Numbering, Stage, StageError, Tables};
use millrace::telemetry::Clock;
use serde_json::json;

/// Users, each with an entry of state.
const KEYS: usize = 1_000_000;
/// Users that one round changes: one in a hundred.
const CHANGED: usize = KEYS / 100;
/// Rounds of changes and saves.
const ROUNDS: usize = 9;
/// Rows of a batch.
const ROWS: usize = 8_192;
/// 2026-01-01T00:00:00Z.
const TIME: i64 = 1_767_225_600_000_000;

/// Measure the state of a keyed transform; prints one JSON object
#[derive(Parser)]
struct Arguments {
    /// Where segments are written
    #[arg(long)]
    folder: PathBuf,
    /// Cargo says this to every benchmark
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let plan = plan()?;
    let mut stage = open(&plan)?;
    put(&mut stage, &plan, 0, KEYS)?;
    let mut log = log(&arguments.folder, Vec::new());
    let mut raw = 0;
    let mut entries = 0;
    let started = Instant::now();
    stage.save::<anyhow::Error>(|chunk| {
        raw += chunk.keys.bytes.len() + chunk.sub_keys.bytes.len() + chunk.values.bytes.len();
        entries += chunk.len();
        Ok(log.append(chunk)?)
    })?;
    let segments = log.seal(1)?;
    let all = started.elapsed();
    let memory = stage.memory_bytes();

    let mut saves: Vec<Duration> = Vec::new();
    for round in 0..ROUNDS {
        put(&mut stage, &plan, round * CHANGED, CHANGED)?;
        let mut changed = 0;
        let started = Instant::now();
        stage.save::<StageError>(|chunk| {
            changed += chunk.len();
            Ok(())
        })?;
        saves.push(started.elapsed());
        anyhow::ensure!(changed >= CHANGED, "only {changed} entries changed");
    }
    saves.sort_unstable();

    let started = Instant::now();
    let mut restored = open(&plan)?;
    for chunk in StateReader::open(&arguments.folder, &segments, 0..KEY_GROUPS)? {
        restored.restore(chunk?)?;
    }
    let restore = started.elapsed();
    println!(
        "{}",
        json!({
            "entries": entries,
            "raw_bytes": raw,
            "guest_bytes": memory,
            "save_all_seconds": all.as_secs_f64(),
            "save_seconds": saves[ROUNDS / 2].as_secs_f64(),
            "save_most_seconds": saves[ROUNDS - 1].as_secs_f64(),
            "restore_seconds": restore.as_secs_f64(),
            "restored_bytes": restored.memory_bytes(),
        })
    );
    Ok(())
}

fn plan() -> anyhow::Result<Plan> {
    let sandbox = Sandbox::new(&SandboxConfig::default())?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("state.toml");
    let environment = Environment::from_variables([("OUT", "out"), ("BETS", "bets.jsonl")]);
    config::load(&file, &environment, &sandbox).map_err(|problems| anyhow!("{problems}"))
}

fn open(plan: &Plan) -> anyhow::Result<Stage> {
    let config = plan.transforms[0].stage();
    Ok(Stage::open(config, Arc::default(), Clock::Fixed(TIME), Numbering::alone(0))?)
}

fn log(folder: &Path, segments: Vec<millrace::checkpoint::StateSegment>) -> StateLog {
    StateLog::open(folder.to_owned(), "fraud-0".to_owned(), segments, StateLimits::default())
}

/// A large bet of each of `count` users from `first` on.
fn put(stage: &mut Stage, plan: &Plan, first: usize, count: usize) -> anyhow::Result<()> {
    for start in (first..first + count).step_by(ROWS) {
        let users = start..(start + ROWS).min(first + count);
        stage.apply(0, batch(plan, users), &Tables::default())?;
    }
    Ok(())
}

fn batch(plan: &Plan, users: std::ops::Range<usize>) -> Batch {
    let rows = users.len();
    let text = |prefix: &str| -> ArrayRef {
        let texts = users.clone().map(|user| format!("{prefix}{user:07}"));
        Arc::new(StringArray::from_iter_values(texts))
    };
    let bets = Decimal64Array::from_value(20_000, rows).with_precision_and_scale(18, 2);
    let columns: Vec<ArrayRef> = vec![
        text("w"),
        text("u"),
        Arc::new(bets.expect("18 digits are a decimal's")),
        Arc::new(TimestampMicrosecondArray::from_value(TIME, rows)),
    ];
    let meta = RowMeta {
        origin: "bets".into(),
        operations: Operations::All(Operation::Insert),
        event_times: Some((vec![TIME; rows].into(), None)),
        processing_times: vec![TIME; rows].into(),
        majors: vec![1; rows].into(),
        minors: None,
        base: 0,
        mixed: None,
        late: None,
    };
    Batch {
        schema: Arc::clone(&plan.transforms[0].inputs[0].schema),
        columns: columns.into_iter().map(Column::from).collect(),
        meta: Arc::new(meta),
        rows,
        selection: None,
        before: None,
    }
}
