//! What a line is, and where its images and its origin stand.
//!
//! *Invariants*: one pass checks the line and finds the members by name; of members of one name the
//! last counts, as everywhere.
//! *Not here*: what is in the images (`image`).

use super::schema::{Form, Schemas};
use crate::format::json::{Cursor, Found, Kind, SyntaxError, inner, unescape};
use crate::format::value::Excerpt;
use crate::record::Operation;

/// What a line says.
#[derive(Debug)]
pub(super) enum Message {
    /// No change of a row: a tombstone or a logical message.
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
    pub(super) origin: Origin,
}

/// What the message tells of where the change is from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Origin {
    pub(super) ts_us: Option<Found>,
    pub(super) ts_ms: Option<Found>,
    pub(super) lsn: Option<Found>,
    pub(super) table: Option<Found>,
}

/// Reads a line that is not blank.
///
/// # Errors
/// The reason, if it is no message.
pub(super) fn read(line: &str, schemas: &mut Schemas) -> Result<Message, String> {
    let (root, whole) = Root::read(line, schemas).map_err(|error| error.describe(line))?;
    match whole.kind {
        Kind::Null => return Ok(Message::Nothing),
        Kind::Object => {}
        kind => return Err(format!("expected a Debezium message, found {kind}")),
    }
    let Some(payload) = root.wrapped() else { return root.outer.message(line, whole, false) };
    if payload.kind == Kind::Null {
        return Ok(Message::Nothing);
    }
    let schema = root.schema.filter(|schema| schema.kind == Kind::Object);
    if let Some(schema) = schema
        && !root.schema_is_known
    {
        schemas.learn(line.get(schema.start..schema.end).unwrap_or_default())?;
    }
    root.inner.message(line, payload, schema.is_some())
}

/// The members of a line's object, read as a wrapper and as what a wrapper would hold.
#[derive(Clone, Copy, Debug, Default)]
struct Root {
    schema: Option<Found>,
    schema_is_known: bool,
    payload: Option<Found>,
    /// Of the payload.
    inner: Members,
    /// Of the line itself.
    outer: Members,
    /// Whether there are members that no wrapper has.
    others: bool,
}

impl Root {
    fn read(line: &str, schemas: &mut Schemas) -> Result<(Self, Found), SyntaxError> {
        let mut root = Self::default();
        let mut cursor = Cursor::new(line.as_bytes(), 0);
        cursor.space();
        let start = cursor.at;
        let kind = if cursor.peek() == Some(b'{') {
            each_member(line, &mut cursor, 0, |name, cursor| {
                root.take(name, line, cursor, schemas)
            })?;
            Kind::Object
        } else {
            cursor.value(0)?
        };
        let end = cursor.at;
        cursor.end()?;
        Ok((root, Found { kind, start, end }))
    }

    fn take<'a>(
        &mut self,
        name: &str,
        line: &'a str,
        cursor: &mut Cursor<'a>,
        schemas: &mut Schemas,
    ) -> Result<(), SyntaxError> {
        let start = cursor.at;
        match name {
            "schema" => {
                let known = schemas.recall(line.get(start..).unwrap_or_default());
                let kind = match known {
                    Some(length) => {
                        cursor.at += length;
                        Kind::Object
                    }
                    None => cursor.value(1)?,
                };
                self.schema = Some(Found { kind, start, end: cursor.at });
                self.schema_is_known = known.is_some();
            }
            "payload" if cursor.peek() == Some(b'{') => {
                self.inner = Members::default();
                each_member(line, cursor, 1, |name, cursor| {
                    self.inner.take(name, line, cursor, 2)
                })?;
                self.payload = Some(Found { kind: Kind::Object, start, end: cursor.at });
            }
            "payload" => self.payload = Some(found(cursor, 1)?),
            _ => {
                self.others = true;
                self.outer.take(name, line, cursor, 1)?;
            }
        }
        Ok(())
    }

    /// The payload, if the line is a wrapper. A row may have columns of these names, too.
    fn wrapped(&self) -> Option<Found> {
        let schema = self.schema.is_none_or(|schema| is_object_or_null(&schema));
        self.payload.filter(|payload| !self.others && schema && is_object_or_null(payload))
    }
}

