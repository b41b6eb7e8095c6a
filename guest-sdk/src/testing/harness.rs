//! A test of a transform.

use std::marker::PhantomData;
use std::ops::Range;

use serde_json::{Map, Value};

use super::{Answer, Row, batch, check, drive};
use crate::host;
use crate::raw::{
    Batch, DataType, Description, Guest, InputSchema, Operations, Problem, TableSchema,
};
use crate::time::Timestamp;

/// Rows and params for a transform, and a way to cut the rows into batches.
///
/// Making a test runs nothing; [`run`](Self::run) does, as often as it is called, on a new instance
/// each time.
pub struct Test<G> {
    pub(super) params: Value,
    pub(super) inputs: Vec<InputSchema>,
    pub(super) tables: Vec<TableSchema>,
    pub(super) rows: Vec<Row>,
    pub(super) seed: Option<u64>,
    /// What moves after so many rows.
    pub(super) moves: Vec<(usize, Move)>,
    pub(super) restores: Option<u64>,
    pub(super) key: Vec<(String, DataType)>,
    guest: PhantomData<fn() -> G>,
}

/// A time that moves on.
#[derive(Clone, Copy)]
pub(super) enum Move {
    Watermark(i64),
    Tick(i64),
}

impl<G> Clone for Test<G> {
    fn clone(&self) -> Self {
        Self {
            params: self.params.clone(),
            inputs: self.inputs.clone(),
            tables: self.tables.clone(),
            rows: self.rows.clone(),
            seed: self.seed,
            moves: self.moves.clone(),
            restores: self.restores,
            key: self.key.clone(),
            guest: PhantomData,
        }
    }
}

impl<G: Guest> Default for Test<G> {
    fn default() -> Self {
        Self::new()
    }
}

impl<G: Guest> Test<G> {
    /// A test without params and rows.
    #[must_use]
    pub fn new() -> Self {
        let input =
            InputSchema { input: 0, name: "input".to_owned(), schema: 0, fields: Vec::new() };
        Self {
            params: Value::Object(Map::new()),
            inputs: vec![input],
            tables: Vec::new(),
            rows: Vec::new(),
            seed: None,
            moves: Vec::new(),
            restores: None,
            key: Vec::new(),
            guest: PhantomData,
        }
    }

    /// The params, a JSON object.
    #[must_use]
    pub fn params(self, params: Value) -> Self {
        Self { params, ..self }
    }

    /// The schemas that `describe` and `open` are called with. Only a guest on the raw layer looks
    /// at them.
    #[must_use]
    pub fn schemas(self, inputs: Vec<InputSchema>, tables: Vec<TableSchema>) -> Self {
        Self { inputs, tables, ..self }
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, row: impl Into<Row>) -> Self {
        self.rows.push(row.into());
        self
    }

    /// Adds rows.
    #[must_use]
    pub fn rows(mut self, rows: impl IntoIterator<Item = impl Into<Row>>) -> Self {
        self.rows.extend(rows.into_iter().map(Into::into));
        self
    }

