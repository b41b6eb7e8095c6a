//! Values as text, appended to a buffer that the caller reuses: decimals, dates, times, uuids and
//! base64.
//!
//! *Invariants*: exact (no float on the way), no allocation beyond the buffer's growth, no chrono.
//! *Not here*: quotes and escapes (the parent), reading text back (`format`).

use std::io::Write;

const MICROS_A_SECOND: i64 = 1_000_000;
const MICROS_A_DAY: i64 = 86_400 * MICROS_A_SECOND;

/// Room for the digits of any `i128`, and for the zeros of the greatest scale.
const DIGITS: usize = 40;

/// Appends `unscaled / 10^scale` with all its `scale` digits after the point: 1250 at scale 2 is
/// `12.50`, -5 at scale 2 is `-0.05`. `scale` is at most 38.
pub(crate) fn write_decimal(out: &mut Vec<u8>, unscaled: i128, scale: u8) {
    /// A power of ten such that both halves of an `i128` fit in 64 bits, where division is fast.
    const HALF: u128 = 10_u128.pow(19);
    let mut digits = [b'0'; DIGITS];
    let magnitude = unscaled.unsigned_abs();
    let start = match u64::try_from(magnitude) {
        Ok(small) => fill(&mut digits, DIGITS, small),
        Err(_) => {
            fill(&mut digits, DIGITS, (magnitude % HALF) as u64);
            fill(&mut digits, DIGITS - 19, (magnitude / HALF) as u64)
        }
    };
    let point = DIGITS - usize::from(scale).min(DIGITS - 1);
    let start = start.min(point - 1);
    if unscaled < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[start..point]);
    if point < DIGITS {
        out.push(b'.');
        out.extend_from_slice(&digits[point..]);
    }
}

/// Puts the digits of `number` such that they end before `end`; answers where they start.
fn fill(digits: &mut [u8; DIGITS], end: usize, mut number: u64) -> usize {
    let mut start = end;
    while number > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    start
}

/// Appends a whole number.
pub(crate) fn write_integer(out: &mut Vec<u8>, value: i64) {
    write_decimal(out, i128::from(value), 0);
}

/// Appends a date, given in days since 1970-01-01, as `2026-11-20`. A year outside of 0000 to 9999
/// takes ISO 8601's expanded form, a sign and at least six digits.
pub(crate) fn write_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil(days);
    if (0..=9999).contains(&year) {
        let mut text = *b"0000-00-00";
        put_two(&mut text, 0, year / 100);
        put_two(&mut text, 2, year % 100);
        put_two(&mut text, 5, month);
        put_two(&mut text, 8, day);
        out.extend_from_slice(&text);
    } else {
        write!(out, "{year:+07}-{month:02}-{day:02}").expect("a Vec takes every byte");
    }
}

/// Appends a time of day, given in microseconds since midnight, as `12:00:00.123456`, always with
/// six digits, so that text order is time order. Values beyond a day are cut to its ends.
pub(crate) fn write_time(out: &mut Vec<u8>, micros: i64) {
    let micros = micros.clamp(0, MICROS_A_DAY);
    let (seconds, fraction) = (micros / MICROS_A_SECOND, micros % MICROS_A_SECOND);
    let mut text = *b"00:00:00.000000";
    put_two(&mut text, 0, seconds / 3600);
    put_two(&mut text, 3, seconds / 60 % 60);
    put_two(&mut text, 6, seconds % 60);
    put_two(&mut text, 9, fraction / 10_000);
    put_two(&mut text, 11, fraction / 100 % 100);
    put_two(&mut text, 13, fraction % 100);
    out.extend_from_slice(&text);
}

/// Appends a timestamp, given in microseconds since 1970 UTC, as `2026-11-20T12:00:00.123456Z`.
pub(crate) fn write_timestamp(out: &mut Vec<u8>, micros: i64) {
    write_date(out, micros.div_euclid(MICROS_A_DAY));
    out.push(b'T');
    write_time(out, micros.rem_euclid(MICROS_A_DAY));
    out.push(b'Z');
}

