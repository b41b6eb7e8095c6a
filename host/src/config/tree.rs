//! The file as a tree in which everything knows where it stands, with the variables put in.
//!
//! *Invariants*: entries are in the order of the file; what is wrong in itself (a missing variable,
//! a number out of range) is reported here once and stands as [`Value::Invalid`], which every reader
//! passes over in silence.
//! *Not here*: what keys mean (`raw`).

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::env::{Environment, Expanded, Fault};
use super::nearest::nearest;
use super::problem::{Problem, Report, Span};

/// A string of the file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// With its variables put in. Not to be printed: it may hold a secret.
    pub value: String,
    /// As it stands in the file.
    pub written: String,
    /// Whether it holds variables, so that it may stand for a number too.
    pub has_variables: bool,
    begins_with_variable: bool,
}

impl Text {
    /// The path that the text stands for: relative to the file's folder, but for one that begins
    /// with a variable that the caller has set: that one is relative to the working directory.
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        if self.begins_with_variable {
            PathBuf::from(&self.value)
        } else {
            folder.join(&self.value)
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(Text),
    Integer(i64),
    /// The digits as written.
    Float(String),
    Boolean(bool),
    /// As written.
    Time(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// Something that has been reported already.
    Invalid,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub value: Value,
    pub span: Span,
}

impl Node {
    /// A default, as if it stood at `span`.
    pub(super) fn assumed(text: &str, span: &Span) -> Self {
        let text = Text {
            value: text.to_owned(),
            written: text.to_owned(),
            has_variables: true,
            begins_with_variable: false,
        };
        Self { value: Value::Text(text), span: span.clone() }
    }

    /// What it is, in words.
    pub(super) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "text",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number with a point",
            Value::Boolean(_) => "a boolean",
            Value::Time(_) => "a time",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Invalid => "nothing",
        }
    }

    /// Where the entry at a path such as `limits.max` or `rates[1]` stands, or as much of the path
    /// as there is.
    pub(super) fn span_at(&self, path: &str) -> Span {
        let path = path.trim_start_matches(['.', '[']);
        let end = path.find(['.', '[', ']']).unwrap_or(path.len());
        let (first, rest) = (&path[..end], path[end..].trim_start_matches(']'));
        let found = match &self.value {
            Value::Table(entries) => entries
                .iter()
                .find(|entry| entry.key == first)
                .map(|entry| if rest.is_empty() { entry.span() } else { entry.node.span_at(rest) }),
            Value::List(nodes) => {
                let node = first.parse::<usize>().ok().and_then(|index| nodes.get(index));
                node.map(|node| node.span_at(rest))
            }
            _ => None,
        };
        found.unwrap_or_else(|| self.span.clone())
    }

    /// A text about this value without the values of variables: as they stand in the file.
    pub(super) fn redacted(&self, about: String) -> String {
        match &self.value {
            Value::Text(text) if text.has_variables && !text.value.is_empty() => {
                about.replace(&text.value, &text.written)
            }
            Value::List(nodes) => nodes.iter().fold(about, |about, node| node.redacted(about)),
            Value::Table(entries) => {
                entries.iter().fold(about, |about, entry| entry.node.redacted(about))
            }
            _ => about,
        }
    }

    /// The value as JSON, with every number exactly as written.
    pub(super) fn json(&self, report: &Report) -> serde_json::Value {
        match &self.value {
            Value::Text(text) => text.value.clone().into(),
            Value::Integer(number) => (*number).into(),
            Value::Float(digits) => match serde_json::from_str(digits.trim_start_matches('+')) {
                Ok(number) => serde_json::Value::Number(number),
                Err(_) => {
                    let message = format!("`{digits}` is not a number that JSON knows");
                    report.push(Problem::error(&self.span, message));
                    serde_json::Value::Null
                }
            },
            Value::Boolean(value) => (*value).into(),
            Value::Time(text) => text.clone().into(),
            Value::List(nodes) => nodes.iter().map(|node| node.json(report)).collect(),
            Value::Table(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.node.json(report))).collect()
            }
            Value::Invalid => serde_json::Value::Null,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
}

impl Entry {
    /// The key and its value. The value of a table may stand elsewhere; then it is the key alone.
    fn span(&self) -> Span {
        if self.node.span.start > self.key_span.start {
            self.key_span.start..self.node.span.end
        } else {
            self.key_span.clone()
        }
    }
}

