//! Changes in any order against the same changes in the order of their sequence.

use proptest::prelude::*;

use super::*;

/// What a change of a key does.
#[derive(Clone, Debug)]
enum Deed {
    /// Gives some values, or all.
    Set {
        note: Cell<String>,
        amount: Cell<i64>,
    },
    Delete,
}

/// A change that was taken, with where it belongs.
#[derive(Clone, Debug)]
struct Event {
    version: Option<i64>,
    /// By the order of arrival.
    major: i64,
    operation: Operation,
    deed: Deed,
}

/// The naive way: each key's changes, which are applied in order when somebody looks.
#[derive(Default)]
struct Naive {
    events: BTreeMap<i64, Vec<Event>>,
    is_soft: bool,
}

impl Naive {
    /// A key's row, once its changes are applied in the order of their versions; of equal ones the
    /// later arrival is the later.
    fn row(&self, id: i64) -> Option<Row> {
        let mut events = self.events.get(&id)?.clone();
        events.sort_by_key(|event| event.version);
        let mut row: Option<Row> = None;
        for Event { major, operation, deed, .. } in events {
            let is_gone = row.as_ref().is_some_and(|row| row.is_deleted) && !self.is_soft;
            let (had_note, had_amount) = match &row {
                Some(row) if !is_gone => (row.note.clone(), row.amount),
                _ => (None, None),
            };
            row = Some(match deed {
                Deed::Set { note, amount } => Row {
                    operation,
                    major,
                    is_deleted: false,
                    note: note.or(had_note),
                    amount: amount.or(had_amount),
                },
                Deed::Delete => {
                    let (note, amount) =
                        if self.is_soft { (had_note, had_amount) } else { (None, None) };
                    let operation = Operation::Delete;
                    Row { operation, major, is_deleted: true, note, amount }
                }
            });
        }
        row
    }

    fn newest(&self, id: i64) -> Option<&Event> {
        self.events.get(&id)?.iter().max_by_key(|event| (event.version, event.major))
    }

    fn push(&mut self, id: i64, event: Event) {
        self.events.entry(id).or_default().push(event);
    }

    /// Takes a change; false: it is refused.
    fn take(&mut self, change: &Change, major: i64) -> bool {
        let Change { operation, id, version, note, amount, before } = change.clone();
        let event = |deed| Event { version, major, operation, deed };
        if operation == Operation::Delete {
            // Nothing says when it was.
            let is_told = version.is_some();
            if is_told {
                self.push(id, event(Deed::Delete));
            }
            return is_told;
        }
        let is_whole = note.is_some() && amount.is_some();
        if operation != Operation::Update && !is_whole {
            return false;
        }
        let moved = before.filter(|old| old.id != id && operation == Operation::Update);
        if let Some(old) = moved {
            // Nothing says when the old key was left.
            if version.is_none() {
                return false;
            }
            self.push(old.id, event(Deed::Delete));
        } else if !is_whole && !self.is_soft {
            let newest = self.newest(id);
            let is_late = newest.is_some_and(|newest| version < newest.version);
            let is_gone = newest.is_some_and(|newest| matches!(newest.deed, Deed::Delete));
            if is_gone && !is_late {
                return false;
            }
        }
        self.push(id, event(Deed::Set { note, amount }));
        true
    }
}

/// A change whose values are all there wherever it leaves its key.
fn any_change() -> impl Strategy<Value = Change> {
    let operation = prop_oneof![
        3 => Just(Operation::Insert),
        8 => Just(Operation::Update),
        3 => Just(Operation::Delete),
    ];
    let note = prop_oneof![
        4 => "[a-z]{0,3}".prop_map(|text| Some(Some(text))),
        1 => Just(Some(None)),
        4 => Just(None),
    ];
    let amount = prop_oneof![
        4 => (0..100_i64).prop_map(|number| Some(Some(number))),
        1 => Just(Some(None)),
        3 => Just(None),
    ];
    let version = prop::option::weighted(0.95, 0..12_i64);
    let old = prop::option::weighted(0.1, 0..4_i64);
    (operation, 0..4_i64, note, amount, version, old).prop_map(
        |(operation, id, note, amount, version, old)| {
            let is_whole = operation == Operation::Insert || old.is_some();
            Change {
                operation,
                id,
                note: if is_whole { note.or(Some(None)) } else { note },
                amount: if is_whole { amount.or(Some(None)) } else { amount },
                version,
                before: old.map(|id| Old { id, note: None, amount: None }),
            }
        },
    )
}

