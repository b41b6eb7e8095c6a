//! Exact decimal numbers of up to 38 digits.

use std::cmp::Ordering;
use std::fmt;

/// The most digits that a number has.
pub const MAX_DIGITS: u32 = 38;

/// A number: `mantissa` divided by ten to the power of `scale`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// Divides, halves away from zero.
fn divide_rounded(number: i128, by: i128) -> i128 {
    let (quotient, rest) = (number / by, number % by);
    // The rest is compared with what is left of the divisor, so that nothing overflows.
    let up = rest.unsigned_abs() >= by.unsigned_abs() - rest.unsigned_abs();
    if up && rest != 0 {
        quotient + if (number < 0) == (by < 0) { 1 } else { -1 }
    } else {
        quotient
    }
}

impl Decimal {
    /// The number of a mantissa and a scale.
    #[must_use]
    pub fn new(mantissa: i128, scale: u32) -> Self {
        Self { mantissa, scale: scale.min(MAX_DIGITS) }
    }

    /// An integer.
    #[must_use]
    pub fn integer(number: i64) -> Self {
        Self::new(i128::from(number), 0)
    }

    /// Reads `-12.50`, `+3`, `.5`, `1.5e-3`; `None` is no number, or one of too many digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, exponent) = match text.find(['e', 'E']) {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match number.as_bytes().first()? {
            b'-' => (true, number.get(1..)?),
            b'+' => (false, number.get(1..)?),
            _ => (false, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if all().next().is_none() || !all().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // Zeros at the end of a long fraction change nothing.
        let kept = fraction.trim_end_matches('0').len().max(fraction.len().min(38));
        let mut mantissa = 0_i128;
        for byte in whole.bytes().chain(fraction.bytes().take(kept)) {
            mantissa = mantissa.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
        }
        let mut scale = i64::try_from(kept).ok()? - i64::from(exponent);
        while scale > i64::from(MAX_DIGITS) && mantissa % 10 == 0 && mantissa != 0 {
            mantissa /= 10;
            scale -= 1;
        }
        if mantissa == 0 {
            scale = scale.clamp(0, i64::from(MAX_DIGITS));
        }
        if scale < 0 {
            mantissa = mantissa.checked_mul(power(u32::try_from(-scale).ok()?)?)?;
            scale = 0;
        }
        let scale = u32::try_from(scale).ok().filter(|scale| *scale <= MAX_DIGITS)?;
        Some(Self { mantissa: if negative { -mantissa } else { mantissa }, scale })
    }

    /// How many digits stand behind the point.
    #[must_use]
    pub fn scale(self) -> u32 {
        self.scale
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The whole part, the rest cut off.
    #[must_use]
    pub fn whole(self) -> i128 {
        power(self.scale).map_or(0, |unit| self.mantissa / unit)
    }

    /// Whether something other than zeros stands behind the digits of this scale.
    #[must_use]
    pub fn exceeds_scale(self, scale: u32) -> bool {
        self.scale > scale && power(self.scale - scale).is_none_or(|unit| self.mantissa % unit != 0)
    }

    /// The number with exactly this many digits behind the point, halves away from zero.
    #[must_use]
    pub fn rounded(self, scale: u32) -> Option<Self> {
        let scale = scale.min(MAX_DIGITS);
        let mantissa = if scale >= self.scale {
            self.mantissa.checked_mul(power(scale - self.scale)?)?
        } else {
            divide_rounded(self.mantissa, power(self.scale - scale)?)
        };
        Some(Self { mantissa, scale })
    }

    /// Whether it has no more digits than this.
    #[must_use]
    pub fn fits(self, precision: u32) -> bool {
        power(precision).is_none_or(|limit| self.mantissa.unsigned_abs() < limit.unsigned_abs())
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        Some((self.rounded(scale)?.mantissa, other.rounded(scale)?.mantissa, scale))
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { mantissa: left.checked_add(right)?, scale })
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { mantissa: -self.mantissa, scale: self.scale }
    }

    /// The product.
    #[must_use]
    pub fn multiply(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        let scale = self.scale + other.scale;
        if scale > MAX_DIGITS {
            let unit = power(scale - MAX_DIGITS)?;
            return Some(Self { mantissa: divide_rounded(mantissa, unit), scale: MAX_DIGITS });
        }
        Some(Self { mantissa, scale })
    }

    /// The quotient with as many digits behind the point as the systems give: six more than the
    /// dividend has, but not over twelve unless the dividend has them. `None` by zero.
    #[must_use]
    pub fn divide(self, other: Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let scale = if self.scale <= 6 { self.scale + 6 } else { self.scale.max(12) };
        let dividend =
            self.mantissa.checked_mul(power((scale + other.scale).checked_sub(self.scale)?)?)?;
        Some(Self { mantissa: divide_rounded(dividend, other.mantissa), scale })
    }

    /// What is left after whole division.
    #[must_use]
    pub fn remainder(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { mantissa: left.checked_rem(right)?, scale })
    }

    /// The nearest float, for where a float takes part.
    #[must_use]
    pub fn to_float(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = |number: &Self, scale: u32| {
            let unit = power(number.scale).unwrap_or(i128::MAX);
            // A fraction is smaller than its unit, so that it can be widened to the common scale.
            let widen = power(scale - number.scale).unwrap_or(1);
            (number.mantissa / unit, (number.mantissa % unit).saturating_mul(widen))
        };
        let scale = self.scale.max(other.scale);
        parts(self, scale).cmp(&parts(other, scale))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.unsigned_abs().to_string();
        if self.mantissa < 0 {
            f.write_str("-")?;
        }
        let scale = self.scale as usize;
        if scale == 0 {
            return f.write_str(&digits);
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn numbers_are_read_and_written() {
        for (text, written) in [
            ("12.50", "12.50"),
            ("-.5", "-0.5"),
            ("+3", "3"),
            ("1.5e3", "1500"),
            ("1.5e-3", "0.0015"),
            ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        ] {
            assert_eq!(decimal(text).to_string(), written);
        }
        for text in ["", "-", ".", "1.2.3", "0x1", "nan", "1e", "1 2"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_exact() {
        assert_eq!(decimal("0.1").plus(decimal("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(decimal("1.10").multiply(decimal("1.10")).unwrap().to_string(), "1.2100");
        assert_eq!(decimal("10.00").divide(decimal("3")).unwrap().to_string(), "3.33333333");
        assert_eq!(decimal("-2.5").rounded(0).unwrap().to_string(), "-3");
        assert!(decimal("1").divide(decimal("0.00")).is_none());
        assert!(decimal("1.005").exceeds_scale(2) && !decimal("1.100").exceeds_scale(1));
        assert!(decimal("999.99").fits(5) && !decimal("1000.00").fits(5));
    }

    proptest! {
        #[test]
        fn order_is_that_of_integers(left in any::<i64>(), right in any::<i64>(), scale in 0_u32..20) {
            let [left_number, right_number] =
                [left, right].map(|number| Decimal::new(i128::from(number), scale));
            prop_assert_eq!(left.cmp(&right), left_number.cmp(&right_number));
            prop_assert_eq!(Decimal::parse(&left_number.to_string()).unwrap(), left_number);
        }
    }
}
