//! The tables that a sink fills: made, checked and mapped when the first row for them comes.
//!
//! *Invariants*: a table that had rows before this store is filled only as `if_exists` says; the
//! tables that this store fills are written down before the first load of each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use arrow_buffer::BooleanBuffer;

use super::config::{StreamLoadConfig, TableName, TablePiece, TruncatePolicy};
use super::error::StreamLoadError;
use super::held::{FoldRules, Held};
use super::target::{self, Admin, Mapped, Origin, Table, sql};
use super::transaction::{Intents, Layouts};
use crate::record::{Batch, Operation, Operations};
use crate::sink::{IfExists, Refusal, SinkContext, SinkError, WriteMode};

/// Tables that one sink may fill.
const TABLES_MAX: usize = 1000;

/// The statements of tables, and what the sink knows of them.
pub(super) struct Tables {
    config: Arc<StreamLoadConfig>,
    context: SinkContext,
    admin: Admin,
    rules: Arc<FoldRules>,
    open: Vec<OpenTable>,
    places: HashMap<String, usize>,
}

/// A table that rows go to.
pub(super) struct OpenTable {
    pub name: String,
    pub layouts: Arc<Layouts>,
    pub held: Held,
    /// Whether the source has truncated it in this epoch.
    pub emptied: bool,
    /// At-least-once: when the oldest of the rows that wait came.
    pub since: Option<Instant>,
    mapped: Vec<Mapped>,
}

impl Tables {
    pub(super) fn new(
        config: Arc<StreamLoadConfig>,
        context: SinkContext,
        admin: Admin,
    ) -> Result<Self, SinkError> {
        let rules = Arc::new(rules(&config, &context)?);
        Ok(Self { config, context, admin, rules, open: Vec::new(), places: HashMap::new() })
    }

    /// The tables that are open.
    pub(super) fn all(&mut self) -> &mut [OpenTable] {
        &mut self.open
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.open.len()
    }

    /// One of them, by its place.
    pub(super) fn at(&mut self, place: usize) -> &mut OpenTable {
        &mut self.open[place]
    }

    /// Bytes that all of them hold.
    pub(super) fn bytes(&self) -> usize {
        self.open.iter().map(|table| table.held.bytes()).sum()
    }

    /// A digest of the settings that decide which rows make which part.
    pub(super) fn cut(&self) -> String {
        let StreamLoadConfig { table, on_truncate, .. } = &*self.config;
        let said = format!("{:?}", (&self.rules, table, on_truncate));
        format!("{:016x}", xxhash_rust::xxh64::xxh64(said.as_bytes(), 0))
    }

    /// Bytes of what is always in memory.
    pub(super) fn index_bytes(&self) -> usize {
        self.open.iter().map(|table| table.held.index_bytes()).sum()
    }

    /// Keeps the rows of all tables together to the bound on memory: those of the tables that have
    /// most are spilled.
    pub(super) fn keep_to_memory(&mut self) -> Result<(), SinkError> {
        let mut bytes: usize = self.open.iter().map(|table| table.held.in_memory()).sum();
        while bytes > self.config.memory {
            let largest = self.open.iter_mut().max_by_key(|table| table.held.in_memory());
            let Some(OpenTable { held, .. }) = largest else { break };
            bytes -= held.in_memory();
            held.spill()?;
        }
        Ok(())
    }

