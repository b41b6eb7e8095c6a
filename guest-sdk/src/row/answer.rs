//! What a row function may answer.

use crate::column::Builders;
use crate::raw::Field;
use crate::reject::Reject;

/// A struct whose fields are columns to add or replace. `#[derive(Output)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of columns",
    label = "not an output",
    note = "derive it: `#[derive(Output)] struct .. {{ column: i64, .. }}`"
)]
pub trait Output: Sized {
    /// Builds the columns of the fields, as nested pairs.
    type Builders: Builders + 'static;

    /// The fields of the port `out`.
    fn fields() -> Vec<Field>;
    /// Writes a lane.
    fn write(self, blocks: &mut <Self::Builders as Builders>::Blocks<'_>, lane: usize);
    /// Whether every column holds its value, as far as that is not the overflow flag's to say.
    fn in_range(&self) -> bool;
    /// The first column that cannot hold its value, and why not.
    fn misfit(&self) -> Option<(&'static str, &'static str)>;
}

/// The output of a filter: no columns.
pub struct NoColumns;

impl Output for NoColumns {
    type Builders = ();

    fn fields() -> Vec<Field> {
        Vec::new()
    }

    #[inline(always)]
    fn write(self, (): &mut (), _lane: usize) {}

    #[inline(always)]
    fn in_range(&self) -> bool {
        true
    }

    fn misfit(&self) -> Option<(&'static str, &'static str)> {
        None
    }
}

/// What becomes of a row.
pub enum Verdict<O> {
    /// It goes on, with these columns.
    Keep(O),
    /// It is filtered out.
    Drop,
    /// It goes to the dead letters.
    Reject(Reject),
}

impl<O: Output> Verdict<O> {
    /// Whether the columns hold what they are to hold.
    #[inline(always)]
    pub(super) fn in_range(&self) -> bool {
        match self {
            Self::Keep(output) => output.in_range(),
            Self::Drop | Self::Reject(_) => true,
        }
    }
}

/// The result of a row function: a `bool` (whether to keep the row), an [`Output`] (its new
/// columns), an `Option` of that (`None` filters the row out), or a `Result` of one of these whose
/// error refuses the row.
#[diagnostic::on_unimplemented(
    message = "a row function cannot answer `{Self}`",
    label = "not an answer",
    note = "answer `bool` to filter, a `#[derive(Output)]` struct to map, `Option<..>` of it to do \
            both, or `Result<.., Reject>` of one of these to refuse rows"
)]
pub trait Answer: Sized {
    /// The columns.
    type Output: Output;

    /// What becomes of the row.
    fn verdict(self) -> Verdict<Self::Output>;
}

impl Answer for bool {
    type Output = NoColumns;

    #[inline(always)]
    fn verdict(self) -> Verdict<NoColumns> {
        if self { Verdict::Keep(NoColumns) } else { Verdict::Drop }
    }
}

impl<O: Output> Answer for Option<O> {
    type Output = O;

    #[inline(always)]
    fn verdict(self) -> Verdict<O> {
        self.map_or(Verdict::Drop, Verdict::Keep)
    }
}

impl<A: Answer, E: Into<Reject>> Answer for Result<A, E> {
    type Output = A::Output;

    #[inline(always)]
    fn verdict(self) -> Verdict<A::Output> {
        match self {
            Ok(answer) => answer.verdict(),
            Err(reject) => Verdict::Reject(reject.into()),
        }
    }
}
