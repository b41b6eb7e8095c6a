//! Numbers, days and times as digits.
//!
//! *Invariants*: exact, and without an allocation; what `record` writes too reads the same.

use crate::record::write_date;

const MICROS_A_SECOND: i64 = 1_000_000;
const MICROS_A_DAY: i64 = 86_400 * MICROS_A_SECOND;
/// `2026-11-20`.
const DATE_BYTES: usize = 10;
/// Room for a sign, a zero, a point and 38 digits behind it.
const DECIMAL_BYTES: usize = 48;

/// The two digits of each number below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The two digits of each byte.
const HEX: [[u8; 2]; 256] = {
    let digits = *b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte / 16], digits[byte % 16]];
        byte += 1;
    }
    pairs
};

/// Where the bytes of a uuid stand in its text.
const UUID_PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// Appends a whole number.
#[inline]
pub(super) fn write_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends `unscaled / 10^scale` with all its digits after the point, at most 38.
#[inline]
pub(super) fn write_decimal64(out: &mut Vec<u8>, unscaled: i64, scale: u8) {
    let mut text = [b'0'; DECIMAL_BYTES];
    let mut at = DECIMAL_BYTES;
    let mut rest = unscaled.unsigned_abs();
    if scale > 0 {
        let point = DECIMAL_BYTES - 1 - usize::from(scale.min(38));
        if scale == 2 {
            // Money, mostly.
            text[DECIMAL_BYTES - 2..].copy_from_slice(&PAIRS[(rest % 100) as usize]);
            rest /= 100;
        } else {
            while at > point + 1 && rest > 0 {
                at -= 1;
                text[at] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        at = point;
        text[at] = b'.';
    }
    while rest >= 100 {
        at -= 2;
        text[at..at + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if rest >= 10 {
        at -= 2;
        text[at..at + 2].copy_from_slice(&PAIRS[rest as usize]);
    } else {
        at -= 1;
        text[at] = b'0' + rest as u8;
    }
    if unscaled < 0 {
        at -= 1;
        text[at] = b'-';
    }
    out.extend_from_slice(&text[at..]);
}

/// Appends 16 bytes as `8-4-4-4-12` lowercase hexadecimal digits.
#[inline]
pub(super) fn write_uuid(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut text = [b'-'; 36];
    for (place, byte) in UUID_PLACES.iter().zip(bytes) {
        text[*place..place + 2].copy_from_slice(&HEX[usize::from(*byte)]);
    }
    out.extend_from_slice(&text);
}

/// The day that was written last: rows side by side are often of the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    day: i64,
    text: [u8; DATE_BYTES],
}

impl Default for Day {
    fn default() -> Self {
        Self { day: 0, text: *b"1970-01-01" }
    }
}

impl Day {
    /// Appends a date, given in days since 1970-01-01.
    #[inline]
    pub(super) fn write_date(&mut self, out: &mut Vec<u8>, day: i64) {
        if day == self.day {
            return out.extend_from_slice(&self.text);
        }
        let start = out.len();
        write_date(out, day);
        // A year of more than four digits is longer, and nothing to remember.
        if let Ok(text) = <[u8; DATE_BYTES]>::try_from(&out[start..]) {
            *self = Self { day, text };
        }
    }

    /// Appends a timestamp as SQL writes it, in UTC. A fraction of zero is left out unless
    /// `is_long`.
    #[inline]
    pub(super) fn write_timestamp(&mut self, out: &mut Vec<u8>, micros: i64, is_long: bool) {
        self.write_date(out, micros.div_euclid(MICROS_A_DAY));
        let micros = micros.rem_euclid(MICROS_A_DAY);
        let (seconds, fraction) = (micros / MICROS_A_SECOND, micros % MICROS_A_SECOND);
        let mut text = *b" 00:00:00.000000";
        put_two(&mut text, 1, seconds / 3600);
        put_two(&mut text, 4, seconds / 60 % 60);
        put_two(&mut text, 7, seconds % 60);
        if fraction == 0 && !is_long {
            return out.extend_from_slice(&text[..9]);
        }
        put_two(&mut text, 10, fraction / 10_000);
        put_two(&mut text, 12, fraction / 100 % 100);
        put_two(&mut text, 14, fraction % 100);
        out.extend_from_slice(&text);
    }
}

#[inline]
fn put_two(text: &mut [u8; 16], at: usize, value: i64) {
    text[at..at + 2].copy_from_slice(&PAIRS[value as usize]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{write_decimal, write_sql_timestamp, write_uuid as write_uuid_slowly};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fractions_of_zero_are_left_out_where_they_say_nothing() {
        let timestamp =
            |micros, is_long| written(|out| Day::default().write_timestamp(out, micros, is_long));
        assert_eq!(timestamp(0, false), "1970-01-01 00:00:00");
        assert_eq!(timestamp(0, true), "1970-01-01 00:00:00.000000");
        assert_eq!(timestamp(-1, false), "1969-12-31 23:59:59.999999");
        assert_eq!(timestamp(-62_167_219_200_000_000, false), "0000-01-01 00:00:00");
        assert_eq!(timestamp(253_402_300_799_999_999, false), "9999-12-31 23:59:59.999999");
    }

    proptest! {
        #[test]
        fn decimals_are_those_of_rows_elsewhere(
            unscaled in any::<i64>(),
            digits in 0..19_u32,
            scale in 0..39_u8,
        ) {
            for unscaled in [unscaled, unscaled % 10_i64.pow(digits), i64::MIN, 0] {
                prop_assert_eq!(
                    written(|out| write_decimal64(out, unscaled, scale)),
                    written(|out| write_decimal(out, i128::from(unscaled), scale))
                );
            }
        }

        #[test]
        fn timestamps_are_those_of_rows_elsewhere(
            moments in prop::collection::vec(-63_000_000..260_000_000_i64, 1..20),
            near in -2_000_000_000..2_000_000_000_i64,
        ) {
            let mut day = Day::default();
            let moments = moments.into_iter().map(|thousands| thousands * 1_000_000_000);
            for moment in moments.flat_map(|moment| [moment, moment + near]) {
                prop_assert_eq!(
                    written(|out| day.write_timestamp(out, moment, true)),
                    written(|out| write_sql_timestamp(out, moment))
                );
            }
        }

        #[test]
        fn uuids_are_those_of_rows_elsewhere(bytes in any::<[u8; 16]>()) {
            prop_assert_eq!(
                written(|out| write_uuid(out, &bytes)),
                written(|out| write_uuid_slowly(out, &bytes))
            );
        }
    }
}
