//! What becomes of every kind of input, one case a sentence of docs/semantics.md, through the real
//! pipeline: a file of JSON lines, `wager_revenue` and `rtp_enrichment`, SQLite and dead letters.
//!
//! The cases stand in `semantics/*.txt`, which say how they are written; those that no line of text
//! can hold stand here.

use std::collections::BTreeMap;
use std::fs;

use millrace::format::MAX_DEPTH;
use millrace::pipeline::{Outcome, RunOptions};
use millrace_tests::{Workbench, root};

const PIPELINE: &str = include_str!("semantics/pipeline.toml");
const GAMES: &str = "game_id,provider,theoretical_rtp\ng-1,Acme,0.9650\ng-2,Bolt,\n";

/// One line of input and what must become of it.
struct Case {
    /// Where it stands, and the sentence that it is about.
    about: String,
    line: Vec<u8>,
    ending: String,
}

impl Case {
    fn new(about: &str, line: impl Into<Vec<u8>>, ending: &str) -> Self {
        Self { about: about.to_owned(), line: line.into(), ending: ending.to_owned() }
    }
}

/// The cases of a file of `semantics`. What stands before the first section is prose.
fn read_cases(name: &str) -> Vec<Case> {
    let path = root().join("tests/golden/semantics").join(name);
    let text = fs::read_to_string(&path).expect("the cases are in the tree");
    let mut cases: Vec<Case> = Vec::new();
    let mut section = None;
    let mut sentence = "";
    for (number, line) in text.lines().enumerate() {
        if let Some(title) = line.strip_prefix("== ") {
            section = Some(title);
        } else if let Some(words) = line.strip_prefix("# ") {
            sentence = words;
        } else if let (Some(section), Some((input, ending))) = (section, line.rsplit_once(" => ")) {
            let about = format!("{name}:{}: {section}: {sentence}", number + 1);
            cases.push(Case::new(&about, document(input, cases.len() + 1), ending));
        } else {
            assert!(section.is_none() || line.is_empty(), "{name}:{}: no case", number + 1);
        }
    }
    cases
}

/// The line of a case: a wager with these members, unless the case says it whole.
fn document(input: &str, number: usize) -> String {
    if let Some(line) = input.strip_prefix("line ") {
        return line.to_owned();
    }
    let mut line = String::from("{\"payload\":{");
    if !input.contains("\"_id\"") {
        line.push_str(&format!("\"_id\":\"w{number}\","));
    }
    if !input.contains("\"version\"") {
        line.push_str("\"version\":1,");
    }
    line.push_str(input);
    line.push_str("}}");
    line
}

/// A dead letter.
struct Letter {
    stage: String,
    column: String,
    reason: String,
    input: String,
}

/// What became of an input, by the number of its line.
struct Endings {
    rows: BTreeMap<u64, BTreeMap<String, String>>,
    letters: BTreeMap<u64, Letter>,
}

/// Runs a file through the pipeline; the rows are those of `table`.
fn run(input: &[u8], table: &str) -> Endings {
    let bench = Workbench::new(PIPELINE);
    bench.write("wagers.jsonl", input);
    bench.write("games.csv", GAMES);
    let summary = bench.run(&RunOptions::default()).expect("rejected rows end nothing");
    assert_eq!(summary.outcome, Outcome::Finished);
    Endings { rows: rows(&bench, table), letters: letters(&bench) }
}

fn rows(bench: &Workbench, table: &str) -> BTreeMap<u64, BTreeMap<String, String>> {
    let names = format!("select name from pragma_table_info('{table}') order by cid");
    let names = bench.query("wagers.db", &names);
    let mut rows = BTreeMap::new();
    for row in bench.query("wagers.db", &format!("select * from {table}")).lines() {
        let row: BTreeMap<String, String> =
            names.lines().map(str::to_owned).zip(row.split('|').map(str::to_owned)).collect();
        let line = row["line"].parse().expect("lines have numbers");
        assert!(rows.insert(line, row).is_none(), "line {line} gave two rows");
    }
    rows
}

