//! The event time of a source: watermarks by partition, late rows, and partitions that fall silent.
//!
//! *Invariants*: a row is late by what came before it in its partition, never by its batch; the
//! watermark never falls, over a restart neither.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, NullBuffer};

use crate::checkpoint::PartitionTime;
use crate::source::{EventTime, SourceBatch};

/// What a source's rows say about event time.
pub(super) struct EventClock {
    /// `None`: the source declares no event time.
    settings: Option<Settings>,
    partitions: BTreeMap<u32, Partition>,
    /// When anything last came.
    last: Instant,
    watermark: i64,
    /// Whether all partitions are silent, and that was said.
    idle: bool,
}

struct Settings {
    /// Microseconds that a row may be earlier than the greatest one.
    disorder: i64,
    /// After how long a silent partition holds nothing back any more.
    idle: Option<Duration>,
}

struct Partition {
    greatest: i64,
    last: Instant,
    idle: bool,
}

/// What a look at the silence came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quiet {
    /// Nothing changes.
    No,
    /// Without the partitions that fell silent the watermark is this.
    Partition(i64),
    /// The source as a whole has fallen silent.
    All,
}

impl EventClock {
    /// A clock that goes on where a checkpoint left it.
    pub(super) fn new(
        settings: Option<&EventTime>,
        times: &[PartitionTime],
        watermark: i64,
        now: Instant,
    ) -> Self {
        let settings = settings.map(|settings| Settings {
            disorder: i64::try_from(settings.disorder.as_micros()).unwrap_or(i64::MAX),
            idle: settings.idle,
        });
        let partition = |time: &PartitionTime| {
            (time.partition, Partition { greatest: time.greatest, last: now, idle: false })
        };
        let partitions = times.iter().map(partition).collect();
        Self { settings, partitions, last: now, watermark, idle: false }
    }

    /// The last watermark.
    pub(super) fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Whether the source was last said to be silent.
    pub(super) fn is_idle(&self) -> bool {
        self.idle
    }

    /// The greatest event time seen.
    pub(super) fn greatest(&self) -> Option<i64> {
        self.partitions.values().map(|partition| partition.greatest).max()
    }

    /// The greatest event time of each partition, for a checkpoint.
    pub(super) fn times(&self) -> Vec<PartitionTime> {
        let time = |(partition, state): (&u32, &Partition)| PartitionTime {
            partition: *partition,
            greatest: state.greatest,
        };
        self.partitions.iter().map(time).collect()
    }

    /// Takes note of rows: those that are late are marked, and the watermark is answered if it has
    /// risen.
    pub(super) fn observe(&mut self, rows: &mut SourceBatch, now: Instant) -> Option<i64> {
        self.last = now;
        self.idle = false;
        let disorder = self.settings.as_ref()?.disorder;
        let (times, nulls) = rows.batch.meta.event_times.clone()?;
        let known = self.partitions.get(&rows.partition).map_or(i64::MIN, |known| known.greatest);
        let (greatest, late) = mark(&times, nulls.as_ref(), known, disorder);
        if let Some(late) = late {
            Arc::make_mut(&mut rows.batch.meta).late = Some(late);
        }
        if greatest == i64::MIN {
            return None;
        }
        let partition = Partition { greatest, last: now, idle: false };
        self.partitions.insert(rows.partition, partition);
        self.risen()
    }

    /// Looks for partitions that have been silent for too long.
    pub(super) fn look(&mut self, now: Instant) -> Quiet {
        let Some(Settings { idle: Some(idle), .. }) = &self.settings else { return Quiet::No };
        let silent = |since: Instant| now.saturating_duration_since(since) >= *idle;
        let mut fell = false;
        for partition in self.partitions.values_mut().filter(|partition| !partition.idle) {
            if silent(partition.last) {
                (partition.idle, fell) = (true, true);
            }
        }
        if !self.idle && silent(self.last) {
            self.idle = true;
            return Quiet::All;
        }
        match self.risen() {
            Some(time) if fell => Quiet::Partition(time),
            _ => Quiet::No,
        }
    }

    /// The least over the partitions that are not silent of the greatest time less the disorder, if
    /// it has risen.
    fn risen(&mut self) -> Option<i64> {
        let disorder = self.settings.as_ref()?.disorder;
        let partitions = self.partitions.values().filter(|partition| !partition.idle);
        let least = partitions.map(|partition| partition.greatest).min()?;
        let watermark = least.saturating_sub(disorder);
        (watermark > self.watermark).then(|| {
            self.watermark = watermark;
            watermark
        })
    }
}

/// The greatest time after these rows, and which of them are late: below the greatest before them by
/// more than the disorder. `None`: none.
fn mark(
    times: &[i64],
    nulls: Option<&NullBuffer>,
    mut greatest: i64,
    disorder: i64,
) -> (i64, Option<BooleanBuffer>) {
    let mut late: Option<BooleanBufferBuilder> = None;
    for (row, time) in times.iter().enumerate() {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            continue;
        }
        if *time < greatest.saturating_sub(disorder) {
            let late = late.get_or_insert_with(|| {
                let mut none = BooleanBufferBuilder::new(times.len());
                none.append_n(times.len(), false);
                none
            });
            late.set_bit(row, true);
        }
        greatest = greatest.max(*time);
    }
    (greatest, late.map(|mut late| late.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_late_by_what_came_before_them() {
        let (greatest, late) = mark(&[10, 4, 5, 30, 24, 25], None, 9, 5);
        assert_eq!(greatest, 30);
        let late = late.expect("some are late");
        assert_eq!(late.iter().collect::<Vec<_>>(), [false, true, false, false, true, false]);
        assert_eq!(mark(&[10, 9, 11], None, i64::MIN, 5), (11, None));
        let nulls = NullBuffer::from(vec![false, true]);
        assert_eq!(mark(&[0, 100], Some(&nulls), 100, 0), (100, None), "no time is not late");
    }

    #[test]
    fn how_rows_are_cut_marks_the_same_rows() {
        let times: Vec<i64> = (0..200).map(|row| (row * 7919) % 113).collect();
        let marked = |cut: usize| {
            let mut greatest = i64::MIN;
            let mut marks = Vec::new();
            for part in times.chunks(cut) {
                let (next, late) = mark(part, None, greatest, 20);
                greatest = next;
                marks.extend(
                    (0..part.len()).map(|row| late.as_ref().is_some_and(|late| late.value(row))),
                );
            }
            marks
        };
        let whole = marked(200);
        assert!(whole.contains(&true) && whole.contains(&false));
        assert!([1, 2, 3, 50].into_iter().all(|cut| marked(cut) == whole));
    }
}
