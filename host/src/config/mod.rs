//! A pipeline's file, from TOML to a plan that can run.
//!
//! [`load`] reads the file into a tree that knows where everything stands, puts the variables in
//! (`env`), reads it key by key (`raw`), and checks it as a whole, through the modules, into the
//! sinks (`validate`). What comes out is a [`Plan`], or all [`Problems`] at once, each with its place
//! and what to do about it.
//!
//! *Invariants*: nothing outside of this folder knows TOML; reading a file changes nothing, reads
//! the modules, and only looks whether the inputs' files are there; of the values of variables
//! nothing is printed but the paths of files that cannot be read.
//! *Not here*: the settings' own types, which stand beside what they set (`source`, `sink`, …).

mod effective;
mod env;
mod keys;
mod nearest;
mod plan;
mod problem;
mod raw;
mod reference;
mod render;
mod schema;
mod section;
mod tree;
mod units;
mod validate;

use std::path::Path;

pub use effective::effective;
pub use env::{EnvFileError, Environment};
pub use keys::{Key, PARTS, Part, Presence};
pub use plan::{
    CheckpointPlan, DeadLettersPlan, Delivery, Edge, InputPlan, NodeId, OnError, Plan, SinkPlan,
    SourcePlan, TransformPlan,
};
pub use problem::{Location, Note, Problem, Problems, Severity, Span};
pub use reference::reference;
pub use schema::schema;

use crate::sandbox::Sandbox;
use problem::Report;
use section::Scope;

/// Reads and checks a pipeline's file.
///
/// # Errors
/// All problems of the file, warnings among them, in its order. Where only warnings are found, they
/// are in the plan instead.
pub fn load(path: &Path, environment: &Environment, sandbox: &Sandbox) -> Result<Plan, Problems> {
    let text = read(path)?;
    let report = Report::default();
    let plan = tree::parse(&text, environment, &report).and_then(|entries| {
        let scope = Scope { report: &report, folder: path.parent().unwrap_or(Path::new("")) };
        let raw = raw::read(&entries, scope);
        validate::plan(&raw, path, sandbox, &report)
    });
    let problems = Problems::new(path, &text, report.into_problems());
    match plan {
        Some(plan) if problems.errors() == 0 => Ok(Plan { warnings: problems, ..plan }),
        _ => Err(problems),
    }
}

fn read(path: &Path) -> Result<String, Problems> {
    let unreadable = |message: String, hint: &str| {
        Problems::new(path, "", vec![Problem::of_the_file(message).hint(hint)])
    };
    let bytes = std::fs::read(path).map_err(|error| {
        let hint = "give the path of a TOML file, such as pipelines/quickstart.toml";
        unreadable(format!("cannot read the pipeline's file: {error}"), hint)
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        let hint = "TOML files are UTF-8: save it so";
        unreadable(format!("the file is not UTF-8: line {line} has other bytes"), hint)
    })
}
