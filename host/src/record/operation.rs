//! The operation of each change.

use arrow_buffer::{BooleanBuffer, ScalarBuffer};

/// What a change did to its row. The codes are those of the guest contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Operation {
    /// A new row.
    Insert = 0,
    /// New values for a row.
    Update = 1,
    /// The row is gone.
    Delete = 2,
    /// All rows are gone.
    Truncate = 3,
    /// A row as a snapshot found it.
    Read = 4,
}

impl Operation {
    /// The operation of a code of the guest contract, or `None` for a number that is none.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Insert,
            1 => Self::Update,
            2 => Self::Delete,
            3 => Self::Truncate,
            4 => Self::Read,
            _ => return None,
        })
    }

    /// The lowercase name, as dead letters and logs print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Read => "read",
        }
    }
}

/// The operations of a batch's rows: one for all (append-only inputs), or one each.
#[derive(Clone, Debug)]
pub enum Operations {
    /// Every row has this operation.
    All(Operation),
    /// One code a row.
    Each(ScalarBuffer<u8>),
}

impl Operations {
    /// The operation of row `row`.
    ///
    /// # Panics
    /// If `row` is out of range or a code is unknown: both are checked where batches are made.
    #[must_use]
    pub fn get(&self, row: usize) -> Operation {
        match self {
            Self::All(operation) => *operation,
            Self::Each(codes) => {
                Operation::from_code(codes[row]).expect("codes are checked where batches are made")
            }
        }
    }

    /// The codes as one list of `rows` bytes, for the guest.
    #[must_use]
    pub fn codes(&self, rows: usize) -> ScalarBuffer<u8> {
        match self {
            Self::All(operation) => vec![*operation as u8; rows].into(),
            Self::Each(codes) => codes.clone(),
        }
    }

    /// The rows whose operation is in `set` (bit `1 << code`), or `None` when that is all of them.
    #[must_use]
    pub fn among(&self, set: u8, rows: usize) -> Option<BooleanBuffer> {
        match self {
            Self::All(operation) if set & (1 << *operation as u8) != 0 => None,
            Self::All(_) => Some(BooleanBuffer::new_unset(rows)),
            Self::Each(codes) => {
                let bits = BooleanBuffer::collect_bool(rows, |row| set & (1 << codes[row]) != 0);
                (bits.count_set_bits() != rows).then_some(bits)
            }
        }
    }

    pub(crate) fn gather(&self, rows: &[u32]) -> Self {
        match self {
            Self::All(operation) => Self::All(*operation),
            Self::Each(codes) => {
                Self::Each(rows.iter().map(|row| codes[*row as usize]).collect::<Vec<_>>().into())
            }
        }
    }
}
