//! One file: resuming, long lines, growth, and how it is known again.

use std::fs;
use std::path::Path;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;

use super::*;
use crate::source::lines::testing::{Line, budget, config, lines, read_all};
use crate::source::{GeneratorConfig, SourceKind};

fn row(line: i64, id: &str) -> Line {
    (line, Some(id.to_owned()))
}

/// Reads all, and reads the rest from every position on the way.
fn check(content: &[u8], sizes: Sizes, rows: usize, bytes: usize, expected: &[Line]) {
    let (_folder, path) = written(content);
    let mut source = open_sized(&path, None, sizes).unwrap();
    let (all, positions) = read_all(&mut source, &budget(rows, bytes));
    assert_eq!(all, expected, "{sizes:?} {rows} {bytes}");
    for (position, handed) in positions {
        let mut rest = open_sized(&path, Some(&position), sizes).unwrap();
        assert_eq!(rest.position(), position);
        let (rest, _) = read_all(&mut rest, &budget(2, 1 << 20));
        assert_eq!(rest, expected[handed..], "{sizes:?} {rows} {bytes} from {position:?}");
    }
}

#[test]
fn resuming_anywhere_gives_exactly_the_rest() {
    let content = "\u{feff}{\"id\":\"a\",\"at\":1000}\r\n\n{\"id\":\"b\"}\n{\"id\":null}\n  \r\n\
        {\"at\":2000,\"id\":\"c\",\"unused\":\"a line that is longer than the others\"}\nno json\n\
        {\"id\":\"d\"}\n\n \n{\"id\":\"e\"}";
    let expected =
        [row(1, "a"), row(3, "b"), (4, None), row(6, "c"), (7, None), row(8, "d"), row(11, "e")];
    for chunk in [1, 16, 40, 1 << 20] {
        let sizes = Sizes { chunk, line: 1 << 20, skip: 1 << 20 };
        for rows in [1, 2, 3, 100] {
            for bytes in [1, 30, 100, 1 << 20] {
                check(content.as_bytes(), sizes, rows, bytes, &expected);
            }
        }
    }
}

#[test]
fn files_of_little_are_no_special_cases() {
    for (content, expected) in [
        ("", vec![]),
        ("\n", vec![]),
        ("\u{feff}", vec![]),
        (" ", vec![]),
        ("{\"id\":\"a\"}", vec![row(1, "a")]),
        ("\n\n{\"id\":\"a\"}\n", vec![row(3, "a")]),
    ] {
        for chunk in [1, 1 << 20] {
            let sizes = Sizes { chunk, line: 1 << 20, skip: 1 << 20 };
            check(content.as_bytes(), sizes, 10, 1_000, &expected);
        }
    }
}

#[test]
fn lines_that_are_too_long_are_rejected_whole_within_bounded_memory() {
    let sizes = Sizes { chunk: 16, line: 64, skip: 100 };
    let long = |bytes: usize| format!("{{\"id\":\"{}\"}}", "x".repeat(bytes - 9));
    let fits = long(63);
    let content =
        format!("{{\"id\":\"a\"}}\n{fits}\n{}\n{{\"id\":\"b\"}}\n{}", long(64), long(1_000));
    let id = &fits[7..fits.len() - 2];
    let expected = [row(1, "a"), row(2, id), (3, None), row(4, "b"), (5, None)];
    for rows in [1, 3, 100] {
        for bytes in [1, 100, 1 << 20] {
            check(content.as_bytes(), sizes, rows, bytes, &expected);
            check(format!("{content}\n").as_bytes(), sizes, rows, bytes, &expected);
        }
    }

    let (_folder, path) = written(content.as_bytes());
    let mut source = open_sized(&path, None, sizes).unwrap();
    let mut letters = Vec::new();
    loop {
        match source.next(&budget(100, 1 << 20)).unwrap() {
            Next::Finished => break,
            Next::Idle => {}
            Next::Rows(batch) => letters.extend(batch.rejected),
        }
    }
    assert_eq!(letters[0].reason, "expected a line of less than 64 bytes, found 64");
    assert_eq!(letters[1].reason, "expected a line of less than 64 bytes, found 1000");
    assert_eq!(letters[1].position, "in/wagers.jsonl:5");
    assert!(letters[1].input.starts_with("{\"id\":\"xxx") && letters[1].input.ends_with("x…"));
}

