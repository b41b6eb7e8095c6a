//! What stands in outputs: modes of tables, outputs that are there already, and how many rejected
//! rows are too many.

use std::fs;

use millrace::pipeline::{NodeError, Outcome, PipelineError, RunOptions};
use millrace_tests::Workbench;

const SOURCE: &str = r#"
[pipeline]
name = "outputs"
checkpoint = { rows = 4, store = "${OUT}/store" }
batch = { rows = 3, linger = "5ms" }

[sources.words]
type = "file"
path = "${OUT}/words.jsonl"
ON_ERROR

[sources.words.columns]
id = { type = "i64", key = true }
word = { type = "text" }
"#;

const SINKS: &str = r#"
[sinks.latest]
type = "sqlite"
input = "words"
path = "${OUT}/latest.db"
table = "words"
IF_EXISTS

[sinks.every]
type = "sqlite"
input = "words"
path = "${OUT}/every.db"
table = "words"
mode = "append"
IF_EXISTS

[sinks.copy]
type = "file"
input = "words"
path = "${OUT}/copy.jsonl"
IF_EXISTS
"#;

const LETTERS: &str = r#"
[dead_letters]
type = "sqlite"
path = "${OUT}/dead.db"
table = "dead_letters"
"#;

/// The lines of rows; a word that is empty is null.
fn lines(rows: &[(i64, &str)]) -> String {
    let word = |word: &str| if word.is_empty() { "null".to_owned() } else { format!("\"{word}\"") };
    rows.iter().map(|(id, text)| format!("{{\"id\":{id},\"word\":{}}}\n", word(text))).collect()
}

const ROWS: [(i64, &str); 10] = [
    (1, "one"),
    (2, "two"),
    (1, "uno"),
    (3, "three"),
    (2, ""),
    (1, "eins"),
    (4, "four"),
    (1, "un"),
    (4, "vier"),
    (1, "ichi"),
];

fn bench(sinks: &str, rows: &[(i64, &str)]) -> Workbench {
    let bench = Workbench::new(&format!("{}{sinks}", SOURCE.replace("ON_ERROR", "")));
    bench.write("words.jsonl", lines(rows));
    bench
}

fn run(bench: &Workbench) -> Outcome {
    bench.run(&RunOptions::default()).expect("it ends").outcome
}

fn latest(bench: &Workbench) -> String {
    bench.query("latest.db", "select id, word from words order by id")
}

fn every(bench: &Workbench) -> String {
    bench.query("every.db", "select id, word from words order by rowid")
}

fn copy(bench: &Workbench) -> String {
    fs::read_to_string(bench.path("copy.jsonl")).expect("the file")
}

fn shown(rows: &[(i64, &str)]) -> String {
    let word = |word: &str| if word.is_empty() { "null".to_owned() } else { word.to_owned() };
    rows.iter().map(|(id, text)| format!("{id}|{}\n", word(text))).collect()
}

const LATEST: [(i64, &str); 4] = [(1, "ichi"), (2, ""), (3, "three"), (4, "vier")];

#[test]
fn the_last_of_a_key_wins_and_appended_rows_all_stay() {
    let bench = bench(&SINKS.replace("IF_EXISTS", ""), &ROWS);
    assert_eq!(run(&bench), Outcome::Finished);
    assert_eq!(latest(&bench), shown(&LATEST));
    assert_eq!(every(&bench), shown(&ROWS));
    assert_eq!(copy(&bench), lines(&ROWS));

    // What comes later wins over what an earlier run committed, and nothing else changes.
    let grown = [&ROWS[..], &[(3, ""), (5, "five"), (3, "trois")]].concat();
    bench.write("words.jsonl", lines(&grown));
    assert_eq!(run(&bench), Outcome::Finished);
    let expected = [(1, "ichi"), (2, ""), (3, "trois"), (4, "vier"), (5, "five")];
    assert_eq!(latest(&bench), shown(&expected));
    assert_eq!(every(&bench), shown(&grown));
    assert_eq!(copy(&bench), lines(&grown));
}

/// A finished pipeline with its outputs, whose store is gone, over other rows.
fn under_a_new_store(if_exists: &str) -> Workbench {
    let bench = bench(&SINKS.replace("IF_EXISTS", ""), &ROWS);
    run(&bench);
    fs::remove_dir_all(bench.path("store")).expect("the store goes");
    let sinks = SINKS.replace("IF_EXISTS", if_exists);
    bench.write("pipeline.toml", format!("{}{sinks}", SOURCE.replace("ON_ERROR", "")));
    bench.write("words.jsonl", lines(&NEW));
    bench
}

const NEW: [(i64, &str); 2] = [(9, "nine"), (1, "first")];

#[test]
fn a_new_store_refuses_outputs_that_have_rows() {
    for if_exists in ["", "if_exists = \"error\""] {
        let bench = under_a_new_store(if_exists);
        for (sink, output) in
            [("latest", "latest.db"), ("every", "every.db"), ("copy", "copy.jsonl")]
        {
            let error = bench.run(&RunOptions::default()).expect_err("there are rows");
            let PipelineError::Node { node, source } = error else { panic!("a sink's: {error:?}") };
            let NodeError::Sink(error) = *source else { panic!("a sink's: {source:?}") };
            let text = error.to_string();
            assert_eq!(node, sink, "{text}");
            assert!(text.contains(output) && text.contains("if_exists = \"append\""), "{text}");
            assert_eq!(copy(&bench), lines(&ROWS), "nothing is touched");
            if sink != "copy" {
                assert_eq!(every(&bench), shown(&ROWS), "nothing is touched");
            }
            // The next sink in turn: this one's output is moved out of its way.
            for name in [output, &format!("{output}-wal"), &format!("{output}-shm")] {
                drop(fs::remove_file(bench.path(name)));
            }
            drop(fs::remove_file(bench.path("copy.jsonl.millrace")));
        }
        assert_eq!(run(&bench), Outcome::Finished);
        assert_eq!(every(&bench), shown(&NEW));
        assert_eq!(copy(&bench), lines(&NEW));
    }
}

