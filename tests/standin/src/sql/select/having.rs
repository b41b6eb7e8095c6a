//! HAVING without groups.
//!
//! It is a second WHERE that knows the names of the result and takes them before those of columns.
//! SQLite refuses it; Connector/J lists tables with it.

use super::super::token::{Kind, Token};
use super::{CLAUSES, find, is_alias, names, split};

/// Calls that make one row of many: a HAVING is about that row then.
const AGGREGATES: [&str; 9] = [
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "GROUP_CONCAT",
    "ANY_VALUE",
    "NDV",
    "APPROX_COUNT_DISTINCT",
];
/// Beside these a HAVING is about groups, or belongs to one SELECT of several.
const OTHERS: [&str; 5] = ["GROUP", "UNION", "INTERSECT", "EXCEPT", "MINUS"];

/// The query with the HAVING as a part of its WHERE; nothing where there is no such HAVING.
pub(super) fn as_filter(tokens: &[Token]) -> Option<Vec<Token>> {
    let place = |word: &str| find(tokens, |token| token.is(word));
    let (select, condition, having) = (place("SELECT"), place("WHERE"), place("HAVING"));
    let before = tokens.get(..having)?;
    let after = tokens.get(having + 1..)?;
    let items = before.get(select + 1..)?;
    if OTHERS.iter().any(|word| place(word) < tokens.len()) || aggregates(tokens) {
        return None;
    }
    let clause = |part: &[Token]| find(part, |token| CLAUSES.iter().any(|word| token.is(word)));
    let known = aliases(&items[..clause(items)]);
    let (wanted, rest) = after.split_at(clause(after));

    let mut out = before.to_vec();
    if condition < having {
        out.insert(condition + 1, made(Kind::Symbol, "("));
        out.extend([made(Kind::Symbol, ")"), made(Kind::Word, "AND")]);
    } else {
        out.push(made(Kind::Word, "WHERE"));
    }
    out.push(made(Kind::Symbol, "("));
    out.extend(spelled(wanted, &known));
    out.push(made(Kind::Symbol, ")"));
    out.extend_from_slice(rest);
    Some(out)
}

fn made(kind: Kind, text: &str) -> Token {
    Token { kind, text: text.to_owned(), start: 0, end: 0 }
}

fn aggregates(tokens: &[Token]) -> bool {
    let calls = |name: &Token| AGGREGATES.iter().any(|aggregate| name.is(aggregate));
    tokens.windows(2).any(|pair| matches!(pair, [name, open] if open.is("(") && calls(name)))
}

/// The names that items are given, with what they stand for.
fn aliases(items: &[Token]) -> Vec<(&str, &[Token])> {
    let mut known = Vec::new();
    for item in split(items) {
        let distinct = item.first().is_some_and(|token| token.is("DISTINCT") || token.is("ALL"));
        let item = &item[usize::from(distinct)..];
        match item {
            [expression @ .., word, name] if !expression.is_empty() && word.is("AS") => {
                known.push((name.text.as_str(), expression));
            }
            [expression @ .., name] if is_alias(item) => {
                known.push((name.text.as_str(), expression));
            }
            _ => {}
        }
    }
    known
}

/// A condition with the items themselves in place of their names.
fn spelled(condition: &[Token], known: &[(&str, &[Token])]) -> Vec<Token> {
    let mut out = Vec::new();
    for (at, token) in condition.iter().enumerate() {
        let is = |at: Option<usize>, mark: &str| {
            at.and_then(|at| condition.get(at)).is_some_and(|token| token.is(mark))
        };
        let part = is(at.checked_sub(1), ".") || is(Some(at + 1), ".") || is(Some(at + 1), "(");
        let item = known
            .iter()
            .find(|(name, _)| names(token) && !part && name.eq_ignore_ascii_case(&token.text));
        match item {
            Some((_, expression)) => {
                out.push(made(Kind::Symbol, "("));
                out.extend_from_slice(expression);
                out.push(made(Kind::Symbol, ")"));
            }
            None => out.push(token.clone()),
        }
    }
    out
}
