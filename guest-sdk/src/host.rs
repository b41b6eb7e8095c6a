//! What a transform may ask of the host: log a line, add to a counter.
//!
//! Both are observations: nothing comes back, so a transform stays a pure function of its rows.
//! Outside wasm they are recorded on the calling thread, where [`take_recorded`] finds them.

#[cfg(target_family = "wasm")]
use crate::bindings::millrace::transform::host as imports;
#[cfg(not(target_family = "wasm"))]
use recorder as imports;

pub use crate::bindings::millrace::transform::host::{Level, Place, TimerPlace};
#[cfg(not(target_family = "wasm"))]
pub use recorder::{Recorded, take_recorded};

/// Writes a line to the host's log, marked with stage and artifact. 4 KiB of it are kept.
///
/// A line for each row costs more than the row: log what is rare, count what is not.
pub fn log(level: Level, message: &str) {
    imports::log(level, message);
}

/// Adds to a counter of this stage. A name is lowercase words joined by `_`; a stage has at most 64.
///
/// A call takes about a tenth of a microsecond, so counting each row is affordable but not free.
pub fn count(name: &str, delta: u64) {
    imports::count(name, delta);
}

/// Says where and why the guest is about to trap. The panic hook calls it; a guest on the raw layer
/// may.
pub fn panicked(place: &Place, message: &str) {
    imports::panicked(place, message);
}

#[cfg(not(target_family = "wasm"))]
mod recorder {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use super::{Level, Place};

    /// What a transform told the host on this thread.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Recorded {
        /// The lines, in order.
        pub logs: Vec<(Level, String)>,
        /// The counters and their sums.
        pub counters: BTreeMap<String, u64>,
        /// What was said of panics, in order.
        pub panics: Vec<(Place, String)>,
    }

    thread_local! {
        static RECORDED: RefCell<Recorded> = RefCell::default();
    }

    /// Takes what was recorded on this thread since the last call.
    #[must_use]
    pub fn take_recorded() -> Recorded {
        RECORDED.take()
    }

    pub(super) fn log(level: Level, message: &str) {
        RECORDED.with_borrow_mut(|recorded| recorded.logs.push((level, message.to_owned())));
    }

    pub(super) fn count(name: &str, delta: u64) {
        RECORDED.with_borrow_mut(|recorded| {
            *recorded.counters.entry(name.to_owned()).or_default() += delta;
        });
    }

    pub(super) fn panicked(place: &Place, message: &str) {
        RECORDED
            .with_borrow_mut(|recorded| recorded.panics.push((place.clone(), message.to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_recorded_until_taken() {
        count("rows", 2);
        count("rows", 3);
        log(Level::Warn, "odd");
        panicked(&Place::Row(7), "oh");
        let recorded = take_recorded();
        assert_eq!(recorded.counters["rows"], 5);
        assert_eq!(recorded.logs, [(Level::Warn, "odd".to_owned())]);
        assert_eq!(recorded.panics, [(Place::Row(7), "oh".to_owned())]);
        assert_eq!(take_recorded(), Recorded::default());
    }
}
