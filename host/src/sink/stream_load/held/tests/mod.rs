//! Changes and what is left of them.

mod model;
mod sequences;

use std::collections::BTreeMap;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, StringArray};
use tempfile::TempDir;

use super::*;
use crate::record::{Before, Column, DataType, Field, MixedOrigins, Operation, Operations};

/// Places of the columns.
const NOTE: usize = 0;
const ID: usize = 1;
const AMOUNT: usize = 2;
const VERSION: usize = 3;

const ROOMY: usize = 1 << 30;

/// A value, or `None` where the source left it out.
type Cell<T> = Option<Option<T>>;

#[derive(Clone, Debug)]
struct Change {
    operation: Operation,
    id: i64,
    note: Cell<String>,
    amount: Cell<i64>,
    version: Option<i64>,
    before: Option<Old>,
}

/// A before image; a null may be a value that the source did not tell.
#[derive(Clone, Debug)]
struct Old {
    id: i64,
    note: Option<String>,
    amount: Option<i64>,
}

/// A row as it is left.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    operation: Operation,
    major: i64,
    is_deleted: bool,
    note: Cell<String>,
    amount: Cell<i64>,
}

fn change(operation: Operation, id: i64, note: &str) -> Change {
    Change {
        operation,
        id,
        note: Some(Some(note.to_owned())),
        amount: Some(Some(id)),
        version: Some(0),
        before: None,
    }
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("note", DataType::Text, true),
        Field::new("id", DataType::Int64, false),
        Field::new("amount", DataType::Int64, true),
        Field::new("version", DataType::Int64, true),
    ]))
}

fn rules(deletes: Deletes, sequence: Option<usize>) -> FoldRules {
    FoldRules {
        mode: WriteMode::Upsert,
        key: vec![ID],
        sequence,
        deletes,
        on_delete: ChangePolicy::DeadLetter,
        on_update: ChangePolicy::DeadLetter,
    }
}

fn held(rules: FoldRules, memory: usize) -> (Held, TempDir) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    (Held::new(Arc::new(rules), schema(), path, "ods".to_owned(), memory), folder)
}

/// A batch of changes, the first of which has the major `first`.
fn batch(changes: &[Change], first: i64) -> Batch {
    let columns = |texts: Vec<Option<String>>, ids: Vec<i64>, numbers: [Vec<Option<i64>>; 2]| {
        let [amounts, versions] = numbers.map(|values| Arc::new(Int64Array::from(values)));
        let arrays: [ArrayRef; 4] = [
            Arc::new(StringArray::from(texts)),
            Arc::new(Int64Array::from(ids)),
            amounts,
            versions,
        ];
        arrays.map(Column::from).to_vec()
    };
    let ids = changes.iter().map(|change| change.id).collect();
    let notes = changes.iter().map(|change| change.note.clone().flatten()).collect();
    let amounts = changes.iter().map(|change| change.amount.flatten()).collect();
    let versions = changes.iter().map(|change| change.version).collect();
    let mut now = columns(notes, ids, [amounts, versions]);
    let bits = |is_unchanged: &dyn Fn(&Change) -> bool| {
        changes
            .iter()
            .any(is_unchanged)
            .then(|| BooleanBuffer::collect_bool(changes.len(), |row| is_unchanged(&changes[row])))
    };
    now[NOTE].unchanged = bits(&|change| change.note.is_none());
    now[AMOUNT].unchanged = bits(&|change| change.amount.is_none());
    let old = |row: usize| changes[row].before.clone();
    let all = 0..changes.len();
    let before = changes.iter().any(|change| change.before.is_some()).then(|| Before {
        present: BooleanBuffer::collect_bool(changes.len(), |row| changes[row].before.is_some()),
        columns: columns(
            all.clone().map(|row| old(row)?.note).collect(),
            all.clone().map(|row| old(row).map_or(0, |old| old.id)).collect(),
            [all.clone().map(|row| old(row)?.amount).collect(), vec![None; changes.len()]],
        ),
    });
    let codes: Vec<u8> = changes.iter().map(|change| change.operation as u8).collect();
    let meta = RowMeta {
        origin: "wagers.jsonl".into(),
        operations: match codes.first() {
            Some(first) if codes.iter().all(|code| code == first) => {
                Operations::All(changes[0].operation)
            }
            _ => Operations::Each(codes.into()),
        },
        event_times: None,
        processing_times: vec![7; changes.len()].into(),
        majors: (first..).take(changes.len()).collect(),
        minors: None,
        base: 0,
        mixed: None,
        late: None,
    };
    Batch {
        schema: schema(),
        columns: now,
        meta: Arc::new(meta),
        rows: changes.len(),
        selection: None,
        before,
    }
}

