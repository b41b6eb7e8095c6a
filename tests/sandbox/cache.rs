//! Compiled artifacts are kept, found again, and never trusted blindly.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use millrace::sandbox::{
    Artifact, CacheError, CacheFolder, LoadError, Sandbox, SandboxConfig, SandboxError,
};
use millrace_tests::module;
use serde_json::json;

use super::support::{context, id};

fn config(folder: &Path) -> SandboxConfig {
    SandboxConfig { cache: CacheFolder::At(folder.to_owned()), ..SandboxConfig::default() }
}

/// Loads the empty guest as a new process would, and shows that it works.
fn load(config: &SandboxConfig) -> Artifact {
    let sandbox = Sandbox::new(config).expect("the sandbox starts");
    let artifact = sandbox.load(module("empty_guest.wasm")).expect("the guest loads");
    artifact.open(&context(json!({}), id())).expect("the guest opens");
    artifact
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is readable");
    entries.map(|entry| entry.expect("the folder is readable").path()).collect()
}

fn only_file(folder: &Path) -> PathBuf {
    let files = files(folder);
    let [file] = &files[..] else { panic!("one artifact is kept: {files:?}") };
    file.clone()
}

#[test]
fn the_second_process_does_not_compile() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    assert!(!load(&config(&cache)).from_cache());
    let again = load(&config(&cache));
    assert!(again.from_cache());
    assert!(only_file(&cache).file_name().unwrap().to_str().unwrap().starts_with(again.hash()));
}

#[test]
fn a_damaged_or_stale_file_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    load(&config);
    let path = only_file(folder.path());
    let whole = fs::read(&path).unwrap();
    // In the magic, in the engine's fingerprint, in the code's hash, in the code, and cut short.
    let mut spoilt: Vec<Vec<u8>> = [0, 20, 90, whole.len() - 1]
        .into_iter()
        .map(|index| {
            let mut bytes = whole.clone();
            bytes[index] ^= 0x40;
            bytes
        })
        .collect();
    spoilt.push(whole[..whole.len() / 2].to_vec());
    spoilt.push(Vec::new());
    for bytes in spoilt {
        fs::write(&path, &bytes).unwrap();
        assert!(!load(&config).from_cache());
        assert_eq!(only_file(folder.path()), path);
        assert_eq!(fs::read(&path).unwrap().len(), whole.len());
        assert!(load(&config).from_cache());
    }
}

#[test]
fn code_with_and_without_deadlines_is_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let bounded = config(folder.path());
    let unbounded = SandboxConfig { deadlines: false, ..bounded.clone() };
    assert!(!load(&bounded).from_cache());
    assert!(!load(&unbounded).from_cache());
    assert!(load(&bounded).from_cache());
    assert!(load(&unbounded).from_cache());
    assert_eq!(files(folder.path()).len(), 2);
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
    match Sandbox::new(&config(folder.path())) {
        Err(SandboxError::Load(LoadError::Cache(CacheError::NotOurs {
            folder: found, ..
        }))) => {
            assert_eq!(found, folder.path());
        }
        other => panic!("others could put code there: {other:?}"),
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(!load(&config(&file.join("cache"))).from_cache());
}

#[test]
fn without_a_cache_each_process_compiles() {
    let off = SandboxConfig { cache: CacheFolder::Off, ..SandboxConfig::default() };
    assert!(!load(&off).from_cache());
    assert!(!load(&off).from_cache());
}
