//! One scalar into one column: the conversions that every text format shares.
//!
//! Numbers are read by one grammar (`number`), whether they stand as a number or as text. Decimals
//! round half away from zero, integers and times cut toward zero, and what does not fit is refused.
//!
//! *Invariants*: a refused scalar leaves its column as it was.
//! *Not here*: nulls and the buffers (`builder`), arrays and objects (`json`).

use std::fmt::{self, Write};

use super::builder::Values;
use super::number::{Numeric, Rounding};
use super::{ColumnBuilder, TimeUnit, encoding, json, time};

/// A value that is neither null nor nested, as the input wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// True or false.
    Bool(bool),
    /// A number's own text.
    Number(&'a str),
    /// Text.
    Text(&'a str),
    /// A point in time whatever the column's unit: milliseconds as numeric text, or ISO 8601 text
    /// (MongoDB's `$date`). A column that is no time takes the text itself.
    Instant(&'a str),
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "the bool {value}"),
            Self::Number(text) => write!(f, "the number {}", Excerpt(text)),
            Self::Text(text) => write!(f, "the text \"{}\"", Excerpt(text)),
            Self::Instant(text) => write!(f, "the $date {}", Excerpt(text)),
        }
    }
}

/// The beginning of a text, so that reasons stay one short line.
pub(super) struct Excerpt<'a>(pub(super) &'a str);

const EXCERPT_CHARS: usize = 40;

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, char) in self.0.chars().enumerate() {
            match char {
                _ if index == EXCERPT_CHARS => return f.write_char('…'),
                // Also what is there and cannot be seen, such as a byte order mark.
                hidden if is_hidden(hidden) => write!(f, "{}", hidden.escape_unicode())?,
                '\t' | '\n' | '\r' => write!(f, "{}", char.escape_debug())?,
                plain => f.write_char(plain)?,
            }
        }
        Ok(())
    }
}

/// Whether a character leaves nothing to see, or turns the text around it.
fn is_hidden(character: char) -> bool {
    let line = matches!(character, '\t' | '\n' | '\r');
    let invisible = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
    );
    (character.is_control() && !line) || invisible
}

/// Why a scalar is refused.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It is of another kind or form.
    Form,
    /// It is of the right form, and too large or too small.
    Range,
    /// It is a word for what no number is, or none that is finite.
    NotFinite,
}

impl ColumnBuilder {
    /// Appends a scalar, converted to the column's type.
    ///
    /// # Errors
    /// The reason, where the column's type does not take it; nothing is appended then.
    pub fn push(&mut self, scalar: Scalar<'_>) -> Result<(), String> {
        self.values.push(scalar).map_err(|fault| match fault {
            Fault::Form => format!("expected {}, found {scalar}", self.expected()),
            Fault::Range => format!("{scalar} is out of range for {}", self.expected()),
            Fault::NotFinite => format!(
                "expected {}, found {scalar}: JSON has no such number, and a word for one is not read",
                self.expected()
            ),
        })
    }

    /// What the column reads, in words.
    pub(super) fn expected(&self) -> String {
        match &self.values {
            Values::Timestamp { unit: Some(unit), .. } => format!("timestamp as a count of {unit}"),
            Values::Timestamp { unit: None, .. } => "timestamp as ISO 8601 text".to_owned(),
            Values::Date(_) => "date as ISO 8601 text or days since 1970-01-01".to_owned(),
            Values::Time(_) => "time as ISO 8601 text or microseconds since midnight".to_owned(),
            Values::Binary(_) => "binary as base64 text".to_owned(),
            Values::Uuid(_) => "uuid as text".to_owned(),
            _ => self.data_type.to_string(),
        }
    }
}

