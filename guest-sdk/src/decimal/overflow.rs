//! The overflow flag of the row at work.
//!
//! Arithmetic on money must neither trap, which would end the instance for one bad row, nor wrap.
//! An operation that leaves the range raises this flag and goes on with a value that stays out of
//! range; the loop around the row function looks at the flag and rejects the row. A row that cannot
//! be emitted, because a value is out of its column's range, raises it too.

use std::cell::Cell;

thread_local! {
    static RAISED: Cell<bool> = const { Cell::new(false) };
}

/// Raises the flag. Cold, so that the arithmetic around it stays small.
#[cold]
#[inline(never)]
pub(crate) fn raise() {
    RAISED.set(true);
}

/// Whether an operation overflowed since the flag was last taken.
#[inline]
pub(crate) fn raised() -> bool {
    RAISED.get()
}

/// Answers whether a decimal operation of this thread overflowed, and lowers the flag.
///
/// A transform needs no call to this: its rows are rejected by themselves. It is for tests that
/// call a row function directly.
///
/// ```
/// use millrace_sdk::prelude::*;
///
/// let _ = Decimal::<2>::MAX + Decimal::from_units(1);
/// assert!(millrace_sdk::decimal::take_overflow());
/// assert!(!millrace_sdk::decimal::take_overflow());
/// ```
pub fn take_overflow() -> bool {
    RAISED.replace(false)
}
