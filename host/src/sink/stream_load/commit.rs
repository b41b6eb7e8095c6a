//! The half that makes prepared epochs visible: each part's transaction is ended by its label.
//!
//! A part that the target has rolled back must come again. One that it has forgotten may be visible
//! all the same. Where rows have a key, loading it again then changes nothing, but only if the same
//! rows come again: an epoch that is made anew of other rows would leave behind what only the first
//! one had. A table that keeps every row halts the sink.
//!
//! *Invariants*: only labels that a handle names are committed; what is not visible when a handle
//! is given up never becomes so; an epoch is given up whole only if nothing of it can be visible.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::error::StreamLoadError;
use super::protocol::LabelState;
use super::transaction::{Fate, Loader, PartHandle, StreamLoadHandle, parallel};
use crate::sink::{Committed, Committer, Handle, SinkError};

/// Runs a statement at the target.
pub(super) type Statement = Box<dyn FnMut(&str) -> Result<(), StreamLoadError> + Send>;

pub(super) struct StreamLoadCommitter {
    loader: Arc<Loader>,
    statement: Statement,
    /// Transactions that are ended at once.
    in_flight: usize,
    /// Whether nothing was committed yet, so that the handle may be a dead run's.
    fresh: bool,
    /// Labels of handles that this process has found visible.
    visible: BTreeSet<String>,
}

impl StreamLoadCommitter {
    pub(super) const fn new(loader: Arc<Loader>, statement: Statement, in_flight: usize) -> Self {
        Self { loader, statement, in_flight, fresh: true, visible: BTreeSet::new() }
    }

    /// Whether the part is known to be visible.
    fn is_visible(&self, part: &PartHandle) -> bool {
        part.visible || self.visible.contains(&part.label)
    }

    /// Deletes the rows of the tables that the source has truncated, but for those where a part of
    /// this handle is visible: there it is done. False if the handle cannot be committed.
    fn empty(&mut self, handle: &StreamLoadHandle) -> Result<bool, SinkError> {
        for emptied in &handle.emptied {
            let parts: Vec<&PartHandle> =
                handle.parts.iter().filter(|part| part.table == emptied.table).collect();
            if parts.iter().any(|part| self.is_visible(part)) {
                continue;
            }
            let states = self.states(&parts)?;
            let done = [LabelState::Committed, LabelState::Visible];
            if states.iter().any(|state| done.contains(state)) {
                continue;
            }
            if states.iter().any(|state| *state != LabelState::Prepared) {
                return Ok(false);
            }
            for sql in &emptied.sql {
                (self.statement)(sql).map_err(|error| self.loader.failed(error))?;
            }
            tracing::info!(sink = self.loader.sink, table = emptied.table, "emptied the table");
        }
        Ok(true)
    }

    fn states(&self, parts: &[&PartHandle]) -> Result<Vec<LabelState>, SinkError> {
        let loader = &*self.loader;
        parallel::each(parts.to_vec(), self.in_flight, |part| loader.state(&part.label))
    }

    /// Whether one of a dead run's parts has been rolled back. Then the others are not committed:
    /// an epoch of which nothing is visible is the easiest to repeat. A label that the target no
    /// longer knows may be visible, which rolling it back would not tell: nothing is rolled back
    /// then.
    fn is_doomed(&self, open: &[&PartHandle]) -> Result<bool, SinkError> {
        if open.len() < 2 {
            return Ok(false);
        }
        let states = self.states(open)?;
        Ok(states.contains(&LabelState::Aborted) && !states.contains(&LabelState::Unknown))
    }

