//! Debezium's messages: where the row is, and the columns that a schema declares.

use serde_json::Value;

use super::Column;
use super::names::snake_case;
use super::seen::Guess;
use crate::record::DataType;

/// What stands for a value that PostgreSQL left out.
const UNAVAILABLE: &str = "__debezium_unavailable_value";
/// What `ExtractNewRecordState` adds to say what became of the row.
const ADDED: [&str; 2] = ["__op", "__deleted"];

/// A row of a message, and its schema if the message has one.
pub(super) struct Message {
    pub row: Value,
    pub schema: Option<Value>,
}

/// Whether a line is a message of Debezium's rather than anyone's JSON.
pub(super) fn is_message(line: &Value) -> bool {
    let payload = line.get("payload");
    let is_wrapped = payload.is_some() && line.get("schema").is_some();
    is_wrapped
        || is_envelope(line)
        || payload.is_some_and(is_envelope)
        || ADDED.iter().any(|name| line.get(name).is_some())
}

/// Whether a line is one that a connector sends beside rows: a heartbeat, a transaction's beginning
/// or end, or a change of schemas. It does not tell whether other lines are messages.
pub(super) fn is_aside(line: &Value) -> bool {
    let Some(members) = line.as_object() else { return false };
    let has = |name: &str| members.contains_key(name);
    let status = line.get("status").and_then(Value::as_str);
    let is_heartbeat = members.len() == 1 && has("ts_ms");
    let is_transaction = matches!(status, Some("BEGIN" | "END"))
        && line.get("id").is_some_and(Value::is_string)
        && has("event_count");
    let is_of_schemas = line.get("source").is_some_and(Value::is_object)
        && has("databaseName")
        && (has("ddl") || has("tableChanges"));
    is_heartbeat || is_transaction || is_of_schemas
}

fn is_envelope(value: &Value) -> bool {
    let parts = ["source", "before", "after"];
    value.get("op").is_some() && parts.iter().any(|part| value.get(part).is_some())
}

/// The row of a message as the reader sees it; none in what is no row, and in deletes, where only
/// the key is true.
pub(super) fn message(mut line: Value) -> Option<Message> {
    let mut schema = None;
    if line.get("payload").is_some() {
        schema = line.get_mut("schema").map(Value::take).filter(Value::is_object);
        line = line.get_mut("payload").map(Value::take)?;
    }
    if is_aside(&line) {
        return None;
    }
    if is_envelope(&line) {
        if !matches!(line.get("op").and_then(Value::as_str), Some("c" | "r" | "u")) {
            return None;
        }
        schema = schema.and_then(|schema| field(&schema, "after").cloned());
        line = line.get_mut("after").map(Value::take)?;
    }
    let members = line.as_object_mut()?;
    let deleted = members.get("__deleted");
    if deleted.is_some_and(|deleted| *deleted == Value::Bool(true) || *deleted == "true") {
        return None;
    }
    for name in ADDED {
        members.remove(name);
    }
    members.retain(|_, value| value.as_str() != Some(UNAVAILABLE));
    Some(Message { row: line, schema })
}

fn field<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    fields(schema).find(|field| name_of(field) == Some(name))
}

fn fields(schema: &Value) -> impl Iterator<Item = &Value> {
    schema.get("fields").and_then(Value::as_array).into_iter().flatten()
}

fn name_of(field: &Value) -> Option<&str> {
    field.get("field").and_then(Value::as_str)
}

/// What a schema's columns were in the rows.
#[derive(Debug, Default)]
pub(super) struct Declared {
    columns: Vec<Column>,
}

impl Declared {
    /// Takes a row into account, and the columns that its schema, if it has one, adds to those of
    /// earlier ones.
    pub(super) fn add(&mut self, schema: Option<&Value>, row: &Value) {
        if let Some(schema) = schema {
            self.declare(schema, &mut Vec::new());
        }
        for column in &mut self.columns {
            let value = column.path.iter().try_fold(row, |value, name| value.get(name));
            let Some(value) = value.filter(|value| !value.is_null()) else { continue };
            column.values += 1;
            if column.example.is_none() {
                column.example = Some(value.to_string());
            }
            // A decimal that carries its scale: the widest counts.
            if let Some(scale) = value.get("scale").and_then(Value::as_u64)
                && let Some(Guess { data_type: DataType::Decimal { scale: widest, .. }, .. }) =
                    &mut column.guess
            {
                *widest = (*widest).max(u8::try_from(scale.min(38)).unwrap_or(38));
            }
        }
    }

    fn declare(&mut self, schema: &Value, path: &mut Vec<String>) {
        for field in fields(schema) {
            let Some(name) = name_of(field) else { continue };
            if path.is_empty() && ADDED.contains(&name) {
                continue;
            }
            path.push(name.to_owned());
            match declared(field) {
                Some(_) if self.columns.iter().any(|column| column.path == *path) => {}
                Some(guess) => {
                    let column = Column {
                        name: snake_case(name),
                        path: path.clone(),
                        guess: Some(guess),
                        values: 0,
                        nulls: 0,
                        example: None,
                    };
                    self.columns.push(column);
                }
                None => self.declare(field, path),
            }
            path.pop();
        }
    }