/// Appends a timestamp as SQL writes it, in UTC: `2026-11-20 12:00:00.123456`.
pub(crate) fn write_sql_timestamp(out: &mut Vec<u8>, micros: i64) {
    write_date(out, micros.div_euclid(MICROS_A_DAY));
    out.push(b' ');
    write_time(out, micros.rem_euclid(MICROS_A_DAY));
}

/// Appends 16 bytes as `8-4-4-4-12` lowercase hexadecimal digits.
pub(crate) fn write_uuid(out: &mut Vec<u8>, bytes: &[u8]) {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        write_hex(out, *byte);
    }
}

/// Appends a byte as two lowercase hexadecimal digits.
pub(super) fn write_hex(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(HEX[usize::from(byte >> 4)]);
    out.push(HEX[usize::from(byte & 15)]);
}

/// Appends bytes in base64 with the standard alphabet and padding (RFC 4648, section 4).
pub(crate) fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4_usize {
            let six = (group >> (18 - 6 * place)) & 63;
            out.push(if place <= chunk.len() { ALPHABET[six as usize] } else { b'=' });
        }
    }
}

fn put_two(text: &mut [u8], at: usize, value: i64) {
    text[at] = b'0' + (value / 10) as u8;
    text[at + 1] = b'0' + (value % 10) as u8;
}

/// The proleptic Gregorian date of a day counted from 1970-01-01, as (year, month, day), by whole
/// 400-year eras that start on a first of March.
///
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_keep_every_digit() {
        let decimal = |unscaled, scale| written(|out| write_decimal(out, unscaled, scale));
        assert_eq!(decimal(1250, 2), "12.50");
        assert_eq!(decimal(0, 0), "0");
        assert_eq!(decimal(0, 2), "0.00");
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(-100, 2), "-1.00");
        assert_eq!(decimal(7, 38), format!("0.{}7", "0".repeat(37)));
        assert_eq!(decimal(i128::from(i64::MIN), 2), "-92233720368547758.08");
        assert_eq!(decimal(10_i128.pow(19), 0), "10000000000000000000");
        assert_eq!(decimal(10_i128.pow(38) - 1, 4), format!("{}.9999", "9".repeat(34)));
        assert_eq!(decimal(i128::MIN, 0), i128::MIN.to_string());
    }

    #[test]
    fn dates_follow_the_calendar_in_both_directions() {
        let date = |days| written(|out| write_date(out, days));
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(11_017), "2000-03-01");
        assert_eq!(date(-719_162), "0001-01-01");
        assert_eq!(date(-719_163), "0000-12-31");
        assert_eq!(date(2_932_896), "9999-12-31");
        assert_eq!(date(2_932_897), "+010000-01-01");
        assert_eq!(date(-719_529), "-000001-12-31");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let length = |year: i64, month: i64| match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let (mut year, mut month, mut day) = (1, 1, 1);
        for days in -719_162..=2_932_896 {
            assert_eq!(civil(days), (year, month, day));
            day += 1;
            if day > length(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!(year, 10_000);
    }

    #[test]
    fn timestamps_have_six_digits_and_go_before_1970() {
        let timestamp = |micros| written(|out| write_timestamp(out, micros));
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(timestamp(1_795_176_000_123_456), "2026-11-20T12:00:00.123456Z");
        assert_eq!(timestamp(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(
            written(|out| write_sql_timestamp(out, 1_795_176_000_123_456)),
            "2026-11-20 12:00:00.123456"
        );
        assert!(timestamp(i64::MAX).starts_with("+294247-01-10T04:00:54.775807"));
        assert!(timestamp(i64::MIN).starts_with("-290308-12-21T19:59:05.224192"));
        assert_eq!(written(|out| write_time(out, MICROS_A_DAY - 1)), "23:59:59.999999");
    }

    #[test]
    fn base64_pads() {
        let base64 = |bytes: &[u8]| written(|out| write_base64(out, bytes));
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foo"), "Zm9v");
        assert_eq!(base64(b"foob"), "Zm9vYg==");
        assert_eq!(base64(&[0xff, 0xef]), "/+8=");
    }

    #[test]
    fn uuids_are_grouped() {
        let bytes: Vec<u8> = (0..16).map(|index| index * 17).collect();
        assert_eq!(written(|out| write_uuid(out, &bytes)), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
