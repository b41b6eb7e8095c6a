//! A part of an epoch, until the target has all of its rows but those that it refuses.
//!
//! A refused body says little about which rows are at fault. They are looked for in what the target
//! wrote about them, then by halving: where loads wait for a commit, halves are tried in
//! transactions that are rolled back, so that the rest is one transaction in the end; else a half
//! that is taken stays.

use std::collections::{BTreeMap, BTreeSet};

use super::error_log;
use super::handle::PartHandle;
use super::label::Spot;
use super::loader::{Body, Loader, Rejection, Taken, Verdict};
use super::rows::RowSet;
use crate::sink::stream_load::error::StreamLoadError;
use crate::sink::{LateRefusal, SinkError};
use crate::telemetry::LoadPhase;

/// Loads that may be spent on finding the rows at fault of one part.
const TRIALS_MAX: u32 = 10_000;

/// The rows of a part, and how they are written.
pub(in crate::sink::stream_load) trait Contents: Sync {
    /// How many there are.
    fn rows(&self) -> usize;
    /// Some of them as they are sent.
    fn body<'a>(&'a self, rows: &'a RowSet) -> Body<'a>;
    /// One of them, as it stands in a body before compression.
    fn text(&self, row: usize) -> Vec<u8>;
    /// One of them, as it is set aside.
    fn refused(&self, row: usize, reason: String) -> LateRefusal;
}

/// What became of a part's rows.
#[derive(Debug, Default)]
pub(in crate::sink::stream_load) struct Outcome {
    /// The loads: one, unless the part was too large for that, or has no row left.
    pub taken: Vec<PartHandle>,
    /// The rows that the target does not take.
    pub refused: Vec<LateRefusal>,
}

impl Loader {
    /// Loads a part's rows. `label` is the one to begin with, if one is written down.
    pub(in crate::sink::stream_load) fn load_part(
        &self,
        spot: Spot<'_>,
        contents: &dyn Contents,
        label: Option<String>,
    ) -> Result<Outcome, SinkError> {
        let mut part = PartLoad::new(self, spot, contents);
        part.load(RowSet::first(contents.rows()), label)?;
        Ok(part.outcome())
    }

    /// The rows of a part that the target does not take, of which there are `refused`; none is
    /// loaded.
    pub(in crate::sink::stream_load) fn find_refused(
        &self,
        spot: Spot<'_>,
        contents: &dyn Contents,
        refused: u64,
    ) -> Result<Vec<LateRefusal>, SinkError> {
        let mut part = PartLoad::new(self, spot, contents);
        part.search(RowSet::first(contents.rows()))?;
        let found = part.outcome().refused;
        if found.len() as u64 == refused {
            return Ok(found);
        }
        let message = format!(
            "a part of table `{}` is visible without {refused} of its rows, which were refused, \
             but now the target would refuse {}; was the table changed meanwhile? start over with \
             a new checkpoint store and an empty table",
            spot.table,
            found.len(),
        );
        Err(self.failed(StreamLoadError::Halted { message }))
    }
}

struct PartLoad<'a> {
    loader: &'a Loader,
    spot: Spot<'a>,
    contents: &'a dyn Contents,
    taken: Vec<PartHandle>,
    /// Why a row is refused.
    refused: BTreeMap<usize, String>,
    /// The same rows.
    gone: BTreeSet<usize>,
    loads: u32,
}

impl<'a> PartLoad<'a> {
    const fn new(loader: &'a Loader, spot: Spot<'a>, contents: &'a dyn Contents) -> Self {
        Self {
            loader,
            spot,
            contents,
            taken: Vec::new(),
            refused: BTreeMap::new(),
            gone: BTreeSet::new(),
            loads: 0,
        }
    }

    fn outcome(self) -> Outcome {
        let Self { contents, taken, refused, .. } = self;
        let refused =
            refused.into_iter().map(|(row, reason)| contents.refused(row, reason)).collect();
        Outcome { taken, refused }
    }

