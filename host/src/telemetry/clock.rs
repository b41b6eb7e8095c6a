//! The only clock of a pipeline, so that tests can set it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where processing time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Always the same moment, in microseconds since 1970 UTC: for tests and comparisons.
    Fixed(i64),
}

impl Clock {
    /// Now, in microseconds since 1970 UTC.
    #[must_use]
    pub fn now(self) -> i64 {
        match self {
            Self::Fixed(micros) => micros,
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)),
        }
    }
}
