//! Files that two parts of a pipeline would fight over.

use std::path::{Component, Path, PathBuf};

use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::{Raw, RawSink, RawSinkKind};
use crate::source::SourceKind;
use crate::table::TableKind;

/// A file and who uses it for what.
struct Use {
    path: PathBuf,
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
            path: plain(&store.value),
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
    let sources = raw.sources.iter().filter_map(|node| {
        let body = node.body.as_ref()?;
        match &body.kind {
            SourceKind::File(file) => Some(Use {
                path: plain(&file.path),
                who: format!("the source `{}`", node.name.value),
                span: body.path.clone()?,
                table: None,
            }),
            SourceKind::Generator(_) => None,
        }
    });
    let tables = raw.tables.iter().filter_map(|node| {
        let body = node.body.as_ref()?;
        let TableKind::File(file) = &body.config.kind;
        Some(Use {
            path: plain(&file.path),
            who: format!("the table `{}`", node.name.value),
            span: body.path.clone(),
            table: None,
        })
    });
    sources.chain(tables).collect()
}

fn output(who: String, sink: &RawSink) -> Option<Use> {
    let (path, table) = match &sink.kind {
        RawSinkKind::Sqlite(sqlite) => (&sqlite.path, Some(sqlite.table.value.to_lowercase())),
        RawSinkKind::File { path, .. } => (path, None),
        RawSinkKind::Stdout | RawSinkKind::Blackhole => return None,
    };
    Some(Use { path: plain(&path.value.path), who, span: path.span.clone(), table })
}

fn clash(one: &Use, other: &Use) -> bool {
    let differ = matches!((&one.table, &other.table), (Some(one), Some(other)) if one != other);
    one.path == other.path && !differ
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
}
