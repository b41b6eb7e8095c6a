//! Logs in real folders against a map that takes every entry in order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::compaction::{Compaction, Job};
use super::entries::{APPEND, DELETE, Entry, PUT};
use super::*;

/// Small enough that a handful of entries makes blocks, tiers and passes.
const LIMITS: StateLimits =
    StateLimits { block_bytes: 64, tier: 2, segments: 4, runs: 2, small_bytes: 300 };

const ALL: Range<u16> = 0..KEY_GROUPS;

/// A value's key by number, its action, and a value.
type Change = (u16, u8, Vec<u8>);

type Identity = (u16, u32, Vec<u8>, Vec<u8>);

/// What a transform would have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model(BTreeMap<Identity, Vec<u8>>);

impl Model {
    fn apply(&mut self, entries: &StateEntries) {
        for index in 0..entries.len() {
            let Entry { group, state, key, sub_key, action, value } = entries.entry(index);
            let identity = (group, state, key.to_vec(), sub_key.to_vec());
            match action {
                PUT => drop(self.0.insert(identity, value.to_vec())),
                DELETE => drop(self.0.remove(&identity)),
                _ => self.0.entry(identity).or_default().extend_from_slice(value),
            }
        }
    }
}

fn entries(changes: &[Change]) -> StateEntries {
    let mut entries = StateEntries::default();
    for (number, action, value) in changes {
        let key = number.to_be_bytes();
        entries.push(&Entry {
            group: number * 191 % KEY_GROUPS,
            state: u32::from(number % 3),
            key: &key,
            sub_key: &key[..usize::from(number % 2)],
            action: *action,
            value: if *action == DELETE { &[] } else { value },
        });
    }
    entries
}

fn log(folder: &Path, segments: Vec<StateSegment>) -> StateLog {
    StateLog::open(folder.to_owned(), "stage-0".to_owned(), segments, LIMITS)
}

fn read(folder: &Path, segments: &[StateSegment], groups: Range<u16>) -> Result<Model, StoreError> {
    let mut model = Model::default();
    for chunk in StateReader::open(folder, segments, groups.clone())? {
        let chunk = chunk?;
        assert!(chunk.are_sound() && !chunk.is_empty());
        assert!(chunk.groups.iter().all(|group| groups.contains(group)));
        model.apply(&chunk);
    }
    Ok(model)
}

/// One segment a list of saves, each of which is a run.
fn written(folder: &Path, saves: &[&[Change]]) -> StateSegment {
    let mut log = log(folder, Vec::new());
    for save in saves {
        log.append(entries(save)).unwrap();
    }
    let mut segments = log.seal(1).unwrap();
    assert_eq!(segments.len(), 1);
    segments.remove(0)
}

/// Merges some segments of a log, here and now.
fn compact(folder: &Path, segments: &mut Vec<StateSegment>, range: Range<usize>, name: usize) {
    let job = Job {
        folder: folder.to_owned(),
        segments: segments[range.clone()].to_vec(),
        oldest: range.start == 0,
        stem: format!("merged-{name}"),
        file: format!("merged-{name}{ENDING}"),
        limits: LIMITS,
    };
    Compaction::start(job).unwrap().finish(segments).unwrap();
}

fn names(folder: &Path) -> BTreeSet<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    fs::read_dir(folder).unwrap().map(|entry| name(entry.unwrap())).collect()
}

fn files(segments: &[StateSegment]) -> BTreeSet<String> {
    segments.iter().map(|segment| segment.file.clone()).collect()
}

/// What happens to a log.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Change>),
    Seal,
    /// The process dies, and another goes on from the last checkpoint.
    Reopen,
}