    /// The place of a table, which is opened at first sight.
    pub(super) fn place(&mut self, intents: &Intents, name: &str) -> Result<usize, SinkError> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        if self.open.len() >= TABLES_MAX {
            let message = format!(
                "the rows name more than {TABLES_MAX} tables, `{name}` among them; is the table's \
                 template made of the right columns? split the stream over several sinks if it is"
            );
            return Err(self.failed(StreamLoadError::Halted { message }));
        }
        let table = self.claim(intents, name)?;
        let opened = self.opened(name, &table).map_err(|error| self.failed(error))?;
        let place = self.open.len();
        self.open.push(opened);
        self.places.insert(name.to_owned(), place);
        Ok(place)
    }

    /// Makes sure that the table is there and may be filled. What this store noted in an earlier
    /// life, before its database was made anew, does not count: those rows are another's.
    pub(super) fn claim(&mut self, intents: &Intents, name: &str) -> Result<Table, SinkError> {
        let claim = format!("{} {name}", self.context.incarnation);
        let is_filled = intents.fills(&claim);
        let table = self.found(name, is_filled).map_err(|error| self.failed(error))?;
        target::check_two_phases(&mut self.admin, &table).map_err(|error| self.failed(error))?;
        if !is_filled {
            self.check(&table)?;
            self.take_over(name).map_err(|error| self.failed(error))?;
            intents.note_table(&claim)?;
        }
        Ok(table)
    }

    /// Whether the input fits the table, once that has the columns that it is to get.
    fn check(&self, table: &Table) -> Result<(), SinkError> {
        let evolved = target::evolved(&self.config, &self.context.schema, table);
        target::map(&self.config, &self.context.schema, &evolved)
            .map(drop)
            .map_err(|error| self.failed(error))
    }

    /// Deletes every row of a table at once, in a statement of its own.
    pub(super) fn truncate(&mut self, name: &str) -> Result<(), SinkError> {
        let sql = format!("TRUNCATE TABLE {}", sql::table_name(&self.config.database, name));
        self.admin.execute(&sql).map_err(|error| self.failed(error))
    }

    /// The statements that delete every row of a table in a transaction, such that what is prepared
    /// and not yet committed stays: TRUNCATE would take that along.
    pub(super) fn deletion(&self, place: usize) -> Vec<String> {
        let OpenTable { name, mapped, .. } = &self.open[place];
        let table = sql::table_name(&self.config.database, name);
        let key = mapped.iter().find(|column| column.key);
        // A key has no null.
        key.map(|key| format!("DELETE FROM {table} WHERE {} IS NOT NULL", sql::name(&key.name)))
            .into_iter()
            .collect()
    }

    fn failed(&self, source: StreamLoadError) -> SinkError {
        SinkError::StreamLoad { sink: self.context.sink.clone(), source: Box::new(source) }
    }

    /// The table as it is; made where it may be.
    fn found(&mut self, name: &str, is_filled: bool) -> Result<Table, StreamLoadError> {
        if let Some(table) = self.admin.table(name)? {
            return Ok(table);
        }
        if is_filled {
            return Err(StreamLoadError::Missing {
                what: "table",
                name: name.to_owned(),
                remedy:
                    "this checkpoint store has filled it: put it back, or start over with a new \
                         checkpoint store"
                        .to_owned(),
            });
        }
        // Without its database no table is made either.
        if !self.admin.has_database()? {
            return Err(StreamLoadError::Missing {
                what: "database",
                name: self.config.database.clone(),
                remedy: "run `millrace ddl --apply FILE`, which makes it with its tables; correct \
                         `database`; or let the user see it"
                    .to_owned(),
            });
        }
        let missing = || StreamLoadError::Missing {
            what: "table",
            name: name.to_owned(),
            remedy: "make it with `millrace ddl --apply FILE`, or say create_table = true"
                .to_owned(),
        };
        if !self.config.create_table {
            return Err(missing());
        }
        let alive = self.admin.backends()?.iter().filter(|backend| backend.alive).count();
        let version = self.admin.version()?;
        let (config, schema) = (&self.config, &self.context.schema);
        let sql = target::create_table_for(config, schema, name, alive, &version);
        self.admin.execute(&sql)?;
        tracing::info!(sink = self.context.sink, table = name, "made the table");
        self.admin.table(name)?.ok_or_else(missing)
    }

    /// What `if_exists` says about a table that this store has not filled yet.
    fn take_over(&mut self, name: &str) -> Result<(), StreamLoadError> {
        if self.config.if_exists == IfExists::Append || self.admin.is_empty(name)? {
            return Ok(());
        }
        if self.config.if_exists == IfExists::Error {
            return Err(StreamLoadError::OutputNotEmpty { table: name.to_owned() });
        }
        let sql = format!("TRUNCATE TABLE {}", sql::table_name(&self.config.database, name));
        self.admin.execute(&sql)
    }

    fn opened(&mut self, name: &str, table: &Table) -> Result<OpenTable, StreamLoadError> {
        let Self { config, context, admin, .. } = self;
        let changed = target::evolve(admin, config, &context.schema, table)?;
        let evolved = if changed { admin.table(name)? } else { None };
        let table = evolved.as_ref().unwrap_or(table);
        let mapped = target::map(config, &context.schema, table)?;
        tell_what_is_left_out(config, context, name, &mapped);
        let held = Held::new(
            Arc::clone(&self.rules),
            Arc::clone(&context.schema),
            context.segments.clone(),
            context.sink.clone(),
            config.memory,
        )
        .with_flexible_parts(table.takes_flexible_loads(config));
        let layouts = Arc::new(Layouts::new(config, table, &mapped));
        Ok(OpenTable { name: name.to_owned(), layouts, held, emptied: false, since: None, mapped })
    }
}

/// Says which columns of the input the table has no place for, but those that only choose it.
fn tell_what_is_left_out(
    config: &StreamLoadConfig,
    context: &SinkContext,
    table: &str,
    mapped: &[Mapped],
) {
    let chooses = |index: usize| match &config.table {
        TableName::Fixed(_) => false,
        TableName::Template(pieces) => pieces.contains(&TablePiece::Column(index)),
    };
    let is_loaded = |index: usize| mapped.iter().any(|to| to.origin == Origin::Input(index));
    let columns: Vec<&str> = (context.schema.fields.iter().enumerate())
        .filter(|(index, _)| !is_loaded(*index) && !chooses(*index))
        .map(|(_, field)| &*field.name)
        .collect();
    if !columns.is_empty() {
        let columns = columns.join(", ");
        tracing::warn!(
            sink = context.sink,
            table,
            columns,
            "columns that the table lacks are left out"
        );
    }
}

