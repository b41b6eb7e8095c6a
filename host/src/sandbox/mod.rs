//! Guests: loading, checking, describing and running transforms that users wrote, each in a
//! WebAssembly instance of its own with bounds on its memory, time and output.
//!
//! A file becomes an [`Artifact`] ([`Sandbox::load`]): a component as it is, a core module with
//! component type information converted, compiled ahead of time or taken from the cache. An
//! artifact says what it is ([`Artifact::describe`]) and is opened into an [`Instance`], whose calls
//! are those of the contract (`guest-sdk/wit`).
//!
//! *Invariants*: nothing outside of this module names wasmtime; what a guest answers is checked
//! against the contract before anything else sees it; an error of a guest never harms the process
//! or another instance; a failed call leaves nothing behind, counters included.
//! *Not here*: which rows and columns cross, and what becomes of the answer (`stage`).

mod artifact;
mod bindings;
mod cache;
mod check;
mod convert;
mod describe;
mod description;
mod engine;
mod error;
mod fault;
mod imports;
mod instance;
mod limits;
mod loader;
mod runner;
mod store;
mod text;
mod ticker;
mod transform;
mod wasi;

pub use artifact::{Artifact, ModuleKind, OpenContext, Sizes};
pub use cache::{CacheError, CacheFolder};
pub use description::{
    Description, Extras, InputSchema, InputUse, Mode, Order, Port, Problem, Read, State, StateKind,
    Subject, TableSchema, TableUse,
};
pub use error::{DescribeError, LoadError, Origin, Place, SandboxError, Trap};
pub use fault::{Breach, Fault};
pub use instance::Instance;
pub use limits::Limits;
pub use loader::{Sandbox, SandboxConfig};
pub use transform::{
    Call, Chunk, Emitted, EventTimes, Fired, Images, Keys, Mapped, Outcome, Rejection, Varying,
};

pub use crate::record::Before;

/// The version of the contract that this host speaks.
pub const WIT_VERSION: &str = check::VERSION;
