//! Which segments are merged into one, and the thread that does it.

use std::mem;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use super::file::SegmentFile;
use super::merge::{self, Merged};
use super::writer::SegmentWriter;
use super::{StateLimits, StateSegment, StoreError, UNSEALED, remove};

/// The segments that are to be merged now, if any: neighbours, so that order is kept.
///
/// All of them where the newer ones outweigh the oldest, which bounds the whole to twice what the
/// oldest was when it was made. The same where the newer ones delete half as many entries as it
/// has; these are small, so that they count from an eighth of its size on, or a large state beside
/// a busy small one would be written again with each save. Otherwise the newest ones of about one
/// size: a segment is not merged with others that are smaller than it even together.
pub(super) fn due(segments: &[StateSegment], limits: &StateLimits) -> Option<Range<usize>> {
    let (oldest, newer) = segments.split_first().filter(|(_, newer)| !newer.is_empty())?;
    let all = segments.len();
    let bytes: u64 = newer.iter().map(|segment| segment.bytes).sum();
    let deletes: u64 = newer.iter().map(|segment| segment.deletes).sum();
    let emptied = deletes.saturating_mul(2) > oldest.entries;
    let outweighed = bytes > oldest.bytes || (emptied && bytes.saturating_mul(8) > oldest.bytes);
    if outweighed && oldest.bytes.saturating_add(bytes) > limits.small_bytes {
        return Some(0..all);
    }
    let (mut start, mut sum) = (all, 0);
    while let Some(segment) = start.checked_sub(1).and_then(|before| segments.get(before)) {
        let size = segment.bytes.max(limits.small_bytes);
        if start < all && size > sum {
            break;
        }
        sum = size.saturating_add(sum);
        start -= 1;
    }
    if all - start >= limits.tier.max(2) {
        return Some(start..all);
    }
    // Each is larger than all that are newer together, so there are few; should they be many, the
    // newest go.
    (all >= limits.segments / 2).then_some(all / 2..all).filter(|range| range.len() > 1)
}

/// What is to be merged, and into what.
pub(super) struct Job {
    pub(super) folder: PathBuf,
    /// Neighbours, the oldest first.
    pub(super) segments: Vec<StateSegment>,
    /// Whether nothing is older than they are.
    pub(super) oldest: bool,
    /// How the file is called while it is written, without the ending.
    pub(super) stem: String,
    /// How it is called then.
    pub(super) file: String,
    pub(super) limits: StateLimits,
}

/// A merge under way. Dropped, it is stopped, and what it wrote is removed.
pub(super) struct Compaction {
    /// The first of the segments that are merged.
    first: String,
    /// How many they are.
    segments: usize,
    folder: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Option<StateSegment>, StoreError>>>,
}

impl Compaction {
    /// Starts to merge.
    pub(super) fn start(job: Job) -> Result<Self, StoreError> {
        let first = job.segments.first().map(|segment| segment.file.clone()).unwrap_or_default();
        let (segments, folder) = (job.segments.len(), job.folder.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("compaction".to_owned())
            .spawn(move || run(&job, &stopped))
            .map_err(StoreError::state("start a thread that compacts", &folder))?;
        Ok(Self { first, segments, folder, stop, thread: Some(thread) })
    }

    /// Whether the result is there.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for the result and puts it in the place of what was merged.
    pub(super) fn finish(mut self, segments: &mut Vec<StateSegment>) -> Result<(), StoreError> {
        let panicked = || std::io::Error::other("the thread that compacts panicked");
        let merged = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(merged)) => merged?,
            _ => return Err(StoreError::state("compact", &self.folder)(panicked())),
        };
        // The log grows at its end only, so what was merged still lies together.
        let start = segments.iter().position(|segment| segment.file == self.first);
        let start = start.expect("only a compaction takes segments from the log");
        drop(segments.splice(start..start + self.segments, merged));
        Ok(())
    }
}

impl Drop for Compaction {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.store(true, Ordering::Relaxed);
            // Nobody waits for the result. The folder is the next user's when this returns.
            drop(thread.join());
        }
    }
}

/// Merges all runs of a job into one, in several passes where they are many; `None` if nothing is
/// left, or if it was stopped.
fn run(job: &Job, stop: &AtomicBool) -> Result<Option<StateSegment>, StoreError> {
    let mut runs = Vec::new();
    for segment in &job.segments {
        let (file, places) = SegmentFile::open(&job.folder, segment)?;
        runs.extend(merge::runs(file, places));
    }
    let most = job.limits.runs.max(2);
    let mut passes = 0;
    loop {
        let last = runs.len() <= most;
        let file = if last { job.file.clone() } else { format!("{}-{passes}{UNSEALED}", job.stem) };
        let mut writer = SegmentWriter::create(&job.folder, &job.stem, job.limits.block_bytes)?;
        let mut oldest = job.oldest;
        while !runs.is_empty() {
            let rest = runs.split_off(most.min(runs.len()));
            let part = mem::replace(&mut runs, rest);
            if merge::merge(part, oldest, &mut writer, stop)? == Merged::Stopped {
                return Ok(None);
            }
            oldest = false;
        }
        let sealed = writer.seal(file)?;
        let (false, Some(between)) = (last, &sealed) else { return Ok(sealed) };
        let (file, places) = SegmentFile::open(&job.folder, between)?;
        // It is read without a name, so that nothing of it is left whatever happens.
        remove(&job.folder, [&between.file])?;
        runs = merge::runs(file, places);
        passes += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: StateLimits =
        StateLimits { block_bytes: 64, tier: 4, segments: 16, runs: 4, small_bytes: 10 };

    fn check(bytes: &[u64], expected: Option<Range<usize>>) {
        let segment = |bytes: &u64| StateSegment {
            file: String::new(),
            bytes: *bytes,
            entries: 100,
            deletes: 0,
            checksum: String::new(),
        };
        let segments: Vec<StateSegment> = bytes.iter().map(segment).collect();
        assert_eq!(due(&segments, &LIMITS), expected, "{bytes:?}");
    }

    #[test]
    fn what_outweighs_the_oldest_is_merged_with_it() {
        check(&[], None);
        check(&[1_000], None);
        check(&[1_000, 1_000], None);
        check(&[1_000, 600, 401], Some(0..3));
        check(&[2, 3], None);
    }

    #[test]
    fn neighbours_of_one_size_are_merged() {
        check(&[1_000, 10, 10, 10], None);
        check(&[1_000, 10, 10, 10, 10], Some(1..5));
        check(&[1_000, 100, 40, 1, 1, 1], None);
        check(&[1_000, 100, 40, 1, 1, 1, 1], Some(2..7));
        check(&[1, 1, 1, 1], Some(0..4));
    }

    #[test]
    fn many_deletes_call_for_a_merge() {
        let segment = |bytes, entries, deletes| StateSegment {
            file: String::new(),
            bytes,
            entries,
            deletes,
            checksum: String::new(),
        };
        let with = |bytes, deletes| {
            due(&[segment(8_000, 100, 0), segment(bytes, deletes, deletes)], &LIMITS)
        };
        assert_eq!(with(1_100, 51), Some(0..2));
        assert_eq!(with(1_100, 50), None);
        assert_eq!(with(900, 60), None);
    }
}
