//! Reads one table of the file, key by key, by the table of keys that it may have.
//!
//! Every getter reports what is wrong and answers `None`, so that a reader goes on and finds the
//! rest; [`Section::finish`] reports keys that are unknown and keys that are missing.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::keys::{Key, Presence};
use super::problem::{Problem, Report, Span};
use super::tree::{Entry, Node, Text, Value};
use super::{nearest, units};
use crate::record::{DataType, TypeParseError};

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
        self.entries.iter().filter(|entry| self.keys.iter().all(|key| key.name != entry.key))
    }

    fn absent(&self) -> impl Iterator<Item = &'static Key> {
        let keys = self.keys.iter().copied();
        keys.filter(|key| key.presence == Presence::Required && self.entry(key.name).is_none())
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

    pub(super) fn text(&self, name: &str) -> Option<At<Text>> {
        self.read(name, |node| text_of(name, node).cloned())
    }

    pub(super) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Option<At<i64>> {
        self.read(name, |node| {
            let number = match &node.value {
                Value::Integer(number) => *number,
                Value::Text(text) if text.has_variables => {
                    text.value.trim().parse::<i64>().map_err(|_| {
                        Wrong::variable(
                            name,
                            "an integer",
                            text,
                            "its value must be digits, such as 1000",
                        )
                    })?
                }
                _ => {
                    let fits = |text: &str| text.parse::<i64>().is_ok();
                    return Err(Wrong::quoted(name, "an integer", node, fits));
                }
            };
            if range.contains(&number) {
                return Ok(number);
            }
            let (least, most) = range.into_inner();
            let message = format!("`{name}` is out of range");
            Err(if most == i64::MAX {
                Wrong::with(message, format!("at least {least}"))
            } else {
                Wrong::with(message, format!("{least} to {most}"))
            })
        })
    }

    /// A number above 0, with or without a point.
    pub(super) fn positive(&self, name: &str) -> Option<At<f64>> {
        self.read(name, |node| {
            let number = match &node.value {
                Value::Integer(number) => number.to_string().parse::<f64>().ok(),
                Value::Float(digits) => digits.parse::<f64>().ok(),
                Value::Text(text) if text.has_variables => {
                    let hint = "its value must be a number, such as 1000 or 0.5";
                    let wrong = |_| Wrong::variable(name, "a number above 0", text, hint);
                    Some(text.value.trim().parse::<f64>().map_err(wrong)?)
                }
                _ => {
                    let fits = |text: &str| text.parse::<f64>().is_ok();
                    return Err(Wrong::quoted(name, "a number", node, fits));
                }
            };
            number.filter(|number| number.is_finite() && *number > 0.0).ok_or_else(|| {
                Wrong::with(format!("`{name}` takes a number above 0"), "such as 1000 or 0.5")
            })
        })
    }

    pub(super) fn boolean(&self, name: &str) -> Option<At<bool>> {
        self.read(name, |node| match &node.value {
            Value::Boolean(value) => Ok(*value),
            Value::Text(text) if text.has_variables => match text.value.trim() {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => {
                    let hint = "its value must be true or false";
                    Err(Wrong::variable(name, "a boolean", text, hint))
                }
            },
            _ => Err(Wrong {
                hint: Some("true or false, without quotes".into()),
                ..Wrong::kind(name, "a boolean", node)
            }),
        })
    }

    pub(super) fn duration(&self, name: &str) -> Option<At<Duration>> {
        self.read(name, |node| {
            let text = text_of(name, node)
                .map_err(|wrong| Wrong::with(wrong.message, units::DURATION_HINT))?;
            units::duration(&text.value).ok_or_else(|| {
                Wrong::with(format!("`{}` is not a duration", text.written), units::DURATION_HINT)
            })
        })
    }

    /// A duration above zero.
    pub(super) fn interval(&self, name: &str) -> Option<At<Duration>> {
        let duration = self.duration(name)?;
        if duration.value.is_zero() {
            let message = format!("`{name}` must be longer than nothing");
            self.scope
                .report
                .push(Problem::error(&duration.span, message).hint(units::DURATION_HINT));
            return None;
        }
        Some(duration)
    }

    /// A size of at least one byte.
    pub(super) fn size(&self, name: &str) -> Option<At<u64>> {
        self.read(name, |node| {
            let text = text_of(name, node)
                .map_err(|wrong| Wrong::with(wrong.message, units::SIZE_HINT))?;
            units::size(&text.value).filter(|size| *size > 0).ok_or_else(|| {
                Wrong::with(format!("`{}` is not a size", text.written), units::SIZE_HINT)
            })
        })
    }

    /// A moment, in microseconds since 1970 UTC.
    pub(super) fn moment(&self, name: &str) -> Option<At<i64>> {
        self.read(name, |node| {
            let written = match &node.value {
                Value::Time(time) => time,
                Value::Text(text) => &text.value,
                _ => return Err(Wrong::kind(name, "a time", node)),
            };
            chrono::DateTime::parse_from_rfc3339(written)
                .map(|time| time.timestamp_micros())
                .map_err(|_| {
                    Wrong::with(
                        format!("`{name}` takes a time with a date and a zone"),
                        "such as 2026-01-01T00:00:00Z",
                    )
                })
        })
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&self, name: &str, options: &[(&str, T)]) -> Option<At<T>> {
        self.read(name, |node| {
            let text = text_of(name, node)?;
            match options.iter().find(|(word, _)| *word == text.value) {
                Some((_, option)) => Ok(*option),
                None => {
                    let words: Vec<&str> = options.iter().map(|(word, _)| *word).collect();
                    let message = format!("`{name}` cannot be `{}`", text.written);
                    Err(Wrong::with(message, nearest::hint(&text.written, "it can be", &words)))
                }
            }
        })
    }

    pub(super) fn data_type(&self, name: &str) -> Option<At<DataType>> {
        self.read(name, |node| parse_type(name, node))
    }

    /// A path, by the rule of [`Text::path`].
    pub(super) fn path(&self, name: &str) -> Option<At<FilePath>> {
        let folder = self.scope.folder;
        self.read(name, |node| {
            let text = text_of(name, node)?;
            if text.value.is_empty() {
                return Err(Wrong::with(format!("`{name}` is empty"), "it takes a path"));
            }
            Ok(FilePath { path: text.path(folder), display: text.value.clone() })
        })
    }

    /// One text or a list of them.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<At<Word>>> {
        let entry = self.entry(name)?;
        let nodes = match &entry.node.value {
            Value::List(nodes) if nodes.is_empty() => {
                self.scope
                    .report
                    .push(Problem::error(&entry.node.span, format!("`{name}` is an empty list")));
                return None;
            }
            Value::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(&entry.node),
        };
        let texts: Vec<At<Word>> = nodes
            .iter()
            .filter_map(|node| match &node.value {
                Value::Text(text) => Some(At { value: Word::of(text), span: node.span.clone() }),
                Value::Invalid => None,
                _ => {
                    let message =
                        format!("`{name}` takes text or a list of texts, not {}", node.kind());
                    self.scope.report.push(Problem::error(&node.span, message));
                    None
                }
            })
            .collect();
        (texts.len() == nodes.len()).then_some(texts)
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

