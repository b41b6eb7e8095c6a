//! What the commands that look at one module share: loading it, and asking it what it is without a
//! pipeline around it.

use std::path::PathBuf;

use anyhow::anyhow;
use serde_json::Value;

use super::exit::Failure;
use crate::record::Field;
use crate::sandbox::{
    Artifact, DescribeError, Description, InputSchema, InputUse, Problem, Sandbox, SandboxConfig,
    Subject, TableSchema, TableUse,
};

/// How often a module may ask for more tables.
const ROUNDS: usize = 16;

/// A module, and what it is told.
#[derive(Debug, clap::Args)]
pub(super) struct ModuleArguments {
    /// A .wasm file: a component, or what `millrace build` makes
    #[arg(value_name = "MODULE")]
    pub module: PathBuf,
    /// Its params, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = params)]
    pub params: Value,
    /// How many inputs it has
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub inputs: usize,
    /// A table that it joins, if it does not name it by itself; may be given several times
    #[arg(long = "table", value_name = "NAME")]
    pub tables: Vec<String>,
}

fn params(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(Value::Object(members)),
        Ok(_) => Err("params are an object, such as {\"min_version\": 1}".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The sandbox as everybody gets it.
pub(super) fn sandbox() -> Result<Sandbox, Failure> {
    Sandbox::new(&SandboxConfig::default()).map_err(Failure::usage)
}

/// A module that was asked what it is, and the schemas that it was told last: exactly the columns
/// that it reads.
pub(super) struct Described {
    /// What it says.
    pub description: Description,
    /// One schema for each input.
    pub inputs: Vec<InputSchema>,
    /// The joined tables.
    pub tables: Vec<TableSchema>,
}

impl ModuleArguments {
    /// Loads the module.
    ///
    /// # Errors
    /// A usage failure: the file is not there, or not a module.
    pub(super) fn load(&self, sandbox: &Sandbox) -> Result<Artifact, Failure> {
        sandbox.load(&self.module).map_err(Failure::usage)
    }

    /// Asks the module what it is. Without a pipeline there are no schemas to show it: it is asked
    /// once with empty ones, and again with those that hold just what it said it reads.
    ///
    /// # Errors
    /// A usage failure with its problems if it cannot run with these params.
    pub(super) fn describe(&self, artifact: &Artifact) -> Result<Described, Failure> {
        let inputs: Vec<InputSchema> = (0..self.inputs).map(|input| schema(input, None)).collect();
        let first = self.first_answer(artifact, &inputs)?;
        let inputs: Vec<InputSchema> = first
            .inputs
            .iter()
            .enumerate()
            .map(|(input, uses)| schema(input, Some(uses)))
            .collect();
        let tables: Vec<TableSchema> = first.tables.iter().map(table).collect();
        let description = artifact
            .describe(&self.params, &inputs, &tables)
            .map_err(|error| self.refused(error))?;
        Ok(Described { description, inputs, tables })
    }

    /// Asks with the tables that the caller names, and with those that the module then misses.
    fn first_answer(
        &self,
        artifact: &Artifact,
        inputs: &[InputSchema],
    ) -> Result<Description, Failure> {
        let mut tables: Vec<TableSchema> =
            self.tables.iter().map(|name| empty_table(name)).collect();
        let mut rounds = 0;
        loop {
            match artifact.describe(&self.params, inputs, &tables) {
                Ok(description) => return Ok(description),
                Err(DescribeError::Problems(problems)) if rounds < ROUNDS => {
                    let missing = missing_tables(&problems, &tables);
                    if missing.is_empty() {
                        return Err(self.refused(DescribeError::Problems(problems)));
                    }
                    tables.extend(missing);
                }
                Err(error) => return Err(self.refused(error)),
            }
            rounds += 1;
        }
    }

    fn refused(&self, error: DescribeError) -> Failure {
        match error {
            DescribeError::Problems(problems) => {
                let module = self.module.display().to_string();
                Failure::usage(anyhow!(said(&module, &problems)))
            }
            DescribeError::Sandbox(error) => Failure::from(anyhow::Error::new(error).context(
                "the module gives no description; if it joins tables or has several inputs, say \
                 so: --table NAME, --inputs N",
            )),
        }
    }
}

fn empty_table(name: &str) -> TableSchema {
    TableSchema { name: name.to_owned(), fields: Vec::new() }
}

/// The tables that a module complains about and was not shown.
fn missing_tables(problems: &[Problem], shown: &[TableSchema]) -> Vec<TableSchema> {
    let mut missing: Vec<TableSchema> = Vec::new();
    for problem in problems {
        let Subject::Table(name) = &problem.subject else { continue };
        if !shown.iter().chain(&missing).any(|table| table.name == *name) {
            missing.push(empty_table(name));
        }
    }
    missing
}

/// A module's problems, a line each with its hint.
fn said(module: &str, problems: &[Problem]) -> String {
    let mut text = format!("{module} cannot run with these params and tables:");
    for problem in problems {
        text.push_str(&format!("\n  {problem}"));
        if let Some(hint) = &problem.hint {
            text.push_str(&format!("\n    hint: {hint}"));
        }
    }
    text
}

fn schema(input: usize, uses: Option<&InputUse>) -> InputSchema {
    let columns = uses.map_or(&[][..], |uses| &uses.columns);
    let fields = columns
        .iter()
        .map(|read| Field::new(&read.column, read.data_type, read.nullable))
        .collect();
    InputSchema { input, name: format!("input_{input}"), schema: 0, fields }
}

fn table(uses: &TableUse) -> TableSchema {
    let fields = uses
        .columns
        .iter()
        .map(|read| Field::new(&read.column, read.data_type, read.nullable))
        .collect();
    TableSchema { name: uses.table.clone(), fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_are_an_object() {
        assert!(params("{\"min_version\": 2}").is_ok());
        assert!(params("[]").is_err_and(|message| message.contains("object")));
        assert!(params("{").is_err());
    }

    #[test]
    fn tables_are_found_in_what_the_module_misses() {
        let about = |subject| Problem { subject, message: "no".to_owned(), hint: None };
        let games = || about(Subject::Table("games".to_owned()));
        let problems = [games(), games(), about(Subject::Whole)];
        let missing = missing_tables(&problems, &[]);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].name, "games");
        assert!(missing_tables(&problems, &missing).is_empty());
    }

    #[test]
    fn problems_come_with_their_hints() {
        let problem = Problem {
            subject: Subject::Params("min".to_owned()),
            message: "is missing".to_owned(),
            hint: Some("add it".to_owned()),
        };
        let text = said("m.wasm", &[problem]);
        assert!(text.ends_with("\n  params.min: is missing\n    hint: add it"), "{text}");
    }
}
