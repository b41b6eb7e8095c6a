//! A stand-in, a pipeline that loads it, and what must hold at the end.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use millrace_standin::transaction::Transactions;
use millrace_standin::{StandIn, System};
use millrace_tests::{Workbench, wait_until};

use super::input::{Changes, Row};
use super::tailored::{BETS, tailored};

/// What a run is about.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub system: System,
    pub exactly_once: bool,
    /// Upsert, or else append.
    pub upsert: bool,
}

impl Case {
    /// Both systems and both promises, into keyed tables.
    pub const KEYED: [Self; 4] = [
        Self { system: System::StarRocks, exactly_once: true, upsert: true },
        Self { system: System::Doris, exactly_once: true, upsert: true },
        Self { system: System::StarRocks, exactly_once: false, upsert: true },
        Self { system: System::Doris, exactly_once: false, upsert: true },
    ];
    /// Both systems, exactly once, into tables that keep every row.
    pub const APPENDING: [Self; 2] = [
        Self { system: System::StarRocks, exactly_once: true, upsert: false },
        Self { system: System::Doris, exactly_once: true, upsert: false },
    ];
}

/// Turns at a time: most of their time they wait.
const AT_ONCE: usize = 8;

/// Takes the turns side by side, all of them whatever becomes of some.
///
/// # Panics
/// If some have panicked: names them.
pub fn side_by_side<T: Sync + std::fmt::Debug>(turns: &[T], take: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Vec<String>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(turn) = turns.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(AssertUnwindSafe(|| take(turn))).is_err() {
                        failed.lock().expect("nobody panics here").push(format!("{turn:?}"));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics here");
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), turns.len());
}

pub const PASSWORD: &str = "s3cret-pass";

/// A stand-in and a pipeline that loads it.
pub struct Scene {
    pub standin: StandIn,
    pub bench: Workbench,
}

impl Scene {
    /// Two frontends, two backends, an empty database `shop`, and the changes as the input.
    pub fn new(case: Case, changes: &Changes) -> Self {
        Self::with(case, changes, "")
    }

    /// The same with more keys for the sink.
    pub fn with(case: Case, changes: &Changes, extra: &str) -> Self {
        let sink = format!("table = \"bets\"\ncreate_table = true\n{extra}");
        tailored(case, BETS, &sink, &changes.lines)
    }

    /// The program on this scene's pipeline.
    pub fn command(&self) -> std::process::Command {
        let mut command = self.bench.command(&["run", "--progress", "never", "pipeline.toml"]);
        command.env("PASSWORD", PASSWORD);
        command
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// If it does not end well.
    pub fn run(&self) {
        drop(millrace_tests::Process::start(&mut self.command()).finish().with_code(0));
    }

    /// The table as the MySQL port would show it.
    pub fn table(&self) -> Vec<(i64, Row)> {
        let sql = "SELECT id, amount, name, note, active FROM shop.bets ORDER BY id";
        let rows = self.standin.sql(sql);
        rows.into_iter()
            .map(|row| {
                let text = |index: usize| Some(row[index].clone()).filter(|text| text != "NULL");
                let id = text(0).and_then(|id| id.parse().ok()).expect("an id");
                let active = matches!(text(4).as_deref(), Some("1" | "true"));
                let note = text(3).expect("a note");
                (id, Row { amount: text(1), name: text(2), note, active })
            })
            .collect()
    }

    /// The table is what the changes come to, nothing is left open, and nothing was said against
    /// the protocol.
    ///
    /// # Panics
    /// If not.
    pub fn assert_whole(&self, changes: &Changes, what: &str) {
        // A load whose publication takes its time counts as done, as the target promises.
        let world = self.standin.world();
        wait_until("what is committed is visible", || {
            Transactions::tick(world);
            world.transactions.unpublished() == 0
        });
        let table = self.table();
        let found: BTreeMap<i64, Row> = table.iter().cloned().collect();
        assert_eq!(found.len(), table.len(), "{what}: a row is there twice");
        for (id, row) in &changes.table {
            assert_eq!(found.get(id), Some(row), "{what}: row {id}");
        }
        let strays: Vec<_> = found.keys().filter(|id| !changes.table.contains_key(id)).collect();
        assert!(strays.is_empty(), "{what}: rows that should be gone: {strays:?}");
        self.assert_clean(what);
    }

    /// Nothing is left open at the target, and nothing was said against the protocol.
    ///
    /// # Panics
    /// If not.
    pub fn assert_clean(&self, what: &str) {
        let open = self.standin.world().transactions.open();
        assert!(open.is_empty(), "{what}: left open: {open:?}");
        let breaches = self.standin.breaches();
        assert!(breaches.is_empty(), "{what}: {breaches:#?}");
    }
}
