//! Several files: their order, resuming across them, and files that come, grow and go.

use super::*;

fn line(id: &str) -> String {
    format!("{{\"id\":\"{id}\"}}\n")
}

fn folder_of(content: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in content {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// The names of the files in the order in which they are read.
fn order(folder: &Path, paths: &[&str]) -> Vec<String> {
    list(&files(folder, paths).paths, |_| false)
        .unwrap()
        .into_iter()
        .map(|file| file.name)
        .collect()
}

#[test]
fn the_order_is_that_of_the_patterns_and_then_of_bytes() {
    let names =
        ["b/2.jsonl", "b/10.jsonl", "b/c/1.jsonl", "B.jsonl", "a.jsonl", "b/.hidden.jsonl", "[x]"];
    let folder = folder_of(&names.map(|name| (name, "")));
    let folder = folder.path();
    assert_eq!(order(folder, &["*.jsonl"]), ["B.jsonl", "a.jsonl"]);
    assert_eq!(order(folder, &["b/*"]), ["b/10.jsonl", "b/2.jsonl"]);
    assert_eq!(
        order(folder, &["b/?.jsonl", "b/**/*.jsonl"]),
        ["b/2.jsonl", "b/10.jsonl", "b/c/1.jsonl"]
    );
    assert_eq!(
        order(folder, &["b/[!2]*.jsonl", "./a.jsonl", "a.jsonl"]),
        ["b/10.jsonl", "./a.jsonl"]
    );
    assert_eq!(order(folder, &["[x]"]), ["[x]"], "a name with brackets, which is there");
    assert_eq!(order(folder, &["[[]x[]]"]), ["[x]"]);

    std::os::unix::fs::symlink(folder.join("a.jsonl"), folder.join("Z.jsonl")).unwrap();
    assert_eq!(order(folder, &["*.jsonl"]), ["B.jsonl", "Z.jsonl"], "one file is read once");
}

#[test]
fn a_pattern_without_a_file_says_where_it_looked() {
    let folder = folder_of(&[("a.jsonl", "")]);
    let config = files(folder.path(), &["a.jsonl", "in/2026-*/*.gz"]);
    let error = open_files(&config, None, SIZES).unwrap_err();
    assert!(error.is_unreachable());
    let expected =
        format!("no file matches `in/2026-*/*.gz` in the folder `{}/in/`", folder.path().display());
    assert_eq!(error.to_string(), expected);
    let wrong = PathPattern::new(folder.path(), "a[").unwrap_err();
    assert_eq!(wrong.to_string(), "invalid range pattern");
}

#[test]
fn resuming_anywhere_goes_on_from_file_to_file() {
    let a = format!("\u{feff}{}\n{}", line("a1"), line("a2"));
    let b = format!("no json\n{}", line("b2").trim_end());
    let d = format!("\u{feff}{}", line("d1"));
    let folder = folder_of(&[("a.jsonl", &a), ("b.jsonl", &b), ("c.jsonl", ""), ("d.jsonl", &d)]);
    let config = files(folder.path(), &["*.jsonl"]);
    let expected = [
        read(1, "a.jsonl:1", "a1"),
        read(3, "a.jsonl:3", "a2"),
        refused(4, "b.jsonl:1"),
        read(5, "b.jsonl:2", "b2"),
        read(6, "d.jsonl:1", "d1"),
    ];
    for chunk in [1, 16, 1 << 20] {
        let sizes = Sizes { chunk, line: 1 << 20, skip: 1 << 20 };
        for rows in [1, 2, 100] {
            check_files(&config, sizes, rows, &expected);
        }
    }
    let source = open_files(&config, None, SIZES).unwrap();
    assert_eq!(source.total_bytes(), Some((a.len() + b.len() + d.len()) as u64));
}

#[test]
fn what_is_new_behind_is_read_and_what_is_gone_is_let_go() {
    let folder = folder_of(&[("a.jsonl", &line("a")), ("b.jsonl", &line("b"))]);
    let at = |name: &str| folder.path().join(name);
    let config = files(folder.path(), &["*.jsonl"]);
    let end = end_of(&config);
    append(&at("b.jsonl"), &line("b2"));
    fs::write(at("c.jsonl"), line("c")).unwrap();
    fs::remove_file(at("a.jsonl")).unwrap();
    let mut source = open_files(&config, Some(&end), SIZES).unwrap();
    let (rest, _) = read_files(&mut source, &budget(10));
    assert_eq!(rest, [read(3, "b.jsonl:2", "b2"), read(4, "c.jsonl:1", "c")]);

    // The last is gone too, and the pattern matches nothing for a while.
    let end = source.position();
    fs::remove_file(at("b.jsonl")).unwrap();
    fs::remove_file(at("c.jsonl")).unwrap();
    let mut source = open_files(&config, Some(&end), SIZES).unwrap();
    assert!(matches!(source.next(&budget(1)).unwrap(), Next::Finished));
    assert_eq!(source.total_bytes(), Some(0));
    let end = source.position();
    fs::write(at("d.jsonl"), line("d")).unwrap();
    let mut source = open_files(&config, Some(&end), SIZES).unwrap();
    assert_eq!(read_files(&mut source, &budget(10)).0, [read(5, "d.jsonl:1", "d")]);
    // What comes back is new, and stands before what was read.
    let end = source.position();
    fs::write(at("a.jsonl"), line("a")).unwrap();
    let error = open_files(&config, Some(&end), SIZES).unwrap_err();
    assert!(matches!(error, SourceError::NewBefore { .. }), "{error}");
}

#[test]
fn a_new_file_among_those_that_were_read_halts() {
    let folder = folder_of(&[("a.jsonl", &line("a")), ("c.jsonl", &line("c"))]);
    let config = files(folder.path(), &["*.jsonl"]);
    let mut source = open_files(&config, None, SIZES).unwrap();
    source.next(&budget(1)).unwrap();
    let in_the_first = source.position();
    let end = end_of(&config);
    fs::write(folder.path().join("b.jsonl"), line("b")).unwrap();
    let error = open_files(&config, Some(&end), SIZES).unwrap_err().to_string();
    assert!(error.starts_with("`b.jsonl` is new and stands before `c.jsonl`"), "{error}");
    assert!(error.contains("rename it") && error.contains("if_exists"), "{error}");
    // From the first file on, it stands behind what was read.
    let mut source = open_files(&config, Some(&in_the_first), SIZES).unwrap();
    let expected = [read(2, "b.jsonl:1", "b"), read(3, "c.jsonl:1", "c")];
    assert_eq!(read_files(&mut source, &budget(10)).0, expected);
}

#[test]
fn a_file_that_was_read_may_neither_grow_nor_change_nor_shrink() {
    let folder = folder_of(&[("a.jsonl", &line("aa")), ("b.jsonl", &line("b"))]);
    let config = files(folder.path(), &["a.jsonl", "b.jsonl"]);
    let end = end_of(&config);
    let with = |content: &str| {
        fs::write(folder.path().join("a.jsonl"), content).unwrap();
        open_files(&config, Some(&end), SIZES).unwrap_err()
    };
    let error = with(&line("ab"));
    assert!(matches!(error, SourceError::Changed { line: 1, .. }), "{error}");
    assert!(matches!(with(&line("a")), SourceError::Shorter { offset: 12, length: 11, .. }));
    let error = with(&(line("aa") + &line("more")));
    assert!(matches!(error, SourceError::Grown { lines: 1, .. }), "{error}");
    assert!(error.to_string().contains("if_exists"), "{error}");
}

#[test]
fn the_file_in_which_reading_goes_on_must_be_there_and_named() {
    let content = line("a1") + &line("a2");
    let folder = folder_of(&[("a.jsonl", &content), ("b.jsonl", &line("b")), ("c.jsonl", "")]);
    let config = files(folder.path(), &["?.jsonl"]);
    let mut source = open_files(&config, None, SIZES).unwrap();
    source.next(&budget(1)).unwrap();
    let within = source.position();
    let other = files(folder.path(), &["b.jsonl", "c.jsonl"]);
    let error = open_files(&other, Some(&within), SIZES).unwrap_err();
    assert!(matches!(error, SourceError::NotNamed { line: 1, .. }), "{error}");
    fs::remove_file(folder.path().join("a.jsonl")).unwrap();
    let error = open_files(&config, Some(&within), SIZES).unwrap_err();
    assert!(matches!(error, SourceError::Gone { line: 1, .. }), "{error}");
}

#[test]
fn a_position_of_one_file_goes_on_in_a_list_of_them() {
    let folder = folder_of(&[("a.jsonl", &line("a")), ("b.jsonl", &line("b"))]);
    let end = end_of(&files(folder.path(), &["a.jsonl"]));
    let config = files(folder.path(), &["*.jsonl"]);
    let mut source = open_files(&config, Some(&end), SIZES).unwrap();
    assert_eq!(read_files(&mut source, &budget(10)).0, [read(2, "b.jsonl:1", "b")]);
}

#[test]
fn every_byte_of_every_file_is_counted_once() {
    let folder = folder_of(&[("a.jsonl", &line("a")), ("b.jsonl", "\n"), ("c.jsonl", &line("c"))]);
    fs::write(folder.path().join("d.jsonl.gz"), gzip(line("d").as_bytes())).unwrap();
    let config = files(folder.path(), &["*"]);
    let mut source = open_files(&config, None, SIZES).unwrap();
    let total = source.total_bytes().unwrap();
    let mut counted = 0;
    while let Next::Rows(batch) = source.next(&budget(1)).unwrap() {
        counted += batch.bytes as u64;
    }
    assert_eq!(counted, total);
}
