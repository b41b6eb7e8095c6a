//! Sets of columns: which ones a row has values for.

use std::collections::HashMap;
use std::fmt::Write;

use super::WHOLE;

/// A set, by its number.
pub(super) type SetId = u32;

/// The set of all columns.
pub(super) const ALL: SetId = 0;

const WORD: usize = 64;

/// The sets that there are: few, since rows of a source leave out the same columns.
#[derive(Debug)]
pub(super) struct Sets {
    columns: usize,
    key: SetId,
    deleted: SetId,
    masks: Vec<Box<[u64]>>,
    ids: HashMap<Box<[u64]>, SetId>,
}

impl Sets {
    /// The set of all `columns`, that of the key's, and that of what a delete says.
    pub(super) fn new(columns: usize, key: &[usize], sequence: Option<usize>) -> Self {
        let (masks, ids) = (Vec::new(), HashMap::new());
        let mut sets = Self { columns, key: ALL, deleted: ALL, masks, ids };
        let mut mask = sets.empty();
        (0..columns).for_each(|column| put(&mut mask, column));
        sets.id(&mask);
        let mut mask = sets.empty();
        key.iter().for_each(|column| put(&mut mask, *column));
        sets.key = sets.id(&mask);
        sequence.iter().for_each(|column| put(&mut mask, *column));
        sets.deleted = sets.id(&mask);
        sets
    }

    /// The set of the key's columns alone.
    pub(super) const fn key(&self) -> SetId {
        self.key
    }

    /// The set of what a delete says: the key, and when it was, where that counts.
    pub(super) const fn deleted(&self) -> SetId {
        self.deleted
    }

    /// How many columns there are.
    pub(super) const fn width(&self) -> usize {
        self.columns
    }

    /// A mask without a column.
    pub(super) fn empty(&self) -> Vec<u64> {
        vec![0; self.columns.div_ceil(WORD).max(1)]
    }

    /// The set of a mask.
    pub(super) fn id(&mut self, mask: &[u64]) -> SetId {
        if let Some(id) = self.ids.get(mask) {
            return *id;
        }
        let id = SetId::try_from(self.masks.len()).expect("there are few sets of columns");
        self.masks.push(mask.into());
        self.ids.insert(mask.into(), id);
        id
    }

    /// Adds a set's columns to a mask; answers whether it has all of them now.
    pub(super) fn join(&self, mask: &mut [u64], set: SetId) -> bool {
        let words = mask.iter_mut().zip(&self.masks[set as usize]);
        words.for_each(|(word, other)| *word |= other);
        *mask == *self.masks[ALL as usize]
    }

    /// Whether a set has a column.
    pub(super) fn has(&self, set: SetId, column: usize) -> bool {
        self.masks[set as usize][column / WORD] & (1 << (column % WORD)) != 0
    }

    /// The columns of a set, in order; `None`: all.
    pub(super) fn columns(&self, set: SetId) -> Option<Vec<usize>> {
        let all = 0..self.columns;
        (set != ALL).then(|| all.filter(|column| self.has(set, *column)).collect())
    }

    /// The set's name, the same in every run.
    pub(super) fn name(&self, set: SetId) -> String {
        if set == ALL {
            return WHOLE.to_owned();
        }
        let mut name = String::new();
        let digits = self.columns.div_ceil(4);
        for digit in (0..digits).rev() {
            let word = self.masks[set as usize][digit * 4 / WORD];
            let nibble = (word >> (digit * 4 % WORD)) & 15;
            write!(name, "{nibble:x}").expect("a String takes every character");
        }
        name
    }
}

/// Adds a column to a mask.
pub(super) fn put(mask: &mut [u64], column: usize) {
    mask[column / WORD] |= 1 << (column % WORD);
}

/// Takes a column out of a mask.
pub(super) fn cut(mask: &mut [u64], column: usize) {
    mask[column / WORD] &= !(1 << (column % WORD));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_stable_names_and_the_full_one_is_all() {
        let mut sets = Sets::new(70, &[1], None);
        assert_eq!(sets.name(ALL), "all");
        assert_eq!(sets.name(sets.key()), format!("{}2", "0".repeat(17)));
        let mut mask = sets.empty();
        put(&mut mask, 69);
        let last = sets.id(&mask);
        assert_eq!(sets.name(last), format!("2{}", "0".repeat(17)));
        assert_eq!(sets.columns(last), Some(vec![69]));
        assert_eq!(sets.id(&mask), last);
        assert!(!sets.join(&mut mask, sets.key()));
        assert!(sets.join(&mut mask, ALL));
        assert_eq!(sets.id(&mask), ALL);
        assert_eq!(sets.columns(ALL), None);
    }

    #[test]
    fn a_delete_says_when_it_was_where_that_counts() {
        assert_eq!(Sets::new(5, &[1], None).deleted(), Sets::new(5, &[1], None).key());
        let sets = Sets::new(5, &[1], Some(3));
        assert_eq!(sets.columns(sets.key()), Some(vec![1]));
        assert_eq!(sets.columns(sets.deleted()), Some(vec![1, 3]));
    }

    #[test]
    fn a_table_that_is_all_key_has_one_set() {
        let sets = Sets::new(2, &[1, 0], None);
        assert_eq!((sets.key(), sets.masks.len()), (ALL, 1));
    }
}
