//! Lines of JSON as a source reads them: bytes into a reused buffer, whole lines into batches.
//!
//! *Invariants*: memory is bounded whatever the input; bytes are decoded where they were read to,
//! and only the beginning of a line that is not whole yet is ever moved; how the input is cut into
//! reads and batches changes no row and no reject.
//! *Not here*: where the bytes come from and what a position is (`file`, `generator`).

mod chunk;
mod decode;
#[cfg(test)]
pub(super) mod testing;

pub(super) use chunk::{ChunkBuffer, Filled};
pub(super) use decode::LineDecoder;
