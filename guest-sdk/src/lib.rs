//! Write Millrace transforms: plain Rust functions over typed columns, compiled to WebAssembly.
//!
//! ```
//! use millrace_sdk::prelude::*;
//!
//! #[derive(Input)]
//! struct Wager { version: i64, total_bet: Decimal<2>, total_win: Decimal<2>, end_time: Option<Timestamp> }
//! #[derive(Output)]
//! struct Revenue { net_amount: Decimal<2>, is_completed: bool }
//!
//! #[transform]
//! fn wager_revenue(w: Wager) -> Option<Revenue> {
//!     (w.version >= 1).then(|| Revenue { net_amount: w.total_bet - w.total_win, is_completed: w.end_time.is_some() })
//! }
//! # use millrace_sdk::testing::{Test, json};
//! # let row = json!({"version": 1, "total_bet": "10.00", "total_win": "2.50", "end_time": null});
//! # let answer = Test::<wager_revenue>::new().row(row).run();
//! # assert_eq!(answer.added(), [json!({"net_amount": "7.50", "is_completed": false})]);
//! ```
//!
//! That is a whole transform. The fields of the input struct are the columns that it reads; nothing
//! else crosses into it. The fields of the output struct are the columns that it adds, or replaces
//! where they exist. All other columns stay with the host and go on by themselves.
//!
//! # Answers
//! | the function answers | it is |
//! |---|---|
//! | `bool` | a filter: whether to keep the row |
//! | `Out`, a `#[derive(Output)]` struct | a map: the row's new columns |
//! | `Option<Out>` | both: `None` filters the row out |
//! | `Result<.., Reject>` of one of these | the same, refusing some rows: they go to the dead letters |
//!
//! It sees inserts, reads and the after images of updates. Deletes and truncates pass it by, and an
//! update that it filters out becomes a delete.
//!
//! # Types
//! | field | column | | field | column |
//! |---|---|---|---|---|
//! | `bool` | `bool` | | `&str` | `text` |
//! | `i16`, `i32`, `i64` | the same | | `&[u8]` | `binary` |
//! | `f32`, `f64` | the same | | [`Json`](json::Json) | `json` |
//! | [`Decimal<S>`](decimal::Decimal) | `decimal(18,S)` | | [`Date`](time::Date), [`Time`](time::Time) | `date`, `time` |
//! | [`Decimal128<S>`](decimal::Decimal128) | `decimal(38,S)` | | [`Timestamp`](time::Timestamp) | `timestamp` |
//! | [`Uuid`](uuid::Uuid) | `uuid` | | | |
//!
//! A column that may be null is `Option` of these; [`Field`](field::Field) also tells a value that
//! the source did not send. Outputs may hold `String` and `Vec<u8>` as well. Text borrows from the
//! batch (`struct Player<'a> { name: &'a str }`), so reading a row allocates nothing.
//!
//! # Further arguments
//! - `params: &Params`: a `serde` struct, read from the stage's `params` ([`params`]).
//! - `game: Game`, where `Game` derives `Input` and has `#[table("games")]`: the row that the host
//!   joined from that table.
//! - `#[before] before: Option<Wager>`: the before image of an update. The function is then called
//!   for before images too, with `None` there. Such a function joins no table: a before image comes
//!   without the row that it would join.
//!
//! Fields may also take what is no column: `#[meta(processing_time)] now: Timestamp`,
//! `#[meta(event_time)] at: Option<Timestamp>`, `#[meta(operation)] operation: Operation`. There is
//! no clock, no randomness and no network: a transform is a function of its rows.
//!
//! # State and time
//! A transform that keeps state by key, waits for a time, or emits rows of its own implements
//! [`Keyed`](keyed::Keyed) and uses the handles of [`state`].
//!
//! # Native use
//! `#[transform]` leaves the function as it is, so that tests may call it, and adds a type of the
//! same name that implements [`raw::Guest`]. The same generated code runs in wasm and natively:
//! `cargo test` drives it through [`testing`], and another crate may call it without wasm:
//!
//! ```
//! use millrace_sdk::raw::{Batch, Failure, Guest, Outcome};
//!
//! fn run<G: Guest>(params: &str, batches: Vec<Batch>) -> Result<Vec<Outcome>, Failure> {
//!     let mut transform = G::open(params, &[], &[])?;
//!     batches.into_iter().map(|batch| transform.process(batch)).collect()
//! }
//! ```
//!
//! Crates of transforms have `crate-type = ["cdylib", "rlib"]` and one `#[transform]` each.

// The macros name this crate from outside; its own tests use them too.
extern crate self as millrace_sdk;

#[doc(hidden)]
pub mod bindings;
mod column;
pub mod decimal;
mod describe;
pub mod field;
#[doc(hidden)]
pub mod generated;
pub mod host;
pub mod json;
pub mod keyed;
pub mod operation;
pub mod params;
pub mod prelude;
pub mod raw;
pub mod reject;
mod row;
pub mod state;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod time;
pub mod uuid;

pub use millrace_sdk_macros::{Input, Output, State, transform};
