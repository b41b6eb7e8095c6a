//! The half that takes rows: sends them to their tables, holds them over the epoch, and prepares
//! them part by part; or, at-least-once, loads them as they come.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::config::{StreamLoadConfig, TableName, TablePiece, TruncatePolicy};
use super::eager::Eager;
use super::error::StreamLoadError;
use super::held::{Parts, Plan};
use super::route::{Routed, route};
use super::tables::{OpenTable, Tables, truncates};
use super::transaction::{
    Contents, Emptied, Found, Loader, Outcome, PartContents, PartHandle, Repeat, StreamLoadHandle,
    parallel,
};
use crate::record::{Batch, Epoch};
use crate::sink::{Handle, LateRefusal, Prepared, Refusal, Sink, SinkError, WriteMode};
use crate::telemetry::{Clock, LoadPhase};

/// The index of rows and keys that is no reason for a checkpoint, whatever the bound on memory.
const INDEX_BYTES: usize = 64 << 20;
/// The same that is one in any case: keys have places of 32 bits.
const INDEX_MAX: usize = 2 << 30;

pub(super) struct StreamLoadSink {
    config: Arc<StreamLoadConfig>,
    clock: Clock,
    loader: Arc<Loader>,
    tables: Tables,
    eager: Eager,
    /// The epoch that comes, as it was prepared before, where it was.
    repeat: Option<Repeat>,
    /// The last epoch that this process has prepared; 0: none.
    epoch: Epoch,
}

/// A part that is to be loaded, or looked through.
enum Job {
    Load {
        contents: PartContents,
        label: String,
    },
    /// It is visible by `parts`, but for `refused` rows, which have to be found again.
    Refused {
        contents: PartContents,
        parts: Vec<PartHandle>,
        refused: u64,
    },
}

impl Job {
    fn run(self, loader: &Loader, epoch: Epoch) -> Result<Outcome, SinkError> {
        match self {
            Self::Load { contents, label } => {
                loader.load_part(contents.spot(epoch), &contents, Some(label))
            }
            Self::Refused { contents, parts, refused } => {
                let spot = contents.spot(epoch);
                let refused = loader.find_refused(spot, &contents, refused)?;
                Ok(Outcome { taken: parts, refused })
            }
        }
    }
}

impl StreamLoadSink {
    pub(super) fn new(
        config: Arc<StreamLoadConfig>,
        clock: Clock,
        loader: Arc<Loader>,
        tables: Tables,
    ) -> Self {
        let eager = Eager::new(Arc::clone(&loader), config.load);
        Self { config, clock, loader, tables, eager, repeat: None, epoch: 0 }
    }

    fn halted(&self, message: String) -> SinkError {
        self.loader.failed(StreamLoadError::Halted { message })
    }

    fn place(&mut self, table: &str) -> Result<usize, SinkError> {
        self.tables.place(&self.loader.intents, table)
    }

    /// Takes a batch whose rows are all of one table.
    fn add(&mut self, table: &str, batch: &Batch) -> Result<Vec<Refusal>, SinkError> {
        let is_upsert = self.config.mode == WriteMode::Upsert;
        if is_upsert
            && self.config.on_truncate == TruncatePolicy::Halt
            && let Some(row) = truncates(batch).first()
        {
            return Err(self.halted(format!(
                "the source has truncated what table `{table}` is filled from, at {}; say \
                 on_truncate = \"apply\" to empty the table, too, or on_truncate = \"ignore\" to \
                 keep its rows",
                batch.meta.position(*row)
            )));
        }
        let place = self.place(table)?;
        let refused = self.tables.at(place).add(&self.config, batch)?;
        if !self.config.exactly_once && self.tables.at(place).emptied {
            self.eager.land(place)?;
            self.tables.truncate(table)?;
            self.tables.at(place).emptied = false;
        }
        Ok(refused)
    }

    fn add_routed(
        &mut self,
        pieces: &[TablePiece],
        batch: &Batch,
    ) -> Result<Vec<Refusal>, SinkError> {
        let Routed { mut refused, tables } = route(pieces, batch);
        for (table, rows) in tables {
            if rows.len() == batch.rows {
                refused.extend(self.add(&table, batch)?);
                continue;
            }
            let of_table = self.add(&table, &batch.take(&rows))?;
            refused.extend(of_table.into_iter().map(|refusal| {
                let row = rows[refusal.row] as usize;
                Refusal { row, ..refusal }
            }));
        }
        refused.sort_by_key(|refusal| refusal.row);
        Ok(refused)
    }

