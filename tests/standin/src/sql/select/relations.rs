//! FROM: tables, views, subqueries, joins.

use super::super::error::SqlError;
use super::super::token::{self, Token};
use super::super::{ADMINISTRATOR, schema};
use super::{Translator, closing, find, names};
use crate::catalog::{NoTable, Relation, quote};

const JOINS: [&str; 10] =
    ["JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "OUTER", "NATURAL", "SEMI", "ANTI"];

impl Translator<'_> {
    /// What stands between FROM and the next clause.
    pub(super) fn from(&mut self, tokens: &[Token]) -> Result<String, SqlError> {
        let mut rest = tokens;
        let mut out = String::new();
        let mut expected = true;
        while let Some(first) = rest.first() {
            if expected {
                let (relation, more) = self.relation(rest)?;
                out.push_str(&relation);
                rest = more;
                expected = false;
                continue;
            }
            if first.is(",") {
                out.push_str(", ");
                expected = true;
                rest = &rest[1..];
            } else if JOINS.iter().any(|word| first.is(word)) {
                out.push_str(&format!(" {} ", first.text));
                expected = first.is("JOIN");
                rest = &rest[1..];
            } else if first.is("ON") {
                let body = &rest[1..];
                let end =
                    find(body, |token| token.is(",") || JOINS.iter().any(|word| token.is(word)));
                let end = self.end_of_condition(body, end);
                out.push_str(&format!(" ON {}", self.list(&body[..end])?));
                rest = &body[end..];
            } else if first.is("USING") {
                let end = closing(&rest[1..])?;
                out.push_str(&format!(" USING {}", self.list(&rest[1..end + 2])?));
                rest = &rest[end + 2..];
            } else {
                let message = format!("unexpected '{}' at byte {}", first.text, first.start);
                return Err(SqlError::syntax(message));
            }
        }
        if expected { Err(SqlError::syntax("FROM needs a table")) } else { Ok(out) }
    }

    /// LEFT and RIGHT are functions too, where a parenthesis follows them.
    fn end_of_condition(&self, tokens: &[Token], mut end: usize) -> usize {
        while let (Some(word), Some(next)) = (tokens.get(end), tokens.get(end + 1)) {
            if !(word.is("LEFT") || word.is("RIGHT")) || !next.is("(") {
                break;
            }
            let body = &tokens[end + 1..];
            end += 1 + find(body, |token| token.is(",") || JOINS.iter().any(|word| token.is(word)));
        }
        end
    }

    /// One table, view or subquery with its alias; gives what stands behind it.
    fn relation<'t>(&mut self, tokens: &'t [Token]) -> Result<(String, &'t [Token]), SqlError> {
        let wrong = || SqlError::syntax("FROM needs a table or a subquery");
        let first = tokens.first().ok_or_else(wrong)?;
        let (relation, name, mut rest) = if first.is("(") {
            let end = closing(tokens)?;
            let inner = &tokens[1..end];
            let query = inner.first().is_some_and(|t| t.is("SELECT") || t.is("WITH") || t.is("("));
            let inner = if query { self.query(inner)? } else { self.from(inner)? };
            (format!("({inner})"), None, &tokens[end + 1..])
        } else {
            let mut parts = vec![first.text.clone()];
            if !names(first) {
                return Err(wrong());
            }
            let mut rest = &tokens[1..];
            while let [dot, name, more @ ..] = rest {
                if !dot.is(".") || !names(name) {
                    break;
                }
                parts.push(name.text.clone());
                rest = more;
            }
            let name = parts.pop().unwrap_or_default();
            let (relation, needs_name) = self.named(parts.pop().as_deref(), &name)?;
            (relation, needs_name.then_some(name), rest)
        };
        if let [word, open, ..] = rest
            && word.is("PARTITION")
            && open.is("(")
        {
            rest = &rest[closing(&rest[1..])? + 2..];
        }
        let explicit = rest.first().is_some_and(|token| token.is("AS"));
        if explicit {
            rest = &rest[1..];
        }
        let alias = rest.first().filter(|token| {
            let clause = JOINS.iter().chain(&["ON", "USING"]).any(|word| token.is(word));
            names(token) && (explicit || !clause)
        });
        if let Some(alias) = alias {
            return Ok((format!("{relation} AS {}", quote(&alias.text)), &rest[1..]));
        }
        Ok(match name {
            Some(name) => (format!("{relation} AS {}", quote(&name)), rest),
            None => (relation, rest),
        })
    }

    /// A relation by its name; true if it has to be given that name.
    fn named(&mut self, database: Option<&str>, name: &str) -> Result<(String, bool), SqlError> {
        if database.is_none() {
            if self.common.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                return Ok((quote(name), false));
            }
            if name.eq_ignore_ascii_case("dual") {
                return Ok(("(SELECT 1)".to_owned(), false));
            }
        }
        let database = database.map_or_else(|| self.home.clone(), str::to_owned);
        if database.is_empty() {
            return Err(SqlError::no_database());
        }
        if database.eq_ignore_ascii_case(schema::NAME) {
            if !schema::has_table(name) {
                return Err(SqlError::unknown_table(&database, name));
            }
            return Ok((format!("{}.{}", schema::NAME, quote(&name.to_uppercase())), false));
        }
        let catalog = &self.world.catalog;
        let relation = catalog.read().relation(&database, name).map_err(|error| match error {
            NoTable::UnknownDatabase => SqlError::unknown_database(&database),
            NoTable::UnknownTable => SqlError::unknown_table(&database, name),
        })?;
        self.relations.push((database.clone(), name.to_owned()));
        match relation {
            Relation::Table(table) => {
                Ok((format!("{}.{}", quote(&table.database), quote(&table.name)), false))
            }
            Relation::View(view) => {
                let sql = self.inside(&view.select, &view.home)?;
                if view.columns.is_empty() {
                    return Ok((format!("({sql})"), true));
                }
                let columns: Vec<String> = view.columns.iter().map(|name| quote(name)).collect();
                let sql = format!("(WITH v({}) AS ({sql}) SELECT * FROM v)", columns.join(", "));
                Ok((sql, true))
            }
        }
    }

    /// A view's SELECT, whose names are of its own database and whose tables its readers need no
    /// privilege on.
    fn inside(&mut self, select: &str, home: &str) -> Result<String, SqlError> {
        let tokens = token::tokens(select).map_err(SqlError::syntax)?;
        let session = super::Session::new(ADMINISTRATOR);
        let mut inner = Translator::new(self.world, &session, select);
        home.clone_into(&mut inner.home);
        inner.depth = self.depth;
        inner.query(&tokens)
    }
}
