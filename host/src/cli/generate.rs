//! `millrace generate`: made-up wagers as JSON lines, the same for the same seed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::MultiProgress;

use super::exit::{CommandResult, Exit};
use super::output;
use super::progress;
use super::text::{bytes, counted};
use crate::source::{GeneratorConfig, WagerGenerator};

/// Lines that are made before they are written.
const LINES_A_WRITE: u64 = 512;

/// Make wagers to play with, as JSON lines
///
/// 200 games and 10,000 users of skewed popularity, bets around 8.00, 5 % of version 0, 20 %
/// without an end, 500 a second of event time, some out of order: what the `generator` source
/// brings, about 258 bytes a line. The same seed makes the same lines, and a smaller count their
/// beginning.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// How many wagers
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = number)]
    count: u64,
    /// The same seed makes the same wagers
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Write to this file, replacing it; its folder is made if missing [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Whether to show progress on stderr
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    progress: progress::Mode,
}

const EXAMPLES: &str = "\
Examples:
  millrace generate --count 1_000_000 --seed 1 --out out/wagers.jsonl
  millrace generate --count 3 | jq .payload";

/// A count, in which `_` may separate digits.
fn number(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.replace('_', "").parse()
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, bars: &MultiProgress) -> CommandResult {
    let Some(path) = &arguments.out else {
        // The lines themselves are the result; a bar would only get between them.
        write(arguments, &mut io::stdout().lock(), |_| {}).context("cannot write to stdout")?;
        return Ok(Exit::Done);
    };
    let mut file = create(path)?;
    let bar = progress::bar(arguments.progress, arguments.count, bars);
    bar.set_prefix("wagers");
    let written = write(arguments, &mut file, |lines| bar.inc(lines))
        .with_context(|| format!("cannot write to {}", path.display()))?;
    bar.finish_and_clear();
    let wagers = counted(arguments.count, "wager");
    output::print(&format!("{}: {wagers}, {}\n", path.display(), bytes(written)))?;
    Ok(Exit::Done)
}

fn create(path: &Path) -> anyhow::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    File::create(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Writes the lines; tells `done` how many more there are now, and answers the bytes.
fn write(arguments: &Arguments, out: &mut dyn Write, done: impl Fn(u64)) -> io::Result<u64> {
    let mut generator = WagerGenerator::new(arguments.seed, GeneratorConfig::DEFAULT_START);
    let mut lines = Vec::new();
    let mut left = arguments.count;
    let mut written = 0;
    while left > 0 {
        let now = left.min(LINES_A_WRITE);
        lines.clear();
        for _ in 0..now {
            generator.append_line(&mut lines);
        }
        out.write_all(&lines)?;
        written += lines.len() as u64;
        left -= now;
        done(now);
    }
    out.flush()?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: u64) -> Vec<u8> {
        let arguments = Arguments { count, seed: 7, out: None, progress: progress::Mode::Never };
        let mut lines = Vec::new();
        write(&arguments, &mut lines, |_| {}).expect("a vector takes everything");
        lines
    }

    #[test]
    fn a_smaller_count_is_the_beginning_of_a_larger_one() {
        let all = lines(2_000);
        assert!(all.starts_with(&lines(700)));
        assert_eq!(all.iter().filter(|byte| **byte == b'\n').count(), 2_000);
    }

    #[test]
    fn counts_may_have_separators() {
        assert_eq!(number("1_000_000"), Ok(1_000_000));
        assert!(number("1e6").is_err());
    }
}
