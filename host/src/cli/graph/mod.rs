//! `millrace graph`: the pipeline as a drawing, with columns and types on every edge.

mod dot;
mod mermaid;
mod model;
mod text;

use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::{CommandResult, Exit};
use super::load::{Loaded, environment};
use super::module;
use super::output;
use super::text::Paint;
use model::Graph;

/// Draw a pipeline: its nodes, and the columns and types that pass between them
///
/// The file is checked as `check` does; what is wrong with it is printed in place of a drawing, and
/// warnings go to stderr. Columns of the key are marked `(key)`, those that a transform adds or
/// replaces `(+)`. Columns that nothing downstream uses are not read, and so not drawn.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How to draw it
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
    /// Read variables from this file too; those that are set already win
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print the graph as JSON: {"pipeline", "nodes", "edges"}
    #[arg(long)]
    json: bool,
}

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For the terminal
    Text,
    /// A Mermaid flowchart, which Markdown on GitHub shows
    Mermaid,
    /// Graphviz
    Dot,
}

const EXAMPLES: &str = "\
Examples:
  WAGERS=wagers.jsonl OUT=out millrace graph pipelines/wagers.toml
  millrace graph --env-file dev.env --format mermaid pipelines/wagers.toml > wagers.mmd
  millrace graph --format dot pipelines/wagers.toml | dot -Tsvg > wagers.svg
  millrace graph --json pipelines/wagers.toml | jq '.edges[].columns[].name'";

/// Runs the command: 2 if the file has errors.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    let environment = environment(arguments.env_file.as_deref())?;
    let sandbox = module::sandbox()?;
    let files = std::slice::from_ref(&arguments.file);
    let loaded = Loaded::load(files, &environment, &sandbox);
    eprint!("{}", loaded.render(Paint::stderr()));
    let Some(plan) = loaded.plans.first() else { return Ok(Exit::Usage) };
    let graph = Graph::of(plan);
    if arguments.json {
        output::print_json(&graph.to_json())?;
        return Ok(Exit::Done);
    }
    output::print(&match arguments.format {
        Format::Text => text::draw(&graph, Paint::stdout()),
        Format::Mermaid => mermaid::draw(&graph),
        Format::Dot => dot::draw(&graph),
    })?;
    Ok(Exit::Done)
}
