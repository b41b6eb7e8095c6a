//! Decimals of up to 38 digits.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

use super::{Decimal, ParseDecimalError, overflow, rounding, text};

const MAX_UNITS: i128 = 10_i128.pow(38) - 1;

/// Stands for a value that overflowed; see the narrow type's.
const OVERFLOWED: i128 = i128::MIN;

/// An exact decimal of up to 38 digits, `S` of them after the point.
///
/// Its column type is `decimal(38,S)`, 16 bytes a row. It counts units of `10^-S` like [`Decimal`],
/// which is several times faster in a guest: take this one only where 18 digits are too few.
/// Operations that leave ±(10^38 − 1) units overflow, as there.
///
/// ```
/// use millrace_sdk::prelude::*;
///
/// let wei: Decimal128<18> = "1234567890123.000000000000000001".parse()?;
/// assert_eq!((wei + wei).to_string(), "2469135780246.000000000000000002");
/// # Ok::<(), millrace_sdk::decimal::ParseDecimalError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal128<const S: u8>(i128);

impl<const S: u8> Decimal128<S> {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The largest value: 38 nines.
    pub const MAX: Self = Self(MAX_UNITS);
    /// The smallest value, `-MAX`.
    pub const MIN: Self = Self(-MAX_UNITS);

    const SCALE_FITS: () = assert!(S <= 38, "a decimal has at most 38 digits");

    /// A value of `units` times `10^-S`. More than 38 digits overflow.
    #[inline]
    #[must_use]
    pub fn from_units(units: i128) -> Self {
        let () = Self::SCALE_FITS;
        if (-MAX_UNITS..=MAX_UNITS).contains(&units) { Self(units) } else { Self::overflow() }
    }

    /// A value of `units` times `10^-S`, or `None` for more than 38 digits.
    #[must_use]
    pub const fn try_from_units(units: i128) -> Option<Self> {
        let () = Self::SCALE_FITS;
        if units >= -MAX_UNITS && units <= MAX_UNITS { Some(Self(units)) } else { None }
    }

    /// A whole number. It overflows when `number * 10^S` has more than 38 digits.
    #[must_use]
    pub fn whole(number: i64) -> Self {
        let magnitude = rounding::power(S.into())
            .and_then(|power| power.checked_mul(number.unsigned_abs().into()));
        Self::from_magnitude(magnitude, number < 0)
    }

    /// The value in units of `10^-S`.
    #[inline]
    #[must_use]
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The magnitude.
    #[inline]
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.wrapping_abs())
    }

    /// The same amount with `R` digits after the point, rounded half away from zero where digits are
    /// lost. More digits may overflow.
    #[must_use]
    pub fn rescale<const R: u8>(self) -> Decimal128<R> {
        let exponent = i32::from(R) - i32::from(S);
        Decimal128::from_magnitude(rounding::divide(self.0.unsigned_abs(), 1, exponent), self.0 < 0)
    }

    /// `self / divisor` with `R` digits after the point, rounded half away from zero. `None` when the
    /// divisor is zero; a quotient of too many digits overflows.
    #[must_use]
    pub fn div_rounded<const D: u8, const R: u8>(
        self,
        divisor: Decimal128<D>,
    ) -> Option<Decimal128<R>> {
        if divisor.0 == 0 {
            return None;
        }
        let exponent = i32::from(D) + i32::from(R) - i32::from(S);
        let quotient = rounding::divide(self.0.unsigned_abs(), divisor.0.unsigned_abs(), exponent);
        Some(Decimal128::from_magnitude(quotient, (self.0 < 0) != (divisor.0 < 0)))
    }

    /// The same amount in 18 digits. More digits overflow.
    #[must_use]
    pub fn narrow(self) -> Decimal<S> {
        Decimal::from_units(i64::try_from(self.0).unwrap_or(i64::MAX))
    }

    /// A value of a column. The host guarantees that it has at most 38 digits.
    #[inline]
    pub(crate) const fn from_column(bytes: [u8; 16]) -> Self {
        let () = Self::SCALE_FITS;
        Self(i128::from_le_bytes(bytes))
    }

    /// Whether this value came out of an operation that overflowed.
    pub(crate) fn overflowed(self) -> bool {
        !(-MAX_UNITS..=MAX_UNITS).contains(&self.0)
    }

    fn from_magnitude(magnitude: Option<u128>, negative: bool) -> Self {
        match magnitude.and_then(|magnitude| i128::try_from(magnitude).ok()) {
            Some(units) => Self::from_units(if negative { -units } else { units }),
            None => Self::overflow(),
        }
    }

    #[cold]
    fn overflow() -> Self {
        overflow::raise();
        Self(OVERFLOWED)
    }
}

