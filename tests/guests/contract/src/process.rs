//! What the guest answers to a batch, for each of its parts.

use serde_json::Value;

use crate::bindings::millrace::transform::host::{self, Level, Place};
use crate::bindings::millrace::transform::types::{
    Batch, Emitted, Failure, Images, Mapped, Outcome, Output, Rejection, Times, Values,
};
use crate::columns::{bitmap, column, failure, mapped, nullable, varying};

/// The columns as they came; with `keep = "even"` only rows of an even index; the before images too,
/// their selection the rows that have one, or with `keep_before = "thirds"` every third row.
pub(crate) fn echo(params: &Value, batch: Batch) -> Outcome {
    let every = |step: u32| bitmap(&(0..batch.rows).map(|row| row % step == 0).collect::<Vec<_>>());
    let kept = (params["keep"] == "even").then(|| every(2));
    let thirds = (params["keep_before"] == "thirds").then(|| every(3));
    let after = Images { kept, columns: batch.columns };
    let before = batch
        .before
        .map(|before| Images { kept: thirds.or(Some(before.present)), columns: before.columns });
    Outcome { output: Output::Mapped(Mapped { after, before }), rejected: Vec::new() }
}

/// What goes beside columns, as columns.
pub(crate) fn extras(batch: Batch) -> Result<Outcome, Failure> {
    let operations = batch.operations.ok_or_else(|| failure("no operations"))?;
    let times = batch.event_times.ok_or_else(|| failure("no event times"))?;
    let processing = batch.processing_times.ok_or_else(|| failure("no processing times"))?;
    let keys = batch.keys.ok_or_else(|| failure("no keys"))?;
    let mut event_times = column(Values::Int64s(times.values));
    event_times.validity = times.validity;
    Ok(mapped(vec![
        column(Values::Int16s(operations.into_iter().map(i16::from).collect())),
        event_times,
        column(Values::Int64s(processing)),
        column(Values::Int32s(keys.groups.into_iter().map(i32::from).collect())),
        column(Values::Varying(keys.encoded)),
    ]))
}

/// Refuses the rows in `rows`; those of an even index blame the column `amount`.
pub(crate) fn reject(params: &Value) -> Outcome {
    let rows = params["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rejected = rows
        .iter()
        .filter_map(|row| row.as_u64().map(|row| row as u32))
        .map(|row| Rejection {
            row,
            reason: format!("row {row} is refused"),
            column: (row % 2 == 0).then(|| "amount".to_owned()),
        })
        .collect();
    Outcome { rejected, ..mapped(Vec::new()) }
}

/// Rows for both ports; negative ids are refused.
pub(crate) fn emit(batch: &Batch) -> Result<Outcome, Failure> {
    let Some(Values::Int64s(ids)) = batch.columns.first().map(|column| &column.values) else {
        return Err(failure("`id` is no column of 64-bit integers"));
    };
    let rejected = ids
        .iter()
        .enumerate()
        .filter(|(_, id)| **id < 0)
        .map(|(row, id)| Rejection {
            row: row as u32,
            reason: format!("{id} is negative"),
            column: Some("id".to_owned()),
        })
        .collect();
    let evens: Vec<i64> = ids.iter().copied().filter(|id| *id >= 0 && id % 2 == 0).collect();
    let noted: Vec<bool> = evens.iter().map(|id| id % 4 != 0).collect();
    let timed: Vec<bool> = evens.iter().map(|id| id % 3 != 0).collect();
    let notes = evens.iter().map(|id| format!("no. {id}"));
    let emitted = vec![
        Emitted {
            port: 0,
            rows: evens.len() as u32,
            columns: vec![
                column(Values::Int64s(evens.clone())),
                nullable(Values::Varying(varying(notes)), &noted),
            ],
            operations: Some(evens.iter().map(|id| (id % 5) as u8).collect()),
            event_times: Some(Times {
                values: evens.iter().map(|id| id * 1_000).collect(),
                validity: Some(bitmap(&timed)),
            }),
        },
        Emitted {
            port: 1,
            rows: ids.len() as u32,
            columns: vec![column(Values::Int64s(ids.clone()))],
            operations: None,
            event_times: None,
        },
    ];
    Ok(Outcome { output: Output::Emitted(emitted), rejected })
}

/// The batch's input and schema, and the input's name, as columns.
pub(crate) fn schemas(batch: &Batch, name: &str) -> Outcome {
    let all = |value: u32| column(Values::Int32s(vec![value as i32; batch.rows as usize]));
    let names = varying((0..batch.rows).map(|_| name));
    mapped(vec![all(batch.input), all(batch.schema), column(Values::Varying(names))])
}

/// Asks everything of the host that there is to ask. A panic that is only told of ends nothing.
pub(crate) fn ask_host(batch: &Batch) -> Outcome {
    for level in [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error] {
        host::log(level, "a line of the contract guest");
    }
    host::log(Level::Debug, &"long ".repeat(4_000));
    host::count("rows_seen", u64::from(batch.rows));
    host::count("batches_seen", 1);
    host::count("Not A Name", 1);
    host::panicked(&Place::Row(0), "only told of");
    mapped(Vec::new())
}
