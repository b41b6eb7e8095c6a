//! The settings of a file with its defaults, as TOML again.
//!
//! *Invariants*: what is printed is a right file that comes to the same plan; a text stands as the
//! user wrote it, so of a variable there is its name and never its value; keys are in the order of
//! the reference.
//! *Not here*: defaults themselves, which stand in the tables of keys.

mod following;
mod literal;

use std::path::Path;

use literal::{key_name, literal, of_default, quoted, secret};

use super::env::Environment;
use super::keys::{Key, Kind, PARTS, Part, Place, Presence};
use super::plan::{Delivery, Plan};
use super::problem::{Problems, Report, Severity};
use super::section::Scope;
use super::tree::{self, Entry, Value};
use super::{raw, read};

/// The settings of a plan's file as TOML, every default included and marked with `# default`. What
/// follows from other settings is printed where it can be written: `on_error`, a sink's `delivery`,
/// `mode` and `format`, the checkpoint's `every` and `store`.
///
/// # Errors
/// If the file has changed since it was checked, and is not right any more.
pub fn effective(plan: &Plan, environment: &Environment) -> Result<String, Problems> {
    let text = read(&plan.file)?;
    let report = Report::default();
    let Some(entries) = tree::parse(&text, environment, &report) else {
        return Err(Problems::new(&plan.file, &text, report.into_problems()));
    };
    let name = entry(&entries, "pipeline").and_then(|pipeline| match &pipeline.node.value {
        Value::Table(settings) => entry(settings, "name"),
        _ => None,
    });
    let name = name.map_or("pipeline", |name| match &name.node.value {
        Value::Text(text) => text.written.as_str(),
        _ => "pipeline",
    });
    let mut settings = Settings { plan, name, blocks: Vec::new() };
    if let Some(root) = PARTS.iter().find(|part| part.place() == Some(Place::File)) {
        settings.part(&[], root, Some(entries.as_slice()));
    }
    Ok(applying(settings.blocks, &plan.file, environment))
}

/// A table and its keys, as lines; each may be a default.
struct Block {
    header: String,
    /// The file does not have the table at all.
    default: bool,
    lines: Vec<(String, bool)>,
}

impl Block {
    fn text(&self) -> String {
        let mut text = self.header.clone();
        for (line, _) in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

struct Settings<'a> {
    plan: &'a Plan,
    /// The pipeline's name as it is written.
    name: &'a str,
    blocks: Vec<Block>,
}

impl Settings<'_> {
    /// Everything below one table of the file; `entries` are none where the file does not have it.
    fn part(&mut self, path: &[&str], part: &'static Part, entries: Option<&[Entry]>) {
        let group = part.place().map_or("", Place::group);
        let entries_or_none = entries.unwrap_or_default();
        let keys: Vec<&'static Key> =
            part.keys.iter().chain(added(part, entries_or_none)).collect();
        if entries.is_none() && keys.iter().any(|key| key.presence == Presence::Required) {
            return;
        }
        let mut lines = Vec::new();
        let mut below = Vec::new();
        for key in keys {
            let entry = entry(entries_or_none, key.name);
            if is_below(key, entry, group) {
                below.push((key, entry));
            } else if let Some(entry) = entry {
                lines.push((line(key, entry), false));
            } else if let Some(default) = self.default(path, key) {
                lines.push((format!("{} = {default}  # default", key_name(key.name)), true));
            }
        }
        if !lines.is_empty() && !path.is_empty() {
            self.blocks.push(Block { header: header(path), default: entries.is_none(), lines });
        }
        for (key, entry) in below {
            let path: Vec<&str> = path.iter().copied().chain([key.name]).collect();
            self.below(&path, key, entry, group);
        }
    }

    /// A table within a table: one of a part, one of nodes or joins, or one of columns.
    fn below(&mut self, path: &[&str], key: &Key, entry: Option<&Entry>, group: &'static str) {
        let inner = key.inner(group);
        let entries = entry.and_then(|entry| match &entry.node.value {
            Value::Table(entries) => Some(entries.as_slice()),
            _ => None,
        });
        let kinds = key.kinds().unwrap_or_default();
        if kinds.contains(&Kind::Columns) {
            self.columns(path, inner, entries.unwrap_or_default());
        } else if let Some(part) = inner.filter(|_| kinds.contains(&Kind::Tables)) {
            for entry in entries.unwrap_or_default() {
                let Value::Table(of_node) = &entry.node.value else { continue };
                let path: Vec<&str> = path.iter().copied().chain([entry.key.as_str()]).collect();
                self.part(&path, part, Some(of_node.as_slice()));
            }
        } else if let Some(part) = inner {
            self.part(path, part, entries);
        }
    }

