//! The file of intents: what it says after a crash at any byte.

use std::fs;

use super::*;
use crate::sink::SinkError;

fn open(folder: &Path) -> Intents {
    Intents::open("out", folder).unwrap()
}

fn labels(intents: &Intents) -> Vec<String> {
    intents.all().into_iter().map(|(label, _)| label).collect()
}

fn begin(intents: &Intents, labels: &[&str]) {
    let labels: Vec<_> =
        labels.iter().map(|label| ((*label).to_owned(), "wagers".to_owned())).collect();
    intents.begin(&labels).unwrap();
}

#[test]
fn each_opening_is_a_run_and_finds_what_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    assert_eq!(first.run(), 1);
    begin(&first, &["a", "b"]);
    first.ended("a");
    begin(&first, &["c"]);
    first.ended("c");
    drop(first);
    let second = open(folder.path());
    assert_eq!(second.run(), 2);
    // Nothing was written after the end of `c`.
    let open_labels = ["b", "c"].map(|label| (label.to_owned(), "wagers".to_owned()));
    assert_eq!(second.all(), open_labels);
    second.ended("c");
    begin(&second, &[]);
    assert_eq!(labels(&open(folder.path())), ["b"]);
    let fourth = open(folder.path());
    fourth.forget().unwrap();
    assert_eq!(labels(&fourth), Vec::<String>::new());
    let fifth = open(folder.path());
    assert_eq!((labels(&fifth), fifth.run()), (Vec::new(), 5));
}

#[test]
fn plain_loads_are_found_apart_until_they_have_ended() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    begin(&first, &["a"]);
    first.send("b", "wagers").unwrap();
    first.send("c", "games").unwrap();
    first.ended("b");
    first.send("d", "wagers").unwrap();
    drop(first);
    let second = open(folder.path());
    assert_eq!(labels(&second), ["a"]);
    let of = |label: &str, table: &str| (label.to_owned(), table.to_owned());
    assert_eq!(second.sent(), [of("c", "games"), of("d", "wagers")]);
    second.forget().unwrap();
    assert!(open(folder.path()).sent().is_empty());
}

#[test]
fn tables_stay_known() {
    let folder = tempfile::tempdir().unwrap();
    let intents = open(folder.path());
    assert!(!intents.fills("wagers"));
    intents.note_table("wagers").unwrap();
    intents.note_table("wagers").unwrap();
    intents.forget().unwrap();
    assert!(open(folder.path()).fills("wagers"));
}

#[test]
fn a_torn_end_loses_only_what_was_not_yet_used() {
    let folder = tempfile::tempdir().unwrap();
    let intents = open(folder.path());
    begin(&intents, &["a"]);
    let path = folder.path().join("intents.jsonl");
    let before = fs::read(&path).unwrap();
    intents.ended("a");
    begin(&intents, &["b", "c"]);
    let whole = fs::read(&path).unwrap();
    for length in before.len()..=whole.len() {
        let torn = tempfile::tempdir().unwrap();
        fs::write(torn.path().join("intents.jsonl"), &whole[..length]).unwrap();
        let found = open(torn.path());
        assert_eq!(found.run(), 2, "cut at {length}");
        let labels = labels(&found).join(" ");
        assert!(["a", "", "b", "b c"].contains(&&*labels), "cut at {length}: {labels}");
        // What is written behind a torn end can be read.
        begin(&found, &["d"]);
        assert!(self::labels(&open(torn.path())).contains(&"d".to_owned()), "cut at {length}");
    }
    let mut zeros = before.clone();
    zeros.extend([0; 100]);
    fs::write(&path, zeros).unwrap();
    assert_eq!(labels(&open(folder.path())), ["a"]);
}

#[test]
fn damage_within_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let intents = open(folder.path());
    begin(&intents, &["a", "b"]);
    drop(intents);
    let path = folder.path().join("intents.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("begin", "bgein", 1)).unwrap();
    let error = Intents::open("out", folder.path()).unwrap_err();
    assert!(matches!(error, SinkError::NoteDamaged { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap().matches("bgein").count(), 1, "it is left alone");
}

#[test]
fn a_long_run_keeps_the_file_short() {
    let folder = tempfile::tempdir().unwrap();
    let intents = open(folder.path());
    for round in 0..40 {
        let names: Vec<String> = (0..600).map(|name| format!("{round}-{name}")).collect();
        begin(&intents, &names.iter().map(|name| &**name).collect::<Vec<_>>());
        names.iter().for_each(|name| intents.ended(name));
    }
    let lines = fs::read_to_string(folder.path().join("intents.jsonl")).unwrap().lines().count();
    assert!(lines < 12_000, "{lines} lines");
    begin(&intents, &["last"]);
    assert_eq!(labels(&open(folder.path())), ["last"]);
}
