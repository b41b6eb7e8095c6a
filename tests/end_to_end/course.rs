//! The course of docs/writing-transforms.md: what the page shows is what is compiled, tested
//! natively and run by the program, lesson by lesson. Each adds its part to one pipeline.

#[path = "../guests/course-filter/src/lib.rs"]
mod filter;
#[path = "../guests/course-join/src/lib.rs"]
mod join;
#[path = "../guests/course-map/src/lib.rs"]
mod map;
#[path = "../guests/course-state/src/lib.rs"]
mod state;

use std::fs;

use millrace_tests::{Workbench, module, root};
use serde_json::Value;

/// The lessons in the page's order: each one's package is `course-LESSON`, and its module goes by
/// the name beside it in the pipeline.
const LESSONS: [(&str, &str); 4] =
    [("map", "revenue"), ("filter", "ended"), ("join", "returned"), ("state", "losses")];

/// The fenced blocks of the page that are marked so, with a blank line between them.
fn shown(mark: &str) -> String {
    let page = fs::read_to_string(root().join("docs/writing-transforms.md")).expect("the page");
    let opening = format!("```{mark}");
    let mut blocks: Vec<String> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line == opening {
            blocks.push(String::new());
            inside = true;
        } else if line == "```" {
            inside = false;
        } else if let (true, Some(block)) = (inside, blocks.last_mut()) {
            block.push_str(line);
            block.push('\n');
        }
    }
    blocks.join("\n")
}

/// A file of a lesson's package.
fn file(lesson: &str, name: &str) -> String {
    let path = root().join(format!("tests/guests/course-{lesson}")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The page has the file, whole.
fn is_shown(kind: &str, lesson: &str, name: &str) {
    let (shown, file) = (shown(&format!("{kind},course-{lesson}")), file(lesson, name));
    assert!(
        shown == file,
        "the blocks `{kind},course-{lesson}` of docs/writing-transforms.md are not \
         tests/guests/course-{lesson}/{name}\n--- the page\n{shown}\n--- the file\n{file}"
    );
}

#[test]
fn the_page_shows_what_is_compiled_and_run() {
    for (lesson, _) in LESSONS {
        is_shown("rust", lesson, "src/lib.rs");
        is_shown("toml", lesson, "pipeline.toml");
    }
    is_shown("json", "map", "wagers.jsonl");
    is_shown("csv", "join", "games.csv");
}

/// Lets the program run the pipeline as it stands at the end of so many lessons.
fn run(lessons: usize) -> Workbench {
    let lessons = &LESSONS[..lessons];
    let parts: Vec<String> =
        lessons.iter().map(|(lesson, _)| file(lesson, "pipeline.toml")).collect();
    let bench = Workbench::new(&parts.join("\n"));
    fs::create_dir(bench.path("modules")).expect("the folder is writable");
    for (lesson, name) in lessons {
        let module = module(&format!("course_{lesson}_guest.wasm"));
        fs::copy(module, bench.path(&format!("modules/{name}.wasm"))).expect("it is writable");
    }
    bench.write("wagers.jsonl", file("map", "wagers.jsonl"));
    bench.write("games.csv", file("join", "games.csv"));
    let arguments = ["run", "--json", "--progress", "never", "pipeline.toml"];
    let report = bench.millrace(&arguments).with_code(0).json();
    assert_eq!(report["pipelines"][0]["outcome"], "finished");
    bench
}

/// These columns of each row of a file, in the order of the texts: instances of a stage take turns
/// as they like.
fn rows(bench: &Workbench, name: &str, columns: &[&str]) -> Vec<String> {
    let text = fs::read_to_string(bench.path(name)).expect("the sink wrote it");
    let mut rows: Vec<String> = text
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).expect("each line is JSON");
            let cells: Vec<String> = columns.iter().map(|column| cell(&row, column)).collect();
            cells.join(" ")
        })
        .collect();
    rows.sort();
    rows
}

fn cell(row: &Value, column: &str) -> String {
    match row.get(column) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => panic!("no column `{column}` in {row}"),
    }
}

const REVENUE: [&str; 5] = ["w1 900.00", "w2 29.50", "w3 200.00", "w4 -15.00", "w5 5.00"];

#[test]
fn the_first_lesson_adds_a_column() {
    let bench = run(1);
    assert_eq!(rows(&bench, "revenue.jsonl", &["wager_id", "net_amount"]), REVENUE);
}

#[test]
fn the_second_lesson_leaves_rows_out() {
    let bench = run(2);
    assert_eq!(rows(&bench, "revenue.jsonl", &["wager_id", "net_amount"]), REVENUE);
    let ended = rows(&bench, "ended.jsonl", &["wager_id", "seconds", "net_amount"]);
    assert_eq!(ended, ["w1 30 900.00", "w3 120 200.00", "w4 10 -15.00"]);
}

#[test]
fn the_third_lesson_joins_a_table() {
    let bench = run(3);
    let columns = ["wager_id", "provider", "rtp", "above_theory"];
    assert_eq!(
        rows(&bench, "returned.jsonl", &columns),
        [
            "w1 Acme 0.0000 false",
            "w2 Bolt 0.4100 null",
            "w3 null 0.0000 null",
            "w4 Acme 2.5000 true",
            "w5 Acme 0.0000 false",
        ]
    );
}

#[test]
fn the_fourth_lesson_remembers_waits_and_tells_what_was_late() {
    let bench = run(4);
    let columns = ["user_id", "lost", "at"];
    assert_eq!(rows(&bench, "alerts.jsonl", &columns), ["u1 1100.00 2026-11-20T12:03:00.000000Z"]);
    assert_eq!(
        rows(&bench, "hours.jsonl", &columns),
        [
            "u1 -15.00 2026-11-20T14:30:00.000000Z",
            "u1 1100.00 2026-11-20T13:00:00.000000Z",
            "u2 29.50 2026-11-20T13:04:00.000000Z",
        ]
    );
    assert_eq!(rows(&bench, "late.jsonl", &["wager_id", "net_amount"]), ["w5 5.00"]);
}
