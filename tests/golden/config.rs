//! Wrong configurations, one mistake a file, and exactly what is printed about each; the pipelines
//! of the tree, which are right; and the reference of all keys, which is fresh.

use std::fs;
use std::path::{Path, PathBuf};

use millrace::config::{self, Environment, Plan, Problems};
use millrace::sink::SinkKind;
use millrace_tests::{compare_golden, modules_dir, root, sandbox};
use tempfile::TempDir;

fn folder(name: &str) -> PathBuf {
    root().join("tests/golden/config").join(name)
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is readable");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// Modules that are wrong in one way each, made of a good one.
struct Broken(TempDir);

impl Broken {
    fn new() -> Self {
        let broken = Self(tempfile::tempdir().expect("a temporary folder"));
        let good = fs::read(modules_dir().join("identity.wasm")).expect("scripts/test builds it");
        broken.write("text.wasm", b"(module)\n");
        broken.write("version.wasm", &replaced(&good, "@1.0.0", "@2.0.0"));
        let import = replaced(&good, "millrace:transform/host@", "millrace:transform/wire@");
        broken.write("import.wasm", &import);
        broken
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).expect("the folder is writable");
    }
}

/// The bytes with every occurrence of a text replaced by another of the same length.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "lengths stand in front of names");
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    let mut count = 0;
    while let Some(found) =
        bytes[at..].windows(from.len()).position(|window| window == from.as_bytes())
    {
        at += found;
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        count += 1;
    }
    assert!(count > 0, "{from} is not in the module");
    bytes
}

fn load(path: &Path, broken: &Broken) -> Result<Plan, Problems> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let environment = Environment::from_variables([
        ("MODULES", text(&modules_dir())),
        ("BROKEN", text(broken.0.path())),
        ("EMPTY", String::new()),
        ("MANY", "many".to_owned()),
    ]);
    config::load(path, &environment, sandbox())
}

/// What is printed, without the places of this machine.
fn printed(text: &str, file: &Path, broken: &Broken) -> String {
    let folder = file.parent().expect("the file is in a folder");
    text.replace(&format!("{}/", folder.display()), "")
        .replace(&broken.0.path().display().to_string(), "${BROKEN}")
        .replace(&modules_dir().display().to_string(), "${MODULES}")
}

#[test]
fn each_mistake_is_told_once_and_well() {
    let broken = Broken::new();
    let files = toml_files(&folder("invalid"));
    assert!(files.len() >= 25, "only {} wrong configurations", files.len());
    for file in files {
        let problems =
            load(&file, &broken).err().unwrap_or_else(|| panic!("{} passes", file.display()));
        let text = printed(&problems.render(false), &file, &broken);
        assert_eq!(problems.errors(), 1, "{} has one mistake:\n{text}", file.display());
        compare_golden(&file.with_extension("err"), &text);
    }
}

#[test]
fn several_mistakes_are_found_at_once() {
    let broken = Broken::new();
    let file = folder("together.toml");
    let problems = load(&file, &broken).expect_err("it has mistakes");
    let text = printed(&problems.render(false), &file, &broken);
    compare_golden(&file.with_extension("err"), &text);
    let json = serde_json::to_string_pretty(&problems.to_json()).expect("it is JSON");
    compare_golden(&file.with_extension("json"), &printed(&format!("{json}\n"), &file, &broken));
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let broken = Broken::new();
    for file in toml_files(&folder("warnings")) {
        let plan = load(&file, &broken).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(!plan.warnings.is_empty(), "{} has no warning", file.display());
        let text = printed(&plan.warnings.render(false), &file, &broken);
        compare_golden(&file.with_extension("err"), &text);
    }
}

