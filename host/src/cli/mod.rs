//! The commands: arguments in, results on stdout, logs and progress on stderr, an exit code.
//!
//! *Invariants*: only results go to stdout; every error is printed once, with its causes; the exit
//! code says which of four endings it was (`exit`); colour only on terminals, and never against
//! `NO_COLOR`.
//! *Not here*: any decision about rows, modules or pipelines.
//!
//! To add a command: a file with its arguments and its `run`, and a case in [`Command`].

mod bench;
mod build;
mod check;
mod columns;
mod completions;
mod connect;
mod ddl;
mod ending;
mod exit;
mod generate;
mod graph;
mod inspect;
mod load;
mod logs;
mod module;
mod output;
mod pace;
mod progress;
mod run;
mod schema;
mod signals;
mod status;
mod summary;
mod text;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::MultiProgress;

use exit::{CommandResult, Failure};

/// Streams change records through WebAssembly transforms into tables, exactly once.
///
/// A pipeline is a graph in one TOML file: sources, transforms (WebAssembly modules, written in
/// Rust with the SDK), tables to join, sinks.
#[derive(Debug, Parser)]
#[command(name = "millrace", version, after_help = EXAMPLES)]
struct Cli {
    /// What to log: a level such as `debug`, which is about Millrace alone, or levels by module,
    /// such as `warn,millrace::pipeline=debug`
    #[arg(
        long,
        global = true,
        env = "MILLRACE_LOG",
        value_name = "FILTER",
        default_value = "warn,millrace=info",
        hide_env_values = true
    )]
    log: String,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  millrace generate --count 100000 --out wagers.jsonl    make wagers to play with
  millrace build transforms                              compile transforms to modules/*.wasm
  millrace check pipelines/wagers.toml                   find every mistake before anything runs
  WAGERS=wagers.jsonl OUT=out millrace run pipelines/wagers.toml

Exit codes:
  0  done
  1  failed while running; what was saved stays good
  2  wrong arguments or configuration
  3  something outside could not be reached (a missing input, a locked database, a frontend, a
     checkpoint store in use), or a stop took longer than stop_timeout
  130, 143  stopped at once by a second SIGINT or SIGTERM (the first one drains and saves)";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Arguments),
    Status(status::Arguments),
    Check(check::Arguments),
    Columns(columns::Arguments),
    Ddl(ddl::Arguments),
    Graph(graph::Arguments),
    Inspect(inspect::Arguments),
    Build(build::Arguments),
    Bench(bench::Arguments),
    Generate(generate::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
}

/// The whole program: reads the process's arguments, runs the command, prints what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    // Clap prints help and usage errors itself; the latter end with code 2, as ours do.
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(),
    }
}

fn dispatch(cli: Cli) -> CommandResult {
    // One owner of the terminal's last lines: logs are written above the bars, not through them.
    let bars = MultiProgress::new();
    logs::start(&cli.log, &bars).map_err(Failure::usage)?;
    match cli.command {
        Command::Run(arguments) => run::run(&arguments, &bars),
        Command::Status(arguments) => status::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Columns(arguments) => columns::run(&arguments),
        Command::Ddl(arguments) => ddl::run(&arguments),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments, &bars),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