    /// At-least-once: loads what is much, or has waited long.
    fn load_what_is_due(&mut self) -> Result<(), SinkError> {
        for place in 0..self.tables.len() {
            let table = self.tables.at(place);
            if table.held.is_empty() {
                continue;
            }
            let since = *table.since.get_or_insert_with(Instant::now);
            let is_old = since.elapsed() >= self.config.load.linger;
            if is_old || self.eager.is_full(table.held.rows(), table.held.bytes()) {
                self.load_table(place)?;
            }
        }
        Ok(())
    }

    fn load_table(&mut self, place: usize) -> Result<(), SinkError> {
        let now = self.clock.now();
        let table = self.tables.at(place);
        table.since = None;
        if table.held.is_empty() {
            return Ok(());
        }
        let parts = table.held.finish(Parts::BySize(self.config.load))?;
        let contents = |part| PartContents::new(&table.layouts, part, now);
        let parts = parts.into_iter().map(contents).collect();
        self.eager.start(place, parts, self.epoch + 1)
    }

    /// At-least-once: loads what is left, and waits for it.
    fn load_all(&mut self) -> Result<Vec<LateRefusal>, SinkError> {
        for place in 0..self.tables.len() {
            self.load_table(place)?;
        }
        self.eager.land_all()
    }

    /// Prepares every part of the epoch.
    fn prepare_parts(
        &mut self,
        epoch: Epoch,
    ) -> Result<(StreamLoadHandle, Vec<LateRefusal>), SinkError> {
        self.end_strays()?;
        let (repeat, bounds) = (&self.repeat, self.config.load);
        let plan = |table: &mut OpenTable| {
            let parts = match repeat {
                Some(repeat) => repeat.parts(&table.name, bounds),
                None => Parts::BySize(bounds),
            };
            table.held.plan(&parts)
        };
        let plans: Vec<Plan> = self.tables.all().iter_mut().map(plan).collect();
        let mut handle = StreamLoadHandle {
            parts: Vec::new(),
            keyed: self.config.mode == WriteMode::Upsert,
            emptied: self.emptied(),
            cut: self.tables.cut(),
            place: self.config.place(),
        };
        let mut refused = Vec::new();
        let chunks = chunks(&plans, self.config.memory, bounds.in_flight);
        if chunks.is_empty() {
            // What has ended is to be written down, too.
            self.loader.intents.begin(&[])?;
        }
        for chunk in chunks {
            let jobs = self.jobs(&plans, &chunk, epoch, &mut handle)?;
            let loader = &*self.loader;
            let run = |job: Job| job.run(loader, epoch);
            for outcome in parallel::each(jobs, bounds.in_flight, run)? {
                handle.parts.extend(outcome.taken);
                refused.extend(outcome.refused);
            }
        }
        for table in self.tables.all() {
            table.held.clear();
            table.emptied = false;
        }
        if let Some(repeat) = self.repeat.take() {
            handle.parts.extend(repeat.end().map_err(|message| self.halted(message))?);
        }
        Ok((handle, refused))
    }

    /// Ends the transactions that were not to be kept and could not be rolled back then. Nothing
    /// else is open now: the epoch before is committed.
    fn end_strays(&self) -> Result<(), SinkError> {
        for (label, table) in self.loader.intents.all() {
            if !self.loader.give_up(&table, &label)? {
                break;
            }
        }
        Ok(())
    }

    /// What is to be done about a chunk of parts, with the labels of their first loads written down
    /// in one go. Parts that are visible as a whole go straight to the handle.
    fn jobs(
        &mut self,
        plans: &[Plan],
        chunk: &[(usize, Range<usize>)],
        epoch: Epoch,
        handle: &mut StreamLoadHandle,
    ) -> Result<Vec<Job>, SinkError> {
        let (mut jobs, mut intents) = (Vec::new(), Vec::new());
        let now = self.clock.now();
        for (place, parts) in chunk {
            let table = self.tables.at(*place);
            for part in table.held.load(&plans[*place], parts.clone())? {
                let contents = PartContents::new(&table.layouts, part, now);
                let spot = contents.spot(epoch);
                let found = match &mut self.repeat {
                    Some(repeat) => {
                        repeat.find(spot.table, (spot.set, spot.index), contents.rows() as u64)
                    }
                    None => Ok(Found::Load),
                };
                let halted = |message| self.loader.failed(StreamLoadError::Halted { message });
                match found.map_err(halted)? {
                    Found::Load => {
                        let label = self.loader.labels.next(spot);
                        intents.push((label.clone(), spot.table.to_owned()));
                        jobs.push(Job::Load { contents, label });
                    }
                    Found::Visible { parts, refused: 0 } => handle.parts.extend(parts),
                    Found::Visible { parts, refused } => {
                        jobs.push(Job::Refused { contents, parts, refused });
                    }
                }
            }
        }
        self.loader.intents.begin(&intents)?;
        Ok(jobs)
    }

