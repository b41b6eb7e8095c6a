//! `millrace ddl`: the tables that a pipeline's sinks want, printed or made.

use std::path::PathBuf;

use anyhow::{Context, anyhow};

use super::exit::{CommandResult, Exit, Failure};
use super::load::{Loaded, environment};
use super::module;
use super::output;
use super::text::{Paint, counted};
use crate::config::{Plan, SinkPlan};
use crate::sink::Statements;

/// Print the CREATE TABLE statements of a pipeline's StarRocks and Doris sinks, or run them
///
/// Columns, types and keys are those that the graph gives the sink; buckets, replicas and audit columns
/// are the sink's settings. What is there already is left as it is: `evolution` says what becomes of
/// tables that do not fit.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only this sink
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// The table, for a sink whose table's name depends on the rows
    #[arg(long, value_name = "NAME", requires = "sink")]
    table: Option<String>,
    /// Also the views of dashboards: revenue by game, by hour and day; RTP; segments of players. Tables
    /// that lack a column for one go without it
    #[arg(long)]
    views: bool,
    /// Run the statements at the target
    #[arg(long)]
    apply: bool,
    /// Read variables from this file too; those that are set already win
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  millrace ddl pipelines/wagers-starrocks.toml
  millrace ddl --views pipelines/wagers-doris.toml > tables.sql
  millrace ddl --apply --views --env-file prod.env pipelines/wagers-starrocks.toml
  millrace ddl --sink ods --table ods_orders pipelines/many.toml";

/// Runs the command: 0 if all was printed or made, 2 if the file has an error.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    let environment = environment(arguments.env_file.as_deref())?;
    let sandbox = module::sandbox()?;
    let loaded = Loaded::load(std::slice::from_ref(&arguments.file), &environment, &sandbox);
    let Some(plan) = loaded.plans.first().filter(|_| loaded.is_sound()) else {
        eprint!("{}", loaded.render(Paint::stderr()));
        return Ok(Exit::Usage);
    };
    let sinks = sinks(plan, arguments)?;
    let mut made = 0;
    for sink in sinks {
        if arguments.apply {
            made += apply(sink, arguments)?;
        } else {
            let statements = sink
                .config
                .statements(&sink.schema, arguments.table.as_deref(), arguments.views)
                .with_context(|| format!("there are no statements for `{}`", sink.config.name))?;
            output::print(&printed(&sink.config.name, &statements))?;
        }
    }
    if arguments.apply {
        eprintln!("{} ran", counted(made, "statement"));
    }
    Ok(Exit::Done)
}

/// The sinks that have tables of a server.
fn sinks<'a>(plan: &'a Plan, arguments: &Arguments) -> Result<Vec<&'a SinkPlan>, Failure> {
    let wanted = |sink: &&SinkPlan| match &arguments.sink {
        Some(name) => sink.config.name == *name,
        None => true,
    };
    let sinks: Vec<&SinkPlan> =
        plan.sinks.iter().filter(|sink| sink.config.has_statements()).filter(wanted).collect();
    if sinks.is_empty() {
        let error = match &arguments.sink {
            Some(name) => anyhow!("no sink of type starrocks or doris is named `{name}`"),
            None => anyhow!(
                "no sink is of type starrocks or doris; other sinks make their tables themselves"
            ),
        };
        return Err(Failure::usage(error));
    }
    Ok(sinks)
}

fn apply(sink: &SinkPlan, arguments: &Arguments) -> anyhow::Result<u64> {
    let mut made = 0;
    let mut told = |sql: &str| {
        made += 1;
        let first = sql.lines().next().unwrap_or_default();
        eprintln!("{}: {}", sink.config.name, first.trim_end_matches('(').trim_end());
    };
    sink.config.apply_statements(
        &sink.schema,
        arguments.table.as_deref(),
        arguments.views,
        &mut told,
    )?;
    Ok(made)
}

fn printed(sink: &str, statements: &Statements) -> String {
    let mut text = format!("-- {sink}\n");
    for sql in &statements.sql {
        text.push_str(sql.trim_end());
        text.push_str(";\n\n");
    }
    if let Some(why) = &statements.without_views {
        text.push_str(&format!("-- There are no views over this table: {why}\n\n"));
    }
    text
}
