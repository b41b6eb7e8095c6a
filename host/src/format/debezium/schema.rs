//! What the schemas of messages say of the columns.
//!
//! With `schemas.enable=true` each message carries its schema, which is longer than its row and the
//! same for a long time. So a schema is parsed once, and known again by its bytes.
//!
//! *Invariants*: a few schemas are kept, the last used first, each of bounded size.

use serde_json::Value;

use crate::format::{ColumnSpec, TimeUnit};

/// What a value is beyond its JSON, where its schema says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Semantic {
    /// Days since 1970-01-01.
    Days,
    /// A count of the unit since midnight.
    TimeOfDay(TimeUnit),
    /// A count of the unit since 1970-01-01.
    Timestamp(TimeUnit),
    /// An integer of big-endian bytes in base64, to be divided by 10^scale.
    Decimal { scale: i64 },
    /// Bits as little-endian bytes in base64.
    Bits,
    /// A year's number.
    Year,
    /// Text that is what it says, and no bytes in base64.
    Text,
}

/// Where a row stands in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In `after` and `before`.
    Envelope,
    /// It is the message.
    Row,
}

/// More than one table's, and each in two versions, may come in turns.
const MAX_SCHEMAS: usize = 8;

/// A schema of some thousand columns is shorter.
pub(super) const MAX_SCHEMA_BYTES: usize = 4 << 20;

#[derive(Debug)]
struct Known {
    text: Box<str>,
    /// By column, for a row of an envelope.
    envelope: Vec<Option<Semantic>>,
    /// By column, for a row that is the message.
    row: Vec<Option<Semantic>>,
}

/// The schemas that were met.
#[derive(Debug)]
pub(super) struct Schemas {
    /// By column: the names that lead to it.
    paths: Vec<Vec<String>>,
    /// The last used first.
    known: Vec<Known>,
}

impl Schemas {
    pub(super) fn new(columns: &[ColumnSpec]) -> Self {
        Self {
            paths: columns.iter().map(|column| column.path.clone()).collect(),
            known: Vec::new(),
        }
    }

    /// The length of the known schema that `rest` begins with; it becomes the current one. An
    /// object's text is never the beginning of another one's.
    pub(super) fn recall(&mut self, rest: &str) -> Option<usize> {
        let place = self.known.iter().position(|known| rest.starts_with(&*known.text))?;
        self.known.get_mut(..=place)?.rotate_right(1);
        self.known.first().map(|known| known.text.len())
    }

    /// Makes `text`, the checked text of an object, the current schema.
    ///
    /// # Errors
    /// The reason, if it is too long to be kept.
    pub(super) fn learn(&mut self, text: &str) -> Result<(), String> {
        let length = text.len();
        if length > MAX_SCHEMA_BYTES {
            return Err(format!(
                "expected a `schema` of at most {MAX_SCHEMA_BYTES} bytes, found {length}"
            ));
        }
        // Nothing is left to fail in checked text; what is no schema explains nothing.
        let schema = serde_json::from_str(text).unwrap_or(Value::Null);
        let after = field(&schema, "after").or_else(|| field(&schema, "before"));
        let semantics = |root: Option<&Value>| -> Vec<Option<Semantic>> {
            self.paths.iter().map(|path| root.and_then(|root| semantic_at(root, path))).collect()
        };
        let known =
            Known { envelope: semantics(after), row: semantics(Some(&schema)), text: text.into() };
        self.known.truncate(MAX_SCHEMAS - 1);
        self.known.insert(0, known);
        Ok(())
    }

    /// By column: what the current schema says.
    pub(super) fn current(&self, form: Form) -> &[Option<Semantic>] {
        match (self.known.first(), form) {
            (Some(known), Form::Envelope) => &known.envelope,
            (Some(known), Form::Row) => &known.row,
            (None, _) => &[],
        }
    }
}

/// The field `name` of a struct's schema.
fn field<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = schema.get("fields")?.as_array()?;
    fields.iter().find(|field| field.get("field").and_then(Value::as_str) == Some(name))
}

fn semantic_at(root: &Value, path: &[String]) -> Option<Semantic> {
    let schema = path.iter().try_fold(root, |schema, name| field(schema, name))?;
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    Some(match text("name").unwrap_or_default() {
        "io.debezium.time.Date" | "org.apache.kafka.connect.data.Date" => Semantic::Days,
        "io.debezium.time.Time" | "org.apache.kafka.connect.data.Time" => {
            Semantic::TimeOfDay(TimeUnit::Ms)
        }
        "io.debezium.time.MicroTime" => Semantic::TimeOfDay(TimeUnit::Us),
        "io.debezium.time.NanoTime" => Semantic::TimeOfDay(TimeUnit::Ns),
        "io.debezium.time.Timestamp" | "org.apache.kafka.connect.data.Timestamp" => {
            Semantic::Timestamp(TimeUnit::Ms)
        }
        "io.debezium.time.MicroTimestamp" => Semantic::Timestamp(TimeUnit::Us),
        "io.debezium.time.NanoTimestamp" => Semantic::Timestamp(TimeUnit::Ns),
        "org.apache.kafka.connect.data.Decimal" => {
            let scale = schema.get("parameters")?.get("scale")?.as_str()?.parse().ok()?;
            Semantic::Decimal { scale }
        }
        "io.debezium.data.Bits" => Semantic::Bits,
        "io.debezium.time.Year" => Semantic::Year,
        _ if text("type") == Some("string") => Semantic::Text,
        // Documents, durations and what carries its own scale explain themselves.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DataType;

    fn schemas() -> Schemas {
        Schemas::new(&[ColumnSpec {
            name: "at".into(),
            path: vec!["at".to_owned()],
            data_type: DataType::Timestamp,
            unit: None,
            required: false,
            key: false,
        }])
    }

    fn schema(name: &str) -> String {
        format!(r#"{{"fields":[{{"field":"at","name":"io.debezium.time.{name}"}}]}}"#)
    }

    #[test]
    fn a_schema_is_known_again_by_its_bytes() {
        let mut schemas = schemas();
        let (millis, micros) = (schema("Timestamp"), schema("MicroTimestamp"));
        assert_eq!(schemas.recall(&millis), None);
        schemas.learn(&millis).unwrap();
        schemas.learn(&micros).unwrap();
        assert_eq!(schemas.current(Form::Row), [Some(Semantic::Timestamp(TimeUnit::Us))]);
        let rest = format!("{millis},\"payload\":null}}");
        assert_eq!(schemas.recall(&rest), Some(millis.len()));
        assert_eq!(schemas.current(Form::Row), [Some(Semantic::Timestamp(TimeUnit::Ms))]);
        assert_eq!(schemas.current(Form::Envelope), [None]);
    }

    #[test]
    fn few_schemas_are_kept_and_none_that_is_too_long() {
        let mut schemas = schemas();
        let texts: Vec<String> = (0..=MAX_SCHEMAS).map(|n| schema(&n.to_string())).collect();
        for text in &texts {
            schemas.learn(text).unwrap();
        }
        assert_eq!(schemas.known.len(), MAX_SCHEMAS);
        assert_eq!(schemas.recall(&texts[0]), None);
        assert!(schemas.recall(&texts[1]).is_some());
        let long = format!("{{\"fields\":\"{}\"}}", "x".repeat(MAX_SCHEMA_BYTES));
        assert!(schemas.learn(&long).unwrap_err().contains("at most"));
    }
}
