//! Files that a run will read: a look at whether they are there, which is a warning at most, since
//! they may still come.

use std::error::Error;
use std::io;

use crate::config::plan::Plan;
use crate::config::problem::{Problem, Report, Span};
use crate::config::raw::Raw;
use crate::source::SourceError;
use crate::table::TableError;

const ANOTHER_NAME: &str = "a run would stop here; a column that has another name in the file says so with \
                            `path = \"…\"`";

/// Warns of the files of sources and tables that a run could not read now.
pub(super) fn look(raw: &Raw, plan: &Plan, report: &Report) {
    for source in &plan.sources {
        let node = raw.sources.iter().find(|node| node.name.value == source.config.name);
        let place = node.and_then(|node| node.body.as_ref()?.path.as_ref());
        if let (Some(place), Err(error)) = (place, source.config.look()) {
            let missing = match &error {
                SourceError::Read { source, .. } => is_absent(source),
                SourceError::NoMatch { .. } => true,
                _ => false,
            };
            let problem = warning(place, &error, missing);
            report.push(match error {
                SourceError::Header { .. } => problem.hint(ANOTHER_NAME),
                _ => problem,
            });
        }
    }
    for table in &plan.tables {
        let node = raw.tables.iter().find(|node| node.name.value == table.name);
        let place = node.and_then(|node| Some(&node.body.as_ref()?.path));
        if let (Some(place), Err(error)) = (place, table.look()) {
            let missing = matches!(&error, TableError::Read { source, .. } if is_absent(source));
            let problem = warning(place, &error, missing);
            report.push(match error {
                TableError::Row { .. } => problem.hint(ANOTHER_NAME),
                _ => problem,
            });
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn warning(place: &Span, error: &dyn Error, missing: bool) -> Problem {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    let problem = Problem::warning(place, message);
    if missing {
        return problem.hint(
            "it must be there when the pipeline runs; a path is relative to this file, unless it begins \
             with a variable",
        );
    }
    problem
}
