//! The documented semantics, one by one. Each line is decoded by the general path alone and, after
//! lines of its own shape, on the fast path: both must say the same.

use super::*;

/// A value of member `x` of that type: the value as [`show`] prints it, or a part of the reason.
fn check(spec: &ColumnSpec, json: &str, expected: Result<&str, &str>) {
    check_line(
        std::slice::from_ref(spec),
        &format!("{{\"x\":{json}}}"),
        expected.map(|value| vec![value]),
    );
}

fn check_line(columns: &[ColumnSpec], line: &str, expected: Result<Vec<&str>, &str>) {
    let alone = decode(JsonDecoder::without_learning(columns.to_vec()), line.as_bytes());
    match &expected {
        Ok(values) => {
            assert!(alone.rejects.is_empty(), "{line}: {:?}", alone.rejects);
            assert_eq!(alone.rows, 1, "{line}");
            for (array, value) in alone.columns.iter().zip(values) {
                assert_eq!(show(array, 0), *value, "{line}");
            }
        }
        Err(reason) => {
            assert_eq!(alone.rows, 0, "{line} should be refused");
            let [reject] = alone.rejects.as_slice() else { panic!("{line}: one reject") };
            assert!(reject.reason.contains(reason), "{line}: {}", reject.reason);
            assert_eq!(reject.input, line);
            assert_eq!(reject.line, 1);
            assert!(alone.columns.iter().all(|array| array.is_empty()), "{line}");
        }
    }
    let mut chunk = format!("{line}\n").repeat(3);
    for teacher in ["1", "null", "\"7\"", "true", "{\"y\":1}"] {
        chunk.push_str(&format!("{{\"x\":{teacher}}}\n{{\"x\":{{\"y\":{teacher}}}}}\n{line}\n"));
    }
    let learnt = decode(JsonDecoder::new(columns.to_vec()), chunk.as_bytes());
    let general = decode(JsonDecoder::without_learning(columns.to_vec()), chunk.as_bytes());
    assert_same(&learnt, &general);
}

fn unit(unit: Option<TimeUnit>) -> ColumnSpec {
    ColumnSpec { unit, ..column("x", "timestamp") }
}

#[test]
fn decimals_are_exact_and_round_half_away_from_zero() {
    let money = column("x", "decimal(18,2)");
    for (json, value) in [
        ("1.005", "101"),
        ("-1.005", "-101"),
        ("1e3", "100000"),
        ("9007199254740993", "900719925474099300"),
        ("9999999999999999.99", "999999999999999999"),
        ("12.5", "1250"),
        ("-0.00", "0"),
        ("\" +012.50 \"", "1250"),
        ("\".5\"", "50"),
        ("\"5.\"", "500"),
        ("\"1\\u0032\"", "1200"),
        ("1e-999999999999999999999", "0"),
        ("0e999999999999999999999", "0"),
        ("{\"$numberDecimal\":\"12.345\"}", "1235"),
        ("{\"$numberDouble\":\"1e1\"}", "1000"),
        ("null", "null"),
    ] {
        check(&money, json, Ok(value));
    }
    for json in ["1e16", "9999999999999999.995", "1e999999999999999999999", "\"-1e17\""] {
        check(&money, json, Err("is out of range for decimal(18,2)"));
    }
    for json in [
        "\"\"", "\" \"", "\"abc\"", "\"1,5\"", "\"NaN\"", "\"0x1\"", "\"1 2\"", "\"\\t1\"", "true",
        "false",
    ] {
        check(&money, json, Err("expected decimal(18,2), found the "));
    }
    check(&money, "[1]", Err("expected decimal(18,2), found an array"));
    check(&money, "{\"a\":1}", Err("found an object that is no MongoDB extended JSON"));
    let long = column("x", "decimal(38,10)");
    check(
        &long,
        "1234567890123456789012345678.12345678905",
        Ok("12345678901234567890123456781234567891"),
    );
    check(&long, "1e28", Err("out of range"));
    check(&column("x", "decimal(4,4)"), "0.99995", Err("out of range"));
    check(&column("x", "decimal(1,0)"), "9.4", Ok("9"));
}