fn letters(bench: &Workbench) -> BTreeMap<u64, Letter> {
    let sql = "select position, stage, coalesce(\"column\", '-'), reason, input from dead_letters";
    let mut letters = BTreeMap::new();
    for letter in bench.query("dead.db", sql).lines() {
        let cells: Vec<&str> = letter.splitn(5, '|').collect();
        let [position, stage, column, reason, input] = cells[..] else { panic!("{letter}") };
        let (_, line) = position.rsplit_once(':').expect("a file and a line");
        let line = line.parse().expect("lines have numbers");
        let letter = Letter {
            stage: stage.to_owned(),
            column: column.to_owned(),
            reason: reason.to_owned(),
            input: input.to_owned(),
        };
        assert!(letters.insert(line, letter).is_none(), "line {line} gave two dead letters");
    }
    letters
}

/// What is wrong with the ending of a case, if anything.
fn fault(case: &Case, endings: &Endings, number: u64) -> Option<String> {
    let (row, letter) = (endings.rows.get(&number), endings.letters.get(&number));
    let found = match (row, letter) {
        (Some(row), None) => format!("{row:?}"),
        (None, Some(letter)) => format!("reject {}: {}", letter.column, letter.reason),
        (None, None) => "filtered".to_owned(),
        (Some(_), Some(_)) => "a row and a dead letter".to_owned(),
    };
    let right = match (case.ending.strip_prefix("reject "), row, letter) {
        (Some(ending), None, Some(letter)) => rejected_well(case, ending, letter),
        (None, Some(row), None) => case.ending.split(" | ").all(|cell| {
            let cell = cell.split_once('=');
            cell.is_some_and(|(column, value)| row.get(column).is_some_and(|found| found == value))
        }),
        (None, None, None) => case.ending == "filtered",
        _ => false,
    };
    let line = String::from_utf8_lossy(&case.line);
    (!right).then(|| {
        format!("{}\n  {line}\n  should be {}\n  but was   {found}", case.about, case.ending)
    })
}

/// Whether a letter has the column, the reason, and as its input the line or a stage's row.
fn rejected_well(case: &Case, ending: &str, letter: &Letter) -> bool {
    let Some((column, reason)) = ending.split_once(": ") else { return false };
    let reason = reason.escape_debug().to_string();
    let has_input = match letter.stage.as_str() {
        "wagers" => letter.input == as_input(&case.line),
        _ => letter.input.starts_with("{\\\"wager_id\\\":"),
    };
    has_input && letter.column == column && letter.reason.contains(&reason)
}

/// A line as a dead letter holds it, and a query shows it: bytes that are no UTF-8 stand as `\xFF`.
fn as_input(line: &[u8]) -> String {
    let mut text = String::new();
    for chunk in line.strip_suffix(b"\r").unwrap_or(line).utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text.escape_debug().to_string()
}