    /// One line for each column, its defaults named behind it, but for what it is not: a column that
    /// is no key, say.
    fn columns(&mut self, path: &[&str], part: Option<&'static Part>, entries: &[Entry]) {
        let keys = part.map_or(&[][..], |part| part.keys);
        let mut lines = Vec::new();
        for column in entries {
            let own = match &column.node.value {
                Value::Table(own) => own.as_slice(),
                _ => &[],
            };
            let mut members = Vec::new();
            let mut defaults = Vec::new();
            for key in keys {
                if let Some(entry) = entry(own, key.name) {
                    members.push(line(key, entry));
                } else if key.name == "type" && own.is_empty() {
                    members.push(format!("type = {}", literal(&column.node)));
                } else if let Presence::Default(default) = key.presence
                    && default != "false"
                {
                    members.push(format!("{} = {}", key_name(key.name), of_default(key, default)));
                    defaults.push(key.name);
                }
            }
            let mark = match defaults.as_slice() {
                [] => String::new(),
                defaults => format!("  # default: {}", defaults.join(", ")),
            };
            let value = match members.as_slice() {
                _ if own.is_empty() && defaults.is_empty() => literal(&column.node),
                members => format!("{{ {} }}", members.join(", ")),
            };
            lines.push((format!("{} = {value}{mark}", key_name(&column.key)), false));
        }
        if !lines.is_empty() {
            self.blocks.push(Block { header: header(path), default: false, lines });
        }
    }

    /// What a key stands for that the file does not have, as TOML.
    fn default(&self, path: &[&str], key: &Key) -> Option<String> {
        if let Presence::Default(default) = key.presence {
            return Some(of_default(key, default));
        }
        let delivery = || {
            let promised = |named: &&(&str, Delivery)| named.1 == self.plan.delivery;
            Delivery::NAMES.iter().find(promised).map(|named| quoted(named.0))
        };
        match (path, key.name) {
            (["pipeline", "checkpoint"], "every") => {
                let every = self.plan.checkpoint.every?.as_millis();
                Some(if every.is_multiple_of(1_000) {
                    format!("\"{}s\"", every / 1_000)
                } else {
                    format!("\"{every}ms\"")
                })
            }
            (["pipeline", "checkpoint"], "store") => {
                Some(quoted(&format!(".millrace/{}", self.name)))
            }
            (["sinks", _] | ["dead_letters"], "delivery") => delivery(),
            (["sinks", name], key) if key != "on_error" => following::of_sink(self.plan, name, key),
            (["dead_letters"], key) => following::of_dead_letters(self.plan, key),
            (["tables", name], key) => following::of_table(self.plan, name, key),
            (["sources" | "transforms" | "sinks", _], "on_error") => {
                let has_sink = self.plan.dead_letters.is_some();
                Some(quoted(if has_sink { "dead-letter" } else { "halt" }))
            }
            _ => None,
        }
    }
}

/// The keys that a node's type adds.
fn added(part: &'static Part, entries: &[Entry]) -> &'static [Key] {
    let kind = entry(entries, "type").and_then(|entry| match &entry.node.value {
        Value::Text(text) => Some(text.value.as_str()),
        _ => None,
    });
    let mut variants = part.variants().into_iter();
    let adds = variants.find(|(name, _)| Some(*name) == kind).and_then(|(_, adds)| adds);
    adds.map_or(&[][..], |part| part.keys)
}

/// Whether a key is printed as a table of its own: if the file has one there, or if it may have one
/// and nothing else. What the user fills freely stays within its line.
fn is_below(key: &Key, entry: Option<&Entry>, group: &'static str) -> bool {
    let kinds = key.kinds().unwrap_or_default();
    let is_table = |kind: &Kind| matches!(kind, Kind::Table | Kind::Tables | Kind::Columns);
    let known = key.inner(group).is_some() && kinds.iter().any(is_table);
    known
        && match entry {
            Some(entry) => matches!(entry.node.value, Value::Table(_)),
            None => kinds.iter().all(is_table),
        }
}

fn entry<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == name)
}

fn line(key: &Key, entry: &Entry) -> String {
    let is_secret = key.kinds().unwrap_or_default().contains(&Kind::Secret);
    let value = if is_secret { secret(&entry.node) } else { literal(&entry.node) };
    format!("{} = {value}", key_name(key.name))
}

fn header(path: &[&str]) -> String {
    let names: Vec<String> = path.iter().map(|name| key_name(name)).collect();
    format!("\n[{}]\n", names.join("."))
}

/// The blocks as text, but for defaults that do not go with what the file says, such as those of
/// another format: they are left out.
fn applying(mut blocks: Vec<Block>, file: &Path, environment: &Environment) -> String {
    loop {
        let text: String = blocks.iter().map(Block::text).collect();
        let wrong = wrong_lines(&text, file, environment);
        let mut number = 0;
        let mut left_out = false;
        for block in &mut blocks {
            let header = number + 2;
            number = header + block.lines.len();
            let gone = block.default && wrong.iter().any(|line| (header..=number).contains(line));
            let mut at = header;
            block.lines.retain(|(_, default)| {
                at += 1;
                let keep = !(gone || *default && wrong.contains(&at));
                left_out |= !keep;
                keep
            });
        }
        blocks.retain(|block| !block.lines.is_empty());
        if !left_out {
            return text.trim_start().to_owned();
        }
    }
}

/// The lines, from 1, that an error of a file's single keys names.
fn wrong_lines(text: &str, file: &Path, environment: &Environment) -> Vec<usize> {
    let report = Report::default();
    if let Some(entries) = tree::parse(text, environment, &report) {
        let scope = Scope { report: &report, folder: file.parent().unwrap_or(Path::new("")) };
        raw::read(&entries, scope);
    }
    let problems = Problems::new(file, text, report.into_problems());
    problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .filter_map(|problem| problem.span.as_ref())
        .map(|span| problems.location(span).line)
        .collect()
}

#[cfg(test)]
mod tests;