fn change() -> impl Strategy<Value = Change> {
    (0_u16..8, PUT..=APPEND, vec(any::<u8>(), 0..40))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => vec(change(), 0..12).prop_map(Step::Append),
        3 => Just(Step::Seal),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_log_says_what_its_saves_said(steps in vec(step(), 1..40)) {
        let folder = TempDir::new().unwrap();
        let folder = folder.path();
        let (mut named, mut sealed) = (Vec::new(), Model::default());
        let mut log = log(folder, Vec::new());
        let mut model = Model::default();
        for (epoch, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append(changes) => {
                    let entries = entries(&changes);
                    model.apply(&entries);
                    log.append(entries).unwrap();
                }
                Step::Seal => {
                    let before = std::mem::replace(&mut named, log.seal(epoch as u64).unwrap());
                    prop_assert!(named.len() < LIMITS.segments);
                    prop_assert_eq!(log.segments(), &*named);
                    sealed = model.clone();
                    prop_assert_eq!(&read(folder, &named, ALL).unwrap(), &sealed);
                    let kept = files(&named);
                    remove(folder, files(&before).difference(&kept)).unwrap();
                }
                Step::Reopen => {
                    drop(log);
                    sweep(folder, &files(&named)).unwrap();
                    prop_assert_eq!(names(folder), files(&named));
                    log = self::log(folder, named.clone());
                    model = sealed.clone();
                }
            }
        }
        let mut whole = Model::default();
        for groups in [0..190, 190..191, 191..600, 600..KEY_GROUPS] {
            whole.0.extend(read(folder, &named, groups).unwrap().0);
        }
        prop_assert_eq!(whole, sealed);
    }

    #[test]
    fn merging_neighbours_changes_nothing(
        saves in vec(vec(vec(change(), 1..6), 1..4), 1..8),
        ranges in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let folder = TempDir::new().unwrap();
        let folder = folder.path();
        let mut model = Model::default();
        let mut segments = Vec::new();
        for runs in &saves {
            runs.iter().for_each(|run| model.apply(&entries(run)));
            let runs: Vec<&[Change]> = runs.iter().map(Vec::as_slice).collect();
            segments.push(written(folder, &runs));
        }
        for (name, (start, end)) in ranges.iter().enumerate() {
            if segments.is_empty() {
                break;
            }
            let start = start.index(segments.len());
            let end = start + 1 + end.index(segments.len() - start);
            compact(folder, &mut segments, start..end, name);
            prop_assert_eq!(&read(folder, &segments, ALL).unwrap(), &model);
        }
        let all = segments.len();
        if all > 0 {
            compact(folder, &mut segments, 0..all, ranges.len());
        }
        // All that is left is what there is, once.
        let left: u64 = segments.iter().map(|segment| segment.entries).sum();
        prop_assert_eq!(left, model.0.len() as u64);
        prop_assert_eq!(&read(folder, &segments, ALL).unwrap(), &model);
    }
}

#[test]
fn a_delete_stays_while_something_older_may_be_there() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let saves: [&[Change]; 3] =
        [&[(1, PUT, vec![1])], &[(1, PUT, vec![2])], &[(1, DELETE, vec![])]];
    let mut segments: Vec<StateSegment> = saves.map(|save| written(folder, &[save])).into();
    compact(folder, &mut segments, 1..3, 0);
    assert_eq!(segments.iter().map(|segment| segment.deletes).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(read(folder, &segments, ALL).unwrap(), Model::default());
    compact(folder, &mut segments, 0..2, 1);
    assert!(segments.is_empty());
}

#[test]
fn a_save_without_entries_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("deep/state");
    let mut log = log(&place, Vec::new());
    log.append(StateEntries::default()).unwrap();
    assert!(log.seal(1).unwrap().is_empty());
    assert!(!place.exists());
    log.append(entries(&[(1, PUT, vec![1])])).unwrap();
    let segments = log.seal(2).unwrap();
    assert_eq!(names(&place), files(&segments));
    assert_eq!(log.seal(3).unwrap(), segments);
}

#[test]
fn what_a_dead_run_left_is_swept() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let kept = written(folder, &[&[(1, PUT, vec![1])]]);
    let lost = written(folder, &[&[(2, PUT, vec![])]]);
    assert_ne!(kept.file, lost.file, "the same owner and epoch, but another run");
    fs::write(folder.join("stage-0-00-1.state.tmp"), "cut o").unwrap();
    fs::write(folder.join("stage-0-00-1.order"), "").unwrap();
    let keep = BTreeSet::from([kept.file.clone()]);
    sweep(folder, &keep).unwrap();
    assert_eq!(names(folder), BTreeSet::from([kept.file.clone()]));
    sweep(&folder.join("none"), &keep).unwrap();
    remove(folder, [&kept.file, &lost.file]).unwrap();
    assert_eq!(names(folder), BTreeSet::new());

    let mut log = log(folder, Vec::new());
    log.append(entries(&[(1, PUT, vec![1])])).unwrap();
    assert_eq!(names(folder).len(), 1);
    drop(log);
    assert_eq!(names(folder).len(), 0, "what is not sealed goes with the log");
}

