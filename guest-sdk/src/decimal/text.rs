//! Decimals as text: digits, an optional sign and point, nothing else.

use std::fmt;

/// Why a text is no decimal of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseDecimalError {
    /// Something other than digits with an optional sign and point, such as `1e3`.
    NotADecimal,
    /// A digit other than zero beyond the scale; nothing is rounded on the way in.
    TooPrecise {
        /// Digits after the point that the type has.
        scale: u8,
    },
    /// More digits than the type has.
    TooLarge,
}

impl fmt::Display for ParseDecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADecimal => f.write_str("not a decimal"),
            Self::TooPrecise { scale } => write!(f, "more than {scale} digits after the point"),
            Self::TooLarge => f.write_str("too many digits"),
        }
    }
}

impl std::error::Error for ParseDecimalError {}

/// Writes `magnitude` units of `10^-scale`, honouring width and sign flags.
pub(super) fn write(
    f: &mut fmt::Formatter<'_>,
    negative: bool,
    magnitude: u128,
    scale: u8,
) -> fmt::Result {
    let scale = usize::from(scale);
    let mut text = format!("{magnitude:0>width$}", width = scale + 1);
    if scale > 0 {
        text.insert(text.len() - scale, '.');
    }
    f.pad_integral(!negative, "", &text)
}

/// Reads units of `10^-scale` whose magnitude is at most `limit`.
pub(super) fn parse(text: &str, scale: u8, limit: u128) -> Result<i128, ParseDecimalError> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let (mut magnitude, mut point, mut after, mut seen) = (0_u128, false, 0_u8, false);
    for byte in digits {
        let digit = match byte {
            b'.' if !point => {
                point = true;
                continue;
            }
            b'0'..=b'9' => u128::from(byte - b'0'),
            _ => return Err(ParseDecimalError::NotADecimal),
        };
        seen = true;
        if point && after == scale {
            if digit == 0 {
                continue;
            }
            return Err(ParseDecimalError::TooPrecise { scale });
        }
        after += u8::from(point);
        magnitude = push(magnitude, digit, limit)?;
    }
    if !seen {
        return Err(ParseDecimalError::NotADecimal);
    }
    for _ in after..scale {
        magnitude = push(magnitude, 0, limit)?;
    }
    // The limit has at most 38 digits, so the magnitude fits an i128.
    let units = magnitude as i128;
    Ok(if negative { -units } else { units })
}

fn push(magnitude: u128, digit: u128, limit: u128) -> Result<u128, ParseDecimalError> {
    let larger = magnitude.checked_mul(10).and_then(|tenfold| tenfold.checked_add(digit));
    larger.filter(|larger| *larger <= limit).ok_or(ParseDecimalError::TooLarge)
}
