//! The paths of the sampled rows, and what was seen at each.
//!
//! *Invariants*: there are at most [`MAX_PATHS`] paths. A path is a column's if nothing goes on
//! beneath it: a reader rejects a row in which a path goes on where there is no object.

use std::collections::BTreeMap;

use anyhow::bail;
use serde_json::Value;

use super::seen::{Seen, extended};
use super::{Column, Format};

/// More paths than any table has columns; objects that are used as maps have no end of them.
const MAX_PATHS: usize = 2_000;

/// What was sampled so far.
#[derive(Debug)]
pub(super) struct Shape {
    root: Node,
    rows: u64,
    paths: usize,
}

/// A path.
#[derive(Debug)]
struct Node {
    /// Where it came first, the row and a place in it: columns are in the order of the input.
    first: (u64, usize),
    seen: Seen,
    members: BTreeMap<String, Node>,
}

impl Node {
    fn new(first: (u64, usize)) -> Self {
        Self { first, seen: Seen::new(), members: BTreeMap::new() }
    }
}

/// Where in its input a value stands, as far as order goes.
#[derive(Clone, Copy)]
struct Place<'t> {
    row: u64,
    text: &'t str,
    from: usize,
}

impl Place<'_> {
    /// The place of a member, searched by its name as it is usually written.
    fn of(self, name: &str) -> usize {
        let rest = self.text.get(self.from..).unwrap_or_default();
        rest.find(&format!("\"{name}\"")).map_or(self.from, |at| self.from + at)
    }
}

impl Shape {
    pub(super) fn new() -> Self {
        Self { root: Node::new((0, 0)), rows: 0, paths: 0 }
    }

    /// How many rows there were.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Makes room for a column that no row may have, such as one of a CSV header.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn declare(&mut self, name: &str, place: usize) -> anyhow::Result<()> {
        self.root.members.insert(name.to_owned(), Node::new((0, place)));
        self.paths += 1;
        check(self.paths)
    }

    /// Takes a row into account; `text` is what it was read from.
    ///
    /// # Errors
    /// If there are too many paths.
    pub(super) fn add(&mut self, row: &Value, text: &str) -> anyhow::Result<()> {
        self.rows += 1;
        add(&mut self.root, row, Place { row: self.rows, text, from: 0 }, &mut self.paths)
    }

    /// The columns, in the order of the input. `root` leads to the rows.
    pub(super) fn columns(&self, root: &[String], format: Format) -> Vec<Column> {
        let mut columns = Vec::new();
        let mut path = root.to_vec();
        collect(&self.root, &mut path, format, &mut columns);
        for column in &mut columns {
            column.nulls = self.rows - column.values.min(self.rows);
        }
        columns
    }
}

fn add(node: &mut Node, value: &Value, place: Place<'_>, paths: &mut usize) -> anyhow::Result<()> {
    let members = match value {
        Value::Object(members) if extended(value).is_none() => members,
        other => {
            node.seen.add(other);
            return Ok(());
        }
    };
    node.seen.add_object();
    for (name, value) in members {
        if !node.members.contains_key(name) {
            *paths += 1;
            check(*paths)?;
            node.members.insert(name.clone(), Node::new((place.row, place.of(name))));
        }
        if let Some(member) = node.members.get_mut(name) {
            let from = if member.first.0 == place.row { member.first.1 } else { place.from };
            add(member, value, Place { from, ..place }, paths)?;
        }
    }
    Ok(())
}

fn check(paths: usize) -> anyhow::Result<()> {
    if paths > MAX_PATHS {
        bail!(
            "the rows have more than {MAX_PATHS} paths; an object whose members are data is one column of \
             JSON: name a part of the rows with --root"
        );
    }
    Ok(())
}

fn collect(node: &Node, path: &mut Vec<String>, format: Format, columns: &mut Vec<Column>) {
    if node.seen.is_object() && !node.members.is_empty() {
        let mut members: Vec<_> = node.members.iter().collect();
        members.sort_by_key(|(_, member)| member.first);
        for (name, member) in members {
            path.push(name.clone());
            collect(member, path, format, columns);
            path.pop();
        }
        return;
    }
    let name = super::names::snake_case(path.last().map_or("value", String::as_str));
    columns.push(Column {
        name: name.clone(),
        path: path.clone(),
        guess: node.seen.guess(&name, format),
        values: node.seen.values(),
        nulls: 0,
        example: node.seen.example().map(str::to_owned),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(lines: &[&str]) -> Vec<String> {
        let mut shape = Shape::new();
        for line in lines {
            shape.add(&serde_json::from_str(line).expect("JSON"), line).expect("few paths");
        }
        let columns = shape.columns(&["r".to_owned()], Format::Json);
        columns
            .iter()
            .map(|column| {
                let data_type = column.guess.as_ref().map(|guess| guess.data_type.to_string());
                let data_type = data_type.unwrap_or_else(|| "nothing".to_owned());
                format!("{} {data_type} {}", column.path.join("."), column.nulls)
            })
            .collect()
    }

    #[test]
    fn columns_are_leaves_in_the_order_of_the_input() {
        let lines = [
            r#"{"z": 1, "b": {"y": "x", "a": [1]}, "c": null}"#,
            r#"{"new": true, "z": null, "b": null}"#,
        ];
        assert_eq!(
            columns(&lines),
            ["r.z i64 1", "r.b.y text 1", "r.b.a json 1", "r.c nothing 2", "r.new bool 1"]
        );
    }

    #[test]
    fn where_a_path_does_not_go_on_everywhere_the_whole_is_one_column() {
        assert_eq!(columns(&[r#"{"a": {"b": 1}}"#, r#"{"a": 2}"#]), ["r.a json 0"]);
        assert_eq!(columns(&[r#"{"a": {}}"#]), ["r.a json 0"]);
        assert_eq!(columns(&["5"]), ["r i64 0"]);
    }

    #[test]
    fn an_object_that_is_a_map_is_refused() {
        let mut shape = Shape::new();
        let members: Vec<String> = (0..=MAX_PATHS).map(|n| format!("\"k{n}\": 1")).collect();
        let line = format!("{{{}}}", members.join(","));
        let row = serde_json::from_str(&line).expect("JSON");
        assert!(shape.add(&row, &line).expect_err("too many").to_string().contains("--root"));
    }
}
