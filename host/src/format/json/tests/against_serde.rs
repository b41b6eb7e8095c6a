//! The decoder against `serde_json::Value` with arbitrary precision: what it accepts, and which
//! values come out. The oracle works on decimal strings, not on the decoder's arithmetic.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn columns() -> Vec<ColumnSpec> {
    vec![
        column("t", "text"),
        column("b", "bool"),
        column("j", "json"),
        column("é", "text"),
        column("o.i", "i64"),
        column("o.d", "decimal(10,2)"),
        column("o.m", "timestamp"),
        column("o.p.l", "decimal(38,6)"),
    ]
}

/// The value as [`show`] prints it, or `Err` where it is refused.
type Expected = Result<String, ()>;

fn expected(value: &Value, spec: &ColumnSpec) -> Expected {
    let mut value = value;
    for name in &spec.path {
        match value {
            Value::Object(members) => match members.get(name) {
                Some(member) => value = member,
                None => return null(),
            },
            Value::Null => return null(),
            _ => return Err(()),
        }
    }
    if value.is_null() {
        return null();
    }
    match spec.data_type {
        DataType::Json => Ok(value.to_string()),
        DataType::Bool => value.as_bool().map(|value| value.to_string()).ok_or(()),
        DataType::Text => scalar(value),
        DataType::Int64 => fixed(&scalar(value)?, 0, 38, false).and_then(within_i64),
        DataType::Decimal { precision, scale } => {
            fixed(&scalar(value)?, scale.into(), precision.into(), true)
        }
        DataType::Timestamp => {
            let micros = within_i64(fixed(&scalar(value)?, 0, 38, false)? + "000")?;
            let micros: i64 = micros.parse().expect("an i64");
            let years = -62_135_596_800_000_000..=253_402_300_799_999_999;
            if years.contains(&micros) { Ok(micros.to_string()) } else { Err(()) }
        }
        other => panic!("no expectation for {other}"),
    }
}

fn null() -> Expected {
    Ok("null".to_owned())
}

/// The text that a scalar stands for.
fn scalar(value: &Value) -> Result<String, ()> {
    match value {
        Value::Number(number) => Ok(number.as_str().to_owned()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Object(members) => {
            let (name, inner) = members.iter().next().filter(|_| members.len() == 1).ok_or(())?;
            match (name.as_str(), inner) {
                ("$oid", Value::String(text)) => Ok(text.clone()),
                ("$numberLong" | "$numberDecimal", Value::String(text)) => {
                    plain_decimal(text).map(|_| text.clone())
                }
                ("$numberLong" | "$numberDecimal", Value::Number(_)) => scalar(inner),
                ("$date", Value::Number(_) | Value::String(_)) => scalar(inner),
                ("$date", Value::Object(number))
                    if !number.contains_key("$oid") && !number.contains_key("$date") =>
                {
                    scalar(inner)
                }
                _ => Err(()),
            }
        }
        Value::Array(_) | Value::Null => Err(()),
    }
}

/// Sign, digits before the point and digits behind it, without an exponent.
fn plain_decimal(text: &str) -> Result<(bool, String, String), ()> {
    let text = text.trim_matches(' ');
    let (negative, text) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, exponent)) => {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(());
            }
            // Beyond this no digit of these tests is left on one side of the point.
            let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(300);
            (mantissa, if exponent.starts_with('-') { -size } else { size })
        }
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if (whole.is_empty() && fraction.is_empty())
        || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return Err(());
    }
    let (mut whole, mut fraction) = (whole.to_owned(), fraction.to_owned());
    for _ in 0..exponent {
        whole.push(if fraction.is_empty() { '0' } else { fraction.remove(0) });
    }
    for _ in exponent..0 {
        fraction.insert(0, whole.pop().unwrap_or('0'));
    }
    Ok((negative, whole, fraction))
}

