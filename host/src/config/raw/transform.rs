//! `[transforms.NAME]`.

use std::path::PathBuf;

use super::on_error;
use crate::config::keys::{JOIN, LIMITS, TRANSFORM};
use crate::config::plan::OnError;
use crate::config::problem::{Problem, Span};
use crate::config::section::{At, Scope, Section, Word};
use crate::config::tree::{Node, Value};
use crate::sandbox::Limits;
use crate::stage::Missing;

/// Bytes of rows that may wait for their event time, unless the file says otherwise.
const MAX_WAITING: u64 = 256 << 20;

/// A reference to a node, or to one port of it.
#[derive(Clone, Debug)]
pub(in crate::config) struct RawName {
    pub node: Word,
    pub port: Option<Word>,
    pub span: Span,
}

/// One input of a transform.
#[derive(Debug)]
pub(in crate::config) struct RawInput {
    /// The key of named inputs; `None`: there is one input, and it goes by its node's name.
    pub name: Option<At<String>>,
    /// Several are a union.
    pub from: Vec<RawName>,
}

/// One join.
#[derive(Debug)]
pub(in crate::config) struct RawJoin {
    pub table: At<String>,
    pub on: Vec<At<Word>>,
    pub on_span: Span,
    pub missing: Missing,
}

/// One transform.
#[derive(Debug)]
pub(in crate::config) struct RawTransform {
    pub inputs: Vec<RawInput>,
    pub input_span: Span,
    pub module: At<PathBuf>,
    /// As a tree, so that the module's complaints find their place.
    pub params: Option<Node>,
    pub params_json: serde_json::Value,
    pub joins: Vec<RawJoin>,
    pub key: Option<Vec<At<Word>>>,
    pub parallelism: At<usize>,
    pub limits: Limits,
    /// Bytes of rows that may wait for their event time.
    pub max_waiting: u64,
    /// As a tree, so that a limit that is too low finds its place.
    pub limits_node: Option<Node>,
    pub on_error: Option<At<OnError>>,
}

pub(super) fn read(name: &str, node: &Node, scope: Scope<'_>) -> Option<RawTransform> {
    let section = Section::of(node, format!("[transforms.{name}]"), TRANSFORM, scope)?;
    section.finish();
    let inputs = inputs(&section);
    let module = section.path("module").map(|module| module.map(|path| path.path));
    let params = params(&section);
    let joins = joins(&section);
    let key = section.texts("key");
    let parallelism = section.integer("parallelism", 1..=1024);
    let limits = limits(&section);
    let on_error = on_error(&section);
    let (params, params_json) = params?;
    let (limits, max_waiting) = limits?;
    Some(RawTransform {
        inputs: inputs?,
        input_span: section.entry("input")?.node.span.clone(),
        module: module?,
        params,
        params_json,
        joins: joins?,
        key,
        parallelism: parallelism?.map(|count| usize::try_from(count).unwrap_or(1)),
        limits,
        max_waiting,
        limits_node: section.entry("limits").map(|entry| entry.node.clone()),
        on_error,
    })
}

fn inputs(section: &Section<'_>) -> Option<Vec<RawInput>> {
    let entry = section.entry("input")?;
    let Value::Table(named) = &entry.node.value else {
        let from = section.texts("input")?.into_iter().map(reference).collect();
        return Some(vec![RawInput { name: None, from }]);
    };
    if named.is_empty() {
        let problem = Problem::error(&entry.node.span, "`input` names no input");
        section.scope.report.push(problem.hint("such as `{ left = \"a\", right = \"b\" }`"));
        return None;
    }
    named
        .iter()
        .map(|input| {
            let nodes = match &input.node.value {
                Value::List(nodes) => nodes.as_slice(),
                _ => std::slice::from_ref(&input.node),
            };
            let from: Vec<RawName> =
                nodes.iter().filter_map(|node| named_input(&input.key, node, section)).collect();
            let name = At { value: input.key.clone(), span: input.key_span.clone() };
            (from.len() == nodes.len() && !from.is_empty())
                .then_some(RawInput { name: Some(name), from })
        })
        .collect()
}

