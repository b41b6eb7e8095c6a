//! SELECT of both systems as SELECT of SQLite.
//!
//! Names of tables are resolved here, exactly; views are put in as subqueries; arithmetic,
//! comparisons with numbers and sums become calls of the catalog's exact functions.

mod calls;
mod expression;
mod having;
mod relations;
#[cfg(test)]
mod tests;

use super::Session;
use super::error::SqlError;
use super::token::{self, Kind, Token};
use crate::catalog::quote;
use crate::world::World;

/// How deep views and subqueries may stand in each other.
const MAX_DEPTH: u32 = 60;

/// The words that begin a clause.
const CLAUSES: [&str; 14] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "MINUS",
    "WINDOW",
    ";",
];

/// A statement for SQLite, and what it reads.
#[derive(Debug, Default)]
pub(super) struct Translated {
    /// The statement.
    pub(super) sql: String,
    /// The tables and views that it reads.
    pub(super) relations: Vec<(String, String)>,
}

/// Translates a SELECT.
pub(super) fn select(world: &World, session: &Session, sql: &str) -> Result<Translated, SqlError> {
    let tokens = token::tokens(sql).map_err(SqlError::syntax)?;
    let mut translator = Translator::new(world, session, sql);
    let sql = translator.query(&tokens)?;
    Ok(Translated { sql, relations: translator.relations })
}

/// Translates `VALUES (…), (…)`.
pub(super) fn values(world: &World, session: &Session, sql: &str) -> Result<Translated, SqlError> {
    let tokens = token::tokens(sql).map_err(SqlError::syntax)?;
    let tokens: Vec<Token> = tokens.into_iter().skip(1).filter(|token| !token.is(";")).collect();
    let mut translator = Translator::new(world, session, sql);
    let sql = format!("VALUES {}", translator.list(&tokens)?);
    Ok(Translated { sql, relations: translator.relations })
}

/// Translates one expression.
pub(super) fn expression(
    world: &World,
    session: &Session,
    sql: &str,
) -> Result<Translated, SqlError> {
    let tokens = token::tokens(sql).map_err(SqlError::syntax)?;
    let mut translator = Translator::new(world, session, sql);
    let sql = translator.list(&tokens)?;
    Ok(Translated { sql, relations: translator.relations })
}

struct Translator<'a> {
    world: &'a World,
    session: &'a Session,
    /// The text that the tokens are of.
    source: String,
    /// The database of unqualified names.
    home: String,
    /// The names of common table expressions in sight.
    common: Vec<String>,
    relations: Vec<(String, String)>,
    depth: u32,
}

/// The place of the parenthesis that closes the one at the beginning.
fn closing(tokens: &[Token]) -> Result<usize, SqlError> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return Ok(at);
            }
        }
    }
    Err(SqlError::syntax("a parenthesis is not closed"))
}

/// The place of the first such token that stands in no parentheses; the length if there is none.
fn find(tokens: &[Token], wanted: impl Fn(&Token) -> bool) -> usize {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate() {
        if depth == 0 && wanted(token) {
            return at;
        }
        depth += i32::from(token.is("(")) - i32::from(token.is(")"));
    }
    tokens.len()
}

/// The parts between commas that stand in no parentheses.
fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let mut rest = tokens;
    loop {
        let at = find(rest, |token| token.is(","));
        parts.push(&rest[..at]);
        match rest.get(at + 1..) {
            Some(more) => rest = more,
            None => return parts,
        }
    }
}

/// Whether a token names something.
fn names(token: &Token) -> bool {
    matches!(token.kind, Kind::Word | Kind::Name)
}

impl<'a> Translator<'a> {
    fn new(world: &'a World, session: &'a Session, source: &str) -> Self {
        Self {
            world,
            session,
            source: source.to_owned(),
            home: session.database.clone(),
            common: Vec::new(),
            relations: Vec::new(),
            depth: 0,
        }
    }