impl Values {
    fn push(&mut self, scalar: Scalar<'_>) -> Result<(), Fault> {
        match self {
            Self::Bool(values) => match scalar {
                Scalar::Bool(value) => values.push(value),
                _ => return Err(Fault::Form),
            },
            Self::Int16(values) => values.push(integer(scalar)?),
            Self::Int32(values) => values.push(integer(scalar)?),
            Self::Int64(values) => values.push(integer(scalar)?),
            Self::Float32(values) => values.push(float(scalar, f32::is_finite)?),
            Self::Float64(values) => values.push(float(scalar, f64::is_finite)?),
            Self::Decimal64 { values, precision, scale } => {
                let value = decimal(scalar, *precision, *scale)?;
                values.push(i64::try_from(value).map_err(|_| Fault::Range)?);
            }
            Self::Decimal128 { values, precision, scale } => {
                values.push(decimal(scalar, *precision, *scale)?);
            }
            Self::Text(bytes) => bytes.push(text(scalar).as_bytes()),
            Self::Json(bytes) => {
                let text = text(scalar);
                if !json::is_document(text) {
                    return Err(Fault::Form);
                }
                bytes.push(text.as_bytes());
            }
            Self::Binary(bytes) => {
                let Scalar::Text(text) = scalar else { return Err(Fault::Form) };
                if !encoding::base64(text, &mut bytes.data) {
                    bytes.unseal();
                    return Err(Fault::Form);
                }
                bytes.seal();
            }
            Self::Date(values) => values.push(date(scalar)?),
            Self::Time(values) => values.push(time_of_day(scalar)?),
            Self::Timestamp { values, unit } => values.push(timestamp(scalar, *unit)?),
            Self::Uuid(values) => {
                let Scalar::Text(text) = scalar else { return Err(Fault::Form) };
                values.extend_from_slice(&encoding::uuid(text).ok_or(Fault::Form)?);
            }
        }
        Ok(())
    }
}

/// The scalar's own text.
fn text(scalar: Scalar<'_>) -> &str {
    match scalar {
        Scalar::Bool(true) => "true",
        Scalar::Bool(false) => "false",
        Scalar::Number(text) | Scalar::Text(text) | Scalar::Instant(text) => text,
    }
}

