//! How a key becomes bytes, and the bytes a key group. Frozen: saved state is found by both.
//!
//! The host encodes the key columns of every row and computes its group; a transform takes both as
//! they come and hands them back with its state. This module is the specification, and what
//! [`testing`](crate::testing) does in the host's place.
//!
//! # The encoding
//! The key columns follow each other in the order of the stage's key. Each is a length and so many
//! bytes, so that the end of a column is known without its type, and no two keys encode alike:
//!
//! - a null is the one byte 0;
//! - a value of `n` bytes is `n + 1` as LEB128 (seven bits a byte, least significant first, the high
//!   bit set on all bytes but the last, no padding), and then the `n` bytes.
//!
//! | type | bytes of a value |
//! |---|---|
//! | `bool` | 1: 0 or 1 |
//! | `i16`; `i32`, `date`; `i64`, `time`, `timestamp` | 2; 4; 8: little-endian two's complement |
//! | `f32`; `f64` | 4; 8: little-endian IEEE 754, with the canonical NaN (`7fc00000`, `7ff8000000000000`) and no negative zero |
//! | `decimal(p,s)` | the units of 10^-s: 8 little-endian up to 18 digits of precision, 16 beyond |
//! | `uuid` | 16: as written |
//! | `text`, `json`; `binary` | the UTF-8 text; the bytes |
//!
//! # The group
//! [`xxh64`] of the encoding with seed 0, modulo 1,024.
//!
//! | key | encoding | XXH64 | group |
//! |---|---|---|---|
//! | text `u1` | `037531` | `a939e21f343a8db6` | 438 |
//! | text, empty | `01` | `8a4127811b21e730` | 816 |
//! | null | `00` | `e934a84adb052768` | 872 |
//! | `i64` 42 | `092a00000000000000` | `b682dc1755cf5e8b` | 651 |
//! | `i64` -1, text `eu` | `09ffffffffffffffff036575` | `a43d69d720f3f6ed` | 749 |
//! | text, 130 times `a` | `8301` and 130 times `61` | `a734298dbfd6b305` | 773 |

use super::hash::xxh64;

/// Key groups that state is split in.
pub const GROUPS: u16 = 1_024;

/// Adds one key column: the bytes of its value by the table above, or nothing for a null.
///
/// ```
/// use millrace_sdk::state::key;
///
/// let mut encoded = Vec::new();
/// key::push(&mut encoded, Some(&(-1_i64).to_le_bytes()));
/// key::push(&mut encoded, Some(b"eu"));
/// assert_eq!(key::group(&encoded), 749);
/// ```
pub fn push(encoded: &mut Vec<u8>, value: Option<&[u8]>) {
    let Some(value) = value else {
        encoded.push(0);
        return;
    };
    let mut length = value.len() as u64 + 1;
    while length >= 0x80 {
        encoded.push(length as u8 | 0x80);
        length >>= 7;
    }
    encoded.push(length as u8);
    encoded.extend_from_slice(value);
}

/// The key group of an encoded key, 0 to 1,023.
#[must_use]
pub fn group(encoded: &[u8]) -> u16 {
    (xxh64(encoded, 0) % u64::from(GROUPS)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_documentation_hold() {
        let long = "a".repeat(130);
        type Columns<'a> = &'a [Option<&'a [u8]>];
        let vectors: [(Columns<'_>, u64, u16); 6] = [
            (&[Some(b"u1")], 0xa939_e21f_343a_8db6, 438),
            (&[Some(b"")], 0x8a41_2781_1b21_e730, 816),
            (&[None], 0xe934_a84a_db05_2768, 872),
            (&[Some(&42_i64.to_le_bytes())], 0xb682_dc17_55cf_5e8b, 651),
            (&[Some(&(-1_i64).to_le_bytes()), Some(b"eu")], 0xa43d_69d7_20f3_f6ed, 749),
            (&[Some(long.as_bytes())], 0xa734_298d_bfd6_b305, 773),
        ];
        for (columns, hash, wanted) in vectors {
            let mut encoded = Vec::new();
            for column in columns {
                push(&mut encoded, *column);
            }
            assert_eq!((xxh64(&encoded, 0), group(&encoded)), (hash, wanted), "{encoded:?}");
        }
    }

    #[test]
    fn no_two_keys_encode_alike() {
        let encode = |columns: &[Option<&[u8]>]| {
            let mut encoded = Vec::new();
            columns.iter().for_each(|column| push(&mut encoded, *column));
            encoded
        };
        assert_ne!(encode(&[Some(b"a"), Some(b"b")]), encode(&[Some(b"ab"), Some(b"")]));
        assert_ne!(encode(&[None, Some(b"")]), encode(&[Some(b""), None]));
    }
}
