//! An epoch that comes again, because the target has given up a part of it, while others are
//! visible: it is cut as it was, and what is visible is named again, but not loaded.

use std::collections::{BTreeMap, BTreeSet};

use super::handle::{PartHandle, StreamLoadHandle};
use crate::sink::stream_load::config::LoadBounds;
use crate::sink::stream_load::held::Parts;

/// The epoch as it was prepared before.
#[derive(Debug)]
pub(in crate::sink::stream_load) struct Repeat {
    whole: StreamLoadHandle,
    /// Labels of what is visible.
    visible: BTreeSet<String>,
    /// Those of them that have come again.
    met: BTreeSet<String>,
    /// Visible loads of parts that are loaded again as a whole.
    halves: Vec<PartHandle>,
}

/// What to do about a part that comes again.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sink::stream_load) enum Found {
    /// Its rows are not all visible.
    Load,
    /// It is visible by these loads, but for `refused` rows.
    Visible { parts: Vec<PartHandle>, refused: u64 },
}

impl Repeat {
    pub(in crate::sink::stream_load) fn new(
        visible: &StreamLoadHandle,
        whole: StreamLoadHandle,
    ) -> Self {
        let visible = visible.parts.iter().map(|part| part.label.clone()).collect();
        Self { whole, visible, met: BTreeSet::new(), halves: Vec::new() }
    }

    /// How a table's rows are cut: as they were, in flexible parts or not, where there were any.
    pub(in crate::sink::stream_load) fn parts(&self, table: &str, bounds: LoadBounds) -> Parts {
        let of_table = self.whole.parts.iter().filter(|part| part.table == table);
        let sets: BTreeMap<String, u32> =
            of_table.map(|part| (part.set.clone(), part.of)).collect();
        if sets.is_empty() { Parts::BySize(bounds) } else { Parts::As(sets) }
    }

    /// What to do about a part of `rows` rows.
    ///
    /// # Errors
    /// In words, if the part is not what it was, or if rows of a table that keeps every row would
    /// be there twice.
    pub(in crate::sink::stream_load) fn find(
        &mut self,
        table: &str,
        (set, index): (&str, u32),
        rows: u64,
    ) -> Result<Found, String> {
        let loads: Vec<&PartHandle> =
            self.whole.parts.iter().filter(|part| part.is_of(table, set, index)).collect();
        let is_visible = |part: &&PartHandle| self.visible.contains(&part.label);
        let visible = loads.iter().filter(|part| is_visible(part)).count();
        self.met.extend(loads.iter().map(|part| part.label.clone()));
        if visible == 0 {
            return Ok(Found::Load);
        }
        if visible < loads.len() {
            // One part that was too large for one load.
            if self.whole.keyed {
                // Its rows are counted where they come again.
                let halves = loads.iter().copied().filter(is_visible).cloned();
                let counted = |part: PartHandle| PartHandle { visible: true, rows: 0, ..part };
                self.halves.extend(halves.map(counted));
                return Ok(Found::Load);
            }
            let lost = loads.iter().find(|part| !is_visible(part));
            let label = lost.map_or("", |part| part.label.as_str());
            return Err(format!(
                "half of a part of table `{table}` is visible, and the target has given up the \
                 other half, label `{label}`: the table keeps every row, so that the part cannot \
                 be loaded again; remove the rows of this epoch and start over with a new checkpoint \
                 store and if_exists = \"append\""
            ));
        }
        let loaded: u64 = loads.iter().map(|part| part.rows).sum();
        let Some(refused) = rows.checked_sub(loaded) else {
            return Err(format!(
                "a part of table `{table}` has come again with {rows} rows, but {loaded} of it are \
                 visible already: the pipeline does not repeat what it did; {ADVICE}"
            ));
        };
        let parts = loads.into_iter().cloned().map(|part| PartHandle { visible: true, ..part });
        Ok(Found::Visible { parts: parts.collect(), refused })
    }

    /// What is visible of parts that have been loaded again as a whole, once all that is visible has
    /// come again. The new handle names it, too, since the epoch cannot be dropped whole any more.
    ///
    /// # Errors
    /// In words, if something has not.
    pub(in crate::sink::stream_load) fn end(&self) -> Result<Vec<PartHandle>, String> {
        match self.visible.difference(&self.met).next() {
            None => Ok(self.halves.clone()),
            Some(label) => Err(format!(
                "the rows of label `{label}` are visible, but have not come again: the pipeline \
                 does not repeat what it did; {ADVICE}"
            )),
        }
    }
}