#[test]
fn a_new_store_adds_to_outputs_if_told_so() {
    let bench = under_a_new_store("if_exists = \"append\"");
    assert_eq!(run(&bench), Outcome::Finished);
    let merged = [(1, "first"), (2, ""), (3, "three"), (4, "vier"), (9, "nine")];
    assert_eq!(latest(&bench), shown(&merged));
    assert_eq!(every(&bench), shown(&ROWS) + &shown(&NEW));
    assert_eq!(copy(&bench), lines(&ROWS) + &lines(&NEW));
    // It is told so once: the next run under this store goes on.
    assert_eq!(run(&bench), Outcome::AlreadyFinished);
    assert_eq!(every(&bench), shown(&ROWS) + &shown(&NEW));
}

#[test]
fn a_new_store_replaces_outputs_if_told_so() {
    let bench = under_a_new_store("if_exists = \"replace\"");
    assert_eq!(run(&bench), Outcome::Finished);
    assert_eq!(latest(&bench), shown(&[(1, "first"), (9, "nine")]));
    assert_eq!(every(&bench), shown(&NEW));
    assert_eq!(copy(&bench), lines(&NEW));
    assert_eq!(run(&bench), Outcome::AlreadyFinished);
    bench.write("words.jsonl", lines(&[&NEW[..], &[(7, "seven")]].concat()));
    assert_eq!(run(&bench), Outcome::Finished);
    assert_eq!(every(&bench), shown(&NEW) + "7|seven\n", "what it wrote itself is not replaced");
}

const APPENDED: &str = r#"
[sinks.every]
type = "sqlite"
input = "words"
path = "${OUT}/every.db"
table = "words"
mode = "append"
"#;

/// Three of its seven lines are bad.
const BAD: &str = "{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":2}\n{\"id\":\"y\"}\n{\"id\":3}\n\
                   {\"id\":\"z\"}\n{\"id\":4}\n";

fn with_on_error(on_error: &str, letters: &str) -> Workbench {
    let source = SOURCE.replace("ON_ERROR", on_error);
    let bench = Workbench::new(&format!("{source}{APPENDED}{letters}"));
    bench.write("words.jsonl", BAD);
    bench
}

fn node_error(bench: &Workbench) -> NodeError {
    match bench.run(&RunOptions::default()) {
        Err(PipelineError::Node { node, source }) => {
            assert_eq!(node, "words");
            *source
        }
        other => panic!("the source's node fails: {other:?}"),
    }
}

#[test]
fn a_rejected_row_halts_where_it_may_not_be_set_aside() {
    for (on_error, letters) in [("", ""), ("on_error = \"halt\"", LETTERS)] {
        let bench = with_on_error(on_error, letters);
        let error = node_error(&bench);
        let NodeError::Rejected(letter) = &error else { panic!("a rejected row: {error:?}") };
        assert!(letter.position.ends_with("words.jsonl:2"), "{}", letter.position);
        assert_eq!(letter.column.as_deref(), Some("id"));
        assert_eq!(letter.input, "{\"id\":\"x\"}");
        // Each repair comes as far as the next bad row.
        bench.write("words.jsonl", BAD.replace("\"x\"", "20"));
        let error = node_error(&bench);
        let NodeError::Rejected(letter) = &error else { panic!("a rejected row: {error:?}") };
        assert!(letter.position.ends_with("words.jsonl:4"), "{}", letter.position);
        let repaired = BAD.replace("\"x\"", "20").replace("\"y\"", "30");
        bench.write("words.jsonl", &repaired);
        assert!(matches!(node_error(&bench), NodeError::Rejected(_)));
        bench.write("words.jsonl", repaired.replace("\"z\"", "40"));
        assert_eq!(run(&bench), Outcome::Finished);
        let ids = bench.query("every.db", "select id from words order by rowid");
        assert_eq!(ids, "1\n20\n2\n30\n3\n40\n4\n");
    }
}

#[test]
fn as_many_dead_letters_as_are_allowed_and_no_more() {
    let bench = with_on_error("on_error = { action = \"dead-letter\", max = 2 }", LETTERS);
    let error = node_error(&bench);
    let NodeError::TooManyRejected { max: 2, letter } = &error else { panic!("{error:?}") };
    assert!(letter.position.ends_with("words.jsonl:6"), "{}", letter.position);

    let enough = "on_error = { action = \"dead-letter\", max = 3 }";
    for on_error in [enough, "on_error = \"dead-letter\"", ""] {
        let bench = with_on_error(on_error, LETTERS);
        assert_eq!(run(&bench), Outcome::Finished);
        assert_eq!(every(&bench), "1|null\n2|null\n3|null\n4|null\n");
        let letters =
            bench.query("dead.db", "select stage, input from dead_letters order by rowid");
        let expected = ["x", "y", "z"].map(|id| format!("words|{{\\\"id\\\":\\\"{id}\\\"}}\n"));
        assert_eq!(letters, expected.concat());
    }
}