    /// Cuts the rows into batches at random, empty ones among them; the same seed cuts the same way.
    /// Without this they are one batch.
    ///
    /// Batch boundaries carry no meaning, so whatever the seed is, the answer must be the same.
    #[must_use]
    pub fn cut(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Moves event time on, once the rows so far have come: timers up to `time` fire.
    ///
    /// A transform that takes its rows by event time gets them here: those up to `time`, sorted, as
    /// the host does it. A row that comes later and is earlier is late: it is dropped, and
    /// [`Answer::late`] names it. The rows that remain at the end come then, sorted.
    #[must_use]
    pub fn watermark(mut self, time: Timestamp) -> Self {
        self.moves.push((self.rows.len(), Move::Watermark(time.micros())));
        self
    }

    /// Moves processing time on, once the rows so far have come: timers up to `now` fire.
    #[must_use]
    pub fn tick(mut self, now: Timestamp) -> Self {
        self.moves.push((self.rows.len(), Move::Tick(now.micros())));
        self
    }

    /// Saves the transform's state between calls at random, and goes on with a new instance that was
    /// restored from all that was saved; the same seed does the same.
    ///
    /// A restored instance answers as the saved one, so whatever the seed is, the answer must be the
    /// same.
    #[must_use]
    pub fn restored(self, seed: u64) -> Self {
        Self { restores: Some(seed), ..self }
    }

    /// The columns of the key and their types, where the transform leaves its key open or does not
    /// read it. Other keys are found by what `describe` says.
    #[must_use]
    pub fn key_types(self, key: &[(&str, DataType)]) -> Self {
        let key = key.iter().map(|(name, data_type)| ((*name).to_owned(), *data_type)).collect();
        Self { key, ..self }
    }

    /// What the transform says of itself.
    ///
    /// # Errors
    /// What is wrong with the params.
    pub fn describe(&self) -> Result<Description, Vec<Problem>> {
        G::describe(&self.params.to_string(), &self.inputs, &self.tables)
    }

    /// All rows as one batch, as the host would hand it over.
    ///
    /// # Panics
    /// Where the params or a value are wrong.
    #[must_use]
    pub fn batch(&self) -> Batch {
        batch::batch(&self.described(), &self.rows, 0)
    }

    /// Runs the transform over the rows.
    ///
    /// # Panics
    /// Where the params or a value are wrong, the transform fails as a whole, or an answer breaks
    /// the contract. A panic in the transform is the test's.
    #[must_use]
    pub fn run(&self) -> Answer {
        let description = self.described();
        let takes = description.inputs[0].takes;
        for (index, row) in self.rows.iter().enumerate() {
            let operation = row.operation;
            let taken = takes.contains(Operations::from_bits_retain(1 << operation.code()));
            assert!(taken, "row {index}: the host passes each {operation} by this transform");
        }
        drop(host::take_recorded());
        if description.keyed || !self.moves.is_empty() {
            let mut answer = drive::run(self, &description);
            answer.record(host::take_recorded());
            return answer;
        }
        let mut guest = self.open();
        let mut answer = Answer::default();
        let mut seed = self.seed;
        for range in cuts(self.rows.len(), &mut seed) {
            let (first, rows) = (range.start, &self.rows[range]);
            let batch = batch::batch(&description, rows, first);
            let before = batch.before.as_ref().map(|images| images.present.clone());
            let outcome = match guest.process(batch) {
                Ok(outcome) => outcome,
                Err(failure) => panic!("the transform failed: {}", failure.message),
            };
            if let Err(breach) = check(&description, rows.len(), before.as_deref(), &outcome) {
                panic!("the answer breaks the contract: {breach}");
            }
            answer.add(&description, rows, first, &outcome);
        }
        answer.record(host::take_recorded());
        answer
    }

    pub(super) fn open(&self) -> G {
        match G::open(&self.params.to_string(), &self.inputs, &self.tables) {
            Ok(guest) => guest,
            Err(failure) => panic!("the transform does not open: {}", failure.message),
        }
    }

    fn described(&self) -> Description {
        self.describe().unwrap_or_else(|problems| {
            let lines: Vec<String> = problems
                .iter()
                .map(|problem| {
                    let hint = problem.hint.as_deref().unwrap_or("no hint");
                    format!("{:?}: {} ({hint})", problem.subject, problem.message)
                })
                .collect();
            panic!("the transform cannot run:\n{}", lines.join("\n"))
        })
    }
}

/// Cuts `rows` rows into batches at random, or into one without a state of randomness.
pub(super) fn cuts(rows: usize, seed: &mut Option<u64>) -> Vec<Range<usize>> {
    let Some(state) = seed else { return std::iter::once(0..rows).collect() };
    let (mut cuts, mut start) = (Vec::new(), 0);
    while start < rows {
        let length = (next(state) % 21) as usize;
        let stop = rows.min(start + length);
        cuts.push(start..stop);
        start = stop;
    }
    cuts
}

/// The next number of Sebastiano Vigna's SplitMix64.
pub(super) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