fn named_input(key: &str, node: &Node, section: &Section<'_>) -> Option<RawName> {
    match &node.value {
        Value::Text(text) => Some(reference(At { value: Word::of(text), span: node.span.clone() })),
        Value::Invalid => None,
        _ => {
            let message =
                format!("the input `{key}` takes text or a list of texts, not {}", node.kind());
            section.scope.report.push(Problem::error(&node.span, message));
            None
        }
    }
}

/// `node` or `node.port`.
pub(super) fn reference(text: At<Word>) -> RawName {
    let At { value: word, span } = text;
    match word.value.split_once('.') {
        Some((node, port)) => RawName { node: word.part(node), port: Some(word.part(port)), span },
        None => RawName { node: word, port: None, span },
    }
}

/// The params as a tree and as JSON; an empty object where there are none.
fn params(section: &Section<'_>) -> Option<(Option<Node>, serde_json::Value)> {
    let Some(entry) = section.entry("params") else {
        return Some((None, serde_json::Value::Object(serde_json::Map::new())));
    };
    if !matches!(entry.node.value, Value::Table(_)) {
        let message = format!("`params` takes a table, not {}", entry.node.kind());
        section.scope.report.push(Problem::error(&entry.node.span, message));
        return None;
    }
    let json = entry.node.json(section.scope.report);
    Some((Some(entry.node.clone()), json))
}

fn joins(section: &Section<'_>) -> Option<Vec<RawJoin>> {
    if section.entry("join").is_none() {
        return Some(Vec::new());
    }
    let joins = section.section("join", format!("`join` of {}", section.title), &[])?;
    joins
        .entries()
        .iter()
        .map(|entry| {
            let title = format!("`join.{}` of {}", entry.key, section.title);
            let join = Section::of(&entry.node, title, JOIN, section.scope)?;
            join.finish();
            let on = join.texts("on");
            let missing = join.choice("missing", &Missing::NAMES);
            Some(RawJoin {
                table: At { value: entry.key.clone(), span: entry.key_span.clone() },
                on: on?,
                on_span: join.entry("on")?.node.span.clone(),
                missing: missing?.value,
            })
        })
        // Every join is read, so that all problems are found, before one that is wrong counts.
        .collect::<Vec<_>>()
        .into_iter()
        .collect()
}

/// The bounds of an instance, and of the rows that wait in front of it.
fn limits(section: &Section<'_>) -> Option<(Limits, u64)> {
    let Some(_) = section.entry("limits") else {
        return Some((Limits::default(), MAX_WAITING));
    };
    let title = format!("`limits` of {}", section.title);
    let section = section.section("limits", title, LIMITS)?;
    section.finish();
    let max_memory = section.size("max_memory");
    let deadline = section.interval("deadline");
    let max_output = section.size("max_output");
    let max_table_elements = section.integer("max_table_elements", 1..=i64::MAX);
    let max_waiting = section.size("max_waiting");
    let limits = Limits {
        max_memory: max_memory?.value,
        deadline: deadline?.value,
        max_output: max_output?.value,
        max_table_elements: max_table_elements?.value.unsigned_abs(),
    };
    Some((limits, max_waiting?.value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::problem::Report;

    #[test]
    fn the_limits_of_the_reference_are_those_of_the_sandbox() {
        let empty = Node { value: Value::Table(Vec::new()), span: 0..0 };
        let report = Report::default();
        let scope = Scope { report: &report, folder: Path::new("") };
        let section = Section::of(&empty, "limits", LIMITS, scope).expect("it is a table");
        let defaults = Limits::default();
        assert_eq!(section.size("max_memory").map(|at| at.value), Some(defaults.max_memory));
        assert_eq!(section.interval("deadline").map(|at| at.value), Some(defaults.deadline));
        assert_eq!(section.size("max_output").map(|at| at.value), Some(defaults.max_output));
        assert_eq!(section.size("max_waiting").map(|at| at.value), Some(MAX_WAITING));
        let elements = section.integer("max_table_elements", 1..=i64::MAX);
        assert_eq!(elements.map(|at| at.value.unsigned_abs()), Some(defaults.max_table_elements));
    }
}
