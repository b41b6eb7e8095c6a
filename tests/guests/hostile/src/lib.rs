//! A transform that breaks bounds and the contract. Its params' `do` names the misdeed; without one
//! it behaves: it reads `id` and answers the columns `n`, `t` and `d`.

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod describe;
#[cfg(target_family = "wasm")]
mod guest;
#[cfg(target_family = "wasm")]
mod misdeeds;
#[cfg(target_family = "wasm")]
use guest::Hostile;
