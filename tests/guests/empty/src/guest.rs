//! The guest.

use crate::bindings::exports::millrace::transform::transform::Guest;
use crate::bindings::millrace::transform::types::{
    Batch, Description, Extras, Failure, Fired, Images, InputSchema, InputUse, Mapped, Mode,
    Operations, Order, Outcome, Output, Port, Problem, StateChunk, TableSchema, Varying,
};

/// The transform.
pub(crate) struct Empty;

impl Guest for Empty {
    fn describe(
        _params: String,
        inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<Description, Vec<Problem>> {
        let input =
            InputUse { columns: Vec::new(), takes: Operations::all(), extras: Extras::empty() };
        Ok(Description {
            name: "empty".to_owned(),
            version: "1.0.0".to_owned(),
            about: "Does nothing.".to_owned(),
            mode: Mode::Map,
            inputs: vec![input; inputs.len()],
            tables: Vec::new(),
            outputs: vec![Port { name: "out".to_owned(), fields: Vec::new(), key: Vec::new() }],
            key: Vec::new(),
            keyed: false,
            order: Order::Arrival,
            states: Vec::new(),
            watermarks: false,
            ticks: false,
        })
    }

    fn open(
        _params: String,
        _inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<(), Failure> {
        Ok(())
    }

    fn add_schema(_schema: InputSchema) -> Result<(), Failure> {
        Ok(())
    }

    fn process(_batch: Batch) -> Result<Outcome, Failure> {
        let after = Images { kept: None, columns: Vec::new() };
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
