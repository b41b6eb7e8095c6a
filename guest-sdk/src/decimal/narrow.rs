//! Decimals of up to 18 digits.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

use super::{ParseDecimalError, overflow, rounding, text};

const MAX_UNITS: i64 = 999_999_999_999_999_999;

/// Stands for a value that overflowed. It is out of range, and so is what addition, subtraction and
/// negation make of it and a value in range; that lets the loop name the column that holds it.
const OVERFLOWED: i64 = i64::MAX / 2;

/// An exact decimal of up to 18 digits, `S` of them after the point.
///
/// Its column type is `decimal(18,S)`. It is one `i64` that counts units of `10^-S`: 12.34 is 1,234
/// units of a `Decimal<2>`. `S` is at most 18, checked when the code is compiled.
///
/// Operations that leave ±(10^18 − 1) units overflow: within a transform the row is rejected
/// whatever the function returns, and the result of the operation means nothing.
///
/// ```
/// use millrace_sdk::prelude::*;
///
/// let bet: Decimal<2> = "10.00".parse()?;
/// let win = Decimal::from_units(250);
/// assert_eq!((bet - win).to_string(), "7.50");
/// assert_eq!(win.div_rounded(bet), Some(Decimal::<4>::from_units(2_500)));
/// # Ok::<(), millrace_sdk::decimal::ParseDecimalError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal<const S: u8>(i64);

impl<const S: u8> Decimal<S> {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The largest value: 18 nines.
    pub const MAX: Self = Self(MAX_UNITS);
    /// The smallest value, `-MAX`.
    pub const MIN: Self = Self(-MAX_UNITS);

    const SCALE_FITS: () = assert!(S <= 18, "a Decimal has at most 18 digits: use Decimal128");

    /// A value of `units` times `10^-S`. More than 18 digits overflow.
    #[inline]
    #[must_use]
    pub fn from_units(units: i64) -> Self {
        let () = Self::SCALE_FITS;
        if (-MAX_UNITS..=MAX_UNITS).contains(&units) { Self(units) } else { Self::overflow() }
    }

    /// A value of `units` times `10^-S`, or `None` for more than 18 digits. For constants:
    ///
    /// ```
    /// use millrace_sdk::prelude::*;
    /// const LIMIT: Decimal<2> = Decimal::try_from_units(100_000).expect("six digits");
    /// assert_eq!(LIMIT.to_string(), "1000.00");
    /// ```
    #[must_use]
    pub const fn try_from_units(units: i64) -> Option<Self> {
        let () = Self::SCALE_FITS;
        if units >= -MAX_UNITS && units <= MAX_UNITS { Some(Self(units)) } else { None }
    }

    /// A whole number. It overflows when `number * 10^S` has more than 18 digits.
    #[inline]
    #[must_use]
    pub fn whole(number: i64) -> Self {
        Self::from_product(number, rounding::small_power(S))
    }

    /// The value in units of `10^-S`.
    #[inline]
    #[must_use]
    pub const fn units(self) -> i64 {
        self.0
    }

    /// The magnitude.
    #[inline]
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// The same amount with `R` digits after the point, rounded half away from zero where digits are
    /// lost. More digits may overflow.
    ///
    /// ```
    /// use millrace_sdk::prelude::*;
    /// let rate: Decimal<4> = Decimal::from_units(12_350);
    /// assert_eq!(rate.rescale::<2>().to_string(), "1.24");
    /// ```
    #[inline]
    #[must_use]
    pub fn rescale<const R: u8>(self) -> Decimal<R> {
        let power = rounding::small_power(R.abs_diff(S));
        if R >= S {
            return Decimal::from_product(self.0, power);
        }
        let magnitude = rounding::quotient_small(self.0.unsigned_abs(), power.unsigned_abs());
        Decimal::from_magnitude(u128::from(magnitude), self.0 < 0)
    }

