//! Time, logs and counters: what every other part may use, and what tests can steer.

mod clock;
mod counters;
mod loads;
mod secret;
mod usage;

pub use clock::Clock;
pub use counters::{NodeCounters, PipelineCounters};
pub use loads::{Asked, LoadCounters, LoadHealth, LoadPhase};
pub use secret::Secret;
pub use usage::{cpu_time, peak_memory_bytes};
