//! The SQL of the changes. Parameter `?i` is the input's column `i` from 1; the two after the last
//! column are the change's source sequence.

use super::table::{MAJOR, MINOR, quoted};
use super::{Target, WriteMode};
use crate::sink::segment::Unchanged;

impl Target {
    fn names(&self) -> Vec<String> {
        self.schema.fields.iter().map(|field| quoted(&field.name)).collect()
    }

    fn major_parameter(&self) -> usize {
        self.schema.fields.len() + 1
    }

    fn key_names(&self) -> String {
        let names: Vec<String> =
            self.key.iter().map(|index| quoted(&self.schema.fields[*index].name)).collect();
        names.join(", ")
    }

    fn key_equals(&self) -> String {
        let terms: Vec<String> = self
            .key
            .iter()
            .map(|index| format!("{} = ?{}", quoted(&self.schema.fields[*index].name), index + 1))
            .collect();
        terms.join(" AND ")
    }

    /// True where the stored row's sequence is not above the change's.
    fn not_above(&self) -> String {
        let major = self.major_parameter();
        format!("({MAJOR}, {MINOR}) <= (?{major}, ?{})", major + 1)
    }
}

/// Adds a row, in append mode.
pub(super) fn insert(target: &Target) -> String {
    insert_into(target, "")
}

fn insert_into(target: &Target, alias: &str) -> String {
    let mut names = target.names();
    if target.mode == WriteMode::Upsert {
        names.extend([MAJOR.to_owned(), MINOR.to_owned()]);
    }
    let parameters: Vec<String> = (1..=names.len()).map(|index| format!("?{index}")).collect();
    format!(
        "INSERT INTO {}{alias} ({}) VALUES ({})",
        quoted(&target.table),
        names.join(", "),
        parameters.join(", ")
    )
}

/// Adds a row or replaces the one of its key, unless that has a later sequence.
pub(super) fn upsert(target: &Target) -> String {
    let names = target.names();
    let set: Vec<String> = (0..names.len())
        .filter(|index| !target.key.contains(index))
        .map(|index| &*names[index])
        .chain([MAJOR, MINOR])
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    format!(
        "{} ON CONFLICT ({}) DO UPDATE SET {} WHERE (excluded.{MAJOR}, excluded.{MINOR}) >= \
         (stored.{MAJOR}, stored.{MINOR})",
        insert_into(target, " AS stored"),
        target.key_names(),
        set.join(", ")
    )
}

/// Changes all but the unchanged columns of the row of a key, unless it has a later sequence.
pub(super) fn update(target: &Target, unchanged: Unchanged<'_>) -> String {
    let major = target.major_parameter();
    let set: Vec<String> = target
        .names()
        .iter()
        .enumerate()
        .filter(|(index, _)| !target.key.contains(index) && !unchanged.has(*index))
        .map(|(index, name)| format!("{name} = ?{}", index + 1))
        .chain([format!("{MAJOR} = ?{major}"), format!("{MINOR} = ?{}", major + 1)])
        .collect();
    format!(
        "UPDATE {} SET {} WHERE {} AND {}",
        quoted(&target.table),
        set.join(", "),
        target.key_equals(),
        target.not_above()
    )
}

/// Finds out whether a key has a row.
pub(super) fn exists(target: &Target) -> String {
    format!("SELECT 1 FROM {} WHERE {}", quoted(&target.table), target.key_equals())
}

/// Removes the row of a key, unless it has a later sequence.
pub(super) fn delete(target: &Target) -> String {
    format!(
        "DELETE FROM {} WHERE {} AND {}",
        quoted(&target.table),
        target.key_equals(),
        target.not_above()
    )
}

/// Removes all rows that have no later sequence.
pub(super) fn truncate(target: &Target) -> String {
    format!("DELETE FROM {} WHERE {}", quoted(&target.table), target.not_above())
}