/// The type that a column's short form `name = "type"` names.
pub(super) fn short_type(entry: &Entry, scope: Scope<'_>) -> Option<At<DataType>> {
    if matches!(entry.node.value, Value::Invalid) {
        return None;
    }
    match parse_type(&entry.key, &entry.node) {
        Ok(value) => Some(At { value, span: entry.node.span.clone() }),
        Err(Wrong { message, hint }) => {
            scope.report.push(Problem::error(&entry.node.span, message).maybe_hint(hint));
            None
        }
    }
}

fn parse_type(name: &str, node: &Node) -> Result<DataType, Wrong> {
    let text = text_of(name, node)?;
    text.value.parse::<DataType>().map_err(|error| match error {
        TypeParseError::Unknown(_) => {
            Wrong::with(format!("unknown type `{}`", text.written), type_hint(&text.written))
        }
        TypeParseError::Decimal { .. } => Wrong::with(
            format!("`{}` has digits out of range", text.written),
            "decimal(p,s): 1 to 38 digits in all, 0 to p of them behind the point",
        ),
    })
}

fn text_of<'n>(name: &str, node: &'n Node) -> Result<&'n Text, Wrong> {
    match &node.value {
        Value::Text(text) => Ok(text),
        _ => Err(Wrong::kind(name, "text", node)),
    }
}

/// The nearest type, also for those who come from another system's names.
fn type_hint(written: &str) -> String {
    let lower = written.to_lowercase();
    let name = lower.split('(').next().unwrap_or_default();
    let meant = match name {
        "string" | "varchar" | "char" | "str" => Some("text"),
        "int" | "integer" | "int4" | "int32" => Some("i32"),
        "bigint" | "long" | "int8" | "int64" => Some("i64"),
        "smallint" | "short" | "int2" | "int16" => Some("i16"),
        "float" | "real" | "float32" => Some("f32"),
        "double" | "float64" => Some("f64"),
        "numeric" | "decimal" | "money" => Some("decimal(18,2)"),
        "boolean" => Some("bool"),
        "datetime" | "timestamptz" => Some("timestamp"),
        "jsonb" => Some("json"),
        "bytes" | "bytea" | "blob" => Some("binary"),
        _ => None,
    };
    let all = nearest::hint(&lower, "types", &DataType::NAMES);
    match meant {
        Some(meant) => {
            format!("did you mean `{meant}`? (types: {})", nearest::listed(DataType::NAMES))
        }
        None => all,
    }
}
