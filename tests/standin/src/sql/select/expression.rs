//! Expressions: operators by their precedence, then operands.

use super::super::error::SqlError;
use super::super::token::{Kind, Token};
use super::super::variables;
use super::{Translator, closing, find, names, split};
use crate::catalog::quote;

/// What an expression is made of, as far as a comparison has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A column.
    Column,
    /// A string.
    Text,
    /// A number, NULL, TRUE, FALSE, a call, anything made of others.
    Other,
}

/// A translated expression.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) sql: String,
    pub(super) shape: Shape,
}

impl Piece {
    pub(super) fn other(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), shape: Shape::Other }
    }
}

/// A string in SQLite's quotes.
pub(super) fn literal(text: &str) -> String {
    if text.contains('\0') {
        // A literal would end at the NUL.
        let hex: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
        return format!("CAST(x'{hex}' AS TEXT)");
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A walk over the tokens of one expression.
pub(super) struct Walk<'t> {
    pub(super) tokens: &'t [Token],
    pub(super) at: usize,
}

impl<'t> Walk<'t> {
    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.is(word))
    }

    pub(super) fn take(&mut self, word: &str) -> bool {
        let taken = self.is(word);
        self.at += usize::from(taken);
        taken
    }

    pub(super) fn rest(&self) -> &'t [Token] {
        self.tokens.get(self.at..).unwrap_or_default()
    }

    /// Takes what stands in the parentheses that come.
    pub(super) fn parenthesised(&mut self) -> Result<&'t [Token], SqlError> {
        let rest = self.rest();
        let end = closing(rest)?;
        self.at += end + 1;
        Ok(&rest[1..end])
    }

    fn unexpected(&self) -> SqlError {
        match self.peek() {
            Some(token) => {
                SqlError::syntax(format!("unexpected '{}' at byte {}", token.text, token.start))
            }
            None => SqlError::syntax("an expression ends too early"),
        }
    }
}

/// An operator between two operands: its precedence and what becomes of it.
fn operator(token: &Token) -> Option<(u8, &'static str)> {
    let word = token.text.to_ascii_uppercase();
    if !matches!(token.kind, Kind::Word | Kind::Symbol) {
        return None;
    }
    Some(match word.as_str() {
        "OR" | "||" => (1, "OR"),
        "AND" | "&&" => (2, "AND"),
        "=" | "==" => (4, "="),
        "<=>" => (4, "IS"),
        "<>" | "!=" => (4, "<>"),
        "<" => (4, "<"),
        ">" => (4, ">"),
        "<=" => (4, "<="),
        ">=" => (4, ">="),
        "IS" | "LIKE" | "IN" | "BETWEEN" | "NOT" => (4, "test"),
        "|" => (5, "|"),
        "&" => (6, "&"),
        "+" => (7, "exact_add"),
        "-" => (7, "exact_subtract"),
        "*" => (8, "exact_multiply"),
        "/" => (8, "exact_divide"),
        "%" | "MOD" => (8, "exact_remainder"),
        "DIV" => (8, "exact_quotient"),
        "->" => (9, "->"),
        "->>" => (9, "->>"),
        _ => return None,
    })
}

