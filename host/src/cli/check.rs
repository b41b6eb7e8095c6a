//! `millrace check`: every problem of every file, before anything runs.

use std::path::PathBuf;

use anyhow::anyhow;
use serde_json::{Value, json};

use super::connect::Looked;
use super::exit::{CommandResult, Exit, Failure};
use super::load::{Loaded, environment};
use super::module;
use super::output;
use super::text::{Paint, counted};
use crate::config::{self, Environment, Plan};

/// Check pipeline files: names, types and promises, through every module, into the sinks
///
/// All problems are printed at once, each with its place, what is wrong and what to do. Modules are
/// loaded and asked what they need, and types are followed from the sources into the sinks. An
/// input that is not there is a warning. Outputs are not looked at, unless `--connect` says so: whether
/// they can be written, and whether a table that exists fits, is found by `run`, before the first row.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Pipeline files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read variables from this file too; those that are set already win
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print the problems as JSON: {"ok", "pipelines", "problems"}, with --connect also "targets"
    #[arg(long)]
    json: bool,
    /// Also connect to StarRocks and Doris, as sinks and dead letters would, and look at what rows will
    /// need: address, login, privileges, version, tables, columns, types, replicas, backends, clock.
    /// Nothing is changed
    #[arg(long, conflicts_with = "show_defaults")]
    connect: bool,
    /// Print the settings of one file that has no error, every default included and marked, as TOML
    /// that comes to the same pipeline; variables stand by their names. Warnings go to stderr
    #[arg(long, conflicts_with = "json")]
    show_defaults: bool,
}

const EXAMPLES: &str = "\
Examples:
  WAGERS=wagers.jsonl OUT=out millrace check pipelines/wagers.toml
  millrace check --env-file dev.env --show-defaults pipelines/wagers.toml
  millrace check --env-file dev.env pipelines/*.toml
  millrace check --connect --env-file prod.env pipelines/wagers-starrocks.toml
  millrace check --json pipelines/wagers.toml | jq '.problems[].message'
  millrace check --connect --json wagers.toml | jq '.targets[].findings[] | select(.severity != \"ok\")'

Exit codes:
  0  no file and no target has an error; warnings do not count
  2  one has, or a target cannot be reached";

/// Runs the command: 0 if no file and no target has an error, 2 if one has.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    let environment = environment(arguments.env_file.as_deref())?;
    let sandbox = module::sandbox()?;
    if arguments.show_defaults && arguments.files.len() > 1 {
        return Err(Failure::usage(anyhow!("--show-defaults takes one file")));
    }
    let loaded = Loaded::load(&arguments.files, &environment, &sandbox);
    if arguments.show_defaults {
        return show_defaults(&loaded, &environment);
    }
    let looked = if arguments.connect { Looked::at(&loaded.plans) } else { Vec::new() };
    if arguments.json {
        let mut value = as_json(&loaded);
        if arguments.connect {
            value["targets"] = looked.iter().map(Looked::to_json).collect();
        }
        output::print_json(&value)?;
    } else {
        let paint = Paint::stdout();
        let mut text = loaded.render(paint);
        for plan in &loaded.plans {
            text.push_str(&format!("{} {}\n", paint.green("ok:"), sentence(plan)));
        }
        for target in &looked {
            text.push_str(&target.render(paint));
        }
        output::print(&text)?;
    }
    let is_sound = loaded.is_sound() && looked.iter().all(Looked::is_sound);
    Ok(if is_sound { Exit::Done } else { Exit::Usage })
}

/// The settings on stdout, and what there is to say about the file on stderr, so that the first may
/// become a file.
fn show_defaults(loaded: &Loaded, environment: &Environment) -> CommandResult {
    eprint!("{}", loaded.render(Paint::stderr()));
    let Some(plan) = loaded.plans.first() else { return Ok(Exit::Usage) };
    output::print(&config::effective(plan, environment).map_err(Failure::usage)?)?;
    Ok(Exit::Done)
}

fn sentence(plan: &Plan) -> String {
    let number = |nodes: usize| nodes as u64;
    let tables = match plan.tables.len() {
        0 => String::new(),
        tables => format!("{}, ", counted(number(tables), "table")),
    };
    format!(
        "{}: pipeline `{}`: {}, {}, {tables}{}",
        plan.file.display(),
        plan.name,
        counted(number(plan.sources.len()), "source"),
        counted(number(plan.transforms.len()), "transform"),
        counted(number(plan.sinks.len()), "sink"),
    )
}

fn as_json(loaded: &Loaded) -> Value {
    let listed = loaded.broken.iter().chain(loaded.plans.iter().map(|plan| &plan.warnings));
    let mut problems: Vec<Value> = Vec::new();
    for of_file in listed {
        match of_file.to_json() {
            Value::Array(list) => problems.extend(list),
            other => problems.push(other),
        }
    }
    for name in &loaded.twice {
        problems.push(json!({
            "file": null, "line": null, "column": null, "severity": "error",
            "message": format!("two of these files name their pipeline `{name}`"),
            "hint": "give each its own name",
        }));
    }
    let pipelines: Vec<Value> = loaded
        .plans
        .iter()
        .map(|plan| {
            json!({
                "file": plan.file.display().to_string(),
                "name": plan.name,
                "sources": names(plan.sources.iter().map(|source| &source.config.name)),
                "tables": plan.tables.len(),
                "transforms": names(plan.transforms.iter().map(|transform| &transform.name)),
                "sinks": names(plan.sinks.iter().map(|sink| &sink.config.name)),
            })
        })
        .collect();
    json!({ "ok": loaded.is_sound(), "pipelines": pipelines, "problems": problems })
}

fn names<'a>(nodes: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    nodes.map(String::as_str).collect()
}
