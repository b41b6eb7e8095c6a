//! Reads one table of the file, key by key, by the table of keys that it may have.
//!
//! Every getter reports what is wrong and answers `None`, so that a reader goes on and finds the
//! rest; [`Section::finish`] reports keys that are unknown and keys that are missing.

use std::fmt;
use std::path::{Path, PathBuf};

mod values;

pub(super) use values::short_type;

use super::keys::{Key, Presence};
use super::nearest;
use super::problem::{Problem, Report, Span};
use super::tree::{Entry, Node, Text, Value};

/// A value and where it stands. That of a default stands where its table does.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub value: T,
    pub span: Span,
}

impl<T> At<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At { value: change(self.value), span: self.span }
    }
}

/// A name as the file gives it. Displayed, it is as it stands there, without the values of
/// variables.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub value: String,
    written: String,
}

impl Word {
    pub(super) fn of(text: &Text) -> Self {
        Self { value: text.value.clone(), written: text.written.clone() }
    }

    /// A part of the name, such as what stands before a dot.
    pub(super) fn part(&self, value: &str) -> Self {
        let written =
            if self.value == self.written { value.to_owned() } else { self.written.clone() };
        Self { value: value.to_owned(), written }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// What all readers share.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub report: &'a Report,
    /// The folder of the pipeline's file.
    pub folder: &'a Path,
}

/// A path of the file.
#[derive(Clone, Debug)]
pub(super) struct FilePath {
    /// For the program.
    pub path: PathBuf,
    /// For messages: as it is written, with its variables put in.
    pub display: String,
}

/// A value that cannot be what its key takes.
#[derive(Debug)]
struct Wrong {
    message: String,
    hint: Option<String>,
}

impl Wrong {
    fn kind(name: &str, takes: &str, node: &Node) -> Self {
        Self { message: format!("`{name}` takes {takes}, not {}", node.kind()), hint: None }
    }

    /// Text where something else is taken, and whether it only stands in quotes that it must not
    /// have.
    fn quoted(name: &str, takes: &str, node: &Node, fits: impl FnOnce(&str) -> bool) -> Self {
        let hint = match &node.value {
            Value::Text(text) if fits(&text.value) => {
                Some(format!("write it without quotes: `{name} = {}`", text.value))
            }
            _ => None,
        };
        Self { hint, ..Self::kind(name, takes, node) }
    }

    /// A text of variables that comes to something else than what is taken.
    fn variable(name: &str, takes: &str, text: &Text, hint: &str) -> Self {
        Self::with(format!("`{name}` takes {takes}, and `{}` gives none", text.written), hint)
    }

    fn with(message: String, hint: impl Into<String>) -> Self {
        Self { message, hint: Some(hint.into()) }
    }
}

pub(super) struct Section<'a> {
    /// As messages name it, such as `[sources.wagers]`.
    pub title: String,
    pub span: Span,
    pub scope: Scope<'a>,
    entries: &'a [Entry],
    keys: Vec<&'static Key>,
}

impl<'a> Section<'a> {
    /// A table of the file; `None`, with a problem, if the node is no table.
    pub(super) fn of(
        node: &'a Node,
        title: impl Into<String>,
        keys: &'static [Key],
        scope: Scope<'a>,
    ) -> Option<Self> {
        let title = title.into();
        match &node.value {
            Value::Table(entries) => {
                let keys = keys.iter().collect();
                Some(Self { title, span: node.span.clone(), scope, entries, keys })
            }
            Value::Invalid => None,
            _ => {
                let message = format!("{title} must be a table, not {}", node.kind());
                scope.report.push(Problem::error(&node.span, message));
                None
            }
        }
    }

    /// The top level of the file.
    pub(super) fn root(entries: &'a [Entry], keys: &'static [Key], scope: Scope<'a>) -> Self {
        Self {
            title: "the file".to_owned(),
            span: 0..0,
            scope,
            entries,
            keys: keys.iter().collect(),
        }
    }