/// Takes changes in batches that end at `cuts`; answers which were refused.
fn take(held: &mut Held, changes: &[Change], cuts: &[usize]) -> Vec<usize> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (changes.len() + 1)).collect();
    ends.push(changes.len());
    ends.sort_unstable();
    let (mut start, mut refused) = (0, Vec::new());
    for end in ends {
        let batch = batch(&changes[start..end], start as i64);
        let rows = held.add(&batch, None).unwrap();
        refused.extend(rows.into_iter().map(|refusal| start + refusal.row));
        start = end;
    }
    refused
}

/// The rows of a part with their ids, in the order of these: how a part lays out its rows says
/// nothing.
fn rows_of(part: &Part) -> Vec<(i64, Row)> {
    let mut rows = Vec::new();
    let is_whole = |piece: &Piece| piece.present.is_none();
    match part.set.as_str() {
        WHOLE => assert!(!part.is_flexible && part.pieces.iter().all(is_whole)),
        FLEXIBLE => assert!(part.is_flexible && !part.pieces.iter().any(is_whole)),
        _ => {
            let first = &part.pieces[0].present;
            let is_same = |piece: &Piece| piece.present.is_some() && piece.present == *first;
            assert!(!part.is_flexible && part.pieces.iter().all(is_same));
        }
    }
    for piece in &part.pieces {
        let Piece { batch, deletes, present, .. } = piece;
        assert_eq!(batch.columns.iter().map(|column| column.values.len()).max(), Some(batch.rows));
        let number = |column: usize| batch.columns[column].values.as_primitive::<Int64Type>();
        let notes = batch.columns[NOTE].values.as_string::<i32>();
        let has = |column| present.as_ref().is_none_or(|present| present.contains(&column));
        for row in (0..piece.len()).map(|row| piece.place(row)) {
            let amounts = number(AMOUNT);
            let note = notes.is_valid(row).then(|| notes.value(row).to_owned());
            let amount = amounts.is_valid(row).then(|| amounts.value(row));
            let left = Row {
                operation: batch.meta.operations.get(row),
                major: batch.meta.majors[row],
                is_deleted: deletes.as_ref().is_some_and(|deletes| deletes.value(row)),
                note: has(NOTE).then_some(note),
                amount: has(AMOUNT).then_some(amount),
            };
            rows.push((number(ID).value(row), left));
        }
    }
    assert_eq!(rows.len(), part.rows);
    rows.sort_by_key(|(id, row): &(i64, Row)| (*id, row.major));
    rows
}

fn whole() -> Parts {
    Parts::As(BTreeMap::new())
}

fn bounds(rows: usize, bytes: usize) -> LoadBounds {
    LoadBounds { rows, bytes, linger: Duration::ZERO, in_flight: 1 }
}

#[test]
fn a_key_that_changes_is_a_delete_and_a_row_with_what_it_had() {
    let (mut held, _folder) = held(rules(Deletes::Hard, None), ROOMY);
    let moved = Change {
        note: None,
        before: Some(Old { id: 1, note: None, amount: None }),
        ..change(Operation::Update, 2, "")
    };
    let refused = take(&mut held, &[change(Operation::Insert, 1, "a"), moved.clone()], &[1]);
    assert!(refused.is_empty());
    let parts = held.finish(whole()).unwrap();
    assert_eq!(parts.len(), 1);
    let rows = rows_of(&parts[0]);
    assert_eq!((rows[0].0, rows[0].1.is_deleted), (1, true));
    assert_eq!((rows[1].0, rows[1].1.note.clone()), (2, Some(Some("a".to_owned()))));
    assert!(held.is_empty());
    // Nobody knows what the row had.
    assert_eq!(take(&mut held, &[moved], &[]), [0]);
    assert!(held.is_empty());
}

/// Changes that leave out one thing or another, and some that do not.
fn partial() -> Vec<Change> {
    let update = |id| change(Operation::Update, id, "n");
    vec![
        Change { note: None, ..update(1) },
        Change { amount: None, ..update(2) },
        Change { note: None, ..update(3) },
        update(4),
        Change { note: None, amount: None, ..update(5) },
        // What it leaves out is known.
        change(Operation::Insert, 6, "m"),
        Change { note: None, ..update(6) },
        change(Operation::Delete, 7, ""),
        // And what this one leaves out is known in part.
        Change { amount: None, ..update(8) },
        Change { note: None, amount: None, ..update(8) },
    ]
}

