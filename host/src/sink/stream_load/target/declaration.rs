//! SHOW CREATE TABLE, read: what the catalogue does not say, or says with quirks.
//!
//! *Invariants*: any text is read without a panic; what is not understood is left out.

use std::collections::BTreeMap;

use super::column_type::ColumnType;
use super::table::{Column, Model};
use crate::sink::stream_load::config::System;

/// What the statement that makes a table says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declaration {
    /// The kind of key.
    pub keys: Keys,
    /// The key's columns, in order.
    pub key: Vec<String>,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// Buckets, where a number is given.
    pub buckets: Option<u32>,
    /// The properties.
    pub properties: BTreeMap<String, String>,
}

/// The kinds of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keys {
    /// PRIMARY KEY.
    Primary,
    /// UNIQUE KEY.
    Unique,
    /// DUPLICATE KEY, and none.
    #[default]
    Duplicate,
    /// AGGREGATE KEY.
    Aggregate,
}

impl Declaration {
    /// Reads the statement that a server of `system` shows.
    pub(super) fn read(system: System, statement: &str) -> Self {
        let mut reader = Reader { tokens: tokens(statement), next: 0 };
        let columns = reader.columns(system);
        let mut declaration = Self {
            keys: Keys::default(),
            key: Vec::new(),
            columns,
            buckets: None,
            properties: BTreeMap::new(),
        };
        while let Some(token) = reader.take() {
            let Token::Word(word) = token else { continue };
            let kind = match word.to_ascii_uppercase().as_str() {
                "PRIMARY" => Keys::Primary,
                "UNIQUE" => Keys::Unique,
                "DUPLICATE" => Keys::Duplicate,
                "AGGREGATE" => Keys::Aggregate,
                "BUCKETS" => {
                    declaration.buckets = reader.number();
                    continue;
                }
                "PROPERTIES" => {
                    reader.properties(&mut declaration.properties);
                    continue;
                }
                _ => continue,
            };
            if reader.skips("KEY") {
                declaration.keys = kind;
                declaration.key = reader.names();
            }
        }
        declaration.finish()
    }

    /// The key's columns of a primary key take no null, whether that is said or not.
    fn finish(mut self) -> Self {
        if self.keys == Keys::Primary {
            for column in &mut self.columns {
                if self.key.iter().any(|name| name.eq_ignore_ascii_case(&column.name)) {
                    column.nullable = false;
                }
            }
        }
        self
    }

    /// The table's model.
    pub(super) fn model(&self) -> Model {
        match self.keys {
            Keys::Primary => Model::Primary,
            Keys::Unique => {
                Model::Unique { merge_on_write: self.is_set("enable_unique_key_merge_on_write") }
            }
            Keys::Duplicate => Model::Duplicate,
            Keys::Aggregate => Model::Aggregate,
        }
    }

    /// Whether a property is there and true.
    pub(super) fn is_set(&self, property: &str) -> bool {
        self.properties.get(property).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Replicas: `replication_num`, or the sum of Doris's `replication_allocation`.
    pub(super) fn replication(&self) -> Option<u32> {
        if let Some(number) = self.properties.get("replication_num") {
            return number.trim().parse().ok();
        }
        let allocation = self.properties.get("replication_allocation")?;
        let counts: Option<Vec<u32>> = allocation
            .split(',')
            .map(|tag| tag.rsplit_once(':').and_then(|(_, count)| count.trim().parse().ok()))
            .collect();
        counts.map(|counts| counts.iter().copied().fold(0, u32::saturating_add))
    }
}

/// One piece of the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A word or number without quotes.
    Word(String),
    /// A name in backticks.
    Name(String),
    /// A text in single or double quotes.
    Text(String),
    /// Anything else.
    Mark(char),
}