    /// The columns, in the schema's order.
    pub(super) fn columns(self, rows: u64) -> Vec<Column> {
        self.columns
            .into_iter()
            .map(|column| Column { nulls: rows.saturating_sub(column.values), ..column })
            .collect()
    }
}

/// The type that a field's schema declares; none for a struct whose members are columns.
fn declared(field: &Value) -> Option<Guess> {
    let text = |key: &str| field.get(key).and_then(Value::as_str);
    let parameter = |key: &str| {
        let value = field.get("parameters")?.get(key)?.as_str()?;
        value.parse::<u8>().ok()
    };
    let name = text("name").unwrap_or_default();
    if let Some(guess) = semantic(name, parameter) {
        return Some(guess);
    }
    Some(Guess::of(match text("type").unwrap_or_default() {
        "boolean" => DataType::Bool,
        "int8" | "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "float" | "float32" => DataType::Float32,
        "double" | "float64" => DataType::Float64,
        "string" => DataType::Text,
        "bytes" => DataType::Binary,
        "struct" if !name.starts_with("io.debezium.data.geometry.") => return None,
        _ => DataType::Json,
    }))
}

/// The type that a semantic name stands for, whatever carries it.
fn semantic(name: &str, parameter: impl Fn(&str) -> Option<u8>) -> Option<Guess> {
    let class = name.strip_prefix("io.debezium.").unwrap_or(name);
    let class = class.strip_prefix("org.apache.kafka.connect.").unwrap_or(class);
    Some(match class {
        "time.Date" | "data.Date" => Guess::of(DataType::Date),
        "time.Time" | "time.MicroTime" | "time.NanoTime" | "time.ZonedTime" | "time.IsoTime"
        | "data.Time" => Guess::of(DataType::Time),
        "time.Timestamp" | "data.Timestamp" => Guess::timestamp("ms"),
        "time.MicroTimestamp" => Guess::timestamp("us"),
        "time.NanoTimestamp" => Guess::timestamp("ns"),
        "time.ZonedTimestamp" | "time.IsoTimestamp" => Guess::timestamp("iso"),
        "time.IsoDate" => Guess::of(DataType::Date),
        "data.Decimal" => {
            let scale = parameter("scale")?.min(38);
            let precision = parameter("connect.decimal.precision").unwrap_or(38);
            Guess::of(DataType::Decimal { precision: precision.clamp(scale.max(1), 38), scale })
        }
        "data.VariableScaleDecimal" => Guess {
            note: Some("its scale varies: this is the widest of the sample".to_owned()),
            ..Guess::of(DataType::Decimal { precision: 38, scale: 0 })
        },
        "data.Json" => Guess::of(DataType::Json),
        "data.Uuid" => Guess::of(DataType::Uuid),
        // They are read as the number that they are.
        "data.Bits" => Guess::of(match parameter("length") {
            Some(0..=63) => DataType::Int64,
            Some(64) => DataType::Decimal { precision: 38, scale: 0 },
            _ => DataType::Text,
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Option<String> {
        message(serde_json::from_str(line).expect("JSON")).map(|message| message.row.to_string())
    }

    #[test]
    fn rows_are_found_in_every_form_of_message() {
        let found = Some(r#"{"id":1}"#.to_owned());
        for line in [
            r#"{"schema":{},"payload":{"before":null,"after":{"id":1},"op":"c"}}"#,
            r#"{"before":{"id":0},"after":{"id":1},"source":{},"op":"u"}"#,
            r#"{"id":1,"__op":"r","__deleted":"false"}"#,
            r#"{"after":{"id":1,"big":"__debezium_unavailable_value"},"op":"u"}"#,
        ] {
            assert_eq!(row(line), found, "{line}");
            assert!(is_message(&serde_json::from_str(line).expect("JSON")), "{line}");
        }
        for line in [
            "null",
            r#"{"schema":null,"payload":null}"#,
            r#"{"before":{"id":1},"after":null,"op":"d"}"#,
            r#"{"id":1,"__deleted":"true"}"#,
            r#"{"after":"{\"_id\":1}","op":"c"}"#,
            r#"{"ts_ms":1}"#,
            r#"{"schema":{},"payload":{"ts_ms":1}}"#,
            r#"{"status":"BEGIN","id":"571:1","event_count":null,"data_collections":null}"#,
            r#"{"source":{},"databaseName":"d","ddl":"CREATE TABLE t (a INT)"}"#,
        ] {
            assert_eq!(row(line), None, "{line}");
        }
        assert!(!is_message(&serde_json::json!({"payload": {"_id": "x"}})));
    }
}
