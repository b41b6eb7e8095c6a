//! What is wrong with a pipeline's file, and where.
//!
//! *Invariants*: a problem never carries the value of a variable, only the text as it stands in the
//! file, so it may be printed anywhere; problems are kept in the order of the file.
//! *Not here*: how a problem looks on a terminal (`render`).

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

/// Bytes of the pipeline's file.
pub type Span = Range<usize>;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The pipeline cannot run.
    Error,
    /// It can, though probably not as meant.
    Warning,
}

impl Severity {
    /// The word that is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Another place of the file that explains a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The place.
    pub span: Span,
    /// What it has to do with the problem.
    pub message: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is; `None`: the file as a whole.
    pub span: Option<Span>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// A few words beside the caret.
    pub label: Option<String>,
    /// Other places that explain it.
    pub notes: Vec<Note>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    pub(super) fn error(span: &Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            span: Some(span.clone()),
            message: message.into(),
            label: None,
            notes: Vec::new(),
            hint: None,
        }
    }

    pub(super) fn warning(span: &Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    pub(super) fn of_the_file(message: impl Into<String>) -> Self {
        Self { span: None, ..Self::error(&(0..0), message) }
    }

    pub(super) fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint: hint.or(self.hint), ..self }
    }

    pub(super) fn note(mut self, span: &Span, message: impl Into<String>) -> Self {
        self.notes.push(Note { span: span.clone(), message: message.into() });
        self
    }

    pub(super) fn maybe_note(self, span: Option<&Span>, message: impl Into<String>) -> Self {
        match span {
            Some(span) => self.note(span, message),
            None => self,
        }
    }
}

/// Collects problems while the file is read and checked. Shared by reference among all readers.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: RefCell<Vec<Problem>>,
}

impl Report {
    pub(super) fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// How many errors there are, so that a reader can tell whether a part was read without any.
    pub(super) fn errors(&self) -> usize {
        self.problems.borrow().iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A place in the file as people count: from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// All that is wrong with one file, in the order of the file, together with its text.
///
/// Displayed, it looks like a compiler's messages, without colour.
#[derive(Clone, Debug)]
pub struct Problems {
    file: PathBuf,
    text: Arc<str>,
    list: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(file: &Path, text: &str, mut list: Vec<Problem>) -> Self {
        // What concerns the whole file comes last: the places explain it more often than not.
        list.sort_by_key(|problem| problem.span.as_ref().map_or(usize::MAX, |span| span.start));
        list.dedup();
        Self { file: file.to_owned(), text: text.into(), list }
    }

    /// The pipeline's file, as the caller named it.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The problems, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many problems keep the pipeline from running.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// How many problems are only warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors()
    }

    /// Where a span begins.
    #[must_use]
    pub fn location(&self, span: &Span) -> Location {
        let offset = self.text.floor_char_boundary(span.start);
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Location {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The problems as text for a terminal, with ANSI colours if the caller says so.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        super::render::render(self, colour)
    }

    /// The problems as a JSON array of `{file, line, column, severity, message, hint}`; line and
    /// column are null where the file as a whole is meant.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.list
            .iter()
            .map(|problem| {
                let location = problem.span.as_ref().map(|span| self.location(span));
                json!({
                    "file": self.file.display().to_string(),
                    "line": location.map(|location| location.line),
                    "column": location.map(|location| location.column),
                    "severity": problem.severity.name(),
                    "message": problem.message,
                    "hint": problem.hint,
                })
            })
            .collect()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}
