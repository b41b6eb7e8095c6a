//! One load: what its headers ask for, and its body as rows.
//!
//! `spec` reads and checks headers, `body` reads bytes, `codec` unpacks them, `json`, `csv` and
//! `arrow` make rows of them, `rows` gives each row's values their columns, `stage` hands them to
//! the catalog.
//!
//! *Invariants*: bytes from outside never panic; every refusal has the text of the system that is
//! played; a body is bounded by the settings, also once it is unpacked.
//! *Not here*: labels and transactions (`transaction`), types and table models (`catalog`).

mod arrow;
mod body;
mod codec;
mod columns;
mod condition;
mod count;
mod csv;
mod json;
mod jsonpath;
mod reply;
mod rows;
mod spec;
mod stage;
mod strict;

pub(crate) use body::{BodyError, check_declared_size, read};
pub(crate) use reply::{Counts, Ordered, Refusal, Timings};
pub(crate) use spec::{Format, GroupCommit, LoadSpec};
pub(crate) use stage::{Batch, plan, stage};
pub(crate) use strict::declarations;
