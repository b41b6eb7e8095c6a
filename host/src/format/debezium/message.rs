//! What a line is, and where its images and its origin stand.
//!
//! *Invariants*: what is not surely something else is a row.
//! *Not here*: how members are found (`members`), whose table it is (`tables`), what is in the images
//! (`image`).

use super::members::{Members, Origin, Root, text};
use super::schema::{Form, Schemas};
use crate::format::json::{Found, Kind};
use crate::format::value::Excerpt;
use crate::record::Operation;

/// Why MongoDB's own envelopes are refused.
const OF_MONGODB: &str = "found a change of MongoDB, whose documents are texts or missing: they need the \
                          transform ExtractNewDocumentState in the connector";

/// What a line says.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are changes, and none of them shall be allocated"
)]
#[derive(Debug)]
pub(super) enum Message {
    /// What follows a delete, for the log's compaction.
    Tombstone,
    /// No change of a row: a logical message, a heartbeat, metadata of transactions or of schemas.
    Nothing,
    /// A change of a row.
    Change(Change),
}

/// A change, by the places of its parts in the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) operation: Operation,
    /// The object that is the row; none of deletes and truncates.
    pub(super) after: Option<Found>,
    /// The object that is the before image.
    pub(super) before: Option<Found>,
    pub(super) form: Form,
    /// Whether the message has a schema, which then is the current one.
    pub(super) has_schema: bool,
    /// Whether it says what became of the row; an unwrapped row may not.
    pub(super) tells_operation: bool,
    pub(super) origin: Origin,
}

/// Reads a line that is not blank.
///
/// # Errors
/// The reason, if it is no message.
pub(super) fn read(line: &str, schemas: &mut Schemas) -> Result<Message, String> {
    let (root, whole) = Root::read(line, schemas).map_err(|error| error.describe(line))?;
    match whole.kind {
        Kind::Null => return Ok(Message::Tombstone),
        Kind::Object => {}
        kind => return Err(format!("expected a Debezium message, found {kind}")),
    }
    let Some(payload) = root.wrapped() else { return root.outer.message(line, whole, false) };
    if payload.kind == Kind::Null {
        return Ok(Message::Tombstone);
    }
    let schema = root.schema.filter(|schema| schema.kind == Kind::Object);
    if let Some(schema) = schema
        && !root.schema_is_known
    {
        schemas.learn(line.get(schema.start..schema.end).unwrap_or_default())?;
    }
    root.inner.message(line, payload, schema.is_some())
}

impl Members {
    /// The message that these are the members of; `body` is the object that holds them.
    fn message(&self, line: &str, body: Found, has_schema: bool) -> Result<Message, String> {
        let op = self.op.filter(|op| op.kind == Kind::String).map(|op| text(line, op));
        match op {
            Some(op) if self.is_envelope(op) => self.envelope(line, op, has_schema),
            _ if self.is_of_no_row(line) => Ok(Message::Nothing),
            _ => self.row(line, body, has_schema),
        }
    }

    /// Whether a message with this `op` is an envelope. A row may have columns of these names, too.
    fn is_envelope(&self, op: &str) -> bool {
        let kind = |found: Option<Found>| found.map_or(Kind::Null, |found| found.kind);
        if kind(self.source) == Kind::Object {
            return op.chars().nth(1).is_none() && !op.is_empty();
        }
        let images = [kind(self.before), kind(self.after)];
        matches!(op, "c" | "u" | "r" | "d")
            && images.contains(&Kind::Object)
            && images.iter().all(|kind| matches!(kind, Kind::Object | Kind::Null))
    }

    /// Whether these are the members of a heartbeat, of a transaction's beginning or end, or of a
    /// change of schemas: each by members that no row is likely to have together.
    fn is_of_no_row(&self, line: &str) -> bool {
        let marks = &self.marks;
        let is_heartbeat = marks.ts_ms && self.count == 1;
        let is_transaction = marks.id
            && marks.event_count
            && marks.status.is_some_and(|status| matches!(text(line, status), "BEGIN" | "END"));
        let has_source = self.source.is_some_and(|source| source.kind == Kind::Object);
        let is_of_schemas = has_source && marks.database_name && marks.ddl_or_changes;
        is_heartbeat || is_transaction || is_of_schemas
    }

    fn envelope(&self, line: &str, op: &str, has_schema: bool) -> Result<Message, String> {
        let is_mongodb = |connector| text(line, connector) == "mongodb";
        if op != "m" && (self.update_description || self.origin.connector.is_some_and(is_mongodb)) {
            return Err(OF_MONGODB.to_owned());
        }
        let Some(operation) = operation(op) else {
            return if op == "m" { Ok(Message::Nothing) } else { Err(unknown_op("op", op)) };
        };
        let object = |found: Option<Found>| found.filter(|it| it.kind == Kind::Object);
        let (after, before) = match operation {
            Operation::Truncate => (None, None),
            Operation::Delete => match object(self.before) {
                Some(before) => (None, Some(before)),
                None => {
                    return Err(format!(
                        "expected the row that is gone in `before`, found {}: the table needs a key \
                         or a full replica identity",
                        what(self.before)
                    ));
                }
            },
            Operation::Insert | Operation::Update | Operation::Read => match object(self.after) {
                Some(after) => {
                    let is_update = operation == Operation::Update;
                    (Some(after), object(self.before).filter(|_| is_update))
                }
                None => {
                    return Err(format!(
                        "expected an object in `after`, found {}",
                        what(self.after)
                    ));
                }
            },
        };
        Ok(Message::Change(Change {
            operation,
            after,
            before,
            form: Form::Envelope,
            has_schema,
            tells_operation: true,
            origin: self.origin,
        }))
    }

    fn row(&self, line: &str, body: Found, has_schema: bool) -> Result<Message, String> {
        let deleted = self
            .row_deleted
            .and_then(|found| line.get(found.start..found.end))
            .is_some_and(|raw| matches!(raw, "true" | "\"true\""));
        let op = self.row_op.filter(|op| op.kind == Kind::String).map(|op| text(line, op));
        let operation = match op {
            _ if deleted => Operation::Delete,
            None => Operation::Update,
            Some("m") => return Ok(Message::Nothing),
            Some(op) => operation(op).ok_or_else(|| unknown_op("__op", op))?,
        };
        let (after, before) = match operation {
            Operation::Truncate => (None, None),
            Operation::Delete => (None, Some(body)),
            Operation::Insert | Operation::Update | Operation::Read => (Some(body), None),
        };
        Ok(Message::Change(Change {
            operation,
            after,
            before,
            form: Form::Row,
            has_schema,
            tells_operation: op.is_some() || self.row_deleted.is_some(),
            origin: self.row_origin,
        }))
    }
}

fn operation(op: &str) -> Option<Operation> {
    Some(match op {
        "c" => Operation::Insert,
        "r" => Operation::Read,
        "u" => Operation::Update,
        "d" => Operation::Delete,
        "t" => Operation::Truncate,
        _ => return None,
    })
}

fn unknown_op(member: &str, op: &str) -> String {
    format!("expected c, r, u, d, t or m in `{member}`, found the text \"{}\"", Excerpt(op))
}

/// What stands where an image should, in words.
fn what(found: Option<Found>) -> String {
    match found.map(|found| found.kind) {
        None => "nothing".to_owned(),
        Some(kind) => kind.to_string(),
    }
}
