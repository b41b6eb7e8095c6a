//! Times of day.

use std::fmt;
use std::str::FromStr;

use super::{ParseTimeError, calendar};

/// A time of day: microseconds since midnight, 0 to 86,399,999,999; column type `time`.
/// There is no value outside that range.
///
/// ```
/// use millrace_sdk::prelude::*;
/// let noon: Time = "12:00:00".parse()?;
/// assert_eq!(noon.micros(), 43_200_000_000);
/// assert_eq!(Time::from_micros(86_400_000_000), None);
/// # Ok::<(), millrace_sdk::time::ParseTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    const DAY: i64 = 86_400_000_000;

    /// The time `micros` microseconds after midnight, or `None` outside a day.
    #[inline]
    #[must_use]
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros >= 0 && micros < Self::DAY { Some(Self(micros)) } else { None }
    }

    /// Microseconds since midnight.
    #[inline]
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// A value of a column, which the host has checked.
    #[inline]
    pub(crate) const fn from_column(micros: i64) -> Self {
        Self(micros)
    }
}

impl fmt::Display for Time {
    /// `12:30:05`, with six digits of a second where there are any: `12:30:05.250000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        write!(f, "{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)?;
        if micros == 0 { Ok(()) } else { write!(f, ".{micros:06}") }
    }
}

impl FromStr for Time {
    type Err = ParseTimeError;

    /// Reads `12:30:05` with up to six digits of a second.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or(ParseTimeError { expected: "a time such as 12:30:05.25" })
    }
}

fn parse(text: &str) -> Option<Time> {
    let (hour, rest) = calendar::number(text, 2)?;
    let (minute, rest) = calendar::number(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = calendar::number(rest.strip_prefix(':')?, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = match rest.strip_prefix('.') {
        None if rest.is_empty() => 0,
        Some(digits) if (1..=6).contains(&digits.len()) => {
            let (value, _) = calendar::number(digits, digits.len())?;
            value * 10_u32.pow(6 - u32::try_from(digits.len()).ok()?)
        }
        _ => return None,
    };
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    Time::from_micros(seconds * 1_000_000 + i64::from(micros))
}
