//! What the target wrote about the rows that it refused: which rows those are, where the text says
//! so beyond doubt.
//!
//! Both systems put the row behind the reason, as it stood in the body:
//! `Error: Value … is out of range. Row: {"id":1}`, `Reason: …. src line [{"id":1}];`. A row counts
//! as named only if its text is there whole.

use std::collections::{BTreeMap, HashMap};

use super::rows::RowSet;
use crate::sink::stream_load::error::quoted;

/// What stands before a row's text.
const MARKS: [&str; 4] = ["src line [", "src line: [", "Row: ", "row: "];
/// What stands around a row in a body, or behind it in a log.
const AROUND: [char; 6] = [' ', ',', '\n', '\r', '\u{1}', '\u{2}'];

/// The rows among `rows` that the log names, each with the reason; `text` is a row in its body.
pub(super) fn find(
    log: &str,
    rows: &RowSet,
    text: impl Fn(usize) -> Vec<u8>,
) -> BTreeMap<usize, String> {
    let mut named: HashMap<&str, &str> = HashMap::new();
    for line in log.lines() {
        for (reason, row) in candidates(line) {
            named.entry(row).or_insert(reason);
        }
    }
    if named.is_empty() {
        return BTreeMap::new();
    }
    rows.iter()
        .filter_map(|row| {
            let text = text(row);
            let text = std::str::from_utf8(&text).ok()?.trim_matches(AROUND);
            Some((row, quoted(named.get(text)?)))
        })
        .collect()
}

/// The first reason in a log.
pub(super) fn first_reason(log: &str) -> Option<String> {
    let line = log.lines().find(|line| !line.trim().is_empty())?;
    Some(quoted(candidates(line).first().map_or(line, |(reason, _)| reason)))
}

/// What may be a row in a line, with what stands before it.
fn candidates(line: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut add = |start: usize, end: usize| {
        let row = line.get(start..end).unwrap_or_default().trim_matches(AROUND);
        if !row.is_empty() {
            found.push((reason(&line[..start]), row));
        }
    };
    for mark in MARKS {
        if let Some(at) = line.find(mark) {
            let start = at + mark.len();
            add(start, line.len());
            if let Some(end) = line.rfind(']') {
                add(start, end);
            }
        }
    }
    if let (Some(start), Some(end)) = (line.find('{'), line.rfind('}')) {
        add(start, end + 1);
    }
    found
}

/// A reason without what only leads to the row behind it.
fn reason(text: &str) -> &str {
    let text = text.trim_end_matches(['[', ' ', ':']);
    let text = ["src line", "Row", "row"]
        .iter()
        .fold(text, |text, mark| text.strip_suffix(mark).unwrap_or(text));
    let text = text.trim().trim_end_matches([';', ',']);
    ["Error:", "Reason:"]
        .iter()
        .fold(text, |text, mark| text.strip_prefix(mark).map_or(text, str::trim_start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [&str; 3] = [r#"{"id":1,"v":"a"},"#, r#"{"id":2,"v":"b"},"#, "3\u{1}c\u{2}"];

    fn found(log: &str) -> BTreeMap<usize, String> {
        find(log, &RowSet::first(ROWS.len()), |row| ROWS[row].as_bytes().to_vec())
    }

    #[test]
    fn rows_are_known_by_their_whole_text() {
        let reason = "Value '300' is out of range. The type of 'v' is TINYINT.".to_owned();
        let starrocks = &*format!(r#"Error: {reason} Row: {{"id":2,"v":"b"}}"#);
        assert_eq!(found(starrocks), BTreeMap::from([(1, reason.clone())]));
        assert_eq!(first_reason(starrocks), Some(reason));
        let doris = r#"Reason: column_name[v], too long. src line [{"id":1,"v":"a"}]; "#;
        assert_eq!(found(doris), BTreeMap::from([(0, "column_name[v], too long.".to_owned())]));
        let csv = "Reason: column_name[v], too long. src line [3\u{1}c]; ";
        assert_eq!(found(csv).into_keys().collect::<Vec<_>>(), [2]);
        let both = format!("{starrocks}\n\n{doris}\n");
        assert_eq!(found(&both).into_keys().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn nothing_is_guessed() {
        for log in [
            "",
            "no row here",
            r#"Error: x. Row: {"id":2,"v":"b"#,
            r#"Error: x. Row: {"id":2}"#,
            "]]{}[ src line [",
            "Row: ",
        ] {
            assert_eq!(found(log), BTreeMap::new(), "{log}");
        }
        assert_eq!(first_reason("\n plain words \n").as_deref(), Some("plain words"));
        assert_eq!(first_reason(""), None);
    }
}
