//! Dates and times of the years 0000 to 9999.

use std::fmt::Write as _;

/// A date with a time of day, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// 0 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// The time of day in microseconds.
    pub micros: i64,
}

/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub const DAY: i64 = 86_400 * SECOND;

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date, by the civil calendar.
fn days_of_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of days since 1970-01-01.
fn civil_of_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Takes a number of `least` to `most` digits off the front.
fn number(text: &mut &str, least: usize, most: usize) -> Option<i64> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if digits < least {
        return None;
    }
    let (taken, rest) = text.split_at(digits);
    *text = rest;
    taken.parse().ok()
}

fn sign(text: &mut &str, sign: char) -> Option<()> {
    *text = text.strip_prefix(sign)?;
    Some(())
}

impl Moment {
    /// The moment of microseconds since 1970, if its year has four digits.
    #[must_use]
    pub fn of_micros(micros: i64) -> Option<Self> {
        let (year, month, day) = civil_of_days(micros.div_euclid(DAY));
        let moment = Self { year, month, day, micros: micros.rem_euclid(DAY) };
        (0..=9999).contains(&year).then_some(moment)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn to_micros(self) -> i64 {
        self.days() * DAY + self.micros
    }

    /// Days since 1970.
    #[must_use]
    pub fn days(self) -> i64 {
        days_of_civil(self.year, self.month, self.day)
    }

    /// Reads `2026-01-31`, `2026-01-31 12:00:00`, `2026-01-31T12:00:00.123456Z`; the second part is
    /// the offset in minutes, where one is given. More than six digits of a second are no time
    /// unless they are zeros.
    #[must_use]
    pub fn parse(text: &str) -> Option<(Self, Option<i64>)> {
        let mut text = text.trim();
        let year = number(&mut text, 4, 4)?;
        sign(&mut text, '-')?;
        let month = number(&mut text, 1, 2)?;
        sign(&mut text, '-')?;
        let day = number(&mut text, 1, 2)?;
        if !(1..=12).contains(&month) || !(1..=days_of_month(year, month)).contains(&day) {
            return None;
        }
        let mut micros = 0;
        let mut offset = None;
        if !text.is_empty() {
            text = text.strip_prefix([' ', 'T'])?;
            micros = time_of_day(&mut text)?;
            offset = offset_of(&mut text)?;
        }
        text.is_empty().then_some((Self { year, month, day, micros }, offset))
    }

    /// `2026-01-31`.
    #[must_use]
    pub fn date(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `2026-01-31 12:00:00`, with this many digits of a second, or, for `None`, with six digits
    /// where there is a part of a second.
    #[must_use]
    pub fn date_time(self, digits: Option<u8>) -> String {
        let seconds = self.micros / SECOND;
        let mut text = format!(
            "{} {:02}:{:02}:{:02}",
            self.date(),
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        let part = self.micros % SECOND;
        let digits = usize::from(digits.unwrap_or(if part == 0 { 0 } else { 6 }).min(6));
        if digits > 0 {
            let all = format!("{part:06}");
            let _ = write!(text, ".{}", &all[..digits]);
        }
        text
    }

    /// The moment with this many digits of a second, rounded.
    #[must_use]
    pub fn rounded(self, digits: u8) -> Option<Self> {
        let unit = 10_i64.pow(u32::from(6 - digits.min(6)));
        Self::of_micros((self.to_micros() + unit / 2).div_euclid(unit) * unit)
    }

    /// The moment some months later or earlier, on the last day where the month is shorter.
    #[must_use]
    pub fn plus_months(self, months: i64) -> Option<Self> {
        let all = self.year * 12 + self.month - 1 + months;
        let (year, month) = (all.div_euclid(12), all.rem_euclid(12) + 1);
        let day = self.day.min(days_of_month(year, month));
        (0..=9999).contains(&year).then_some(Self { year, month, day, micros: self.micros })
    }

    /// 1 is Sunday, 7 is Saturday.
    #[must_use]
    pub fn weekday(self) -> i64 {
        (self.days() + 4).rem_euclid(7) + 1
    }

    /// 1 is the first of January.
    #[must_use]
    pub fn day_of_year(self) -> i64 {
        self.days() - days_of_civil(self.year, 1, 1) + 1
    }

    /// The beginning of the unit that the moment is in.
    #[must_use]
    pub fn truncated(self, unit: &str) -> Option<Self> {
        let to = |micros: i64| Self { micros: self.micros / micros * micros, ..self };
        let midnight = Self { micros: 0, ..self };
        Some(match unit.to_ascii_lowercase().as_str() {
            "second" => to(SECOND),
            "minute" => to(60 * SECOND),
            "hour" => to(3600 * SECOND),
            "day" => midnight,
            "week" => {
                let back = (self.weekday() + 5) % 7;
                Self::of_micros((midnight.days() - back) * DAY)?
            }
            "month" => Self { day: 1, ..midnight },
            "quarter" => Self { day: 1, month: (self.month - 1) / 3 * 3 + 1, ..midnight },
            "year" => Self { day: 1, month: 1, ..midnight },
            _ => return None,
        })
    }
}

fn time_of_day(text: &mut &str) -> Option<i64> {
    let hour = number(text, 1, 2)?;
    sign(text, ':')?;
    let minute = number(text, 1, 2)?;
    let mut second = 0;
    if sign(text, ':').is_some() {
        second = number(text, 1, 2)?;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut part = 0;
    if sign(text, '.').is_some() {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, rest) = text.split_at(digits);
        *text = rest;
        let kept = fraction.get(..6).unwrap_or(fraction);
        if fraction.get(6..).is_some_and(|more| more.bytes().any(|byte| byte != b'0')) {
            return None;
        }
        part = format!("{kept:0<6}").parse().ok()?;
    }
    Some(((hour * 60 + minute) * 60 + second) * SECOND + part)
}

/// The offset at the end of a time; the outer `None` is something else than an offset.
fn offset_of(text: &mut &str) -> Option<Option<i64>> {
    if text.is_empty() {
        return Some(None);
    }
    if matches!(*text, "Z" | "z") {
        *text = "";
        return Some(Some(0));
    }
    let negative = text.starts_with('-');
    *text = text.strip_prefix(['+', '-'])?;
    let hours = number(text, 2, 2)?;
    let _ = sign(text, ':');
    let minutes = if text.is_empty() { 0 } else { number(text, 2, 2)? };
    let all = hours * 60 + minutes;
    (all <= 14 * 60).then_some(Some(if negative { -all } else { all }))
}

/// The offset of a zone in minutes; the few that loads name.
#[must_use]
pub fn zone_offset(zone: &str) -> Option<i64> {
    match zone {
        "" | "UTC" | "GMT" | "Z" | "Etc/UTC" | "Etc/GMT" => Some(0),
        "Asia/Shanghai" | "PRC" | "CST" | "Asia/Hong_Kong" | "Asia/Singapore" => Some(480),
        "Asia/Tokyo" | "Japan" => Some(540),
        _ => {
            let mut text = zone.strip_prefix("GMT").or(zone.strip_prefix("UTC")).unwrap_or(zone);
            if let Some(hours) = text.get(1..).filter(|hours| hours.len() == 1) {
                let hours: i64 = hours.parse().ok()?;
                return Some(if text.starts_with('-') { -hours * 60 } else { hours * 60 });
            }
            offset_of(&mut text).flatten().filter(|_| text.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_and_written() {
        let (moment, offset) = Moment::parse("2024-02-29T23:59:59.120Z").unwrap();
        assert_eq!(moment.date_time(None), "2024-02-29 23:59:59.120000");
        assert_eq!(
            (moment.date_time(Some(3)).as_str(), offset),
            ("2024-02-29 23:59:59.120", Some(0))
        );
        assert_eq!(
            Moment::parse("0000-01-01").unwrap().0.date_time(Some(0)),
            "0000-01-01 00:00:00"
        );
        assert_eq!(Moment::parse("2024-01-01 00:00:00+08:00").unwrap().1, Some(480));
        for text in
            ["2023-02-29", "10000-01-01", "2024-13-01", "2024-01-01 24:00:00", "x", "2024-01-01 "]
        {
            assert!(Moment::parse(text).is_none() || text.ends_with(' '), "{text}");
        }
        assert!(Moment::parse("2024-01-01 00:00:00.1234567").is_none());
    }

    #[test]
    fn units_begin_where_they_begin() {
        let (moment, _) = Moment::parse("2026-11-21 13:45:10.5").unwrap();
        for (unit, begin) in [
            ("hour", "2026-11-21 13:00:00"),
            ("week", "2026-11-16 00:00:00"),
            ("quarter", "2026-10-01 00:00:00"),
        ] {
            assert_eq!(moment.truncated(unit).unwrap().date_time(None), begin);
        }
        assert_eq!(moment.weekday(), 7);
        assert_eq!(moment.plus_months(3).unwrap().date(), "2027-02-21");
        assert_eq!(zone_offset("+08:00"), Some(480));
        assert_eq!(zone_offset("GMT+8"), Some(480));
        assert_eq!(zone_offset("Mars"), None);
    }

    proptest! {
        #[test]
        fn days_come_back(micros in -62_000_000_000_000_000_i64..253_000_000_000_000_000) {
            prop_assert_eq!(Moment::of_micros(micros).unwrap().to_micros(), micros);
        }
    }
}
