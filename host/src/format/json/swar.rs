//! Eight bytes at a time in one register, without unsafe code.
//!
//! Words are little-endian: the lowest byte is the first. Where a test marks bytes by their high
//! bit, only the lowest mark is exact (a borrow or carry may mark bytes above it), which is all
//! that a search for the first one needs.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The eight bytes from `at`, with zeros beyond the end.
#[inline]
pub(super) fn word_at(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        Some(word) => u64::from_le_bytes(*word),
        None => last_word(bytes, at),
    }
}

#[cold]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes.get(at..).unwrap_or_default()) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// How many bytes come before the first quote, backslash or control character; 8: all.
#[inline]
pub(super) fn plain_text_bytes(word: u64) -> usize {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let marks = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word);
    ((marks & HIGHS).trailing_zeros() / 8) as usize
}

/// How many bytes come before the first that is no digit; 8: all.
#[inline]
pub(super) fn digit_bytes(word: u64) -> usize {
    let values = word ^ (ONES * b'0' as u64);
    // A byte above 9 reaches 0x80 by adding 0x76, or is there already.
    let marks = (values.wrapping_add(ONES * 0x76) | values) & HIGHS;
    (marks.trailing_zeros() / 8) as usize
}

/// The number that the first `count` bytes, all digits, write down; `count` is 1 to 8.
#[inline]
pub(super) fn digits_value(word: u64, count: usize) -> u64 {
    // The bytes behind the digits go; the zeros that come in before them weigh nothing.
    let digits = (word << (64 - 8 * (count as u32).clamp(1, 8))) & (ONES * 0x0f);
    let pairs = (digits.wrapping_mul(10 * 0x100 + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 * 0x1_0000 + 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 * 0x1_0000_0000 + 1) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_padded_with_zeros() {
        assert_eq!(word_at(b"12345678", 0).to_le_bytes(), *b"12345678");
        assert_eq!(word_at(b"123456789", 7).to_le_bytes(), *b"89\0\0\0\0\0\0");
        assert_eq!(word_at(b"1", 1), 0);
        assert_eq!(word_at(b"1", 7), 0);
    }

    #[test]
    fn every_byte_at_every_place_stops_text_or_does_not() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut word = *b"abcdefgh";
                word[place] = byte;
                let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                let expected = if special { place } else { 8 };
                assert_eq!(
                    plain_text_bytes(u64::from_le_bytes(word)),
                    expected,
                    "{byte} at {place}"
                );
            }
        }
        assert_eq!(plain_text_bytes(u64::from_le_bytes(*b"\xff!#[\x80\x1f\"\\")), 5);
    }

    #[test]
    fn every_byte_at_every_place_is_a_digit_or_not() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut word = *b"01234567";
                word[place] = byte;
                let expected = if byte.is_ascii_digit() { 8 } else { place };
                assert_eq!(digit_bytes(u64::from_le_bytes(word)), expected, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn digits_count_by_their_places() {
        let word = u64::from_le_bytes(*b"12345678");
        for (count, expected) in [
            (1, 1),
            (2, 12),
            (3, 123),
            (4, 1_234),
            (5, 12_345),
            (6, 123_456),
            (7, 1_234_567),
            (8, 12_345_678),
        ] {
            assert_eq!(digits_value(word, count), expected);
        }
        assert_eq!(digits_value(u64::from_le_bytes(*b"99999999"), 8), 99_999_999);
        assert_eq!(digits_value(u64::from_le_bytes(*b"7,\xff\"abcd"), 1), 7);
    }
}
