//! Exact decimals for money and rates.
//!
//! [`Decimal`] holds up to 18 digits in one `i64` and is what to use; [`Decimal128`] holds up to 38.
//! The scale is part of the type, so amounts of different scales do not mix by accident. Arithmetic
//! never traps and never wraps: an operation that leaves the range marks the row at work, and the
//! row is rejected with the reason "decimal overflow" once its function returns.

mod narrow;
mod overflow;
mod rounding;
mod text;
mod wide;

pub use narrow::Decimal;
pub use overflow::take_overflow;
pub(crate) use overflow::raised as overflow_raised;
pub use text::ParseDecimalError;
pub use wide::Decimal128;

/// The text of a decimal in params or a test: a JSON string, or a JSON number by its digits.
fn json_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
