//! Text in JSON strings and CSV fields, and bytes as text.
//!
//! Text is looked at and copied 32 bytes at a time, since almost none has anything to escape.

use std::ops::Range;

use super::line::Line;
use crate::sink::stream_load::protocol::{CSV_DELIMITER, CSV_NULL, CSV_SEPARATOR};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
/// What some readers take away from the start of a file.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Bytes that one becomes at most.
const ESCAPED: usize = 6;
/// Bytes that are looked at together.
const BLOCK: usize = 32;
const WORD: usize = 8;

/// Appends the inside of a JSON string: a span of `values`, which may be read beyond it.
#[inline(always)]
pub(super) fn escape(line: &mut Line, values: &[u8], span: Range<usize>) {
    line.reserve(span.len() + BLOCK);
    let Range { start: mut at, end } = span;
    while at < end {
        let left = end - at;
        let block = block_at(values, at);
        if has_escapes(&block) {
            return escape_slowly(line, &values[at..end]);
        }
        line.put(&block, left.min(BLOCK));
        at += BLOCK;
    }
}

/// The bytes from `at`, of which there is at least one; what cannot be told from text where they
/// end.
#[inline(always)]
fn block_at(values: &[u8], at: usize) -> [u8; BLOCK] {
    let rest = &values[at..];
    match rest.first_chunk::<BLOCK>() {
        Some(block) => *block,
        None => {
            let mut block = [b' '; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            block
        }
    }
}

/// Whether a byte of the block is one that JSON strings escape; what belongs to the next text is
/// looked at, too, which costs time at most.
#[inline(always)]
fn has_escapes(block: &[u8; BLOCK]) -> bool {
    // Without branches, so that the compiler makes vectors of it.
    let mut found = 0;
    for byte in block {
        found |= u8::from(*byte < b' ') | u8::from(*byte == b'"') | u8::from(*byte == b'\\');
    }
    found != 0
}

/// The same for a text that has something to escape, or may have.
#[cold]
fn escape_slowly(line: &mut Line, text: &[u8]) {
    line.reserve(ESCAPED * text.len() + WORD);
    let mut rest = text;
    while !rest.is_empty() {
        let word = word_of(rest);
        let marks = in_word(u64::from_le_bytes(word)) & first_bytes(rest.len());
        let clean = if marks == 0 { WORD } else { marks.trailing_zeros() as usize / 8 };
        let clean = clean.min(rest.len());
        line.put(&word, clean);
        rest = &rest[clean..];
        if marks != 0
            && let Some((escaped, behind)) = rest.split_first()
        {
            write_escape(line, *escaped);
            rest = behind;
        }
    }
}

/// The first bytes of a text; zeros where it ends.
#[inline]
fn word_of(text: &[u8]) -> [u8; WORD] {
    text.first_chunk::<WORD>().copied().unwrap_or_else(|| {
        let mut word = [0; WORD];
        word[..text.len()].copy_from_slice(text);
        word
    })
}

/// The bits of a word's first bytes.
#[inline]
const fn first_bytes(count: usize) -> u64 {
    if count >= WORD { u64::MAX } else { (1 << (8 * count)) - 1 }
}

fn write_escape(line: &mut Line, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => line.put(&[b'\\', byte], 2),
        b'\n' => line.put(b"\\n", 2),
        b'\r' => line.put(b"\\r", 2),
        b'\t' => line.put(b"\\t", 2),
        control => {
            let (high, low) = (HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]);
            line.put(&[b'\\', b'u', b'0', b'0', high, low], ESCAPED);
        }
    }
}

/// Appends JSON as it is, but on one line: inside of its strings there is no raw line break, so
/// those that are there stand between tokens.
pub(super) fn one_line(line: &mut Line, json: &[u8]) {
    let start = line.written().len();
    line.bytes(json);
    for byte in line.tail_mut(start) {
        if matches!(*byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

/// Whether a text can be a field of CSV: it has nothing that ends one, and is not read as something
/// else.
#[inline]
pub(super) fn is_field(text: &[u8]) -> bool {
    let is_low = |byte| byte == 0 || byte == CSV_SEPARATOR || byte == CSV_DELIMITER;
    first(text, is_low_word, is_low) == text.len()
        && text != CSV_NULL.as_bytes()
        && !text.starts_with(BYTE_ORDER_MARK)
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
        let is_taken = |text: &str| is_field(text.as_bytes());
        for text in ["", "\\", "\\n", "\\N ", " \\N", "a\nb,c\t\"d\"\u{3}", "\u{fe}\u{ff}"] {
            assert!(is_taken(text), "{text:?}");
        }
        for text in ["\\N", "\u{1}", "12345678\u{2}", "1234567\u{0}9", "\u{feff}a"] {
            assert!(!is_taken(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn strings_read_back_as_they_were(
            text in "[\u{0}-\u{ff}\"\\\\\u{2028}🦀]{0,40}",
            before in "[a\"]{0,9}",
            behind in "[a\"]{0,9}",
        ) {
            let values = [before.as_str(), text.as_str(), behind.as_str()].concat();
            let mut line = Line::default();
            line.widen(2);
            line.byte(b'"');
            escape(&mut line, values.as_bytes(), before.len()..before.len() + text.len());
            line.byte(b'"');
            let back: String = serde_json::from_slice(line.written()).unwrap();
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
