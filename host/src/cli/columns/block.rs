//! The columns as TOML to paste, and as JSON for programs.

use std::path::Path;

use serde_json::{Value, json};

use super::Column;
use super::sample::{Sample, plain_name};
use crate::cli::text::counted;

/// The columns as `[sources.NAME.columns]`, with what was seen in comments.
pub(super) fn toml(file: &Path, sample: &Sample) -> String {
    let shown = clipped(&file.display().to_string(), usize::MAX);
    let rows = counted(sample.rows, "row");
    let format = sample.format.name();
    let mut text = format!(
        "# By {rows} of {shown}, for a source with `format = \"{format}\"`. What the sample does not \
         show, it\n# does not rule out. A row does not tell its key: say `key = true` on the key's \
         columns.\n[sources.{}.columns]\n",
        source_name(file)
    );
    for column in &sample.columns {
        text.push_str(&line(column, sample.rows));
    }
    text
}

fn line(column: &Column, rows: u64) -> String {
    let nulls = match column.nulls {
        0 => "never null".to_owned(),
        nulls if nulls == rows => "always null".to_owned(),
        nulls => format!("null in {nulls} of {rows}"),
    };
    let key = if is_bare(&column.name) { column.name.clone() } else { quoted(&column.name) };
    let Some(guess) = &column.guess else {
        // A type that nothing was seen of would be a guess about nothing.
        return format!("# {key} = {{ {}type = \"text\" }}  # {nulls}\n", path(column));
    };
    let (data_type, path) = (guess.data_type, path(column));
    let value = match guess.unit {
        Some(unit) => format!("{{ {path}type = \"{data_type}\", unit = \"{unit}\" }}"),
        None if path.is_empty() => format!("\"{data_type}\""),
        None => format!("{{ {path}type = \"{data_type}\" }}"),
    };
    let mark = if guess.takes_all { "" } else { "# " };
    let example = column.example.as_deref().map(|example| clipped(example, EXAMPLE_CHARS));
    let remarks: Vec<String> =
        example.into_iter().chain([nulls]).chain(guess.note.clone()).collect();
    format!("{mark}{key} = {value}  # {}\n", remarks.join("; "))
}

/// `path = …, `; nothing where the path is the column's own name.
fn path(column: &Column) -> String {
    let names = column.path.as_slice();
    let is_plain = |name: &String| !name.is_empty() && !name.contains('.');
    match names {
        [name] if *name == column.name && is_plain(name) => String::new(),
        names if names.iter().all(is_plain) => format!("path = {}, ", quoted(&names.join("."))),
        names => {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            format!("path = [{}], ", names.join(", "))
        }
    }
}

/// The name of the source: that of the file, as far as a name may have its letters.
fn source_name(file: &Path) -> String {
    let stem = plain_name(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = stem.unwrap_or_default().chars().map(legal).collect();
    if name.is_empty() { "input".to_owned() } else { name }
}

fn is_bare(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !name.is_empty() && name.chars().all(legal)
}

/// A basic string of TOML: JSON's escapes are among its own. `$` begins a variable in a pipeline's
/// file, unless it stands twice.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f").replace('$', "$$")
}

const EXAMPLE_CHARS: usize = 40;

/// The beginning of a text on one line, with what cannot be seen written out.
fn clipped(text: &str, chars: usize) -> String {
    let mut clipped = String::new();
    for (index, char) in text.chars().enumerate() {
        match char {
            _ if index == chars => {
                clipped.push('…');
                break;
            }
            '"' | '\'' | '\\' => clipped.push(char),
            char => clipped.extend(char.escape_debug()),
        }
    }
    clipped
}

/// The same as one JSON value.
pub(super) fn json(file: &Path, sample: &Sample) -> Value {
    let columns: Vec<Value> = sample
        .columns
        .iter()
        .map(|column| {
            let guess = column.guess.as_ref();
            json!({
                "name": column.name,
                "path": column.path,
                "type": guess
                    .filter(|guess| guess.takes_all)
                    .map(|guess| guess.data_type.to_string()),
                "unit": guess.and_then(|guess| guess.unit),
                "nulls": column.nulls,
                "example": column.example.as_deref().map(|example| clipped(example, EXAMPLE_CHARS)),
                "note": guess.and_then(|guess| guess.note.clone()),
            })
        })
        .collect();
    json!({
        "file": file.display().to_string(),
        "format": sample.format.name(),
        "rows": sample.rows,
        "other_lines": sample.others,
        "wrong_lines": sample.wrong,
        "columns": columns,
    })
}

#[cfg(test)]
mod tests {
    use super::super::seen::Guess;
    use super::*;
    use crate::record::DataType;

    fn column(name: &str, path: &[&str], guess: Option<Guess>) -> Column {
        Column {
            name: name.to_owned(),
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            values: if guess.is_some() { 3 } else { 0 },
            nulls: if guess.is_some() { 1 } else { 4 },
            guess,
            example: Some("\"a\u{1b}[1m\"".to_owned()),
        }
    }

    #[test]
    fn lines_say_what_the_reader_needs_and_no_more() {
        let text = Guess::of(DataType::Text);
        for (column, expected) in [
            (column("a", &["a"], Some(text.clone())), "a = \"text\""),
            (
                column("b", &["x", "B"], Some(text.clone())),
                "b = { path = \"x.B\", type = \"text\" }",
            ),
            (
                column("c", &["x.y", "$z"], Some(text)),
                "c = { path = [\"x.y\", \"$$z\"], type = \"text\" }",
            ),
            (
                column("größe", &["größe"], Some(Guess::timestamp("ms"))),
                "\"größe\" = { type = \"timestamp\", unit = \"ms\" }",
            ),
        ] {
            let line = line(&column, 4);
            assert_eq!(line, format!("{expected}  # \"a\\u{{1b}}[1m\"; null in 1 of 4\n"));
        }
        let none = Guess {
            takes_all: false,
            note: Some("no type".to_owned()),
            ..Guess::of(DataType::Json)
        };
        let none = line(&column("m", &["m"], Some(none)), 4);
        assert_eq!(none, "# m = \"json\"  # \"a\\u{1b}[1m\"; null in 1 of 4; no type\n");
        let nothing = line(&column("n", &["n"], None), 4);
        assert_eq!(nothing, "# n = { type = \"text\" }  # always null\n");
    }

    #[test]
    fn sources_are_named_after_their_files() {
        for (file, name) in
            [("a/wagers.jsonl.gz", "wagers"), ("my bets.csv", "my_bets"), (".jsonl", "_jsonl")]
        {
            assert_eq!(source_name(Path::new(file)), name, "{file}");
        }
    }
}