/// Reads the file's text; `None` if it is not TOML.
pub(super) fn parse(text: &str, environment: &Environment, report: &Report) -> Option<Vec<Entry>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let reader = Reader { text, environment, report };
        return Some(reader.entries(document.get_ref()));
    }
    let mut last_line = None;
    for error in &errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        let line = text.as_bytes()[..span.start.min(text.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        // The parser recovers within the line, but what it finds there then is mostly an echo.
        if last_line.replace(line) != Some(line) {
            report.push(syntax_problem(text, &span, error.message()));
        }
    }
    None
}

fn syntax_problem(text: &str, span: &Span, message: &str) -> Problem {
    let name = text.get(span.clone()).unwrap_or_default();
    if message == "duplicate key" && !name.is_empty() {
        return Problem::error(span, format!("`{name}` is there twice"))
            .hint("keep one of the two, or give them different names");
    }
    let problem = Problem::error(span, format!("this is not TOML: {message}"));
    match bare_word(text, span.start) {
        Some((key, word)) => problem.hint(format!("text stands in quotes: `{key} = \"{word}\"`")),
        None => problem,
    }
}

/// The key and the value at `at`, if the value is a word without its quotes.
fn bare_word(text: &str, at: usize) -> Option<(&str, &str)> {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let equals = start + text[start..at].rfind('=')?;
    let before = text[start..equals].trim_end();
    let ends: &[char] = if before.contains('{') { &['#', ',', '}'] } else { &['#'] };
    let key = before.rsplit([' ', '{', ',']).next()?;
    let value = text[equals + 1..end].split(ends).next()?.trim();
    let begins =
        value.starts_with(|first: char| first.is_alphanumeric() || "/.~_$".contains(first));
    let plain = |word: &str| !word.is_empty() && !word.contains(['"', '\'', '=', '[', '\\']);
    let is_word = begins && value.contains(char::is_alphabetic);
    (is_word && plain(value) && plain(key)).then_some((key, value))
}

struct Reader<'a> {
    text: &'a str,
    environment: &'a Environment,
    report: &'a Report,
}

