//! The contract itself, for what the row functions do not cover.
//!
//! [`Guest`] mirrors the functions of `wit/transform.wit` with the answers of a stateless transform
//! as defaults, and [`export!`](crate::export) makes a type that implements it the transform of its
//! crate. `#[transform]` generates just that, so everything that takes a [`Guest`], natively or in
//! wasm, takes a row function's type too. The types here are the WIT's own; a wrong answer is found
//! by the host, not by the compiler.
//!
//! ```
//! use millrace_sdk::raw::{self, Guest};
//!
//! /// Keeps rows whose `id` is even.
//! struct EvenIds;
//!
//! impl Guest for EvenIds {
//!     fn describe(
//!         _params: &str,
//!         _inputs: &[raw::InputSchema],
//!         _tables: &[raw::TableSchema],
//!     ) -> Result<raw::Description, Vec<raw::Problem>> {
//!         let mut description = raw::Description::map("even_ids", "1.0.0");
//!         description.inputs[0].columns.push(raw::Read {
//!             column: "id".to_owned(),
//!             data_type: raw::DataType::Int64,
//!             nullable: false,
//!         });
//!         Ok(description)
//!     }
//!
//!     fn open(
//!         _params: &str,
//!         _inputs: &[raw::InputSchema],
//!         _tables: &[raw::TableSchema],
//!     ) -> Result<Self, raw::Failure> {
//!         Ok(Self)
//!     }
//!
//!     fn process(&mut self, batch: raw::Batch) -> Result<raw::Outcome, raw::Failure> {
//!         let raw::Values::Int64s(ids) = &batch.columns[0].values else {
//!             return Err(raw::Failure::new("`id` did not come as int64s"));
//!         };
//!         let mut kept = vec![0; ids.len().div_ceil(8)];
//!         for (row, id) in ids.iter().enumerate() {
//!             raw::at_row(row as u32);
//!             kept[row / 8] |= u8::from(id % 2 == 0) << (row % 8);
//!         }
//!         Ok(raw::Outcome::mapped(raw::Images { kept: Some(kept), columns: vec![] }))
//!     }
//! }
//! millrace_sdk::export!(EvenIds);
//! ```

mod answers;
mod guest;
mod instance;
mod place;

pub use crate::bindings::millrace::transform::types::*;
pub use crate::export;
pub use crate::host::{Level, Place, TimerPlace};
pub use guest::Guest;
#[doc(hidden)]
pub use instance::Instance;
pub use place::{at_row, at_timer, elsewhere};
