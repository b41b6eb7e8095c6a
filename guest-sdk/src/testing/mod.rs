//! Runs transforms in `cargo test`, without wasm.
//!
//! [`Test`] drives the code that runs in wasm, too: what `describe` says decides which columns are
//! encoded, `open` reads the params, and `process` gets batches as the host makes them. Each answer
//! is held against the contract ([`check()`]), and read back by rows.
//!
//! ```
//! use millrace_sdk::prelude::*;
//! use millrace_sdk::testing::{Row, Test, json};
//!
//! #[derive(Input)]
//! struct Wager<'a> {
//!     game_id: &'a str,
//!     stake: Decimal<2>,
//! }
//! #[derive(Input)]
//! #[table("games")]
//! struct Game<'a> {
//!     provider: Option<&'a str>,
//! }
//! #[derive(Output)]
//! struct Labelled {
//!     label: String,
//! }
//!
//! #[transform]
//! fn label(wager: Wager, game: Game) -> Result<Labelled, Reject> {
//!     let provider = game.provider.ok_or_else(|| format!("no game {}", wager.game_id))?;
//!     Ok(Labelled { label: format!("{} at {provider}", wager.stake) })
//! }
//!
//! let answer = Test::<label>::new()
//!     .row(Row::from(json!({"game_id": "g1", "stake": "2.50"})).joined("games", json!({"provider": "Acme"})))
//!     .row(json!({"game_id": "g2", "stake": "1.00"}))
//!     .run();
//! assert_eq!(answer.added(), [json!({"label": "2.50 at Acme"})]);
//! assert_eq!(answer.rejected()[0].reason, "no game g2");
//! ```
//!
//! A value is written as JSON: decimals, dates, times and UUIDs as text, binary as hexadecimal text,
//! JSON columns as they are. A key that is not there is null. [`unchanged`] stands for a value that
//! the source did not send.
//!
//! A stateful transform is driven by [`Test::watermark`] and [`Test::tick`] between its rows, and
//! [`Test::restored`] replaces it at random by what is restored of it. See
//! [`keyed`](crate::keyed) for one with its test.

mod answer;
mod batch;
mod check;
mod check_values;
mod drive;
mod harness;
mod keys;
mod row;
mod values;

pub use answer::{Answer, Emitted, Rejected};
pub use check::check;
pub use harness::Test;
pub use row::Row;
pub use serde_json::{Value, json};
pub use values::{decode, encode, unchanged};