    /// A query: SELECTs, perhaps joined by UNION, perhaps behind WITH.
    fn query(&mut self, tokens: &[Token]) -> Result<String, SqlError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SqlError::analysis("subqueries or views stand too deep in each other"));
        }
        let known = self.common.len();
        let filtered = having::as_filter(tokens);
        let translated = self.clauses(filtered.as_deref().unwrap_or(tokens));
        self.common.truncate(known);
        self.depth -= 1;
        translated
    }

    fn clauses(&mut self, mut rest: &[Token]) -> Result<String, SqlError> {
        let mut out = String::new();
        if rest.first().is_some_and(|token| token.is("WITH")) {
            rest = self.with(rest, &mut out)?;
        }
        while let Some(first) = rest.first() {
            if first.is(";") {
                break;
            }
            if first.is("(") {
                let end = closing(rest)?;
                let inner = self.query(&rest[1..end])?;
                out.push_str(&format!("SELECT * FROM ({inner}) "));
                rest = &rest[end + 1..];
                continue;
            }
            let word = first.text.to_ascii_uppercase();
            let mut body = &rest[1..];
            let mut end = find(body, |token| CLAUSES.iter().any(|clause| token.is(clause)));
            match word.as_str() {
                "SELECT" => self.items(&body[..end], &mut out)?,
                "FROM" => {
                    let from = self.from(&body[..end])?;
                    out.push_str(&format!("FROM {from} "));
                }
                "GROUP" | "ORDER" => {
                    if !body.first().is_some_and(|token| token.is("BY")) {
                        return Err(SqlError::syntax(format!("{word} without BY")));
                    }
                    body = &body[1..];
                    end -= 1;
                    let list = self.list(&body[..end])?;
                    out.push_str(&format!("{word} BY {list} "));
                }
                "WHERE" | "HAVING" | "LIMIT" | "OFFSET" => {
                    let list = self.list(&body[..end])?;
                    out.push_str(&format!("{word} {list} "));
                }
                "UNION" | "INTERSECT" | "EXCEPT" | "MINUS" => {
                    let word = if word == "MINUS" { "EXCEPT" } else { word.as_str() };
                    let all = body.first().is_some_and(|token| token.is("ALL"));
                    let distinct = body.first().is_some_and(|token| token.is("DISTINCT"));
                    out.push_str(&format!("{word} {}", if all { "ALL " } else { "" }));
                    end = usize::from(all || distinct);
                }
                _ => {
                    let message = format!("unexpected '{}' at byte {}", first.text, first.start);
                    return Err(SqlError::syntax(message));
                }
            }
            rest = &body[end..];
        }
        Ok(out)
    }

    /// `WITH name AS (query), …`; gives what stands behind it.
    fn with<'t>(&mut self, tokens: &'t [Token], out: &mut String) -> Result<&'t [Token], SqlError> {
        let mut rest = &tokens[1..];
        out.push_str("WITH ");
        if rest.first().is_some_and(|token| token.is("RECURSIVE")) {
            out.push_str("RECURSIVE ");
            rest = &rest[1..];
        }
        loop {
            let wrong = || SqlError::syntax("WITH needs a name, AS and a query in parentheses");
            let name = rest.first().filter(|token| names(token)).ok_or_else(wrong)?;
            self.common.push(name.text.clone());
            out.push_str(&quote(&name.text));
            rest = &rest[1..];
            if rest.first().is_some_and(|token| token.is("(")) {
                let end = closing(rest)?;
                let columns: Vec<String> = split(&rest[1..end])
                    .iter()
                    .flat_map(|part| part.first())
                    .map(|token| quote(&token.text))
                    .collect();
                out.push_str(&format!("({})", columns.join(", ")));
                rest = &rest[end + 1..];
            }
            if !rest.first().is_some_and(|token| token.is("AS")) {
                return Err(wrong());
            }
            rest = &rest[1..];
            let end = closing(rest)?;
            let query = self.query(&rest[1..end])?;
            out.push_str(&format!(" AS ({query})"));
            rest = &rest[end + 1..];
            if !rest.first().is_some_and(|token| token.is(",")) {
                out.push(' ');
                return Ok(rest);
            }
            out.push_str(", ");
            rest = &rest[1..];
        }
    }

    /// The items of a SELECT, each under the name that it has in the result.
    fn items(&mut self, mut tokens: &[Token], out: &mut String) -> Result<(), SqlError> {
        out.push_str("SELECT ");
        while let Some(first) = tokens.first() {
            if first.is("DISTINCT") {
                out.push_str("DISTINCT ");
            } else if !first.is("ALL") {
                break;
            }
            tokens = &tokens[1..];
        }
        let mut items = Vec::new();
        for item in split(tokens) {
            items.push(self.item(item)?);
        }
        out.push_str(&items.join(", "));
        out.push(' ');
        Ok(())
    }

    fn item(&mut self, tokens: &[Token]) -> Result<String, SqlError> {
        let Some(last) = tokens.last() else {
            return Err(SqlError::syntax("an item of the SELECT is empty"));
        };
        let count = tokens.len();
        if last.is("*") && tokens.iter().all(|token| names(token) || token.is(".") || token.is("*"))
        {
            let parts: Vec<String> = tokens
                .iter()
                .filter(|token| names(token))
                .map(|token| quote(&token.text))
                .collect();
            // Of `database.table.*` the table is enough, and all that SQLite takes.
            return Ok(parts.last().map_or("*".to_owned(), |table| format!("{table}.*")));
        }
        let (expression, label) = if count > 2 && tokens[count - 2].is("AS") {
            (&tokens[..count - 2], last.text.clone())
        } else if is_alias(tokens) {
            (&tokens[..count - 1], last.text.clone())
        } else {
            (tokens, self.label(tokens))
        };
        Ok(format!("{} AS {}", self.list(expression)?, quote(&label)))
    }

    /// The name of an item without an alias: its column, or the item as written.
    fn label(&self, tokens: &[Token]) -> String {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
            return String::new();
        };
        if names(last) && tokens.iter().all(|token| names(token) || token.is(".")) {
            return last.text.clone();
        }
        self.source.get(first.start..last.end).unwrap_or_default().to_owned()
    }
}

/// Whether the last token of an item is a name for it, without AS.
fn is_alias(tokens: &[Token]) -> bool {
    const OPERATORS: [&str; 19] = [
        "LIKE", "IN", "AND", "OR", "NOT", "IS", "BETWEEN", "DIV", "MOD", "INTERVAL", "DISTINCT",
        "CASE", "WHEN", "THEN", "ELSE", "REGEXP", "RLIKE", "XOR", "COLLATE",
    ];
    const ENDS: [&str; 4] = ["END", "NULL", "TRUE", "FALSE"];
    let [.., before, last] = tokens else { return false };
    let unit = tokens.len() >= 3 && tokens[tokens.len() - 3].is("INTERVAL");
    let operand = match before.kind {
        Kind::Word => !OPERATORS.iter().any(|word| before.is(word)),
        Kind::Symbol => before.is(")"),
        Kind::Name | Kind::Text | Kind::Number | Kind::Variable => true,
    };
    names(last) && !ENDS.iter().any(|word| last.is(word)) && operand && !unit
}