fn numeric(scalar: Scalar<'_>) -> Result<Numeric<'_>, Fault> {
    match scalar {
        Scalar::Bool(_) => Err(Fault::Form),
        Scalar::Number(text) | Scalar::Text(text) | Scalar::Instant(text) => {
            Numeric::parse(text).ok_or(Fault::Form)
        }
    }
}

fn cut<T: TryFrom<i128>>(number: &Numeric<'_>) -> Result<T, Fault> {
    let value = number.scaled(0, Rounding::Cut).ok_or(Fault::Range)?;
    T::try_from(value).map_err(|_| Fault::Range)
}

fn integer<T: TryFrom<i128>>(scalar: Scalar<'_>) -> Result<T, Fault> {
    cut(&numeric(scalar)?)
}

fn float<T: std::str::FromStr + Copy>(
    scalar: Scalar<'_>,
    is_finite: fn(T) -> bool,
) -> Result<T, Fault> {
    let text = text(scalar).trim_matches(' ');
    // The grammar first: Rust's own also reads `inf` and `NaN`.
    numeric(scalar)
        .map_err(|_| if is_not_finite(text) { Fault::NotFinite } else { Fault::Form })?;
    let value = text.parse().map_err(|_| Fault::Form)?;
    if is_finite(value) { Ok(value) } else { Err(Fault::Range) }
}

/// Whether a text is a word for what is no number, or beyond all of them.
fn is_not_finite(text: &str) -> bool {
    let magnitude = text.strip_prefix(['-', '+']).unwrap_or(text);
    ["nan", "inf", "infinity"].iter().any(|word| magnitude.eq_ignore_ascii_case(word))
}

fn decimal(scalar: Scalar<'_>, precision: u8, scale: u8) -> Result<i128, Fault> {
    let value = numeric(scalar)?.scaled(scale, Rounding::HalfAway).ok_or(Fault::Range)?;
    let limit = 10_u128.checked_pow(u32::from(precision)).unwrap_or(u128::MAX);
    if value.unsigned_abs() < limit { Ok(value) } else { Err(Fault::Range) }
}

fn within<T: TryFrom<i64>>(range: &std::ops::RangeInclusive<i64>, value: i64) -> Result<T, Fault> {
    if !range.contains(&value) {
        return Err(Fault::Range);
    }
    T::try_from(value).map_err(|_| Fault::Range)
}

/// Microseconds of an instant: milliseconds, or ISO 8601 text.
fn instant(text: &str) -> Result<i64, Fault> {
    match Numeric::parse(text) {
        Some(number) => counted(&number, TimeUnit::Ms),
        None => within(&time::MICROS, time::timestamp(text).ok_or(Fault::Form)?),
    }
}

/// Microseconds of a count of `unit`.
fn counted(number: &Numeric<'_>, unit: TimeUnit) -> Result<i64, Fault> {
    let micros = unit.micros_of_wide(cut(number)?);
    within(&time::MICROS, i64::try_from(micros).map_err(|_| Fault::Range)?)
}

fn timestamp(scalar: Scalar<'_>, unit: Option<TimeUnit>) -> Result<i64, Fault> {
    match (scalar, unit) {
        (Scalar::Instant(text), _) => instant(text),
        (_, Some(unit)) => counted(&numeric(scalar)?, unit),
        (Scalar::Text(text), None) => {
            within(&time::MICROS, time::timestamp(text).ok_or(Fault::Form)?)
        }
        (_, None) => Err(Fault::Form),
    }
}

fn date(scalar: Scalar<'_>) -> Result<i32, Fault> {
    let days = match scalar {
        Scalar::Instant(text) => instant(text)?.div_euclid(time::DAY_MICROS),
        Scalar::Text(text) if Numeric::parse(text).is_none() => {
            time::date(text).ok_or(Fault::Form)?
        }
        _ => integer(scalar)?,
    };
    within(&time::DAYS, days)
}

fn time_of_day(scalar: Scalar<'_>) -> Result<i64, Fault> {
    let micros = match scalar {
        Scalar::Instant(_) => return Err(Fault::Form),
        Scalar::Text(text) if Numeric::parse(text).is_none() => {
            time::time_of_day(text).ok_or(Fault::Form)?
        }
        _ => integer(scalar)?,
    };
    within(&(0..=time::DAY_MICROS - 1), micros)
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_array::cast::AsArray;

    use super::*;
    use crate::format::ColumnSpec;
    use crate::record::DataType;

    fn column(data_type: DataType) -> ColumnBuilder {
        ColumnBuilder::new(&ColumnSpec {
            name: "x".into(),
            path: vec!["x".to_owned()],
            data_type,
            unit: None,
            required: false,
            key: false,
        })
    }

    #[test]
    fn a_refused_scalar_leaves_its_column_as_it_was() {
        for name in DataType::NAMES {
            let mut column = column(name.parse().expect("a listed name"));
            column.push_null().expect("nullable");
            if name != "text" {
                let reason = column.push(Scalar::Text("Zg==x")).expect_err(name);
                assert!(reason.contains("found the text \"Zg==x\""), "{reason}");
            }
            assert_eq!(column.len(), 1, "{name}");
            let array = column.finish();
            assert_eq!((array.len(), array.null_count()), (1, 1), "{name}");
            assert_eq!(array.data_type(), &column.data_type.arrow(), "{name}");
            assert!(column.is_empty(), "{name}");
        }
    }

    #[test]
    fn rows_taken_back_are_gone_from_values_and_nulls() {
        let mut column = column(DataType::Text);
        column.push(Scalar::Text("one")).expect("text");
        column.push_null().expect("nullable");
        column.push(Scalar::Number("2")).expect("a number's own text");
        column.truncate(1);
        column.push(Scalar::Bool(true)).expect("a bool's own text");
        let array = column.finish();
        assert_eq!(array.null_count(), 0);
        let values: Vec<_> = array.as_string::<i32>().iter().flatten().collect();
        assert_eq!(values, ["one", "true"]);
    }

    #[test]
    fn floats_beyond_their_range_are_refused() {
        let mut single = column(DataType::Float32);
        single.push(Scalar::Number("1e38")).expect("within f32");
        assert!(single.push(Scalar::Number("1e39")).expect_err("beyond").contains("out of range"));
        let mut double = column(DataType::Float64);
        double.push(Scalar::Text(" 1e39 ")).expect("within f64");
        assert!(double.push(Scalar::Number("1e400")).is_err());
        for text in ["NaN", "-Infinity"] {
            let reason = double.push(Scalar::Text(text)).expect_err("not finite");
            assert!(reason.contains("JSON has no such number"), "{reason}");
        }
        assert_eq!((single.len(), double.len()), (1, 1));
    }

    #[test]
    fn long_values_stand_in_reasons_by_their_beginning() {
        let reason =
            column(DataType::Int64).push(Scalar::Text(&"é".repeat(50))).expect_err("no number");
        assert_eq!(reason, format!("expected i64, found the text \"{}…\"", "é".repeat(40)));
    }

    #[test]
    fn json_columns_take_documents_only() {
        let mut column = column(DataType::Json);
        column.push(Scalar::Text("{\"a\":[1]}")).expect("a document");
        assert!(column.push(Scalar::Text("{a:1}")).is_err());
        assert_eq!(column.len(), 1);
    }
}
