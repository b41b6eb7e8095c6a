//! `millrace inspect`: what a module says it is, and what it is made of.

use serde_json::{Value, json};

use super::exit::{CommandResult, Exit};
use super::module::{ModuleArguments, sandbox};
use super::output;
use super::text::{Paint, bytes, table};
use crate::record::{Field, Operation};
use crate::sandbox::{
    Artifact, Description, Extras, InputUse, Mode, ModuleKind, Order, Read, StateKind, WIT_VERSION,
};

/// Show what a module is: what it reads, adds and keeps, its imports and sizes
///
/// The module is loaded and asked, as `check` does, but without a pipeline: what is shown is what
/// it says for the given params. Which params there are it does not say; it refuses those that it
/// does not take.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    module: ModuleArguments,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  millrace inspect modules/wager_revenue.wasm
  millrace inspect modules/wager_revenue.wasm --params '{\"min_version\": 2}'
  millrace inspect modules/rtp_enrichment.wasm --json | jq .description.tables";

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    let artifact = arguments.module.load(&sandbox()?)?;
    let description = arguments.module.describe(&artifact)?.description;
    if arguments.json {
        output::print_json(&as_json(&artifact, &description))?;
    } else {
        output::print(&as_text(&artifact, &description, Paint::stdout()))?;
    }
    Ok(Exit::Done)
}

fn as_json(artifact: &Artifact, description: &Description) -> Value {
    json!({
        "module": artifact.path().display().to_string(),
        "hash": artifact.hash(),
        "kind": artifact.kind(),
        "sizes": artifact.sizes(),
        "imports": artifact.imports(),
        "contract": WIT_VERSION,
        "from_cache": artifact.from_cache(),
        "description": described(description),
    })
}

/// The description with the operations by their names, which it keeps as bits.
fn described(description: &Description) -> Value {
    let mut value = json!(description);
    for (index, input) in description.inputs.iter().enumerate() {
        value["inputs"][index]["takes"] = operations(input).collect();
    }
    value
}

fn as_text(artifact: &Artifact, description: &Description, paint: Paint) -> String {
    let title = format!("{} {}", description.name, description.version);
    let mut text = format!("{}\n", paint.bold(&title));
    if !description.about.is_empty() {
        text.push_str(&format!("{}\n", description.about));
    }
    text.push('\n');
    facts(&mut text, artifact, description);
    for (index, input) in description.inputs.iter().enumerate() {
        let which = if description.inputs.len() == 1 {
            "input".to_owned()
        } else {
            format!("input {index}")
        };
        text.push_str(&format!("\n{}: takes {}\n", paint.bold(&which), takes(input)));
        text.push_str(&reads(&input.columns));
    }
    for uses in &description.tables {
        text.push_str(&format!("\n{} (joined)\n", paint.bold(&format!("table {}", uses.table))));
        text.push_str(&reads(&uses.columns));
    }
    for port in &description.outputs {
        let what = match description.mode {
            Mode::Map => "columns added or replaced",
            Mode::Emit => "whole rows",
        };
        text.push_str(&format!("\n{}: {what}\n", paint.bold(&format!("port {}", port.name))));
        text.push_str(&fields(&port.fields));
        if !port.key.is_empty() {
            text.push_str(&format!("key: {}\n", port.key.join(", ")));
        }
    }
    text
}

fn facts(text: &mut String, artifact: &Artifact, description: &Description) {
    let kind = match artifact.kind() {
        ModuleKind::Component => "component",
        ModuleKind::Core => "core module with component type information",
    };
    let sizes = artifact.sizes();
    let cached = if artifact.from_cache() { ", taken from the cache" } else { "" };
    let compiled = format!("{}{cached}", bytes(sizes.code));
    let mut facts = vec![
        ("file", artifact.path().display().to_string()),
        ("kind", kind.to_owned()),
        ("size", bytes(sizes.module)),
        ("compiled", compiled),
        ("sha256", artifact.hash().to_owned()),
        ("contract", format!("millrace:transform {WIT_VERSION}")),
        ("imports", listed(artifact.imports().iter().map(String::as_str))),
        ("mode", behaviour(description)),
    ];
    if description.keyed {
        let key = if description.key.is_empty() {
            "set by the pipeline".to_owned()
        } else {
            description.key.join(", ")
        };
        facts.push(("key", key));
    }
    if !description.states.is_empty() {
        let states = description
            .states
            .iter()
            .map(|state| {
                format!("{} ({}, version {})", state.name, kind_of(state.kind), state.version)
            })
            .collect::<Vec<_>>();
        facts.push(("state", states.join(", ")));
    }
    for (name, fact) in facts {
        text.push_str(&format!("{name:<10}{fact}\n"));
    }
}

fn behaviour(description: &Description) -> String {
    let mut words = vec![match description.mode {
        Mode::Map => "one answer a row",
        Mode::Emit => "emits rows of its own",
    }];
    if description.order == Order::EventTime {
        words.push("in event-time order");
    }
    if description.watermarks {
        words.push("with event-time timers");
    }
    if description.ticks {
        words.push("with processing-time timers");
    }
    words.join(", ")
}

const fn kind_of(kind: StateKind) -> &'static str {
    match kind {
        StateKind::Value => "a value",
        StateKind::List => "a list",
        StateKind::Map => "a map",
        StateKind::Broadcast => "broadcast",
        StateKind::Timers => "timers",
    }
}

/// The names of the operations that an input takes.
fn operations(input: &InputUse) -> impl Iterator<Item = &'static str> {
    let takes = input.takes;
    (0..=4)
        .filter(move |code| takes & (1 << code) != 0)
        .filter_map(Operation::from_code)
        .map(Operation::name)
}

/// The operations that an input takes, and what it wants beside columns.
fn takes(input: &InputUse) -> String {
    let Extras { operations: codes, event_times, processing_times, before } = input.extras;
    let extras = [
        (codes, "the operation"),
        (event_times, "the event time"),
        (processing_times, "the processing time"),
        (before, "the before image"),
    ];
    let wanted: Vec<&str> = extras.iter().filter(|extra| extra.0).map(|extra| extra.1).collect();
    let mut text = listed(operations(input));
    if !wanted.is_empty() {
        text.push_str(&format!("; with {} of each row", wanted.join(", ")));
    }
    text
}

fn reads(columns: &[Read]) -> String {
    if columns.is_empty() {
        return "reads no column\n".to_owned();
    }
    let mut table = table(&["reads", "type", "null"], 3);
    for read in columns {
        table.add_row([read.column.clone(), read.data_type.to_string(), null(read.nullable)]);
    }
    format!("{}\n", table.trim_fmt())
}

fn fields(fields: &[Field]) -> String {
    if fields.is_empty() {
        return "no columns: it only filters\n".to_owned();
    }
    let mut table = table(&["gives", "type", "null"], 3);
    for field in fields {
        table.add_row([field.name.to_string(), field.data_type.to_string(), null(field.nullable)]);
    }
    format!("{}\n", table.trim_fmt())
}

fn null(nullable: bool) -> String {
    String::from(if nullable { "may be" } else { "never" })
}

fn listed<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<&str> = items.collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_input_takes_is_told_in_words() {
        let input = InputUse {
            columns: Vec::new(),
            takes: 0b1_0001,
            extras: Extras { processing_times: true, ..Extras::default() },
        };
        assert_eq!(takes(&input), "insert, read; with the processing time of each row");
        assert_eq!(
            takes(&InputUse { takes: 0, ..input }),
            "nothing; with the processing time of each row"
        );
    }
}
