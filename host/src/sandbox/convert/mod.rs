//! Between Arrow and the boundary, both ways, whole columns at a time.
//!
//! On the way in, buffers are lent as they are; bitmaps are realigned and offsets rebased only where
//! an array is sliced. On the way back the guest's lists become Arrow buffers without a copy, after
//! everything that the contract promises about them has been checked.
//!
//! *Invariants*: but for JSON, whose texts are each read, nothing here works row by row unless a
//! check has already failed; what passes is a valid array of the declared type, in which every value
//! that counts is in range.

mod bits;
mod lend;
mod outcome;
mod range;
mod state;
mod take;
mod types;
mod values;

pub(super) use lend::Lent;
pub(super) use outcome::{fired, outcome};
pub(super) use state::{chunk, lend_chunk};
pub(super) use types::{data_type, wit_data_type};

// Lists of bytes carry integers in little-endian order, and buffers are lent as they lie in memory.
const _: () = assert!(cfg!(target_endian = "little"), "the boundary is little-endian");