    /// Takes note of what became of the parts, and sums it up.
    fn conclude(
        &mut self,
        handle: &StreamLoadHandle,
        fates: &[(&PartHandle, Fate)],
    ) -> Result<Committed, SinkError> {
        let ended = fates.len() as u64;
        let open = &self.loader.counters.open_transactions;
        let less = |open: u64| Some(open.saturating_sub(ended));
        // It always has a new value.
        let _ = open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        let mut in_doubt = false;
        for (part, fate) in fates {
            match fate {
                Fate::Visible => drop(self.visible.insert(part.label.clone())),
                Fate::Gone => self.loader.intents.ended(&part.label),
                Fate::Forgotten if handle.keyed => {
                    in_doubt = true;
                    self.loader.intents.ended(&part.label);
                }
                Fate::Forgotten => {
                    let (label, table) = (part.label.clone(), part.table.clone());
                    let forgotten = StreamLoadError::LabelForgotten { label, table };
                    return Err(self.loader.failed(forgotten));
                }
            }
        }
        let lost = fates.iter().find(|(_, fate)| *fate != Fate::Visible);
        let Some((lost, fate)) = lost else { return Ok(Committed::Done) };
        tracing::warn!(
            sink = self.loader.sink,
            table = lost.table,
            label = lost.label,
            fate = fate.words(),
            "the target has given up a prepared transaction"
        );
        let visible = handle.only(|part| self.is_visible(part));
        // Nothing that is known to be visible is not the same as nothing that is visible: the
        // pipeline then has to come to the same rows again, or halts.
        let shows = in_doubt || !visible.parts.is_empty();
        let visible = shows.then(|| visible.write());
        Ok(Committed::Expired { visible })
    }
}

/// Ends a part that is not to be committed. Rolling it back does not tell whether a label that the
/// target does not know has been visible.
fn give_up(loader: &Loader, part: &PartHandle) -> Result<Fate, SinkError> {
    let is_known = loader.state(&part.label)? != LabelState::Unknown;
    match loader.end(&part.table, &part.label, part.txn)? {
        Fate::Gone if !is_known => Ok(Fate::Forgotten),
        fate => Ok(fate),
    }
}

impl Committer for StreamLoadCommitter {
    fn commit(&mut self, handle: &Handle) -> Result<Committed, SinkError> {
        let handle = StreamLoadHandle::read(handle, &self.loader.sink)?;
        let fresh = std::mem::replace(&mut self.fresh, false);
        let is_whole = self.empty(&handle)?;
        let open: Vec<&PartHandle> =
            handle.parts.iter().filter(|part| !self.is_visible(part)).collect();
        let is_doomed = !is_whole || (fresh && self.is_doomed(&open)?);
        let loader = &*self.loader;
        let end = |part: &PartHandle| match is_doomed {
            true => give_up(loader, part),
            false => loader.commit(part),
        };
        let fates = parallel::each(open.clone(), self.in_flight, end)?;
        let fates: Vec<_> = open.into_iter().zip(fates).collect();
        self.conclude(&handle, &fates)
    }

    fn confirmed(&mut self, handle: &Handle) -> Result<(), SinkError> {
        let handle = StreamLoadHandle::read(handle, &self.loader.sink)?;
        for part in &handle.parts {
            self.loader.intents.ended(&part.label);
            self.visible.remove(&part.label);
        }
        Ok(())
    }

    fn discard_beyond(&mut self, last: &Handle) -> Result<(), SinkError> {
        let last = StreamLoadHandle::read(last, &self.loader.sink)?;
        let named: BTreeSet<&str> = last.parts.iter().map(|part| part.label.as_str()).collect();
        let mut beyond = self.loader.intents.all();
        beyond.retain(|(label, _)| !named.contains(&**label) && !self.visible.contains(label));
        let loader = &*self.loader;
        parallel::each(beyond, self.in_flight, |(label, table)| {
            match loader.end(&table, &label, None)? {
                Fate::Visible => Err(loader.failed(StreamLoadError::Newer { label })),
                Fate::Gone | Fate::Forgotten => {
                    tracing::info!(sink = loader.sink, table, label, "a dead run's load is ended");
                    Ok(())
                }
            }
        })?;
        // A plain load that is still under way might land behind later changes of its keys. One that
        // has landed is what at-least-once means.
        for (label, table) in loader.intents.sent() {
            if matches!(loader.state(&label)?, LabelState::Prepare | LabelState::Prepared) {
                let fate = loader.end(&table, &label, None)?;
                let Loader { sink, .. } = loader;
                let fate = fate.words();
                tracing::info!(sink, table, label, fate, "a dead run's plain load is ended");
            }
        }
        loader.intents.forget()
    }
}