/// The number times 10^`scale` in at most `precision` digits, rounded half away from zero or cut.
fn fixed(text: &str, scale: usize, precision: usize, round: bool) -> Expected {
    let (negative, whole, mut fraction) = plain_decimal(text)?;
    while fraction.len() <= scale {
        fraction.push('0');
    }
    let (kept, dropped) = fraction.split_at(scale);
    let mut digits = (whole + kept).into_bytes();
    if round && dropped.as_bytes()[0] >= b'5' {
        // Add one as on paper.
        let mut place = digits.len();
        loop {
            if place == 0 {
                digits.insert(0, b'1');
                break;
            }
            place -= 1;
            if digits[place] < b'9' {
                digits[place] += 1;
                break;
            }
            digits[place] = b'0';
        }
    }
    let digits = String::from_utf8(digits).expect("digits");
    let digits = digits.trim_start_matches('0');
    match digits.len() {
        0 => Ok("0".to_owned()),
        length if length > precision => Err(()),
        _ => Ok(format!("{}{digits}", if negative { "-" } else { "" })),
    }
}

fn within_i64(digits: String) -> Expected {
    digits.parse::<i64>().map(|value| value.to_string()).map_err(|_| ())
}

/// A number's own text as `serde_json` keeps it: `1E5` is `1e+5` there.
fn as_serde_keeps_it(text: &str) -> String {
    let text = text.replace('E', "e");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with(['+', '-']) => {
            format!("{mantissa}e+{exponent}")
        }
        _ => text,
    }
}

/// Whether a column of text took its value from a bare number.
fn from_number(value: &Value, path: &[String]) -> bool {
    let at_path = path.iter().try_fold(value, |value, name| value.get(name));
    match at_path {
        Some(Value::Number(_)) => true,
        Some(Value::Object(members)) => members.values().any(|inner| {
            inner.is_number()
                || inner.as_object().is_some_and(|inner| inner.values().any(Value::is_number))
        }),
        _ => false,
    }
}

fn check(decoded: &Decoded, row: Option<usize>, line: &[u8]) {
    let text = String::from_utf8_lossy(line);
    let wanted: Option<(Value, Vec<String>)> =
        serde_json::from_slice::<Value>(line).ok().and_then(|value| {
            let row: Result<Vec<_>, ()> =
                columns().iter().map(|spec| expected(&value, spec)).collect();
            row.ok().map(|row| (value, row))
        });
    let Some((value, wanted)) = wanted else {
        assert_eq!(row, None, "{text} is accepted and should be refused");
        return;
    };
    let Some(row) = row else { panic!("{text} is refused and should be accepted") };
    for ((array, spec), wanted) in decoded.columns.iter().zip(columns()).zip(wanted) {
        let mut shown = show(array, row);
        if spec.data_type == DataType::Json && !array.is_null(row) {
            shown = serde_json::from_str::<Value>(&shown).expect("JSON").to_string();
        } else if spec.data_type == DataType::Text && from_number(&value, &spec.path) {
            shown = as_serde_keeps_it(&shown);
        }
        assert_eq!(shown, wanted, "column {} of {text}", spec.name);
    }
}

/// Checks each line by itself, and again among others, where shapes are learnt and used.
fn check_lines(lines: &[Vec<u8>]) {
    for line in lines {
        let decoded = decode(JsonDecoder::without_learning(columns()), line);
        check(&decoded, decoded.lines.first().map(|_| 0), line);
    }
    let lines: Vec<&Vec<u8>> = lines.iter().chain(lines).chain(lines.iter().rev()).collect();
    let mut text = Vec::new();
    for line in &lines {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    let decoded = decode(JsonDecoder::new(columns()), &text);
    assert_eq!(decoded.rows + decoded.rejects.len(), lines.len());
    for (number, line) in (1_i64..).zip(lines) {
        check(&decoded, decoded.lines.binary_search(&number).ok(), line);
    }
}

fn name() -> impl Strategy<Value = String> {
    let plain = vec![
        "t",
        "b",
        "j",
        "é",
        "o",
        "i",
        "d",
        "m",
        "p",
        "l",
        "u",
        "\\u0074",
        "\\u00e9",
        "o\\u0000",
        "",
        "$oid",
        "$numberLong",
        "$numberDecimal",
        "$date",
    ];
    prop::sample::select(plain).prop_map(|name| format!("\"{name}\""))
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,11})",
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,8})?([eE][+-]?[0-9]{1,3})?",
        "-?0?[1-9][0-9]{0,2}\\.[0-9]{1,3}5",
        "-?[1-9]e-?[0-9]{18,22}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a-zA-Z0-9 é世/]{0,12}",
        2 => Just("\\\"".to_owned()), 1 => Just("\\u0000".to_owned()), 1 => Just("\\ud83d\\ude00".to_owned()),
        1 => Just("\\n\\/".to_owned()), 1 => Just("\\ud83d".to_owned()), 1 => Just("\u{7f}".to_owned()),
        1 => Just("\\u00E9".to_owned()), 1 => Just("\\x".to_owned()),
    ];
    let free = prop::collection::vec(piece, 0..3).prop_map(|pieces| pieces.concat());
    let numeric = " ?[+-]?[0-9]{0,4}\\.?[0-9]{0,3}([eE][+-]?[0-9]{1,2})? ?";
    prop_oneof![2 => free, 1 => numeric].prop_map(|text| format!("\"{text}\""))
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![12 => Just(""), 2 => Just(" "), 1 => Just("\t\r ")]
}

