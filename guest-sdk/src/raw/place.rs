//! Where the guest is at work, so that a panic can name the row.

use std::cell::{Cell, RefCell};

use super::TimerPlace;
use crate::host::Place;

const NO_ROW: u32 = u32::MAX;

thread_local! {
    static ROW: Cell<u32> = const { Cell::new(NO_ROW) };
    static TIMER: RefCell<Option<TimerPlace>> = const { RefCell::new(None) };
}

/// Notes that row `row` of the batch is at work. One store: cheap enough for every row.
#[inline]
pub fn at_row(row: u32) {
    ROW.set(row);
}

/// Notes that the timer of this time and key is firing.
pub fn at_timer(time: i64, key: Vec<u8>) {
    ROW.set(NO_ROW);
    TIMER.set(Some(TimerPlace { time, key }));
}

/// Notes that neither a row nor a timer is at work.
pub fn elsewhere() {
    ROW.set(NO_ROW);
    TIMER.set(None);
}

/// The place that was noted last.
#[cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "only guests install the hook"))]
fn current() -> Place {
    match (ROW.get(), TIMER.with_borrow(Clone::clone)) {
        (NO_ROW, None) => Place::Elsewhere,
        (NO_ROW, Some(timer)) => Place::Timer(timer),
        (row, _) => Place::Row(row),
    }
}

/// Tells the host of each panic, before it traps. In native tests the usual hook stays.
pub(super) fn hook() {
    #[cfg(target_family = "wasm")]
    {
        static INSTALLED: std::sync::Once = std::sync::Once::new();
        INSTALLED.call_once(|| {
            std::panic::set_hook(Box::new(|info| {
                let payload = info.payload();
                let text = match payload.downcast_ref::<&'static str>() {
                    Some(text) => *text,
                    None => payload.downcast_ref::<String>().map_or("panicked", String::as_str),
                };
                let message = match info.location() {
                    Some(location) => format!("{text} ({location})"),
                    None => text.to_owned(),
                };
                crate::host::panicked(&current(), &message);
            }));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_counts() {
        assert_eq!(current(), Place::Elsewhere);
        at_timer(5, vec![1]);
        assert_eq!(current(), Place::Timer(TimerPlace { time: 5, key: vec![1] }));
        at_row(3);
        assert_eq!(current(), Place::Row(3));
        elsewhere();
        assert_eq!(current(), Place::Elsewhere);
    }
}
