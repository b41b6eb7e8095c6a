//! A transform that asks WASI for the time, for random numbers, for its environment and for a line
//! of output, and answers what it was told.

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod guest;
#[cfg(target_family = "wasm")]
use guest::Wasi;
