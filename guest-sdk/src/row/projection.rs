//! The columns that a row function reads.

use super::Source;
use crate::column::Reader;
use crate::raw::{Extras, Failure, Read};

/// A struct whose fields are columns to read. `#[derive(Input)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of columns",
    label = "not an input",
    note = "derive it: `#[derive(Input)] struct .. {{ column: i64, .. }}`"
)]
pub trait Projection<'a>: Sized {
    /// Reads the blocks of each field, as nested pairs.
    type Readers: Reader;

    /// What `describe` says of the fields that are columns, in order.
    fn reads() -> Vec<Read>;
    /// What the fields that are no columns ask for.
    fn extras() -> Extras;
    /// Opens the columns of a batch.
    ///
    /// # Errors
    /// A column that did not come as declared.
    fn open(source: &mut Source<'a>) -> Result<Self::Readers, Failure>;
    /// The row of a lane.
    fn row(blocks: &<Self::Readers as Reader>::Block, lane: usize) -> Self;
}

/// A struct that is the row of an input: the first argument of a `#[transform]` function.
///
/// `#[derive(Input)]` implements it for a struct without `#[table]`. Each field is a column of its
/// name; see the [front page](crate) for the types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the row of an input",
    label = "the first argument is the row",
    note = "derive it: `#[derive(Input)] struct .. {{ column: i64, .. }}`, without `#[table]`"
)]
pub trait Input {}

/// A struct that is the row of a joined table: a later argument of a `#[transform]` function.
///
/// `#[derive(Input)]` implements it for a struct with `#[table("name")]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the row of a joined table",
    label = "an argument by value after the first is a joined table's row",
    note = "name its table: `#[derive(Input)] #[table(\"games\")] struct .. {{ .. }}`; params are \
            taken by reference"
)]
pub trait Table {
    /// The table's name, as the pipeline's `join` says it.
    const NAME: &'static str;
}

/// The before image of a lane, if there is one.
#[inline(always)]
pub fn before<'a, T: Projection<'a>>(
    block: &Option<(u8, <T::Readers as Reader>::Block)>,
    lane: usize,
) -> Option<T> {
    match block {
        Some((present, blocks)) if (present >> lane) & 1 == 1 => Some(T::row(blocks, lane)),
        _ => None,
    }
}
