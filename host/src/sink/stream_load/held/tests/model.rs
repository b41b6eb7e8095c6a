//! Any changes in any batches against one change after the other. Those with a sequence column have
//! tests of their own (`sequences`).

use proptest::prelude::*;

use super::*;

/// The naive way: what is left.
#[derive(Default)]
struct Model {
    rows: BTreeMap<i64, Row>,
    is_soft: bool,
}

impl Model {
    fn delete(&mut self, id: i64, major: i64) {
        let kept = self.rows.remove(&id).filter(|_| self.is_soft);
        let (note, amount) = kept.map_or((None, None), |row| (row.note, row.amount));
        let operation = Operation::Delete;
        self.rows.insert(id, Row { operation, major, is_deleted: true, note, amount });
    }

    /// Applies a change; false: it is refused.
    fn apply(&mut self, change: &Change, major: i64) -> bool {
        let Change { operation, id, .. } = *change;
        let is_partial = change.note.is_none() || change.amount.is_none();
        if operation == Operation::Delete {
            self.delete(id, major);
            return true;
        }
        if operation != Operation::Update && is_partial {
            return false;
        }
        let moved = change.before.as_ref().filter(|old| old.id != id);
        if let Some(old) = moved.filter(|_| operation == Operation::Update) {
            return self.replace_key(change, old, major);
        }
        let kept = self.rows.get(&id).cloned();
        let is_gone = kept.as_ref().is_some_and(|row| row.is_deleted) && !self.is_soft;
        if is_partial && is_gone {
            return false;
        }
        let (note, amount) = kept.map_or((None, None), |row| (row.note, row.amount));
        let row = Row {
            operation,
            major,
            is_deleted: false,
            note: change.note.clone().or(note),
            amount: change.amount.or(amount),
        };
        self.rows.insert(id, row);
        true
    }

    fn replace_key(&mut self, change: &Change, old: &Old, major: i64) -> bool {
        let had = self.rows.get(&old.id).cloned();
        let (had_note, had_amount) = had.map_or((None, None), |row| (row.note, row.amount));
        let note = change.note.clone().or(old.note.clone().map(Some)).or(had_note);
        let amount = change.amount.or(old.amount.map(Some)).or(had_amount);
        if note.is_none() || amount.is_none() {
            return false;
        }
        self.delete(old.id, major);
        let row = Row { operation: change.operation, major, is_deleted: false, note, amount };
        self.rows.insert(change.id, row);
        true
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let operation = prop_oneof![
        4 => Just(Operation::Insert),
        1 => Just(Operation::Read),
        6 => Just(Operation::Update),
        3 => Just(Operation::Delete),
    ];
    let note = prop_oneof![
        4 => "[a-z]{0,3}".prop_map(|text| Some(Some(text))),
        1 => Just(Some(None)),
        2 => Just(None),
    ];
    let amount = prop_oneof![
        4 => (0..100_i64).prop_map(|number| Some(Some(number))),
        1 => Just(Some(None)),
        1 => Just(None),
    ];
    let old = (0..6_i64, prop::option::of("[a-z]{0,3}"), prop::option::of(0..100_i64))
        .prop_map(|(id, note, amount)| Old { id, note, amount });
    let version = prop::option::weighted(0.9, 0..6_i64);
    (operation, 0..6_i64, note, amount, version, prop::option::weighted(0.3, old)).prop_map(
        |(operation, id, note, amount, version, before)| Change {
            operation,
            id,
            // What an insert leaves out is refused; mostly it leaves nothing out.
            note: if operation == Operation::Insert && id > 0 { note.or(Some(None)) } else { note },
            amount: if operation == Operation::Insert && id > 0 {
                amount.or(Some(None))
            } else {
                amount
            },
            version,
            before,
        },
    )
}

/// What a part is, and its rows in order.
type Told = (String, u32, u32, bool, Vec<(i64, Row)>);

fn told(parts: &[Part]) -> Vec<Told> {
    let tell =
        |part: &Part| (part.set.clone(), part.index, part.of, part.is_flexible, rows_of(part));
    parts.iter().map(tell).collect()
}

proptest! {
    #[test]
    fn what_is_left_is_what_one_change_after_the_other_leaves(
        changes in prop::collection::vec(any_change(), 0..80),
        cuts in prop::collection::vec(0..80_usize, 0..8),
        memory in prop_oneof![Just(0), Just(3_000), Just(ROOMY)],
        rows_max in 1..12_usize,
        is_soft in any::<bool>(),
        is_flexible in any::<bool>(),
    ) {
        let deletes = if is_soft { Deletes::Soft } else { Deletes::Hard };
        let rules = rules(deletes, None);
        let mut model = Model { is_soft, ..Model::default() };
        let expected: Vec<usize> = (0..changes.len())
            .filter(|index| !model.apply(&changes[*index], *index as i64))
            .collect();

        let (first, _folder) = held(rules.clone(), memory);
        let mut first = first.with_flexible_parts(is_flexible);
        prop_assert_eq!(take(&mut first, &changes, &cuts), expected.clone());
        prop_assert_eq!(first.rows(), model.rows.len());
        let parts = first.finish(Parts::BySize(bounds(rows_max, ROOMY))).unwrap();
        prop_assert!(first.is_empty());

        let mut left = BTreeMap::new();
        for part in &parts {
            let is_fixed = !part.is_flexible && part.set != WHOLE;
            prop_assert!(!is_flexible || !is_fixed, "{} is a set of its own", part.set);
            prop_assert!(is_flexible || !part.is_flexible, "{} is flexible", part.set);
            for (id, mut row) in rows_of(part) {
                if row.is_deleted && !is_soft {
                    prop_assert_eq!(&part.set, WHOLE);
                    (row.note, row.amount) = (None, None);
                }
                prop_assert!(left.insert(id, row).is_none(), "key {} is there twice", id);
            }
        }
        prop_assert_eq!(left, model.rows);

        // The same changes, cut otherwise, and the same parts asked for by their numbers, though
        // the table takes other loads by now.
        let (second, _folder) = held(rules, ROOMY);
        let mut second = second.with_flexible_parts(!is_flexible);
        prop_assert_eq!(take(&mut second, &changes, &[]), expected);
        let counts = parts.iter().map(|part| (part.set.clone(), part.of)).collect();
        prop_assert_eq!(told(&second.finish(Parts::As(counts)).unwrap()), told(&parts));
    }
}
