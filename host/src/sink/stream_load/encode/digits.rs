//! Numbers, days and times as digits.
//!
//! *Invariants*: exact, and without an allocation; what `record` writes too reads the same.

use super::line::Line;
use crate::record::{write_date, write_decimal};

const MICROS_A_SECOND: i64 = 1_000_000;
const MICROS_A_DAY: i64 = 86_400 * MICROS_A_SECOND;
/// `2026-11-20`.
const DATE_BYTES: usize = 10;
/// Digits that a number of 64 bits has at most.
const DIGITS: usize = 20;

/// The powers of ten that 64 bits hold.
const POWERS: [u64; DIGITS] = {
    let mut powers = [1; DIGITS];
    let mut power = 1;
    while power < DIGITS {
        powers[power] = powers[power - 1] * 10;
        power += 1;
    }
    powers
};

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
#[inline(always)]
pub(super) fn write_integer(line: &mut Line, value: impl Into<i64>) {
    let value = value.into();
    write_sign(line, value);
    write_digits(line, value.unsigned_abs(), 1);
}

/// Appends `unscaled / 10^scale` with all its digits after the point, at most 38.
#[inline(always)]
pub(super) fn write_decimal64(line: &mut Line, unscaled: i64, scale: u8) {
    let value = unscaled.unsigned_abs();
    // Of money, the compiler divides by a number that it knows.
    let (whole, fraction) = match scale {
        0 => return write_integer(line, unscaled),
        2 => (value / 100, value % 100),
        4 => (value / 10_000, value % 10_000),
        scale => match POWERS.get(usize::from(scale)) {
            Some(power) => (value / power, value % power),
            None => return line.by(|out| write_decimal(out, i128::from(unscaled), scale)),
        },
    };
    write_sign(line, unscaled);
    write_digits(line, whole, 1);
    line.byte(b'.');
    write_digits(line, fraction, usize::from(scale));
}

#[inline(always)]
fn write_sign(line: &mut Line, value: i64) {
    if value < 0 {
        line.byte(b'-');
    }
}

/// Appends the digits of a number, with zeros before them where they are less than `least`, which
/// is at most as many as there can be. They are written where they stay: the processor waits for
/// what is read right after it was written in smaller pieces.
#[inline]
fn write_digits(line: &mut Line, mut value: u64, least: usize) {
    let count = digits(value).max(least);
    let room = line.room::<DIGITS>();
    let mut at = count;
    while at > 1 {
        at -= 2;
        put_two(room, at, PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    if at == 1 {
        room[0] = b'0' + (value % 10) as u8;
    }
    line.skip(count);
}

/// How many digits a number has.
#[inline(always)]
const fn digits(value: u64) -> usize {
    match value {
        0..10 => 1,
        10..100 => 2,
        100..1_000 => 3,
        1_000..10_000 => 4,
        10_000..100_000 => 5,
        _ => value.ilog10() as usize + 1,
    }
}

/// Appends 16 bytes as `8-4-4-4-12` lowercase hexadecimal digits.
#[inline]
pub(super) fn write_uuid(line: &mut Line, bytes: &[u8]) {
    let mut text = [b'-'; 36];
    for (place, byte) in UUID_PLACES.iter().zip(bytes) {
        put_two(&mut text, *place, HEX[usize::from(*byte)]);
    }
    line.put(&text, 36);
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
    pub(super) fn write_date(&mut self, line: &mut Line, day: i64) {
        if day == self.day {
            line.put(&self.text, DATE_BYTES);
        } else {
            self.turn(line, day);
        }
    }

    /// Appends a timestamp as SQL writes it, in UTC. A fraction of zero is left out unless
    /// `is_long`.
    #[inline(always)]
    pub(super) fn write_timestamp(&mut self, line: &mut Line, micros: i64, is_long: bool) {
        // A day that is remembered has a year of four digits, so that its start has a number.
        let mut since = micros.wrapping_sub(self.day * MICROS_A_DAY);
        if (0..MICROS_A_DAY).contains(&since) {
            line.put(&self.text, DATE_BYTES);
        } else {
            self.turn(line, micros.div_euclid(MICROS_A_DAY));
            since = micros.rem_euclid(MICROS_A_DAY);
        }
        // Below 2^37, and from here on of 32 bits, which are quicker to divide.
        let seconds = (since as u64 / MICROS_A_SECOND as u64) as u32;
        let fraction = (since - i64::from(seconds) * MICROS_A_SECOND) as u32;
        let minutes = seconds / 60;
        let mut text = *b" 00:00:00.000000";
        put_two(&mut text, 1, PAIRS[(minutes / 60) as usize]);
        put_two(&mut text, 4, PAIRS[(minutes % 60) as usize]);
        put_two(&mut text, 7, PAIRS[(seconds % 60) as usize]);
        if fraction == 0 && !is_long {
            return line.put(&text, 9);
        }
        put_two(&mut text, 10, PAIRS[(fraction / 10_000) as usize]);
        put_two(&mut text, 12, PAIRS[(fraction / 100 % 100) as usize]);
        put_two(&mut text, 14, PAIRS[(fraction % 100) as usize]);
        line.put(&text, 16);
    }

    /// Appends another date, and remembers it.
    #[cold]
    fn turn(&mut self, line: &mut Line, day: i64) {
        line.by(|out| {
            write_date(out, day);
            // A year of more than four digits is longer, and nothing to remember.
            if let Ok(text) = <[u8; DATE_BYTES]>::try_from(&out[..]) {
                *self = Self { day, text };
            }
        });
    }
}

/// Two digits at a place: byte by byte, since the compiler does not see the length of a slice.
#[inline(always)]
fn put_two<const N: usize>(text: &mut [u8; N], at: usize, [tens, ones]: [u8; 2]) {
    text[at] = tens;
    text[at + 1] = ones;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{write_sql_timestamp, write_uuid as write_uuid_slowly};

    /// More than a number takes, as between the values of rows.
    const ROOM: usize = 128;

    fn written(write: impl FnOnce(&mut Line)) -> String {
        let mut line = Line::default();
        line.widen(ROOM);
        write(&mut line);
        String::from_utf8(line.written().to_vec()).unwrap()
    }

    fn written_slowly(write: impl FnOnce(&mut Vec<u8>)) -> String {
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
                    written_slowly(|out| write_decimal(out, i128::from(unscaled), scale))
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
                    written_slowly(|out| write_sql_timestamp(out, moment))
                );
            }
        }

        #[test]
        fn uuids_are_those_of_rows_elsewhere(bytes in any::<[u8; 16]>()) {
            prop_assert_eq!(
                written(|out| write_uuid(out, &bytes)),
                written_slowly(|out| write_uuid_slowly(out, &bytes))
            );
        }
    }
}
