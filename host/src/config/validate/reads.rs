//! The columns that a module reads, against those that its input has.

use super::types::{Maker, Origin, Typed};
use crate::config::nearest;
use crate::config::problem::{Problem, Report};
use crate::config::raw::RawTransform;
use crate::record::{DataType, Field, Schema};
use crate::sandbox::{InputUse, Read};

/// Checks each column that a module reads, and answers their indices in its order.
pub(super) fn check(
    raw: &RawTransform,
    module: &str,
    input: &Typed,
    used: &InputUse,
    report: &Report,
) -> Vec<usize> {
    used.columns.iter().filter_map(|read| column(raw, module, input, read, report)).collect()
}

fn column(
    raw: &RawTransform,
    module: &str,
    input: &Typed,
    read: &Read,
    report: &Report,
) -> Option<usize> {
    let name = &read.column;
    let Some(index) = input.schema.index_of(name) else {
        let message =
            format!("`{module}` reads the column `{name}`, which its input does not have");
        report.push(
            Problem::error(&raw.module.span, message)
                .note(&raw.input_span, "this is its input")
                .hint(columns_hint(name, &input.schema)),
        );
        return None;
    };
    let origin = &input.origins[index];
    let wrong = against(module, &input.schema.fields[index], read, origin);
    if let Some((message, hint)) = wrong {
        let problem = Problem::error(&raw.module.span, message);
        report.push(noted(problem, name, origin).hint(hint));
        return None;
    }
    Some(index)
}

/// What is wrong with reading a field so, and what to do about it.
pub(super) fn against(
    module: &str,
    field: &Field,
    read: &Read,
    origin: &Origin,
) -> Option<(String, String)> {
    let name = &field.name;
    if !field.data_type.reads_as(read.data_type) {
        let (has, wants) = (field.data_type, read.data_type);
        let hint = match origin.maker {
            Maker::Declared => {
                format!("declare it as {wants}, or let the transform take {}", rust_type(has))
            }
            Maker::Transform(_) => format!("let the transform take {}", rust_type(has)),
        };
        return Some((format!("`{name}` is {has}, and `{module}` reads it as {wants}"), hint));
    }
    if field.nullable && !read.nullable {
        let option = format!("`Option<{}>`", rust_name(read.data_type));
        let hint = match &origin.maker {
            Maker::Declared => format!(
                "take {option} in the transform, or say `required = true` on the column, so that a null is \
                 refused when it is read"
            ),
            Maker::Transform(maker) => {
                format!(
                    "take {option} in the transform, or let `{maker}` give a value in every row"
                )
            }
        };
        return Some((
            format!("`{name}` may be null, and `{module}` reads it as a plain {}", read.data_type),
            hint,
        ));
    }
    None
}

/// Says in a problem where a column comes from.
pub(super) fn noted(problem: Problem, column: &str, origin: &Origin) -> Problem {
    let message = match &origin.maker {
        Maker::Declared => format!("`{column}` is declared here"),
        Maker::Transform(maker) => format!("`{column}` comes from `{maker}`, here"),
    };
    problem.note(&origin.span, message)
}

pub(super) fn columns_hint(name: &str, schema: &Schema) -> String {
    let known: Vec<&str> = schema.fields.iter().map(|field| &*field.name).collect();
    nearest::hint(name, "columns", &known)
}

fn rust_type(data_type: DataType) -> String {
    format!("`{}`", rust_name(data_type))
}

/// The type's name in the SDK.
fn rust_name(data_type: DataType) -> String {
    match data_type {
        DataType::Bool => "bool",
        DataType::Int16 => "i16",
        DataType::Int32 => "i32",
        DataType::Int64 => "i64",
        DataType::Float32 => "f32",
        DataType::Float64 => "f64",
        DataType::Decimal { scale, .. } => return format!("Decimal<{scale}>"),
        DataType::Text => "&str",
        DataType::Binary => "&[u8]",
        DataType::Date => "Date",
        DataType::Time => "Time",
        DataType::Timestamp => "Timestamp",
        DataType::Uuid => "Uuid",
        DataType::Json => "Json",
    }
    .to_owned()
}
