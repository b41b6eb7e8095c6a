//! A component that imports an interface of its own invention.

#[cfg(target_family = "wasm")]
mod bindings;

#[cfg(target_family = "wasm")]
pub(crate) struct Curious;

#[cfg(target_family = "wasm")]
impl bindings::Guest for Curious {
    fn peek(name: String) -> String {
        bindings::example::curious::secrets::read(&name)
    }
}
