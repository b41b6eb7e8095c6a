//! The log of a stage: what its saves handed over.

use std::error::Error;
use std::path::PathBuf;

use rand::Rng;

use super::compaction::{self, Compaction, Job};
use super::entries::StateEntries;
use super::writer::SegmentWriter;
use super::{ENDING, StateLimits, StateSegment, StoreError};
use crate::record::Epoch;

/// The newer segments may be so many times larger than the oldest before a seal waits for the
/// compaction that is under way: saves come faster than it merges them.
const LAG: u64 = 3;

/// The log of a stage. Dropped, it removes what is not sealed and stops compacting.
pub struct StateLog {
    folder: PathBuf,
    owner: String,
    limits: StateLimits,
    /// A random number: no other run's files are called like this one's.
    attempt: u64,
    files: u64,
    segments: Vec<StateSegment>,
    open: Option<SegmentWriter>,
    compaction: Option<Compaction>,
}

impl StateLog {
    /// Goes on with a log of these segments, oldest first, whose files lie in `folder`. `owner`
    /// begins the names of new ones.
    #[must_use]
    pub fn open(
        folder: PathBuf,
        owner: String,
        segments: Vec<StateSegment>,
        limits: StateLimits,
    ) -> Self {
        let attempt = rand::rng().random();
        let (open, compaction) = (None, None);
        Self { folder, owner, limits, attempt, files: 0, segments, open, compaction }
    }

    /// The segments as the last seal named them.
    #[must_use]
    pub fn segments(&self) -> &[StateSegment] {
        &self.segments
    }

    /// Adds a chunk of a save, which is durable when it is sealed.
    ///
    /// # Errors
    /// [`StoreError::StateIo`]; the log is of no use then.
    ///
    /// # Panics
    /// If the columns do not belong together, or an entry has no group or action that exists:
    /// whoever takes entries from a guest checks them.
    pub fn append(&mut self, entries: StateEntries) -> Result<(), StoreError> {
        assert!(entries.are_sound(), "a chunk of state is checked when it is taken from a guest");
        if entries.is_empty() {
            return Ok(());
        }
        let writer = match &mut self.open {
            Some(writer) => writer,
            none => {
                self.files += 1;
                let stem = format!("{}-{:016x}-{}", self.owner, self.attempt, self.files);
                none.insert(SegmentWriter::create(&self.folder, &stem, self.limits.block_bytes)?)
            }
        };
        for (_, index) in entries.order() {
            writer.push(&entries.entry(index as usize))?;
        }
        writer.end_run()
    }

    /// Makes what was added since the last seal durable, and answers all segments that the
    /// checkpoint of `epoch` must name, oldest first. They take the place of those that the last
    /// one answered: what is named no more may go when no stored checkpoint names it.
    ///
    /// Compaction runs beside; its failure is logged, and the next seal starts it again.
    ///
    /// # Errors
    /// [`StoreError::StateIo`] if the segment cannot be made durable;
    /// [`StoreError::StateUncompacted`] if there are too many, and they cannot be made fewer.
    pub fn seal(&mut self, epoch: Epoch) -> Result<Vec<StateSegment>, StoreError> {
        if let Some(writer) = self.open.take() {
            let file = self.file(epoch);
            self.segments.extend(writer.seal(file)?);
        }
        if self.compaction.as_ref().is_some_and(Compaction::is_finished)
            && let Err(error) = self.take_over()
        {
            self.warn(&error);
        }
        while self.is_crowded() {
            let Err(error) = self.start(epoch).and_then(|()| self.take_over()) else { continue };
            if self.segments.len() >= self.most() {
                let (segments, folder) = (self.segments.len(), self.folder.clone());
                let source = Box::new(error);
                return Err(StoreError::StateUncompacted { folder, segments, source });
            }
            self.warn(&error);
            break;
        }
        if let Err(error) = self.start(epoch) {
            self.warn(&error);
        }
        Ok(self.segments.clone())
    }

    /// A name for a segment that is to be sealed.
    fn file(&mut self, epoch: Epoch) -> String {
        self.files += 1;
        let Self { owner, attempt, files, .. } = self;
        format!("{owner}-{epoch:020}-{attempt:016x}-{files}{ENDING}")
    }

    /// How many segments are too many.
    fn most(&self) -> usize {
        self.limits.segments.max(4)
    }

    /// Whether compaction has to be waited for. One is under way then, or due.
    fn is_crowded(&self) -> bool {
        let Some((oldest, newer)) = self.segments.split_first() else { return false };
        let bytes: u64 = newer.iter().map(|segment| segment.bytes).sum();
        let most = oldest.bytes.max(self.limits.small_bytes).saturating_mul(LAG);
        self.segments.len() >= self.most() || (self.compaction.is_some() && bytes > most)
    }

    /// Starts a compaction where one is due and none is under way.
    fn start(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        if self.compaction.is_some() {
            return Ok(());
        }
        let Some(range) = compaction::due(&self.segments, &self.limits) else { return Ok(()) };
        let file = self.file(epoch);
        let job = Job {
            folder: self.folder.clone(),
            oldest: range.start == 0,
            segments: self.segments[range].to_vec(),
            stem: format!("{}-{:016x}-{}", self.owner, self.attempt, self.files),
            file,
            limits: self.limits,
        };
        self.compaction = Some(Compaction::start(job)?);
        Ok(())
    }

    /// Waits for the compaction that is under way, if one is, and takes its result over.
    fn take_over(&mut self) -> Result<(), StoreError> {
        match self.compaction.take() {
            Some(compaction) => compaction.finish(&mut self.segments),
            None => Ok(()),
        }
    }

    fn warn(&self, error: &StoreError) {
        tracing::warn!(
            folder = %self.folder.display(),
            owner = %self.owner,
            %error,
            cause = ?error.source(),
            "state is not compacted; this is tried again at the next checkpoint"
        );
    }
}
