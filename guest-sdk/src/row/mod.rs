//! Running a row function over a batch: what its structs are to the loop, and the loop.

mod answer;
mod intake;
mod projection;
mod report;
mod rows;

pub use answer::{Answer, Output, Verdict};
pub use intake::{Intake, Pass, Presence, Source};
pub use projection::{Input, Projection, Table, before};
pub use report::Report;
pub use rows::{BuildersOf, begin, end, images, refusal, settle};
