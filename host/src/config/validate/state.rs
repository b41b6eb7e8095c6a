//! Stages that keep something between batches: their key, the event time that they need, and what
//! a stage without state cannot have.

use std::sync::Arc;

use super::types::{Maker, Origin, Typed, columns};
use crate::config::problem::{Problem, Report};
use crate::config::raw::RawTransform;
use crate::record::Schema;
use crate::sandbox::{Description, Order, State, StateKind};

/// The port of late rows, which the host adds to a transform that takes its rows in the order of
/// event time.
pub(super) const LATE: &str = "late";

/// Checks what a module needs of time and keys against what the file gives. Answers, for each input,
/// the columns of the key; empty where there is none.
pub(super) fn keys(
    raw: &RawTransform,
    description: &Description,
    inputs: &[(&str, &Typed)],
    report: &Report,
) -> Vec<Vec<usize>> {
    check_event_time(raw, description, inputs, report);
    let name = &description.name;
    if raw.parallelism.value > 1 && !description.keyed {
        let message = format!("`{name}` keeps no state by key, so its rows cannot be shared out");
        report.push(Problem::error(&raw.parallelism.span, message).hint("leave `parallelism` out"));
    }
    let shared =
        |state: &&State| state.kind == StateKind::Broadcast && !state.name.starts_with("millrace.");
    if let (true, Some(state)) = (raw.parallelism.value > 1, description.states.iter().find(shared))
    {
        let message = format!(
            "`{name}` keeps `{}` for all keys together, and a row comes to one instance only",
            state.name
        );
        report.push(
            Problem::error(&raw.parallelism.span, message)
                .hint("the others would not know of it: leave `parallelism` out"),
        );
    }
    let own: Vec<&str> = description.key.iter().map(String::as_str).collect();
    if let Some(first) = raw.key.iter().flatten().next() {
        let given: Vec<&str> = raw.key.iter().flatten().map(|at| &*at.value.value).collect();
        if !description.keyed {
            let message = format!("`{name}` keeps no state by key: `key` has no effect");
            report.push(Problem::warning(&first.span, message).hint("leave `key` out"));
            return vec![Vec::new(); inputs.len()];
        }
        if !own.is_empty() && own != given {
            let message = format!("`{name}` keeps its state by {} itself", listed(&own));
            report.push(Problem::error(&first.span, message).hint("leave `key` out"));
        }
    } else if description.keyed && own.is_empty() {
        let message = format!("`{name}` keeps state by a key, and nothing says which");
        report.push(
            Problem::error(&raw.module.span, message)
                .hint("add the columns of the key to this transform, such as `key = \"user_id\"`"),
        );
    }
    if !description.keyed {
        return vec![Vec::new(); inputs.len()];
    }
    let keys: Vec<Vec<usize>> =
        inputs.iter().map(|(_, typed)| key(raw, description, typed, report)).collect();
    check_same_types(raw, inputs, &keys, report);
    keys
}

fn key(
    raw: &RawTransform,
    description: &Description,
    input: &Typed,
    report: &Report,
) -> Vec<usize> {
    if let Some(names) = &raw.key {
        return columns(names, &input.schema, report);
    }
    let mut key = Vec::new();
    for name in &description.key {
        // That a column which is read is not there is said where it is read.
        let mut reads = description.inputs.iter().flat_map(|used| &used.columns);
        match input.schema.index_of(name) {
            Some(index) => key.push(index),
            None if reads.any(|read| read.column == *name) => {}
            None => {
                let message = format!(
                    "`{}` keeps its state by `{name}`, and the input has no such column",
                    description.name
                );
                report.push(
                    Problem::error(&raw.module.span, message)
                        .hint(super::reads::columns_hint(name, &input.schema)),
                );
            }
        }
    }
    key
}

/// The same key must encode alike whichever input it comes by.
fn check_same_types(
    raw: &RawTransform,
    inputs: &[(&str, &Typed)],
    keys: &[Vec<usize>],
    report: &Report,
) {
    let (Some((first, others)), Some((key, keys))) = (inputs.split_first(), keys.split_first())
    else {
        return;
    };
    for (other, other_key) in others.iter().zip(keys) {
        for (one, two) in key.iter().zip(other_key) {
            let (one, two) = (&first.1.schema.fields[*one], &other.1.schema.fields[*two]);
            if one.data_type != two.data_type {
                let message = format!(
                    "the key column `{}` is {} in the input `{}` and {} in `{}`",
                    one.name, one.data_type, first.0, two.data_type, other.0
                );
                report.push(
                    Problem::error(&raw.input_span, message)
                        .hint("state is found by the key: give it one type in all inputs"),
                );
            }
        }
    }
}

fn check_event_time(
    raw: &RawTransform,
    description: &Description,
    inputs: &[(&str, &Typed)],
    report: &Report,
) {
    let name = &description.name;
    let what = match (description.order, description.watermarks) {
        (Order::EventTime, _) => Some("takes its rows in the order of event time"),
        (_, true) => Some("acts on event time"),
        _ => None,
    };
    for (at, (input, _)) in inputs.iter().enumerate().filter(|(_, input)| !input.1.event_time) {
        let Some(what) = what else {
            if description.inputs.get(at).is_some_and(|used| used.extras.event_times) {
                let message = format!("`{name}` asks for event times, and its input has none");
                report.push(
                    Problem::warning(&raw.input_span, message)
                        .hint("give the source an `event_time`; until then every one is null"),
                );
            }
            continue;
        };
        let message = format!("`{name}` {what}, and the rows of `{input}` have none");
        report.push(Problem::error(&raw.module.span, message).hint(
            "say which column of the source is the event time: `event_time = { column = \"…\", disorder = \
             \"5s\" }` in its `[sources.NAME]`",
        ));
    }
}

/// The rows of the port of late rows: as they came in. `None` where there is no such port: the
/// module has one of that name itself, or its inputs differ.
pub(super) fn late(
    raw: &RawTransform,
    name: &str,
    description: &Description,
    inputs: &[(&str, &Typed)],
) -> Option<Typed> {
    let ordered = description.order == Order::EventTime;
    let taken = description.outputs.iter().any(|port| port.name == LATE);
    let [(_, input)] = inputs else { return None };
    if !ordered || taken {
        return None;
    }
    let made =
        || Origin { span: raw.module.span.clone(), maker: Maker::Transform(name.to_owned()) };
    let schema: Schema = (*input.schema).clone();
    let origins = schema.fields.iter().map(|_| made()).collect();
    Some(Typed { schema: Arc::new(schema), origins, event_time: true })
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
