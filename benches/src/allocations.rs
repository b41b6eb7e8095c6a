//! What the host allocates, by `benches/allocations.rs`, which counts in its own process.

use std::process::Command;

use anyhow::Context;

use crate::figure::{Figure, Unit};
use crate::programs::{Programs, finish};

/// Allocations of a run of `bench-revenue`: of a row, and of a batch.
///
/// # Errors
/// If the program fails.
pub fn figures(programs: &Programs) -> anyhow::Result<Vec<Figure>> {
    let mut command = Command::new(&programs.allocations);
    command.arg("--json");
    let printed = finish(command)?.printed;
    let number = |name: &str| printed[name].as_f64().with_context(|| format!("no {name}"));
    Ok(vec![
        Figure::new("allocations a row", number("per_row")?, Unit::Allocations)
            .at_most(0.01)
            .note(format!("{:.4} with those of its batch", number("slope")?)),
        Figure::new("allocations a batch", number("per_batch")?, Unit::Allocations),
    ])
}
