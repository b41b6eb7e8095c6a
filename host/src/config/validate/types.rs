//! Types through the graph: what the rows of every port look like, as the modules say.
//!
//! *Invariants*: a node is typed only if everything that it reads is; what is wrong with one node
//! is said once, at that node, and nothing is said about those behind it.
//! *Not here*: a module's own checks (`modules`), what a sink makes of its input (`sinks`).

use std::sync::Arc;

use super::modules::Modules;
use super::{joins, modules, names, reads, state};
use crate::config::nearest;
use crate::config::plan::{Edge, InputPlan, NodeId};
use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::{Raw, RawInput, RawName, RawTransform};
use crate::config::section::{At, Word};
use crate::record::{Field, Schema};
use crate::sandbox::{Description, InputSchema, Mode, TableSchema};
use crate::stage::JoinConfig;

/// Who made a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// It is declared in the file, where `required` may be added.
    Declared,
    /// A transform adds or replaces it.
    Transform(String),
}

/// Where a column comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub span: Span,
    pub maker: Maker,
}

/// What the rows of a port look like, and where each column comes from.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub schema: Arc<Schema>,
    /// One for each field.
    pub origins: Vec<Origin>,
    /// Whether rows may have an event time.
    pub event_time: bool,
}

/// A transform with everything resolved; edges count nodes as the file does.
#[derive(Clone, Debug)]
pub(super) struct TypedTransform {
    pub description: Description,
    pub inputs: Vec<InputPlan>,
    pub joins: Vec<JoinConfig>,
    pub table_schemas: Vec<TableSchema>,
    /// One for each port of the module, and then the late rows' where there are any.
    pub outputs: Vec<Typed>,
}

/// What is known so far.
pub(super) struct Types<'a> {
    pub raw: &'a Raw,
    pub sources: Vec<Option<Typed>>,
    pub transforms: Vec<Option<TypedTransform>>,
}

impl<'a> Types<'a> {
    /// Types the transforms in `order`, each behind those that it reads.
    pub(super) fn of(
        raw: &'a Raw,
        sources: Vec<Option<Typed>>,
        order: &[usize],
        modules: &Modules,
        report: &Report,
    ) -> Self {
        let mut types = Self { raw, sources, transforms: vec![None; raw.transforms.len()] };
        for at in order {
            types.transforms[*at] = types.transform(*at, modules, report);
        }
        types
    }

    /// The port that a name means and its rows; `None` if it means none, which is reported unless
    /// the node has problems of its own.
    pub(super) fn resolve(&self, name: &RawName, report: &Report) -> Option<(Edge, Typed)> {
        let node = names::node(self.raw, &name.node.value)?;
        match node {
            NodeId::Source(at) => {
                let typed = self.sources[at].clone()?;
                if let Some(port) = &name.port {
                    let message = format!("the source `{}` has no port `{port}`", name.node);
                    let hint = format!("a source has one output: `{}`", name.node);
                    report.push(Problem::error(&name.span, message).hint(hint));
                    return None;
                }
                Some((Edge { node, port: 0 }, typed))
            }
            NodeId::Transform(at) => {
                let transform = self.transforms[at].as_ref()?;
                let ports: Vec<&str> =
                    transform.description.outputs.iter().map(|port| port.name.as_str()).collect();
                let late = transform.outputs.len() > ports.len();
                let port = port(name, &ports, late, report)?;
                Some((Edge { node, port }, transform.outputs[port].clone()))
            }
        }
    }

    fn transform(&self, at: usize, modules: &Modules, report: &Report) -> Option<TypedTransform> {
        let node = &self.raw.transforms[at];
        let raw = node.body.as_ref()?;
        let module = modules.get(at);
        let inputs = self.inputs(raw, report)?;
        let input = inputs.first()?;
        let joined = joins::resolve(self.raw, raw, &input.typed, report)?;
        let module = module?;
        let schemas = input_schemas(&inputs);
        let tables = joined.schemas();
        let description =
            modules::describe(module, self.raw, raw, &schemas, &tables, &input.typed, report)?;
        same_columns(raw, &description, &inputs, report)?;
        let before = report.errors();
        let reads: Vec<Vec<usize>> = inputs
            .iter()
            .zip(&description.inputs)
            .map(|(input, used)| reads::check(raw, &description.name, &input.typed, used, report))
            .collect();
        let joins = joined.configs(raw, &description, report);
        let named: Vec<(&str, &Typed)> =
            inputs.iter().map(|input| (input.name.as_str(), &input.typed)).collect();
        let keys = state::keys(raw, &description, &named, report);
        let name = &node.name.value;
        let mut outputs = outputs(raw, name, &description, &input.typed, report);
        outputs.extend(state::late(raw, name, &description, &named));
        if report.errors() > before {
            return None;
        }
        let inputs = inputs
            .into_iter()
            .zip(reads.into_iter().zip(keys))
            .map(|(input, (reads, key))| InputPlan {
                name: input.name,
                edges: input.edges,
                schema: input.typed.schema,
                reads,
                key,
            })
            .collect();
        Some(TypedTransform { description, inputs, joins, table_schemas: tables, outputs })
    }

