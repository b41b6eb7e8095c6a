//! At-least-once: loads that go while rows come.
//!
//! The rows of a table that have waited long enough, or are many enough for several loads, fly
//! together: no key is in two loads of one flight, so that they may go in any order. The next
//! flight of the table starts when the one before has landed, which keeps the changes of a key in
//! order.
//!
//! Whether rows have waited long enough is looked at when others come, and at a barrier: where
//! nothing comes, they go with the next checkpoint.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::config::LoadBounds;
use super::transaction::parallel::{self, Slots};
use super::transaction::{Loader, PartContents};
use crate::record::Epoch;
use crate::sink::{LateRefusal, SinkError};

/// Refused rows that wait for the next checkpoint before one is asked for.
const REFUSED_WANTED: usize = 1000;

/// The loads of one table that are under way.
type Flight = JoinHandle<Result<Vec<LateRefusal>, SinkError>>;

/// The flights of a sink.
pub(super) struct Eager {
    loader: Arc<Loader>,
    bounds: LoadBounds,
    /// Loads in flight, over all tables.
    slots: Arc<Slots>,
    /// By the table's place.
    flights: BTreeMap<usize, Flight>,
    /// Rows that the target would not take, until the next checkpoint.
    refused: Vec<LateRefusal>,
}

impl Eager {
    pub(super) fn new(loader: Arc<Loader>, bounds: LoadBounds) -> Self {
        let slots = Arc::new(Slots::new(bounds.in_flight));
        Self { loader, bounds, slots, flights: BTreeMap::new(), refused: Vec::new() }
    }

    /// Whether so much waits that a flight is full.
    pub(super) const fn is_full(&self, rows: usize, bytes: usize) -> bool {
        let LoadBounds { rows: rows_max, bytes: bytes_max, in_flight, .. } = self.bounds;
        rows >= rows_max.saturating_mul(in_flight) || bytes >= bytes_max.saturating_mul(in_flight)
    }

    /// Loads the parts of a table, once its earlier ones are loaded.
    pub(super) fn start(
        &mut self,
        place: usize,
        parts: Vec<PartContents>,
        epoch: Epoch,
    ) -> Result<(), SinkError> {
        self.land(place)?;
        while self.flights.len() >= self.bounds.in_flight.max(1) {
            let Some(oldest) = self.flights.keys().next().copied() else { break };
            self.land(oldest)?;
        }
        let (loader, slots) = (Arc::clone(&self.loader), Arc::clone(&self.slots));
        let width = self.bounds.in_flight;
        let fly = move || -> Result<Vec<LateRefusal>, SinkError> {
            let outcomes = parallel::each(parts, width, |part| {
                let slot = slots.take();
                let outcome = loader.load_part(part.spot(epoch), &part, None);
                drop(slot);
                outcome
            })?;
            Ok(outcomes.into_iter().flat_map(|outcome| outcome.refused).collect())
        };
        self.flights.insert(place, thread::spawn(fly));
        Ok(())
    }

    /// Waits until the loads of a table are done.
    pub(super) fn land(&mut self, place: usize) -> Result<(), SinkError> {
        let Some(flight) = self.flights.remove(&place) else { return Ok(()) };
        let refused = flight.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        self.refused.extend(refused);
        Ok(())
    }

    /// Waits until every load is done, and answers the rows that the target did not take.
    pub(super) fn land_all(&mut self) -> Result<Vec<LateRefusal>, SinkError> {
        while let Some(place) = self.flights.keys().next().copied() {
            self.land(place)?;
        }
        Ok(std::mem::take(&mut self.refused))
    }

    /// Whether so many rows were refused that they should be set aside now.
    pub(super) const fn wants_barrier(&self) -> bool {
        self.refused.len() >= REFUSED_WANTED
    }
}

impl Drop for Eager {
    /// Waits for the loads of a sink that has failed: where the pipeline goes on in this process,
    /// they would land behind what it makes of the same keys.
    fn drop(&mut self) {
        for flight in std::mem::take(&mut self.flights).into_values() {
            drop(flight.join());
        }
    }
}
