//! A transform of the shape that the boundary is measured with: three columns of 64-bit integers and
//! one validity in; a selection, an integer and a bool out; a loop without branches.

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod guest;
#[cfg(target_family = "wasm")]
use guest::Probe;
