//! One column of the layout: how its values are written, and what stands around them.

use super::cells::Cells;
use super::text;
use crate::record::DataType;
use crate::sink::stream_load::protocol::CSV_NULL;
use crate::sink::stream_load::target::{ColumnType, Mapped, Origin};

/// How a value stands in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As it is.
    Bare,
    /// In quotes, without anything to escape.
    Quoted,
    /// In quotes, escaped.
    Escaped,
    /// As the JSON that it is.
    Raw,
}

pub(super) struct Column {
    pub(super) mapped: Mapped,
    /// Whether rows that delete have its value.
    pub(super) is_in_deletes: bool,
    form: Form,
    /// What comes before a value: the name, and the opening quote.
    before: Padded,
    /// The member that is null.
    null: Padded,
    /// The member of a row that deletes.
    neutral: Padded,
    neutral_text: &'static str,
}

impl Column {
    pub(super) fn new(mapped: Mapped, is_first: bool) -> Self {
        let form = form(&mapped);
        let open = if is_first { b'{' } else { b',' };
        let member = |value: &str| {
            let mut member = vec![open, b'"'];
            text::escape(&mut member, mapped.name.as_bytes());
            member.extend_from_slice(b"\":");
            member.extend_from_slice(value.as_bytes());
            Padded::new(member)
        };
        let neutral = if mapped.required { neutral(&mapped.target) } else { "null" };
        Self {
            is_in_deletes: mapped.key || !matches!(mapped.origin, Origin::Input(_)),
            form,
            before: member(if matches!(form, Form::Quoted | Form::Escaped) { "\"" } else { "" }),
            null: member("null"),
            neutral: member(neutral),
            neutral_text: if mapped.required { neutral.trim_matches('"') } else { CSV_NULL },
            mapped,
        }
    }

    /// Appends a row's value with its name.
    #[inline]
    pub(super) fn member(&self, out: &mut Vec<u8>, cells: &mut Cells<'_>, row: usize) {
        if cells.is_null(row) {
            return self.null.put(out);
        }
        match self.form {
            Form::Bare => {
                self.before.put(out);
                cells.write(out, row);
            }
            Form::Quoted => {
                self.before.put(out);
                cells.write(out, row);
                out.push(b'"');
            }
            Form::Escaped => {
                self.before.put(out);
                text::escape(out, cells.text(row));
                out.push(b'"');
            }
            Form::Raw => match cells.text(row) {
                // No JSON at all, which would spoil the body.
                [] => self.null.put(out),
                json => {
                    self.before.put(out);
                    text::one_line(out, json);
                }
            },
        }
    }

    /// Appends what a row that deletes has here.
    pub(super) fn neutral_member(&self, out: &mut Vec<u8>) {
        self.neutral.put(out);
    }

    /// Appends a row's value as a field of CSV; false: it cannot stand there.
    #[inline]
    pub(super) fn field(&self, out: &mut Vec<u8>, cells: &mut Cells<'_>, row: usize) -> bool {
        if cells.is_null(row) {
            out.extend_from_slice(CSV_NULL.as_bytes());
            return true;
        }
        if matches!(self.form, Form::Escaped | Form::Raw) {
            return text::field(out, cells.text(row));
        }
        cells.write(out, row);
        true
    }

    /// What a row that deletes has here, as a field of CSV.
    pub(super) fn neutral_field(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.neutral_text.as_bytes());
    }
}

fn form(mapped: &Mapped) -> Form {
    // Only JSON columns, and Doris's VARIANT, take a value of JSON as one.
    let is_document = matches!(mapped.target, ColumnType::Json | ColumnType::Other(_));
    let is_text =
        matches!(mapped.target, ColumnType::Char(_) | ColumnType::Varchar(_) | ColumnType::String);
    match mapped.field {
        // An operation has nothing to escape.
        DataType::Text if mapped.origin == Origin::Op => Form::Quoted,
        DataType::Text => Form::Escaped,
        DataType::Json if is_document => Form::Raw,
        DataType::Json => Form::Escaped,
        DataType::Bool | DataType::Float32 | DataType::Float64 => Form::Bare,
        DataType::Int16 | DataType::Int32 | DataType::Int64 if is_text => Form::Quoted,
        DataType::Int16 | DataType::Int32 | DataType::Int64 => Form::Bare,
        DataType::Decimal { .. }
        | DataType::Binary
        | DataType::Date
        | DataType::Time
        | DataType::Timestamp
        | DataType::Uuid => Form::Quoted,
    }
}

/// A value of the type that says nothing: a delete needs one where the table takes no null.
const fn neutral(target: &ColumnType) -> &'static str {
    match target {
        ColumnType::Boolean => "false",
        ColumnType::TinyInt
        | ColumnType::SmallInt
        | ColumnType::Int
        | ColumnType::BigInt
        | ColumnType::LargeInt
        | ColumnType::Float
        | ColumnType::Double => "0",
        ColumnType::Decimal { .. } => "\"0\"",
        ColumnType::Date => "\"1970-01-01\"",
        ColumnType::DateTime { .. } => "\"1970-01-01 00:00:00\"",
        ColumnType::Json => "{}",
        ColumnType::Char(_)
        | ColumnType::Varchar(_)
        | ColumnType::String
        | ColumnType::VarBinary
        | ColumnType::Other(_) => "\"\"",
    }
}

/// Bytes that are copied for every row: short ones in one go, since a length that the compiler
/// knows costs a fraction of one that it does not.
struct Padded {
    bytes: [u8; PADDED],
    length: usize,
    /// The bytes, where they are too many.
    long: Vec<u8>,
}

const PADDED: usize = 32;

impl Padded {
    fn new(text: Vec<u8>) -> Self {
        let mut bytes = [0; PADDED];
        let length = text.len();
        match bytes.get_mut(..length) {
            Some(short) => {
                short.copy_from_slice(&text);
                Self { bytes, length, long: Vec::new() }
            }
            None => Self { bytes, length, long: text },
        }
    }

    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        if self.length <= PADDED {
            let end = out.len() + self.length;
            out.extend_from_slice(&self.bytes);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.long);
        }
    }
}
