//! Wagers by hand, stages as a checked configuration would make them, and rows to compare.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use arrow_array::{ArrayRef, Decimal64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow_buffer::BooleanBuffer;
use millrace::record::{
    Batch, Column, DataType, DeadLetter, Field, Operation, Operations, RowMeta, Schema, write_row,
    write_value,
};
use millrace::sandbox::{Artifact, InputSchema, Limits, Mode, Port, TableSchema};
use millrace::stage::{JoinConfig, Missing, Numbering, Stage, StageConfig, StageInput, Tables};
use millrace::table::{FileConfig, FileFormat, TableColumn, TableConfig, TableKind};
use millrace::telemetry::{Clock, NodeCounters};
use millrace_tests::{module, sandbox};
use serde_json::{Value, json};

/// 2026-01-01T00:00:00Z: the clock of the stages.
pub(super) const NOW: i64 = 1_767_225_600_000_000;

/// The place of `game_id` among a wager's columns.
const GAME: usize = 1;

/// A wager, and what goes with it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its id and its source sequence.
    pub(super) number: i64,
    pub(super) operation: Operation,
    pub(super) living: bool,
    pub(super) game: Option<&'static str>,
    pub(super) version: Option<i64>,
    pub(super) bet: Option<i64>,
    pub(super) win: Option<i64>,
    pub(super) end: Option<i64>,
}

/// A wager that every transform keeps.
pub(super) fn row(number: i64, operation: Operation) -> Row {
    Row {
        number,
        operation,
        living: true,
        game: Some("g-1"),
        version: Some(1),
        bet: Some(1_000),
        win: Some(250),
        end: None,
    }
}

/// A wager that `wager_revenue` leaves out.
pub(super) fn uncounted(number: i64, operation: Operation) -> Row {
    Row { version: Some(0), ..row(number, operation) }
}

/// A wager that `wager_revenue` refuses.
pub(super) fn refused(number: i64, operation: Operation) -> Row {
    Row { version: Some(1 << 31), ..row(number, operation) }
}

/// The columns of wagers; the key is `id`.
pub(super) fn schema(append_only: bool) -> Arc<Schema> {
    let money = DataType::Decimal { precision: 18, scale: 2 };
    let fields = vec![
        Field::new("id", DataType::Int64, false),
        Field::new("game_id", DataType::Text, true),
        Field::new("version", DataType::Int64, true),
        Field::new("total_bet", money, true),
        Field::new("total_win", money, true),
        Field::new("end_time", DataType::Timestamp, true),
    ];
    Arc::new(Schema { key: vec![0], append_only, ..Schema::new(fields) })
}

/// A batch of wagers. Its columns are slices that begin `pad` rows into their arrays.
pub(super) fn batch(rows: &[Row], schema: &Arc<Schema>, pad: usize) -> Batch {
    let filler = || std::iter::repeat_n(refused(-1, Operation::Insert), pad);
    let padded: Vec<Row> = filler().chain(rows.iter().cloned()).chain(filler()).collect();
    let money = |pick: fn(&Row) -> Option<i64>| -> ArrayRef {
        let units = padded.iter().map(pick).collect::<Decimal64Array>();
        Arc::new(units.with_precision_and_scale(18, 2).expect("money has 18 digits"))
    };
    let arrays: [ArrayRef; 6] = [
        Arc::new(Int64Array::from_iter_values(padded.iter().map(|row| row.number))),
        Arc::new(padded.iter().map(|row| row.game).collect::<StringArray>()),
        Arc::new(padded.iter().map(|row| row.version).collect::<Int64Array>()),
        money(|row| row.bet),
        money(|row| row.win),
        Arc::new(padded.iter().map(|row| row.end).collect::<TimestampMicrosecondArray>()),
    ];
    let columns: Vec<Column> =
        arrays.iter().map(|array| array.slice(pad, rows.len()).into()).collect();
    let living: BooleanBuffer = rows.iter().map(|row| row.living).collect();
    Batch {
        schema: Arc::clone(schema),
        columns,
        meta: meta(
            rows.iter().map(|row| row.number).collect(),
            rows.iter().map(|row| row.operation).collect(),
        ),
        rows: rows.len(),
        selection: (living.count_set_bits() != rows.len()).then_some(living),
        before: None,
    }
}

/// What goes with rows of these numbers. Operations that are alike are one for all.
fn meta(numbers: Vec<i64>, operations: Vec<Operation>) -> Arc<RowMeta> {
    let operations = match operations.first() {
        Some(first) if operations.iter().all(|operation| operation == first) => {
            Operations::All(*first)
        }
        _ => Operations::Each(operations.iter().map(|operation| *operation as u8).collect()),
    };
    Arc::new(RowMeta {
        origin: "test".into(),
        operations,
        event_times: None,
        processing_times: numbers.iter().map(|number| NOW + number).collect(),
        majors: numbers.into(),
        minors: None,
        base: 0,
        mixed: None,
        late: None,
    })
}

pub(super) fn artifact(name: &str) -> Artifact {
    sandbox().load(module(name)).expect("the guest loads")
}

