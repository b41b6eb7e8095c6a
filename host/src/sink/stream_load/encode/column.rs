//! One column of the layout: how its values are written, and what stands around them.

use super::cells::Cells;
use super::line::{Line, Padded};
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
            let mut member = Line::default();
            member.bytes(&[open, b'"']);
            text::escape(&mut member, mapped.name.as_bytes(), 0..mapped.name.len());
            member.bytes(b"\":");
            member.bytes(value.as_bytes());
            Padded::new(member.written().to_vec())
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
    #[inline(always)]
    pub(super) fn member(&self, line: &mut Line, cells: &mut Cells<'_>, row: usize) {
        if cells.is_null(row) {
            return self.null.put(line);
        }
        match self.form {
            Form::Bare => {
                self.before.put(line);
                cells.write(line, row);
            }
            Form::Quoted => {
                self.before.put(line);
                cells.write(line, row);
                line.byte(b'"');
            }
            Form::Escaped => {
                self.before.put(line);
                let (values, span) = cells.span(row);
                text::escape(line, values, span);
                line.byte(b'"');
            }
            Form::Raw => match cells.text(row) {
                // No JSON at all, which would spoil the body.
                [] => self.null.put(line),
                json => {
                    self.before.put(line);
                    text::one_line(line, json);
                }
            },
        }
    }

    /// Appends what a row that deletes has here.
    pub(super) fn neutral_member(&self, line: &mut Line) {
        self.neutral.put(line);
    }

    /// Whether a row's value can be a field of CSV; `is_alone`: as the only one of its record.
    #[inline]
    pub(super) fn is_field(&self, cells: &Cells<'_>, row: usize, is_alone: bool) -> bool {
        if !matches!(self.form, Form::Escaped | Form::Raw) || cells.is_null(row) {
            return true;
        }
        let text = cells.text(row);
        text::is_field(text) && !(is_alone && text.is_empty())
    }

    /// Appends a row's value as a field of CSV, which it can be.
    #[inline]
    pub(super) fn field(&self, line: &mut Line, cells: &mut Cells<'_>, row: usize) {
        if cells.is_null(row) {
            line.bytes(CSV_NULL.as_bytes());
        } else {
            cells.write(line, row);
        }
    }

    /// What a row that deletes has here, as a field of CSV.
    pub(super) fn neutral_field(&self, line: &mut Line) {
        line.bytes(self.neutral_text.as_bytes());
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
