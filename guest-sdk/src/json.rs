//! JSON columns.

use std::borrow::Cow;
use std::fmt;

use serde::de::Deserialize;
use serde::ser::Serialize;

/// The text of a JSON column, column type `json`.
///
/// Read from a row it borrows, and is parsed only when asked. Parsing allocates and takes about a
/// microsecond a row, hundreds of times what reading a typed column costs: have the source extract
/// the fields that every row needs.
///
/// ```
/// use millrace_sdk::prelude::*;
/// let tags = Json::from_text(r#"["vip", "new"]"#);
/// assert_eq!(tags.parse::<Vec<String>>()?, ["vip", "new"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json<'a>(Cow<'a, str>);

impl<'a> Json<'a> {
    /// JSON text as it is. A transform that answers text which is no JSON gives a bad column.
    #[inline]
    #[must_use]
    pub const fn from_text(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// A value as JSON text.
    ///
    /// # Errors
    /// As [`serde_json::to_string`].
    pub fn from_value(value: &impl Serialize) -> Result<Json<'static>, serde_json::Error> {
        serde_json::to_string(value).map(|text| Json(Cow::Owned(text)))
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Parses the text, into strings that may borrow from it.
    ///
    /// # Errors
    /// As [`serde_json::from_str`].
    pub fn parse<'s, T: Deserialize<'s>>(&'s self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