impl Translator<'_> {
    /// Expressions between commas.
    pub(super) fn list(&mut self, tokens: &[Token]) -> Result<String, SqlError> {
        let mut parts = Vec::new();
        for part in split(tokens) {
            let mut walk = Walk { tokens: part, at: 0 };
            let mut sql = self.expression(&mut walk, 0)?.sql;
            while let Some(token) = walk.peek() {
                if !["ASC", "DESC", "NULLS", "FIRST", "LAST"].iter().any(|word| token.is(word)) {
                    return Err(walk.unexpected());
                }
                sql.push_str(&format!(" {}", token.text));
                walk.at += 1;
            }
            parts.push(sql);
        }
        Ok(parts.join(", "))
    }

    /// An expression of operators that bind at least so strongly.
    pub(super) fn expression(&mut self, walk: &mut Walk<'_>, least: u8) -> Result<Piece, SqlError> {
        self.depth += 1;
        if self.depth > 4 * super::MAX_DEPTH {
            return Err(SqlError::syntax("an expression is nested too deeply"));
        }
        let mut left = self.prefix(walk)?;
        while let Some((binds, name)) = walk.peek().and_then(operator) {
            if binds < least {
                break;
            }
            left = if name == "test" {
                self.test(walk, left)?
            } else {
                walk.at += 1;
                let right = self.expression(walk, binds + 1)?;
                combined(&left, name, &right)
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    /// An operand with the operators before it.
    fn prefix(&mut self, walk: &mut Walk<'_>) -> Result<Piece, SqlError> {
        if walk.take("NOT") || walk.take("!") {
            let inner = self.expression(walk, 3)?;
            return Ok(Piece::other(format!("(NOT {})", inner.sql)));
        }
        if walk.take("-") {
            if let Some(token) = walk.peek().filter(|token| token.kind == Kind::Number) {
                walk.at += 1;
                return Ok(Piece::other(format!("-{}", token.text)));
            }
            let inner = self.expression(walk, 9)?;
            return Ok(Piece::other(format!("exact_negate({}) COLLATE DECIMAL", inner.sql)));
        }
        if walk.take("+") {
            return self.expression(walk, 9);
        }
        let operand = self.operand(walk)?;
        if walk.take("COLLATE") {
            walk.at += 1;
        }
        Ok(operand)
    }

    /// IS, LIKE, IN, BETWEEN, each perhaps with NOT.
    fn test(&mut self, walk: &mut Walk<'_>, left: Piece) -> Result<Piece, SqlError> {
        let left = left.sql;
        if walk.take("IS") {
            let not = if walk.take("NOT") { "NOT " } else { "" };
            let right = self.expression(walk, 5)?.sql;
            return Ok(Piece::other(format!("({left} IS {not}{right})")));
        }
        let not = if walk.take("NOT") { "NOT " } else { "" };
        if walk.take("LIKE") {
            let right = self.expression(walk, 5)?.sql;
            return Ok(Piece::other(format!("({left} {not}LIKE {right} ESCAPE '\\')")));
        }
        if walk.take("IN") {
            let inner = walk.parenthesised()?;
            let inner = if is_query(inner) { self.query(inner)? } else { self.list(inner)? };
            return Ok(Piece::other(format!("({left} {not}IN ({inner}))")));
        }
        if walk.take("BETWEEN") {
            let low = self.expression(walk, 5)?.sql;
            if !walk.take("AND") {
                return Err(walk.unexpected());
            }
            let high = self.expression(walk, 5)?.sql;
            let compared = format!(
                "({not}(exact_compare({left}, {low}) >= 0 AND exact_compare({left}, {high}) <= 0))"
            );
            return Ok(Piece::other(compared));
        }
        Err(walk.unexpected())
    }

    /// A literal, a column, a call, something in parentheses.
    fn operand(&mut self, walk: &mut Walk<'_>) -> Result<Piece, SqlError> {
        let Some(token) = walk.peek() else { return Err(walk.unexpected()) };
        match token.kind {
            Kind::Number => {
                walk.at += 1;
                // SQLite would make a float of a number with more digits than this.
                let exact = token.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                let large = exact && token.text.len() > 15 && token.text.parse::<i64>().is_err();
                let sql = if large { format!("'{}'", token.text) } else { token.text.clone() };
                Ok(Piece::other(sql))
            }
            Kind::Text => {
                walk.at += 1;
                Ok(Piece { sql: literal(&token.text), shape: Shape::Text })
            }
            Kind::Variable => {
                walk.at += 1;
                let value = variables::value(self.world, self.session, &token.text)?;
                let number = value.as_deref().is_some_and(|text| text.parse::<i64>().is_ok());
                Ok(Piece::other(match value {
                    None => "NULL".to_owned(),
                    Some(value) if number => value,
                    Some(value) => literal(&value),
                }))
            }
            Kind::Symbol if token.is("(") => {
                let inner = walk.parenthesised()?;
                let inner = if is_query(inner) { self.query(inner)? } else { self.list(inner)? };
                Ok(Piece::other(format!("({inner})")))
            }
            Kind::Symbol if token.is("*") => {
                walk.at += 1;
                Ok(Piece::other("*"))
            }
            Kind::Symbol => Err(walk.unexpected()),
            Kind::Name => self.column(walk),
            Kind::Word => self.word(walk, token),
        }
    }

    /// Something that begins with a word.
    fn word(&mut self, walk: &mut Walk<'_>, token: &Token) -> Result<Piece, SqlError> {
        let next = walk.tokens.get(walk.at + 1);
        match token.text.to_ascii_uppercase().as_str() {
            "NULL" | "TRUE" | "FALSE" => {
                walk.at += 1;
                Ok(Piece::other(token.text.to_ascii_uppercase()))
            }
            "CASE" => self.case(walk),
            "EXISTS" => {
                walk.at += 1;
                let inner = walk.parenthesised()?;
                Ok(Piece::other(format!("EXISTS ({})", self.query(inner)?)))
            }
            "DISTINCT" => {
                walk.at += 1;
                let inner = self.expression(walk, 0)?;
                Ok(Piece::other(format!("DISTINCT {}", inner.sql)))
            }
            "INTERVAL" => {
                walk.at += 1;
                let count = self.expression(walk, 7)?.sql;
                let unit = walk.peek().ok_or_else(|| walk.unexpected())?;
                walk.at += 1;
                Ok(Piece::other(format!("time_interval({count}, {})", literal(&unit.text))))
            }
            "DATE" | "TIMESTAMP" | "DATETIME" if next.is_some_and(|t| t.kind == Kind::Text) => {
                walk.at += 1;
                self.operand(walk)
            }
            _ if next.is_some_and(|next| next.is("(")) => self.call(walk),
            "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" => {
                walk.at += 1;
                Ok(Piece::other(self.now()))
            }
            "CURRENT_DATE" => {
                walk.at += 1;
                Ok(Piece::other("curdate()"))
            }
            _ => self.column(walk),
        }
    }

    /// `column`, `table.column`, `database.table.column`.
    fn column(&mut self, walk: &mut Walk<'_>) -> Result<Piece, SqlError> {
        let mut parts = Vec::new();
        while let Some(token) = walk.peek().filter(|token| names(token)) {
            walk.at += 1;
            parts.push(quote(&token.text));
            if !walk.take(".") {
                break;
            }
        }
        // SQLite knows the database by the table; both names of it need not agree.
        let skipped = parts.len().saturating_sub(2);
        match parts.get(skipped..) {
            Some(parts) if !parts.is_empty() => {
                Ok(Piece { sql: parts.join("."), shape: Shape::Column })
            }
            _ => Err(walk.unexpected()),
        }
    }

    fn case(&mut self, walk: &mut Walk<'_>) -> Result<Piece, SqlError> {
        walk.at += 1;
        let mut sql = "CASE".to_owned();
        if !walk.is("WHEN") {
            sql.push_str(&format!(" {}", self.expression(walk, 0)?.sql));
        }
        while walk.take("WHEN") {
            let condition = self.expression(walk, 0)?.sql;
            if !walk.take("THEN") {
                return Err(walk.unexpected());
            }
            sql.push_str(&format!(" WHEN {condition} THEN {}", self.expression(walk, 0)?.sql));
        }
        if walk.take("ELSE") {
            sql.push_str(&format!(" ELSE {}", self.expression(walk, 0)?.sql));
        }
        if !walk.take("END") {
            return Err(walk.unexpected());
        }
        Ok(Piece::other(format!("({sql} END) COLLATE DECIMAL")))
    }
}

/// Whether what stands in parentheses is a query.
fn is_query(tokens: &[Token]) -> bool {
    let at = find(tokens, |token| !token.is("("));
    tokens.get(at).or(tokens.first()).is_some_and(|token| token.is("SELECT") || token.is("WITH"))
}

fn combined(left: &Piece, name: &str, right: &Piece) -> Piece {
    let (first, second) = (&left.sql, &right.sql);
    let sql = match name {
        "OR" | "AND" | "IS" | "|" | "&" | "->" | "->>" => format!("({first} {name} {second})"),
        "=" | "<>" | "<" | ">" | "<=" | ">=" => {
            // SQLite compares columns and strings as their types say; a number would come before
            // every text, and decimals are text.
            if left.shape != Shape::Other && right.shape != Shape::Other {
                format!("({first} {name} {second})")
            } else {
                format!("(exact_compare({first}, {second}) {name} 0)")
            }
        }
        _ => return Piece::other(format!("{name}({first}, {second}) COLLATE DECIMAL")),
    };
    Piece::other(sql)
}
