//! A place in the tokens of a statement.

use super::error::SqlError;
use super::token::{self, Kind, Token};

/// A walk over tokens.
pub(super) struct Cursor<'a> {
    /// The statement.
    pub(super) sql: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The beginning of a statement.
    pub(super) fn new(sql: &'a str) -> Result<Self, SqlError> {
        let tokens = token::tokens(sql).map_err(SqlError::syntax)?;
        Ok(Self { sql, tokens, at: 0 })
    }

    /// The token that comes.
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    /// Whether this word comes.
    pub(super) fn is(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.is(word))
    }

    /// Whether these words come.
    pub(super) fn are(&self, words: &[&str]) -> bool {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        rest.len() >= words.len() && words.iter().zip(rest).all(|(word, token)| token.is(word))
    }

    /// Takes this word if it comes.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let taken = self.is(word);
        self.at += usize::from(taken);
        taken
    }

    /// Takes these words if they all come.
    pub(super) fn take_all(&mut self, words: &[&str]) -> bool {
        let taken = self.are(words);
        if taken {
            self.at += words.len();
        }
        taken
    }

    /// Takes this word, which must come.
    pub(super) fn expect(&mut self, word: &str) -> Result<(), SqlError> {
        if self.take(word) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    /// Takes whatever comes.
    pub(super) fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    /// Whether nothing comes but a semicolon.
    pub(super) fn is_done(&self) -> bool {
        self.peek().is_none() || self.is(";")
    }

    /// Nothing may come any more.
    pub(super) fn done(&self) -> Result<(), SqlError> {
        if self.is_done() { Ok(()) } else { Err(self.unexpected("the end of the statement")) }
    }

    /// Takes a name, quoted or not.
    pub(super) fn name(&mut self) -> Result<String, SqlError> {
        match self.peek() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Name) => {
                let name = token.text.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    /// Takes a name and this word, if both come.
    pub(super) fn name_before(&mut self, word: &str) -> Option<String> {
        let [name, next, ..] = self.tokens.get(self.at..)? else { return None };
        let is_name = matches!(name.kind, Kind::Word | Kind::Name);
        let name = (is_name && next.is(word)).then(|| name.text.clone())?;
        self.at += 2;
        Some(name)
    }

    /// Takes `name` or `name.name`; a catalog before both is passed over.
    pub(super) fn path(&mut self) -> Result<(Option<String>, String), SqlError> {
        let mut parts = vec![self.name()?];
        while self.take(".") {
            parts.push(self.name()?);
        }
        let last = parts.pop().unwrap_or_default();
        Ok((parts.pop(), last))
    }

    /// Takes a string.
    pub(super) fn text(&mut self) -> Result<String, SqlError> {
        match self.peek() {
            Some(token) if token.kind == Kind::Text => {
                let text = token.text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected("a string")),
        }
    }

    /// Takes a whole number.
    pub(super) fn number(&mut self) -> Result<i64, SqlError> {
        let number = self.peek().filter(|token| token.kind == Kind::Number);
        match number.and_then(|token| token.text.parse().ok()) {
            Some(number) => {
                self.at += 1;
                Ok(number)
            }
            None => Err(self.unexpected("a number")),
        }
    }

    /// Takes names in parentheses.
    pub(super) fn names(&mut self) -> Result<Vec<String>, SqlError> {
        self.expect("(")?;
        let mut names = Vec::new();
        loop {
            names.push(self.name()?);
            if !self.take(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(names)
    }

    /// Takes `("key" = "value", …)`.
    pub(super) fn properties(&mut self) -> Result<Vec<(String, String)>, SqlError> {
        self.expect("(")?;
        let mut properties = Vec::new();
        while !self.is(")") {
            let key = self.text().or_else(|_| self.name())?;
            self.expect("=")?;
            let value = match self.next() {
                Some(token) if token.kind != Kind::Symbol => token.text,
                _ => return Err(self.unexpected("a value")),
            };
            properties.push((key, value));
            if !self.take(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(properties)
    }

    /// Passes over what stands in parentheses, and gives its text with them.
    pub(super) fn parenthesised(&mut self) -> Result<&'a str, SqlError> {
        let start = self.start();
        self.expect("(")?;
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some(token) if token.is("(") => depth += 1,
                Some(token) if token.is(")") => depth -= 1,
                Some(_) => {}
                None => return Err(self.unexpected(")")),
            }
        }
        Ok(&self.sql[start..self.end()])
    }

    /// Where the token that comes begins.
    pub(super) fn start(&self) -> usize {
        self.peek().map_or(self.sql.len(), |token| token.start)
    }

    /// Where the last token taken ends.
    pub(super) fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.end)
    }

    /// The text that has not been taken.
    pub(super) fn rest(&self) -> &'a str {
        self.sql.get(self.start()..).unwrap_or_default()
    }

    /// The error of a token that cannot stand here.
    pub(super) fn unexpected(&self, wanted: &str) -> SqlError {
        let found = self.peek().map_or("the end of the statement", |token| token.text.as_str());
        SqlError::syntax(format!(
            "unexpected '{found}' at byte {}, expected {wanted}",
            self.start()
        ))
    }
}
