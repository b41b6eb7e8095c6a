//! What a value is by its column, its schema and its unit.

use proptest::prelude::*;

use super::*;
use crate::format::TimeUnit;

/// What `raw` becomes in a column: its JSON, or why it is refused. A schema has a name and a scale.
fn value(
    data_type: DataType,
    unit: Option<TimeUnit>,
    schema: Option<(&str, i32)>,
    raw: &str,
) -> String {
    let x = ColumnSpec { unit, ..column("x", data_type) };
    let mut decoder = DebeziumDecoder::new(vec![x], Vec::new());
    let line = match schema {
        Some((name, scale)) => format!(
            r#"{{"schema":{{"fields":[{{"field":"x","name":"{name}","parameters":{{"scale":"{scale}"}}}}]}},"payload":{{"x":{raw}}}}}"#
        ),
        None => format!(r#"{{"x":{raw}}}"#),
    };
    let _ = decoder.decode_chunk(line.as_bytes(), ALL);
    let changes = decoder.finish();
    if let Some(reject) = changes.rejects.first() {
        return format!("refused: {}", reject.reason);
    }
    let mut out = Vec::new();
    write_value(&mut out, data_type, &*changes.columns[0].values, 0);
    String::from_utf8(out).unwrap()
}

const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";

fn money() -> DataType {
    DataType::Decimal { precision: 18, scale: 2 }
}

#[test]
fn decimals_of_bytes_have_the_scale_of_their_schema() {
    for (raw, scale, expected) in [
        ("\"BNI=\"", 2, "12.34"),
        ("\"/w==\"", 2, "-0.01"),
        ("\"AA==\"", 0, "0.00"),
        ("\"AQ==\"", -3, "1000.00"),
        ("\"AYY=\"", 3, "0.39"),
        ("12.345", 2, "12.35"),
        ("null", 2, "null"),
    ] {
        assert_eq!(value(money(), None, Some((DECIMAL, scale)), raw), expected, "{raw}");
    }
    assert_eq!(value(DataType::Text, None, Some((DECIMAL, 2)), "\"BNI=\""), "\"12.34\"");
    assert!(value(money(), None, Some((DECIMAL, 2)), "\"\"").starts_with("refused"));
    let wide = format!("\"f{}\"", "/".repeat(23));
    assert!(value(money(), None, Some((DECIMAL, 2)), &wide).contains("out of range"));
    assert_eq!(value(money(), None, None, r#"{"scale":1,"value":"fQ=="}"#), "12.50");
    assert!(value(money(), None, None, r#"{"scale":1}"#).starts_with("refused"));
}

#[test]
fn without_a_schema_decimals_are_numbers_and_numeric_text() {
    assert_eq!(value(money(), None, None, "\"1234567890123456.78\""), "1234567890123456.78");
    assert_eq!(value(money(), None, None, "0.1"), "0.10");
    assert!(
        value(money(), None, None, "\"AbabS6Yw804=\"").contains("decimal.handling.mode=string")
    );
    assert_eq!(
        value(money(), None, None, "\"NAN\""),
        "refused: found `NAN`, which no decimal(18,2) holds"
    );
}

#[test]
fn base64_that_looks_like_a_number_is_none() {
    for raw in ["\"1000\"", "\"0E00\"", "\"12345678\"", "\"+123\""] {
        let became = value(money(), None, None, raw);
        assert!(became.contains("`decimal.handling.mode=string`"), "{raw}: {became}");
    }
    // What cannot be base64, or has no digits behind the point, is what it says.
    for (raw, expected) in [("\"-1000\"", "-1000.00"), ("\"100\"", "100.00"), ("\"0.10\"", "0.10")]
    {
        assert_eq!(value(money(), None, None, raw), expected, "{raw}");
    }
    let whole = DataType::Decimal { precision: 20, scale: 0 };
    assert_eq!(value(whole, None, None, "\"1000\""), "1000");
    assert_eq!(value(DataType::Int64, None, None, "\"1000\""), "1000");
    // A schema that says text means text.
    let line = br#"{"schema":{"fields":[{"field":"x","type":"string"}]},"payload":{"x":"1000"}}"#;
    let mut decoder = DebeziumDecoder::new(vec![column("x", money())], Vec::new());
    let _ = decoder.decode_chunk(line, ALL);
    assert_eq!(decoder.finish().rows, 1);
    let bits = value(DataType::Int32, None, None, "\"AQI=\"");
    assert!(bits.ends_with(": bytes in base64 need their schema"), "{bits}");
}

#[test]
fn what_is_not_finite_is_a_float_and_nothing_else() {
    use arrow_array::types::{Float32Type, Float64Type};
    for (raw, expected) in [
        ("\"NaN\"", f64::NAN),
        ("\"NAN\"", f64::NAN),
        ("\"Infinity\"", f64::INFINITY),
        ("\"-Infinity\"", f64::NEG_INFINITY),
    ] {
        let columns = vec![column("x", DataType::Float64), column("y", DataType::Float32)];
        let mut decoder = DebeziumDecoder::new(columns, Vec::new());
        let _ = decoder.decode_chunk(format!("{{\"x\":{raw},\"y\":{raw}}}").as_bytes(), ALL);
        let changes = decoder.finish();
        assert_eq!(changes.rows, 1, "{raw}");
        let double = changes.columns[0].values.as_primitive::<Float64Type>().value(0);
        assert_eq!(double.to_bits(), expected.to_bits(), "{raw}");
        let single = changes.columns[1].values.as_primitive::<Float32Type>().value(0);
        assert_eq!(f64::from(single).is_nan(), expected.is_nan(), "{raw}");
        assert_eq!(single.is_infinite(), expected.is_infinite(), "{raw}");
        assert!(value(money(), None, None, raw).contains("which no decimal(18,2) holds"), "{raw}");
    }
}

#[test]
fn a_schema_of_another_kind_of_time_is_refused_with_what_fits() {
    let became = |data_type, name, raw| value(data_type, None, Some((name, 0)), raw);
    let year = "io.debezium.time.Year";
    assert_eq!(
        became(DataType::Date, year, "2026"),
        "refused: expected date, found a year by its schema: declare the column as i32"
    );
    assert!(became(DataType::Timestamp, year, "2026").contains("found a year"));
    for data_type in [DataType::Int16, DataType::Int32, DataType::Int64] {
        assert_eq!(became(data_type, year, "2026"), "2026");
    }
    let time = became(DataType::Timestamp, "io.debezium.time.MicroTime", "1");
    assert!(time.contains("found a time of day by its schema"), "{time}");
    let date = became(DataType::Time, "io.debezium.time.Date", "1");
    assert!(date.contains("declare the column as date"), "{date}");
}

#[test]
fn a_document_with_a_value_left_out_is_refused() {
    for raw in [
        r#"{"a":1,"big":"__debezium_unavailable_value"}"#,
        r#""{\"big\":\"__debezium_unavailable_value\"}""#,
        r#"["a","__debezium_unavailable_value"]"#,
        r#"{"bytes":"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="}"#,
    ] {
        let became = value(DataType::Json, None, None, raw);
        assert!(became.contains("the source left out"), "{raw}: {became}");
    }
    let root = ColumnSpec { path: Vec::new(), ..column("row", DataType::Json) };
    let mut decoder = DebeziumDecoder::new(vec![column("id", DataType::Int64), root], Vec::new());
    let line = br#"{"op":"u","after":{"id":1,"big":"__debezium_unavailable_value"}}"#;
    let _ = decoder.decode_chunk(line, ALL);
    assert_eq!(decoder.finish().rejects[0].column.as_deref(), Some("row"));
}

#[test]
fn a_schema_comes_before_a_unit() {
    let unit = Some(TimeUnit::S);
    for (name, raw, expected) in [
        ("io.debezium.time.MicroTimestamp", "1", "\"1970-01-01T00:00:00.000001Z\""),
        ("io.debezium.time.Timestamp", "1", "\"1970-01-01T00:00:00.001000Z\""),
        ("io.debezium.time.NanoTimestamp", "1000", "\"1970-01-01T00:00:00.000001Z\""),
        ("org.apache.kafka.connect.data.Timestamp", "-1", "\"1969-12-31T23:59:59.999000Z\""),
        ("org.apache.kafka.connect.data.Date", "1", "\"1970-01-02T00:00:00.000000Z\""),
        (
            "io.debezium.time.ZonedTimestamp",
            "\"1970-01-01T02:00:00+02:00\"",
            "\"1970-01-01T00:00:00.000000Z\"",
        ),
        ("something.else", "1", "\"1970-01-01T00:00:01.000000Z\""),
    ] {
        assert_eq!(value(DataType::Timestamp, unit, Some((name, 0)), raw), expected, "{name}");
    }
    let date = |name, raw| value(DataType::Date, None, Some((name, 0)), raw);
    assert_eq!(date("io.debezium.time.Date", "20512"), "\"2026-02-28\"");
    assert_eq!(date("io.debezium.time.Timestamp", "-1"), "\"1969-12-31\"");
    assert_eq!(date("io.debezium.time.IsoDate", "\"2026-02-28Z\""), "\"2026-02-28\"");
    for (name, raw) in [
        ("io.debezium.time.Time", "1000"),
        ("io.debezium.time.MicroTime", "1000000"),
        ("io.debezium.time.NanoTime", "1000000000"),
        ("io.debezium.time.ZonedTime", "\"00:00:01Z\""),
    ] {
        let expected = value(DataType::Time, None, None, "\"00:00:01\"");
        assert_eq!(value(DataType::Time, unit, Some((name, 0)), raw), expected, "{name}");
    }
}

#[test]
fn without_a_schema_the_unit_decides_and_text_speaks_for_itself() {
    let at = |unit, raw| value(DataType::Timestamp, unit, None, raw);
    assert_eq!(at(Some(TimeUnit::Ms), "1"), "\"1970-01-01T00:00:00.001000Z\"");
    assert_eq!(at(Some(TimeUnit::Ms), "\"1970-01-01T00:00:01Z\""), at(Some(TimeUnit::S), "1"));
    assert!(at(None, "1").contains("its `unit` must be declared"));
    let time = |unit, raw| value(DataType::Time, unit, None, raw);
    assert_eq!(time(Some(TimeUnit::Us), "1000000"), time(Some(TimeUnit::Ms), "1000"));
    assert!(time(Some(TimeUnit::Us), "86400000000").contains("out of range"));
    assert!(time(Some(TimeUnit::Us), "-1").contains("out of range"));
    assert_eq!(
        time(None, "1"),
        "refused: expected time as ISO 8601 text, found the number 1: without a schema its `unit` must \
         be declared"
    );
}

#[test]
fn what_infinity_overflows_to_is_no_time() {
    for raw in ["-2147472692", "-2147472693"] {
        assert!(value(DataType::Date, None, None, raw).contains("infinity"), "{raw}");
        assert!(!value(DataType::Timestamp, Some(TimeUnit::S), None, raw).contains("refused"));
    }
    for raw in
        ["-9223372036832400000", "9223372036825200000", "-9223372036832400", "9223372036825200"]
    {
        for unit in [TimeUnit::Ms, TimeUnit::Us, TimeUnit::Ns] {
            let became = value(DataType::Timestamp, Some(unit), None, raw);
            assert!(became.contains("infinity"), "{raw}: {became}");
        }
    }
    for raw in ["\"infinity\"", "\"-infinity\""] {
        assert!(value(DataType::Timestamp, None, None, raw).contains("which no timestamp holds"));
    }
    let year = value(DataType::Date, None, None, "\"-5877611-06-21Z\"");
    assert_eq!(year, "refused: -5877611-06-21Z is out of range for date");
}

#[test]
fn small_integers_may_be_bools_and_bits_numbers() {
    assert_eq!(value(DataType::Bool, None, None, "1"), "true");
    assert_eq!(value(DataType::Bool, None, None, "0"), "false");
    assert!(value(DataType::Bool, None, None, "2").starts_with("refused"));
    let bits = Some(("io.debezium.data.Bits", 0));
    assert_eq!(value(DataType::Int32, None, bits, "\"AQI=\""), "513");
    assert_eq!(value(DataType::Binary, None, bits, "\"AQI=\""), "\"AQI=\"");
}

#[test]
fn documents_are_read_out_of_their_text() {
    assert_eq!(value(DataType::Json, None, None, r#""{\"a\":[1.50]}""#), r#"{"a":[1.50]}"#);
    assert_eq!(value(DataType::Json, None, None, r#""{\n \"a\": 1}""#), r#"{  "a": 1}"#);
    assert_eq!(value(DataType::Json, None, None, "[1, 2]"), "[1, 2]");
    assert!(value(DataType::Json, None, None, "\"no document\"").starts_with("refused"));
    let lost = "[\"[Ljava.lang.String;@74f89c78\"]";
    assert!(value(DataType::Json, None, None, lost).contains("array of arrays"));
}

#[test]
fn every_form_of_the_placeholder_is_unchanged() {
    let numbers: Vec<String> =
        "__debezium_unavailable_value".bytes().map(|byte| byte.to_string()).collect();
    for (data_type, raw) in [
        (DataType::Text, "\"__debezium_unavailable_value\"".to_owned()),
        (DataType::Json, "\"__debezium_unavailable_value\"".to_owned()),
        (DataType::Binary, "\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\"".to_owned()),
        (DataType::Json, "[\"__debezium_unavailable_value\"]".to_owned()),
        (DataType::Json, format!("[{}]", numbers.join(", "))),
    ] {
        let mut decoder = DebeziumDecoder::new(vec![column("x", data_type)], Vec::new());
        let _ = decoder.decode_chunk(format!("{{\"x\":{raw}}}").as_bytes(), ALL);
        let changes = decoder.finish();
        let unchanged = changes.columns[0].unchanged.as_ref().expect("unchanged");
        assert!(unchanged.value(0) && changes.columns[0].values.is_null(0), "{raw}");
    }
}

proptest! {
    #[test]
    fn bytes_of_a_decimal_are_its_digits(unscaled in any::<i64>()) {
        let wide = DataType::Decimal { precision: 38, scale: 2 };
        let bytes = unscaled.to_be_bytes();
        let mut array = Vec::new();
        let binary = arrow_array::BinaryArray::from(vec![&bytes[..]]);
        write_value(&mut array, DataType::Binary, &binary, 0);
        let raw = String::from_utf8(array).unwrap();
        let became = value(wide, None, Some((DECIMAL, 2)), &raw);
        prop_assert_eq!(became.replace('.', "").parse::<i64>().unwrap(), unscaled);
    }
}
