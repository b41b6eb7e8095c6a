//! JSON bodies: an array, objects one after another, or an object on each line.

use serde_json::{Deserializer, Value};

use crate::world::System;

use super::jsonpath::Path;

/// The shape of a JSON body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonShape {
    /// The system whose rules hold.
    pub system: System,
    /// The `strip_outer_array` header.
    pub strip_outer_array: bool,
    /// The `read_json_by_line` header.
    pub by_line: bool,
}

/// A row of a body: its object, or why it is none; and as it stood there.
pub(super) struct JsonRow {
    /// The object.
    pub object: Result<Value, String>,
    /// The row's bytes, as text.
    pub text: String,
}

/// The rows of a body. An error refuses the whole load.
pub(super) fn rows(
    bytes: &[u8],
    shape: JsonShape,
    delimiter: &[u8],
    root: Option<&Path>,
) -> Result<Vec<JsonRow>, String> {
    let mut rows = match (shape.system, shape.by_line) {
        (System::StarRocks, _) => starrocks(bytes)?,
        (System::Doris, true) => by_line(bytes, delimiter, shape.strip_outer_array),
        (System::Doris, false) => doris(bytes, shape.strip_outer_array)?,
    };
    if let Some(root) = root {
        for row in &mut rows {
            let Ok(object) = &row.object else { continue };
            let found = root.find(object).filter(|value| value.is_object()).cloned();
            row.object = found.ok_or_else(|| "JSON Root not found.".to_owned());
        }
    }
    Ok(rows)
}

/// The first byte tells: `[` is one array, `{` objects one after another.
fn starrocks(bytes: &[u8]) -> Result<Vec<JsonRow>, String> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let values = match first {
        None => return Ok(Vec::new()),
        Some(b'[') => array(bytes),
        Some(b'{') => stream(bytes),
        Some(byte) => Err(format!("unexpected byte 0x{byte:02x} at the start")),
    };
    let values = values.map_err(|error| format!("Failed to parse json: {error}"))?;
    let object = |(value, text): (Value, String)| {
        if !value.is_object() {
            return Err(format!("Failed to parse json: the row is not an object: {text}"));
        }
        Ok(JsonRow { object: Ok(value), text })
    };
    values.into_iter().map(object).collect()
}

/// A body that is one value as a whole.
fn doris(bytes: &[u8], strip_outer_array: bool) -> Result<Vec<JsonRow>, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => return Err(format!("Parse json data for JsonDoc failed. error: {error}")),
    };
    if !strip_outer_array {
        return Ok(vec![JsonRow { object: one(value), text: text() }]);
    }
    if !value.is_array() {
        let refused = "JSON data is not an array-object, `strip_outer_array` must be FALSE.";
        return Ok(vec![JsonRow { object: Err(refused.to_owned()), text: text() }]);
    }
    let values = array(bytes).map_err(|error| format!("Parse json data failed. {error}"))?;
    Ok(values.into_iter().map(|(value, text)| JsonRow { object: one(value), text }).collect())
}

/// An object on each line, or an array of them. A line that cannot be read is filtered alone.
fn by_line(bytes: &[u8], delimiter: &[u8], strip_outer_array: bool) -> Vec<JsonRow> {
    let mut rows = Vec::new();
    for line in lines(bytes, delimiter) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match doris(line, strip_outer_array) {
            Ok(found) => rows.extend(found),
            Err(error) => {
                let text = String::from_utf8_lossy(line).into_owned();
                rows.push(JsonRow { object: Err(error), text });
            }
        }
    }
    rows
}

fn one(value: Value) -> Result<Value, String> {
    match value {
        Value::Object(_) => Ok(value),
        Value::Array(_) => {
            Err("JSON data is array-object, `strip_outer_array` must be TRUE.".to_owned())
        }
        _ => Err("Json value isn't object type.".to_owned()),
    }
}

fn lines<'a>(bytes: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(delimiter) {
            lines.push(&bytes[start..at]);
            at += delimiter.len().max(1);
            start = at;
        } else {
            at += 1;
        }
    }
    lines.push(&bytes[start..]);
    lines
}

/// Values one after another, each with its text.
fn stream(bytes: &[u8]) -> Result<Vec<(Value, String)>, String> {
    let mut values = Vec::new();
    let mut rest = bytes;
    while rest.iter().any(|byte| !byte.is_ascii_whitespace()) {
        let (value, text, after) = next(rest)?;
        values.push((value, text));
        rest = after;
    }
    Ok(values)
}

/// The elements of an array with nothing behind it, each with its text.
fn array(bytes: &[u8]) -> Result<Vec<(Value, String)>, String> {
    let mut values = Vec::new();
    let mut rest = past(bytes, b'[').ok_or("an array was expected")?;
    if let Some(after) = past(rest, b']') {
        rest = after;
    } else {
        loop {
            let (value, text, after) = next(rest)?;
            values.push((value, text));
            if let Some(after) = past(after, b',') {
                rest = after;
            } else {
                rest = past(after, b']').ok_or("an element is not followed by , or ]")?;
                break;
            }
        }
    }
    if rest.iter().all(u8::is_ascii_whitespace) {
        Ok(values)
    } else {
        Err("there are bytes after the array".to_owned())
    }
}

