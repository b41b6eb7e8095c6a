//! Bytes that travel as text: base64 and uuids.

/// Appends the bytes of standard base64 with its padding. False where the text is none; what was
/// appended until then is for the caller to cut off.
pub(super) fn base64(text: &str, out: &mut Vec<u8>) -> bool {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return false;
    }
    let Some((last, groups)) = groups.split_last() else { return true };
    for group in groups {
        let Some([_, bytes @ ..]) = bits(group).map(u32::to_be_bytes) else { return false };
        out.extend_from_slice(&bytes);
    }
    let (group, kept) = match *last {
        [a, b, b'=', b'='] => ([a, b, b'A', b'A'], 1),
        [a, b, c, b'='] => ([a, b, c, b'A'], 2),
        whole => (whole, 3),
    };
    let Some([_, bytes @ ..]) = bits(&group).map(u32::to_be_bytes) else { return false };
    let (kept, dropped) = bytes.split_at(kept);
    out.extend_from_slice(kept);
    // Set bits beneath the padding would make two texts of one value.
    dropped.iter().all(|byte| *byte == 0)
}

fn bits(group: &[u8; 4]) -> Option<u32> {
    let mut word = 0;
    for byte in group {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        word = (word << 6) | u32::from(sextet);
    }
    Some(word)
}

/// The bytes of a uuid's 32 hexadecimal digits, with hyphens at the usual four places or without.
pub(super) fn uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    let hyphens: &[usize] = match bytes.len() {
        32 => &[],
        36 => &[8, 13, 18, 23],
        _ => return None,
    };
    let mut value: u128 = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if hyphens.contains(&index) {
            if *byte != b'-' {
                return None;
            }
        } else {
            value = (value << 4) | u128::from(char::from(*byte).to_digit(16)?);
        }
    }
    Some(value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        base64(text, &mut out).then_some(out)
    }

    #[test]
    fn base64_reads_the_vectors_of_its_rfc() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decoded(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decoded("+/+/").as_deref(), Some(&[0xfb, 0xff, 0xbf][..]));
    }

    #[test]
    fn base64_refuses_what_is_not_standard() {
        for text in
            ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm-v", "Zm 8", "Zg==Zg==", "Zmé="]
        {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn uuids_read_with_and_without_hyphens() {
        let bytes = [
            0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17,
            0x40, 0x00,
        ];
        assert_eq!(uuid("123e4567-e89b-12d3-a456-426614174000"), Some(bytes));
        assert_eq!(uuid("123E4567E89B12D3A456426614174000"), Some(bytes));
        for text in [
            "",
            "123e4567-e89b-12d3-a456-42661417400",
            "123e4567ee89b-12d3-a456-426614174000",
            "123e4567-e89b-12d3-a456-42661417400g",
            "{123e4567e89b12d3a45642661417400}",
        ] {
            assert_eq!(uuid(text), None, "{text}");
        }
    }
}
