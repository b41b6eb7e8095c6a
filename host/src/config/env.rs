//! Variables: where they come from, and how they get into the strings of a file.
//!
//! *Invariants*: a value is put in after the TOML is parsed, so it can change the content of one
//! string and nothing else; it prints as `***`.
//! *Not here*: which strings are paths (`section`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::telemetry::Secret;

/// Why an env file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    /// It cannot be read.
    #[error("cannot read the env file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line is not `NAME=value`. The line is not shown: it may hold a secret.
    #[error("{}:{line}: {reason}; a line is NAME=value, or a comment that begins with #", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The variables that a pipeline's file may use.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, Secret>,
}

impl Environment {
    /// The variables of this process. One that is not UTF-8 is left out.
    #[must_use]
    pub fn of_process() -> Self {
        let texts = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::from_variables(texts)
    }

    /// Exactly these variables.
    #[must_use]
    pub fn from_variables<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables =
            variables.into_iter().map(|(name, value)| (name.into(), Secret::new(value.into())));
        Self { variables: variables.collect() }
    }

    /// Adds the variables of an env file. One that is set already keeps its value, so that a call
    /// can override the file.
    ///
    /// # Errors
    /// If the file cannot be read or a line is not `NAME=value`.
    pub fn with_file(mut self, path: &Path) -> Result<Self, EnvFileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| EnvFileError::Read { path: path.to_owned(), source })?;
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let wrong =
                |reason| EnvFileError::Line { path: path.to_owned(), line: index + 1, reason };
            if let Some((name, value)) = env_line(line).map_err(wrong)? {
                self.variables.entry(name).or_insert_with(|| Secret::new(value));
            }
        }
        Ok(self)
    }

    /// The variables' names, for hints.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// Puts the variables into a string of the file: `${NAME}`, `${NAME:-default}` (the default is
    /// taken if NAME is not set, and stands for itself), `$$` for a dollar sign. Any other dollar
    /// sign stands for itself. An empty variable is as good as none: `${OUT}/wagers.db` must not
    /// become a file of the root.
    pub(super) fn expand(&self, written: &str) -> Expanded {
        let mut expanded = Expanded::default();
        let mut rest = written;
        while let Some(dollar) = rest.find('$') {
            expanded.text.push_str(&rest[..dollar]);
            let after = &rest[dollar + 1..];
            if let Some(body) = after.strip_prefix('{') {
                let Some(end) = body.find('}') else {
                    expanded.faults.push(Fault::Unclosed);
                    return expanded;
                };
                let at_start = dollar == 0 && rest.len() == written.len();
                self.reference(&body[..end], at_start, &mut expanded);
                rest = &body[end + 1..];
            } else {
                expanded.text.push('$');
                rest = after.strip_prefix('$').unwrap_or(after);
            }
        }
        expanded.text.push_str(rest);
        expanded
    }

    fn reference(&self, body: &str, at_start: bool, expanded: &mut Expanded) {
        expanded.has_variables = true;
        let (name, default) = match body.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (body, None),
        };
        if !is_name(name) {
            expanded.faults.push(Fault::Name(name.to_owned()));
            return;
        }
        let value = self.variables.get(name).map(Secret::expose);
        match (value, default) {
            (Some(value), _) if !value.is_empty() => {
                expanded.text.push_str(value);
                expanded.begins_with_variable |= at_start;
            }
            (_, Some(default)) => expanded.text.push_str(default),
            (Some(_), None) => expanded.faults.push(Fault::Empty(name.to_owned())),
            (None, None) => expanded.faults.push(Fault::Missing(name.to_owned())),
        }
    }
}

/// A string with its variables put in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) text: String,
    /// Whether it holds a variable at all, set or not.
    pub(super) has_variables: bool,
    /// Whether it begins with the value of a variable that is set: such a path is the caller's, and
    /// so relative to the working directory.
    pub(super) begins_with_variable: bool,
    pub(super) faults: Vec<Fault>,
}

/// What can be wrong with a reference to a variable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Missing(String),
    Empty(String),
    Name(String),
    Unclosed,
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || next == '_')
}

