//! What the macros' output names. Not for people, and without a promise.

pub use crate::column::{Builders, InputValue, OperationReader, OutputValue, Reader};
pub use crate::describe::{About, describe};
pub use crate::params;
pub use crate::row::{
    Answer, BuildersOf, Input, Intake, Output, Pass, Presence, Projection, Report, Source, Table,
    Verdict, before, begin, end, images, pass_over, settle,
};

/// Holds where `T` may be a function's first argument.
pub fn assert_input<T: Input>() {}

/// Holds where `T` may be what a function answers.
pub fn assert_answer<T: Answer>() {}
