//! The members of a line's object by name: those of a wrapper, of an envelope and of a row.
//!
//! *Invariants*: one pass checks the line and finds the members by name; of members of one name the
//! last counts, as everywhere.
//! *Not here*: what they make of the line (`message`).

use super::schema::Schemas;
use crate::format::json::{Cursor, Found, Kind, SyntaxError, inner, unescape};

/// What the message tells of where the change is from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Origin {
    pub(super) ts_us: Option<Found>,
    pub(super) ts_ms: Option<Found>,
    pub(super) lsn: Option<Found>,
    pub(super) database: Option<Found>,
    pub(super) schema: Option<Found>,
    pub(super) table: Option<Found>,
    pub(super) connector: Option<Found>,
}

/// The members of a line's object, read as a wrapper and as what a wrapper would hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Root {
    pub(super) schema: Option<Found>,
    pub(super) schema_is_known: bool,
    pub(super) payload: Option<Found>,
    /// Of the payload.
    pub(super) inner: Members,
    /// Of the line itself.
    pub(super) outer: Members,
    /// Whether there are members that no wrapper has.
    others: bool,
}

impl Root {
    pub(super) fn read(line: &str, schemas: &mut Schemas) -> Result<(Self, Found), SyntaxError> {
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
    pub(super) fn wrapped(&self) -> Option<Found> {
        let schema = self.schema.is_none_or(|schema| is_object_or_null(&schema));
        self.payload.filter(|payload| !self.others && schema && is_object_or_null(payload))
    }
}

/// The members of an envelope, those that `ExtractNewRecordState` adds to a row, and those by which
/// messages are known that are of no row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Members {
    pub(super) count: usize,
    pub(super) op: Option<Found>,
    pub(super) before: Option<Found>,
    pub(super) after: Option<Found>,
    pub(super) source: Option<Found>,
    /// From `source`.
    pub(super) origin: Origin,
    pub(super) row_op: Option<Found>,
    pub(super) row_deleted: Option<Found>,
    /// From the members that begin with `__`.
    pub(super) row_origin: Origin,
    /// Only MongoDB's envelopes have it.
    pub(super) update_description: bool,
    pub(super) marks: Marks,
}

/// What messages have that are of no row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    pub(super) ts_ms: bool,
    /// Of a transaction's beginning or end.
    pub(super) status: Option<Found>,
    pub(super) id: bool,
    pub(super) event_count: bool,
    /// Of a change of schemas.
    pub(super) database_name: bool,
    pub(super) ddl_or_changes: bool,
}

impl Members {
    fn take<'a>(
        &mut self,
        name: &str,
        line: &'a str,
        cursor: &mut Cursor<'a>,
        depth: usize,
    ) -> Result<(), SyntaxError> {
        self.count += 1;
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
            "__db" | "__source_db" => &mut self.row_origin.database,
            "__schema" | "__source_schema" => &mut self.row_origin.schema,
            "__table" | "__source_table" | "__collection" => &mut self.row_origin.table,
            "updateDescription" => {
                self.update_description = true;
                return Ok(());
            }
            other => {
                self.marks.take(other, value);
                return Ok(());
            }
        };
        *place = Some(value);
        Ok(())
    }
}

impl Marks {
    fn take(&mut self, name: &str, value: Found) {
        let is_text = value.kind == Kind::String;
        match name {
            "ts_ms" => self.ts_ms = true,
            "status" => self.status = Some(value).filter(|_| is_text),
            "id" => self.id = is_text,
            "event_count" => self.event_count = true,
            "databaseName" => self.database_name = true,
            "ddl" | "tableChanges" => self.ddl_or_changes = true,
            _ => {}
        }
    }
}

impl Origin {
    fn take(&mut self, name: &str, value: Found) {
        match name {
            "ts_us" => self.ts_us = Some(value),
            "ts_ms" => self.ts_ms = Some(value),
            "lsn" => self.lsn = Some(value),
            "db" => self.database = Some(value),
            "schema" => self.schema = Some(value),
            "connector" => self.connector = Some(value),
            "table" | "collection" => self.table = Some(value),
            _ => {}
        }
    }
}

fn is_object_or_null(found: &Found) -> bool {
    matches!(found.kind, Kind::Object | Kind::Null)
}

/// The inner part of a string; operations have no escapes.
pub(super) fn text(line: &str, found: Found) -> &str {
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