impl Reader<'_> {
    fn entries(&self, table: &DeTable<'_>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: key.span(),
                node: self.node(value),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        entries
    }

    fn node(&self, node: &Spanned<DeValue<'_>>) -> Node {
        let span = node.span();
        let value = match node.get_ref() {
            DeValue::String(written) => self.string(written, &span),
            DeValue::Integer(integer) => {
                match i64::from_str_radix(integer.as_str(), integer.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => {
                        self.report.push(Problem::error(&span, "this integer is beyond 64 bits"));
                        Value::Invalid
                    }
                }
            }
            DeValue::Float(float) => Value::Float(float.as_str().to_owned()),
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(time) => Value::Time(time.to_string()),
            DeValue::Array(nodes) => {
                Value::List(nodes.iter().map(|node| self.node(node)).collect())
            }
            DeValue::Table(table) => Value::Table(self.entries(table)),
        };
        Node { value, span }
    }

    fn string(&self, written: &str, span: &Span) -> Value {
        let Expanded { text, has_variables, begins_with_variable, faults } =
            self.environment.expand(written);
        for fault in &faults {
            self.report.push(self.fault(fault, span));
        }
        if faults.is_empty() {
            Value::Text(Text {
                value: text,
                written: written.to_owned(),
                has_variables,
                begins_with_variable,
            })
        } else {
            Value::Invalid
        }
    }

    fn fault(&self, fault: &Fault, span: &Span) -> Problem {
        match fault {
            Fault::Missing(name) => {
                let nearest = nearest(name, self.environment.names());
                let meant =
                    nearest.map_or(String::new(), |nearest| format!("did you mean `{nearest}`? "));
                let hint = format!(
                    "{meant}set it (`{name}=… millrace …`, or in an `--env-file`), or give a default: \
                     `${{{name}:-…}}`"
                );
                Problem::error(
                    &self.reference(name, span),
                    format!("the variable `{name}` is not set"),
                )
                .hint(hint)
            }
            Fault::Empty(name) => Problem::error(
                &self.reference(name, span),
                format!("the variable `{name}` is empty, which is as good as not set"),
            )
            .hint(format!(
                "give it a value (`{name}=… millrace …`, or in an `--env-file`), or give a default: \
                 `${{{name}:-…}}`"
            )),
            Fault::Name(name) => Problem::error(
                span,
                format!("`{name}` cannot be the name of a variable"),
            )
            .hint(
                "a name has letters, digits and `_`, no digit first; `$$` stands for a dollar sign",
            ),
            Fault::Unclosed => Problem::error(span, "a `${` is not closed")
                .hint("write `${NAME}` or `${NAME:-default}`; `$$` stands for a dollar sign"),
        }
    }

    /// Where `${name…}` stands within a string, which may have escapes before it.
    fn reference(&self, name: &str, span: &Span) -> Span {
        let raw = &self.text[span.clone()];
        let plain = format!("${{{name}}}");
        let defaulted = format!("${{{name}:-");
        let found = raw.find(&plain).map(|at| (at, plain.len())).or_else(|| {
            let at = raw.find(&defaulted)?;
            Some((at, raw[at..].find('}')? + 1))
        });
        found.map_or_else(|| span.clone(), |(at, length)| span.start + at..span.start + at + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<Vec<Entry>>, Vec<Problem>) {
        let report = Report::default();
        let environment = Environment::from_variables([("A", "x")]);
        let entries = parse(text, &environment, &report);
        (entries, report.into_problems())
    }

    #[test]
    fn entries_keep_the_order_of_the_file() {
        let (entries, problems) = parsed("[z]\nb = 1\na = 2\n[a.b]\n[a]\nx = \"${A}\"\n");
        assert!(problems.is_empty());
        let keys: Vec<_> =
            entries.expect("it is TOML").into_iter().map(|entry| entry.key).collect();
        assert_eq!(keys, ["z", "a"]);
    }

    #[test]
    fn a_missing_variable_is_found_where_it_stands() {
        let text = "a = \"b/${NONE}\"\n";
        let (_, problems) = parsed(text);
        assert_eq!(problems.len(), 1);
        assert_eq!(&text[problems[0].span.clone().expect("a place")], "${NONE}");
    }

    #[test]
    fn json_keeps_numbers_as_written() {
        let (entries, _) = parsed("a = 1.10\nb = 1_000\nc = [-0.50, true, \"${A}\"]\nd = 0xff\n");
        let table = Node { value: Value::Table(entries.expect("it is TOML")), span: 0..0 };
        let json = table.json(&Report::default());
        assert_eq!(json.to_string(), r#"{"a":1.10,"b":1000,"c":[-0.50,true,"x"],"d":255}"#);
    }

    #[test]
    fn a_path_leads_to_its_entry_or_as_far_as_there_is_one() {
        let text = "p = { limits = { max = 5 }, rates = [1, 2] }\n";
        let (entries, _) = parsed(text);
        let params = &entries.expect("it is TOML")[0].node;
        let check = |path: &str, expected: &str| assert_eq!(&text[params.span_at(path)], expected);
        check("limits.max", "max = 5");
        check("rates[1]", "2");
        check("limits.min", "{ max = 5 }");
        check("", "{ limits = { max = 5 }, rates = [1, 2] }");
    }

    #[test]
    fn what_is_not_toml_is_told_once() {
        let (entries, problems) = parsed("a = = 1\n");
        assert!(entries.is_none());
        assert_eq!(problems.len(), 1, "{problems:?}");
        let (entries, problems) = parsed("b = 2\nb = 3\n");
        assert!(entries.is_none());
        assert_eq!(problems[0].message, "`b` is there twice");
    }

    #[test]
    fn a_text_without_quotes_is_told_so() {
        for (text, hint) in [
            ("a = t\n", Some("text stands in quotes: `a = \"t\"`")),
            ("b = 1\na = /tmp/x # y\n", Some("text stands in quotes: `a = \"/tmp/x\"`")),
            ("a = 4MiB", Some("text stands in quotes: `a = \"4MiB\"`")),
            ("a = \"t\n", None),
            ("a = { b = 5s, c = 1 }\n", Some("text stands in quotes: `b = \"5s\"`")),
            ("a = 01\n", None),
            ("a = = 1\n", None),
        ] {
            let (_, problems) = parsed(text);
            assert_eq!(problems[0].hint.as_deref(), hint, "{text}");
        }
    }
}
