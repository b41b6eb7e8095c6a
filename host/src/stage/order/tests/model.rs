//! Any pushes, releases, saves and restarts against a stable sort.

use proptest::prelude::*;

use super::*;

/// The rows that wait, the naive way: in order of arrival.
#[derive(Clone, Debug, Default)]
struct Model {
    waiting: Vec<(Lane, Row)>,
}

impl Model {
    /// What is next, in order; a stable sort keeps the arrival.
    fn next(&self, watermark: i64) -> Vec<(Lane, Row)> {
        let mut due: Vec<_> =
            self.waiting.iter().filter(|(_, row)| row.time <= watermark).cloned().collect();
        due.sort_by_key(|(_, row)| row.time);
        due
    }

    /// Checks a batch against what is next, and forgets its rows.
    fn check(&mut self, watermark: i64, most: usize, released: Option<(usize, Batch)>) -> bool {
        let due = self.next(watermark);
        let Some((input, batch)) = released else {
            assert!(due.is_empty(), "{} rows were not released", due.len());
            return false;
        };
        let from = due[0].0;
        let together =
            due.iter().take_while(|(other, _)| other.input == from.input).count().min(most);
        assert_eq!(input, from.input);
        for (row, (from, _)) in due[..together].iter().enumerate() {
            let (origin, base) = batch.meta.origin_of(row);
            assert_eq!((&**origin, base), (from.origin, from.base));
        }
        let expected: Vec<Row> = due[..together].iter().map(|(_, row)| row.clone()).collect();
        assert_eq!(read(input, &batch), expected);
        let gone: Vec<i64> = expected.iter().map(|row| row.id).collect();
        self.waiting.retain(|(_, row)| !gone.contains(&row.id));
        true
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push {
        from: Lane,
        rows: Vec<Row>,
    },
    /// Moves the watermark, then takes at most `batches` batches.
    Release {
        by: i64,
        most: usize,
        batches: usize,
    },
    Save,
    /// Goes back to the last save.
    Restart,
}

fn any_row() -> impl Strategy<Value = Row> {
    let note = prop_oneof![
        6 => "[a-z]{0,12}".prop_map(|text| Some(Some(text))),
        1 => Just(Some(None)),
        1 => Just(None),
    ];
    let operation = prop_oneof![
        9 => Just(Operation::Insert),
        1 => Just(Operation::Update),
        1 => Just(Operation::Delete),
    ];
    (0..60_i64, note, operation, prop_oneof![4 => Just(0_i32), 1 => 1..4_i32])
        .prop_map(|(time, note, operation, minor)| Row { id: 0, time, note, operation, minor })
}

fn any_step() -> impl Strategy<Value = Step> {
    let from = (0..2_usize, prop_oneof![Just("a.jsonl"), Just("b.jsonl")], 0..2_i64)
        .prop_map(|(input, origin, base)| Lane { input, origin, base });
    let many = prop::collection::vec(any_row(), 0..40);
    prop_oneof![
        6 => (from, many, any::<bool>()).prop_map(|(from, mut rows, rising)| {
            if rising {
                rows.sort_by_key(|row| row.time);
            }
            Step::Push { from, rows }
        }),
        6 => (0..9_i64, 1..20_usize, 0..12_usize)
            .prop_map(|(by, most, batches)| Step::Release { by, most, batches }),
        2 => Just(Step::Save),
        1 => Just(Step::Restart),
    ]
}

/// Runs the steps on the buffer and on the model.
fn run(steps: Vec<Step>) {
    let folder = TempDir::new().unwrap();
    let (mut buffer, mut model, mut watermark) = (OrderBuffer::new(ROOMY), Model::default(), 0);
    let mut saved = (Vec::new(), model.clone(), watermark);
    let mut next_id = 0;
    for (epoch, step) in (1..).zip(steps) {
        match step {
            Step::Push { from, mut rows } => {
                for row in &mut rows {
                    row.id = next_id;
                    next_id += 1;
                }
                buffer.push(from.input, batch(from, &rows)).unwrap();
                model.waiting.extend(rows.into_iter().map(|row| (from, row)));
            }
            Step::Release { by, most, batches } => {
                watermark += by;
                for _ in 0..batches {
                    let released = buffer.next_released(watermark, most);
                    if !model.check(watermark, most, released) {
                        break;
                    }
                }
            }
            Step::Save => {
                while model.check(watermark, 50, buffer.next_released(watermark, 50)) {}
                let segments = buffer.save(folder.path(), "stage-0", epoch).unwrap();
                assert!(segments.len() <= 16, "{} files", segments.len());
                saved = (segments, model.clone(), watermark);
            }
            Step::Restart => {
                buffer = restored(&folder, &saved.0, saved.2);
                (model, watermark) = (saved.1.clone(), saved.2);
            }
        }
        assert_eq!(buffer.rows(), model.waiting.len());
        assert_eq!(buffer.earliest(), model.waiting.iter().map(|(_, row)| row.time).min());
        assert_eq!(buffer.bytes() == 0, model.waiting.is_empty());
    }
    while model.check(i64::MAX, 7, buffer.next_released(i64::MAX, 7)) {}
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rows_leave_as_a_stable_sort_has_them(steps in prop::collection::vec(any_step(), 1..40)) {
        run(steps);
    }
}
