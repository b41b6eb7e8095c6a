//! What one key takes, as JSON Schema.

use serde_json::{Map, Value, json};

use super::name_of;
use crate::config::keys::{Key, Kind, PARTS, Presence};
use crate::record::DataType;

/// A text with a variable in it, or what looks like one.
pub(super) const VARIABLE: &str = r"\$\{";
/// The name of a node.
pub(super) const NAME: &str = "^[A-Za-z0-9_-]+$";
/// A duration, or a text with a variable.
pub(super) const DURATION: &str = r"^[0-9]+\s*(ms|s|m|h|d)$|\$\{";
/// A size, or a text with a variable.
pub(super) const SIZE: &str = r"^[0-9]+\s*(B|KiB|MiB|GiB|kB|MB|GB)$|\$\{";
/// A decimal type, or a text with a variable.
pub(super) const DECIMAL: &str = r"^decimal\(\s*[0-9]+\s*,\s*[0-9]+\s*\)$|\$\{";

/// What the keys refer to by name.
pub(super) fn definitions() -> Map<String, Value> {
    let types: Vec<&str> = DataType::NAMES.into_iter().filter(|name| !name.contains('(')).collect();
    let definitions = [
        (
            "variable",
            json!({
                "type": "string",
                "pattern": VARIABLE,
                "description": "a variable: `${NAME}`, or `${NAME:-default}`",
            }),
        ),
        ("duration", json!({ "type": "string", "pattern": DURATION })),
        ("size", json!({ "type": "string", "pattern": SIZE })),
        ("type", json!({ "anyOf": [{ "enum": types }, { "type": "string", "pattern": DECIMAL }] })),
    ];
    definitions.into_iter().map(|(name, definition)| (name.to_owned(), definition)).collect()
}

/// The keys of nodes of one group.
#[derive(Clone, Copy)]
pub(super) struct Values {
    pub group: &'static str,
}

impl Values {
    /// What a key takes.
    pub(super) fn of(self, key: &Key) -> Map<String, Value> {
        let kinds = key.kinds().unwrap_or_default();
        let mut plain: Vec<Value> = Vec::new();
        let words = key.words();
        if !words.is_empty() {
            plain.push(json!({ "enum": words }));
        }
        plain.extend(kinds.iter().filter_map(|kind| scalar(*kind)));
        let any_text = |kind: &Kind| matches!(kind, Kind::Text | Kind::Secret | Kind::Time);
        let takes_text = kinds.iter().any(any_text);
        let no_text = |kind: &Kind| {
            matches!(kind, Kind::Word(_) | Kind::Integer | Kind::Number | Kind::Boolean)
        };
        if kinds.iter().any(no_text) && !takes_text {
            plain.push(reference("variable"));
        }
        if kinds.contains(&Kind::Table) && key.inner(self.group).is_some() && takes_text {
            // The short form of a table is its one required key.
            plain = self.short_form(key).map_or(plain, |short| vec![short]);
        }
        let tables: Vec<Value> =
            kinds.iter().filter_map(|kind| self.table(key, *kind, &plain)).collect();
        plain.extend(tables);
        if let [only] = plain.as_mut_slice() {
            return members(only.take());
        }
        // A key whose words are not understood takes anything.
        if plain.is_empty() { Map::new() } else { members(json!({ "anyOf": plain })) }
    }

    /// A default as a value of the kind that its key takes.
    pub(super) fn default(self, key: &Key, default: &str) -> Value {
        let kinds = key.kinds().unwrap_or_default();
        let bare = |kind: &Kind| matches!(kind, Kind::Integer | Kind::Number | Kind::Boolean);
        if kinds.iter().any(bare)
            && let Ok(value) = serde_json::from_str(default)
        {
            return value;
        }
        json!(default)
    }

    fn short_form(self, key: &Key) -> Option<Value> {
        let part = key.inner(self.group)?;
        let required = part.keys.iter().find(|key| key.presence == Presence::Required)?;
        Some(Value::Object(self.of(required)))
    }

    /// A table, or another key's value; `plain` is what the key takes beside it.
    fn table(self, key: &Key, kind: Kind, plain: &[Value]) -> Option<Value> {
        let inner = key.inner(self.group).map(|part| reference(&name_of(part)));
        Some(match kind {
            Kind::Table => inner.unwrap_or_else(|| match plain {
                [] => json!({ "type": "object" }),
                // Named values, each as it may stand alone.
                _ => json!({ "type": "object", "additionalProperties": { "anyOf": plain } }),
            }),
            Kind::Tables => json!({
                "type": "object",
                "patternProperties": { NAME: inner.unwrap_or_else(|| json!({ "type": "object" })) },
                "additionalProperties": false,
            }),
            Kind::Columns => {
                let long = inner.into_iter();
                let forms: Vec<Value> = std::iter::once(reference("type")).chain(long).collect();
                json!({ "type": "object", "additionalProperties": { "anyOf": forms } })
            }
            Kind::Values => json!({
                "type": "object",
                "additionalProperties": { "type": ["string", "integer", "number", "boolean"] },
            }),
            Kind::AsIn(title) => {
                let part = PARTS.iter().find(|part| part.title == title)?;
                let other = part.keys.iter().find(|other| other.name == key.name)?;
                Value::Object(self.of(other))
            }
            _ => return None,
        })
    }
}

/// A value that is no table; words are put together elsewhere.
fn scalar(kind: Kind) -> Option<Value> {
    Some(match kind {
        // A time without quotes is handed on as a text by every reader of TOML for JSON Schema.
        Kind::Text | Kind::Secret | Kind::Time => json!({ "type": "string" }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Duration => reference("duration"),
        Kind::Size => reference("size"),
        Kind::Type => reference("type"),
        Kind::List => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Word(_)
        | Kind::Table
        | Kind::Tables
        | Kind::Columns
        | Kind::Values
        | Kind::AsIn(_) => return None,
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