fn left(parts: &[Part], is_soft: bool) -> BTreeMap<i64, Row> {
    let mut left = BTreeMap::new();
    for part in parts {
        for (id, mut row) in rows_of(part) {
            if row.is_deleted && !is_soft {
                (row.note, row.amount) = (None, None);
            }
            assert!(left.insert(id, row).is_none(), "key {id} is there twice");
        }
    }
    left
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_left_is_what_the_changes_leave_in_the_order_of_their_sequence(
        changes in prop::collection::vec(any_change(), 0..40),
        cuts in prop::collection::vec(0..40_usize, 0..6),
        is_soft in any::<bool>(),
    ) {
        let deletes = if is_soft { Deletes::Soft } else { Deletes::Hard };
        let rules = rules(deletes, Some(VERSION));
        let mut naive = Naive { is_soft, ..Naive::default() };
        let refused: Vec<usize> = (0..changes.len())
            .filter(|index| !naive.take(&changes[*index], *index as i64))
            .collect();

        let (mut first, _folder) = held(rules.clone(), ROOMY);
        prop_assert_eq!(take(&mut first, &changes, &cuts), refused.clone());
        let parts = first.finish(whole()).unwrap();
        let expected: BTreeMap<i64, Row> =
            naive.events.keys().filter_map(|id| Some((*id, naive.row(*id)?))).collect();
        prop_assert_eq!(left(&parts, is_soft), expected);

        let (mut second, _folder) = held(rules, 0);
        prop_assert_eq!(take(&mut second, &changes, &[]), refused);
        prop_assert_eq!(left(&second.finish(whole()).unwrap(), is_soft), left(&parts, is_soft));
    }
}

fn update(id: i64, version: i64, note: Option<&str>, amount: Option<i64>) -> Change {
    Change {
        operation: Operation::Update,
        id,
        note: note.map(|note| Some(note.to_owned())),
        amount: amount.map(Some),
        version: Some(version),
        before: None,
    }
}

/// The only row that is left, and the set of its part.
fn only(held: &mut Held) -> (String, Row) {
    let parts = held.finish(whole()).unwrap();
    assert_eq!(parts.len(), 1);
    let rows = rows_of(&parts[0]);
    assert_eq!(rows.len(), 1);
    (parts[0].set.clone(), rows[0].1.clone())
}

#[test]
fn a_whole_row_that_comes_late_has_what_the_newer_update_leaves_out() {
    let (mut held, _folder) = held(rules(Deletes::Hard, Some(VERSION)), ROOMY);
    let changes = [
        update(1, 7, None, Some(70)),
        update(1, 5, Some("five"), Some(50)),
        // Older than a whole row.
        update(1, 4, Some("four"), None),
        // Between the two.
        update(1, 6, Some("six"), Some(60)),
    ];
    assert!(take(&mut held, &changes, &[1, 2]).is_empty());
    let (set, row) = only(&mut held);
    assert_eq!(set, WHOLE);
    assert_eq!((row.note, row.amount), (Some(Some("six".to_owned())), Some(Some(70))));
    assert_eq!(row.major, 0, "the newest change is the last one");
}

#[test]
fn a_delete_that_comes_late_takes_what_is_older_and_leaves_the_newer_update() {
    let (mut held, _folder) = held(rules(Deletes::Hard, Some(VERSION)), ROOMY);
    let gone = Change { version: Some(5), ..change(Operation::Delete, 1, "gone") };
    let changes = [update(1, 3, Some("three"), Some(30)), update(1, 7, None, Some(70)), gone];
    assert!(take(&mut held, &changes, &[]).is_empty());
    let (_, row) = only(&mut held);
    assert_eq!((row.is_deleted, row.note, row.amount), (false, None, Some(Some(70))));
}

