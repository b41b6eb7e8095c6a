//! `millrace ddl`: the tables that a pipeline's sinks want, printed or made.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};

use super::connect::Connected;
use super::exit::{CommandResult, Exit, Failure};
use super::load::{Loaded, environment};
use super::module;
use super::output;
use super::text::{Paint, counted};
use crate::config::Plan;
use crate::sink::Statements;

/// Print the CREATE TABLE statements of a pipeline's StarRocks and Doris sinks, or run them
///
/// Dead letters that go to StarRocks or Doris count as such a sink, `dead_letters` by its name.
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
    /// The table, for a sink whose table's name depends on the rows. Without --sink it is the only
    /// such sink
    #[arg(long, value_name = "NAME")]
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
  millrace ddl --table ods_orders pipelines/many.toml
  millrace ddl --sink dead_letters pipelines/many.toml";

/// Runs the command: 0 if all was printed or made, 2 if the file has an error or the arguments do not
/// fit it.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    let environment = environment(arguments.env_file.as_deref())?;
    let sandbox = module::sandbox()?;
    let loaded = Loaded::load(std::slice::from_ref(&arguments.file), &environment, &sandbox);
    let Some(plan) = loaded.plans.first().filter(|_| loaded.is_sound()) else {
        eprint!("{}", loaded.render(Paint::stderr()));
        return Ok(Exit::Usage);
    };
    let mut made = 0;
    for sink in &chosen(plan, arguments)? {
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

/// The sinks whose tables are wanted. Each names its table, or `--table` does.
fn chosen<'a>(plan: &'a Plan, arguments: &Arguments) -> Result<Vec<Connected<'a>>, Failure> {
    let mut sinks = Connected::of(plan);
    if let Some(name) = &arguments.sink {
        sinks.retain(|sink| sink.config.name == *name);
    }
    if sinks.is_empty() {
        let error = match &arguments.sink {
            Some(name) => anyhow!("no sink of type starrocks or doris is named `{name}`"),
            None => anyhow!(
                "no sink is of type starrocks or doris; other sinks make their tables themselves"
            ),
        };
        return Err(Failure::usage(error));
    }
    if let Some(table) = &arguments.table {
        return with_table(sinks, table).map_err(Failure::usage);
    }
    if let Some(sink) = sinks.iter().find(|sink| sink.table().is_none()) {
        let name = &sink.config.name;
        return Err(Failure::usage(anyhow!(
            "the rows of `{name}` name their tables; name one of them: `--sink {name} --table NAME`"
        )));
    }
    Ok(sinks)
}

/// The sink that fills a table of this name, where only one can be meant.
fn with_table<'a>(sinks: Vec<Connected<'a>>, table: &str) -> anyhow::Result<Vec<Connected<'a>>> {
    let fills = |sink: &Connected<'_>| sink.table().is_none_or(|fixed| fixed == table);
    let (able, others): (Vec<_>, Vec<_>) = sinks.into_iter().partition(fills);
    if able.len() == 1 {
        return Ok(able);
    }
    let name = |sink: &Connected<'_>| match sink.table() {
        Some(fixed) => format!("`{}` fills `{fixed}`", sink.config.name),
        None => format!("`{}`", sink.config.name),
    };
    let names = |sinks: &[Connected<'_>]| sinks.iter().map(name).collect::<Vec<_>>().join(", ");
    if able.is_empty() {
        let fixed = names(&others);
        bail!("no sink fills a table `{table}`: {fixed}; leave `--table` out, or correct it");
    }
    let names = names(&able);
    bail!("several sinks may fill a table `{table}`: {names}; say which with `--sink NAME`")
}

fn apply(sink: &Connected<'_>, arguments: &Arguments) -> anyhow::Result<u64> {
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
