//! Points in time, days and times of day, as columns carry them; and lengths of time.
//!
//! Points count from 1970-01-01 in UTC. A transform has no clock: processing time comes in as a
//! `#[meta(processing_time)]` field, event time as `#[meta(event_time)]`.

mod calendar;
mod date;
mod span;
mod time_of_day;
mod timestamp;

pub use date::Date;
pub use span::Span;
pub use time_of_day::Time;
pub use timestamp::Timestamp;

use std::fmt;

/// A text that is no time, date or timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTimeError {
    expected: &'static str,
}

impl fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for ParseTimeError {}
