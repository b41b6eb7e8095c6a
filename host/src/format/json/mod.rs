//! Newline-delimited JSON into columns.
//!
//! Each line is one document, and the whole of it is checked, also what no column uses. Two paths
//! read it. The *general path* (`walk`, `convert`) is the meaning: it checks the line, finds where
//! each wanted member's last value stands, and converts. The *fast path* (`shape`, `fast`) runs
//! along shapes that were learnt from lines which the general path accepted: literal runs of bytes
//! and slots for values. At any surprise it takes back what it appended and leaves the line to the
//! general path, so it can be quick and narrow without being a second opinion.
//!
//! | file | holds |
//! |---|---|
//! | `decoder` | lines out of chunks, which path reads them, what a batch is made of |
//! | `batch`, `reject` | what goes in and out beside the lines |
//! | `syntax`, `token` | the strict grammar: objects and arrays, strings and numbers |
//! | `path` | the tree of wanted members |
//! | `walk` | the general path's pass over a line |
//! | `convert`, `extended`, `string` | one found value into its column |
//! | `shape`, `fast`, `habit` | what was learnt, running along it, and whether that pays |
//! | `swar` | eight bytes at a time |
//!
//! *Invariants*: both paths accept the same lines with the same values. Offsets are only ever used
//! through checked access, so a wrong one is a reject and no panic. Recursion is bounded by
//! [`MAX_DEPTH`].
//! *Not here*: what a scalar means for a type (`format::value`).

mod batch;
mod convert;
mod decoder;
mod extended;
mod fast;
mod habit;
mod path;
mod reject;
mod shape;
mod string;
mod swar;
mod syntax;
mod token;
mod walk;

#[cfg(test)]
mod tests;

pub use batch::{Decoded, Limits, MAX_INPUT_BYTES, MAX_LINE_BYTES, Progress};
pub use decoder::JsonDecoder;
pub use syntax::MAX_DEPTH;
pub(super) use {
    convert::{inner, push as push_plain},
    decoder::{BYTE_ORDER_MARK, MAX_BATCH_BYTES, is_blank},
    path::PathTree,
    reject::{blocked, printable},
    string::unescape,
    syntax::{Cursor, Kind, SyntaxError, is_document},
    walk::{Found, Walk},
};

/// Whether `text` is one whole JSON document by the strict grammar, without line breaks: what a
/// column of JSON may hold, whoever made it.
#[must_use]
pub fn is_json(text: &str) -> bool {
    is_document(text)
}
