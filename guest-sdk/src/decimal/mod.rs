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
pub(crate) use overflow::{raise as raise_overflow, raised as overflow_raised};
pub use text::ParseDecimalError;
pub use wide::Decimal128;

/// Reads units of `10^-scale` of up to `digits` digits, for types that are known only at run time.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn parse_units(text: &str, scale: u8, digits: u8) -> Result<i128, ParseDecimalError> {
    let power = rounding::power(digits.into()).ok_or(ParseDecimalError::TooLarge)?;
    text::parse(text, scale, power - 1)
}

/// The text of `units` of `10^-scale`.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn units_text(units: i128, scale: u8) -> String {
    struct Units(i128, u8);
    impl std::fmt::Display for Units {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            text::write(f, self.0 < 0, self.0.unsigned_abs(), self.1)
        }
    }
    Units(units, scale).to_string()
}

/// The text of a decimal in params or a test: a JSON string, or a JSON number by its digits.
pub(crate) fn json_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
