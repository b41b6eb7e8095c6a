//! Text as MySQL joins and cuts it.

use super::super::value::Value;
use super::{Function, argument, whole};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("concat", concat),
    ("concat_ws", concat_ws),
    ("left_text", left),
    ("right_text", right),
    ("hex_text", hex),
    ("char_length", char_length),
    ("byte_length", byte_length),
];

fn concat(arguments: &[Value]) -> Result<Value, String> {
    // One null makes all of it null.
    let parts: Option<Vec<String>> = arguments.iter().map(Value::text).collect();
    Ok(parts.map_or(Value::Null, |parts| Value::Text(parts.concat())))
}

fn concat_ws(arguments: &[Value]) -> Result<Value, String> {
    let Some(between) = argument(arguments, 0).text() else { return Ok(Value::Null) };
    let parts: Vec<String> = arguments.iter().skip(1).filter_map(Value::text).collect();
    Ok(Value::Text(parts.join(&between)))
}

fn cut(arguments: &[Value], how: fn(Vec<char>, usize) -> String) -> Result<Value, String> {
    let (Some(text), Some(count)) = (argument(arguments, 0).text(), whole(arguments, 1)) else {
        return Ok(Value::Null);
    };
    Ok(Value::Text(how(text.chars().collect(), usize::try_from(count).unwrap_or(0))))
}

fn left(arguments: &[Value]) -> Result<Value, String> {
    cut(arguments, |all, count| all.into_iter().take(count).collect())
}

fn right(arguments: &[Value]) -> Result<Value, String> {
    cut(arguments, |all, count| {
        let skipped = all.len().saturating_sub(count);
        all.into_iter().skip(skipped).collect()
    })
}

fn hex(arguments: &[Value]) -> Result<Value, String> {
    Ok(match argument(arguments, 0) {
        Value::Null => Value::Null,
        Value::Integer(number) => Value::Text(format!("{number:X}")),
        other => {
            let text = other.text().unwrap_or_default();
            Value::Text(text.bytes().map(|byte| format!("{byte:02X}")).collect())
        }
    })
}

fn length(arguments: &[Value], of: fn(&str) -> usize) -> Result<Value, String> {
    let text = argument(arguments, 0).text();
    let length = text.map(|text| i64::try_from(of(&text)).unwrap_or(i64::MAX));
    Ok(length.map_or(Value::Null, Value::Integer))
}

fn char_length(arguments: &[Value]) -> Result<Value, String> {
    length(arguments, |text| text.chars().count())
}

fn byte_length(arguments: &[Value]) -> Result<Value, String> {
    length(arguments, str::len)
}
