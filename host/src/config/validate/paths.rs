//! Files that two parts of a pipeline would fight over.

use std::path::{Component, Path, PathBuf};

use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::{Raw, RawFileFormat, RawSink, RawSinkKind};
use crate::source::{PathPattern, SourceKind};
use crate::table::TableKind;

/// A file, or all that a pattern may match.
enum Files {
    One(PathBuf),
    /// A folder of parts, whose names only its owner knows.
    Within(PathBuf),
    Matching(PathPattern),
}

/// A file and who uses it for what.
struct Use {
    files: Files,
    who: String,
    span: Span,
    /// The table, where the file is a database: two sinks may share that.
    table: Option<String>,
}

/// Reports outputs that are also an input, another sink's output, or the checkpoint store.
pub(super) fn check(raw: &Raw, report: &Report) {
    let mut taken = inputs(raw);
    if let Some(settings) = &raw.settings {
        let store = &settings.checkpoint.store;
        taken.push(Use {
            files: Files::One(plain(&store.value)),
            who: "the checkpoint store".to_owned(),
            span: store.span.clone(),
            table: None,
        });
    }
    let sinks = raw
        .sinks
        .iter()
        .filter_map(|node| output(format!("the sink `{}`", node.name.value), node.body.as_ref()?));
    let letters = raw
        .dead_letters
        .iter()
        .filter_map(|node| output("the dead letters' sink".to_owned(), node.body.as_ref()?));
    for output in sinks.chain(letters) {
        if let Some(other) = taken.iter().find(|other| clash(other, &output)) {
            let what = match (&output.table, &other.table) {
                (Some(_), Some(_)) => "this table of the database",
                _ if matches!(output.files, Files::Within(_)) => "this folder",
                _ => "this file",
            };
            report.push(
                Problem::error(&output.span, format!("{what} belongs to {} already", other.who))
                    .note(&other.span, format!("{} is here", other.who))
                    .hint("give each its own"),
            );
        }
        taken.push(output);
    }
}

fn inputs(raw: &Raw) -> Vec<Use> {
    let sources = raw.sources.iter().flat_map(|node| {
        let body = node.body.as_ref();
        let patterns = match body.map(|body| &body.kind) {
            Some(SourceKind::File(file)) => file.paths.as_slice(),
            _ => &[],
        };
        let span = body.and_then(|body| body.path.clone()).unwrap_or_default();
        patterns.iter().map(move |pattern| Use {
            files: Files::Matching(pattern.clone()),
            who: format!("the source `{}`", node.name.value),
            span: span.clone(),
            table: None,
        })
    });
    let tables = raw.tables.iter().filter_map(|node| {
        let body = node.body.as_ref()?;
        // A database may be read by a join and written by a sink, whatever its tables are.
        let (path, table) = match &body.config.kind {
            TableKind::File(file) => (&file.path, None),
            TableKind::Sqlite(database) => (&database.path, Some(String::new())),
        };
        Some(Use {
            files: Files::One(plain(path)),
            who: format!("the table `{}`", node.name.value),
            span: body.path.clone(),
            table,
        })
    });
    sources.chain(tables).collect()
}

fn output(who: String, sink: &RawSink) -> Option<Use> {
    let (path, table) = match &sink.kind {
        RawSinkKind::Sqlite(sqlite) => (&sqlite.path, Some(sqlite.table.value.to_lowercase())),
        RawSinkKind::File { path, .. } => (path, None),
        RawSinkKind::StreamLoad(_) | RawSinkKind::Stdout | RawSinkKind::Blackhole => return None,
    };
    let place = plain(&path.value.path);
    let files = match &sink.kind {
        RawSinkKind::File { format: RawFileFormat::Parquet { .. }, .. } => Files::Within(place),
        _ => Files::One(place),
    };
    Some(Use { files, who, span: path.span.clone(), table })
}

/// Whether an output is among the files of another use.
fn clash(other: &Use, output: &Use) -> bool {
    let differ = matches!((&other.table, &output.table), (Some(one), Some(other)) if one != other);
    let meet = match (&other.files, &output.files) {
        (Files::One(taken), Files::One(path)) => taken == path,
        (Files::One(taken), Files::Within(folder)) => taken.starts_with(folder),
        (Files::Within(folder), Files::One(path)) => path.starts_with(folder),
        (Files::Within(one), Files::Within(other)) => {
            one.starts_with(other) || other.starts_with(one)
        }
        (Files::Matching(pattern), Files::One(path) | Files::Within(path)) => {
            pattern.may_match(path, plain)
        }
        (_, Files::Matching(_)) => false,
    };
    meet && !differ
}

/// The path without `.` and `..`, from the root. Links are not followed: the file need not be there.
fn plain(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            _ => plain.push(component),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_by_two_names_is_one_file() {
        assert_eq!(plain(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(plain(Path::new("x/../y")), plain(Path::new("y")));
    }

    #[test]
    fn a_pattern_meets_what_it_may_match_whether_it_is_there_or_not() {
        let meets = |written: &str, path: &str| {
            let pattern = PathPattern::new(Path::new("/[a]/b"), written).expect("a pattern");
            pattern.may_match(&plain(Path::new(path)), plain)
        };
        assert!(meets("*.jsonl", "/[a]/b/x.jsonl"));
        assert!(meets("../in/**/x?.jsonl", "/[a]/in/c/d/x1.jsonl"));
        assert!(meets("[x].jsonl", "/[a]/b/x.jsonl") && meets("[x].jsonl", "/[a]/b/[x].jsonl"));
        assert!(meets("./x", "/[a]/c/../b/x"));
        assert!(!meets("*.jsonl", "/a/b/x.jsonl"));
        assert!(!meets("*.jsonl", "/[a]/b/c/x.jsonl"));
    }
}
