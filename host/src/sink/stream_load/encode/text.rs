//! Text in JSON strings and CSV fields, and bytes as text.
//!
//! Text is looked at eight bytes at a time, since almost none has anything to escape.

use crate::sink::stream_load::protocol::{CSV_DELIMITER, CSV_NULL, CSV_SEPARATOR};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
/// What some readers take away from the start of a file.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Appends the inside of a JSON string.
#[inline]
pub(super) fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    loop {
        let clean = first(rest, in_word, |byte| byte < 0x20 || byte == b'"' || byte == b'\\');
        out.extend_from_slice(&rest[..clean]);
        let Some((byte, after)) = rest[clean..].split_first() else { return };
        write_escape(out, *byte);
        rest = after;
    }
}

#[cold]
fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        control => {
            let (high, low) = (HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    }
}

/// Appends JSON as it is, but on one line: inside of its strings there is no raw line break, so
/// those that are there stand between tokens.
pub(super) fn one_line(out: &mut Vec<u8>, json: &[u8]) {
    let start = out.len();
    out.extend_from_slice(json);
    for byte in &mut out[start..] {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Appends a field of CSV; false: it has what ends one, or would be read as something else.
#[inline]
pub(super) fn field(out: &mut Vec<u8>, text: &[u8]) -> bool {
    let is_low = |byte| byte == 0 || byte == CSV_SEPARATOR || byte == CSV_DELIMITER;
    if first(text, is_low_word, is_low) < text.len()
        || text == CSV_NULL.as_bytes()
        || text.starts_with(BYTE_ORDER_MARK)
    {
        return false;
    }
    out.extend_from_slice(text);
    true
}

/// Where the first byte of interest is; the length where there is none. `in_word` marks the high
/// bits of such bytes of a word, and is right at least about the first of them.
#[inline]
fn first(text: &[u8], in_word: impl Fn(u64) -> u64, is_it: impl Fn(u8) -> bool) -> usize {
    let (words, tail) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = in_word(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let found = tail.iter().position(|byte| is_it(*byte));
    words.len() * 8 + found.unwrap_or(tail.len())
}

/// Marks what JSON strings escape: a byte's subtraction borrows from the next only if it is marked
/// itself, so that the first mark is always right.
#[inline]
const fn in_word(word: u64) -> u64 {
    let quotes = word ^ (ONES * b'"' as u64);
    let backslashes = word ^ (ONES * b'\\' as u64);
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (controls
        | (quotes.wrapping_sub(ONES) & !quotes)
        | (backslashes.wrapping_sub(ONES) & !backslashes))
        & HIGHS
}

/// Marks bytes below 3: nothing, and the two that stand between values.
#[inline]
const fn is_low_word(word: u64) -> u64 {
    word.wrapping_sub(ONES * 3) & !word & HIGHS
}

/// Appends bytes in base64 with the standard alphabet and padding (RFC 4648, section 4).
pub(super) fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits =
        |group: u32| [18, 12, 6, 0].map(|shift| ALPHABET[((group >> shift) & 63) as usize]);
    let (groups, rest) = bytes.as_chunks::<3>();
    out.reserve(groups.len() * 4 + 4);
    for [one, two, three] in groups {
        out.extend_from_slice(&digits(u32::from_be_bytes([0, *one, *two, *three])));
    }
    match rest {
        [] => {}
        [one] => {
            let [first, second, ..] = digits(u32::from_be_bytes([0, *one, 0, 0]));
            out.extend_from_slice(&[first, second, b'=', b'=']);
        }
        [one, two, ..] => {
            let [first, second, third, _] = digits(u32::from_be_bytes([0, *one, *two, 0]));
            out.extend_from_slice(&[first, second, third, b'=']);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_pads() {
        let base64 = |bytes: &[u8]| {
            let mut out = Vec::new();
            write_base64(&mut out, bytes);
            String::from_utf8(out).unwrap()
        };
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (&[0xff, 0xef], "/+8="),
        ] {
            assert_eq!(base64(bytes), text);
        }
    }

    #[test]
    fn fields_with_what_csv_cannot_tell_are_refused() {
        let is_taken = |text: &str| field(&mut Vec::new(), text.as_bytes());
        for text in ["", "\\", "\\n", "\\N ", " \\N", "a\nb,c\t\"d\"\u{3}", "\u{fe}\u{ff}"] {
            assert!(is_taken(text), "{text:?}");
        }
        for text in ["\\N", "\u{1}", "12345678\u{2}", "1234567\u{0}9", "\u{feff}a"] {
            assert!(!is_taken(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn strings_read_back_as_they_were(text in "[\u{0}-\u{ff}\"\\\\\u{2028}🦀]{0,40}") {
            let mut out = vec![b'"'];
            escape(&mut out, text.as_bytes());
            out.push(b'"');
            let back: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(back, text);
        }

        #[test]
        fn the_first_byte_of_interest_is_found(bytes in prop::collection::vec(0..130_u8, 0..40)) {
            let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
            let special = bytes.iter().position(|byte| is_special(*byte)).unwrap_or(bytes.len());
            prop_assert_eq!(first(&bytes, in_word, is_special), special);
            let low = bytes.iter().position(|byte| *byte < 3).unwrap_or(bytes.len());
            prop_assert_eq!(first(&bytes, is_low_word, |byte| byte < 3), low);
        }
    }
}
