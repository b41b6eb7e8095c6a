//! What the frontends know of a transaction, as SHOW TRANSACTION shows it.

use super::Transactions;
use super::record::{Kind, State, Transaction};
use crate::world::World;

/// Which transaction is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one of this number.
    Id(i64),
    /// The last one of this label.
    Label(String),
}

/// A transaction without its rows. Times are the world's; `None`: that has not happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Its number.
    pub id: i64,
    /// Its label.
    pub label: String,
    /// The backend that coordinates it.
    pub backend: usize,
    /// Whether the frontends hold it, since it has several tables.
    pub several: bool,
    /// How far it is.
    pub state: State,
    /// Why it was aborted.
    pub reason: String,
    /// When it began.
    pub begun_ms: i64,
    /// When its rows became durable.
    pub prepared_ms: Option<i64>,
    /// When it was committed.
    pub committed_ms: Option<i64>,
    /// When its rows became visible, or it was aborted.
    pub finished_ms: Option<i64>,
    /// For how long it may take rows.
    pub timeout_ms: i64,
    /// For how long it may wait for its commit.
    pub prepared_timeout_ms: Option<i64>,
}

impl From<&Transaction> for Shown {
    fn from(known: &Transaction) -> Self {
        let is_committed = matches!(known.state, State::Committed | State::Visible);
        let prepared_ms = Some(known.prepared_ms).filter(|ms| *ms > 0);
        Self {
            id: known.id,
            label: known.label.clone(),
            backend: known.backend,
            several: known.kind == Kind::Multi,
            state: known.state,
            reason: known.reason.clone(),
            begun_ms: known.begun_ms,
            prepared_ms,
            committed_ms: is_committed.then_some(known.ended_ms),
            finished_ms: match known.state {
                State::Visible => Some(known.visible_ms),
                State::Aborted => Some(known.ended_ms),
                State::Prepare | State::Prepared | State::Committed => None,
            },
            timeout_ms: known.timeout_ms,
            prepared_timeout_ms: prepared_ms.map(|ms| known.deadline_ms.saturating_sub(ms)),
        }
    }
}

impl Transactions {
    /// A transaction of a database, while the frontends remember it.
    pub(crate) fn shown(world: &World, db: &str, which: &Which) -> Option<Shown> {
        let mut ledger = world.transactions.lock();
        ledger.expire(world);
        let known = match which {
            Which::Id(id) => ledger.store.get(*id).filter(|known| known.db == db),
            Which::Label(label) => ledger.store.by_label(db, label),
        };
        known.map(Shown::from)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Beginning;
    use super::*;
    use crate::load::Counts;
    use crate::sql::{ADMINISTRATOR, rows};
    use crate::world::System;

    /// A world with a transaction of `d` that has just begun.
    fn begun(system: System) -> (std::sync::Arc<World>, i64) {
        let world = World::alone(system);
        world.catalog.create_database("d", false).unwrap();
        let beginning = Beginning {
            db: "d",
            table: "",
            label: "l1",
            kind: Kind::Load,
            backend: 0,
            timeout_s: Some(60),
            declared: Vec::new(),
        };
        let id = world.transactions.lock().begin(&world, beginning, false).unwrap();
        (world, id)
    }

    #[test]
    fn each_state_is_shown_with_its_times() {
        for (system, prepared) in [(System::StarRocks, "PREPARED"), (System::Doris, "PRECOMMITTED")]
        {
            let (world, id) = begun(system);
            let show = || {
                let sql = format!("SHOW TRANSACTION FROM d WHERE id = {id}");
                let mut rows = rows(&world, ADMINISTRATOR, "", &sql).unwrap();
                assert_eq!(rows.len(), 1, "{rows:?}");
                rows.remove(0)
            };
            let row = show();
            assert_eq!(row.len(), if system == System::Doris { 15 } else { 16 });
            assert_eq!(row[..2], [id.to_string(), "l1".to_owned()]);
            assert_eq!((&*row[2], &*row[3]), ("BE: 127.0.0.1", "PREPARE"));
            assert_eq!(row[4], "BACKEND_STREAMING");
            assert_ne!(row[5], "NULL", "it has begun");
            assert!(row[6..10].iter().all(|time| time == "NULL"), "{row:?}");
            assert_eq!(row[13], "60000");

            let mut ledger = world.transactions.lock();
            assert!(ledger.prepare(&world, id, Vec::new(), Counts::default(), 300));
            drop(ledger);
            let row = show();
            assert_eq!(row[3], prepared);
            assert!(row[6] != "NULL" && row[7] == "NULL", "{row:?}");

            world.transactions.lock().commit(&world, id, 0);
            let row = show();
            assert_eq!(row[3], "VISIBLE");
            assert!(row[6..10].iter().all(|time| time != "NULL"), "{row:?}");
        }
    }

    #[test]
    fn only_doris_is_asked_by_label() {
        let (world, id) = begun(System::Doris);
        world.transactions.lock().abort(&world, id, "because");
        let ask = |sql: &str| rows(&world, ADMINISTRATOR, "d", sql);
        let found = ask("SHOW TRANSACTION WHERE label = 'l1'").unwrap();
        assert_eq!((&*found[0][3], &*found[0][10]), ("ABORTED", "because"));
        assert!(ask("SHOW TRANSACTION WHERE label = 'l2'").is_err());
        assert!(ask("SHOW TRANSACTION WHERE id = 1").is_err());
        assert!(ask("SHOW TRANSACTION").is_err());

        let (world, _) = begun(System::StarRocks);
        let error = rows(&world, ADMINISTRATOR, "d", "SHOW TRANSACTION WHERE label = 'l1'");
        assert_eq!(error.unwrap_err().code, 1064);
        assert!(rows(&world, ADMINISTRATOR, "e", "SHOW TRANSACTION WHERE id = 1").is_err());
    }
}
