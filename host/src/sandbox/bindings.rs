//! The contract as Rust types, generated from its WIT.
//!
//! Borrowing ownership gives two types where a list crosses both ways: `…Param` borrows what the
//! host lends, `…Result` owns what the guest answered. Either way a list is copied once.

#![allow(
    missing_docs,
    unsafe_code,
    unused,
    unused_lifetimes,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated from guest-sdk/wit, where the documentation is"
)]

wasmtime::component::bindgen!({
    path: "../guest-sdk/wit",
    world: "guest",
    ownership: Borrowing { duplicate_if_necessary: true },
});

pub(super) use self::millrace::transform::{host, types as wit};