    /// `self / divisor` with `R` digits after the point, rounded half away from zero. `None` when the
    /// divisor is zero; a quotient of too many digits overflows.
    ///
    /// The scale is usually plain from where the result goes; `div_rounded::<_, 4>` says it.
    #[inline]
    #[must_use]
    pub fn div_rounded<const D: u8, const R: u8>(self, divisor: Decimal<D>) -> Option<Decimal<R>> {
        if divisor.0 == 0 {
            return None;
        }
        let exponent = i32::from(D) + i32::from(R) - i32::from(S);
        let (numerator, denominator) = (self.0.unsigned_abs(), divisor.0.unsigned_abs());
        let quotient = match rounding::divide_small(numerator, denominator, exponent) {
            Some(quotient) => Some(u128::from(quotient)),
            None => rounding::divide(numerator.into(), denominator.into(), exponent),
        };
        Some(quotient.map_or_else(Decimal::overflow, |quotient| {
            Decimal::from_magnitude(quotient, (self.0 < 0) != (divisor.0 < 0))
        }))
    }

    /// `self * factor` with `R` digits after the point, rounded half away from zero. A product of
    /// too many digits overflows.
    #[inline]
    #[must_use]
    pub fn mul_rounded<const D: u8, const R: u8>(self, factor: Decimal<D>) -> Decimal<R> {
        let product = u128::from(self.0.unsigned_abs()) * u128::from(factor.0.unsigned_abs());
        let exponent = i32::from(R) - i32::from(S) - i32::from(D);
        rounding::divide(product, 1, exponent).map_or_else(Decimal::overflow, |magnitude| {
            Decimal::from_magnitude(magnitude, (self.0 < 0) != (factor.0 < 0))
        })
    }

    /// A value of a column. The host guarantees that it has at most 18 digits.
    #[inline]
    pub(crate) const fn from_column(units: i64) -> Self {
        let () = Self::SCALE_FITS;
        Self(units)
    }

    /// Whether this value came out of an operation that overflowed.
    pub(crate) fn overflowed(self) -> bool {
        !(-MAX_UNITS..=MAX_UNITS).contains(&self.0)
    }

    #[inline]
    fn from_product(number: i64, factor: i64) -> Self {
        number.checked_mul(factor).map_or_else(Self::overflow, Self::from_units)
    }

    #[inline]
    fn from_magnitude(magnitude: u128, negative: bool) -> Self {
        match i64::try_from(magnitude) {
            Ok(units) => Self::from_units(if negative { -units } else { units }),
            Err(_) => Self::overflow(),
        }
    }

    #[cold]
    fn overflow() -> Self {
        overflow::raise();
        Self(OVERFLOWED)
    }
}

impl<const S: u8> Add for Decimal<S> {
    type Output = Self;

    /// Two values in range cannot wrap an `i64`, so the check of the range is enough.
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::from_units(self.0.wrapping_add(other.0))
    }
}

impl<const S: u8> Sub for Decimal<S> {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::from_units(self.0.wrapping_sub(other.0))
    }
}

impl<const S: u8> Neg for Decimal<S> {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self(self.0.wrapping_neg())
    }
}

impl<const S: u8> Mul<i64> for Decimal<S> {
    type Output = Self;

    #[inline]
    fn mul(self, factor: i64) -> Self {
        Self::from_product(self.0, factor)
    }
}

impl<const S: u8> Mul<i32> for Decimal<S> {
    type Output = Self;

    #[inline]
    fn mul(self, factor: i32) -> Self {
        Self::from_product(self.0, factor.into())
    }
}

impl<const S: u8> AddAssign for Decimal<S> {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<const S: u8> SubAssign for Decimal<S> {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl<const S: u8> Sum for Decimal<S> {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Add::add)
    }
}

impl<const S: u8> fmt::Display for Decimal<S> {
    /// All `S` digits after the point: `7.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.overflowed() {
            return f.pad("overflow");
        }
        text::write(f, self.0 < 0, self.0.unsigned_abs().into(), S)
    }
}

impl<const S: u8> fmt::Debug for Decimal<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const S: u8> FromStr for Decimal<S> {
    type Err = ParseDecimalError;

    /// Reads `-12.5`: digits with an optional sign and point. Digits beyond the scale must be zero.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = text::parse(text, S, MAX_UNITS.unsigned_abs().into())?;
        i64::try_from(units).map(Self).map_err(|_| ParseDecimalError::TooLarge)
    }
}

impl<'de, const S: u8> Deserialize<'de> for Decimal<S> {
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
    use proptest::prelude::*;

    use super::*;
    use crate::decimal::take_overflow;

