//! What the process has used so far.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// User and system time of the process, all threads; zero where the system does not say.
#[must_use]
pub fn cpu_time() -> Duration {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else { return Duration::ZERO };
    let micros = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(
            u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap_or_default(),
        )
    };
    micros(usage.user_time()) + micros(usage.system_time())
}

/// The most memory that the process ever held, in bytes.
#[must_use]
pub fn peak_memory_bytes() -> u64 {
    getrusage(UsageWho::RUSAGE_SELF)
        .map_or(0, |usage| u64::try_from(usage.max_rss()).unwrap_or_default() * 1024)
}