    /// The tables that the source has truncated in this epoch.
    fn emptied(&mut self) -> Vec<Emptied> {
        let mut emptied = Vec::new();
        for place in 0..self.tables.len() {
            let table = self.tables.at(place);
            if table.emptied {
                let table = table.name.clone();
                emptied.push(Emptied { table, sql: self.tables.deletion(place) });
            }
        }
        emptied
    }
}

/// The planned parts, in chunks that have room in memory, but not less than can be loaded at once;
/// each is some tables' places with a range of their parts.
fn chunks(plans: &[Plan], memory: usize, in_flight: usize) -> Vec<Vec<(usize, Range<usize>)>> {
    let mut chunks: Vec<Vec<(usize, Range<usize>)>> = Vec::new();
    let (mut count, mut bytes) = (0, 0);
    for (place, plan) in plans.iter().enumerate() {
        for part in 0..plan.len() {
            let size = plan.bytes(part);
            let is_full = count >= in_flight && bytes + size > memory;
            if is_full || chunks.is_empty() {
                chunks.push(Vec::new());
                (count, bytes) = (0, 0);
            }
            (count, bytes) = (count + 1, bytes + size);
            let chunk = chunks.last_mut().expect("one has just been made");
            match chunk.last_mut() {
                Some((of, parts)) if *of == place => parts.end = part + 1,
                _ => chunk.push((place, part..part + 1)),
            }
        }
    }
    chunks
}

impl Sink for StreamLoadSink {
    fn write(&mut self, batch: &Batch) -> Result<Vec<Refusal>, SinkError> {
        let config = Arc::clone(&self.config);
        let refused = match &config.table {
            TableName::Fixed(table) => self.add(table, batch)?,
            TableName::Template(pieces) => self.add_routed(pieces, batch)?,
        };
        if !config.exactly_once {
            self.load_what_is_due()?;
        }
        self.tables.keep_to_memory()?;
        Ok(refused)
    }

    fn prepare(&mut self, epoch: Epoch) -> Result<Prepared, SinkError> {
        let started = Instant::now();
        let (handle, refused) = if self.config.exactly_once {
            self.prepare_parts(epoch)?
        } else {
            let place = self.config.place();
            (StreamLoadHandle { place, ..StreamLoadHandle::default() }, self.load_all()?)
        };
        self.epoch = epoch;
        self.loader.counters.spent(LoadPhase::Prepare, started.elapsed());
        Ok(Prepared { handle: handle.write(), refused })
    }

    fn takes_selections(&self) -> bool {
        // Rows of several tables are taken apart, which is a copy by itself.
        matches!(self.config.table, TableName::Fixed(_))
    }

    fn wants_barrier(&self) -> bool {
        // A quarter is left for the rows that come before the barrier does.
        let is_near = |bytes: usize, bound: usize| bytes >= bound / 4 * 3;
        // The index of rows and keys cannot be spilled.
        is_near(self.tables.bytes(), self.config.spill)
            || is_near(self.tables.index_bytes(), self.config.memory.clamp(INDEX_BYTES, INDEX_MAX))
            || self.eager.wants_barrier()
    }

    fn ready(&mut self) -> Result<(), SinkError> {
        let config = Arc::clone(&self.config);
        match &config.table {
            TableName::Fixed(table) => self.place(table).map(drop),
            TableName::Template(_) => Ok(()),
        }
    }

    fn mute(&mut self, visible: &Handle, whole: &Handle) -> Result<(), SinkError> {
        let sink = &self.loader.sink;
        let visible = StreamLoadHandle::read(visible, sink)?;
        let whole = StreamLoadHandle::read(whole, sink)?;
        if !whole.cut.is_empty() && whole.cut != self.tables.cut() {
            return Err(self.halted(
                "the table's name, `mode`, `key`, `sequence` or what becomes of deletes, updates \
                 or truncates has been changed since a checkpoint of which the target shows a part; \
                 the other part cannot be told under other settings: set them back, start once, \
                 and change them then"
                    .to_owned(),
            ));
        }
        self.repeat = Some(Repeat::new(&visible, whole));
        Ok(())
    }
}