    fn inputs(&self, raw: &RawTransform, report: &Report) -> Option<Vec<ResolvedInput>> {
        let inputs: Vec<Option<ResolvedInput>> =
            raw.inputs.iter().map(|input| self.input(input, report)).collect();
        inputs.into_iter().collect()
    }

    fn input(&self, input: &RawInput, report: &Report) -> Option<ResolvedInput> {
        let resolved: Vec<Option<(Edge, Typed)>> =
            input.from.iter().map(|name| self.resolve(name, report)).collect();
        let resolved: Vec<(Edge, Typed)> = resolved.into_iter().collect::<Option<_>>()?;
        report_twice(input, &resolved, report)?;
        let (_, typed) = resolved.first()?;
        let first = input.from.first()?;
        for (name, (_, other)) in input.from.iter().zip(&resolved).skip(1) {
            if let Some(difference) = difference(&typed.schema, &other.schema) {
                let message = format!(
                    "`{}` and `{}` have different rows: {difference}",
                    first.node, name.node
                );
                report.push(
                    Problem::error(&name.span, message)
                        .hint("a list takes the rows of all as one: give them the same columns in the same order"),
                );
                return None;
            }
        }
        let name =
            input.name.as_ref().map_or_else(|| first.node.value.clone(), |name| name.value.clone());
        let event_time = resolved.iter().all(|(_, typed)| typed.event_time);
        let typed = Typed { event_time, ..typed.clone() };
        Some(ResolvedInput {
            name,
            typed,
            edges: resolved.into_iter().map(|(edge, _)| edge).collect(),
        })
    }
}

/// Reports a port that a list names twice; `None` then.
fn report_twice(input: &RawInput, resolved: &[(Edge, Typed)], report: &Report) -> Option<()> {
    for (at, (edge, _)) in resolved.iter().enumerate() {
        let Some(first) = resolved[..at].iter().position(|(other, _)| other == edge) else {
            continue;
        };
        let (first, again) = (&input.from[first], &input.from[at]);
        report.push(
            Problem::error(&again.span, format!("`{}` is in this list twice", again.node))
                .note(&first.span, "it is here already")
                .hint("a list takes the rows of all, so each of its rows would come twice: name it once"),
        );
        return None;
    }
    Some(())
}

/// Reports named inputs with different columns where one answer is for all of them: `None` then.
fn same_columns(
    raw: &RawTransform,
    description: &Description,
    inputs: &[ResolvedInput],
    report: &Report,
) -> Option<()> {
    let (first, others) = inputs.split_first()?;
    if description.mode == Mode::Emit && raw.joins.is_empty() {
        return Some(());
    }
    for (input, named) in others.iter().zip(raw.inputs.iter().skip(1)) {
        if let Some(difference) = difference(&first.typed.schema, &input.typed.schema) {
            let span = named.name.as_ref().map_or(&raw.input_span, |name| &name.span);
            let message = format!(
                "the inputs `{}` and `{}` have different columns: {difference}",
                first.name, input.name
            );
            report.push(Problem::error(span, message).hint(
                "a module that answers row by row, or whose rows are joined, needs the same columns in each of its inputs",
            ));
            return None;
        }
    }
    Some(())
}

struct ResolvedInput {
    name: String,
    edges: Vec<Edge>,
    typed: Typed,
}

fn input_schemas(inputs: &[ResolvedInput]) -> Vec<InputSchema> {
    inputs
        .iter()
        .enumerate()
        .map(|(index, input)| InputSchema {
            input: index,
            name: input.name.clone(),
            schema: 0,
            fields: input.typed.schema.fields.clone(),
        })
        .collect()
}

