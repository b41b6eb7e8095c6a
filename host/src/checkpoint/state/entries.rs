//! Entries of state as columns.

use std::cmp::Ordering;
use std::ops::Range;

use super::KEY_GROUPS;

/// The action of an entry that replaces what was there.
pub(super) const PUT: u8 = 0;
/// The action of an entry that removes what was there.
pub(super) const DELETE: u8 = 1;
/// The action of an entry whose value comes behind what was there.
pub(super) const APPEND: u8 = 2;

/// Bytes of an entry beside those of its key, sub-key and value: state, group, action, three
/// offsets.
const OVERHEAD: usize = 19;

/// Values of varying length end to end: value `i` is `bytes[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Varying {
    /// One more than there are values, from 0.
    pub offsets: Vec<i32>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Default for Varying {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl Varying {
    /// A value.
    ///
    /// # Panics
    /// If there is no such value.
    #[must_use]
    pub fn value(&self, index: usize) -> &[u8] {
        &self.bytes[self.range(index..index + 1)]
    }

    /// Adds a value at the end.
    ///
    /// # Panics
    /// If the values would be over 2 GiB together.
    pub fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        let end = i32::try_from(self.bytes.len()).expect("a column of state is below 2 GiB");
        self.offsets.push(end);
    }

    /// Whether these are the offsets of so many values.
    fn holds(&self, values: usize) -> bool {
        self.offsets.len() == values + 1
            && self.offsets.first() == Some(&0)
            && self.offsets.is_sorted()
            && self.offsets.last().and_then(|end| usize::try_from(*end).ok())
                == Some(self.bytes.len())
    }

    /// Where the bytes of neighbours lie.
    fn range(&self, values: Range<usize>) -> Range<usize> {
        let at = |index: usize| usize::try_from(self.offsets[index]).unwrap_or_default();
        at(values.start)..at(values.end)
    }

    /// Adds neighbours of another column at the end.
    fn extend(&mut self, other: &Self, values: Range<usize>) {
        let bytes = other.range(values.clone());
        let end = self.bytes.len() + bytes.len();
        assert!(i32::try_from(end).is_ok(), "a column of state is below 2 GiB");
        // Both are below 2 GiB, so the shift fits; it is below 0 where the other begins later.
        let shift = self.bytes.len() as i32 - bytes.start as i32;
        let ends = &other.offsets[values.start + 1..=values.end];
        self.offsets.extend(ends.iter().map(|offset| offset + shift));
        self.bytes.extend_from_slice(&other.bytes[bytes]);
    }

    fn clear(&mut self) {
        self.offsets.truncate(1);
        self.bytes.clear();
    }
}

/// Changes of state as columns, one entry a row; they are applied in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateEntries {
    /// The index of each entry's state among those that the transform describes.
    pub states: Vec<u32>,
    /// Its key group, below [`KEY_GROUPS`].
    pub groups: Vec<u16>,
    /// Its encoded key.
    pub keys: Varying,
    /// Its sub-key.
    pub sub_keys: Varying,
    /// 0 put, 1 delete, 2 append.
    pub actions: Vec<u8>,
    /// Its value.
    pub values: Varying,
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) group: u16,
    pub(super) state: u32,
    pub(super) key: &'a [u8],
    pub(super) sub_key: &'a [u8],
    pub(super) action: u8,
    pub(super) value: &'a [u8],
}

impl<'a> Entry<'a> {
    /// What the entries of a run are sorted by: all that says which value it is that changes.
    pub(super) fn identity(&self) -> (u16, u32, &'a [u8], &'a [u8]) {
        (self.group, self.state, self.key, self.sub_key)
    }

    /// How large it is.
    pub(super) fn bytes(&self) -> usize {
        OVERHEAD + self.key.len() + self.sub_key.len() + self.value.len()
    }
}

impl StateEntries {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// How large they are.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.len() * OVERHEAD
            + self.keys.bytes.len()
            + self.sub_keys.bytes.len()
            + self.values.bytes.len()
    }

    /// Whether the columns belong together, and every entry has a group and an action that exist.
    pub(super) fn are_sound(&self) -> bool {
        let entries = self.len();
        self.groups.len() == entries
            && self.actions.len() == entries
            && [&self.keys, &self.sub_keys, &self.values].iter().all(|one| one.holds(entries))
            && self.groups.iter().all(|group| *group < KEY_GROUPS)
            && self.actions.iter().all(|action| *action <= APPEND)
    }

    /// An entry.
    pub(super) fn entry(&self, index: usize) -> Entry<'_> {
        Entry {
            group: self.groups[index],
            state: self.states[index],
            key: self.keys.value(index),
            sub_key: self.sub_keys.value(index),
            action: self.actions[index],
            value: self.values.value(index),
        }
    }

    /// Adds an entry at the end.
    pub(super) fn push(&mut self, entry: &Entry<'_>) {
        self.states.push(entry.state);
        self.groups.push(entry.group);
        self.actions.push(entry.action);
        self.keys.push(entry.key);
        self.sub_keys.push(entry.sub_key);
        self.values.push(entry.value);
    }

    /// Adds neighbours of other entries at the end.
    pub(super) fn extend(&mut self, other: &Self, entries: Range<usize>) {
        self.states.extend_from_slice(&other.states[entries.clone()]);
        self.groups.extend_from_slice(&other.groups[entries.clone()]);
        self.actions.extend_from_slice(&other.actions[entries.clone()]);
        self.keys.extend(&other.keys, entries.clone());
        self.sub_keys.extend(&other.sub_keys, entries.clone());
        self.values.extend(&other.values, entries);
    }

    /// Removes all entries and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.states.clear();
        self.groups.clear();
        self.actions.clear();
        self.keys.clear();
        self.sub_keys.clear();
        self.values.clear();
    }

    /// The indexes of the entries in the order of a run: by group, state, key and sub-key, and
    /// those of one value as they came.
    pub(super) fn order(&self) -> Vec<(u64, u32)> {
        // What tells most entries apart is compared as one number: group, state, two bytes of key.
        let mut order: Vec<(u64, u32)> = (0..self.len())
            .map(|index| {
                let key = self.keys.value(index);
                let byte = |at: usize| u64::from(key.get(at).copied().unwrap_or(0));
                let number = (u64::from(self.groups[index]) << 48)
                    | (u64::from(self.states[index]) << 16)
                    | (byte(0) << 8)
                    | byte(1);
                (number, u32::try_from(index).expect("a chunk has less than 4 Gi entries"))
            })
            .collect();
        order.sort_unstable_by(|one, other| {
            one.0.cmp(&other.0).then_with(|| self.compare(one.1, other.1))
        });
        order
    }

    fn compare(&self, one: u32, other: u32) -> Ordering {
        let key = |index: usize| (self.keys.value(index), self.sub_keys.value(index));
        key(one as usize).cmp(&key(other as usize)).then(one.cmp(&other))
    }
}
