//! A row function that uses what the SDK has beside columns: event times, operations, text and JSON
//! of its own, the log, a counter, and a panic.

use millrace_sdk::host::{self, Level};
use millrace_sdk::prelude::*;

/// What it reads.
#[derive(Input)]
struct Row {
    id: i64,
    #[meta(event_time)]
    at: Option<Timestamp>,
    #[meta(operation)]
    operation: Operation,
}

/// What it adds.
#[derive(Output)]
struct Seen {
    label: String,
    details: Json<'static>,
    at: Option<Timestamp>,
}

/// The id at which it panics.
const PANICS: i64 = -1;

/// Says what it sees of a row. The id -1 is one too many.
#[transform]
fn sdk_guest(row: Row) -> Result<Seen, Reject> {
    host::count("rows_seen", 1);
    if row.at.is_none() {
        host::log(Level::Debug, "a row has no event time");
    }
    assert!(row.id != PANICS, "id {PANICS} is one too many");
    let details = Json::from_value(&(row.id, row.operation.name()))
        .map_err(|_| Reject::new("no JSON").column("details"))?;
    Ok(Seen { label: format!("{} {}", row.operation, row.id), details, at: row.at })
}
