//! Escapes of checked strings.

/// The text of a string's checked inner part, its escapes decoded into `decoded` where it has any.
pub(in crate::format) fn unescape<'a>(raw: &'a str, decoded: &'a mut String) -> &'a str {
    if !raw.contains('\\') {
        return raw;
    }
    decoded.clear();
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        decoded.push_str(plain);
        rest = push_escape(escape, decoded);
    }
    decoded.push_str(rest);
    decoded
}

/// Decodes the escape that `text` begins with, behind its backslash, and returns what follows.
fn push_escape<'a>(text: &'a str, decoded: &mut String) -> &'a str {
    let mut chars = text.chars();
    let plain = match chars.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return push_code(chars.as_str(), decoded),
        Some(itself) => itself,
        None => return "",
    };
    decoded.push(plain);
    chars.as_str()
}

fn push_code<'a>(text: &'a str, decoded: &mut String) -> &'a str {
    let (first, rest) = hex(text);
    let pair = rest.strip_prefix("\\u").filter(|_| (0xd800..0xdc00).contains(&first));
    let (code, rest) = match pair {
        Some(low) => {
            let (second, rest) = hex(low);
            (0x1_0000 + ((first & 0x3ff) << 10) + (second & 0x3ff), rest)
        }
        None => (first, rest),
    };
    // Lone surrogates were refused before.
    decoded.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn hex(text: &str) -> (u32, &str) {
    let (digits, rest) = text.split_at_checked(4).unwrap_or((text, ""));
    (u32::from_str_radix(digits, 16).unwrap_or(0), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_escapes_decode() {
        let mut decoded = String::new();
        let raw = r#"a\"\\\/\b\f\n\r\t\u0000\u00e9\u20AC\ud83d\ude00z\\u0041"#;
        assert_eq!(unescape(raw, &mut decoded), "a\"\\/\u{8}\u{c}\n\r\t\0é€😀z\\u0041");
        assert_eq!(unescape("plain é", &mut decoded), "plain é");
    }
}
