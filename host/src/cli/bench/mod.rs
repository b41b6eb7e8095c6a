//! `millrace bench`: what calls of a module cost, beside those of an empty one.
//!
//! *Invariants*: every number is the median of many samples, taken in two equal runs whose
//! difference is printed as the noise; the samples of all that is compared are taken in turns, so
//! that a busy moment of the machine hits all alike.
//! *Not here*: decoding and sinks; `docs/benchmarks.md` has whole pipelines.

mod columns;
mod measure;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::{Value, json};

use super::exit::{CommandResult, Exit, Failure};
use super::module::ModuleArguments;
use super::output;
use super::text::{count, nanos, table};
use crate::sandbox::{Sandbox, SandboxConfig};
use measure::{Measured, Subject};

/// The module that does nothing, as the tree builds it.
const EMPTY: &str = "empty_guest.wasm";

/// Measure what calls of a module cost: fixed, and for each row
///
/// Made-up batches of exactly the columns that the module reads go through it, at several batch
/// sizes, with and without deadlines; the numbers stand beside those of an empty module. A tenth of
/// the values of a nullable column is null.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    module: ModuleArguments,
    /// Rows of a batch, comma-separated
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,64,1000,8192")]
    rows: Vec<usize>,
    /// How long to measure each number, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300)]
    time: u64,
    /// A module that does nothing [default: empty_guest.wasm beside MODULE, if it is there]
    #[arg(long, value_name = "FILE")]
    empty: Option<PathBuf>,
    /// Print the numbers as JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  millrace bench modules/wager_revenue.wasm
  millrace bench modules/wager_revenue.wasm --rows 1,8192 --time 2000 --json

Measure with a release build on an idle machine: `cargo build --release`.";

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    if arguments.rows.is_empty() || arguments.rows.contains(&0) {
        return Err(Failure::usage(anyhow!("--rows takes numbers from 1 on")));
    }
    let bounded = Sandbox::new(&SandboxConfig::default()).map_err(Failure::usage)?;
    let unbounded = Sandbox::new(&SandboxConfig { deadlines: false, ..SandboxConfig::default() })
        .map_err(Failure::usage)?;
    let mut measured = compare(arguments, &arguments.module, &bounded, &unbounded)?;
    if let Some(module) = empty_module(arguments) {
        let empty = ModuleArguments { module, params: json!({}), inputs: 1, tables: Vec::new() };
        measured.extend(compare(arguments, &empty, &bounded, &unbounded)?);
    }
    if arguments.json {
        output::print_json(&as_json(&measured))?;
    } else {
        output::print(&as_text(&measured))?;
    }
    Ok(Exit::Done)
}

/// The numbers of one module at one batch size.
struct Point {
    module: String,
    rows: usize,
    with_deadlines: Measured,
    without: Measured,
}

impl Point {
    fn nanos_a_row(&self) -> f64 {
        self.with_deadlines.nanos / self.rows as f64
    }
}

/// Measures a module at every batch size.
fn compare(
    arguments: &Arguments,
    module: &ModuleArguments,
    bounded: &Sandbox,
    unbounded: &Sandbox,
) -> Result<Vec<Point>, Failure> {
    let mut with_deadlines = Subject::open(module, bounded)?;
    let mut without = Subject::open(module, unbounded)?;
    let name = file_name(&module.module);
    let time = Duration::from_millis(arguments.time);
    arguments
        .rows
        .iter()
        .map(|rows| {
            let [with_deadlines, without] =
                measure::in_turns([&mut with_deadlines, &mut without], *rows, time)
                    .with_context(|| format!("cannot measure {name}"))?;
            Ok(Point { module: name.clone(), rows: *rows, with_deadlines, without })
        })
        .collect()
}

