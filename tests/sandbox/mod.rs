//! The guest boundary, with real guests: every item of the contract makes a round trip, and every
//! bound and every breach is a typed error that the process and all other instances survive.

mod breaches;
mod cache;
mod calls;
mod columns;
mod limits;
mod loading;
mod roundtrip;
mod support;
mod wasi;
