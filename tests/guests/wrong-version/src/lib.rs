//! A transform of version 2 of the contract, which this host does not speak.

#[cfg(target_family = "wasm")]
mod bindings;

#[cfg(target_family = "wasm")]
pub(crate) struct Newer;

#[cfg(target_family = "wasm")]
impl bindings::exports::millrace::transform::transform::Guest for Newer {
    fn describe(params: String) -> String {
        params
    }
}