/// A document as text: white space, duplicate names and escapes are part of the game.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => number(), 3 => text(), 1 => Just("null".to_owned()), 1 => Just("true".to_owned()),
        1 => Just("false".to_owned()),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        let member = (name(), space(), space(), inner.clone())
            .prop_map(|(name, before, behind, value)| format!("{before}{name}{behind}:{before}{value}{behind}"));
        prop_oneof![
            3 => prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(" ,"))),
            1 => (prop::sample::select(vec!["$oid", "$numberLong", "$numberDecimal", "$date"]), inner)
                .prop_map(|(name, value)| format!("{{\"{name}\":{value}}}")),
        ]
    });
    let members = (value.clone(), value.clone(), value.clone(), value.clone(), value.clone());
    let wager = (members, text(), number(), number()).prop_map(|((t, j, p, u, e), text, number, time)| {
        format!(
            "{{\"t\":{text},\"j\":{j},\"u\":[{u},{t}],\"é\":{e},\"o\":{{\"i\":{number},\"d\":{number},\
             \"m\":{time},\"p\":{{\"l\":{number},\"u\":{p}}}}},\"b\":true}}"
        )
    });
    prop_oneof![2 => wager, 2 => value]
}

/// Changes to a line's bytes.
fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    let byte = prop_oneof![
        prop::sample::select(b"{}[]\",:0123456789.eE+-tfn\\u \t\x00\x1f\x7f\xff\xc3\xa9".to_vec()),
        any::<u8>(),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), byte, 0_u8..4), 1..4)
}

fn damaged(line: &str, damages: Vec<(prop::sample::Index, u8, u8)>) -> Vec<u8> {
    let mut line = line.as_bytes().to_vec();
    for (place, byte, kind) in damages {
        if line.is_empty() {
            break;
        }
        let place = place.index(line.len());
        // A newline would make two lines of it.
        let byte = if byte == b'\n' { b' ' } else { byte };
        match kind {
            0 => line[place] = byte,
            1 => line.insert(place, byte),
            2 => line.truncate(place),
            _ => {
                line.remove(place);
            }
        }
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        // Blank lines are nobody's rows, and tested elsewhere.
        line = b"{}".to_vec();
    }
    line
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn documents_decode_as_serde_json_reads_them(documents in prop::collection::vec(document(), 1..5)) {
        let lines: Vec<_> = documents.into_iter().map(String::into_bytes).collect();
        check_lines(&lines);
    }

    #[test]
    fn damaged_documents_are_refused_when_serde_json_refuses_them(
        document in document(),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut lines = vec![document.clone().into_bytes()];
        lines.extend(damages.into_iter().map(|damages| damaged(&document, damages)));
        check_lines(&lines);
    }

    #[test]
    fn bytes_that_nobody_wrote_never_panic(text in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut decoder = JsonDecoder::new(columns());
        let progress = decoder.decode_chunk(&text, ALL);
        prop_assert_eq!(progress.bytes, text.len());
        let decoded = decoder.finish();
        prop_assert_eq!(
            decoded.rows as u64 + decoded.rejects.len() as u64 + progress.blank_lines,
            progress.lines
        );
    }
}

#[test]
fn the_oracle_reads_numbers_as_documented() {
    assert_eq!(fixed("1.005", 2, 18, true), Ok("101".to_owned()));
    assert_eq!(fixed("-99.995", 2, 18, true), Ok("-10000".to_owned()));
    assert_eq!(fixed("2.7", 0, 18, false), Ok("2".to_owned()));
    assert_eq!(fixed("1e300", 2, 18, true), Err(()));
    assert_eq!(fixed(".", 2, 18, true), Err(()));
}