/// The first difference between two schemas, in words.
fn difference(one: &Schema, other: &Schema) -> Option<String> {
    for (index, field) in one.fields.iter().enumerate() {
        match other.fields.get(index) {
            None => return Some(format!("only the first has `{}`", field.name)),
            Some(against) if against.name != field.name => {
                return Some(format!(
                    "column {} is `{}` and `{}`",
                    index + 1,
                    field.name,
                    against.name
                ));
            }
            Some(against) if against.data_type != field.data_type => {
                let (one, other) = (field.data_type, against.data_type);
                return Some(format!("`{}` is {one} and {other}", field.name));
            }
            Some(against) if against.nullable != field.nullable => {
                return Some(format!("`{}` may be null in only one of them", field.name));
            }
            Some(_) => {}
        }
    }
    match other.fields.get(one.fields.len()) {
        Some(field) => Some(format!("only the second has `{}`", field.name)),
        None if one.key != other.key => Some("their keys differ".to_owned()),
        None if one.append_only != other.append_only => {
            Some("only one of them is append-only".to_owned())
        }
        None => None,
    }
}

/// The place of the port that a name means; the late rows' is behind those of the module.
fn port(name: &RawName, ports: &[&str], late: bool, report: &Report) -> Option<usize> {
    let mut all = ports.to_vec();
    all.extend(late.then_some(state::LATE));
    let Some(wanted) = &name.port else {
        if ports.len() == 1 {
            return Some(0);
        }
        let all: Vec<String> = all.iter().map(|port| format!("{}.{port}", name.node)).collect();
        let message = format!("`{}` has several ports, and this names none", name.node);
        let hint = format!("one of {}", nearest::listed(all.iter().map(String::as_str)));
        report.push(Problem::error(&name.span, message).hint(hint));
        return None;
    };
    let found = all.iter().position(|port| *port == wanted.value);
    if found.is_none() {
        let message = format!("`{}` has no port `{wanted}`", name.node);
        report.push(Problem::error(&name.span, message).hint(nearest::hint(
            &wanted.value,
            "ports",
            &all,
        )));
    }
    found
}

/// The indices of named columns; a name that is none is reported and left out.
pub(super) fn columns(names: &[At<Word>], schema: &Schema, report: &Report) -> Vec<usize> {
    names
        .iter()
        .filter_map(|name| {
            let index = schema.index_of(&name.value.value);
            if index.is_none() {
                let known: Vec<&str> = schema.fields.iter().map(|field| &*field.name).collect();
                let message = format!("the input has no column `{}`", name.value);
                let hint = nearest::hint(&name.value.value, "columns", &known);
                report.push(Problem::error(&name.span, message).hint(hint));
            }
            index
        })
        .collect()
}

fn outputs(
    raw: &RawTransform,
    name: &str,
    description: &Description,
    input: &Typed,
    report: &Report,
) -> Vec<Typed> {
    let made =
        || Origin { span: raw.module.span.clone(), maker: Maker::Transform(name.to_owned()) };
    description
        .outputs
        .iter()
        .map(|port| match description.mode {
            Mode::Map => {
                check_key_stays(raw, &port.fields, input, report);
                let schema = input.schema.with(&port.fields);
                let mut origins = input.origins.clone();
                for field in &port.fields {
                    if let Some(index) = input.schema.index_of(&field.name) {
                        origins[index] = made();
                    }
                }
                origins.resize_with(schema.fields.len(), made);
                Typed { schema: Arc::new(schema), origins, event_time: input.event_time }
            }
            Mode::Emit => {
                let schema = Schema::new(port.fields.clone());
                let key = port.key.iter().filter_map(|name| schema.index_of(name)).collect();
                let origins = port.fields.iter().map(|_| made()).collect();
                let schema = Arc::new(Schema { key, append_only: false, ..schema });
                Typed { schema, origins, event_time: true }
            }
        })
        .collect()
}

/// A key column may get new values, but every row must still have one: no null, and no deletes, whose
/// replaced columns are null (they pass the module by), or unspecified (a filtered update).
fn check_key_stays(raw: &RawTransform, fields: &[Field], input: &Typed, report: &Report) {
    for field in fields {
        let Some(index) = input.schema.index_of(&field.name) else { continue };
        if !input.schema.key.contains(&index) {
            continue;
        }
        let name = &field.name;
        let (message, hint) = if !input.schema.append_only {
            let message = format!(
                "the module replaces the key column `{name}` of rows that may be updated and deleted"
            );
            let hint = "a delete would lose its key: let the module leave the column as it is, and add one \
                        of another name";
            (message, hint)
        } else if field.nullable {
            let message =
                format!("the module gives the key column `{name}` values that may be null");
            (message, "let it give a value in every row, or add a column of another name")
        } else {
            continue;
        };
        let problem = Problem::error(&raw.module.span, message);
        report.push(reads::noted(problem, name, &input.origins[index]).hint(hint));
    }
}
