//! Every figure that Millrace is measured by, beside its gate. `scripts/bench` builds what this
//! needs and runs it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use millrace_benches::figure::{self, Figure};
use millrace_benches::machine::Machine;
use millrace_benches::programs::Programs;
use millrace_benches::{allocations, boundary, cpu, loads, memory, stall, start, state};
use serde_json::json;

/// Measure Millrace
#[derive(Parser)]
struct Arguments {
    /// What to measure [default: everything]
    #[arg(value_enum)]
    what: Vec<What>,
    /// Turns of CPU time and of the start
    #[arg(long, default_value_t = 7)]
    turns: usize,
    /// Rows of the long run
    #[arg(long, default_value_t = 20_000_000)]
    long_rows: u64,
    /// Seconds for which a target stands still; 8 at least
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(8..=3600))]
    stall_seconds: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The `millrace` program
    #[arg(long)]
    millrace: PathBuf,
    /// The program of benches/native-bound
    #[arg(long)]
    native_bound: PathBuf,
    /// The program of benches/native_twin
    #[arg(long)]
    native_twin: PathBuf,
    /// The program of benches/allocations.rs
    #[arg(long)]
    allocations: PathBuf,
    /// The program of benches/state.rs
    #[arg(long)]
    state: PathBuf,
    /// The program of tests/standin
    #[arg(long)]
    standin: PathBuf,
    /// Where inputs are kept and outputs thrown away
    #[arg(long)]
    folder: PathBuf,
    /// Cargo says this to every benchmark
    #[arg(long = "bench", hide = true)]
    _bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// CPU seconds a million rows, native and not
    Cpu,
    /// A row and a call across the boundary
    Boundary,
    /// Stream Load bodies to a backend that counts
    Loads,
    /// State of a million keys
    State,
    /// Memory while nearly nothing happens
    Idle,
    /// The most memory of a run
    Peak,
    /// The memory of a long run, half by half
    Long,
    /// Memory and the source while a target stands still
    Stall,
    /// From the start to the first row
    Start,
    /// Allocations of a row and of a batch
    Allocations,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let machine = Machine::here();
    fs::create_dir_all(&arguments.folder)?;
    let programs = Programs {
        millrace: arguments.millrace.clone(),
        native_bound: arguments.native_bound.clone(),
        native_twin: arguments.native_twin.clone(),
        allocations: arguments.allocations.clone(),
        state: arguments.state.clone(),
        standin: arguments.standin.clone(),
        folder: arguments.folder.canonicalize()?,
    };
    let wanted: &[What] =
        if arguments.what.is_empty() { What::value_variants() } else { &arguments.what };
    let mut figures = Vec::new();
    for what in wanted {
        figures.extend(measure(*what, &arguments, &programs)?);
    }
    if arguments.json {
        let report = json!({ "machine": machine.to_json(), "figures": figure::as_json(&figures) });
        println!("{report:#}");
    } else {
        println!("{}\n{}", machine.to_text(), figure::as_text(&figures));
    }
    Ok(())
}

fn measure(what: What, arguments: &Arguments, programs: &Programs) -> anyhow::Result<Vec<Figure>> {
    Ok(match what {
        What::Cpu => cpu::figures(programs, arguments.turns)?,
        What::Boundary => boundary::figures(programs)?,
        What::Loads => loads::figures(programs, arguments.turns)?,
        What::State => state::figures(programs)?,
        What::Idle => vec![memory::idle(programs)?],
        What::Peak => vec![memory::peak(programs)?],
        What::Long => memory::long(programs, arguments.long_rows)?,
        What::Stall => stall::figures(programs, Duration::from_secs(arguments.stall_seconds))?,
        What::Start => vec![start::figure(programs, arguments.turns)?],
        What::Allocations => allocations::figures(programs)?,
    })
}
