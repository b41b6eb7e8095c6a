//! One live stage: a guest instance and the way of each batch through it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use arrow_array::new_empty_array;
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::projection::{Crossing, origin, repeated};
use super::{
    BatchPlace, EncodedKeys, JoinConfig, Missing, Numbering, StageConfig, StageError, StageOutput,
    Tables, join, mapped,
};
use crate::record::{Batch, Column, DeadLetter, Field, Operations, RowMeta, write_row};
use crate::sandbox::{
    Before as BeforeImages, Call, Description, Emitted, Images, Instance, Keys, Mapped, Mode,
    OpenContext, Outcome, Place, Rejection, SandboxError,
};
use crate::telemetry::{Clock, NodeCounters};

/// A transform at its place, ready for batches.
pub struct Stage {
    pub(super) config: StageConfig,
    pub(super) instance: Instance,
    /// For each added or replaced column its place in the output, by input.
    places: Vec<Vec<usize>>,
    pub(super) counters: Arc<NodeCounters>,
    pub(super) clock: Clock,
    numbering: Numbering,
    keys: EncodedKeys,
}

impl Stage {
    /// Opens an instance of the stage's transform. `numbering` gives the source sequences of the rows
    /// that it makes, from the checkpoint.
    ///
    /// # Errors
    /// [`StageError::Open`] if the instance cannot be made or refuses to open.
    pub fn open(
        config: StageConfig,
        counters: Arc<NodeCounters>,
        clock: Clock,
        numbering: Numbering,
    ) -> Result<Self, StageError> {
        let instance = config.artifact.open(&OpenContext {
            stage: config.name.clone(),
            params: config.params.clone(),
            inputs: config.input_schemas(),
            tables: config.table_schemas.clone(),
            limits: config.limits,
        })?;
        if *instance.description() != config.description {
            return Err(StageError::Undecided { stage: config.name });
        }
        let places = config.places();
        let keys = EncodedKeys::default();
        Ok(Self { config, instance, places, counters, clock, numbering, keys })
    }

    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// What the transform said about itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.config.description
    }

    /// The next source sequence of the rows that this stage makes.
    #[must_use]
    pub fn emitted(&self) -> i64 {
        self.numbering.next
    }

    /// Takes one batch of the input `input` through join and guest.
    ///
    /// Shape: one batch in; out come the batches by port (a map-like transform gives one, on port
    /// 0, even when it is empty) and a dead letter for each rejected row. Rows keep their order.
    ///
    /// # Errors
    /// [`StageError`]; nothing of the batch has taken effect.
    pub fn apply(
        &mut self,
        input: usize,
        batch: Batch,
        tables: &Tables,
    ) -> Result<StageOutput, StageError> {
        let living = batch.selected();
        NodeCounters::add(&self.counters.batches, 1);
        NodeCounters::add(&self.counters.rows_in, living);
        let mut batch = batch.into_dense();
        let mut output = StageOutput::default();
        let joined = self.join(&mut batch, tables, &mut output.rejected)?;
        let crossing = Crossing::of(&batch, self.config.description.inputs[input].takes);
        let outcome = if crossing.rows() == 0 && self.config.description.mode == Mode::Map {
            self.untouched(input)
        } else {
            self.call(input, &batch, joined, &crossing)?
        };
        self.reject(&mut batch, &crossing, outcome.rejected(), &mut output.rejected);
        match outcome {
            Outcome::Mapped { mapped, .. } => {
                self.keep(input, batch, &crossing, mapped, &mut output)
            }
            Outcome::Emitted { emitted, .. } => {
                let now = batch.meta.processing_times.last().copied().unwrap_or_default();
                self.emit(now, emitted, &mut output);
            }
        }
        self.count(&output);
        Ok(output)
    }

    /// Counts what leaves the stage.
    pub(super) fn count(&self, output: &StageOutput) {
        let gone: usize = output.batches.iter().map(|(_, batch)| batch.selected()).sum();
        NodeCounters::add(&self.counters.rows_out, gone);
        NodeCounters::add(&self.counters.rejected, output.rejected.len());
    }

    /// The answer over no rows: nothing crosses, so nothing is called.
    fn untouched(&self, input: usize) -> Outcome {
        let fields = &self.config.description.outputs[0].fields;
        let empty = |field: &Field| Column::from(new_empty_array(&field.data_type.arrow()));
        let images = || Images { kept: None, columns: fields.iter().map(empty).collect() };
        let wants_before = self.config.description.inputs[input].extras.before;
        let mapped = Mapped { after: images(), before: wants_before.then(images) };
        Outcome::Mapped { mapped, rejected: Vec::new() }
    }

    /// Shows what the transform has counted so far beside the stage's own counters.
    pub fn publish_counters(&self) {
        let counted = self.instance.counters();
        self.counters.set_guest_counts(counted.map(|(name, count)| (name.to_owned(), count)));
    }

    fn keep(
        &mut self,
        input: usize,
        batch: Batch,
        crossing: &Crossing,
        answer: Mapped,
        output: &mut StageOutput,
    ) {
        let schema = &self.config.outputs[0];
        let (batch, filtered) = mapped::merge(batch, crossing, answer, schema, &self.places[input]);
        NodeCounters::add(&self.counters.filtered, filtered);
        output.batches.push((0, batch));
    }

    /// The rows that the transform made at the processing time `now`, each port's as a batch.
    pub(super) fn emit(&mut self, now: i64, emitted: Vec<Emitted>, output: &mut StageOutput) {
        for rows in emitted {
            let schema = &self.config.outputs[rows.port];
            let meta = RowMeta {
                origin: origin(&self.config.name),
                operations: rows
                    .operations
                    .unwrap_or(Operations::All(crate::record::Operation::Insert)),
                event_times: rows.event_times,
                processing_times: repeated(now, rows.rows),
                majors: self.numbering.take(rows.rows),
                minors: None,
                base: 0,
                mixed: None,
                late: None,
            };
            let batch = Batch {
                schema: Arc::clone(schema),
                columns: rows.columns,
                meta: Arc::new(meta),
                rows: rows.rows,
                selection: None,
                before: None,
            };
            output.batches.push((rows.port, batch));
        }
    }

    /// The joined columns of all tables, over the whole batch; rows that miss leave it as their
    /// join says.
    fn join(
        &mut self,
        batch: &mut Batch,
        tables: &Tables,
        rejected: &mut Vec<DeadLetter>,
    ) -> Result<Vec<Column>, StageError> {
        let mut joined = Vec::new();
        for config in &self.config.joins {
            let snapshot = tables.get(&config.table).ok_or_else(|| StageError::TableMissing {
                stage: self.config.name.clone(),
                table: config.table.clone(),
            })?;
            let result = join(batch, &config.on, snapshot, &config.columns);
            joined.extend(result.columns.into_iter().map(Column::from));
            if let (false, Some(misses)) = (config.missing == Missing::Null, result.misses) {
                if config.missing == Missing::Reject {
                    let reason = |row: usize| missing_reason(batch, config, row);
                    let letters: Vec<DeadLetter> = misses
                        .set_indices()
                        .map(|row| self.letter(batch, row, reason(row), None))
                        .collect();
                    rejected.extend(letters);
                    batch.select(&!&misses);
                } else {
                    NodeCounters::add(&self.counters.filtered, misses.count_set_bits());
                    mapped::leave_out(batch, &misses);
                }
            }
        }
        Ok(joined)
    }

    fn call(
        &mut self,
        input: usize,
        batch: &Batch,
        joined: Vec<Column>,
        crossing: &Crossing,
    ) -> Result<Outcome, StageError> {
        let wants = self.config.description.inputs[input].extras;
        let reads = &self.config.inputs[input].reads;
        let keyed = self.config.description.keyed;
        if keyed {
            let key = &self.config.inputs[input].key;
            let cells: Vec<Column> =
                key.iter().map(|index| crossing.forth(&batch.columns[*index])).collect();
            let cells: Vec<_> = cells.iter().map(|column| &column.values).collect();
            self.keys.encode(&cells, crossing.rows());
        }
        let mut columns: Vec<Column> =
            reads.iter().map(|index| crossing.forth(&batch.columns[*index])).collect();
        columns.extend(joined.iter().map(|column| crossing.forth(column)));
        let before = batch.before.as_ref().filter(|_| wants.before).map(|before| BeforeImages {
            present: crossing.bitmap(&before.present),
            columns: reads.iter().map(|index| crossing.forth(&before.columns[*index])).collect(),
        });
        let meta = &batch.meta;
        let call = Call {
            input,
            schema: 0,
            rows: crossing.rows(),
            columns: &columns,
            before: before.as_ref(),
            operations: wants.operations.then(|| crossing.list(&meta.operations.codes(batch.rows))),
            event_times: wants.event_times.then(|| match &meta.event_times {
                Some((values, nulls)) => {
                    let nulls = nulls.as_ref().map(|nulls| crossing.bitmap(nulls.inner()).into());
                    (crossing.list(values), nulls)
                }
                // Asked for and not there: every row's is null.
                None => {
                    let none = NullBuffer::new_null(crossing.rows());
                    (vec![0; crossing.rows()].into(), Some(none))
                }
            }),
            processing_times: wants.processing_times.then(|| crossing.list(&meta.processing_times)),
            keys: keyed.then_some(Keys {
                groups: &self.keys.groups,
                offsets: &self.keys.offsets,
                encoded: &self.keys.bytes,
            }),
            now: meta.processing_times.last().copied().unwrap_or_default(),
        };
        let start = Instant::now();
        let outcome = self.instance.process(call).map_err(|source| StageError::Guest {
            batch: Box::new(place(batch, crossing, &source)),
            source,
        })?;
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.counters.guest_nanos.fetch_add(nanos, Ordering::Relaxed);
        Ok(outcome)
    }

    fn reject(
        &self,
        batch: &mut Batch,
        crossing: &Crossing,
        rejections: &[Rejection],
        rejected: &mut Vec<DeadLetter>,
    ) {
        if rejections.is_empty() {
            return;
        }
        let mut gone = vec![false; batch.rows];
        for rejection in rejections {
            let row = crossing.origin(rejection.row);
            gone[row] = true;
            rejected.push(self.letter(
                batch,
                row,
                rejection.reason.clone(),
                rejection.column.clone(),
            ));
        }
        batch.select(&BooleanBuffer::collect_bool(batch.rows, |row| !gone[row]));
    }

    /// A dead letter of this stage about a row of a batch.
    #[must_use]
    pub fn letter(
        &self,
        batch: &Batch,
        row: usize,
        reason: String,
        column: Option<String>,
    ) -> DeadLetter {
        let mut input = Vec::new();
        write_row(&mut input, batch, row);
        DeadLetter {
            time: self.clock.now(),
            stage: self.config.name.clone(),
            reason,
            column,
            position: batch.meta.position(row),
            sequence: batch.meta.sequence(row),
            ordinal: 0,
            artifact: Some(self.config.artifact.hash().to_owned()),
            input: String::from_utf8_lossy(&input).into_owned(),
        }
    }
}

/// Where the rows of a failed call stand, for a person who looks for them.
fn place(batch: &Batch, crossing: &Crossing, error: &SandboxError) -> BatchPlace {
    let position = |row: usize| batch.meta.position(row);
    let row = match error {
        SandboxError::Trapped { trap, .. } => match trap.place {
            Place::Row(row) if row < crossing.rows() => Some(position(crossing.origin(row))),
            _ => None,
        },
        _ => None,
    };
    // A batch without rows is never handed on: there is a first row and a last one.
    BatchPlace { first: position(0), last: position(batch.rows.saturating_sub(1)), row }
}

fn missing_reason(batch: &Batch, config: &JoinConfig, row: usize) -> String {
    let equals = |index: &usize| {
        let field = &batch.schema.fields[*index];
        let mut value = Vec::new();
        let values = &*batch.columns[*index].values;
        crate::record::write_value(&mut value, field.data_type, values, row);
        format!("{} = {}", field.name, String::from_utf8_lossy(&value))
    };
    let key: Vec<String> = config.on.iter().map(equals).collect();
    format!("no row of table `{}` has {}", config.table, key.join(", "))
}
