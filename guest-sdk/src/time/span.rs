//! Lengths of time.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

use super::ParseTimeError;

/// Units by falling length, in microseconds.
const UNITS: [(&str, i64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// A length of time in microseconds, never negative. Params hold it as text, as the pipeline's TOML
/// does elsewhere: a whole number and one of `us`, `ms`, `s`, `m`, `h`, `d`.
///
/// ```
/// use millrace_sdk::time::Span;
///
/// let minute: Span = "1m".parse()?;
/// assert_eq!(minute, Span::from_secs(60));
/// assert_eq!(Span::from_millis(1_500).to_string(), "1500ms");
/// assert!("1.5s".parse::<Span>().is_err());
/// # Ok::<(), millrace_sdk::time::ParseTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// A span of this many microseconds; of none where `micros` is negative.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(if micros < 0 { 0 } else { micros })
    }

    /// A span of this many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u32) -> Self {
        Self(millis as i64 * 1_000)
    }

    /// A span of this many seconds.
    #[must_use]
    pub const fn from_secs(seconds: u32) -> Self {
        Self(seconds as i64 * 1_000_000)
    }

    /// Microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Span {
    /// A whole number of the longest unit that it is a multiple of: `90s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, micros)| self.0 != 0 && self.0 % micros == 0);
        let (name, micros) = unit.unwrap_or(&("s", 1_000_000));
        write!(f, "{}{name}", self.0 / micros)
    }
}

impl FromStr for Span {
    type Err = ParseTimeError;

    /// Reads `90s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let digits = text.find(|character: char| !character.is_ascii_digit())?;
            let (number, name) = text.split_at(digits);
            let (_, micros) = UNITS.iter().find(|(unit, _)| *unit == name)?;
            number.parse::<i64>().ok()?.checked_mul(*micros).map(Self)
        };
        parse().ok_or(ParseTimeError { expected: "a length of time such as 90s, 500ms or 1m" })
    }
}

impl<'de> Deserialize<'de> for Span {
    /// Takes a text, such as `"90s"`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<Self>().map_err(|error| D::Error::custom(format!("`{text}`: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in ["0s", "7us", "500ms", "90s", "1m", "36h", "2d"] {
            assert_eq!(text.parse::<Span>().expect("a span").to_string(), text);
        }
        for text in ["", "5", "s", "-1s", "1 s", "1w", "99999999999999999999s", "200000000d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Span>("60").is_err());
    }
}
