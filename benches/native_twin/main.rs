//! `pipelines/bench-revenue.toml` with its stage linked natively in place of the guest: what the
//! sandbox and its boundary add to a whole run.
//!
//! The source, the decoder, the batches, the gather and the sink are the host's own, on the threads
//! that a pipeline would have. The stage is the very crate that the guest is compiled from, called
//! through the SDK (`stage.rs`). With `--stage guest` the same threads run the host's own stage
//! around the guest, so that nothing else differs. Neither has what surrounds the rows of a real
//! run: no coordinator, no checkpoint store, no progress, no dead letters.

mod harness;
mod stage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use clap::{Parser, ValueEnum};
use millrace::config::{self, Environment, Plan, TransformPlan};
use millrace::sandbox::{Sandbox, SandboxConfig};
use millrace::stage::{Chain, Numbering, Stage, Tables};
use millrace::telemetry::{Clock, cpu_time};
use serde_json::json;

use harness::Tally;
use stage::NativeStage;

/// Run bench-revenue's rows through its stage, native or as a guest
#[derive(Parser)]
struct Arguments {
    /// Wagers, as JSON lines
    wagers: PathBuf,
    /// How the stage is linked
    #[arg(long, value_enum, default_value = "native")]
    stage: Linked,
    /// Cargo says this to every benchmark
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Linked {
    /// Into this program
    Native,
    /// As a WebAssembly guest
    Guest,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let plan = plan(&arguments.wagers)?;
    let transform = plan.transforms.first().context("bench-revenue has a transform")?;
    let (tally, copying) = match arguments.stage {
        Linked::Native => native(&plan, transform)?,
        Linked::Guest => (guest(&plan, transform)?, 0.0),
    };
    let report = json!({
        "rows_in": tally.read,
        "rows": tally.written,
        "copying_seconds": copying,
        "cpu_seconds": cpu_time().as_secs_f64(),
    });
    println!("{report}");
    Ok(())
}

fn plan(wagers: &Path) -> anyhow::Result<Plan> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/bench-revenue.toml");
    let wagers = wagers.to_str().context("the path of the wagers is not UTF-8")?;
    // The store's folder is never made: nothing here saves.
    let environment = Environment::from_variables([("WAGERS", wagers), ("OUT", "unused")]);
    let sandbox = Sandbox::new(&SandboxConfig::default())?;
    config::load(&file, &environment, &sandbox)
        .map_err(|problems| anyhow!("{}", problems.render(false)))
}

fn native(plan: &Plan, transform: &TransformPlan) -> anyhow::Result<(Tally, f64)> {
    let mut stage = NativeStage::open(transform)?;
    let tally = harness::run(plan, |batch| stage.apply(batch))?;
    Ok((tally, stage.copying().as_secs_f64()))
}

fn guest(plan: &Plan, transform: &TransformPlan) -> anyhow::Result<Tally> {
    let stage = Stage::open(transform.stage(), Arc::default(), Clock::System, Numbering::alone(0))?;
    let mut chain = Chain::new(vec![stage]);
    let tables = Tables::default();
    harness::run(plan, |batch| {
        let mut output = chain.apply(0, batch, &tables)?;
        ensure!(output.rejected.is_empty(), "a wager was rejected");
        Ok(output.batches.pop().map(|(_, batch)| batch))
    })
}