    /// Allows more keys: those of the section's `type`.
    pub(super) fn also(&mut self, keys: &'static [Key]) {
        self.keys.extend(keys);
    }

    /// Reports the keys that are unknown, and those that are missing. One that is only misspelt is
    /// unknown, and not missing too.
    pub(super) fn finish(&self) {
        for entry in self.unknown() {
            self.report_unknown(entry);
        }
        for key in self.absent().filter(|key| self.misspelt(key.name).is_none()) {
            self.report_absent(key);
        }
    }

    /// Reports only the keys that are missing: for a section whose other keys are not known,
    /// because its `type` is wrong.
    pub(super) fn missing(&self) {
        for key in self.absent() {
            match self.misspelt(key.name) {
                Some(entry) => self.report_unknown(entry),
                None => self.report_absent(key),
            }
        }
    }

    fn unknown(&self) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| self.keys.iter().all(|key| key.name != entry.key))
    }

    fn absent(&self) -> impl Iterator<Item = &'static Key> {
        let keys = self.keys.iter().copied();
        keys.filter(move |key| key.presence == Presence::Required && self.entry(key.name).is_none())
    }

    /// The unknown key that was probably meant to be the key `name`, which is not there.
    pub(super) fn misspelt(&self, name: &str) -> Option<&'a Entry> {
        let meant = |entry: &&Entry| {
            nearest::nearest(&entry.key, self.keys.iter().map(|key| key.name)) == Some(name)
        };
        self.unknown().find(meant)
    }

    fn report_unknown(&self, entry: &Entry) {
        let known: Vec<&str> = self.keys.iter().map(|key| key.name).collect();
        let message = format!("unknown key `{}` in {}", entry.key, self.title);
        let hint = nearest::hint(&entry.key, "keys", &known);
        self.scope.report.push(Problem::error(&entry.key_span, message).hint(hint));
    }

    fn report_absent(&self, key: &Key) {
        let message = format!("`{}` is missing in {}", key.name, self.title);
        let hint = format!("`{}` takes {}: {}", key.name, key.takes_in_words(), key.about);
        let problem = if self.span.is_empty() {
            Problem::of_the_file(message)
        } else {
            Problem::error(&self.span, message)
        };
        self.scope.report.push(problem.hint(hint));
    }

    /// The entry of a key, if it is there.
    ///
    /// # Panics
    /// If the key is in none of this section's tables of keys, which is a mistake in a reader.
    pub(super) fn entry(&self, name: &str) -> Option<&'a Entry> {
        assert!(
            self.keys.iter().any(|key| key.name == name),
            "`{name}` is not in the table of keys"
        );
        self.entries.iter().find(|entry| entry.key == name)
    }

    /// All entries, for a section whose keys are names that the user gives.
    pub(super) fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    fn read<T>(&self, name: &str, parse: impl FnOnce(&Node) -> Result<T, Wrong>) -> Option<At<T>> {
        let Some(entry) = self.entry(name) else {
            let key = self.keys.iter().find(|key| key.name == name)?;
            let Presence::Default(default) = key.presence else { return None };
            let value = parse(&Node::assumed(default, &self.span))
                .expect("the defaults in the tables of keys are of the right kind");
            return Some(At { value, span: self.span.clone() });
        };
        if matches!(entry.node.value, Value::Invalid) {
            return None;
        }
        match parse(&entry.node) {
            Ok(value) => Some(At { value, span: entry.node.span.clone() }),
            Err(Wrong { message, hint }) => {
                self.scope.report.push(Problem::error(&entry.node.span, message).maybe_hint(hint));
                None
            }
        }
    }

    /// A table within this one.
    pub(super) fn section(
        &self,
        name: &str,
        title: impl Into<String>,
        keys: &'static [Key],
    ) -> Option<Section<'a>> {
        Section::of(&self.entry(name)?.node, title, keys, self.scope)
    }
}
