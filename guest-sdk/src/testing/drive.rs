//! Drives a transform that keeps state or waits for a time.

use super::harness::{Move, Test, cuts, next};
use super::{Answer, Row, batch, check, keys};
use crate::raw::{
    DataType, Description, Emitted, Failure, Guest, Order, Outcome, Output, StateChunk, StateKind,
};

/// Runs the test's rows and moves.
pub(super) fn run<G: Guest>(test: &Test<G>, description: &Description) -> Answer {
    let mut driver = Driver {
        test,
        description,
        key: keys::columns(description, &test.key),
        guest: test.open(),
        saved: Vec::new(),
        cut: test.seed,
        restores: test.restores,
        waiting: Vec::new(),
        watermark: i64::MIN,
        answer: Answer::default(),
    };
    let mut moves = test.moves.iter().peekable();
    for row in 0..=test.rows.len() {
        while let Some((_, step)) = moves.next_if(|(after, _)| *after == row) {
            driver.step(*step);
        }
        if row < test.rows.len() {
            driver.arrive(row);
        }
    }
    driver.release(i64::MAX);
    driver.answer.sort_ports(description);
    driver.answer
}

struct Driver<'t, G> {
    test: &'t Test<G>,
    description: &'t Description,
    key: Vec<(String, DataType)>,
    guest: G,
    /// All that was ever saved.
    saved: Vec<StateChunk>,
    cut: Option<u64>,
    restores: Option<u64>,
    /// Rows that came and were not yet processed.
    waiting: Vec<usize>,
    watermark: i64,
    answer: Answer,
}

impl<G: Guest> Driver<'_, G> {
    fn ordered(&self) -> bool {
        matches!(self.description.order, Order::EventTime)
    }

    fn time(&self, row: usize) -> i64 {
        let time = self.test.rows[row].event_time;
        time.map_or(i64::MIN, |time| time.micros())
    }

    fn arrive(&mut self, row: usize) {
        if self.ordered() {
            let known = self.test.rows[row].event_time.is_some();
            assert!(
                known,
                "row {row} has no event time: the host never sends it to this transform"
            );
            if self.time(row) < self.watermark {
                self.answer.add_late(row);
                return;
            }
        }
        self.waiting.push(row);
    }

    fn step(&mut self, step: Move) {
        match step {
            Move::Watermark(time) => {
                assert!(time >= self.watermark, "event time never falls");
                self.release(time);
                self.watermark = time;
                self.fire(|guest| guest.advance_watermark(time));
            }
            Move::Tick(now) => {
                self.release(self.watermark);
                self.fire(|guest| guest.tick(now));
            }
        }
    }

    /// Processes the rows that may go: by event time those up to `limit`.
    fn release(&mut self, limit: i64) {
        let mut rows = std::mem::take(&mut self.waiting);
        if self.ordered() {
            rows.sort_by_key(|row| self.time(*row));
            let end = rows.partition_point(|row| self.time(*row) <= limit);
            self.waiting = rows.split_off(end);
            // What came first among equals must do so later, too.
            self.waiting.sort_unstable();
        }
        for range in cuts(rows.len(), &mut self.cut) {
            self.process(&rows[range]);
        }
    }

    fn process(&mut self, indices: &[usize]) {
        let rows: Vec<Row> = indices.iter().map(|row| self.test.rows[*row].clone()).collect();
        let first = indices.first().copied().unwrap_or(0);
        let mut batch = batch::batch(self.description, &rows, first);
        let before = batch.before.as_ref().map(|images| images.present.clone());
        if self.description.keyed {
            batch.keys = Some(keys::encode(&self.key, &rows));
        }
        let outcome = done(self.guest.process(batch), "process");
        if let Err(breach) = check(self.description, rows.len(), before.as_deref(), &outcome) {
            panic!("the answer breaks the contract: {breach}");
        }
        match &outcome.output {
            Output::Emitted(_) => self.answer.add_emitted(self.description, indices, &outcome),
            Output::Mapped(_) => self.answer.add(self.description, &rows, first, &outcome),
        }
        self.between();
    }

    fn fire(&mut self, call: impl Fn(&mut G) -> Result<crate::raw::Fired, Failure>) {
        loop {
            let fired = done(call(&mut self.guest), "a timer");
            self.emitted(fired.emitted);
            self.between();
            if !fired.more {
                return;
            }
        }
    }

    fn emitted(&mut self, emitted: Vec<Emitted>) {
        if emitted.is_empty() {
            return;
        }
        let outcome = Outcome { output: Output::Emitted(emitted), rejected: Vec::new() };
        if let Err(breach) = check(self.description, 0, None, &outcome) {
            panic!("what fired breaks the contract: {breach}");
        }
        self.answer.add_emitted(self.description, &[], &outcome);
    }

    /// Between two calls: saves at random, and restores what was saved.
    fn between(&mut self) {
        let Some(state) = &mut self.restores else { return };
        let (choice, bytes) = (next(state) % 4, next(state) % 400);
        if choice == 0 {
            return;
        }
        loop {
            let chunk = done(self.guest.save(bytes as u32), "save");
            check_chunk(self.description, &chunk);
            let more = chunk.more;
            self.saved.push(chunk);
            if !more {
                break;
            }
        }
        if choice == 1 {
            self.guest = self.test.open();
            for chunk in &self.saved {
                done(self.guest.restore(chunk.clone()), "restore");
            }
        }
    }
}

fn done<T>(answer: Result<T, Failure>, what: &str) -> T {
    match answer {
        Ok(answer) => answer,
        Err(failure) => panic!("the transform failed in {what}: {}", failure.message),
    }
}

/// Holds saved entries against the contract.
fn check_chunk(description: &Description, chunk: &StateChunk) {
    let entries = chunk.states.len();
    let columns = [&chunk.keys, &chunk.sub_keys, &chunk.values];
    let fit = columns.iter().all(|column| column.offsets.len() == entries + 1);
    let fit = fit && chunk.groups.len() == entries && chunk.actions.len() == entries;
    assert!(fit, "a chunk of state has columns of different lengths");
    for entry in 0..entries {
        let width = |column: usize| {
            let offsets = &columns[column].offsets;
            offsets[entry + 1] - offsets[entry]
        };
        let group = chunk.groups[entry];
        assert!(group < crate::state::key::GROUPS, "key group {group} is saved");
        assert!(chunk.actions[entry] <= 2, "action {} is saved", chunk.actions[entry]);
        let state = description.states.get(chunk.states[entry] as usize);
        let state = state.expect("what is saved is of a state that was declared");
        match state.kind {
            StateKind::Timers => assert_eq!(width(1), 8, "a timer's sub-key is its time"),
            StateKind::Broadcast => assert_eq!((group, width(0)), (0, 0), "it has no key"),
            StateKind::Value | StateKind::List | StateKind::Map => {}
        }
    }
}
