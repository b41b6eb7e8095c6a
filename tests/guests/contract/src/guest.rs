//! The guest: what it was opened with, and the way to its parts.

use std::cell::RefCell;

use serde_json::Value;

use crate::bindings::exports::millrace::transform::transform::Guest;
use crate::bindings::millrace::transform::types::{
    Batch, Description, Emitted, Failure, Fired, InputSchema, Outcome, Problem, StateChunk,
    TableSchema, Values,
};
use crate::columns::{column, failure, mapped};
use crate::state::Entry;
use crate::{describe, process, state};

/// The transform.
pub(crate) struct Contract;

/// What an instance knows.
#[derive(Default)]
struct Opened {
    params: Value,
    /// Input, id and name of each schema that was announced.
    schemas: Vec<(u32, u32, String)>,
    /// State that `save` has not handed over yet.
    pending: Vec<Entry>,
    /// Pages answered to the present watermark.
    page: i32,
}

thread_local! {
    static OPENED: RefCell<Opened> = RefCell::default();
}

fn opened<R>(then: impl FnOnce(&mut Opened) -> R) -> R {
    OPENED.with_borrow_mut(then)
}

impl Guest for Contract {
    fn describe(
        params: String,
        inputs: Vec<InputSchema>,
        tables: Vec<TableSchema>,
    ) -> Result<Description, Vec<Problem>> {
        let params = serde_json::from_str(&params).unwrap_or_default();
        describe::describe(&params, &inputs, &tables)
    }

    fn open(
        params: String,
        inputs: Vec<InputSchema>,
        _tables: Vec<TableSchema>,
    ) -> Result<(), Failure> {
        let params: Value =
            serde_json::from_str(&params).map_err(|error| failure(error.to_string()))?;
        if let Some(reason) = params["refuse_open"].as_str() {
            return Err(failure(reason));
        }
        let schemas =
            inputs.into_iter().map(|schema| (schema.input, schema.schema, schema.name)).collect();
        opened(|opened| *opened = Opened { params, schemas, ..Opened::default() });
        Ok(())
    }

    fn add_schema(schema: InputSchema) -> Result<(), Failure> {
        if schema.fields.is_empty() {
            return Err(failure(format!("schema {} has no columns", schema.schema)));
        }
        opened(|opened| opened.schemas.push((schema.input, schema.schema, schema.name)));
        Ok(())
    }

    fn process(batch: Batch) -> Result<Outcome, Failure> {
        opened(|opened| {
            let announced = opened
                .schemas
                .iter()
                .find(|(input, schema, _)| (*input, *schema) == (batch.input, batch.schema));
            let Some((_, _, name)) = announced else {
                let message =
                    format!("schema {} of input {} is unknown", batch.schema, batch.input);
                return Err(failure(message));
            };
            match opened.params["do"].as_str().unwrap_or_default() {
                "echo" => Ok(process::echo(&opened.params, batch)),
                "extras" => process::extras(batch),
                "reject" => Ok(process::reject(&opened.params)),
                "emit" => process::emit(&batch),
                "schemas" => Ok(process::schemas(&batch, name)),
                "host" => Ok(process::ask_host(&batch)),
                "tables" => Ok(mapped(batch.columns)),
                "state" => {
                    opened.pending.extend(state::entries(&batch)?);
                    Ok(mapped(Vec::new()))
                }
                part => Err(failure(format!("`{part}` takes no batches"))),
            }
        })
    }

    /// Answers `pages` pages of one row each.
    fn advance_watermark(time: i64) -> Result<Fired, Failure> {
        opened(|opened| {
            let pages = opened.params["pages"].as_i64().unwrap_or(1);
            opened.page += 1;
            let page = opened.page;
            let more = i64::from(page) < pages;
            if !more {
                opened.page = 0;
            }
            let row = Emitted {
                port: 0,
                rows: 1,
                columns: vec![
                    column(Values::Int64s(vec![time])),
                    column(Values::Int32s(vec![page])),
                ],
                operations: None,
                event_times: None,
            };
            Ok(Fired { emitted: vec![row], more, next_tick: None })
        })
    }

    /// Wants the next tick a second later.
    fn tick(now: i64) -> Result<Fired, Failure> {
        Ok(Fired { emitted: Vec::new(), more: false, next_tick: Some(now + 1_000_000) })
    }

    fn save(max_bytes: u32) -> Result<StateChunk, Failure> {
        Ok(opened(|opened| state::save(&mut opened.pending, max_bytes)))
    }

    /// With `resave`, what was restored is handed over again by the next `save`.
    fn restore(chunk: StateChunk) -> Result<(), Failure> {
        opened(|opened| {
            if let Some(reason) = opened.params["refuse_restore"].as_str() {
                return Err(failure(reason));
            }
            if opened.params["resave"] == true {
                opened.pending.extend(state::restore(&chunk));
            }
            Ok(())
        })
    }
}
