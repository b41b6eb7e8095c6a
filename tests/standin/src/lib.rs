//! A stand-in for StarRocks and Apache Doris: frontends, backends and a MySQL port in one process,
//! strict about what clients send and able to fail at every named point.
//!
//! It is written from the protocol alone and shares no code with Millrace's sinks, so that a
//! mistake in one is not repeated in the other.
//!
//! *Invariants*: whatever a client does against the protocol is in the breach log; every fault is
//! asked for by name and is reproducible by its seed; nothing waits for ever; dropping a
//! [`StandIn`] ends its threads and frees its ports.
//! *Not here*: speed, replication, more than one process.

pub mod breaches;
pub mod catalog;
pub mod clock;
pub mod control;
pub mod faults;
pub mod http;
pub mod load;
pub mod nodes;
pub mod settings;
pub mod sql;
pub mod stall;
pub mod transaction;
pub mod world;

mod cluster;
mod standin;

pub use cluster::Cluster;
pub use http::{Authority, Certificate, HERE};
pub use standin::{Options, StandIn, Tls};
pub use world::{System, Version, World};
