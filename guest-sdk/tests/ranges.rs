//! Values that no column holds: their rows are refused, and the others go on.

use millrace_sdk::prelude::*;
use millrace_sdk::testing::{Test, json};

#[derive(Input)]
struct Source {
    id: i64,
    micros: i64,
    days: i32,
}

#[derive(Output)]
struct Moments {
    id: i64,
    at: Timestamp,
    day: Option<Date>,
    sent: Field<Timestamp>,
}

/// Reads numbers as times.
#[transform]
fn moments(row: Source) -> Moments {
    Moments {
        id: row.id,
        at: Timestamp::from_micros(row.micros),
        day: Some(Date::from_days(row.days)),
        sent: Field::Value(Timestamp::from_micros(-row.micros)),
    }
}

const FIRST: i64 = -62_135_596_800_000_000;
const LAST: i64 = 253_402_300_799_999_999;

#[test]
fn a_value_out_of_range_refuses_its_row_and_names_its_column() {
    let row = |id: i64, micros: i64, days: i32| json!({"id": id, "micros": micros, "days": days});
    let rows = [
        row(0, 0, 0),
        row(1, FIRST, -719_162),
        row(2, FIRST - 1, 0),
        row(3, LAST + 1, 0),
        row(4, 0, 2_932_897),
        row(5, 0, -719_163),
        row(6, LAST, 2_932_896),
        row(7, i64::MAX, i32::MAX),
        row(8, -1, -1),
    ];
    let test = Test::<moments>::new().rows(rows);
    let answer = test.run();
    assert_eq!(answer.kept(), [0, 1, 8]);
    let refused: Vec<_> = answer
        .rejected()
        .iter()
        .map(|refused| (refused.row, refused.reason.as_str(), refused.column.as_deref()))
        .collect();
    let reason = "out of range";
    assert_eq!(
        refused,
        [
            (2, reason, Some("at")),
            (3, reason, Some("at")),
            (4, reason, Some("day")),
            (5, reason, Some("day")),
            (6, reason, Some("sent")),
            (7, reason, Some("at")),
        ]
    );
    assert_eq!(answer.added()[1]["at"], "0001-01-01T00:00:00Z");
    for seed in 0..5 {
        assert_eq!(test.clone().cut(seed).run(), answer);
    }
}