impl<const S: u8> From<Decimal<S>> for Decimal128<S> {
    fn from(narrow: Decimal<S>) -> Self {
        if narrow.overflowed() { Self::overflow() } else { Self(narrow.units().into()) }
    }
}

impl<const S: u8> Add for Decimal128<S> {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        self.0.checked_add(other.0).map_or_else(Self::overflow, Self::from_units)
    }
}

impl<const S: u8> Sub for Decimal128<S> {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        self.0.checked_sub(other.0).map_or_else(Self::overflow, Self::from_units)
    }
}

impl<const S: u8> Neg for Decimal128<S> {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self(self.0.wrapping_neg())
    }
}

impl<const S: u8> Mul<i64> for Decimal128<S> {
    type Output = Self;

    #[inline]
    fn mul(self, factor: i64) -> Self {
        self.0.checked_mul(factor.into()).map_or_else(Self::overflow, Self::from_units)
    }
}

impl<const S: u8> Mul<i32> for Decimal128<S> {
    type Output = Self;

    #[inline]
    fn mul(self, factor: i32) -> Self {
        self * i64::from(factor)
    }
}

impl<const S: u8> AddAssign for Decimal128<S> {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<const S: u8> SubAssign for Decimal128<S> {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl<const S: u8> Sum for Decimal128<S> {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Add::add)
    }
}

impl<const S: u8> fmt::Display for Decimal128<S> {
    /// All `S` digits after the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.overflowed() {
            return f.pad("overflow");
        }
        text::write(f, self.0 < 0, self.0.unsigned_abs(), S)
    }
}

impl<const S: u8> fmt::Debug for Decimal128<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const S: u8> FromStr for Decimal128<S> {
    type Err = ParseDecimalError;

    /// Reads `-12.5`: digits with an optional sign and point. Digits beyond the scale must be zero.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text::parse(text, S, MAX_UNITS.unsigned_abs()).map(Self)
    }
}

impl<'de, const S: u8> Deserialize<'de> for Decimal128<S> {
    /// Takes a text (`"12.50"`) or a number (`12.5`), whose digits are taken as written.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let text = super::json_text(&value)
            .ok_or_else(|| D::Error::custom("expected a decimal, such as \"12.50\""))?;
        text.parse::<Self>().map_err(|error| D::Error::custom(format!("`{text}`: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::take_overflow;

    #[test]
    fn sums_beyond_128_bits_overflow() {
        assert!((Decimal128::<2>::MAX + Decimal128::MAX).overflowed() && take_overflow());
        assert!((Decimal128::<2>::MIN - Decimal128::MAX).overflowed() && take_overflow());
        assert_eq!(Decimal128::<2>::MAX - Decimal128::MAX, Decimal128::ZERO);
        assert!(!take_overflow());
    }

    #[test]
    fn quotients_keep_all_digits() {
        let third: Option<Decimal128<37>> =
            Decimal128::<0>::whole(1).div_rounded(Decimal128::<0>::whole(3));
        assert_eq!(third.map(|third| third.to_string()), Some(format!("0.{}", "3".repeat(37))));
        assert_eq!(Decimal128::<2>::from_units(-125).rescale::<1>().to_string(), "-1.3");
    }

    #[test]
    fn narrowing_overflows_past_18_digits() {
        let wide = Decimal128::<2>::from(Decimal::<2>::MAX);
        assert_eq!(wide.narrow(), Decimal::MAX);
        assert!((wide + wide).narrow().overflowed() && take_overflow());
    }
}
