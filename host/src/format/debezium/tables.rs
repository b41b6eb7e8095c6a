//! Whose message a line is: that of a table which the source reads, or another table's.
//!
//! *Invariants*: a change of another table is never taken for one of the source's. Nothing allocates
//! per line but refusals, and the name of the first table.
//! *Not here*: where a message's origin stands (`members`).

use super::members::Origin;
use super::message::Change;
use super::schema::Form;
use crate::format::json::{Found, Kind, inner, unescape};
use crate::record::Operation;

/// The tables that are read.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Their names, if any were given.
    wanted: Vec<String>,
    /// Without any: by part of a name, that of the first table that a message told.
    first: Option<[Option<String>; 3]>,
    /// Messages of other tables since the count was last taken.
    passed: u64,
    /// Where names with escapes are decoded.
    decoded: [String; 3],
}

/// A table as a message names it.
#[derive(Clone, Copy)]
struct Name<'a> {
    database: Option<&'a str>,
    schema: Option<&'a str>,
    table: Option<&'a str>,
}

impl Tables {
    /// Reads the tables of these names alone: a table's own, or with its schema or database and a dot
    /// before.
    pub(super) fn new(wanted: Vec<String>) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Whether a change is of the table that is read; what is not is counted.
    ///
    /// # Errors
    /// The reason, where it may be of another one and nobody has said which is meant.
    pub(super) fn take(&mut self, line: &str, change: &Change) -> Result<bool, String> {
        let Self { wanted, first, passed, decoded } = self;
        let name = Name::read(line, &change.origin, decoded);
        if wanted.is_empty() {
            if change.operation == Operation::Truncate {
                return Err(of_unsaid_table(&name));
            }
            // What does not name its table is believed.
            if name.table.is_some() {
                match first {
                    None => *first = Some(name.parts().map(|part| part.map(str::to_owned))),
                    Some(first) => name.check(first)?,
                }
            }
            return Ok(true);
        }
        if wanted.iter().any(|wanted| name.is(wanted) == Some(true)) {
            if wanted.len() > 1 && change.operation == Operation::Truncate {
                return Err(of_several_tables(&name));
            }
            return Ok(true);
        }
        if let Some(wanted) = wanted.iter().find(|wanted| name.is(wanted).is_none()) {
            return Err(without_name(wanted, change.form, &name));
        }
        *passed += 1;
        Ok(false)
    }

    /// How many messages of other tables were passed over since this was last asked.
    pub(super) fn take_passed(&mut self) -> u64 {
        std::mem::take(&mut self.passed)
    }
}

impl<'a> Name<'a> {
    fn read(line: &'a str, origin: &Origin, decoded: &'a mut [String; 3]) -> Self {
        let [database, schema, table] = decoded;
        Self {
            database: said(line, origin.database, database),
            schema: said(line, origin.schema, schema),
            table: said(line, origin.table, table),
        }
    }

    fn parts(&self) -> [Option<&'a str>; 3] {
        [self.database, self.schema, self.table]
    }

    /// Whether it is the table called `wanted`; `None`: the message does not tell.
    fn is(&self, wanted: &str) -> Option<bool> {
        let Some(before) = wanted.strip_suffix(self.table?) else { return Some(false) };
        if before.is_empty() {
            return Some(true);
        }
        // The end of a longer name is another name.
        let Some(qualifier) = before.strip_suffix('.') else { return Some(false) };
        let is_both = |(database, schema): (&str, &str)| {
            qualifier.strip_prefix(database).and_then(|rest| rest.strip_prefix('.')) == Some(schema)
        };
        match (self.database, self.schema) {
            (None, None) => None,
            (database, schema) => Some(
                database == Some(qualifier)
                    || schema == Some(qualifier)
                    || database.zip(schema).is_some_and(is_both),
            ),
        }
    }

    /// Checks that it is the table that came first, as far as both are told.
    fn check(&self, first: &[Option<String>; 3]) -> Result<(), String> {
        let differs = |(one, other): (&Option<String>, Option<&str>)| {
            one.as_deref().zip(other).is_some_and(|(one, other)| one != other)
        };
        if !first.iter().zip(self.parts()).any(differs) {
            return Ok(());
        }
        let first = joined(first.iter().filter_map(Option::as_deref));
        let other = self.to_string();
        Err(format!(
            "found a row of `{other}` among rows of `{first}`, and nobody has said that both are meant: \
             set `table = \"{first}\"` on the source, and read `{other}` by a source of its own; or name \
             both, `table = [\"{first}\", \"{other}\"]`, where they have the same columns"
        ))
    }
}

impl std::fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&joined(self.parts().into_iter().flatten()))
    }
}

fn joined<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<&str>>().join(".")
}

/// The text of a part that is told; an empty one tells nothing.
fn said<'a>(line: &'a str, found: Option<Found>, decoded: &'a mut String) -> Option<&'a str> {
    let found = found.filter(|found| found.kind == Kind::String)?;
    let raw = inner(line.get(found.start..found.end).unwrap_or_default());
    Some(unescape(raw, decoded)).filter(|text| !text.is_empty())
}

fn of_unsaid_table(name: &Name<'_>) -> String {
    let of = match name.table {
        Some(_) => format!(" of `{name}`"),
        None => String::new(),
    };
    format!(
        "found a truncate{of}, which takes all rows away, and nobody has said which table is meant: set \
         `table` on the source to the one that it reads"
    )
}

fn of_several_tables(name: &Name<'_>) -> String {
    format!(
        "found a truncate of `{name}`, which takes all rows of one table away, and the source reads \
         several into one stream: read `{name}` by a source of its own, whose `table` is this one"
    )
}

fn without_name(wanted: &str, form: Form, name: &Name<'_>) -> String {
    let what = match name.table {
        None => "table".to_owned(),
        Some(table) => format!("schema or database of `{table}`"),
    };
    let remedy = match form {
        Form::Row => {
            "add `table,schema` (or `table,db`) to `add.fields` of the transform \
                      ExtractNewRecordState, or leave `table` out where the topic has one table"
        }
        Form::Envelope => "leave `table` out where the topic has one table",
    };
    format!("expected a message of `{wanted}`, found one that does not tell the {what}: {remedy}")
}