/// Names and ids of all parts.
fn ids(parts: &[Part]) -> Vec<(&str, u32, Vec<i64>)> {
    let of_part = |part: &Part| -> Vec<i64> { rows_of(part).iter().map(|(id, _)| *id).collect() };
    parts.iter().map(|part| (part.set.as_str(), part.of, of_part(part))).collect()
}

#[test]
fn rows_of_a_flexible_table_that_leave_anything_out_go_together() {
    let run = |is_flexible, parts: Parts| {
        let (held, _folder) = held(rules(Deletes::Hard, None), ROOMY);
        let mut held = held.with_flexible_parts(is_flexible);
        assert!(take(&mut held, &partial(), &[4]).is_empty());
        held.finish(parts).unwrap()
    };
    let roomy = || Parts::BySize(bounds(ROOMY, ROOMY));
    let parts = run(true, roomy());
    let whole = (WHOLE, 1_u32, vec![4_i64, 6, 7]);
    // Set by set, by their names: the id and the version; these and the note; and the amount.
    assert_eq!(ids(&parts), [whole.clone(), (FLEXIBLE, 1, vec![1, 2, 3, 5, 8])]);
    let present: Vec<&[usize]> =
        parts[1].pieces.iter().map(|piece| piece.present.as_deref().unwrap()).collect();
    assert_eq!(present[0], [ID, VERSION]);
    assert_eq!(present.last(), Some(&&[ID, AMOUNT, VERSION][..]));
    assert!(parts[1].pieces.iter().all(|piece| piece.deletes.is_none()));

    let fixed = run(false, roomy());
    let sets = [("a", 1, vec![5]), whole, ("b", 1, vec![2, 8]), ("e", 1, vec![1, 3])];
    assert_eq!(ids(&fixed), sets);
}

#[test]
fn an_epoch_that_comes_again_is_cut_as_it_was_whatever_the_table_takes_now() {
    let updates: Vec<Change> = (0..60)
        .map(|id| match id % 3 {
            0 => Change { note: None, ..change(Operation::Update, id, "") },
            1 => Change { amount: None, ..change(Operation::Update, id, "n") },
            _ => change(Operation::Update, id, "n"),
        })
        .collect();
    let run = |is_flexible, parts: Parts| {
        let (held, _folder) = held(rules(Deletes::Hard, None), ROOMY);
        let mut held = held.with_flexible_parts(is_flexible);
        take(&mut held, &updates, &[]);
        held.finish(parts).unwrap()
    };
    for was_flexible in [false, true] {
        let before = run(was_flexible, Parts::BySize(bounds(8, ROOMY)));
        let names_it = before.iter().any(|part| part.set == FLEXIBLE);
        assert_eq!(names_it, was_flexible);
        let of: BTreeMap<String, u32> =
            before.iter().map(|part| (part.set.clone(), part.of)).collect();
        assert!(of.values().all(|of| *of > 1), "{of:?}");
        for is_flexible in [false, true] {
            assert_eq!(ids(&run(is_flexible, Parts::As(of.clone()))), ids(&before));
        }
    }
    // Where no part of a row that leaves something out has been there, either way would do.
    let as_whole = run(true, Parts::As(BTreeMap::from([(WHOLE.to_owned(), 4)])));
    assert!(as_whole.iter().all(|part| !part.is_flexible));
}

#[test]
fn append_mode_keeps_each_row_and_cuts_by_what_it_says() {
    let append = FoldRules {
        mode: WriteMode::Append,
        on_update: ChangePolicy::Ignore,
        ..rules(Deletes::Hard, None)
    };
    let changes: Vec<Change> = (0..100)
        .map(|id| {
            let operation = match id % 10 {
                8 => Operation::Update,
                9 => Operation::Delete,
                _ => Operation::Insert,
            };
            Change { amount: Some(Some(id)), ..change(operation, id % 3, "n") }
        })
        .collect();
    let run = |cuts: &[usize], memory| {
        let (mut held, _folder) = held(append.clone(), memory);
        let refused = take(&mut held, &changes, cuts);
        assert!(refused.iter().all(|row| row % 10 == 9) && refused.len() == 10);
        assert_eq!(held.rows(), 80);
        let parts = held.finish(Parts::BySize(bounds(20, ROOMY))).unwrap();
        parts.iter().map(|part| (part.index, part.of, rows_of(part))).collect::<Vec<_>>()
    };
    let parts = run(&[], ROOMY);
    assert!(parts.len() > 4 && parts.iter().all(|(.., rows)| rows.len() <= 20));
    assert_eq!(parts, run(&[3, 50, 51, 52], 0));
    // Rows that come in another order, under other numbers, are in the same parts.
    let (mut other, _folder) = held(append.clone(), ROOMY);
    let turned: Vec<Change> = changes.iter().rev().cloned().collect();
    take(&mut other, &turned, &[]);
    let amounts = |rows: &[(i64, Row)]| {
        let mut amounts: Vec<_> = rows.iter().map(|(_, row)| row.amount).collect();
        amounts.sort_unstable();
        amounts
    };
    let of = parts[0].1;
    let again = other.finish(Parts::As(BTreeMap::from([(WHOLE.to_owned(), of)]))).unwrap();
    assert_eq!(again.len(), parts.len());
    for (part, (index, _, rows)) in again.iter().zip(&parts) {
        assert_eq!((part.index, amounts(&rows_of(part))), (*index, amounts(rows)));
    }
}

