//! The names of loads: none is ever used twice.
//!
//! A label reads
//! `mr_{incarnation}_{pipeline}_{sink}_{epoch}_{table}_{set}-{index}_{digest}_{run}-{attempt}`. The
//! store's incarnation, the digest of pipeline and sink, the run (a durable number that each
//! opening raises) and the attempt (a number that each label of a run raises) alone make it unique;
//! the rest is for whoever reads the target's list of loads, and is cut where it would be too long.

use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh64::Xxh64;

use crate::record::Epoch;

/// What both systems take.
const LABEL_BYTES_MAX: usize = 128;
/// What is kept of a set's name, which may have a digit for every four columns.
const SET_BYTES_MAX: usize = 8;

/// Where in an epoch a load belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) struct Spot<'a> {
    pub epoch: Epoch,
    pub table: &'a str,
    /// The set of columns that its rows have.
    pub set: &'a str,
    /// Which part of the set.
    pub index: u32,
    /// How many parts the set has.
    pub of: u32,
}

/// Makes the labels of one run of one sink.
#[derive(Debug)]
pub(in crate::sink::stream_load) struct Labels {
    incarnation: String,
    pipeline: String,
    sink: String,
    digest: u64,
    run: u64,
    attempt: AtomicU64,
}

impl Labels {
    pub(in crate::sink::stream_load) fn new(
        incarnation: &str,
        pipeline: &str,
        sink: &str,
        run: u64,
    ) -> Self {
        let mut hash = Xxh64::new(0);
        for name in [pipeline, sink] {
            hash.update(&(name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
        }
        Self {
            incarnation: incarnation.to_owned(),
            pipeline: pipeline.to_owned(),
            sink: sink.to_owned(),
            digest: hash.digest() & 0xffff_ffff,
            run,
            attempt: AtomicU64::new(0),
        }
    }

    /// The next label.
    pub(in crate::sink::stream_load) fn next(&self, spot: Spot<'_>) -> String {
        let attempt = self.attempt.fetch_add(1, Ordering::Relaxed) + 1;
        let Spot { epoch, table, set, index, .. } = spot;
        let set = cut(set, SET_BYTES_MAX);
        let head = format!("mr_{}", cut(&self.incarnation, 16));
        let tail = format!("{set}-{index}_{:08x}_{}-{attempt}", self.digest, self.run);
        let epoch = epoch.to_string();
        // With the separators between the six.
        let used = head.len() + tail.len() + epoch.len() + 5;
        let [pipeline, sink, table] =
            fit([&self.pipeline, &self.sink, table], LABEL_BYTES_MAX.saturating_sub(used));
        format!("{head}_{pipeline}_{sink}_{epoch}_{table}_{tail}")
    }
}

/// The names, cut so that they have at most `most` bytes together: short ones leave room to long
/// ones.
fn fit(names: [&str; 3], most: usize) -> [String; 3] {
    let mut order = [0, 1, 2];
    order.sort_by_key(|name| names[*name].chars().count());
    let (mut left, mut fitted) = (most, <[String; 3]>::default());
    for (place, name) in order.into_iter().enumerate() {
        fitted[name] = cut(names[name], left / (names.len() - place));
        left -= fitted[name].len();
    }
    fitted
}

/// At most `most` characters, with those that labels cannot have replaced.
fn cut(name: &str, most: usize) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.chars().take(most).map(|c| if allowed(c) { c } else { '-' }).collect()
}
