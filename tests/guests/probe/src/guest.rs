//! The guest.

use crate::bindings::exports::millrace::transform::transform::Guest;
use crate::bindings::millrace::transform::types::{
    Batch, Column, DataType, Description, Extras, Failure, Field, Fired, Images, InputSchema,
    InputUse, Mapped, Mode, Operations, Order, Outcome, Output, Port, Problem, Read, StateChunk,
    TableSchema, Values, Varying,
};

/// The transform: keeps rows with `a > 0`, adds `net = a - b` and whether `c` is there.
pub(crate) struct Probe;

fn read(column: &str, nullable: bool) -> Read {
    Read { column: column.to_owned(), data_type: DataType::Int64, nullable }
}

fn integers(column: Option<&Column>) -> Result<&[i64], Failure> {
    match column.map(|column| &column.values) {
        Some(Values::Int64s(values)) => Ok(values),
        _ => Err(Failure { message: "a column is not of 64-bit integers".to_owned() }),
    }
}

impl Guest for Probe {
    fn describe(
        _params: String,
        inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<Description, Vec<Problem>> {
        let input = InputUse {
            columns: vec![read("a", false), read("b", false), read("c", true)],
            takes: Operations::all(),
            extras: Extras::empty(),
        };
        let field =
            |name: &str, data_type| Field { name: name.to_owned(), data_type, nullable: false };
        let fields = vec![field("net", DataType::Int64), field("present", DataType::Bool)];
        Ok(Description {
            name: "probe".to_owned(),
            version: "1.0.0".to_owned(),
            about: "A little work on four lists.".to_owned(),
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
        _params: String,
        _inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<(), Failure> {
        Ok(())
    }

    fn add_schema(_schema: InputSchema) -> Result<(), Failure> {
        Ok(())
    }

    fn process(batch: Batch) -> Result<Outcome, Failure> {
        let rows = batch.rows as usize;
        let a = integers(batch.columns.first())?;
        let b = integers(batch.columns.get(1))?;
        let mut kept = vec![0_u8; rows.div_ceil(8)];
        let mut net = vec![0_i64; rows];
        // Eight rows a turn, which the compiler unrolls: a loop edge costs a check of the deadline.
        let (a_eights, a_rest) = a.as_chunks::<8>();
        let (b_eights, b_rest) = b.as_chunks::<8>();
        let (net_eights, net_rest) = net.as_chunks_mut::<8>();
        for (((a, b), net), kept) in a_eights.iter().zip(b_eights).zip(net_eights).zip(&mut kept) {
            let mut bits = 0;
            for (row, ((a, b), net)) in a.iter().zip(b).zip(net).enumerate() {
                *net = a.wrapping_sub(*b);
                bits |= u8::from(*a > 0) << row;
            }
            *kept = bits;
        }
        for (row, ((a, b), net)) in a_rest.iter().zip(b_rest).zip(net_rest).enumerate() {
            *net = a.wrapping_sub(*b);
            kept[rows / 8] |= u8::from(*a > 0) << row;
        }
        let present = batch.columns.into_iter().nth(2).and_then(|column| column.validity);
        let present = present.unwrap_or_else(|| all_set(rows));
        let column = |values| Column { values, validity: None, unchanged: None };
        let columns = vec![column(Values::Int64s(net)), column(Values::Bools(present))];
        let after = Images { kept: Some(kept), columns };
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

/// A bitmap with every row set and none past the last.
fn all_set(rows: usize) -> Vec<u8> {
    let mut bits = vec![u8::MAX; rows.div_ceil(8)];
    if let Some(last) = bits.last_mut().filter(|_| rows % 8 != 0) {
        *last = (1 << (rows % 8)) - 1;
    }
    bits
}