impl OpenTable {
    /// Holds those rows of a batch that the table can take, and answers the others. A truncate that
    /// is to be applied makes the rows before it void.
    pub(super) fn add(
        &mut self,
        config: &StreamLoadConfig,
        batch: &Batch,
    ) -> Result<Vec<Refusal>, SinkError> {
        let is_delete = |operation| matches!(operation, Operation::Delete | Operation::Truncate);
        let deletes = match (config.mode, &batch.meta.operations) {
            (WriteMode::Append, _) => None,
            (_, Operations::All(operation)) if !is_delete(*operation) => None,
            (_, operations) => {
                Some(BooleanBuffer::collect_bool(batch.rows, |row| is_delete(operations.get(row))))
            }
        };
        let is_alive = |row: usize| batch.selection.as_ref().is_none_or(|alive| alive.value(row));
        let mut refused = target::refusals(&self.mapped, batch, deletes.as_ref());
        refused.retain(|refusal| is_alive(refusal.row));
        let truncates = match config.mode {
            WriteMode::Append => Vec::new(),
            WriteMode::Upsert => truncates(batch),
        };
        if refused.is_empty() && truncates.is_empty() {
            let alive = batch.selection.as_ref().map(|alive| alive.set_indices().map(number));
            return self.held.add(batch, alive.map(Iterator::collect::<Vec<u32>>).as_deref());
        }
        refused.retain(|refusal| truncates.binary_search(&refusal.row).is_err());
        let mut first = 0;
        for end in truncates.into_iter().chain([batch.rows]) {
            let rows = rows((first..end).filter(|row| is_alive(*row)), &refused);
            refused.extend(self.held.add(batch, Some(&rows))?);
            refused.sort_by_key(|refusal| refusal.row);
            first = end + 1;
            if end < batch.rows && config.on_truncate == TruncatePolicy::Apply {
                self.held.clear();
                self.emptied = true;
            }
        }
        Ok(refused)
    }
}

/// The living rows of a batch that are truncates, in order.
pub(super) fn truncates(batch: &Batch) -> Vec<usize> {
    let found = batch.meta.operations.among(1 << Operation::Truncate as u8, batch.rows);
    match (found, &batch.selection) {
        (None, None) => (0..batch.rows).collect(),
        (None, Some(alive)) => alive.set_indices().collect(),
        (Some(bits), None) => bits.set_indices().collect(),
        (Some(bits), Some(alive)) => (&bits & alive).set_indices().collect(),
    }
}

/// Those of some rows that are not refused, all of them in order.
fn rows(rows: impl Iterator<Item = usize>, refused: &[Refusal]) -> Vec<u32> {
    rows.filter(|row| refused.binary_search_by_key(row, |refusal| refusal.row).is_err())
        .map(number)
        .collect()
}

fn number(row: usize) -> u32 {
    u32::try_from(row).expect("a batch is small")
}

fn rules(config: &StreamLoadConfig, context: &SinkContext) -> Result<FoldRules, SinkError> {
    let index = |column: &Arc<str>| {
        context.schema.index_of(column).ok_or_else(|| SinkError::UnknownKey {
            sink: context.sink.clone(),
            column: column.to_string(),
        })
    };
    if config.mode == WriteMode::Upsert && config.key.is_empty() {
        return Err(SinkError::NoKey { sink: context.sink.clone() });
    }
    Ok(FoldRules {
        mode: config.mode,
        key: config.key.iter().map(index).collect::<Result<_, _>>()?,
        sequence: config.sequence.as_ref().map(index).transpose()?,
        deletes: config.deletes,
        on_delete: config.on_delete,
        on_update: config.on_update,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{RowMeta, Schema};

    fn batch(operations: Operations, rows: usize) -> Batch {
        Batch {
            schema: Arc::new(Schema::new(Vec::new())),
            columns: Vec::new(),
            meta: Arc::new(RowMeta::plain("here", operations, rows)),
            rows,
            selection: None,
            before: None,
        }
    }

    #[test]
    fn truncates_are_found() {
        assert!(truncates(&batch(Operations::All(Operation::Insert), 3)).is_empty());
        assert_eq!(truncates(&batch(Operations::All(Operation::Truncate), 2)), [0, 1]);
        let each = Operations::Each(vec![0, 3, 1, 2, 3].into());
        assert_eq!(truncates(&batch(each, 5)), [1, 4]);
    }

    #[test]
    fn refused_rows_are_left_out() {
        let refused = [1, 4].map(|row| Refusal { row, reason: String::new(), column: None });
        assert_eq!(rows(0..3, &refused), [0, 2]);
        assert_eq!(rows(3..6, &refused), [3, 5]);
        assert!(rows(4..5, &refused).is_empty());
    }

    #[test]
    fn names_cannot_end_early() {
        assert_eq!(sql::table_name("d", "a`b"), "`d`.`a``b`");
    }
}