const ADVICE: &str = "start over with a new checkpoint store and an empty table";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sink::stream_load::held::FLEXIBLE;

    const BOUNDS: LoadBounds =
        LoadBounds { rows: 1, bytes: 1, linger: Duration::ZERO, in_flight: 1 };

    fn part(label: &str, table: &str, set: &str, index: u32, of: u32) -> PartHandle {
        PartHandle {
            table: table.to_owned(),
            label: label.to_owned(),
            txn: None,
            set: set.to_owned(),
            index,
            of,
            rows: 10,
            bytes: 100,
            visible: false,
        }
    }

    /// Two parts of one set, the second in two loads, and one part of another.
    fn whole(keyed: bool) -> StreamLoadHandle {
        let parts = vec![
            part("a", "t", "all", 0, 2),
            part("b", "t", "all", 1, 2),
            part("c", "t", "all", 1, 2),
            part("d", "t", "3", 0, 1),
        ];
        StreamLoadHandle { parts, keyed, ..StreamLoadHandle::default() }
    }

    fn repeat(keyed: bool, visible: &[&str]) -> Repeat {
        let whole = whole(keyed);
        Repeat::new(&whole.only(|part| visible.contains(&&*part.label)), whole)
    }

    #[test]
    fn parts_are_cut_as_they_were() {
        let repeat = repeat(true, &["a"]);
        let Parts::As(sets) = repeat.parts("t", BOUNDS) else { panic!("t was there") };
        assert_eq!(sets, BTreeMap::from([("3".to_owned(), 1), ("all".to_owned(), 2)]));
        assert!(matches!(repeat.parts("u", BOUNDS), Parts::BySize(_)));
    }

    #[test]
    fn flexible_parts_are_asked_for_by_their_name() {
        let parts = vec![
            part("a", "t", "all", 0, 2),
            part("b", "t", FLEXIBLE, 1, 3),
            part("c", "u", "3", 0, 1),
        ];
        let whole = StreamLoadHandle { parts, keyed: true, ..StreamLoadHandle::default() };
        let mut repeat = Repeat::new(&whole.only(|part| part.label == "b"), whole);
        let of = |table| match repeat.parts(table, BOUNDS) {
            Parts::As(sets) => sets,
            Parts::BySize(_) => panic!("{table} was there"),
        };
        assert_eq!(of("t"), BTreeMap::from([("all".to_owned(), 2), (FLEXIBLE.to_owned(), 3)]));
        assert!(!of("u").contains_key(FLEXIBLE), "its rows were cut by their sets");
        let visible = PartHandle { visible: true, ..part("b", "t", FLEXIBLE, 1, 3) };
        let found = repeat.find("t", (FLEXIBLE, 1), 10);
        assert_eq!(found, Ok(Found::Visible { parts: vec![visible], refused: 0 }));
        assert_eq!(repeat.find("t", (FLEXIBLE, 2), 10), Ok(Found::Load));
        assert_eq!(repeat.end(), Ok(Vec::new()));
    }

    #[test]
    fn what_is_visible_is_named_again_and_the_rest_is_loaded() {
        let mut repeat = repeat(true, &["a", "b"]);
        let seen = PartHandle { visible: true, ..part("a", "t", "all", 0, 2) };
        let found = repeat.find("t", ("all", 0), 12);
        assert_eq!(found, Ok(Found::Visible { parts: vec![seen], refused: 2 }));
        assert!(repeat.end().unwrap_err().contains("`b`"));
        assert_eq!(repeat.find("t", ("all", 1), 20), Ok(Found::Load), "half of it is lost");
        assert_eq!(repeat.find("t", ("3", 0), 10), Ok(Found::Load));
        assert_eq!(repeat.find("u", ("all", 0), 10), Ok(Found::Load));
        let half = PartHandle { visible: true, rows: 0, ..part("b", "t", "all", 1, 2) };
        assert_eq!(repeat.end(), Ok(vec![half]));
    }

    #[test]
    fn a_part_whose_visible_half_is_named_beside_its_new_load_repeats_again() {
        let half = PartHandle { visible: true, rows: 0, ..part("b", "t", "all", 1, 2) };
        let anew = PartHandle { rows: 20, ..part("e", "t", "all", 1, 2) };
        let parts = vec![half.clone(), anew.clone()];
        let whole = StreamLoadHandle { parts, keyed: true, ..StreamLoadHandle::default() };

        let mut lost = Repeat::new(&whole.only(|part| part.label == "b"), whole.clone());
        assert_eq!(lost.find("t", ("all", 1), 20), Ok(Found::Load));
        assert_eq!(lost.end(), Ok(vec![half.clone()]));

        let mut kept = Repeat::new(&whole.only(|_| true), whole);
        let parts = vec![half, PartHandle { visible: true, ..anew }];
        assert_eq!(kept.find("t", ("all", 1), 20), Ok(Found::Visible { parts, refused: 0 }));
        assert_eq!(kept.end(), Ok(Vec::new()));
    }

    #[test]
    fn rows_that_would_double_or_do_not_repeat_halt() {
        let text = repeat(false, &["a", "b"]).find("t", ("all", 1), 20).unwrap_err();
        assert!(text.contains("label `c`"), "{text}");
        let text = repeat(false, &["a"]).find("t", ("all", 0), 9).unwrap_err();
        assert!(text.contains("9 rows, but 10"), "{text}");
    }
}
