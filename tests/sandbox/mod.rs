//! The guest boundary, with real guests: each call of the contract and each type makes a round trip,
//! and bounds and breaches are typed errors that the process and all other instances survive. What
//! the host does with a guest's words (log lines, clipped texts) is tested beside its code.

mod breaches;
mod cache;
mod calls;
mod columns;
mod elsewhere;
mod limits;
mod loading;
mod roundtrip;
mod sdk;
mod support;
mod wasi;
