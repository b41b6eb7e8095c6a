//! `millrace columns`: the columns of a file that is there, as TOML to paste.
//!
//! *Invariants*: only the block goes to stdout, so that it can be redirected; the reader of pipelines
//! takes it for the file that it was made of.
//! *Not here*: reading rows for a run (`source`, `format`); this is a look at a few of them.

mod block;
mod debezium;
mod names;
mod sample;
mod seen;
mod shape;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use self::sample::Sample;
use self::seen::Guess;
use super::exit::{CommandResult, Exit, Failure};
use super::output;
use super::text::counted;

/// Guess the columns of a file, and print them as TOML to paste
///
/// A sample of the rows is read, and each path that ends at a value becomes a column, with the
/// narrowest type that takes all values of the sample; where none does, the line is a comment. Where
/// Debezium's messages carry their schema, that decides. A comment behind each column shows a value
/// and how often it was null. A file whose name ends in .gz or .zst is unpacked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The file: JSON lines, Debezium's messages as JSON lines, or CSV with a header
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How it is written [default: by its name and its first row]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// How many lines to look at
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    rows: u64,
    /// Look only at what is under this path of a row, such as `payload`
    #[arg(long, value_name = "PATH")]
    root: Option<String>,
    /// Print the columns as JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  millrace columns wagers.jsonl
  millrace columns wagers.jsonl --root payload >> pipelines/wagers.toml
  millrace columns orders.jsonl.gz --format debezium-json --rows 100000
  millrace columns games.csv --json | jq '.columns[].name'";

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A JSON document a line.
    Json,
    /// One of Debezium's messages a line: with or without a schema, or unwrapped.
    DebeziumJson,
    /// Comma-separated values under a header.
    Csv,
}

impl Format {
    /// The `format` of a source.
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::DebeziumJson => "debezium-json",
            Self::Csv => "csv",
        }
    }
}

/// A column that a source of the file could have.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// The member names that lead to it.
    path: Vec<String>,
    /// `None`: all of its values were null.
    guess: Option<Guess>,
    /// Rows in which it was not null, and in which it was.
    values: u64,
    nulls: u64,
    /// A value as JSON.
    example: Option<String>,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    let file = arguments.file.as_path();
    let input = sample::open(file).map_err(Failure::usage)?;
    let is_csv = sample::plain_name(file).extension().is_some_and(|extension| extension == "csv");
    let format = arguments.format.or(is_csv.then_some(Format::Csv));
    let root: Vec<String> =
        arguments.root.iter().flat_map(|root| root.split('.')).map(str::to_owned).collect();
    let sample = match format {
        Some(Format::Csv) if !root.is_empty() => {
            return Err(Failure::usage(anyhow!("--root is for JSON: a row of CSV has no parts")));
        }
        Some(Format::Csv) => sample::csv(input, arguments.rows),
        format => sample::lines(input, format, arguments.rows, &root),
    }
    .with_context(|| format!("cannot sample {}", file.display()))?;
    if sample.rows == 0 {
        return Err(anyhow!("{}", nothing(file, &sample)).into());
    }
    if arguments.json {
        output::print_json(&block::json(file, &sample))?;
    } else {
        output::print(&block::toml(file, &sample))?;
        eprintln!("{}", summary(file, &sample));
    }
    Ok(Exit::Done)
}

fn nothing(file: &Path, sample: &Sample) -> String {
    let what = match &sample.first_wrong {
        Some((line, reason)) => format!("line {line}: {reason}"),
        None if sample.format == Format::Csv && !sample.columns.is_empty() => {
            "it has a header and no row".to_owned()
        }
        None if sample.others > 0 => {
            "its lines hold none, or not under --root; deletes and tombstones are not looked at"
                .to_owned()
        }
        None => "it is empty".to_owned(),
    };
    format!("{} has no row to sample: {what}{}", file.display(), other_delimiter(sample))
}

fn summary(file: &Path, sample: &Sample) -> String {
    let columns = counted(sample.columns.len() as u64, "column");
    let rows = counted(sample.rows, "row");
    let mut text = format!("{}: {columns} by {rows} ({})", file.display(), sample.format.name());
    if sample.others > 0 {
        let others = counted(sample.others, "line");
        text.push_str(&format!("; {others} without a row or the row deleted"));
    }
    if let Some((line, reason)) = &sample.first_wrong {
        let wrong = counted(sample.wrong, "line");
        text.push_str(&format!("; {wrong} cannot be read, the first is line {line}: {reason}"));
    }
    text.push_str(&other_delimiter(sample));
    text
}

/// What to do about CSV that is not delimited by commas, as far as its header tells.
fn other_delimiter(sample: &Sample) -> String {
    let Some(delimiter) = sample.delimiter else { return String::new() };
    let delimiter = delimiter.escape_debug();
    format!(
        "; its header has `{delimiter}` and no comma: if that is the delimiter, these are not its \
         columns; sample a copy with commas, and say `delimiter = \"{delimiter}\"` in the source"
    )
}