/// The empty module to compare with: as asked, or found beside the module.
fn empty_module(arguments: &Arguments) -> Option<PathBuf> {
    if arguments.empty.is_some() {
        return arguments.empty.clone();
    }
    let module = &arguments.module.module;
    if module.file_name().is_some_and(|name| name == EMPTY) {
        return None;
    }
    let beside = module.with_file_name(EMPTY);
    if beside.is_file() {
        return Some(beside);
    }
    tracing::info!("there is no {EMPTY} to compare with; `millrace build tests/guests` makes it");
    None
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The fixed cost of a call and the cost of a row, in nanoseconds: the line through the smallest
/// and the largest batch.
fn fixed_and_slope(points: &[&Point]) -> Option<(f64, f64)> {
    let smallest = points.iter().min_by_key(|point| point.rows)?;
    let largest = points.iter().max_by_key(|point| point.rows)?;
    if smallest.rows == largest.rows {
        return None;
    }
    let difference = largest.with_deadlines.nanos - smallest.with_deadlines.nanos;
    let slope = difference / (largest.rows - smallest.rows) as f64;
    Some((smallest.with_deadlines.nanos - slope * smallest.rows as f64, slope))
}

/// The measured modules, each with its points.
fn by_module(points: &[Point]) -> Vec<(&str, Vec<&Point>)> {
    let mut modules: Vec<(&str, Vec<&Point>)> = Vec::new();
    for point in points {
        match modules.last_mut() {
            Some((name, of_module)) if *name == point.module => of_module.push(point),
            _ => modules.push((&point.module, vec![point])),
        }
    }
    modules
}

fn as_text(points: &[Point]) -> String {
    let headings = [
        "module",
        "rows",
        "a call",
        "a row",
        "noise",
        "without deadlines",
        "noise",
        "deadlines cost",
    ];
    let mut table = table(&headings, 1);
    for point in points {
        let cost = point.with_deadlines.nanos / point.without.nanos - 1.0;
        table.add_row([
            point.module.clone(),
            count(point.rows as u64),
            nanos(point.with_deadlines.nanos),
            nanos(point.nanos_a_row()),
            percent(point.with_deadlines.noise),
            nanos(point.without.nanos),
            percent(point.without.noise),
            percent(cost),
        ]);
    }
    let mut text = format!("{}\n", table.trim_fmt());
    for (module, points) in by_module(points) {
        if let Some((fixed, slope)) = fixed_and_slope(&points) {
            text.push_str(&format!(
                " {module}: {} a call and {} a row\n",
                nanos(fixed),
                nanos(slope)
            ));
        }
    }
    text.push_str(" Medians; the noise is the difference of two equal runs.\n");
    text
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn as_json(points: &[Point]) -> Value {
    let measured =
        |measured: &Measured| json!({ "nanos": measured.nanos, "noise": measured.noise });
    let modules = by_module(points).into_iter().map(|(module, points)| {
        let line = fixed_and_slope(&points);
        json!({
            "module": module,
            "fixed_nanos_a_call": line.map(|(fixed, _)| fixed),
            "nanos_a_row": line.map(|(_, slope)| slope),
            "points": points.iter().map(|point| json!({
                "rows": point.rows,
                "nanos_a_row": point.nanos_a_row(),
                "with_deadlines": measured(&point.with_deadlines),
                "without_deadlines": measured(&point.without),
            })).collect::<Value>(),
        })
    });
    json!({ "modules": modules.collect::<Value>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(rows: usize, nanos: f64) -> Point {
        let measured = Measured { nanos, noise: 0.01 };
        Point { module: "m".to_owned(), rows, with_deadlines: measured, without: measured }
    }

    #[test]
    fn the_fixed_cost_and_the_cost_of_a_row_come_from_the_ends() {
        let points = [point(1, 203.0), point(64, 900.0), point(1_000, 3_200.0)];
        let (fixed, slope) =
            fixed_and_slope(&points.iter().collect::<Vec<_>>()).expect("two sizes");
        assert!((slope - 3.0).abs() < 1e-9);
        assert!((fixed - 200.0).abs() < 1e-9);
        assert!(fixed_and_slope(&[&points[0]]).is_none());
    }
}
