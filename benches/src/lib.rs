//! What Millrace costs, measured from outside: programs are run in turns, and what they take of CPU
//! time, memory and patience becomes figures beside their gates.
//!
//! `report.rs` prints them, `scripts/bench` builds what that needs and runs it, and
//! `docs/benchmarks.md` says what each figure is.

pub mod allocations;
pub mod boundary;
pub mod counting;
pub mod cpu;
pub mod figure;
pub mod loads;
pub mod machine;
pub mod memory;
pub mod processor;
pub mod programs;
pub mod resident;
pub mod stall;
pub mod start;
pub mod state;
pub mod stats;
