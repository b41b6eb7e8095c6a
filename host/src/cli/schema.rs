//! `millrace schema`: what an editor needs to help with pipeline files.

use super::exit::{CommandResult, Exit};
use super::output;
use crate::config;

/// Print the JSON Schema of pipeline files, for editors
///
/// With it an editor completes keys, shows what they are for, and marks what cannot be. Editors
/// that use Taplo, such as VS Code with Even Better TOML, take it from a first line of the file.
/// `check` finds more: names, types and promises through the whole graph.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {}

const EXAMPLES: &str = "\
Examples:
  millrace schema > pipeline.schema.json
  then, as the first line of a pipeline file beside it:
  #:schema ./pipeline.schema.json";

/// Runs the command.
pub(super) fn run(_: &Arguments) -> CommandResult {
    output::print(&config::schema())?;
    Ok(Exit::Done)
}