#[test]
fn rows_carry_their_times_and_rejects_their_place() {
    let (_folder, path) = written(b"{\"id\":\"a\",\"at\":1000}\n{\"id\":\"b\"}\n{\"id\":{}}\n");
    let mut source = open(&path, None).unwrap();
    assert_eq!(source.total_bytes(), Some(42));
    let Next::Rows(batch) = source.next(&budget(100, 1_000)).unwrap() else {
        panic!("there are rows")
    };
    assert_eq!(lines(&batch), [row(1, "a"), row(2, "b"), (3, None)]);
    assert_eq!((batch.bytes, batch.partition, batch.batch.rows), (42, 0, 2));

    let rows = &batch.batch;
    assert_eq!(rows.meta.position(1), "in/wagers.jsonl:2");
    assert_eq!(&rows.meta.processing_times[..], [7_000_000, 7_000_000]);
    let (times, nulls) = rows.meta.event_times.as_ref().unwrap();
    assert_eq!((times[0], nulls.as_ref().unwrap().is_null(1)), (1_000_000, true));
    let files: Vec<_> = rows.columns[2].values.as_string::<i32>().iter().flatten().collect();
    assert_eq!(files, ["in/wagers.jsonl"; 2]);
    let read = rows.columns[4].values.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(read.value(1), 7_000_000);
    for (field, column) in rows.schema.fields.iter().zip(&rows.columns) {
        assert_eq!(*column.values.data_type(), field.data_type.arrow(), "{}", field.name);
    }

    let letter = &batch.rejected[0];
    assert_eq!((letter.time, letter.sequence, letter.ordinal), (7_000_000, (3, 0), 0));
    assert_eq!((letter.stage.as_str(), letter.position.as_str()), ("wagers", "in/wagers.jsonl:3"));
    assert_eq!((letter.column.as_deref(), letter.input.as_str()), (Some("id"), "{\"id\":{}}"));
}

/// Reads a file of this content to its end; where it was read to.
fn read_through(path: &Path) -> Position {
    let mut source = open(path, None).unwrap();
    read_all(&mut source, &budget(1_000, 1 << 20));
    source.position()
}

#[test]
fn a_file_that_has_grown_is_resumed_also_as_a_copy() {
    let (folder, path) = written(b"{\"id\":\"a\"}\n");
    let end = read_through(&path);
    append(&path, "{\"id\":\"b\"}\n");
    // Elsewhere, under another name, and as another file.
    let copy = folder.path().join("in/copy.jsonl");
    fs::copy(&path, &copy).unwrap();
    for path in [path, copy] {
        let (rest, _) = read_all(&mut open(&path, Some(&end)).unwrap(), &budget(10, 100));
        assert_eq!(rest, [row(2, "b")]);
    }
}