#[test]
fn damaged_bytes_are_an_error_wherever_they_are() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let segment = written(
        folder,
        &[&[(1, PUT, vec![7; 20]), (2, APPEND, vec![8; 20])], &[(1, DELETE, vec![])]],
    );
    let path = folder.join(&segment.file);
    let intact = fs::read(&path).unwrap();
    let problem = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        read(folder, std::slice::from_ref(&segment), ALL).expect_err("it is damaged").to_string()
    };
    for at in 0..intact.len() {
        for flipped in [1, 0x80, 0xff] {
            let mut bytes = intact.clone();
            bytes[at] ^= flipped;
            let problem = problem(&bytes);
            assert!(problem.contains(&segment.file), "{at}: {problem}");
        }
        assert!(problem(&intact[..at]).contains("bytes where"));
    }
    fs::write(&path, &intact).unwrap();
    assert_eq!(read(folder, std::slice::from_ref(&segment), ALL).unwrap().0.len(), 1);
    fs::remove_file(&path).unwrap();
    let error = read(folder, &[segment], ALL).unwrap_err();
    assert!(error.to_string().contains("it is missing"), "{error}");
}

#[test]
fn a_log_that_cannot_be_compacted_goes_on_until_it_is_too_long() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let mut log = log(folder, Vec::new());
    for epoch in 1..4 {
        log.append(entries(&[(1, PUT, vec![1])])).unwrap();
        let segments = log.seal(epoch).unwrap();
        assert_eq!(segments.len() as u64, epoch);
        if epoch == 1 {
            fs::remove_file(folder.join(&segments[0].file)).unwrap();
        }
    }
    log.append(entries(&[(1, PUT, vec![1])])).unwrap();
    let error = log.seal(4).unwrap_err();
    assert!(matches!(error, StoreError::StateUncompacted { segments: 4, .. }), "{error}");
}

#[test]
fn a_log_is_not_much_longer_than_what_it_says() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let value = |number: u16| (number, PUT, vec![0; 30]);
    let whole: Vec<Change> = (0..50).map(value).collect();
    let compacted = written(folder, &[&whole]).bytes;
    let mut log = log(folder, Vec::new());
    for epoch in 0..200_u16 {
        let save: Vec<Change> = (0..5).map(|index| value((epoch * 5 + index) % 50)).collect();
        log.append(entries(&save)).unwrap();
        let segments = log.seal(epoch.into()).unwrap();
        let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
        assert!(segments.len() < LIMITS.segments);
        assert!(bytes <= 4 * (compacted + LIMITS.small_bytes), "{bytes} for {compacted}");
    }
}

#[test]
fn a_million_entries_are_read_in_one_pass() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let limits = StateLimits::default();
    let mut log = StateLog::open(folder.to_owned(), "large".to_owned(), Vec::new(), limits);
    for chunk in 0..10_u32 {
        let mut entries = StateEntries::default();
        for number in chunk * 100_000..(chunk + 1) * 100_000 {
            let key = number.to_be_bytes();
            let group = (number % u32::from(KEY_GROUPS)) as u16;
            let (state, action) = (0, PUT);
            entries.push(&Entry { group, state, key: &key, sub_key: &[], action, value: &key });
        }
        log.append(entries).unwrap();
    }
    let segments = log.seal(1).unwrap();
    let (mut entries, mut half, mut sum) = (0, 0, 0);
    for chunk in StateReader::open(folder, &segments, ALL).unwrap() {
        let chunk = chunk.unwrap();
        assert!(chunk.bytes() <= 1 << 20);
        entries += chunk.len();
        for index in 0..chunk.len() {
            let value = chunk.values.value(index);
            assert_eq!(value, chunk.keys.value(index));
            sum += u64::from(u32::from_be_bytes(value.try_into().unwrap()));
        }
    }
    for chunk in StateReader::open(folder, &segments, 0..KEY_GROUPS / 2).unwrap() {
        half += chunk.unwrap().len();
    }
    assert_eq!((entries, sum), (1_000_000, 999_999 * 1_000_000 / 2));
    assert!((499_000..501_000).contains(&half), "{half}");
}
