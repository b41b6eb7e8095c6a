//! Rows counted, and nothing else looked at.

use super::arrow;
use super::spec::{Format, LoadSpec};

/// How many rows a body has, if it is well formed.
pub(super) fn rows(spec: &LoadSpec, bytes: &[u8]) -> u64 {
    match &spec.format {
        Format::Json(..) => objects(bytes),
        Format::Arrow => arrow::count(bytes),
        Format::Csv(_) => bytes.iter().filter(|byte| matches!(byte, b'\n' | 2)).count() as u64,
    }
}

/// Objects that stand in no other object.
fn objects(bytes: &[u8]) -> u64 {
    let (mut count, mut depth, mut in_text, mut escaped) = (0, 0_u32, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' => {
                count += u64::from(depth == 0);
                depth += 1;
            }
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_counted_whatever_their_texts_say() {
        assert_eq!(objects(br#"[{"a":"}{\"{"},{"b":{"c":1}}]"#), 2);
        assert_eq!(objects(b"{}\n{}\n"), 2);
        assert_eq!(objects(b"[]"), 0);
    }
}
