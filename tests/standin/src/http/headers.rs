//! The headers of a request, in the order in which they came.

/// Headers, in order, found without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// No headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// The first value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The first value of this name, unless it is empty.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Every value of this name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = move |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.0.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// Every header, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Drops those whose names have an underscore, as a proxy does that was not told otherwise.
    pub fn strip_underscored(&mut self) {
        self.0.retain(|(name, _)| !name.contains('_'));
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_a_proxy_drops_underscores() {
        let mut headers: Headers =
            [("Label", "l"), ("strip_outer_array", "true"), ("label", "m")].into_iter().collect();
        assert_eq!(headers.get("LABEL"), Some("l"));
        assert_eq!(headers.all("label").collect::<Vec<_>>(), ["l", "m"]);
        headers.strip_underscored();
        assert_eq!(headers.get("strip_outer_array"), None);
        assert_eq!(headers.iter().count(), 2);
    }
}
