//! Typed values of a section: each getter reports what does not fit, and answers `None` then.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::{At, FilePath, Scope, Section, Word, Wrong};
use crate::config::problem::Problem;
use crate::config::tree::{Entry, Node, Text, Value};
use crate::config::{nearest, units};
use crate::record::{DataType, TypeParseError};

impl Section<'_> {
    pub(in crate::config) fn text(&self, name: &str) -> Option<At<Text>> {
        self.read(name, |node| text_of(name, node).cloned())
    }

    pub(in crate::config) fn integer(
        &self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Option<At<i64>> {
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
    pub(in crate::config) fn positive(&self, name: &str) -> Option<At<f64>> {
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

    pub(in crate::config) fn boolean(&self, name: &str) -> Option<At<bool>> {
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

    pub(in crate::config) fn duration(&self, name: &str) -> Option<At<Duration>> {
        self.read(name, |node| {
            let text = text_of(name, node)
                .map_err(|wrong| Wrong::with(wrong.message, units::DURATION_HINT))?;
            units::duration(&text.value).ok_or_else(|| {
                Wrong::with(format!("`{}` is not a duration", text.written), units::DURATION_HINT)
            })
        })
    }

    /// A duration above zero.
    pub(in crate::config) fn interval(&self, name: &str) -> Option<At<Duration>> {
        let duration = self.duration(name)?;
        if duration.value.is_zero() {
            let message = format!("`{name}` must be more than 0");
            self.scope
                .report
                .push(Problem::error(&duration.span, message).hint(units::DURATION_HINT));
            return None;
        }
        Some(duration)
    }

    /// A size of at least one byte.
    pub(in crate::config) fn size(&self, name: &str) -> Option<At<u64>> {
        self.read(name, |node| {
            let text = text_of(name, node)
                .map_err(|wrong| Wrong::with(wrong.message, units::SIZE_HINT))?;
            units::size(&text.value).filter(|size| *size > 0).ok_or_else(|| {
                Wrong::with(format!("`{}` is not a size", text.written), units::SIZE_HINT)
            })
        })
    }

    /// A moment, in microseconds since 1970 UTC.
    pub(in crate::config) fn moment(&self, name: &str) -> Option<At<i64>> {
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
    pub(in crate::config) fn choice<T: Copy>(
        &self,
        name: &str,
        options: &[(&str, T)],
    ) -> Option<At<T>> {
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

    pub(in crate::config) fn data_type(&self, name: &str) -> Option<At<DataType>> {
        self.read(name, |node| parse_type(name, node))
    }

    /// A path, by the rule of [`Text::path`].
    pub(in crate::config) fn path(&self, name: &str) -> Option<At<FilePath>> {
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
    pub(in crate::config) fn texts(&self, name: &str) -> Option<Vec<At<Word>>> {
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
}

/// The type that a column's short form `name = "type"` names.
pub(in crate::config) fn short_type(entry: &Entry, scope: Scope<'_>) -> Option<At<DataType>> {
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
