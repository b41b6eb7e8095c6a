//! Numeric text read exactly, from its digits.
//!
//! The grammar is that of JSON numbers and more: spaces around, a leading plus, leading zeros, and
//! no digits on one side of the point: `[+-]?(d+(.d*)?|.d+)([eE][+-]?d+)?`.
//!
//! *Invariants*: no floats, and neither memory nor time depends on the exponent.

/// What becomes of digits beyond the last that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    /// Half and more goes away from zero.
    HalfAway,
    /// Dropped: toward zero.
    Cut,
}

/// The parts of a numeric text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numeric<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Numeric<'a> {
    /// The parts of `text`, or `None` where it is no number.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let bytes = text.trim_matches(' ').as_bytes();
        let (negative, bytes) = sign(bytes);
        let (whole, bytes) = digits(bytes);
        let (fraction, bytes) = match bytes.split_first() {
            Some((b'.', rest)) => digits(rest),
            _ => (&[][..], bytes),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match bytes.split_first() {
            None => 0,
            Some((b'e' | b'E', rest)) => exponent(rest)?,
            Some(_) => return None,
        };
        Some(Self { negative, whole, fraction, exponent })
    }

    /// The value times 10^`scale` as an integer, or `None` when that is beyond an `i128`.
    pub(super) fn scaled(&self, scale: u8, rounding: Rounding) -> Option<i128> {
        // Digits before the point after scaling; saturation keeps the sign, which is all that
        // matters so far out.
        let mut point = i64::try_from(self.whole.len())
            .unwrap_or(i64::MAX)
            .saturating_add(self.exponent)
            .saturating_add(i64::from(scale));
        let mut digits = self
            .whole
            .iter()
            .chain(self.fraction)
            .map(|digit| i128::from(digit.wrapping_sub(b'0')))
            .peekable();
        while digits.next_if_eq(&0).is_some() {
            point = point.saturating_sub(1);
        }
        // Zero whatever the exponent, or less than a tenth: no rounding brings it back.
        if digits.peek().is_none() || point < 0 {
            return Some(0);
        }
        if point > MAX_DIGITS {
            return None;
        }
        let mut value: i128 = 0;
        for _ in 0..point {
            value = value.checked_mul(10)?.checked_add(digits.next().unwrap_or(0))?;
        }
        if rounding == Rounding::HalfAway && digits.next().is_some_and(|digit| digit >= 5) {
            value = value.checked_add(1)?;
        }
        Some(if self.negative { -value } else { value })
    }
}

/// Digits of the longest `i128`.
const MAX_DIGITS: i64 = 39;

fn sign(bytes: &[u8]) -> (bool, &[u8]) {
    match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, bytes),
    }
}

fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.split_at(count)
}

fn exponent(bytes: &[u8]) -> Option<i64> {
    let (negative, bytes) = sign(bytes);
    let (digits, rest) = digits(bytes);
    if digits.is_empty() || !rest.is_empty() {
        return None;
    }
    let value = digits.iter().fold(0_i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit.wrapping_sub(b'0')))
    });
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(text: &str, scale: u8, rounding: Rounding) -> Option<Option<i128>> {
        Numeric::parse(text).map(|number| number.scaled(scale, rounding))
    }

    #[test]
    fn the_grammar_is_the_documented_one() {
        for text in ["1", "+1", "-1", "007", "1.", ".5", "1.5e3", "1e+3", "1E-3", "  2 ", "-.0e0"] {
            assert!(Numeric::parse(text).is_some(), "{text}");
        }
        for text in [
            "", " ", ".", "+", "-", "e1", ".e1", "1e", "1e+", "1.2.3", "1,5", "0x1", "NaN", "inf",
            "1 2", "--1", "+-1", "\t1", "1\n", "١", "1e1.5", "1_0", "true",
        ] {
            assert!(Numeric::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn halves_go_away_from_zero_exactly() {
        for (text, expected) in [
            ("1.005", 101),
            ("-1.005", -101),
            ("1.004999999999999999999999999", 100),
            ("1e3", 100_000),
            ("0.005", 1),
            ("-0.005", -1),
            ("0.0049", 0),
            ("0.0005e1", 1),
            ("0.995", 100),
            ("9007199254740993.01", 900_719_925_474_099_301),
            ("-0", 0),
        ] {
            assert_eq!(scaled(text, 2, Rounding::HalfAway), Some(Some(expected)), "{text}");
        }
    }

    #[test]
    fn cutting_goes_toward_zero() {
        for (text, expected) in [
            ("2.7", 2),
            ("-2.7", -2),
            ("2.0", 2),
            ("1e1", 10),
            ("0.9", 0),
            ("25e-1", 2),
            (".9e1", 9),
        ] {
            assert_eq!(scaled(text, 0, Rounding::Cut), Some(Some(expected)), "{text}");
        }
    }

    #[test]
    fn exponents_beyond_reason_cost_nothing() {
        let huge = "9".repeat(60);
        assert_eq!(scaled(&format!("1e{huge}"), 2, Rounding::HalfAway), Some(None));
        assert_eq!(scaled(&format!("1e-{huge}"), 2, Rounding::HalfAway), Some(Some(0)));
        assert_eq!(scaled(&format!("0e{huge}"), 2, Rounding::HalfAway), Some(Some(0)));
        assert_eq!(scaled(&format!("0.0e-{huge}"), 38, Rounding::Cut), Some(Some(0)));
    }

    #[test]
    fn the_edges_of_i128_hold() {
        assert_eq!(scaled(&i128::MAX.to_string(), 0, Rounding::Cut), Some(Some(i128::MAX)));
        assert_eq!(scaled("170141183460469231731687303715884105728", 0, Rounding::Cut), Some(None));
        assert_eq!(scaled("1e39", 0, Rounding::Cut), Some(None));
        assert_eq!(scaled(&"0".repeat(90), 38, Rounding::Cut), Some(Some(0)));
        assert_eq!(
            scaled("000000000000000000000000000000000000000000000001", 2, Rounding::Cut),
            Some(Some(100))
        );
    }
}
