//! Labels and transactions: what frontends remember, what backends hold until it is prepared.
//!
//! `store` is the label store, `machine` decides by state, `ledger` moves transactions from state
//! to state and makes rows visible. `plain` is a load that is a transaction by itself, with Doris'
//! first phase; `two_phase` is Doris' second. `frontend`, `multi` and `backend` are StarRocks'
//! transaction interface. `questions` answers what asks for states, and `shown` is what SHOW
//! TRANSACTION shows.
//!
//! *Invariants*: a label is in use by at most one transaction that is not aborted; rows are
//! published in the order of commits, and once; PREPARE dies with its backend or frontend,
//! everything prepared outlives both; the lock is never held while a body is read.
//! *Not here*: headers and bodies (`load`), rows in tables (`catalog`), hops (`http`).

mod backend;
mod backend_load;
mod context;
mod error_log;
mod expiry;
mod frontend;
mod ledger;
mod machine;
mod multi;
mod plain;
mod plain_reply;
mod questions;
mod record;
mod shown;
mod store;
mod texts;
mod two_phase;

#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use record::{OpenTransaction, State};
pub(crate) use shown::{Shown, Which};

use crate::http::{Request, Response};
use crate::world::World;
use ledger::Ledger;

/// Every transaction of one stand-in.
#[derive(Debug, Default)]
pub struct Transactions(Mutex<Ledger>);

/// What a StarRocks frontend answers to an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeAnswer {
    /// The frontend does it itself.
    Reply(Response),
    /// This backend does it.
    ToBackend(usize),
}

impl Transactions {
    /// No transactions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes up what was prepared or finished before the process began; what was committed
    /// becomes visible.
    pub fn restore(world: &World) {
        world.transactions.lock().restore(world);
    }

    /// Every transaction in PREPARE, PREPARED or PRECOMMITTED.
    #[must_use]
    pub fn open(&self) -> Vec<OpenTransaction> {
        let ledger = self.lock();
        let open = ledger.store.all().filter(|known| known.state.is_open());
        open.map(OpenTransaction::from).collect()
    }

    /// How many transactions are committed whose rows are still to become visible.
    #[must_use]
    pub fn unpublished(&self) -> usize {
        self.lock().store.all().filter(|known| known.state == State::Committed).count()
    }

    /// Lets time pass: timeouts, publications that are due, old labels, dead backends.
    pub fn tick(world: &World) {
        let mut ledger = world.transactions.lock();
        ledger.expire(world);
        ledger.evict(world);
    }

    /// The frontends start anew: transactions in PREPARE are lost, the others stay.
    pub fn restart_frontend(world: &World) {
        world.transactions.lock().restart_frontend(world);
    }

    /// Forgets the transactions of a database that is dropped: their labels are free in the next
    /// one of its name.
    pub fn forget_database(world: &World, db: &str) {
        world.transactions.lock().forget_database(world, db);
    }

    /// The lines of an error log, while it is kept.
    #[must_use]
    pub fn error_log(world: &World, file: &str) -> Option<String> {
        world.transactions.lock().logs.read(file, world.clock.now_ms())
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The strikes of faults at one operation of one request.
struct Strikes<'a> {
    world: &'a World,
    node: String,
    operation: &'a str,
    table: &'a str,
    label: &'a str,
}

impl<'a> Strikes<'a> {
    fn new(world: &'a World, request: &'a Request, operation: &'a str, table: &'a str) -> Self {
        let node = request.node.name();
        Self { world, node, operation, table, label: request.label() }
    }

    /// How to fail at this point, if it is to fail.
    fn strike(&self, point: crate::faults::Point) -> Option<crate::faults::Strike> {
        let Self { world, node, operation, table, label } = self;
        world.faults.strike(point, &crate::faults::Hit { node, operation, table, label })
    }

    /// Whether to fail at this point.
    fn takes(&self, point: crate::faults::Point) -> bool {
        self.strike(point).is_some()
    }
}
