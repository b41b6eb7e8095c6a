//! Joins: that the table is there, and that its key fits the columns that look it up.

use std::sync::Arc;

use super::reads;
use super::types::{Maker, Origin, Typed, columns};
use crate::config::nearest;
use crate::config::problem::{Problem, Report};
use crate::config::raw::{Raw, RawJoin, RawTable, RawTransform};
use crate::record::{Field, Schema};
use crate::sandbox::{Description, TableSchema, TableUse};
use crate::stage::{JoinConfig, Missing};

/// One join with its table and columns found.
struct Join<'a> {
    raw: &'a RawJoin,
    table: &'a RawTable,
    /// As the module sees it: nullable where a miss gives null.
    schema: Arc<Schema>,
    on: Vec<usize>,
}

/// The joins of a transform, in the order of the file.
pub(super) struct Joins<'a>(Vec<Join<'a>>);

/// Finds every join's table and columns; `None` if something about them is wrong, here or in the
/// table.
pub(super) fn resolve<'a>(
    raw: &'a Raw,
    transform: &'a RawTransform,
    input: &Typed,
    report: &Report,
) -> Option<Joins<'a>> {
    let joins: Vec<Option<Join<'a>>> =
        transform.joins.iter().map(|join| one(raw, join, input, report)).collect();
    joins.into_iter().collect::<Option<Vec<_>>>().map(Joins)
}

fn one<'a>(raw: &'a Raw, join: &'a RawJoin, input: &Typed, report: &Report) -> Option<Join<'a>> {
    let name = &join.table.value;
    let Some(node) = raw.tables.iter().find(|table| table.name.value == *name) else {
        let known: Vec<&str> = raw.tables.iter().map(|table| table.name.value.as_str()).collect();
        let message = format!("there is no table `{name}`");
        report.push(
            Problem::error(&join.table.span, message).hint(nearest::hint(name, "tables", &known)),
        );
        return None;
    };
    let table = node.body.as_ref()?;
    let before = report.errors();
    let on = columns(&join.on, &input.schema, report);
    let schema = table.config.schema();
    let key: Vec<&Field> = schema.key.iter().map(|index| &schema.fields[*index]).collect();
    if key.len() != join.on.len() {
        let names = nearest::listed(key.iter().map(|field| &*field.name));
        let message = format!(
            "the key of `{name}` has {}, and `on` names {}",
            counted(key.len()),
            join.on.len()
        );
        report.push(
            Problem::error(&join.on_span, message)
                .note(&node.name.span, format!("the key of `{name}` is {names}"))
                .hint("name one column of the input for each column of the key, in its order"),
        );
    } else if report.errors() == before {
        for ((column, index), field) in join.on.iter().zip(&on).zip(key) {
            let found = &input.schema.fields[*index];
            if found.data_type != field.data_type {
                let message = format!(
                    "`{}` is {}, and the key `{}` of `{name}` is {}",
                    found.name, found.data_type, field.name, field.data_type
                );
                let problem = Problem::error(&column.span, message);
                let problem = reads::noted(problem, &found.name, &input.origins[*index]);
                report.push(problem.hint("a join compares equal types: change one of the two"));
            }
        }
    }
    let nullable = join.missing == Missing::Null;
    let fields = schema
        .fields
        .iter()
        .map(|field| Field { nullable: field.nullable || nullable, ..field.clone() })
        .collect();
    let schema = Arc::new(Schema { fields, ..schema });
    (report.errors() == before).then_some(Join { raw: join, table, schema, on })
}

fn counted(columns: usize) -> String {
    if columns == 1 { "one column".to_owned() } else { format!("{columns} columns") }
}

impl Joins<'_> {
    /// The tables as the module sees them, in the order of the file.
    pub(super) fn schemas(&self) -> Vec<TableSchema> {
        self.0
            .iter()
            .map(|join| TableSchema {
                name: join.raw.table.value.clone(),
                fields: join.schema.fields.clone(),
            })
            .collect()
    }

    /// The joins as the stage does them: those of the description's tables in their order, then
    /// those that only leave rows out. What is wrong with the columns that the module reads is
    /// reported.
    pub(super) fn configs(
        &self,
        transform: &RawTransform,
        description: &Description,
        report: &Report,
    ) -> Vec<JoinConfig> {
        let mut configs = Vec::new();
        for used in &description.tables {
            // A table that is not joined has been told by now: nothing is described without it.
            if let Some(join) = self.0.iter().find(|join| join.raw.table.value == used.table) {
                configs.push(join.config(transform, &description.name, used, report));
            }
        }
        for join in &self.0 {
            let table = &join.raw.table;
            if description.tables.iter().any(|used| used.table == table.value) {
                continue;
            }
            if join.raw.missing == Missing::Null {
                let message =
                    format!("`{}` does not read the table `{}`", description.name, table.value);
                report.push(Problem::warning(&table.span, message).hint("leave this join out"));
            }
            configs.push(join.with_columns(Vec::new()));
        }
        configs
    }
}

impl Join<'_> {
    fn config(
        &self,
        transform: &RawTransform,
        module: &str,
        used: &TableUse,
        report: &Report,
    ) -> JoinConfig {
        let name = &self.raw.table.value;
        let mut columns = Vec::new();
        for read in &used.columns {
            let Some(index) = self.schema.index_of(&read.column) else {
                let message = format!(
                    "`{module}` reads `{}` of the table `{name}`, which has no such column",
                    read.column
                );
                let hint = reads::columns_hint(&read.column, &self.schema);
                report.push(Problem::error(&transform.module.span, message).hint(hint));
                continue;
            };
            let span = self.table.columns[index].clone();
            let origin = Origin { span, maker: Maker::Declared };
            let Some((message, hint)) =
                reads::against(module, &self.schema.fields[index], read, &origin)
            else {
                columns.push(index);
                continue;
            };
            let declared = &self.table.config.schema().fields[index];
            let problem = reads::noted(
                Problem::error(&transform.module.span, message),
                &read.column,
                &origin,
            );
            // A miss is what gives the null here, whatever the table's column says.
            let problem = if declared.nullable || !declared.data_type.reads_as(read.data_type) {
                problem.hint(hint)
            } else {
                problem.note(&self.raw.table.span, "a row that finds none has null here").hint(
                    "take an `Option` in the transform, or say what else becomes of such a row: \
                     `missing = \"reject\"` or `missing = \"drop\"`",
                )
            };
            report.push(problem);
        }
        self.with_columns(columns)
    }

    fn with_columns(&self, columns: Vec<usize>) -> JoinConfig {
        JoinConfig {
            table: self.raw.table.value.clone(),
            on: self.on.clone(),
            missing: self.raw.missing,
            columns,
        }
    }
}
