//! States by label, cancelling by label, the list of live transactions.

use serde_json::json;

use crate::http::Response;
use crate::load::Ordered;
use crate::world::{System, World};

use super::Transactions;
use super::record::State;
use super::texts;
use crate::faults::{Hit, Point};

impl Transactions {
    /// `get_load_state`.
    #[must_use]
    pub fn load_state(world: &World, db: &str, label: &str) -> Response {
        if label.is_empty() {
            return failed(world.system, "No label selected.");
        }
        if !world.catalog.has_database(db) {
            return failed(world.system, &texts::unknown_database(db));
        }
        let mut ledger = world.transactions.lock();
        ledger.expire(world);
        let hit = Hit { node: "fe", operation: "state", table: "", label };
        // What was never known cannot be forgotten.
        if ledger.store.by_label(db, label).is_some() && world.faults.take(Point::ForgetLabel, &hit)
        {
            ledger.forget_finished(world, db, label);
        }
        let known = ledger.store.by_label(db, label);
        let state = known.map_or("UNKNOWN", |known| known.state.word(world.system));
        let reason = known.map_or("", |known| known.reason.as_str());
        let reply = match world.system {
            System::StarRocks => Ordered::new()
                .with("state", state)
                .with("reason", reason)
                .with("status", "OK")
                .with("code", "0")
                .with("msg", "Success")
                .with("message", "OK"),
            System::Doris => Ordered::new()
                .with("msg", "success")
                .with("code", 0)
                .with("data", state)
                .with("count", 0),
        };
        Response::json(reply.compact())
    }

    /// `_cancel`: aborts a transaction that is not committed.
    #[must_use]
    pub fn cancel(world: &World, db: &str, label: &str) -> Response {
        let mut ledger = world.transactions.lock();
        ledger.expire(world);
        let known = ledger.store.by_label(db, label).map(|known| (known.id, known.state));
        match known {
            None => failed(world.system, &format!("Load label [{label}] does not exist")),
            Some((_, State::Committed | State::Visible)) => {
                failed(world.system, &format!("Load label [{label}] is already finished"))
            }
            Some((txn, _)) => {
                ledger.abort(world, txn, "user cancel");
                ok(world.system)
            }
        }
    }

    /// The transactions that the backends hold in memory.
    #[must_use]
    pub fn list(world: &World) -> Response {
        let ledger = world.transactions.lock();
        let live: Vec<_> = ledger
            .contexts
            .iter()
            .map(|((_, label), context)| {
                json!({
                    "TxnId": context.txn,
                    "Label": label,
                    "Db": context.db,
                    "Table": context.table,
                    "NumberTotalRows": context.counts.total,
                })
            })
            .collect();
        Response::json(json!(live).to_string())
    }
}

fn ok(system: System) -> Response {
    let reply = match system {
        System::StarRocks => Ordered::new()
            .with("status", "OK")
            .with("code", "0")
            .with("msg", "Success")
            .with("message", "OK"),
        System::Doris => {
            Ordered::new().with("msg", "success").with("code", 0).with("data", "").with("count", 0)
        }
    };
    Response::json(reply.compact())
}

fn failed(system: System, message: &str) -> Response {
    let reply = match system {
        System::StarRocks => Ordered::new()
            .with("status", "FAILED")
            .with("code", "1")
            .with("msg", message)
            .with("message", message),
        System::Doris => Ordered::new()
            .with("msg", "Error")
            .with("code", 1)
            .with("data", message)
            .with("count", 0),
    };
    Response::json(reply.compact())
}
