//! Some of a part's rows, by their numbers.

use std::collections::BTreeSet;
use std::ops::Range;

/// Rows in order, as ranges that do not touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) struct RowSet(Vec<Range<usize>>);

impl RowSet {
    /// The first `rows`.
    pub(in crate::sink::stream_load) fn first(rows: usize) -> Self {
        Self(if rows == 0 { Vec::new() } else { std::iter::once(0..rows).collect() })
    }

    pub(in crate::sink::stream_load) fn len(&self) -> usize {
        self.0.iter().map(ExactSizeIterator::len).sum()
    }

    pub(in crate::sink::stream_load) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, in order.
    pub(in crate::sink::stream_load) fn ranges(&self) -> &[Range<usize>] {
        &self.0
    }

    /// The rows, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().cloned().flatten()
    }

    /// The rows that are not among `gone`.
    pub(super) fn without(&self, gone: &BTreeSet<usize>) -> Self {
        let mut kept = Vec::new();
        for range in &self.0 {
            let mut start = range.start;
            for gone in gone.range(range.clone()) {
                if start < *gone {
                    kept.push(start..*gone);
                }
                start = gone + 1;
            }
            if start < range.end {
                kept.push(start..range.end);
            }
        }
        Self(kept)
    }

    /// Both halves; `None` for less than two rows.
    pub(super) fn halves(&self) -> Option<(Self, Self)> {
        let half = self.len() / 2;
        if half == 0 {
            return None;
        }
        let (mut first, mut second, mut left) = (Vec::new(), Vec::new(), half);
        for range in &self.0 {
            let cut = range.start + left.min(range.len());
            left -= cut - range.start;
            for (half, part) in [(&mut first, range.start..cut), (&mut second, cut..range.end)] {
                if !part.is_empty() {
                    half.push(part);
                }
            }
        }
        Some((Self(first), Self(second)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn halves_and_rests_have_the_rows_that_they_should(
            rows in 0usize..200,
            gone in proptest::collection::btree_set(0usize..220, 0..40),
        ) {
            let rest = RowSet::first(rows).without(&gone);
            let expected: Vec<usize> = (0..rows).filter(|row| !gone.contains(row)).collect();
            prop_assert_eq!(rest.iter().collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(rest.len(), expected.len());
            prop_assert_eq!(rest.is_empty(), expected.is_empty());
            match rest.halves() {
                None => prop_assert!(expected.len() < 2),
                Some((first, second)) => {
                    prop_assert!(first.len().abs_diff(second.len()) <= 1);
                    let both: Vec<usize> = first.iter().chain(second.iter()).collect();
                    prop_assert_eq!(both, expected);
                }
            }
        }
    }
}
