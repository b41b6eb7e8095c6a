//! The store against real folders, kills being simulated by what they leave behind.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn open(folder: &Path) -> Result<Opened, StoreError> {
    CheckpointStore::open(folder, "p")
}

fn error(folder: &Path, pipeline: &str) -> StoreError {
    CheckpointStore::open(folder, pipeline).err().expect("a refusal")
}

#[test]
fn a_store_keeps_its_name_and_what_was_written() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("deep/down/store");
    let Opened { store, last } = open(&place).unwrap();
    assert_eq!(last, None);
    let name = store.incarnation().to_owned();
    store.write(&Checkpoint { epoch: 0, time: 7, ..Checkpoint::default() }).unwrap();
    assert!(store.segments("s").unwrap().ends_with("segments/s"));
    drop(store);
    let Opened { store, last } = open(&place).unwrap();
    assert_eq!(store.incarnation(), name);
    assert_eq!(last.unwrap().time, 7);
    assert!(!place.join("checkpoints.redb.new").exists());
}

#[test]
fn a_store_has_one_user_from_its_first_moment_on() {
    let folder = TempDir::new().unwrap();
    let opened = open(folder.path()).unwrap();
    assert!(matches!(error(folder.path(), "p"), StoreError::InUse { .. }));
    drop(opened);
    drop(open(folder.path()).unwrap());

    // One that has the lock, but has not made the database yet.
    let other = TempDir::new().unwrap();
    let lock = fs::File::create(other.path().join("lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(error(other.path(), "p"), StoreError::InUse { .. }));
    assert!(!other.path().join("checkpoints.redb").exists());
    drop(lock);
    open(other.path()).unwrap();
}

#[test]
fn a_store_that_is_closed_is_free_whoever_still_has_a_copy_of_its_files() {
    let folder = TempDir::new().unwrap();
    let Opened { store, .. } = open(folder.path()).unwrap();
    let copy = store.copy_of_lock();
    drop(store);
    open(folder.path()).expect("nobody uses it");
    drop(copy);
}

#[test]
fn a_kill_while_the_store_is_made_leaves_one_that_can_be_made() {
    let folder = TempDir::new().unwrap();
    for left in [&b""[..], &[0; 4096]] {
        fs::write(folder.path().join("checkpoints.redb.new"), left).unwrap();
        fs::write(folder.path().join("lock"), "").unwrap();
        drop(open(folder.path()).unwrap());
        assert!(!folder.path().join("checkpoints.redb.new").exists());
        fs::remove_file(folder.path().join("checkpoints.redb")).unwrap();
    }
}

#[test]
fn a_store_that_was_emptied_is_not_taken_for_a_new_one() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()).unwrap());
    fs::write(folder.path().join("checkpoints.redb"), "").unwrap();
    assert!(matches!(error(folder.path(), "p"), StoreError::Open { .. }));
}

#[test]
fn a_store_is_of_one_pipeline() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()).unwrap());
    let error = error(folder.path(), "other");
    assert!(matches!(error, StoreError::Mismatch { what: "pipeline", .. }), "{error}");
}

#[test]
fn folders_are_made_with_all_that_leads_to_them() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("a/b/../c");
    create_folder(&deep).unwrap();
    create_folder(&deep).unwrap();
    assert!(folder.path().join("a/c").is_dir() && folder.path().join("a/b").is_dir());
    create_folder(Path::new("")).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(create_folder(&folder.path().join("file")).is_err());
    assert!(create_folder(&folder.path().join("file/below")).is_err());
}

#[test]
fn what_is_to_be_repeated_stays_until_it_has_been() {
    let folder = TempDir::new().unwrap();
    let Opened { store, .. } = open(folder.path()).unwrap();
    let checkpoint = |epoch| Checkpoint { epoch, ..Checkpoint::default() };
    let repeat = |epoch| Repeat {
        target: checkpoint(epoch),
        shown: [
            ("a".to_owned(), Shown::Whole),
            ("b".to_owned(), Shown::Part(serde_json::json!({ "parts": [1] }))),
        ]
        .into(),
    };
    store.write(&checkpoint(3)).unwrap();
    assert_eq!(store.go_back(&repeat(3)).unwrap(), None, "there is none before");
    assert_eq!(store.repeat().unwrap(), None, "and nothing is changed then");
    store.write(&checkpoint(4)).unwrap();
    store.confirm(4, "a").unwrap();
    assert_eq!(store.go_back(&repeat(4)).unwrap(), Some(checkpoint(3)));
    drop(store);

    let Opened { store, last } = open(folder.path()).unwrap();
    assert_eq!(last, Some(checkpoint(3)));
    assert_eq!(store.repeat().unwrap(), Some(repeat(4)));
    assert!(!store.is_confirmed(4, "a").unwrap(), "the repeat says what is visible");
    store.write_confirmed(&checkpoint(4), &["a".to_owned()].into()).unwrap();
    assert_eq!(store.repeat().unwrap(), None);
    assert!(store.is_confirmed(4, "a").unwrap() && !store.is_confirmed(4, "b").unwrap());
}

#[test]
fn whether_a_store_is_in_use_is_seen_without_using_it() {
    let folder = TempDir::new().unwrap();
    let in_use = || CheckpointStore::is_in_use(folder.path()).unwrap();
    assert!(!in_use(), "there is none");
    let opened = open(folder.path()).unwrap();
    assert!(in_use() && in_use());
    drop(opened);
    assert!(!in_use());
    drop(open(folder.path()).expect("a look leaves no lock behind"));
}
