//! Strings and numbers of the strict grammar.

use super::swar::{plain_text_bytes, word_at};
use super::syntax::{Cursor, Problem, Result, Span};

impl Cursor<'_> {
    /// A string from its opening quote on.
    pub(super) fn string(&mut self) -> Result<Span> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            let plain = plain_text_bytes(word_at(self.bytes, self.at));
            self.at += plain;
            if plain == 8 {
                continue;
            }
            match self.peek() {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok(Span { start, end, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.error(Problem::Control),
                None => {
                    // The padding of the last word ended the search.
                    self.at = self.bytes.len();
                    return self.expected("the closing quote of a text");
                }
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                let first = self.four_hex_digits()?;
                let low_follows = |cursor: &mut Self| -> Result<bool> {
                    if !cursor.bytes.get(cursor.at..).is_some_and(|rest| rest.starts_with(b"\\u")) {
                        return Ok(false);
                    }
                    cursor.at += 2;
                    Ok((0xdc00..0xe000).contains(&cursor.four_hex_digits()?))
                };
                let whole = match first {
                    0xd800..0xdc00 => low_follows(self)?,
                    0xdc00..0xe000 => false,
                    _ => true,
                };
                if whole {
                    return Ok(());
                }
                self.at = start;
                self.error(Problem::Surrogate)
            }
            _ => self.expected("one of the escapes \" \\ / b f n r t u"),
        }
    }

    fn four_hex_digits(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            match self.peek().and_then(|byte| char::from(byte).to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return self.expected("a hexadecimal digit"),
            }
            self.at += 1;
        }
        Ok(code)
    }

    pub(super) fn number(&mut self) -> Result<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<()> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.expected("a digit");
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }
}