#[test]
fn a_row_that_has_left_its_key_is_whole_whatever_older_changes_come_late() {
    let (mut held, _folder) = held(rules(Deletes::Hard, Some(VERSION)), ROOMY);
    let moved = Change {
        before: Some(Old { id: 1, note: None, amount: None }),
        ..update(2, 7, None, Some(70))
    };
    let changes = [
        update(1, 3, Some("three"), Some(30)),
        moved,
        // Both keys had something before.
        update(2, 5, Some("five"), Some(50)),
        update(1, 6, Some("six"), None),
    ];
    assert!(take(&mut held, &changes, &[2]).is_empty());
    let parts = held.finish(whole()).unwrap();
    let rows: BTreeMap<i64, Row> = parts.iter().flat_map(rows_of).collect();
    assert!(rows[&1].is_deleted);
    let row = &rows[&2];
    assert_eq!((&row.note, row.amount), (&Some(Some("three".to_owned())), Some(Some(70))));
}

#[test]
fn a_key_that_is_left_late_keeps_its_newer_update() {
    let (mut held, _folder) = held(rules(Deletes::Hard, Some(VERSION)), ROOMY);
    let moved = Change {
        before: Some(Old { id: 1, note: None, amount: None }),
        ..update(2, 7, None, Some(70))
    };
    let changes = [update(1, 3, Some("three"), Some(30)), update(1, 9, Some("nine"), None), moved];
    assert!(take(&mut held, &changes, &[]).is_empty());
    let parts = held.finish(whole()).unwrap();
    let rows: BTreeMap<i64, Row> = parts.iter().flat_map(rows_of).collect();
    let (old, new) = (&rows[&1], &rows[&2]);
    assert_eq!((old.is_deleted, &old.note), (false, &Some(Some("nine".to_owned()))));
    assert_eq!(old.amount, None, "what the row had is gone with its key");
    // What it had when it left, not what came there later.
    assert_eq!((&new.note, new.amount), (&Some(Some("three".to_owned())), Some(Some(70))));
}

#[test]
fn a_delete_that_does_not_say_when_it_was_is_refused() {
    let unordered = Change { version: None, ..change(Operation::Delete, 1, "gone") };
    let changes = [change(Operation::Insert, 1, "a"), unordered];
    let (mut ordered, _folder) = held(rules(Deletes::Hard, Some(VERSION)), ROOMY);
    let refused = ordered.add(&batch(&changes, 0), None).unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].row, refused[0].column.as_deref()), (1, Some("version")));
    assert!(refused[0].reason.contains("REPLICA IDENTITY FULL"), "{}", refused[0].reason);
    assert!(!only(&mut ordered).1.is_deleted);

    let (mut unordered, _folder) = held(rules(Deletes::Hard, None), ROOMY);
    assert!(take(&mut unordered, &changes, &[]).is_empty());
    assert!(only(&mut unordered).1.is_deleted, "without a sequence the later change wins");
}

#[test]
fn a_soft_delete_says_when_it_was() {
    let (mut held, _folder) = held(rules(Deletes::Soft, Some(VERSION)), ROOMY);
    let gone = Change { version: Some(5), ..change(Operation::Delete, 1, "gone") };
    assert!(take(&mut held, &[gone], &[]).is_empty());
    let parts = held.finish(whole()).unwrap();
    assert_eq!(parts[0].pieces[0].present.as_deref(), Some(&[ID, VERSION][..]));
}

#[test]
fn a_key_that_is_left_nobody_knows_when_is_refused() {
    let moved = Change {
        before: Some(Old { id: 1, note: None, amount: None }),
        version: None,
        ..update(2, 7, Some("seven"), Some(70))
    };
    let (mut held, _folder) = held(rules(Deletes::Hard, Some(VERSION)), ROOMY);
    let refused = held.add(&batch(&[moved], 0), None).unwrap();
    assert_eq!((refused.len(), refused[0].column.as_deref()), (1, Some("version")));
    assert!(refused[0].reason.contains("changes the key"), "{}", refused[0].reason);
    assert!(held.is_empty());
}
