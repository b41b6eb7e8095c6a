//! The strict grammar of JSON (RFC 8259), over bytes that are known to be UTF-8.
//!
//! A [`Cursor`] stands in front of something and moves behind it, or says what it expected. A
//! newline is no white space here: lines hold none, and so nothing runs on into the next line when
//! a cursor is set on a block of lines.
//!
//! *Invariants*: what passes here also passes `serde_json`, and the other way round.

use std::fmt;

use crate::format::value::Excerpt;

/// How many arrays and objects may enclose each other, the line's own object among them.
pub const MAX_DEPTH: usize = 127;

/// What a value is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a bool",
            Self::Number => "a number",
            Self::String => "a text",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

/// Where and why bytes are not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) struct SyntaxError {
    at: usize,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Expected(&'static str),
    Control,
    Surrogate,
    Depth,
}

impl SyntaxError {
    /// The error in words; `line` is what the cursor ran over.
    pub(in crate::format) fn describe(&self, line: &str) -> String {
        let byte = self.at + 1;
        let rest = line.get(self.at..).unwrap_or_default();
        let found = rest.chars().next().and_then(|first| rest.get(..first.len_utf8()));
        match (self.problem, found) {
            (Problem::Expected(expected), Some(found)) => {
                format!("byte {byte}: expected {expected}, found `{}`", Excerpt(found))
            }
            (Problem::Expected(expected), None) => {
                format!("byte {byte}: expected {expected}, found the end of the line")
            }
            (Problem::Control, _) => {
                format!("byte {byte}: expected no raw control character in a text, found one")
            }
            (Problem::Surrogate, _) => format!(
                "byte {byte}: expected the escapes of a whole character, found a lone surrogate"
            ),
            (Problem::Depth, _) => {
                format!("byte {byte}: expected at most {MAX_DEPTH} levels of nesting, found more")
            }
        }
    }
}

pub(in crate::format) type Result<T> = std::result::Result<T, SyntaxError>;

/// Whether `text` is one whole JSON document.
pub(in crate::format) fn is_document(text: &str) -> bool {
    let mut cursor = Cursor::new(text.as_bytes(), 0);
    cursor.space();
    cursor.value(0).is_ok() && cursor.end().is_ok()
}

/// The inner part of a string, between its quotes, escapes as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format) struct Span {
    pub(in crate::format) start: usize,
    pub(in crate::format) end: usize,
    pub(in crate::format) escaped: bool,
}

/// A place in bytes.
#[derive(Clone, Copy, Debug)]
pub(in crate::format) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(in crate::format) at: usize,
}

impl<'a> Cursor<'a> {
    pub(in crate::format) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(in crate::format) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn error<T>(&self, problem: Problem) -> Result<T> {
        Err(SyntaxError { at: self.at, problem })
    }

    pub(super) fn expected<T>(&self, what: &'static str) -> Result<T> {
        self.error(Problem::Expected(what))
    }

    #[inline]
    pub(in crate::format) fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// The end of the bytes, white space before it.
    pub(in crate::format) fn end(&mut self) -> Result<()> {
        self.space();
        if self.at < self.bytes.len() { self.expected("the end of the line") } else { Ok(()) }
    }