fn past(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    let (first, rest) = bytes.trim_ascii_start().split_first()?;
    (*first == wanted).then_some(rest)
}

/// The first value, its text, and what follows.
fn next(bytes: &[u8]) -> Result<(Value, String, &[u8]), String> {
    let bytes = bytes.trim_ascii_start();
    let mut values = Deserializer::from_slice(bytes).into_iter::<Value>();
    let value = values.next().ok_or("a value is missing")?.map_err(|error| error.to_string())?;
    let (text, after) = bytes.split_at(values.byte_offset().min(bytes.len()));
    Ok((value, String::from_utf8_lossy(text).into_owned(), after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn shape(system: System, strip_outer_array: bool, by_line: bool) -> JsonShape {
        JsonShape { system, strip_outer_array, by_line }
    }

    fn objects(body: &str, shape: JsonShape) -> Option<Vec<Option<Value>>> {
        let rows = rows(body.as_bytes(), shape, b"\n", None).ok()?;
        Some(rows.into_iter().map(|row| row.object.ok()).collect())
    }

    #[test]
    fn starrocks_goes_by_the_first_byte() {
        let shape = shape(System::StarRocks, false, false);
        let both = Some(vec![Some(json!({"a": 1})), Some(json!({"a": 2}))]);
        let bodies = [
            "{\"a\":1}{\"a\":2}",
            "{\"a\":1}\n{\"a\":2}\n",
            " [{\"a\":1}, {\"a\":2}] ",
            "{\"a\":1} {\"a\":2}",
        ];
        for body in bodies {
            assert_eq!(objects(body, shape), both, "{body}");
        }
        assert_eq!(objects("", shape), Some(Vec::new()));
        assert_eq!(objects("[]", shape), Some(Vec::new()));
        for wrong in ["x", "[1]", "[{\"a\":1}", "[{}] x", "[{},]", "{\"a\":}", "{} 1", "[{} {}]"] {
            assert_eq!(objects(wrong, shape), None, "{wrong}");
        }
    }

    #[test]
    fn doris_reads_lines_and_arrays_as_asked() {
        let by_line = shape(System::Doris, false, true);
        let one = Some(json!({"a": 1}));
        let body = "{\"a\":1}\n\n{\"a\":\n[{}]";
        assert_eq!(objects(body, by_line), Some(vec![one.clone(), None, None]));
        let arrays = shape(System::Doris, true, true);
        let body = "[{\"a\":1}]\n[{\"a\":1}]";
        assert_eq!(objects(body, arrays), Some(vec![one.clone(), one.clone()]));
        let array = shape(System::Doris, true, false);
        assert_eq!(objects("[{\"a\":1}]", array), Some(vec![one.clone()]));
        assert_eq!(objects("{\"a\":1}", array), Some(vec![None]));
        let single = shape(System::Doris, false, false);
        assert_eq!(objects("{\"a\":1}", single), Some(vec![one]));
        assert_eq!(objects("{\"a\":1}\n{\"a\":2}", single), None);
        assert_eq!(objects("", single), Some(Vec::new()));
    }

    #[test]
    fn numbers_keep_their_digits_and_rows_their_text() {
        let body = "[{\"a\" : 12345678901234567890123456789012345678.10}]";
        let rows = rows(body.as_bytes(), shape(System::StarRocks, true, false), b"\n", None);
        let row = rows.unwrap().remove(0);
        assert_eq!(row.text, body[1..body.len() - 1]);
        let object = row.object.unwrap();
        assert_eq!(object["a"].to_string(), "12345678901234567890123456789012345678.10");
    }

    #[test]
    fn a_root_is_followed() {
        let root = Path::parse("$.row").unwrap();
        let shape = shape(System::StarRocks, false, false);
        let body = b"{\"row\":{\"a\":1}}{\"other\":1}";
        let rows = rows(body, shape, b"\n", Some(&root)).unwrap();
        let objects: Vec<_> = rows.into_iter().map(|row| row.object.ok()).collect();
        assert_eq!(objects, [Some(json!({"a": 1})), None]);
    }

    proptest! {
        #[test]
        fn texts_come_back_from_every_shape(texts in prop::collection::vec(any::<String>(), 0..5)) {
            let wanted: Vec<_> = texts.iter().map(|text| json!({"t": text})).collect();
            let array = Value::from(wanted.clone()).to_string();
            let lines: Vec<String> = wanted.iter().map(Value::to_string).collect();
            let wanted: Vec<_> = wanted.into_iter().map(Some).collect();
            let cases = [
                (array.clone(), shape(System::StarRocks, true, false)),
                (lines.concat(), shape(System::StarRocks, false, false)),
                (array, shape(System::Doris, true, false)),
                (lines.join("\n"), shape(System::Doris, false, true)),
            ];
            for (body, shape) in cases {
                prop_assert_eq!(objects(&body, shape), Some(wanted.clone()));
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            for system in [System::StarRocks, System::Doris] {
                for by_line in [false, true] {
                    let _ = rows(&bytes, shape(system, by_line, by_line), b"\n", None);
                }
            }
        }
    }
}