/// A stage's configuration for rows of `schema`, as checks would leave it; a table that it reads is
/// joined by `game_id`, and `join` says what a miss comes to.
pub(super) fn config(
    name: &str,
    artifact: &Artifact,
    params: Value,
    schema: &Arc<Schema>,
    join: Option<Missing>,
) -> StageConfig {
    let games = games_at(PathBuf::new()).schema();
    let seen = |missing: Missing| TableSchema {
        name: "games".to_owned(),
        fields: games
            .fields
            .iter()
            .map(|field| Field {
                nullable: field.nullable || missing == Missing::Null,
                ..field.clone()
            })
            .collect(),
    };
    let table_schemas: Vec<TableSchema> = join.into_iter().map(seen).collect();
    let input =
        InputSchema { input: 0, name: "rows".to_owned(), schema: 0, fields: schema.fields.clone() };
    let description =
        artifact.describe(&params, &[input], &table_schemas).expect("the guest describes itself");
    let index = |schema: &Schema, column: &str| schema.index_of(column).expect("it is read");
    let reads = description.inputs[0].columns.iter().map(|read| index(schema, &read.column));
    let joins = description.tables.iter().map(|used| JoinConfig {
        table: used.table.clone(),
        on: vec![GAME],
        missing: join.expect("a table that is read is joined"),
        columns: used.columns.iter().map(|read| index(&games, &read.column)).collect(),
    });
    let output = |port: &Port| match description.mode {
        Mode::Map => schema.with(&port.fields),
        Mode::Emit => {
            let own = Schema::new(port.fields.clone());
            let key = port.key.iter().map(|column| index(&own, column)).collect();
            Schema { key, append_only: false, ..own }
        }
    };
    StageConfig {
        name: name.to_owned(),
        artifact: artifact.clone(),
        params,
        limits: Limits::default(),
        inputs: vec![StageInput {
            name: "rows".to_owned(),
            schema: Arc::clone(schema),
            reads: reads.collect(),
            key: Vec::new(),
        }],
        joins: joins.collect(),
        table_schemas,
        outputs: description.outputs.iter().map(|port| Arc::new(output(port))).collect(),
        description: description.clone(),
    }
}

pub(super) fn open(config: StageConfig) -> Stage {
    open_counted(config, &Arc::default())
}

pub(super) fn open_counted(config: StageConfig, counters: &Arc<NodeCounters>) -> Stage {
    Stage::open(config, Arc::clone(counters), Clock::Fixed(NOW), Numbering::alone(0))
        .expect("the stage opens")
}

/// `wager_revenue` as the stage `revenue`.
pub(super) fn revenue(schema: &Arc<Schema>) -> StageConfig {
    config("revenue", &artifact("wager_revenue.wasm"), json!({}), schema, None)
}

/// `rtp_enrichment` as the stage `rtp`.
pub(super) fn rtp(schema: &Arc<Schema>, missing: Missing) -> StageConfig {
    config("rtp", &artifact("rtp_enrichment.wasm"), json!({}), schema, Some(missing))
}

/// The contract guest as the stage `contract`.
pub(super) fn contract(params: Value, schema: &Arc<Schema>) -> StageConfig {
    config("contract", &artifact("contract_guest.wasm"), params, schema, None)
}

/// The games that are known: `g-1` of Acme, and `g-2`, of which nothing is known.
pub(super) fn tables() -> Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    let load = || {
        let folder = tempfile::tempdir().expect("a folder of our own");
        let path = folder.path().join("games.csv");
        let text = "game_id,provider,theoretical_rtp\ng-1,Acme,0.9650\ng-2,,\n";
        fs::write(&path, text).expect("the folder is writable");
        let games = games_at(path).load().expect("the table loads");
        Arc::new(BTreeMap::from([("games".to_owned(), Arc::new(games))]))
    };
    Arc::clone(TABLES.get_or_init(load))
}

fn games_at(path: PathBuf) -> TableConfig {
    let rate = DataType::Decimal { precision: 18, scale: 4 };
    let column = |(name, data_type): (&str, DataType)| TableColumn {
        name: name.into(),
        source_name: name.to_owned(),
        data_type,
        required: false,
    };
    let columns =
        [("game_id", DataType::Text), ("provider", DataType::Text), ("theoretical_rtp", rate)];
    TableConfig {
        name: "games".to_owned(),
        columns: columns.map(column).to_vec(),
        key: vec!["game_id".into()],
        refresh: None,
        kind: TableKind::File(FileConfig {
            path,
            display: "games.csv".to_owned(),
            format: FileFormat::Csv,
        }),
    }
}

/// Takes a batch through a map-like stage.
pub(super) fn through(stage: &mut Stage, batch: Batch) -> (Batch, Vec<DeadLetter>) {
    let output = stage.apply(0, batch, &tables()).expect("the stage goes on");
    let mut batches = output.batches;
    let (port, made) = batches.pop().expect("a map-like transform gives a batch");
    assert!(port == 0 && batches.is_empty(), "a map-like transform gives one batch, on port 0");
    assert!(made.columns.iter().all(|column| column.values.len() == made.rows));
    assert_eq!(made.columns.len(), made.schema.fields.len());
    (made, output.rejected)
}

/// The living rows: operation, position, and the values; only the key of what is to be deleted.
pub(super) fn shown(batch: &Batch) -> Vec<String> {
    let lives = |row: &usize| batch.selection.as_ref().is_none_or(|bits| bits.value(*row));
    (0..batch.rows).filter(lives).map(|row| show(batch, row)).collect()
}

fn show(batch: &Batch, row: usize) -> String {
    let operation = batch.meta.operations.get(row);
    let mut text = format!("{} {} ", operation.name(), batch.meta.position(row)).into_bytes();
    if matches!(operation, Operation::Delete | Operation::Truncate) {
        for index in &batch.schema.key {
            let field = &batch.schema.fields[*index];
            write_value(&mut text, field.data_type, &*batch.columns[*index].values, row);
        }
    } else {
        write_row(&mut text, batch, row);
    }
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// Operation and position of the living rows.
pub(super) fn places(batch: &Batch) -> Vec<String> {
    let place = |shown: String| shown.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ");
    shown(batch).into_iter().map(place).collect()
}
