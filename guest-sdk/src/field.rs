//! The third state of a value.

/// A value, null, or not sent.
///
/// PostgreSQL does not send a large value that an update left alone. Such a row has neither a value
/// nor a null in that column. A function that reads the column as `T` or `Option<T>` rejects the
/// row; one that reads it as `Field<T>` sees it, and may answer [`Field::Unchanged`] in a column
/// that replaces it, which a sink takes as "leave the stored value alone".
///
/// ```
/// use millrace_sdk::prelude::*;
///
/// fn shout(note: Field<&str>) -> Field<String> {
///     note.map(str::to_uppercase)
/// }
/// assert_eq!(shout(Field::Value("hi")), Field::Value("HI".to_owned()));
/// assert_eq!(shout(Field::Unchanged), Field::Unchanged);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<T> {
    /// A value.
    Value(T),
    /// Null.
    Null,
    /// The source did not send the value, because it did not change.
    Unchanged,
}

impl<T> Field<T> {
    /// The value, if there is one.
    #[inline]
    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Null | Self::Unchanged => None,
        }
    }

    /// The same state with another value.
    #[inline]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        match self {
            Self::Value(value) => Field::Value(change(value)),
            Self::Null => Field::Null,
            Self::Unchanged => Field::Unchanged,
        }
    }

    /// Whether the source did not send the value.
    #[inline]
    pub const fn is_unchanged(&self) -> bool {
        matches!(self, Self::Unchanged)
    }
}

impl<T> From<Option<T>> for Field<T> {
    #[inline]
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}