    #[test]
    fn text_round_trips_with_every_digit() {
        for text in ["0.00", "-0.05", "12.34", "-9999999999999999.99"] {
            assert_eq!(text.parse::<Decimal<2>>().expect("a decimal").to_string(), text);
        }
        assert_eq!("7".parse::<Decimal<0>>().map(|seven| seven.to_string()), Ok("7".to_owned()));
        assert_eq!("1.250".parse::<Decimal<2>>(), Ok(Decimal(125)));
        assert_eq!("1.255".parse::<Decimal<2>>(), Err(ParseDecimalError::TooPrecise { scale: 2 }));
        assert_eq!("1e3".parse::<Decimal<2>>(), Err(ParseDecimalError::NotADecimal));
        assert_eq!(".".parse::<Decimal<2>>(), Err(ParseDecimalError::NotADecimal));
        assert_eq!("99999999999999999".parse::<Decimal<2>>(), Err(ParseDecimalError::TooLarge));
    }

    #[test]
    fn overflow_raises_the_flag_and_stays_out_of_range() {
        let over = Decimal::<2>::MAX + Decimal::from_units(1);
        assert!(take_overflow() && over.overflowed());
        assert!((over + over).overflowed() && (over - Decimal::MAX).overflowed());
        assert!((-over).overflowed());
        take_overflow();
        assert!((Decimal::<2>::MAX * 2_i64).overflowed() && take_overflow());
        assert!(Decimal::<2>::whole(i64::MAX).overflowed() && take_overflow());
        assert!(Decimal::<0>::MAX.rescale::<1>().overflowed() && take_overflow());
    }

    #[test]
    fn quotients_round_half_away_from_zero() {
        let two = Decimal::<0>::from_units(2);
        let quotient = |units| Decimal::<0>::from_units(units).div_rounded::<_, 0>(two);
        assert_eq!(quotient(1), Some(Decimal(1)));
        assert_eq!(quotient(-1), Some(Decimal(-1)));
        assert_eq!(quotient(-3), Some(Decimal(-2)));
        assert_eq!(Decimal::<2>::MAX.div_rounded::<2, 4>(Decimal::ZERO), None);
        assert_eq!(Decimal::<4>::from_units(-12_350).rescale::<2>(), Decimal(-124));
        assert_eq!(
            Decimal::<2>::from_units(1_050).mul_rounded::<4, 2>(Decimal::from_units(333)),
            Decimal(35)
        );
        let tiny = Decimal::<18>::from_units(1);
        assert!(Decimal::<0>::MAX.div_rounded::<18, 18>(tiny).is_some_and(Decimal::overflowed));
        assert!(take_overflow());
    }

    #[test]
    fn params_take_texts_and_numbers() {
        let parse = |json| serde_json::from_str::<Decimal<2>>(json);
        assert_eq!(parse("\"12.50\"").expect("a text"), Decimal(1_250));
        assert_eq!(parse("12.5").expect("a number"), Decimal(1_250));
        assert!(parse("true").is_err());
    }

    proptest! {
        #[test]
        fn sums_agree_with_wider_integers(a in -MAX_UNITS..=MAX_UNITS, b in -MAX_UNITS..=MAX_UNITS) {
            let sum = i128::from(a) + i128::from(b);
            let answer = Decimal::<2>(a) + Decimal(b);
            if sum.abs() <= i128::from(MAX_UNITS) {
                prop_assert_eq!(i128::from(answer.units()), sum);
                prop_assert!(!take_overflow());
            } else {
                prop_assert!(answer.overflowed() && take_overflow());
            }
        }

        #[test]
        fn quotients_agree_with_wider_integers(a in -MAX_UNITS..=MAX_UNITS, b in 1..=MAX_UNITS) {
            let scaled = i128::from(a) * 10_000;
            let expected = (scaled.abs() * 2 + i128::from(b)) / (i128::from(b) * 2) * scaled.signum();
            let answer: Decimal<4> =
                Decimal::<2>(a).div_rounded(Decimal::<2>(b)).expect("not by zero");
            if expected.abs() <= i128::from(MAX_UNITS) {
                prop_assert_eq!(i128::from(answer.units()), expected);
            } else {
                prop_assert!(answer.overflowed() && take_overflow());
            }
        }
    }
}
