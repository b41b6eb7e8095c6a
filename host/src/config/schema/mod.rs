//! The JSON Schema of a pipeline's file, for editors, made of the tables of keys.
//!
//! *Invariants*: every file that is right conforms. Where a number, a boolean or a word may stand,
//! the text of a variable may, too.
//! *Not here*: what only the whole graph can tell, such as names and types (`validate`).

mod value;

use serde_json::{Map, Value, json};

use super::keys::{Key, PARTS, Part, Place, Presence};
use value::{Values, definitions};

/// The JSON Schema (draft 2020-12) of a pipeline's file: `docs/pipeline.schema.json` holds exactly
/// this.
#[must_use]
pub fn schema() -> String {
    format!("{:#}\n", document())
}

fn document() -> Value {
    let mut definitions = definitions();
    let mut root = Map::new();
    for part in PARTS {
        match part.place() {
            Some(Place::File) => root = keys_of(part, None),
            Some(Place::Kind { .. }) | None => {}
            Some(_) => define(part, &mut definitions),
        }
    }
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!("A pipeline of Millrace"));
    root.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(root)
}

/// The definition's name of a part. Parts of kinds are named with those that they add to.
fn name_of(part: &Part) -> String {
    match part.place() {
        Some(Place::Table(name) | Place::Each(name)) => name.to_owned(),
        Some(Place::Columns(group)) => format!("{group}.columns"),
        Some(Place::File | Place::Kind { .. }) | None => String::new(),
    }
}

/// Defines a part; where nodes have types, one definition for each of these.
fn define(part: &'static Part, definitions: &mut Map<String, Value>) {
    let name = name_of(part);
    let variants = part.variants();
    if variants.is_empty() {
        definitions.insert(name, Value::Object(keys_of(part, None)));
        return;
    }
    let mut alternatives = Vec::new();
    for (kind, adds) in variants {
        let name = format!("{name}.{kind}");
        alternatives.push(json!({ "$ref": format!("#/$defs/{name}") }));
        definitions.insert(name, Value::Object(keys_of(part, Some((kind, adds)))));
    }
    // Of a type that a variable gives, nobody knows which keys go with it.
    alternatives.push(json!({
        "type": "object",
        "properties": { "type": { "$ref": "#/$defs/variable" } },
        "required": ["type"],
    }));
    let mut definition = Map::from_iter([("oneOf".to_owned(), Value::Array(alternatives))]);
    describe(part, &mut definition);
    definitions.insert(name, Value::Object(definition));
}

/// A table with the keys of a part, and with those that its type adds.
fn keys_of(part: &'static Part, kind: Option<(&str, Option<&'static Part>)>) -> Map<String, Value> {
    let values = Values { group: part.place().map_or("", Place::group) };
    let adds = kind.and_then(|(_, adds)| adds);
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in part.keys.iter().chain(adds.map_or(&[][..], |part| part.keys)) {
        let property = match kind {
            Some((kind, _)) if key.name == "type" => {
                json!({ "const": kind, "description": key.about })
            }
            _ => property(key, values),
        };
        properties.insert(key.name.to_owned(), property);
        if key.presence == Presence::Required {
            required.push(key.name);
        }
    }
    let mut table = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), Value::Object(properties)),
        ("required".to_owned(), json!(required)),
        ("additionalProperties".to_owned(), json!(false)),
    ]);
    describe(adds.unwrap_or(part), &mut table);
    table
}

fn describe(part: &Part, definition: &mut Map<String, Value>) {
    if !part.about.is_empty() {
        definition.insert("description".to_owned(), json!(part.about));
    }
}

/// One key: what it takes, what it is for, its default.
fn property(key: &Key, values: Values) -> Value {
    let mut property = values.of(key);
    property.insert("description".to_owned(), json!(key.about));
    if let Presence::Default(default) = key.presence {
        property.insert("default".to_owned(), values.default(key, default));
    }
    Value::Object(property)
}

#[cfg(test)]
mod tests;
