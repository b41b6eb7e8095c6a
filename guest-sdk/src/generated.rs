//! What the macros' output names. Not for people, and without a promise.

pub use crate::column::{Builders, InputValue, OperationReader, OutputValue, Reader};
pub use crate::describe::{About, describe};
pub use crate::params;
pub use crate::row::{
    Answer, BuildersOf, Input, Intake, Output, Pass, Presence, Projection, Report, Source, Table,
    Verdict, before, begin, end, images, settle,
};

/// Holds where `T` may be a function's first argument.
pub fn assert_input<T: Input>() {}

/// Whether two tables have one name.
#[must_use]
pub const fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}