/// Reads one line of an env file: `None` for an empty line or a comment.
fn env_line(line: &str) -> Result<Option<(String, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("there is no `=`")?;
    let name = name.trim();
    if !is_name(name) {
        return Err("the name may have letters, digits and `_` only, and no digit first");
    }
    Ok(Some((name.to_owned(), env_value(value.trim())?)))
}

/// A value without quotes is taken as it stands, `#` and all: it may be a password.
fn env_value(value: &str) -> Result<String, &'static str> {
    if let Some(quoted) = value.strip_prefix('\'') {
        let (inside, rest) = quoted.split_once('\'').ok_or("the quote is not closed")?;
        return only_comment(rest).map(|()| inside.to_owned());
    }
    let Some(quoted) = value.strip_prefix('"') else {
        return Ok(value.to_owned());
    };
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return only_comment(characters.as_str()).map(|()| text),
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(escaped @ ('"' | '\\' | '$')) => text.push(escaped),
                _ => return Err("an escape is one of \\n \\t \\\" \\\\ \\$"),
            },
            _ => text.push(character),
        }
    }
    Err("the quote is not closed")
}

fn only_comment(rest: &str) -> Result<(), &'static str> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(())
    } else {
        Err("there is more behind the closing quote")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(written: &str) -> Expanded {
        Environment::from_variables([("A", "x"), ("EMPTY", ""), ("TRICK", "\"\n[sinks.evil]${A}")])
            .expand(written)
    }

    #[test]
    fn variables_defaults_and_dollar_signs() {
        let check = |written: &str, expected: &str| assert_eq!(expand(written).text, expected);
        check("plain", "plain");
        check("${A}/b", "x/b");
        check("a${A}b${A}", "axbx");
        check("${NONE:-d e}", "d e");
        check("${EMPTY:-d}", "d");
        check("${A:-d}", "x");
        check("${NONE:-}", "");
        check("${EMPTY:-}", "");
        check("$$5 $5 $", "$5 $5 $");
        check("$${A}", "${A}");
        check("${TRICK}", "\"\n[sinks.evil]${A}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(expand("${NONE}").faults, [Fault::Missing("NONE".into())]);
        assert_eq!(expand("${EMPTY}/b").faults, [Fault::Empty("EMPTY".into())]);
        assert_eq!(expand("${A").faults, [Fault::Unclosed]);
        assert_eq!(expand("${5}").faults, [Fault::Name("5".into())]);
        assert_eq!(expand("${}").faults, [Fault::Name(String::new())]);
    }

    #[test]
    fn a_path_is_the_callers_only_if_it_begins_with_a_variable_that_is_set() {
        assert!(expand("${A}/b").begins_with_variable);
        assert!(expand("${A:-d}/b").begins_with_variable);
        assert!(!expand("${NONE:-d}/b").begins_with_variable);
        assert!(!expand("${EMPTY:-d}/b").begins_with_variable);
        assert!(!expand("b/${A}").begins_with_variable);
    }

    #[test]
    fn env_files_have_comments_and_quotes() {
        let check = |line: &str, name: &str, value: &str| {
            assert_eq!(env_line(line), Ok(Some((name.to_owned(), value.to_owned()))), "{line}");
        };
        check("A=b", "A", "b");
        check("export A = b c # d\r", "A", "b c # d");
        check("A=#b", "A", "#b");
        check("A='${B}\\n'", "A", "${B}\\n");
        check("A='b # c' # d", "A", "b # c");
        check("A=\"b\\n\\\"c\\\"\"", "A", "b\n\"c\"");
        check("A=", "A", "");
        check("A=b=c#d", "A", "b=c#d");
        assert_eq!(env_line("  # nothing"), Ok(None));
        for wrong in ["A", "5=x", "A='b", "A=\"b", "A='b'c", "A=\"\\q\""] {
            assert!(env_line(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_never_print() {
        let environment = Environment::from_variables([("PASSWORD", "hunter2")]);
        let secret = Secret::new("hunter2".to_owned());
        let printed = format!("{environment:?} {secret:?} {secret}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert_eq!(serde_json::to_string(&secret).expect("a string"), "\"***\"");
    }
}
