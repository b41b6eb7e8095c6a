//! A change that was set aside, with its reason.

/// One dead letter: which row, who refused it and why.
///
/// (`stage`, `source`, `sequence`, `ordinal`) names it, so that a repeated path can recognise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// When it was set aside, microseconds since 1970 UTC, by the pipeline's clock.
    pub time: i64,
    /// The node that refused it: a source's, transform's or sink's name.
    pub stage: String,
    /// Why, in words.
    pub reason: String,
    /// The column at fault, where there is one.
    pub column: Option<String>,
    /// The source's own words for where the row was read, such as `wagers.jsonl:17`.
    pub position: String,
    /// The row's source sequence.
    pub sequence: (i64, i32),
    /// Counts the letters of one row at one stage from 0.
    pub ordinal: u32,
    /// SHA-256 of the artifact that refused it, in hexadecimal; `None` outside of transforms.
    pub artifact: Option<String>,
    /// The line for a decode error, the stage's input row as JSON otherwise.
    pub input: String,
}