    /// Loads those of `rows` that are not refused.
    fn load(&mut self, mut rows: RowSet, mut label: Option<String>) -> Result<(), SinkError> {
        while !rows.is_empty() {
            let rejection = match self.attempt(&rows, label.take())? {
                Verdict::Taken(load) => {
                    self.keep(load);
                    return Ok(());
                }
                Verdict::TooLarge(reason) => match rows.halves() {
                    Some((first, second)) => {
                        self.load(first, None)?;
                        return self.load(second, None);
                    }
                    None => Rejection { reason, log: None },
                },
                Verdict::Rejected(rejection) => rejection,
            };
            if !self.blame(&rows, &rejection) {
                let Some((first, second)) = rows.halves() else { return Ok(()) };
                if !self.loader.exactly_once {
                    self.load(first, None)?;
                    return self.load(second, None);
                }
                let before = self.gone.len();
                self.search(first)?;
                self.search(second)?;
                if self.gone.len() == before {
                    return Err(self.undecided(rejection));
                }
            }
            rows = rows.without(&self.gone);
        }
        Ok(())
    }

    /// Finds the rows at fault among `rows`; none stays loaded.
    fn search(&mut self, mut rows: RowSet) -> Result<(), SinkError> {
        while !rows.is_empty() {
            match self.attempt(&rows, None)? {
                Verdict::Taken(load) => {
                    return self.loader.give_up(self.spot.table, &load.label).map(drop);
                }
                Verdict::TooLarge(reason) => {
                    let rejection = Rejection { reason, log: None };
                    if rows.halves().is_none() {
                        self.blame(&rows, &rejection);
                        return Ok(());
                    }
                }
                Verdict::Rejected(rejection) => {
                    if self.blame(&rows, &rejection) {
                        rows = rows.without(&self.gone);
                        continue;
                    }
                }
            }
            let Some((first, second)) = rows.halves() else { return Ok(()) };
            self.search(first)?;
            return self.search(second);
        }
        Ok(())
    }

    fn attempt(&mut self, rows: &RowSet, label: Option<String>) -> Result<Verdict, SinkError> {
        if self.loads >= TRIALS_MAX {
            let message = format!(
                "{} rows of table `{}` are refused so far, and {TRIALS_MAX} loads have not been \
                 enough to find the others; check that the table fits what the pipeline sends",
                self.gone.len(),
                self.spot.table
            );
            return Err(self.loader.failed(StreamLoadError::Halted { message }));
        }
        self.loads += 1;
        let body = self.contents.body(rows);
        let verdict = self.loader.attempt(self.spot, &body, label);
        self.loader.counters.spent(LoadPhase::Encode, body.payload.written().time);
        verdict
    }

    /// Sets aside the rows that a refusal names, or the only one that it can mean; false where
    /// there is none.
    fn blame(&mut self, rows: &RowSet, rejection: &Rejection) -> bool {
        let named = match &rejection.log {
            Some(log) => error_log::find(log, rows, |row| self.contents.text(row)),
            None => BTreeMap::new(),
        };
        let found = match (named.is_empty(), rows.ranges()) {
            (true, [only]) if only.len() == 1 => {
                let reason = rejection.log.as_deref().and_then(error_log::first_reason);
                let reason = reason.unwrap_or_else(|| rejection.reason.clone());
                BTreeMap::from([(only.start, reason)])
            }
            _ => named,
        };
        self.gone.extend(found.keys());
        let has_found = !found.is_empty();
        self.refused.extend(found);
        has_found
    }

    fn undecided(&self, rejection: Rejection) -> SinkError {
        let message = format!(
            "table `{}` refuses rows that it takes when they come in two halves",
            self.spot.table
        );
        self.loader.failed(StreamLoadError::Target { message, text: rejection.reason })
    }

    fn keep(&mut self, load: Taken) {
        self.loader.kept(self.spot.table, &load);
        let Spot { table, set, index, of, .. } = self.spot;
        let Taken { label, txn, rows, bytes, .. } = load;
        self.taken.push(PartHandle {
            table: table.to_owned(),
            label,
            txn,
            set: set.to_owned(),
            index,
            of,
            rows,
            bytes,
            visible: false,
        });
    }
}