#[test]
fn many_small_batches_become_few_and_keep_where_they_were_read() {
    let (mut held, _folder) = held(rules(Deletes::Hard, None), ROOMY);
    for id in 0..500_i64 {
        let mut batch = batch(&[change(Operation::Insert, id, "n")], id);
        let mut meta = RowMeta::clone(&batch.meta);
        match id % 3 {
            0 => meta.origin = "other.jsonl".into(),
            1 => {
                let places: [(Arc<str>, i64); 2] = [("a".into(), 0), ("b".into(), 7)];
                meta.mixed = Some(MixedOrigins { places: places.into(), rows: vec![1].into() });
            }
            _ => {}
        }
        batch.meta = Arc::new(meta);
        held.add(&batch, None).unwrap();
    }
    assert!(held.rows.chunks() < 70, "{}", held.rows.chunks());
    let parts = held.finish(whole()).unwrap();
    let mut id = 0;
    for piece in &parts[0].pieces {
        for row in (0..piece.len()).map(|row| piece.place(row)) {
            let expected = match id % 3 {
                0 => format!("other.jsonl:{id}"),
                1 => format!("b:{}", id - 7),
                _ => format!("wagers.jsonl:{id}"),
            };
            assert_eq!(piece.batch.meta.position(row), expected);
            id += 1;
        }
    }
    assert_eq!(id, 500);
}

#[test]
fn rows_that_are_moved_out_of_memory_stay_what_they_were() {
    let run = |spills: bool| {
        let (mut held, _folder) = held(rules(Deletes::Hard, None), ROOMY);
        for id in 0..20 {
            take(&mut held, &[change(Operation::Insert, id % 7, "n")], &[]);
            if spills && id % 5 == 3 {
                held.spill().unwrap();
                assert_eq!(held.in_memory(), 0);
            }
        }
        rows_of(&held.finish(whole()).unwrap()[0])
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn the_chosen_rows_of_a_batch_are_taken_and_truncates_are_refused() {
    let (mut held, folder) = held(rules(Deletes::Hard, None), 0);
    let changes = [
        change(Operation::Insert, 1, "a"),
        change(Operation::Truncate, 2, "b"),
        change(Operation::Insert, 3, "c"),
    ];
    let refused = held.add(&batch(&changes, 0), Some(&[1, 2])).unwrap();
    assert_eq!(refused.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1]);
    assert!(held.bytes() > 0);
    // What is spilled has no name.
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    let parts = held.finish(whole()).unwrap();
    assert_eq!(rows_of(&parts[0]).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [3]);
}

#[test]
fn parts_keep_to_the_bounds_but_for_a_row_that_is_too_large() {
    let (mut held, _folder) = held(rules(Deletes::Hard, None), ROOMY);
    let mut changes: Vec<Change> =
        (0..2_000).map(|id| change(Operation::Insert, id, &"n".repeat(100))).collect();
    take(&mut held, &changes, &[]);
    let plan = held.plan(&Parts::BySize(bounds(ROOMY, 100_000)));
    assert!((0..plan.len()).all(|part| plan.bytes(part) <= 100_000));
    let as_before = held.plan(&Parts::As([(WHOLE.to_owned(), plan.len() as u32)].into()));
    let ids = |plan: &Plan| -> Vec<Vec<i64>> {
        let parts = held.load(plan, 0..plan.len()).unwrap();
        parts.iter().map(|part| rows_of(part).iter().map(|(id, _)| *id).collect()).collect()
    };
    assert_eq!(ids(&plan), ids(&as_before));
    changes.truncate(1);
    changes[0].note = Some(Some("n".repeat(1_000_000)));
    take(&mut held, &changes, &[]);
    let parts = held.finish(Parts::BySize(bounds(ROOMY, 100_000))).unwrap();
    assert_eq!(parts.iter().map(|part| part.rows).sum::<usize>(), 2_000);
}
