//! Running a line along the learnt shapes, straight into the columns.
//!
//! Plain forms are read right here: text without escapes, integers, decimals with no more digits
//! than their scale, bools. Another form of a value (an escape, an exponent, null, extended JSON)
//! goes through the same check and conversion as on the general path. Everything else ends the run.
//!
//! *Invariants*: the block is UTF-8. A run never passes the line's end: no literal and no value
//! holds a newline. A run that answers `None` may have appended to columns: the caller takes that
//! back.

use super::convert;
use super::path::PathTree;
use super::shape::{Shapes, Slot};
use super::swar::{digit_bytes, digits_value, plain_text_bytes, word_at};
use super::syntax::Cursor;
use crate::format::ColumnBuilder;
use crate::format::builder::{Bytes, Values};
use crate::format::time;

/// What a run reads along and writes to.
pub(super) struct Run<'a> {
    pub(super) shapes: &'a Shapes,
    pub(super) tree: &'a PathTree,
    pub(super) columns: &'a mut [ColumnBuilder],
    pub(super) scratch: &'a mut String,
    pub(super) block: &'a str,
}

impl Run<'_> {
    /// Runs the line that begins at `at`; where the next one begins.
    pub(super) fn line(&mut self, mut at: usize) -> Option<usize> {
        let shapes = self.shapes;
        let bytes = self.block.as_bytes();
        let mut link = shapes.start();
        loop {
            let node = shapes.find(link, bytes, at)?;
            at += node.bytes;
            at = match node.slot {
                Slot::Column { column, depth } => {
                    match plain(self.columns.get_mut(column)?, bytes, at) {
                        Some(behind) => behind,
                        None => self.any_form(&[column], at, depth)?,
                    }
                }
                Slot::Shared { node, depth } => {
                    let tree = self.tree;
                    self.any_form(&tree.get(node)?.columns, at, depth)?
                }
                Slot::Unused { depth } => {
                    let mut cursor = Cursor::new(bytes, at);
                    cursor.value(depth).ok()?;
                    cursor.at()
                }
                Slot::End { absent } => {
                    for column in shapes.absent(absent) {
                        self.columns.get_mut(*column)?.push_null().ok()?;
                    }
                    return line_end(bytes, at);
                }
            };
            link = node.next;
        }
    }

    /// A value of any form, by the general path's means.
    #[inline(never)]
    fn any_form(&mut self, columns: &[usize], at: usize, depth: usize) -> Option<usize> {
        let mut cursor = Cursor::new(self.block.as_bytes(), at);
        let kind = cursor.value(depth).ok()?;
        let raw = self.block.get(at..cursor.at())?;
        for column in columns {
            convert::push(self.columns.get_mut(*column)?, kind, raw, self.scratch).ok()?;
        }
        Some(cursor.at())
    }
}

/// A value in its plain form; where it ends. `None` leaves the column as it was.
#[inline]
fn plain(column: &mut ColumnBuilder, bytes: &[u8], at: usize) -> Option<usize> {
    match &mut column.values {
        Values::Text(values) => text(values, bytes, at),
        Values::Int64(values) => {
            let (value, behind) = integer(bytes, at)?;
            values.push(value);
            Some(behind)
        }
        Values::Decimal64 { values, precision, scale } => {
            let (value, behind) = decimal(bytes, at, *precision, *scale)?;
            values.push(value);
            Some(behind)
        }
        Values::Timestamp { values, unit: Some(unit) } => {
            let (count, behind) = integer(bytes, at)?;
            let micros = unit.micros(count).filter(|micros| time::MICROS.contains(micros))?;
            values.push(micros);
            Some(behind)
        }
        Values::Int32(values) => {
            let (value, behind) = integer(bytes, at)?;
            values.push(i32::try_from(value).ok()?);
            Some(behind)
        }
        Values::Int16(values) => {
            let (value, behind) = integer(bytes, at)?;
            values.push(i16::try_from(value).ok()?);
            Some(behind)
        }
        Values::Bool(values) => {
            let rest = bytes.get(at..)?;
            let value = rest.starts_with(b"true");
            if !value && !rest.starts_with(b"false") {
                return None;
            }
            values.push(value);
            Some(at + if value { 4 } else { 5 })
        }
        _ => None,
    }
}

/// A text without escapes.
#[inline]
fn text(values: &mut Bytes, bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let start = at + 1;
    let mut end = start;
    loop {
        let plain = plain_text_bytes(word_at(bytes, end));
        end += plain;
        if plain < 8 {
            break;
        }
    }
    if bytes.get(end) != Some(&b'"') {
        return None;
    }
    values.push(bytes.get(start..end)?);
    Some(end + 1)
}

/// At most this many digits are read here: whatever they are, they fit an `i64`.
const MAX_DIGITS: usize = 18;

