//! Values as TOML, the way a user would write them.

use std::fmt::Write as _;

use crate::config::keys::{Key, Kind};
use crate::config::tree::{Entry, Node, Value};

/// What stands for a secret that is written into the file itself.
const HIDDEN: &str = "\"***\"";

/// A value as it is written in the file: texts with their variables' names.
pub(super) fn literal(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => quoted(&text.written),
        Value::Integer(number) => number.to_string(),
        Value::Float(digits) => digits.clone(),
        Value::Boolean(value) => value.to_string(),
        Value::Time(time) => time.clone(),
        Value::List(nodes) => {
            format!("[{}]", nodes.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Table(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Table(entries) => {
            let member =
                |entry: &Entry| format!("{} = {}", key_name(&entry.key), literal(&entry.node));
            format!("{{ {} }}", entries.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        // A checked file has none.
        Value::Invalid => "\"\"".to_owned(),
    }
}

/// A secret: the names of its variables, and nothing that stands in the file.
pub(super) fn secret(node: &Node) -> String {
    match &node.value {
        Value::Text(text) if is_only_a_variable(&text.written) => quoted(&text.written),
        _ => HIDDEN.to_owned(),
    }
}

/// `${NAME}` and nothing beside it, no default either.
fn is_only_a_variable(written: &str) -> bool {
    let name = written.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| !name.contains(['{', '}', ':']))
}

/// A default of the tables of keys as a value of the kind that its key takes.
pub(super) fn of_default(key: &Key, default: &str) -> String {
    let kinds = key.kinds().unwrap_or_default();
    let fits = |kind: &Kind| match kind {
        Kind::Integer => default.parse::<i64>().is_ok(),
        Kind::Number => default.parse::<f64>().is_ok(),
        Kind::Boolean => default.parse::<bool>().is_ok(),
        _ => false,
    };
    if kinds.iter().any(fits) { default.to_owned() } else { quoted(default) }
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if character.is_control() => write!(quoted, "\\u{:04X}", u32::from(character))
                .expect("writing to a string cannot fail"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A key: bare where it can be.
pub(super) fn key_name(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::de::{DeTable, DeValue};

    use super::*;

    proptest! {
        #[test]
        fn every_text_and_every_name_reads_back(name: String, text: String) {
            let written = format!("{} = {}", key_name(&name), quoted(&text));
            let table = DeTable::parse(&written).expect("it is TOML");
            let (read_name, read) = table.get_ref().iter().next().expect("one entry");
            let DeValue::String(read) = read.get_ref() else { panic!("it is a text") };
            prop_assert_eq!(&**read_name.get_ref(), name.as_str());
            prop_assert_eq!(&**read, text.as_str());
        }
    }

    #[test]
    fn texts_and_names_are_quoted_where_they_must_be() {
        assert_eq!(quoted("a\"b\\c\n\u{1}"), r#""a\"b\\c\n\u0001""#);
        assert_eq!(key_name("total_bet-1"), "total_bet-1");
        assert_eq!(key_name("a.b"), "\"a.b\"");
        assert_eq!(key_name(""), "\"\"");
    }

    #[test]
    fn only_the_name_of_a_variable_is_no_secret() {
        assert!(is_only_a_variable("${PASSWORD}"));
        for hidden in ["hunter2", "${PASSWORD:-hunter2}", "${A}b", "a${B}", "${A}x${B}", "$${A}"] {
            assert!(!is_only_a_variable(hidden), "{hidden}");
        }
    }
}
