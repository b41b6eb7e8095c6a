//! One found value into its column.

use super::extended;
use super::string::unescape;
use super::syntax::Kind;
use crate::format::builder::Values;
use crate::format::{ColumnBuilder, Scalar};

/// Appends the value whose checked text is `raw`.
///
/// # Errors
/// The reason, where the column does not take it; nothing is appended then.
pub(in crate::format) fn push(
    column: &mut ColumnBuilder,
    kind: Kind,
    raw: &str,
    scratch: &mut String,
) -> Result<(), String> {
    if kind == Kind::Null {
        return column.push_null();
    }
    if let Values::Json(bytes) = &mut column.values {
        bytes.push(raw.as_bytes());
        return Ok(());
    }
    match kind {
        Kind::Bool => column.push(Scalar::Bool(raw == "true")),
        Kind::Number => column.push(Scalar::Number(raw)),
        Kind::String => column.push(Scalar::Text(unescape(inner(raw), scratch))),
        Kind::Object => match extended::scalar(raw, scratch) {
            Some(scalar) => column.push(scalar),
            None => Err(format!(
                "expected {}, found an object that is no MongoDB extended JSON of a scalar",
                column.expected()
            )),
        },
        Kind::Array | Kind::Null => Err(format!("expected {}, found {kind}", column.expected())),
    }
}

/// What is between a string's quotes.
pub(in crate::format) fn inner(raw: &str) -> &str {
    raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default()
}
