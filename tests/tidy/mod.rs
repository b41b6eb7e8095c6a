//! What can be checked about the tree itself: imports point one way, names keep to their rooms.

use std::fs;
use std::path::{Path, PathBuf};

use millrace_tests::root;

/// The modules of the host, each allowed to use those in earlier groups, and its own.
const LAYERS: [&[&str]; 13] = [
    &["telemetry"],
    &["record"],
    &["format"],
    &["checkpoint"],
    &["source"],
    &["sink"],
    &["table"],
    &["sandbox"],
    &["stage"],
    &["config"],
    &["pipeline"],
    &["supervisor"],
    &["cli"],
];

/// Modules of one level that never see each other.
const APART: [(&str, &[&str]); 4] = [
    ("source", &["sink", "table", "sandbox"]),
    ("sink", &["source", "table", "sandbox"]),
    ("table", &["source", "sink", "sandbox"]),
    ("sandbox", &["source", "sink", "table"]),
];

/// Words that only some rooms may say, and those rooms.
const KEPT: [(&str, &[&str]); 4] = [
    ("wasmtime", &["sandbox"]),
    ("toml::", &["config"]),
    ("redb::", &["checkpoint"]),
    ("rusqlite", &["sink", "table/sqlite"]),
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code of a file: without comments, so that prose may name anything.
fn code(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("the file is readable");
    text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned()).collect()
}

fn level(module: &str) -> Option<usize> {
    LAYERS.iter().position(|group| group.contains(&module))
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    for layer in LAYERS.concat() {
        let own = level(layer).expect("it is listed");
        let apart =
            APART.iter().find(|(name, _)| *name == layer).map_or(&[][..], |(_, others)| others);
        for path in rust_files(&root().join("host/src").join(layer)) {
            for (number, line) in code(&path).iter().enumerate() {
                for used in line.split("crate::").skip(1) {
                    let used: String =
                        used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    let Some(level) = level(&used) else { continue };
                    if level > own || apart.contains(&used.as_str()) {
                        wrong.push(format!(
                            "{}:{}: {layer} uses {used}",
                            path.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the order:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_place_in_the_order() {
    for entry in fs::read_dir(root().join("host/src")).expect("the host's sources") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            let name = path.file_name().expect("a folder has a name").to_string_lossy();
            assert!(level(&name).is_some(), "{name} is not in the order of modules");
        }
    }
}

#[test]
fn words_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("host/src")) {
        let inside = path.strip_prefix(root().join("host/src")).expect("it lies in it");
        for (word, rooms) in KEPT {
            if rooms.iter().any(|room| inside.starts_with(room)) {
                continue;
            }
            for (number, line) in code(&path).iter().enumerate() {
                if line.contains(word) {
                    wrong.push(format!(
                        "{}:{}: {word} outside of {}",
                        inside.display(),
                        number + 1,
                        rooms.join(", ")
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_short_enough_to_read() {
    let mut long = Vec::new();
    for folder in ["host", "guest-sdk", "transforms", "tests", "benches"] {
        for path in rust_files(&root().join(folder)) {
            let lines = fs::read_to_string(&path).expect("readable").lines().count();
            if lines > 500 {
                long.push(format!("{}: {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "over 500 lines:\n{}", long.join("\n"));
}
