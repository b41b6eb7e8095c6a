//! Calls of functions.

use super::super::error::SqlError;
use super::super::token::{Kind, Token};
use super::super::variables;
use super::expression::{Piece, Walk, literal};
use super::{Translator, find, split};
use crate::catalog::moment::Moment;

/// Functions under other names.
const NAMES: [(&str, &str); 17] = [
    ("if", "iif"),
    ("nvl", "ifnull"),
    ("round", "exact_round"),
    ("abs", "exact_abs"),
    ("ceiling", "ceil"),
    ("left", "left_text"),
    ("right", "right_text"),
    ("length", "byte_length"),
    ("character_length", "char_length"),
    ("ucase", "upper"),
    ("lcase", "lower"),
    ("substring", "substr"),
    ("mod", "exact_remainder"),
    ("hex", "hex_text"),
    ("any_value", "min"),
    ("get_json_string", "json_extract"),
    ("locate", "instr"),
];

/// Functions whose results are numbers or the values of columns: ordered as such.
const ORDERED: [&str; 13] = [
    "exact_sum",
    "exact_avg",
    "exact_round",
    "exact_abs",
    "exact_remainder",
    "iif",
    "ifnull",
    "coalesce",
    "nullif",
    "min",
    "max",
    "greatest",
    "least",
];

impl Translator<'_> {
    /// The time of the stand-in's clock, which tests move, in whole seconds.
    pub(super) fn now(&self) -> String {
        let micros = self.world.clock.now_ms() / 1000 * 1_000_000;
        Moment::of_micros(micros)
            .map_or_else(|| "NULL".to_owned(), |now| literal(&now.date_time(None)))
    }

    /// A call, its name and its parenthesis coming.
    pub(super) fn call(&mut self, walk: &mut Walk<'_>) -> Result<Piece, SqlError> {
        let name = walk.peek().map(|token| token.text.to_ascii_lowercase()).unwrap_or_default();
        walk.at += 1;
        let inner = walk.parenthesised()?;
        if let Some(sql) = self.special(&name, inner)? {
            return Ok(Piece::other(sql));
        }
        let mut arguments =
            if inner.is_empty() { String::new() } else { self.arguments(&name, inner)? };
        if walk.is("OVER") {
            walk.at += 1;
            let window = walk.parenthesised()?;
            let window = self.window(window)?;
            return Ok(Piece::other(format!("{name}({arguments}) OVER ({window})")));
        }
        let name = match name.as_str() {
            "sum" => "exact_sum",
            "avg" => "exact_avg",
            "approx_count_distinct" | "ndv" => {
                arguments = format!("DISTINCT {arguments}");
                "count"
            }
            other => NAMES.iter().find(|(from, _)| *from == other).map_or(other, |(_, to)| *to),
        };
        let order = if ORDERED.contains(&name) { " COLLATE DECIMAL" } else { "" };
        Ok(Piece::other(format!("{name}({arguments}){order}")))
    }

    fn arguments(&mut self, name: &str, inner: &[Token]) -> Result<String, SqlError> {
        let separator = find(inner, |token| token.is("SEPARATOR"));
        if name == "group_concat" && separator < inner.len() {
            let order = find(inner, |token| token.is("ORDER"));
            let values = self.list(&inner[..separator.min(order)])?;
            let between = inner.get(separator + 1).map_or(",", |token| token.text.as_str());
            return Ok(format!("{values}, {}", literal(between)));
        }
        if name == "timestampdiff"
            && let Some((unit, rest)) = inner.split_first()
        {
            let rest = rest.get(1..).unwrap_or_default();
            return Ok(format!("{}, {}", literal(&unit.text), self.list(rest)?));
        }
        self.list(inner)
    }

    /// Calls that are none of a function.
    fn special(&mut self, name: &str, inner: &[Token]) -> Result<Option<String>, SqlError> {
        Ok(Some(match name {
            "cast" => {
                let at = find(inner, |token| token.is("AS"));
                let (Some(value), Some(to)) = (inner.get(..at), inner.get(at + 1..)) else {
                    return Err(SqlError::syntax("CAST needs a value, AS and a type"));
                };
                self.cast(value, to)?
            }
            "convert" => match split(inner)[..] {
                [value, to] => self.cast(value, to)?,
                _ => return Err(SqlError::syntax("CONVERT needs a value and a type")),
            },
            "extract" => {
                let at = find(inner, |token| token.is("FROM"));
                let (Some(unit), Some(value)) = (inner.first(), inner.get(at + 1..)) else {
                    return Err(SqlError::syntax("EXTRACT needs a unit, FROM and a time"));
                };
                format!("{}({})", unit.text.to_ascii_lowercase(), self.list(value)?)
            }
            "now" | "current_timestamp" | "localtimestamp" | "utc_timestamp" => self.now(),
            "database" | "schema" if self.session.database.is_empty() => "NULL".to_owned(),
            "database" | "schema" => literal(&self.session.database),
            "user" | "current_user" | "session_user" => {
                literal(&format!("'{}'@'%'", self.session.user))
            }
            "connection_id" => self.session.connection.to_string(),
            "current_version" => literal(&variables::current_version(self.world)),
            "version" => literal(&variables::server_version(self.world)),
            "current_catalog" | "catalog" => literal(variables::catalog_name(self.world)),
            _ => return Ok(None),
        }))
    }

    fn cast(&mut self, value: &[Token], to: &[Token]) -> Result<String, SqlError> {
        let to: Vec<&str> = to.iter().map(|token| token.text.as_str()).collect();
        let value = self.list(value)?;
        let words = to.join(if to.get(1) == Some(&"(") { "" } else { " " });
        Ok(format!("cast_as({value}, {}) COLLATE DECIMAL", literal(&words)))
    }

    /// What stands in the parentheses of OVER.
    fn window(&mut self, tokens: &[Token]) -> Result<String, SqlError> {
        const PARTS: [&str; 5] = ["PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS"];
        let mut out = String::new();
        let mut rest = tokens;
        while let Some(first) = rest.first() {
            let body = rest.get(1..).unwrap_or_default();
            let end = find(body, |token| PARTS.iter().any(|part| token.is(part)));
            if first.is("PARTITION") || first.is("ORDER") {
                let list = self.list(body.get(1..end).unwrap_or_default())?;
                out.push_str(&format!("{} BY {list} ", first.text));
            } else if PARTS.iter().any(|part| first.is(part)) {
                let words: Vec<&str> = body[..end]
                    .iter()
                    .filter(|t| t.kind != Kind::Symbol)
                    .map(|t| t.text.as_str())
                    .collect();
                out.push_str(&format!("{} {} ", first.text, words.join(" ")));
            } else {
                return Err(SqlError::syntax(format!("unexpected '{}' in OVER", first.text)));
            }
            rest = &body[end..];
        }
        Ok(out)
    }
}
