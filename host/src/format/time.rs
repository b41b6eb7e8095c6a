//! ISO 8601 text as days and microseconds, and the range that times have.
//!
//! *Invariants*: every time that leaves here is within the years 0001 to 9999, in UTC.
//! *Not here*: printing times (`record`).

use std::ops::RangeInclusive;

/// Microseconds of the years 0001 to 9999.
pub(super) const MICROS: RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;
/// Days of the years 0001 to 9999.
pub(super) const DAYS: RangeInclusive<i64> = -719_162..=2_932_896;
/// Microseconds of a day.
pub(super) const DAY_MICROS: i64 = 86_400_000_000;

/// `YYYY-MM-DD` as days since 1970-01-01; the year may be 0000, which is out of range.
pub(super) fn date(text: &str) -> Option<i64> {
    let mut reader = Reader(text.as_bytes());
    let days = reader.date()?;
    reader.is_done().then_some(days)
}

/// `HH:MM[:SS[.fraction]][Z]` as microseconds since midnight.
pub(super) fn time_of_day(text: &str) -> Option<i64> {
    let mut reader = Reader(text.as_bytes());
    let micros = reader.time_of_day()?;
    reader.eat(b"Zz");
    reader.is_done().then_some(micros)
}

/// `YYYY-MM-DD[(T| )HH:MM[:SS[.fraction]][Z|±HH[[:]MM]]]` as microseconds since 1970 UTC; without a
/// zone it is UTC. Fractions finer than a microsecond are cut off. The year may be out of range.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let mut reader = Reader(text.as_bytes());
    let midnight = reader.date()? * DAY_MICROS;
    if reader.is_done() {
        return Some(midnight);
    }
    if !reader.eat(b"Tt ") {
        return None;
    }
    let micros = reader.time_of_day()?;
    let offset_minutes = reader.offset()?;
    reader.is_done().then_some(midnight + micros - offset_minutes * 60_000_000)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next byte if it is one of `wanted`.
    fn eat(&mut self, wanted: &[u8]) -> bool {
        match self.0.split_first() {
            Some((byte, rest)) if wanted.contains(byte) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Exactly `count` digits (few enough for an `i64`).
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (head, rest) = self.0.split_at_checked(count)?;
        let mut value = 0;
        for byte in head {
            if !byte.is_ascii_digit() {
                return None;
            }
            value = value * 10 + i64::from(byte - b'0');
        }
        self.0 = rest;
        Some(value)
    }

    fn date(&mut self) -> Option<i64> {
        let year = self.digits(4)?;
        let month = self.eat(b"-").then(|| self.digits(2))??;
        let day = self.eat(b"-").then(|| self.digits(2))??;
        let valid = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        valid.then(|| days_from_civil(year, month, day))
    }

    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        let minute = self.eat(b":").then(|| self.digits(2))??;
        let mut second = 0;
        let mut fraction = 0;
        if self.eat(b":") {
            second = self.digits(2)?;
            if self.eat(b".,") {
                fraction = self.fraction()?;
            }
        }
        let valid = hour < 24 && minute < 60 && second < 60;
        valid.then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
    }

    /// One digit or more as microseconds.
    fn fraction(&mut self) -> Option<i64> {
        let mut micros = 0;
        let mut unit = 100_000;
        let mut read = false;
        while let Some((byte, rest)) = self.0.split_first()
            && byte.is_ascii_digit()
        {
            micros += i64::from(byte - b'0') * unit;
            unit /= 10;
            read = true;
            self.0 = rest;
        }
        read.then_some(micros)
    }

    /// Minutes east of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.is_done() || self.eat(b"Zz") {
            return Some(0);
        }
        let sign = if self.eat(b"+") {
            1
        } else if self.eat(b"-") {
            -1
        } else {
            return None;
        };
        let hours = self.digits(2)?;
        let minutes = if self.is_done() {
            0
        } else {
            self.eat(b":");
            self.digits(2)?
        };
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar: years begin in March, so
/// that the leap day comes last, and repeat after 400.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_chrono_over_all_years() {
        let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");
        for day in DAYS.step_by(13) {
            let wanted = epoch + chrono::TimeDelta::days(day);
            assert_eq!(date(&wanted.format("%Y-%m-%d").to_string()), Some(day), "{wanted}");
        }
        assert_eq!(date("0001-01-01"), Some(*DAYS.start()));
        assert_eq!(date("9999-12-31"), Some(*DAYS.end()));
        assert_eq!(timestamp("0001-01-01"), Some(*MICROS.start()));
        assert_eq!(timestamp("9999-12-31T23:59:59.999999Z"), Some(*MICROS.end()));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2024",
            "2024-1-01",
            "2024-13-01",
            "2024-00-10",
            "2023-02-29",
            "2024-04-31",
            "2024-01-00",
            "2024-01-01 ",
            "+2024-01-01",
            "2024/01/01",
            "20240101",
        ] {
            assert_eq!(date(text), None, "{text:?}");
        }
        assert_eq!(date("2024-02-29"), Some(19_782));
        assert!(!DAYS.contains(&date("0000-12-31").expect("a date before the range")));
    }

    #[test]
    fn times_of_day_are_whole_or_refused() {
        assert_eq!(time_of_day("00:00"), Some(0));
        assert_eq!(time_of_day("23:59:59.999999"), Some(DAY_MICROS - 1));
        assert_eq!(time_of_day("12:34:56.7Z"), Some(45_296_700_000));
        assert_eq!(time_of_day("12:34:56.1234569"), Some(45_296_123_456));
        for text in ["24:00", "12:60", "12:00:60", "12", "12:00:", "12:00:00.", "1:00", "12:00+01"]
        {
            assert_eq!(time_of_day(text), None, "{text:?}");
        }
    }

    #[test]
    fn timestamps_take_the_zones_that_they_name() {
        let noon = 1_709_208_000_000_000;
        for text in [
            "2024-02-29T12:00:00Z",
            "2024-02-29t12:00z",
            "2024-02-29 12:00:00",
            "2024-02-29T13:30:00+01:30",
            "2024-02-29T13:30:00+0130",
            "2024-02-29T11:00:00.000-01",
        ] {
            assert_eq!(timestamp(text), Some(noon), "{text}");
        }
        for text in [
            "2024-02-29T",
            "2024-02-29T12",
            "2024-02-29T12:00:00 Z",
            "2024-02-29T12:00:00+24:00",
            "1709208000",
        ] {
            assert_eq!(timestamp(text), None, "{text:?}");
        }
        assert_eq!(timestamp("1969-12-31T23:59:59.9999999Z"), Some(-1));
    }
}
