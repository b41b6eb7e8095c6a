//! Refusing a row.

use std::borrow::Cow;

/// Why a row is refused: it goes to the pipeline's dead letters with this reason, and not on.
///
/// ```
/// use millrace_sdk::prelude::*;
///
/// fn stake(units: i64) -> Result<Decimal<2>, Reject> {
///     if units < 0 {
///         return Err(Reject::new("a stake cannot be negative").column("stake"));
///     }
///     Ok(Decimal::from_units(units))
/// }
/// assert_eq!(stake(-1), Err(Reject::new("a stake cannot be negative").column("stake")));
/// ```
///
/// A text alone is enough: `Err("no such game")?` and `.ok_or("no such game")?` work as well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Reject {
    pub(crate) reason: Cow<'static, str>,
    pub(crate) column: Option<Cow<'static, str>>,
}

impl Reject {
    /// A refusal for this reason: lowercase, no full stop.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), column: None }
    }

    /// Names the column that is to blame.
    pub fn column(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { column: Some(name.into()), ..self }
    }
}

impl From<&'static str> for Reject {
    fn from(reason: &'static str) -> Self {
        Self::new(reason)
    }
}

impl From<String> for Reject {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}
