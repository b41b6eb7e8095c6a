//! Any values, read back by serde_json and by a naive reader of CSV.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// A row of the columns that can go wrong.
#[derive(Clone, Debug)]
struct Row {
    id: i64,
    text: Option<String>,
    wide: Option<i128>,
    moment: Option<i64>,
    float: Option<f64>,
    json: Option<i32>,
}

const WIDE: DataType = DataType::Decimal { precision: 38, scale: 9 };
/// 0000-01-01 and the end of 9999-12-31.
const MOMENTS: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

fn any_row() -> impl Strategy<Value = Row> {
    let text = prop_oneof![
        4 => "[\u{0}-\u{ff}\"\\\\N\u{1}\u{2}\n]{0,24}",
        1 => Just(String::new()),
        1 => Just("\\N".to_owned()),
        4 => "[a-z ,\"\\\\\n\t🦀]{0,24}",
    ];
    let most = 10_i128.pow(38) - 1;
    let wide = prop_oneof![3 => -most..=most, 1 => Just(most), 1 => -100..100_i128];
    let moment = prop_oneof![
        3 => MOMENTS,
        1 => Just(*MOMENTS.start()),
        1 => Just(*MOMENTS.end()),
        1 => (0..100_000_i64).prop_map(|seconds| seconds * 1_000_000),
    ];
    let float = any::<f64>().prop_filter("neither format has others", |float| float.is_finite());
    let option = prop::option::weighted(0.9, any::<i32>());
    (
        any::<i64>(),
        prop::option::weighted(0.9, text),
        prop::option::weighted(0.9, wide),
        prop::option::weighted(0.9, moment),
        prop::option::weighted(0.9, float),
        option,
    )
        .prop_map(|(id, text, wide, moment, float, json)| Row {
            id,
            text,
            wide,
            moment,
            float,
            json,
        })
}

fn columns(rows: &[Row]) -> Vec<(&'static str, DataType, ArrayRef)> {
    let wide: Decimal128Array = rows.iter().map(|row| row.wide).collect();
    let moments: TimestampMicrosecondArray = rows.iter().map(|row| row.moment).collect();
    let floats: Float64Array = rows.iter().map(|row| row.float).collect();
    let ids: Int64Array = rows.iter().map(|row| Some(row.id)).collect();
    let text: StringArray = rows.iter().map(|row| row.text.clone()).collect();
    let json = rows.iter().map(|row| row.json.map(|number| format!("[\n{number}, \"\\n\"]")));
    vec![
        ("id", DataType::Int64, Arc::new(ids)),
        ("te\"xt", DataType::Text, Arc::new(text)),
        (
            "a decimal whose name is longer than others",
            WIDE,
            Arc::new(wide.with_precision_and_scale(38, 9).unwrap()),
        ),
        ("moment", DataType::Timestamp, Arc::new(moments)),
        ("float", DataType::Float64, Arc::new(floats)),
        ("json", DataType::Json, Arc::new(json.collect::<StringArray>())),
    ]
}

/// A decimal with nine digits after the point, the naive way.
fn decimal(unscaled: i128) -> String {
    let digits = format!("{:010}", unscaled.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - 9);
    format!("{}{whole}.{fraction}", if unscaled < 0 { "-" } else { "" })
}

/// A timestamp by the library that the rest of the house reads with.
fn moment(micros: i64) -> String {
    let moment = chrono::DateTime::from_timestamp_micros(micros).unwrap();
    let fraction = if micros % 1_000_000 == 0 { "" } else { "%.6f" };
    moment.format(&format!("%Y-%m-%d %H:%M:%S{fraction}")).to_string()
}

fn check_object(row: &Row, object: &Value) {
    let text = |value: Option<String>| value.map_or(Value::Null, Value::from);
    assert_eq!(object["id"].as_i64(), Some(row.id));
    assert_eq!(object["te\"xt"], text(row.text.clone()));
    let wide = &object["a decimal whose name is longer than others"];
    assert_eq!(*wide, text(row.wide.map(decimal)));
    assert_eq!(object["moment"], text(row.moment.map(moment)));
    assert_eq!(object["float"].as_f64(), row.float);
    let json = row.json.map_or(Value::Null, |number| serde_json::json!([number, "\n"]));
    assert_eq!(object["json"].to_string(), json.to_string());
    assert_eq!(object.as_object().unwrap().len(), 6);
}

fn check_record(row: &Row, record: &str) {
    let fields: Vec<Option<&str>> =
        record.split('\u{1}').map(|field| (field != "\\N").then_some(field)).collect();
    assert_eq!(fields[0], Some(&*row.id.to_string()));
    assert_eq!(fields[1], row.text.as_deref());
    assert_eq!(fields[2], row.wide.map(decimal).as_deref());
    assert_eq!(fields[3], row.moment.map(moment).as_deref());
    assert_eq!(fields[4].map(|float| float.parse::<f64>().unwrap()), row.float);
    assert_eq!(fields[5], row.json.map(|number| format!("[\n{number}, \"\\n\"]")).as_deref());
    assert_eq!(fields.len(), 6);
}

fn reads_as_text(text: &str) -> bool {
    text != "\\N" && !text.starts_with('\u{feff}') && !text.contains(['\0', '\u{1}', '\u{2}'])
}

proptest! {
    #[test]
    fn json_reads_back(rows in prop::collection::vec(any_row(), 1..90)) {
        let columns = columns(&rows);
        let piece = piece(&columns, &vec![Operation::Insert; rows.len()]);
        for system in [System::StarRocks, System::Doris] {
            let layout = layout(system, &columns);
            let mut encoder =
                Encoder::new(system, BodyFormat::Json, layout, DeleteSign::None, 0);
            let text = body(&mut encoder, &piece).unwrap();
            let objects: Vec<Value> = match system {
                System::StarRocks => serde_json::from_str(&text).unwrap(),
                System::Doris => {
                    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
                }
            };
            prop_assert_eq!(objects.len(), rows.len());
            for (row, object) in rows.iter().zip(&objects) {
                check_object(row, object);
            }
        }
    }

    #[test]
    fn csv_reads_back_or_is_not_written(rows in prop::collection::vec(any_row(), 1..9)) {
        let columns = columns(&rows);
        let piece = piece(&columns, &vec![Operation::Insert; rows.len()]);
        let layout = layout(System::StarRocks, &columns);
        let mut encoder =
            Encoder::new(System::StarRocks, BodyFormat::Csv, layout, DeleteSign::None, 0);
        let can = rows.iter().all(|row| row.text.as_deref().is_none_or(reads_as_text));
        let text = body(&mut encoder, &piece);
        prop_assert_eq!(text.is_some(), can);
        if let Some(text) = text {
            let records = text.strip_suffix('\u{2}').unwrap().split('\u{2}');
            prop_assert_eq!(records.clone().count(), rows.len());
            for (row, record) in rows.iter().zip(records) {
                check_record(row, record);
            }
        }
    }
}
