//! The guest.

use std::cell::Cell;

use crate::bindings::exports::millrace::transform::transform::Guest;
use crate::bindings::millrace::transform::types::{
    Batch, Column, DataType, Description, Extras, Failure, Field, Fired, Images, InputSchema,
    InputUse, Mapped, Mode, Operations, Order, Outcome, Output, Port, Problem, StateChunk,
    TableSchema, Values, Varying,
};
use crate::bindings::wasi;

/// The transform. With `"wait": true` in its params it waits for a clock, with `"beyond": true` it
/// writes a byte more than it may.
pub(crate) struct Wasi;

thread_local! {
    static WAITS: Cell<bool> = const { Cell::new(false) };
    static WRITES_BEYOND: Cell<bool> = const { Cell::new(false) };
}

impl Guest for Wasi {
    fn describe(
        _params: String,
        inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<Description, Vec<Problem>> {
        let input =
            InputUse { columns: Vec::new(), takes: Operations::all(), extras: Extras::empty() };
        let field = |name: &str| Field {
            name: name.to_owned(),
            data_type: DataType::Int64,
            nullable: false,
        };
        let fields = ["wall", "monotonic", "random", "environment"].map(field).to_vec();
        Ok(Description {
            name: "wasi".to_owned(),
            version: "1.0.0".to_owned(),
            about: "Asks WASI.".to_owned(),
            mode: Mode::Map,
            inputs: vec![input; inputs.len()],
            tables: Vec::new(),
            outputs: vec![Port { name: "out".to_owned(), fields, key: Vec::new() }],
            key: Vec::new(),
            keyed: false,
            order: Order::Arrival,
            states: Vec::new(),
            watermarks: false,
            ticks: false,
        })
    }

    fn open(
        params: String,
        _inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<(), Failure> {
        let params: serde_json::Value = serde_json::from_str(&params).unwrap_or_default();
        WAITS.set(params["wait"] == true);
        WRITES_BEYOND.set(params["beyond"] == true);
        Ok(())
    }

    fn add_schema(_schema: InputSchema) -> Result<(), Failure> {
        Ok(())
    }

    /// Microseconds of both clocks, a random number (without its top bit) and how much of an
    /// environment there is, on every row.
    fn process(batch: Batch) -> Result<Outcome, Failure> {
        if WAITS.get() {
            drop(wasi::clocks::monotonic_clock::subscribe_duration(1_000_000));
        }
        let stdout = wasi::cli::stdout::get_stdout();
        if WRITES_BEYOND.get() {
            let allowed = stdout.check_write().unwrap_or_default() as usize;
            drop(stdout.write(&vec![b'\n'; allowed]));
            drop(stdout.write(&vec![b'\n'; allowed + 1]));
        }
        if stdout.blocking_write_and_flush(b"a line of the WASI guest\n").is_err() {
            return Err(Failure { message: "stdout does not take a line".to_owned() });
        }
        let wall = wasi::clocks::wall_clock::now();
        let wall = wall.seconds * 1_000_000 + u64::from(wall.nanoseconds) / 1_000;
        let monotonic = wasi::clocks::monotonic_clock::now() / 1_000;
        let random = wasi::random::random::get_random_u64() >> 1;
        let environment = wasi::cli::environment::get_environment().len()
            + wasi::cli::environment::get_arguments().len();
        let column = |value: u64| Column {
            values: Values::Int64s(vec![value as i64; batch.rows as usize]),
            validity: None,
            unchanged: None,
        };
        let columns = [wall, monotonic, random, environment as u64].map(column).to_vec();
        let after = Images { kept: None, columns };
        let output = Output::Mapped(Mapped { after, before: None });
        Ok(Outcome { output, rejected: Vec::new() })
    }

    fn advance_watermark(_time: i64) -> Result<Fired, Failure> {
        Ok(Fired { emitted: Vec::new(), more: false, next_tick: None })
    }

    fn tick(_now: i64) -> Result<Fired, Failure> {
        Ok(Fired { emitted: Vec::new(), more: false, next_tick: None })
    }

    fn save(_max_bytes: u32) -> Result<StateChunk, Failure> {
        let none = || Varying { offsets: vec![0], bytes: Vec::new() };
        Ok(StateChunk {
            states: Vec::new(),
            groups: Vec::new(),
            keys: none(),
            sub_keys: none(),
            actions: Vec::new(),
            values: none(),
            more: false,
        })
    }

    fn restore(_chunk: StateChunk) -> Result<(), Failure> {
        Ok(())
    }
}