fn check(cases: &[Case], endings: &Endings) {
    let faults: Vec<String> =
        (1..).zip(cases).filter_map(|(number, case)| fault(case, endings, number)).collect();
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// The lines of the cases, each ended by `\n`.
fn file(cases: &[Case]) -> Vec<u8> {
    cases.iter().flat_map(|case| [&case.line[..], b"\n"].concat()).collect()
}

#[test]
fn every_case_of_the_files_ends_as_documented() {
    for (name, table, at_least) in [
        ("wagers.txt", "ods_wagers", 75),
        ("numbers.txt", "ods_wagers", 105),
        ("rtp.txt", "enriched", 20),
    ] {
        let cases = read_cases(name);
        assert!(cases.len() >= at_least, "{name} has only {} cases", cases.len());
        check(&cases, &run(&file(&cases), table));
    }
}

#[test]
fn the_table_has_its_columns_in_order() {
    let bench = Workbench::new(&PIPELINE.replace("line = { meta = \"line\" }\n", ""));
    bench.write("wagers.jsonl", "{\"payload\":{\"_id\":\"a\",\"version\":1}}\n");
    bench.write("games.csv", GAMES);
    bench.run(&RunOptions::default()).expect("it ends");
    let columns = |table: &str| {
        let sql = format!("select name from pragma_table_info('{table}') order by cid");
        let names = bench.query("wagers.db", &sql);
        let own = |name: &&str| !name.starts_with('_');
        names.lines().filter(own).map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let ods = "wager_id game_id game_session_id user_id version total_bet total_win total_lose \
               begin_time end_time last_update_time is_completed event_count net_amount \
               processed_at";
    assert_eq!(columns("ods_wagers"), ods);
    assert_eq!(columns("enriched"), format!("{ods} provider theoretical_rtp rtp rtp_difference"));
}

/// A wager of version 1 with one more member, of any bytes.
fn with(id: &str, member: &[u8]) -> Vec<u8> {
    let head = format!("{{\"payload\":{{\"_id\":\"{id}\",\"version\":1,");
    [head.as_bytes(), member, b"}}"].concat()
}

fn nested(levels: usize) -> Vec<u8> {
    format!("\"note\":{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes()
}

#[test]
fn bytes_that_are_no_text_and_deep_nesting_are_rejects() {
    let control = "reject -: control";
    let utf8 = "reject -: UTF-8";
    let cases = [
        Case::new(
            "a raw control character in a column",
            with("c1", b"\"userId\":\"a\x01b\""),
            control,
        ),
        Case::new("one in a member that nothing uses", with("c2", b"\"note\":\"a\x1fb\""), control),
        Case::new("a raw tab", with("c3", b"\"note\":\"a\tb\""), control),
        Case::new("DEL is none", with("c4", b"\"userId\":\"a\x7fb\""), "wager_id=c4"),
        Case::new("invalid UTF-8 in a column", with("u1", b"\"userId\":\"\xff\""), utf8),
        Case::new("in a member that nothing uses", with("u2", b"\"note\":\"\xc3(\""), utf8),
        Case::new("a surrogate in UTF-8", with("u3", b"\"userId\":\"\xed\xa0\x80\""), utf8),
        Case::new("an overlong form", with("u4", b"\"note\":\"\xc0\xaf\""), utf8),
        Case::new("in a name", with("u5", b"\"\xfe\":1"), utf8),
        Case::new(
            "the line around it is sound",
            with("ok", b"\"userId\":\"\xc3\xa9\""),
            "user_id=é",
        ),
        Case::new(
            "nesting to the fixed depth",
            with("deep", &nested(MAX_DEPTH - 2)),
            "wager_id=deep",
        ),
        Case::new("nesting beyond it", with("deeper", &nested(MAX_DEPTH - 1)), "reject -: nesting"),
        Case::new("far beyond it", with("abyss", &nested(30_000)), "reject -: nesting"),
    ];
    check(&cases, &run(&file(&cases), "ods_wagers"));
}

#[test]
fn a_mark_at_the_start_blank_lines_and_crlf_are_accepted() {
    let wager = |id: &str| with(id, b"\"totalBet\":1");
    let cases = [
        Case::new("after the mark", wager("first"), "wager_id=first | total_bet=1.00"),
        Case::new("CRLF", [wager("crlf"), b"\r".to_vec()].concat(), "wager_id=crlf"),
        Case::new("a blank line", "", "filtered"),
        Case::new("a blank line with CRLF", "\r", "filtered"),
        Case::new("a blank line of space", " \t ", "filtered"),
        Case::new("a bad line with CRLF", "{\"payload\":01}\r", "reject -: expected"),
        Case::new(
            "a mark elsewhere",
            [b"\xef\xbb\xbf".to_vec(), wager("late")].concat(),
            "reject -: expected a value",
        ),
        Case::new("no newline at the end", wager("last"), "wager_id=last"),
    ];
    let mut input = [b"\xef\xbb\xbf".to_vec(), file(&cases)].concat();
    assert_eq!(input.pop(), Some(b'\n'));
    check(&cases, &run(&input, "ods_wagers"));
}