#[test]
fn every_pipeline_of_the_tree_is_right() {
    let input = tempfile::NamedTempFile::new().expect("a temporary file");
    let environment = Environment::from_variables([
        ("WAGERS", &*input.path().to_string_lossy()),
        ("OUT", "out"),
        ("COUNT", "1000"),
        ("LOAD_URL", "http://fe:8030"),
        ("MYSQL_URL", "fe:9030"),
        ("USERNAME", "bench"),
        ("STARROCKS_USER", "loader"),
        ("DORIS_USER", "loader"),
    ]);
    for file in toml_files(&root().join("pipelines")) {
        let plan = config::load(&file, &environment, sandbox())
            .unwrap_or_else(|problems| panic!("{problems}"));
        assert!(plan.warnings.is_empty(), "{}", plan.warnings);
    }
}

#[test]
fn paths_of_the_caller_are_relative_to_where_the_caller_is() {
    let file = root().join("pipelines/wagers.toml");
    let environment = Environment::from_variables([("WAGERS", "wagers.jsonl"), ("OUT", "out")]);
    let plan = config::load(&file, &environment, sandbox())
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(plan.checkpoint.store, Path::new("out/checkpoints"));
    let SinkKind::Sqlite(sink) = &plan.sinks[0].config.kind else { panic!("it is a database") };
    assert_eq!(sink.path, Path::new("out/wagers.db"));
    let millrace::table::TableKind::File(games) = &plan.tables[0].kind else {
        panic!("it is a file")
    };
    assert_eq!(games.path, root().join("pipelines/games.csv"));
}

#[test]
fn the_main_pipeline_ends_in_the_columns_of_its_table() {
    let file = root().join("pipelines/wagers.toml");
    let environment = Environment::from_variables([("WAGERS", "wagers.jsonl"), ("OUT", "out")]);
    let plan = config::load(&file, &environment, sandbox())
        .unwrap_or_else(|problems| panic!("{problems}"));
    let columns: Vec<String> = plan.sinks[0]
        .schema
        .fields
        .iter()
        .map(|field| format!("{} {}", field.name, field.data_type))
        .collect();
    assert_eq!(
        columns,
        [
            "wager_id text",
            "game_id text",
            "game_session_id text",
            "user_id text",
            "version i64",
            "total_bet decimal(18,2)",
            "total_win decimal(18,2)",
            "total_lose decimal(18,2)",
            "begin_time timestamp",
            "end_time timestamp",
            "last_update_time timestamp",
            "is_completed bool",
            "event_count i32",
            "net_amount decimal(18,2)",
            "processed_at timestamp",
            "provider text",
            "theoretical_rtp decimal(18,4)",
            "rtp decimal(18,4)",
            "rtp_difference decimal(18,4)",
        ]
    );
}

#[test]
fn problems_show_variables_and_not_their_values() {
    let bench = tempfile::tempdir().expect("a temporary folder");
    let file = bench.path().join("pipeline.toml");
    // The variable stands wherever a value may stand, and is wrong everywhere.
    let text = "[pipeline]\nname = \"${SECRET}\"\ndelivery = \"${SECRET}\"\nstop_timeout = \"${SECRET}\"\n\
                batch = { rows = \"${SECRET}\", bytes = \"${SECRET}\" }\n\
                [sources.a]\ntype = \"file\"\nformat = \"${SECRET}\"\npath = \"x\"\n\
                [sources.a.columns]\nb = \"${SECRET}\"\nc = { meta = \"${SECRET}\" }\n\
                [sinks.d]\ntype = \"${SECRET}\"\ninput = \"a\"\n";
    fs::write(&file, text).expect("the folder is writable");
    let environment = Environment::from_variables([("SECRET", "hunter 2!")]);
    let problems = config::load(&file, &environment, sandbox()).expect_err("everything is wrong");
    let printed =
        format!("{}{}{problems:?}{environment:?}", problems.render(true), problems.to_json());
    assert!(problems.errors() >= 8, "{printed}");
    assert!(!printed.contains("hunter"), "{printed}");
}

#[test]
fn the_reference_of_all_keys_is_fresh() {
    compare_golden(&root().join("docs/configuration.md"), &config::reference());
}