/// The members of an envelope, and those that `ExtractNewRecordState` adds to a row.
#[derive(Clone, Copy, Debug, Default)]
struct Members {
    op: Option<Found>,
    before: Option<Found>,
    after: Option<Found>,
    source: Option<Found>,
    /// From `source`.
    origin: Origin,
    row_op: Option<Found>,
    row_deleted: Option<Found>,
    /// From the members that begin with `__`.
    row_origin: Origin,
}

impl Members {
    fn take<'a>(
        &mut self,
        name: &str,
        line: &'a str,
        cursor: &mut Cursor<'a>,
        depth: usize,
    ) -> Result<(), SyntaxError> {
        if name == "source" && cursor.peek() == Some(b'{') {
            let start = cursor.at;
            self.origin = Origin::default();
            each_member(line, cursor, depth, |name, cursor| {
                self.origin.take(name, found(cursor, depth + 1)?);
                Ok(())
            })?;
            self.source = Some(Found { kind: Kind::Object, start, end: cursor.at });
            return Ok(());
        }
        let value = found(cursor, depth)?;
        let place = match name {
            "op" => &mut self.op,
            "before" => &mut self.before,
            "after" => &mut self.after,
            "source" => &mut self.source,
            "__op" => &mut self.row_op,
            "__deleted" => &mut self.row_deleted,
            "__source_ts_us" => &mut self.row_origin.ts_us,
            "__source_ts_ms" => &mut self.row_origin.ts_ms,
            "__lsn" | "__source_lsn" => &mut self.row_origin.lsn,
            "__table" | "__source_table" | "__collection" => &mut self.row_origin.table,
            _ => return Ok(()),
        };
        *place = Some(value);
        Ok(())
    }

    /// The message that these are the members of; `body` is the object that holds them.
    fn message(&self, line: &str, body: Found, has_schema: bool) -> Result<Message, String> {
        let is_object = |found: Option<Found>| found.is_some_and(|it| it.kind == Kind::Object);
        let images = self.before.is_some() || self.after.is_some();
        match self.op {
            Some(op) if op.kind == Kind::String && (images || is_object(self.source)) => {
                self.envelope(text(line, op), has_schema)
            }
            _ => self.row(line, body, has_schema),
        }
    }

    fn envelope(&self, op: &str, has_schema: bool) -> Result<Message, String> {
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
        let origin = self.origin;
        let form = Form::Envelope;
        Ok(Message::Change(Change { operation, after, before, form, has_schema, origin }))
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
        let origin = self.row_origin;
        Ok(Message::Change(Change {
            operation,
            after,
            before,
            form: Form::Row,
            has_schema,
            origin,
        }))
    }
}

impl Origin {
    fn take(&mut self, name: &str, value: Found) {
        match name {
            "ts_us" => self.ts_us = Some(value),
            "ts_ms" => self.ts_ms = Some(value),
            "lsn" => self.lsn = Some(value),
            "table" | "collection" => self.table = Some(value),
            _ => {}
        }
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
        Some(Kind::String) => {
            "a text (MongoDB's documents need the transform ExtractNewDocumentState)".to_owned()
        }
        Some(kind) => kind.to_string(),
    }
}

fn is_object_or_null(found: &Found) -> bool {
    matches!(found.kind, Kind::Object | Kind::Null)
}

/// The inner part of a string; operations have no escapes.
fn text(line: &str, found: Found) -> &str {
    inner(line.get(found.start..found.end).unwrap_or_default())
}

/// The value that `cursor` stands in front of, inside of `depth` arrays and objects.
pub(super) fn found(cursor: &mut Cursor<'_>, depth: usize) -> Result<Found, SyntaxError> {
    let start = cursor.at;
    let kind = cursor.value(depth)?;
    Ok(Found { kind, start, end: cursor.at })
}

/// Goes through the object that `cursor` stands in front of; `take` is called with each member's
/// name, in front of its value, and moves behind it.
pub(super) fn each_member<'a>(
    line: &'a str,
    cursor: &mut Cursor<'a>,
    depth: usize,
    mut take: impl FnMut(&str, &mut Cursor<'a>) -> Result<(), SyntaxError>,
) -> Result<(), SyntaxError> {
    let mut decoded = String::new();
    let mut name = cursor.open_object(depth)?;
    while let Some(span) = name {
        let raw = line.get(span.start..span.end).unwrap_or_default();
        take(if span.escaped { unescape(raw, &mut decoded) } else { raw }, cursor)?;
        name = cursor.next_member()?;
    }
    Ok(())
}