fn tokens(statement: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = statement.chars().peekable();
    while let Some(first) = chars.next() {
        match first {
            space if space.is_whitespace() => {}
            quote @ ('`' | '"' | '\'') => {
                let mut text = String::new();
                while let Some(next) = chars.next() {
                    match next {
                        '\\' if quote != '`' => text.extend(chars.next()),
                        end if end == quote && chars.peek() == Some(&quote) => {
                            text.extend(chars.next());
                        }
                        end if end == quote => break,
                        other => text.push(other),
                    }
                }
                tokens.push(if quote == '`' { Token::Name(text) } else { Token::Text(text) });
            }
            letter if is_of_word(letter) => {
                let mut word = String::from(letter);
                while let Some(next) = chars.next_if(|next| is_of_word(*next)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            mark => tokens.push(Token::Mark(mark)),
        }
    }
    tokens
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '.' | '@' | '$' | '-' | '+')
}

/// Words after a column's type.
const ATTRIBUTES: [&str; 20] = [
    "NULL",
    "NOT",
    "DEFAULT",
    "COMMENT",
    "KEY",
    "PRIMARY",
    "UNIQUE",
    "AUTO_INCREMENT",
    "AS",
    "GENERATED",
    "ON",
    "CHARACTER",
    "CHARSET",
    "COLLATE",
    "SUM",
    "MIN",
    "MAX",
    "REPLACE",
    "REPLACE_IF_NOT_NULL",
    "GENERIC",
];

/// Words with which something begins that is no column.
const NO_COLUMNS: [&str; 7] =
    ["INDEX", "KEY", "PRIMARY", "UNIQUE", "CONSTRAINT", "FOREIGN", "ROLLUP"];

struct Reader {
    tokens: Vec<Token>,
    next: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    /// Goes past a word, if it comes next.
    fn skips(&mut self, wanted: &str) -> bool {
        let comes = match self.peek() {
            Some(Token::Word(word)) => word.eq_ignore_ascii_case(wanted),
            _ => false,
        };
        self.next += usize::from(comes);
        comes
    }

    fn number(&mut self) -> Option<u32> {
        match self.peek() {
            Some(Token::Word(word)) => word.parse().ok(),
            _ => None,
        }
    }

    /// Names in brackets.
    fn names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        if self.peek() != Some(&Token::Mark('(')) {
            return names;
        }
        self.next += 1;
        while let Some(token) = self.take() {
            match token {
                Token::Mark(')') => break,
                Token::Name(name) | Token::Word(name) => names.push(name),
                Token::Text(_) | Token::Mark(_) => {}
            }
        }
        names
    }

    /// `("a" = "b", …)`.
    fn properties(&mut self, properties: &mut BTreeMap<String, String>) {
        let mut name = None;
        while let Some(token) = self.take() {
            match token {
                Token::Mark(')') => break,
                Token::Mark(',') => name = None,
                Token::Text(text) => match name.take() {
                    None => name = Some(text),
                    Some(name) => {
                        properties.insert(name, text);
                    }
                },
                Token::Word(_) | Token::Name(_) | Token::Mark(_) => {}
            }
        }
    }

    /// What stands in the first brackets, one definition after the other.
    fn columns(&mut self, system: System) -> Vec<Column> {
        while !matches!(self.take(), None | Some(Token::Mark('('))) {}
        let mut columns = Vec::new();
        let mut definition = Vec::new();
        let mut depth = 0_usize;
        while let Some(token) = self.take() {
            match token {
                Token::Mark(')') if depth == 0 => break,
                Token::Mark(',') if depth == 0 => {
                    columns.extend(column(system, &std::mem::take(&mut definition)));
                    continue;
                }
                Token::Mark('(' | '<') => depth += 1,
                Token::Mark(')' | '>') => depth = depth.saturating_sub(1),
                Token::Mark(_) | Token::Word(_) | Token::Name(_) | Token::Text(_) => {}
            }
            definition.push(token);
        }
        columns.extend(column(system, &definition));
        columns
    }
}

/// One column's definition; `None`: it is none.
fn column(system: System, definition: &[Token]) -> Option<Column> {
    let (first, rest) = definition.split_first()?;
    let name = match first {
        Token::Name(name) => name.clone(),
        Token::Word(word) if !NO_COLUMNS.iter().any(|no| word.eq_ignore_ascii_case(no)) => {
            word.clone()
        }
        _ => return None,
    };
    let is_word = |token: &Token, words: &[&str]| matches!(token, Token::Word(word) if words.iter().any(|one| word.eq_ignore_ascii_case(one)));
    let end = rest.iter().position(|token| is_word(token, &ATTRIBUTES)).unwrap_or(rest.len());
    let (data_type, attributes) = rest.split_at(end);
    let has = |words: &[&str]| attributes.iter().any(|token| is_word(token, words));
    let mut text = String::new();
    for token in data_type {
        match token {
            Token::Word(word) => {
                if text.ends_with(|last: char| last.is_alphanumeric() || last == ')') {
                    text.push(' ');
                }
                text.push_str(word);
            }
            Token::Name(word) | Token::Text(word) => text.push_str(word),
            Token::Mark(mark) => text.push(*mark),
        }
    }
    Some(Column {
        name,
        data_type: ColumnType::of(system, &text),
        nullable: !has(&["NOT"]),
        has_default: has(&["DEFAULT", "AUTO_INCREMENT", "AS", "GENERATED"]),
    })
}
