//! The modules: loaded once each, and asked what they are.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use super::reads;
use super::types::Typed;
use crate::config::nearest;
use crate::config::problem::{Problem, Report};
use crate::config::raw::{Raw, RawTransform};
use crate::config::section::At;
use crate::sandbox::{
    Artifact, DescribeError, Description, InputSchema, Limits, LoadError, Sandbox, SandboxError,
    Subject, TableSchema,
};

/// The module of each transform; a module that several transforms name is loaded once.
pub(super) struct Modules {
    artifacts: Vec<Option<Artifact>>,
}

impl Modules {
    /// Loads every module, and reports those that cannot be.
    pub(super) fn load(raw: &Raw, sandbox: &Sandbox, report: &Report) -> Self {
        let mut loaded: BTreeMap<&Path, Option<Artifact>> = BTreeMap::new();
        let artifacts = raw
            .transforms
            .iter()
            .map(|node| {
                let module = &node.body.as_ref()?.module;
                let artifact = loaded.entry(module.value.as_path()).or_insert_with(|| {
                    sandbox
                        .load(&module.value)
                        .map_err(|error| report.push(unloadable(module, &error)))
                        .ok()
                });
                artifact.clone()
            })
            .collect();
        Self { artifacts }
    }

    pub(super) fn get(&self, transform: usize) -> Option<&Artifact> {
        self.artifacts[transform].as_ref()
    }
}

fn unloadable(module: &At<PathBuf>, error: &SandboxError) -> Problem {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    let hint = match error {
        SandboxError::Load(error) => what_to_do(error),
        _ => None,
    };
    Problem::error(&module.span, message).maybe_hint(hint.map(str::to_owned))
}

fn what_to_do(error: &LoadError) -> Option<&'static str> {
    Some(match error {
        LoadError::Read { .. } => {
            "a path is relative to this file, unless it begins with a variable; `millrace build` makes \
             the modules of transforms"
        }
        LoadError::NotWasm { .. } => {
            "a module is what `millrace build` makes of a transform: a .wasm file"
        }
        LoadError::NoComponentType { .. } | LoadError::MissingExport { .. } => {
            "a transform has one function with `#[transform]` of millrace-sdk"
        }
        LoadError::WrongVersion { .. } => {
            "build it again, with the millrace-sdk of this version of millrace"
        }
        LoadError::ForbiddenImport { .. } => {
            "a transform computes from its rows alone: bring in what it needs as a column, a joined table \
             or a param"
        }
        _ => return None,
    })
}

/// Asks a module what it is for its params and these rows; its complaints become problems, each
/// where it belongs.
pub(super) fn describe(
    artifact: &Artifact,
    file: &Raw,
    raw: &RawTransform,
    inputs: &[InputSchema],
    tables: &[TableSchema],
    input: &Typed,
    report: &Report,
) -> Option<Description> {
    // A machine under load must not fail a check: the deadline is for rows.
    let deadline = raw.limits.deadline.max(Limits::default().deadline);
    let limits = Limits { deadline, ..raw.limits };
    match artifact.describe_within(limits, &raw.params_json, inputs, tables) {
        Ok(description) => Some(description),
        Err(DescribeError::Problems(problems)) => {
            for problem in problems {
                report.push(placed(file, raw, &problem, input));
            }
            None
        }
        Err(DescribeError::Sandbox(error)) => {
            report.push(breakdown(raw, &error));
            None
        }
    }
}

/// Why a module cannot even be asked: a limit that is too low for its start, or its own fault.
fn breakdown(raw: &RawTransform, error: &SandboxError) -> Problem {
    let place = |key: &str| {
        let limits = raw.limits_node.as_ref();
        limits.map_or_else(|| raw.module.span.clone(), |limits| limits.span_at(key))
    };
    match error {
        SandboxError::OutOfMemory { wanted, .. } => {
            let least = wanted.div_ceil(MIB);
            let message = format!(
                "the module needs at least {least} MiB of memory to start, and may not have it"
            );
            Problem::error(&place("max_memory"), message).hint(format!(
                "rows need memory too: take more than `max_memory = \"{least}MiB\"`, or leave the key out \
                 for the default of {} MiB",
                Limits::default().max_memory / MIB
            ))
        }
        SandboxError::TableTooLarge { wanted, .. } => {
            let message =
                format!("the module has a table of {wanted} elements, and may not have it");
            Problem::error(&place("max_table_elements"), message)
                .hint(format!("`max_table_elements = {wanted}` is the least that it starts with"))
        }
        SandboxError::OutputTooLarge { .. } => Problem::error(
            &place("max_output"),
            "what the module says of itself is larger than this",
        )
        .hint("batches are larger still: leave the key out, or take `\"1MiB\"` at least"),
        _ => Problem::error(&raw.module.span, error.to_string()),
    }
}

const MIB: u64 = 1 << 20;

fn placed(
    file: &Raw,
    raw: &RawTransform,
    problem: &crate::sandbox::Problem,
    input: &Typed,
) -> Problem {
    // A module may quote a param, and a param may hold a secret.
    let redacted = |text: &str| match &raw.params {
        Some(params) => params.redacted(text.to_owned()),
        None => text.to_owned(),
    };
    let message = redacted(&problem.message);
    let placed = match &problem.subject {
        Subject::Params(path) => {
            let span = raw
                .params
                .as_ref()
                .map_or_else(|| raw.module.span.clone(), |node| node.span_at(path));
            let label =
                if path.is_empty() { "params".to_owned() } else { format!("params.{path}") };
            Problem::error(&span, message).label(label)
        }
        Subject::Column(column) => {
            let declared = input.schema.index_of(column).map(|index| &input.origins[index]);
            let problem = Problem::error(&raw.module.span, message);
            match declared {
                Some(origin) => reads::noted(problem, column, origin),
                None => problem.hint(reads::columns_hint(column, &input.schema)),
            }
        }
        Subject::Table(table) => {
            match raw.joins.iter().find(|join| join.table.value == *table) {
                Some(join) => Problem::error(&join.table.span, message),
                // What to write is known better here than in the module.
                None => {
                    let problem = Problem::error(&raw.module.span, message);
                    return problem.hint(join_hint(table, file, raw));
                }
            }
        }
        Subject::Whole => Problem::error(&raw.module.span, message),
    };
    placed.maybe_hint(problem.hint.as_deref().map(redacted))
}

/// How a table gets to a module that reads it.
fn join_hint(table: &str, file: &Raw, raw: &RawTransform) -> String {
    let joined: Vec<&str> = raw.joins.iter().map(|join| join.table.value.as_str()).collect();
    let meant = nearest::nearest(table, joined.iter().copied());
    let instead = meant.map_or(String::new(), |meant| format!(", in place of `join.{meant}`"));
    let declared = file.tables.iter().any(|declared| declared.name.value == table);
    let declare =
        if declared { String::new() } else { format!(", and declare it as `[tables.{table}]`") };
    format!("add `join.{table} = {{ on = \"…\" }}` to this transform{instead}{declare}")
}
