//! Days.

use std::fmt;
use std::str::FromStr;

use super::{ParseTimeError, calendar};

/// A day of the proleptic Gregorian calendar: days since 1970-01-01, column type `date`.
///
/// A column holds the years 0001 to 9999. A row whose answer has another day is refused with the
/// reason "out of range".
///
/// ```
/// use millrace_sdk::prelude::*;
/// let day: Date = "2024-02-29".parse()?;
/// assert_eq!(day.days(), 19_782);
/// assert_eq!(Date::from_days(19_783).to_string(), "2024-03-01");
/// # Ok::<(), millrace_sdk::time::ParseTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// 0001-01-01.
    const FIRST: i32 = -719_162;
    /// 9999-12-31.
    const LAST: i32 = 2_932_896;

    /// The day `days` after 1970-01-01.
    #[inline]
    #[must_use]
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    #[inline]
    #[must_use]
    pub const fn days(self) -> i32 {
        self.0
    }

    /// Whether a column can hold it.
    #[inline(always)]
    pub(crate) const fn in_range(self) -> bool {
        self.0 >= Self::FIRST && self.0 <= Self::LAST
    }

    /// The day of a year, month (1 to 12) and day of month, or `None` where there is no such day.
    #[must_use]
    pub fn from_ymd(year: i32, month: u8, day: u8) -> Option<Self> {
        let days = calendar::days(year.into(), month, day)?;
        i32::try_from(days).ok().map(Self)
    }

    /// Year, month (1 to 12) and day of month.
    #[must_use]
    pub fn ymd(self) -> (i64, u8, u8) {
        calendar::civil(self.0.into())
    }
}

impl fmt::Display for Date {
    /// `2024-02-29`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = ParseTimeError;

    /// Reads `2024-02-29`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or(ParseTimeError { expected: "a date such as 2024-02-29" })
    }
}

fn parse(text: &str) -> Option<Date> {
    let (year, rest) = calendar::number(text, 4)?;
    let (month, rest) = calendar::number(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = calendar::number(rest.strip_prefix('-')?, 2)?;
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    let date = Date::from_ymd(i32::try_from(year).ok()?, month, day)?;
    rest.is_empty().then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_of_four_digit_years() {
        assert_eq!(Date::from_days(Date::FIRST).to_string(), "0001-01-01");
        assert_eq!(Date::from_days(Date::LAST).to_string(), "9999-12-31");
        for (days, holds) in [(Date::FIRST - 1, false), (0, true), (Date::LAST + 1, false)] {
            assert_eq!(Date::from_days(days).in_range(), holds, "{days}");
        }
    }
}
