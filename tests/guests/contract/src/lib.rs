//! A transform whose params say which part of the contract it shows back, so that each item of the
//! WIT makes a round trip through a real guest.
//!
//! `do` is one of `echo`, `extras`, `reject`, `emit`, `timers`, `state`, `schemas`, `host`, `tables`
//! and `problems`; the modules say what each does.

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod columns;
#[cfg(target_family = "wasm")]
mod describe;
#[cfg(target_family = "wasm")]
mod guest;
#[cfg(target_family = "wasm")]
mod process;
#[cfg(target_family = "wasm")]
mod state;
#[cfg(target_family = "wasm")]
use guest::Contract;