#[test]
fn integers_are_cut_toward_zero_and_never_wrap() {
    for (json, value) in [
        ("2.0", "2"),
        ("1e1", "10"),
        ("2.7", "2"),
        ("-2.7", "-2"),
        ("\"0042\"", "42"),
        ("-0", "0"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("{\"$numberLong\":\"5\"}", "5"),
        ("{\"$numberInt\":5}", "5"),
        ("null", "null"),
    ] {
        check(&column("x", "i64"), json, Ok(value));
    }
    check(&column("x", "i64"), "9223372036854775808", Err("is out of range for i64"));
    check(&column("x", "i64"), "1e99999999999", Err("is out of range for i64"));
    check(&column("x", "i64"), "true", Err("expected i64, found the bool true"));
    check(&column("x", "i32"), "2147483647.9", Ok("2147483647"));
    check(&column("x", "i32"), "2147483648", Err("out of range for i32"));
    check(&column("x", "i16"), "-32768", Ok("-32768"));
    check(&column("x", "i16"), "32768", Err("the number 32768 is out of range for i16"));
}

#[test]
fn floats_read_the_same_numbers() {
    check(&column("x", "f64"), "1.5e300", Ok(1.5e300_f64.to_string().as_str()));
    check(&column("x", "f64"), "\" 0.1 \"", Ok("0.1"));
    check(&column("x", "f64"), "1e400", Err("out of range for f64"));
    check(&column("x", "f64"), "\"inf\"", Err("expected f64"));
    check(&column("x", "f32"), "16777217", Ok("16777216"));
    check(&column("x", "f32"), "1e39", Err("out of range for f32"));
}

#[test]
fn bools_are_bools_only() {
    check(&column("x", "bool"), "true", Ok("true"));
    check(&column("x", "bool"), "false", Ok("false"));
    check(&column("x", "bool"), "null", Ok("null"));
    for json in ["1", "\"true\"", "{\"$numberInt\":1}"] {
        check(&column("x", "bool"), json, Err("expected bool, found the "));
    }
}

#[test]
fn text_takes_scalars_as_written() {
    for (json, value) in [
        ("\"abc\"", "abc"),
        ("\"\"", ""),
        ("1.50", "1.50"),
        ("1E5", "1E5"),
        ("-0", "-0"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
        ("\"a\\u0000b\"", "a\0b"),
        ("\"\\u00e9\\n\\\"\"", "é\n\""),
        ("\"\\ud83d\\ude00\"", "😀"),
        ("{\"$oid\":\"any text\"}", "any text"),
        ("{\"$numberDecimal\":\"1.50\"}", "1.50"),
        ("\"grüße, 世界 and longer than a word\"", "grüße, 世界 and longer than a word"),
    ] {
        check(&column("x", "text"), json, Ok(value));
    }
    check(&column("x", "text"), "[]", Err("expected text, found an array"));
    check(&column("x", "text"), "{}", Err("expected text, found an object"));
    check(&column("x", "text"), "\"\\ud83d\"", Err("found a lone surrogate"));
    check(&column("x", "text"), "\"\\ude00\\ud83d\"", Err("found a lone surrogate"));
}

#[test]
fn times_are_integers_in_their_unit() {
    let ms = unit(Some(TimeUnit::Ms));
    for (json, value) in [
        ("1795168800123", "1795168800123000"),
        ("0", "0"),
        ("-1", "-1000"),
        ("1.9", "1000"),
        ("\" 5 \"", "5000"),
        ("253402300799999", "253402300799999000"),
        ("-62135596800000", "-62135596800000000"),
        ("{\"$date\":7}", "7000"),
        ("{\"$date\":{\"$numberLong\":\"7\"}}", "7000"),
        ("{\"$date\":\"1970-01-01T00:00:00.007Z\"}", "7000"),
        ("{\"$numberLong\":\"7\"}", "7000"),
        ("null", "null"),
    ] {
        check(&ms, json, Ok(value));
    }
    for json in
        ["253402300800000", "-62135596800001", "1e30", "9223372036854775807", "{\"$date\":1e15}"]
    {
        check(&ms, json, Err("is out of range for timestamp"));
    }
    check(
        &ms,
        "\"2024-01-01T00:00:00Z\"",
        Err("expected timestamp as a count of milliseconds, found the text"),
    );
    check(&ms, "\"\"", Err("expected timestamp"));
    check(&ms, "true", Err("found the bool true"));
    check(&unit(Some(TimeUnit::S)), "1", Ok("1000000"));
    check(&unit(Some(TimeUnit::Us)), "1", Ok("1"));
    check(&unit(Some(TimeUnit::Ns)), "-1999", Ok("-1"));
    check(&unit(Some(TimeUnit::Ns)), "253402300799999999999", Ok("253402300799999999"));
    check(&unit(Some(TimeUnit::S)), "{\"$date\":7}", Ok("7000"));
}

#[test]
fn a_timestamp_without_unit_reads_iso_text() {
    let iso = unit(None);
    check(&iso, "\"1970-01-01T00:00:01.5Z\"", Ok("1500000"));
    check(&iso, "\"1970-01-01 01:00:00+01:00\"", Ok("0"));
    check(&iso, "\"1970-01-02\"", Ok("86400000000"));
    check(&iso, "{\"$date\":7}", Ok("7000"));
    check(&iso, "7", Err("expected timestamp as ISO 8601 text, found the number 7"));
    check(&iso, "\"7\"", Err("expected timestamp as ISO 8601 text"));
    check(&iso, "\"2023-02-29T00:00:00Z\"", Err("expected timestamp as ISO 8601 text"));
    check(&iso, "\"0000-12-31T23:59:59Z\"", Err("out of range"));
    check(&iso, "\"0001-01-01T00:00:00+01:00\"", Err("out of range"));
}

#[test]
fn dates_times_uuids_and_bytes_read_their_text() {
    let (date, time) = (column("x", "date"), column("x", "time"));
    check(&date, "\"1970-01-02\"", Ok("1"));
    check(&date, "19000", Ok("19000"));
    check(&date, "\"-719162\"", Ok("-719162"));
    check(&date, "{\"$date\":-1}", Ok("-1"));
    check(&date, "2932897", Err("out of range"));
    check(&date, "\"1970-02-30\"", Err("expected date"));
    check(&time, "\"00:00:01\"", Ok("1000000"));
    check(&time, "86399999999", Ok("86399999999"));
    check(&time, "86400000000", Err("out of range"));
    check(&time, "-1", Err("out of range"));
    check(&time, "\"24:00:00\"", Err("expected time"));
    check(&time, "{\"$date\":1}", Err("found the $date 1"));
    check(
        &column("x", "uuid"),
        "\"123e4567-E89B-12d3-a456-426614174000\"",
        Ok("123e4567e89b12d3a456426614174000"),
    );
    check(&column("x", "uuid"), "\"123\"", Err("expected uuid as text, found the text \"123\""));
    check(&column("x", "binary"), "\"+\\/8=\"", Ok("fbff"));
    check(&column("x", "binary"), "\"\"", Ok(""));
    check(&column("x", "binary"), "\"fbff=\"", Err("expected binary as base64 text"));
    check(&column("x", "binary"), "12", Err("expected binary as base64 text"));
}

#[test]
fn json_columns_keep_the_text_of_the_value() {
    let json = column("x", "json");
    for value in
        ["{ \"a\" : [1, 2.50, \"\\u0041\"] }", "[]", "1.50", "\"t\"", "true", "{\"$oid\":\"a\"}"]
    {
        check(&json, value, Ok(value));
    }
    check(&json, "null", Ok("null"));
    check(&json, "{\"a\":}", Err("expected a value"));
}

#[test]
fn a_path_through_null_or_nothing_gives_null_and_through_others_is_refused() {
    let columns = [column("x.y", "i64"), column("x.z.w", "text")];
    for (line, values) in [
        ("{\"x\":{\"y\":1,\"z\":{\"w\":\"t\"}}}", vec!["1", "t"]),
        ("{\"x\":{\"y\":1,\"z\":null}}", vec!["1", "null"]),
        ("{\"x\":{\"z\":{}}}", vec!["null", "null"]),
        ("{\"x\":null}", vec!["null", "null"]),
        ("{}", vec!["null", "null"]),
        ("null", vec!["null", "null"]),
        ("{\"other\":[{\"x\":5}]}", vec!["null", "null"]),
    ] {
        check_line(&columns, line, Ok(values));
    }
    for (line, reason) in [
        ("{\"x\":1}", "expected an object in `x` on the way to `x.y`, found a number"),
        ("{\"x\":\"t\"}", "on the way to `x.y`, found a text"),
        ("{\"x\":true}", "on the way to `x.y`, found a bool"),
        ("{\"x\":[{\"y\":1}]}", "on the way to `x.y`, found an array"),
        (
            "{\"x\":{\"y\":1,\"z\":2}}",
            "expected an object in `x.z` on the way to `x.z.w`, found a number",
        ),
        ("7", "expected an object in the line on the way to `x.y`, found a number"),
        ("[]", "expected an object in the line on the way to `x.y`, found an array"),
    ] {
        check_line(&columns, line, Err(reason));
    }
}

#[test]
fn of_duplicate_names_the_last_whole_value_counts() {
    let columns = [column("x.y", "i64"), column("x.z", "i64")];
    for (line, values) in [
        ("{\"x\":{\"y\":1,\"y\":2}}", vec!["2", "null"]),
        ("{\"x\":{\"y\":\"bad\",\"y\":2}}", vec!["2", "null"]),
        ("{\"x\":{\"y\":1,\"\\u0079\":2}}", vec!["2", "null"]),
        ("{\"x\":{\"y\":1},\"x\":{\"z\":2}}", vec!["null", "2"]),
        ("{\"x\":5,\"x\":{\"z\":2}}", vec!["null", "2"]),
        ("{\"x\":{\"y\":1},\"x\":null}", vec!["null", "null"]),
        ("{\"x\":{\"y\":1,\"y\":null}}", vec!["null", "null"]),
    ] {
        check_line(&columns, line, Ok(values));
    }
    check_line(&columns, "{\"x\":{\"y\":1},\"x\":5}", Err("found a number"));
    check_line(&columns, "{\"x\":{\"y\":01,\"y\":2}}", Err("expected `,` or `}`"));
}

#[test]
fn names_are_compared_after_decoding() {
    let columns = [column("x.é\"", "i64")];
    check_line(&columns, "{\"\\u0078\":{\"\\u00e9\\\"\":1}}", Ok(vec!["1"]));
    check_line(&columns, "{\"x\":{\"é\\u0022\":2}}", Ok(vec!["2"]));
    check_line(&columns, "{\"X\":{\"é\\\"\":2}}", Ok(vec!["null"]));
}

#[test]
fn only_strict_json_is_a_line_also_where_nothing_is_used() {
    let columns = [column("x", "i64")];
    for (line, reason) in [
        ("{\"u\":012.5}", "byte 7: expected `,` or `}`, found `1`"),
        ("{\"u\":+1}", "byte 6: expected a value, found `+`"),
        ("{\"u\":.5}", "expected a value, found `.`"),
        ("{\"u\":1.}", "expected a digit, found `}`"),
        ("{\"u\":NaN}", "expected a value, found `N`"),
        ("{\"u\":1/*c*/}", "expected `,` or `}`, found `/`"),
        ("{'u':1}", "expected a member's name or `}`, found `'`"),
        ("{u:1}", "expected a member's name"),
        ("{\"u\":\"a\tb\"}", "raw control character"),
        ("{\"u\":\"\\ud800\"}", "lone surrogate"),
        ("{\"\\udc00\":1}", "lone surrogate"),
        ("{\"u\":[1,]}", "expected a value, found `]`"),
        ("{\"u\":1,}", "expected a member's name, found `}`"),
        ("{\"u\":1", "expected `,` or `}`, found the end of the line"),
        ("{\"u\":tru}", "expected a value"),
        ("{\"x\":1} x", "byte 9: expected the end of the line, found `x`"),
        ("{\"x\":1}{\"x\":2}", "expected the end of the line, found `{`"),
        ("{\"x\":1},", "expected the end of the line, found `,`"),
        ("\u{feff}{\"x\":1} ", "expected a value, found"),
    ] {
        // Not in front of line 1, so that a byte order mark is no mark.
        let mut decoder = JsonDecoder::new(columns.to_vec());
        decoder.seek(2);
        let decoded = decode(decoder, line.as_bytes());
        let [reject] = decoded.rejects.as_slice() else { panic!("{line}: one reject") };
        assert!(reject.reason.contains(reason), "{line}: {}", reject.reason);
        assert_eq!((reject.column.as_deref(), reject.line), (None, 2));
    }
    check_line(&columns, " \t{ \"u\" : [ ] , \"x\" :\t1 } \t", Ok(vec!["1"]));
}

#[test]
fn nesting_is_bounded_wherever_it_is() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let columns = [column("x", "i64"), column("j", "json")];
    let deep = nested(super::super::MAX_DEPTH - 1);
    check_line(
        &columns,
        &format!("{{\"u\":{deep},\"j\":{deep}}}"),
        Ok(vec!["null", deep.as_str()]),
    );
    let deeper = nested(super::super::MAX_DEPTH);
    check_line(&columns, &format!("{{\"u\":{deeper}}}"), Err("at most 127 levels of nesting"));
    check_line(&columns, &format!("{{\"j\":{deeper}}}"), Err("at most 127 levels of nesting"));
    check_line(&columns, &"[".repeat(10_000), Err("at most 127 levels of nesting"));
}

#[test]
fn a_null_in_a_required_or_key_column_is_refused() {
    let required = ColumnSpec { required: true, ..column("x", "text") };
    for (column, kind) in [(key("x", "text"), "a key"), (required, "a required column")] {
        let reason = format!("expected text, found null in {kind}");
        check(&column, "\"\"", Ok(""));
        check(&column, "null", Err(&reason));
        check_line(std::slice::from_ref(&column), "{}", Err(&reason));
    }
    let decoded = decode(JsonDecoder::new(vec![key("x", "text")]), b"{}");
    assert_eq!(decoded.rejects[0].column.as_deref(), Some("x"));
}

#[test]
fn several_columns_may_take_one_value_and_a_value_may_hold_others() {
    let mut number = column("x", "i64");
    number.name = "number".into();
    check_line(&[column("x", "text"), number], "{\"x\":\"07\"}", Ok(vec!["07", "7"]));
    let around = [column("x", "json"), column("x.y", "i64")];
    check_line(&around, "{\"x\":{\"y\": 1}}", Ok(vec!["{\"y\": 1}", "1"]));
    let mut root = column("x", "json");
    root.path.clear();
    check_line(&[root], " [1, 2] ", Ok(vec!["[1, 2]"]));
    check_line(&[], "{\"x\":1}", Ok(vec![]));
}