#[test]
fn another_beginning_or_a_shorter_file_halts_and_says_what_to_do() {
    let (_folder, path) = written(b"{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
    let end = read_through(&path);
    fs::write(&path, b"{\"id\":\"c\"}\n{\"id\":\"b\"}\n").unwrap();
    let error = open(&path, Some(&end)).unwrap_err();
    assert!(matches!(error, SourceError::Changed { line: 2, .. }));
    let text = error.to_string();
    assert!(text.contains("remove the checkpoint store (checkpoint.store)"), "{text}");
    assert!(text.contains("set if_exists = \"replace\""), "{text}");
    fs::write(&path, b"{\"id\":\"a\"}\n").unwrap();
    let error = open(&path, Some(&end)).unwrap_err();
    assert!(matches!(error, SourceError::Shorter { offset: 22, length: 11, .. }));
    assert!(!error.is_unreachable());
}

#[test]
fn a_last_line_without_newline_halts_once_it_goes_on() {
    let (_folder, path) = written(b"{\"id\":\"a\"}\n{\"id\":1}");
    let end = read_through(&path);
    let mut again = open(&path, Some(&end)).unwrap();
    assert!(matches!(again.next(&budget(1, 1)).unwrap(), Next::Finished));
    assert_eq!(again.total_bytes(), Some(0));
    // What is appended while the source is open is for the next start to find.
    append(&path, "\n");
    assert!(matches!(again.next(&budget(1, 1)).unwrap(), Next::Finished));
    let error = open(&path, Some(&end)).unwrap_err();
    assert!(matches!(error, SourceError::LineWentOn { line: 2, whole: true, .. }));
    let text = error.to_string();
    assert!(text.starts_with("line 2 of `in/wagers.jsonl` was read at the file's end"), "{text}");
    assert!(text.contains("nothing is lost") && text.contains("if_exists = \"replace\""), "{text}");
    for (more, expected) in [("\r\n", true), ("\n{}\n", true), ("2}\n", false), ("\r", false)] {
        fs::write(&path, format!("{{\"id\":\"a\"}}\n{{\"id\":1}}{more}")).unwrap();
        match open(&path, Some(&end)) {
            Err(SourceError::LineWentOn { whole, .. }) => assert_eq!(whole, expected, "{more:?}"),
            other => panic!("{more:?}: {other:?}"),
        }
    }
}

#[test]
fn a_place_is_known_again_only_where_a_line_ends() {
    // Longer than what a file is known by, so that its beginning says nothing of the place.
    let line = format!("{{\"id\":\"{}\"}}\n", "x".repeat(1_014));
    let (_folder, path) = written(line.repeat(100).as_bytes());
    let end = read_through(&path);
    let mut content = line.repeat(101).into_bytes();
    fs::write(&path, &content).unwrap();
    let grown = open(&path, Some(&end)).unwrap();
    assert_eq!(grown.total_bytes(), Some(line.len() as u64), "what is left, not the whole");
    content[line.len() * 100 - 1] = b' ';
    fs::write(&path, &content).unwrap();
    let error = open(&path, Some(&end)).unwrap_err();
    assert!(matches!(error, SourceError::Changed { line: 100, .. }), "{error}");
}

#[test]
fn a_file_is_known_by_its_first_64_kib() {
    let line = format!("{{\"id\":\"{}\"}}\n", "x".repeat(1_014));
    let mut content = line.repeat(100).into_bytes();
    let (_folder, path) = written(&content);
    let end = read_through(&path);
    assert_eq!(end.0["open"]["place"]["hashed"], 65_536);
    content[70_000] = b'y';
    fs::write(&path, &content).unwrap();
    assert!(open(&path, Some(&end)).is_ok());
    content[65_000] = b'y';
    fs::write(&path, &content).unwrap();
    assert!(matches!(open(&path, Some(&end)), Err(SourceError::Changed { .. })));
}

#[test]
fn what_cannot_be_read_is_told_apart_from_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let missing = open(&folder.path().join("in/wagers.jsonl"), None).unwrap_err();
    assert!(missing.is_unreachable());
    assert_eq!(missing.to_string(), "cannot read `in/wagers.jsonl`");
    fs::create_dir_all(folder.path().join("in/wagers.jsonl")).unwrap();
    let folder = open(&folder.path().join("in/wagers.jsonl"), None);
    assert!(matches!(folder, Err(SourceError::NotAFile { .. })));

    let (_folder, path) = written(b"");
    let foreign = Position(serde_json::json!({ "line": 3, "seed": 1, "start": 0 }));
    assert!(matches!(open(&path, Some(&foreign)), Err(SourceError::Position { .. })));

    let generator = SourceKind::Generator(GeneratorConfig::default());
    let mut config = config(generator, "id", "at");
    config.columns.retain(|column| &*column.name != "at");
    let error = FileSource::open(&config, &file(&path), None, CLOCK).unwrap_err();
    assert!(matches!(error, SourceError::EventTime { .. }));
}

#[test]
fn a_position_of_the_first_form_is_still_read() {
    let (_folder, path) = written(b"{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
    let mut source = open(&path, None).unwrap();
    source.next(&budget(1, 100)).unwrap();
    let place = source.position().0["open"]["place"].take();
    let first = serde_json::json!({
        "offset": place["offset"], "line": place["line"], "hash": place["hash"],
        "hashed": place["hashed"], "unterminated": false,
    });
    let (rest, _) = read_all(&mut open(&path, Some(&Position(first))).unwrap(), &budget(10, 100));
    assert_eq!(rest, [row(2, "b")]);

    let mut later = source.position();
    later.0["version"] = serde_json::json!(3);
    assert!(matches!(open(&path, Some(&later)), Err(SourceError::Position { .. })));
}