/// The value of a run of digits (which wraps when there are too many) and where it ends.
#[inline]
fn digits(bytes: &[u8], start: usize) -> (i64, usize) {
    const POWERS: [i64; 9] =
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let mut value: i64 = 0;
    let mut at = start;
    loop {
        let word = word_at(bytes, at);
        let count = digit_bytes(word);
        if count == 0 {
            return (value, at);
        }
        let part = digits_value(word, count).cast_signed();
        value = value.wrapping_mul(POWERS[count]).wrapping_add(part);
        at += count;
        if count < 8 {
            return (value, at);
        }
    }
}

/// The whole part of a number as JSON writes it: its sign, value, digits and end.
#[inline]
fn whole(bytes: &[u8], at: usize) -> Option<(bool, i64, usize, usize)> {
    let negative = bytes.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let (value, end) = digits(bytes, start);
    let count = end - start;
    let leading_zero = count > 1 && bytes.get(start) == Some(&b'0');
    (count > 0 && count <= MAX_DIGITS && !leading_zero).then_some((negative, value, count, end))
}

#[inline]
fn integer(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let (negative, value, _, end) = whole(bytes, at)?;
    if let Some(b'.' | b'e' | b'E') = bytes.get(end) {
        return None;
    }
    Some((if negative { -value } else { value }, end))
}

/// A number with no more digits behind the point than `scale`, times 10^`scale`.
#[inline]
fn decimal(bytes: &[u8], at: usize, precision: u8, scale: u8) -> Option<(i64, usize)> {
    let scale = usize::from(scale);
    let (negative, whole, count, mut end) = whole(bytes, at)?;
    if count + scale > MAX_DIGITS {
        return None;
    }
    let (mut value, mut missing) = (whole, scale);
    if bytes.get(end) == Some(&b'.') {
        let start = end + 1;
        let (fraction, fraction_end) = digits(bytes, start);
        let places = fraction_end - start;
        if places == 0 || places > scale {
            return None;
        }
        value = whole * power(places)? + fraction;
        missing = scale - places;
        end = fraction_end;
    }
    if let Some(b'.' | b'e' | b'E') = bytes.get(end) {
        return None;
    }
    value *= power(missing)?;
    (value < power(usize::from(precision))?).then_some((if negative { -value } else { value }, end))
}

/// Ten to the `exponent`, which is 18 at most.
#[inline]
fn power(exponent: usize) -> Option<i64> {
    const POWERS: [i64; MAX_DIGITS + 1] = {
        let mut powers = [1; MAX_DIGITS + 1];
        let mut exponent = 1;
        while exponent <= MAX_DIGITS {
            powers[exponent] = powers[exponent - 1] * 10;
            exponent += 1;
        }
        powers
    };
    POWERS.get(exponent).copied()
}

/// Where the next line begins, if nothing but white space is left of this one.
#[inline]
fn line_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at) {
            None => return Some(at),
            Some(b'\n') => return Some(at + 1),
            Some(b' ' | b'\t' | b'\r') => at += 1,
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_integers_are_read_and_others_left() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("7,", Some(7)),
            ("-42}", Some(-42)),
            ("1795168800123", Some(1_795_168_800_123)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("-999999999999999999 ", Some(-999_999_999_999_999_999)),
            ("1000000000000000000", None),
            ("1234567812345678123456781234567812345678", None),
            ("01", None),
            ("00", None),
            ("-", None),
            ("", None),
            ("+1", None),
            ("2.0", None),
            ("1e1", None),
            ("\"1\"", None),
            ("null", None),
        ] {
            assert_eq!(integer(text.as_bytes(), 0).map(|(value, _)| value), expected, "{text}");
        }
        assert_eq!(integer(b"x12345678,", 1), Some((12_345_678, 9)));
    }

    #[test]
    fn plain_decimals_are_read_and_others_left() {
        for (text, expected) in [
            ("0", Some(0)),
            ("12.5", Some(1_250)),
            ("-12.34", Some(-1_234)),
            ("-0.05,", Some(-5)),
            ("8}", Some(800)),
            ("9999999999999999.99", Some(999_999_999_999_999_999)),
            ("99999999999999999", None),
            ("1.005", None),
            ("1.", None),
            (".5", None),
            ("1.5e1", None),
            ("1e1", None),
            ("01.5", None),
            ("1.5.5", None),
            ("-.5", None),
        ] {
            let read = decimal(text.as_bytes(), 0, 18, 2).map(|(value, _)| value);
            assert_eq!(read, expected, "{text}");
        }
        assert_eq!(decimal(b"999.9", 0, 4, 1), Some((9_999, 5)));
        assert_eq!(decimal(b"1000.0", 0, 4, 1), None);
        assert_eq!(decimal(b"5", 0, 1, 0), Some((5, 1)));
    }

    #[test]
    fn lines_end_with_white_space_at_most() {
        assert_eq!(line_end(b"}", 1), Some(1));
        assert_eq!(line_end(b"}\n{", 1), Some(2));
        assert_eq!(line_end(b"} \t\r\n{", 1), Some(5));
        assert_eq!(line_end(b"}}\n", 1), None);
    }
}
