//! The header: which field is which column.

use std::fmt::Write;

use super::record::Texts;
use crate::format::value::Excerpt;

/// So many fields a header may have.
pub(super) const MAX_FIELDS: usize = 1 << 16;

/// So many names of a header are listed where one is not among them.
const LISTED: usize = 20;

/// Why a header does not fit the declared columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A declared column is not in it.
    #[error("the header has no `{name}`; it has: {found}")]
    Missing {
        /// The column's name in the file.
        name: String,
        /// The names that are there.
        found: String,
    },
    /// A declared column is in it more than once.
    #[error("the header has `{name}` twice")]
    Twice {
        /// The column's name in the file.
        name: String,
    },
    /// The first line is empty.
    #[error("the first line is empty, and must be a header with the columns' names")]
    Blank,
    /// The header is no CSV.
    #[error("the header has a quote that is not closed, or text behind a closing one")]
    Misquoted,
    /// There are more names than any table has columns.
    #[error("the header has {found} fields, and may have {most}: is `delimiter` right?", most = MAX_FIELDS)]
    TooWide {
        /// How many it has.
        found: usize,
    },
    /// The header is no text.
    #[error("byte {byte} of the header: expected UTF-8, found other bytes")]
    NotText {
        /// The first byte that is none, from 1.
        byte: usize,
    },
}

/// Where each of the names stands in the header.
pub(super) fn places(header: &Texts<'_>, names: &[String]) -> Result<Vec<usize>, HeaderError> {
    names
        .iter()
        .map(|name| {
            let mut found = header.iter().enumerate().filter(|(_, field)| field.text == name);
            match (found.next(), found.next()) {
                (Some((index, _)), None) => Ok(index),
                (Some(_), Some(_)) => Err(HeaderError::Twice { name: name.clone() }),
                (None, _) => {
                    Err(HeaderError::Missing { name: name.clone(), found: listed(header) })
                }
            }
        })
        .collect()
}

/// The header's names, as many as a message may hold.
fn listed(header: &Texts<'_>) -> String {
    let mut list = String::new();
    for (index, field) in header.iter().enumerate() {
        if index == LISTED {
            list.push_str(", …");
            break;
        }
        let comma = if index == 0 { "" } else { ", " };
        write!(list, "{comma}`{}`", Excerpt(field.text)).expect("a String takes all");
    }
    list
}
