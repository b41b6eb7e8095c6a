//! What a change did.

use std::fmt;

/// What a change did to its row.
///
/// A row function sees inserts, updates (their after image) and reads; deletes and truncates pass it
/// by.
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
    /// The operation of a code of the contract.
    #[inline]
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

    /// The code of the contract.
    #[inline]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The lowercase name.
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

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
