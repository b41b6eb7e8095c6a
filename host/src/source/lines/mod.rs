//! Lines, or records that may have several, as a source reads them: bytes into a reused buffer,
//! whole records into batches.
//!
//! *Invariants*: memory is bounded whatever the input; bytes are decoded where they were read to,
//! and only the beginning of a record that is not whole yet is ever moved; how the input is cut into
//! reads and batches changes no row and no reject.
//! *Not here*: where the bytes come from and what a position is (`file`, `generator`).

mod chunk;
mod decode;
mod decoder;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

pub(super) use chunk::{ChunkBuffer, Ends, Filled};
pub(super) use decode::LineDecoder;
