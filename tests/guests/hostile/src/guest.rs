//! The guest.

use std::cell::RefCell;

use serde_json::Value;

use crate::bindings::exports::millrace::transform::transform::Guest;
use crate::bindings::millrace::transform::types::{
    Batch, Description, Failure, Fired, InputSchema, Outcome, Problem, StateChunk, TableSchema,
};
use crate::{describe, misdeeds};

/// The transform.
pub(crate) struct Hostile;

thread_local! {
    static DEED: RefCell<(String, u32)> = RefCell::default();
}

/// The misdeed and the row that it is about.
fn deed(params: &str) -> (String, u32) {
    let params: Value = serde_json::from_str(params).unwrap_or_default();
    let row = params["row"].as_u64().unwrap_or_default();
    (params["do"].as_str().unwrap_or_default().to_owned(), row as u32)
}

fn fail<T>() -> Result<T, Failure> {
    Err(Failure { message: "it does not want to".to_owned() })
}

impl Guest for Hostile {
    fn describe(
        params: String,
        inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<Description, Vec<Problem>> {
        describe::describe(&deed(&params).0, &inputs)
    }

    fn open(
        params: String,
        _inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<(), Failure> {
        let deed = deed(&params);
        match deed.0.as_str() {
            "open: fail" => return fail(),
            "open: loop" => misdeeds::spin(),
            "open: grow" => misdeeds::commit(&deed.0, 0),
            _ => {}
        }
        DEED.set(deed);
        Ok(())
    }

    fn add_schema(_schema: InputSchema) -> Result<(), Failure> {
        fail()
    }

    fn process(batch: Batch) -> Result<Outcome, Failure> {
        let (misdeed, row) = DEED.with_borrow(Clone::clone);
        if misdeed == "fail" {
            return fail();
        }
        // Misdeeds strike the batch that has the row, so that others show that all is well.
        if batch.rows <= row {
            return Ok(misdeeds::answer("", row, batch.rows as usize));
        }
        misdeeds::commit(&misdeed, row);
        Ok(misdeeds::answer(&misdeed, row, batch.rows as usize))
    }

    fn advance_watermark(_time: i64) -> Result<Fired, Failure> {
        let (misdeed, _) = DEED.with_borrow(Clone::clone);
        misdeeds::commit(&misdeed, 0);
        Ok(misdeeds::fired(&misdeed))
    }

    fn tick(_now: i64) -> Result<Fired, Failure> {
        Ok(misdeeds::fired(&DEED.with_borrow(Clone::clone).0))
    }

    fn save(_max_bytes: u32) -> Result<StateChunk, Failure> {
        Ok(misdeeds::chunk(&DEED.with_borrow(Clone::clone).0))
    }

    fn restore(_chunk: StateChunk) -> Result<(), Failure> {
        fail()
    }
}