    /// One value, inside of `depth` arrays and objects.
    pub(in crate::format) fn value(&mut self, depth: usize) -> Result<Kind> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| Kind::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Kind::Number),
            Some(b'{') => {
                let mut name = self.open_object(depth)?;
                while name.is_some() {
                    self.value(depth + 1)?;
                    name = self.next_member()?;
                }
                Ok(Kind::Object)
            }
            Some(b'[') => {
                let mut more = self.open_array(depth)?;
                while more {
                    self.value(depth + 1)?;
                    more = self.next_element()?;
                }
                Ok(Kind::Array)
            }
            Some(b't') => self.word(b"true", Kind::Bool),
            Some(b'f') => self.word(b"false", Kind::Bool),
            Some(b'n') => self.word(b"null", Kind::Null),
            _ => self.expected("a value"),
        }
    }

    /// From `{` to the first member's value, answering with its name, or behind `}`.
    pub(in crate::format) fn open_object(&mut self, depth: usize) -> Result<Option<Span>> {
        if depth >= MAX_DEPTH {
            return self.error(Problem::Depth);
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(None);
        }
        self.name("a member's name or `}`").map(Some)
    }

    /// From behind a member's value to the next one's value, answering with its name, or behind `}`.
    pub(in crate::format) fn next_member(&mut self) -> Result<Option<Span>> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                self.name("a member's name").map(Some)
            }
            Some(b'}') => {
                self.at += 1;
                Ok(None)
            }
            _ => self.expected("`,` or `}`"),
        }
    }

    fn name(&mut self, expected: &'static str) -> Result<Span> {
        if self.peek() != Some(b'"') {
            return self.expected(expected);
        }
        let name = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return self.expected("`:` behind a member's name");
        }
        self.at += 1;
        self.space();
        Ok(name)
    }

    /// From `[` to the first element, or behind `]` (false).
    fn open_array(&mut self, depth: usize) -> Result<bool> {
        if depth >= MAX_DEPTH {
            return self.error(Problem::Depth);
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// From behind an element to the next one, or behind `]` (false).
    fn next_element(&mut self) -> Result<bool> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(true)
            }
            Some(b']') => {
                self.at += 1;
                Ok(false)
            }
            _ => self.expected("`,` or `]`"),
        }
    }

    fn word(&mut self, word: &'static [u8], kind: Kind) -> Result<Kind> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return self.expected("a value");
        }
        self.at += word.len();
        Ok(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let mut cursor = Cursor::new(text.as_bytes(), 0);
        let checked = cursor.value(0).and_then(|_| cursor.end());
        checked.expect_err(text).describe(text)
    }

    #[test]
    fn errors_name_the_byte_and_what_was_expected() {
        for (text, expected) in [
            ("", "byte 1: expected a value, found the end of the line"),
            ("{\"a\" 1}", "byte 6: expected `:` behind a member's name, found `1`"),
            ("{\"a\":1,}", "byte 8: expected a member's name, found `}`"),
            ("{'a':1}", "byte 2: expected a member's name or `}`, found `'`"),
            ("{\"a\":012.5}", "byte 7: expected `,` or `}`, found `1`"),
            ("[1 é]", "byte 4: expected `,` or `]`, found `é`"),
            ("{} {}", "byte 4: expected the end of the line, found `{`"),
            ("+1", "byte 1: expected a value, found `+`"),
            ("-", "byte 2: expected a digit, found the end of the line"),
            ("1.e5", "byte 3: expected a digit, found `e`"),
            ("NaN", "byte 1: expected a value, found `N`"),
            ("\u{feff}1", "byte 1: expected a value, found `\\u{feff}`"),
            ("1 \u{200b}", "byte 3: expected the end of the line, found `\\u{200b}`"),
            ("// no", "byte 1: expected a value, found `/`"),
            ("\"a\u{1}b\"", "byte 3: expected no raw control character in a text, found one"),
            ("\"abc", "byte 5: expected the closing quote of a text, found the end of the line"),
            ("\"\\x\"", "byte 3: expected one of the escapes \" \\ / b f n r t u, found `x`"),
            ("\"\\u12g4\"", "byte 6: expected a hexadecimal digit, found `g`"),
            (
                "\"a\\ud800\"",
                "byte 3: expected the escapes of a whole character, found a lone surrogate",
            ),
        ] {
            assert_eq!(error(text), expected, "{text:?}");
        }
    }

    #[test]
    fn surrogates_come_in_pairs() {
        assert!(is_document("\"\\ud83d\\ude00\""));
        for text in [
            "\"\\ude00\"",
            "\"\\ud83dx\"",
            "\"\\ud83d\\n\"",
            "\"\\ud83d\\ud83d\"",
            "\"\\ud83d\\u0041\"",
        ] {
            assert!(!is_document(text), "{text}");
        }
    }

    #[test]
    fn nesting_ends_where_serde_json_ends_it() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for levels in [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1] {
                let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                assert_eq!(is_document(&text), theirs, "{levels} times {open}");
                assert_eq!(theirs, levels <= MAX_DEPTH, "{levels} times {open}");
            }
        }
        assert!(error(&"[".repeat(1_000)).contains("at most 127 levels"));
    }
}
