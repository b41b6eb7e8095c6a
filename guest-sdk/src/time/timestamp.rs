//! Points in time.

use std::fmt;
use std::str::FromStr;

use super::{Date, ParseTimeError, Time};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, column type `timestamp`.
///
/// A column holds the years 0001 to 9999. A row whose answer has another point is refused with the
/// reason "out of range".
///
/// ```
/// use millrace_sdk::prelude::*;
/// let opened: Timestamp = "2024-02-29T12:00:00.5Z".parse()?;
/// assert_eq!(opened.micros(), 1_709_208_000_500_000);
/// assert_eq!(opened.to_string(), "2024-02-29T12:00:00.500000Z");
/// # Ok::<(), millrace_sdk::time::ParseTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    const DAY: i64 = 86_400_000_000;
    /// 0001-01-01T00:00:00Z.
    const FIRST: i64 = -62_135_596_800_000_000;
    /// 9999-12-31T23:59:59.999999Z.
    const LAST: i64 = 253_402_300_799_999_999;

    /// The point `micros` microseconds after 1970-01-01T00:00:00Z.
    #[inline]
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The point `millis` milliseconds after 1970-01-01T00:00:00Z, or `None` where their
    /// microseconds do not fit an `i64`. A column's range is narrower; see the type.
    #[inline]
    #[must_use]
    pub const fn from_millis(millis: i64) -> Option<Self> {
        match millis.checked_mul(1_000) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[inline]
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Microseconds from `earlier` to this point, negative if it is later. Saturates.
    #[inline]
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The point `micros` microseconds later, or `None` where that does not fit an `i64`. A column's
    /// range is narrower; see the type.
    #[inline]
    #[must_use]
    pub const fn checked_add_micros(self, micros: i64) -> Option<Self> {
        match self.0.checked_add(micros) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// Whether a column can hold it.
    #[inline(always)]
    pub(crate) const fn in_range(self) -> bool {
        self.0 >= Self::FIRST && self.0 <= Self::LAST
    }

    /// The day in UTC.
    #[inline]
    #[must_use]
    pub const fn date(self) -> Date {
        // An i64 of microseconds spans some 107 million days either way.
        Date::from_days(self.0.div_euclid(Self::DAY) as i32)
    }

    /// The time of day in UTC.
    #[inline]
    #[must_use]
    pub const fn time(self) -> Time {
        Time::from_column(self.0.rem_euclid(Self::DAY))
    }
}

impl fmt::Display for Timestamp {
    /// `2024-02-29T12:00:00Z`, with six digits of a second where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}Z", self.date(), self.time())
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    /// Reads `2024-02-29T12:00:00Z`: UTC only, with up to six digits of a second.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or(ParseTimeError { expected: "a timestamp such as 2024-02-29T12:00:00Z" })
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (date, time): (Date, Time) = (date.parse().ok()?, time.parse().ok()?);
    Some(Timestamp(i64::from(date.days()) * Timestamp::DAY + time.micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_of_four_digit_years() {
        let (first, last) =
            (Timestamp::from_micros(Timestamp::FIRST), Timestamp::from_micros(Timestamp::LAST));
        assert_eq!(first.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999999Z");
        assert!(first.in_range() && last.in_range());
        assert!(!first.checked_add_micros(-1).is_some_and(Timestamp::in_range));
        assert!(!last.checked_add_micros(1).is_some_and(Timestamp::in_range));
    }

    #[test]
    fn text_round_trips_before_and_after_the_epoch() {
        for text in
            ["1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2262-04-11T23:47:16.854775Z"]
        {
            assert_eq!(text.parse::<Timestamp>().expect("a timestamp").to_string(), text);
        }
        assert!("2024-02-30T00:00:00Z".parse::<Timestamp>().is_err());
        assert!("2024-02-29T24:00:00Z".parse::<Timestamp>().is_err());
        assert!("2024-02-29 12:00:00".parse::<Timestamp>().is_err());
    }
}
