//! Time, logs and counters: what every other part may use, and what tests can steer.

mod clock;
mod counters;
mod usage;

pub use clock::Clock;
pub use counters::{NodeCounters, PipelineCounters};
pub use usage::{cpu_time, peak_memory_bytes};
