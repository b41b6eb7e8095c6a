//! Params: a `serde` struct, checked against what the pipeline's TOML says.
//!
//! Every key is checked, and so is the type of every value; what is wrong is reported by its path
//! with a hint. Give the struct `#[serde(default)]` for defaults. Unknown keys at the top are found
//! in any case; `#[serde(deny_unknown_fields)]` finds them in nested structs too.

use serde::de::value::Error as ProbeError;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde_json::{Map, Value};

use crate::raw::{Failure, Problem};

/// How `serde` begins to say that a value without a default was not given.
const MISSING: &str = "missing field";

/// Reads the params of a transform.
///
/// # Errors
/// Every key that is unknown, and every value that does not fit.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Problem>> {
    let mut given = object(text)?;
    let mut problems = unknown::<T>(&mut given);
    loop {
        let error = match serde_json::from_value::<T>(Value::Object(given.clone())) {
            Ok(params) if problems.is_empty() => return Ok(params),
            Ok(_) => return Err(problems),
            Err(error) => error.to_string(),
        };
        let path = blame::<T>(&given, &error);
        let (top, _) = path.split_once(['.', '[']).unwrap_or((path.as_str(), ""));
        // What is missing only because a bad value was set aside is no news.
        let first = problems.is_empty();
        let found = given.remove(top).is_some();
        if found || first {
            problems.push(Problem::params(path, error, None));
        }
        if !found {
            return Err(problems);
        }
    }
}

/// Reads the params of a transform that has none.
///
/// # Errors
/// Any key.
pub fn none(text: &str) -> Result<(), Vec<Problem>> {
    let inside = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if text.trim().is_empty() || inside.is_some_and(|keys| keys.trim().is_empty()) {
        return Ok(());
    }
    let hint = Some("remove `params`".to_owned());
    Err(vec![Problem::params("", "this transform takes no params", hint)])
}

/// The failure of an `open` with params that `describe` did not pass.
#[must_use]
pub fn failure(problems: &[Problem]) -> Failure {
    let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    Failure::new(messages.join("; "))
}

fn object(text: &str) -> Result<Map<String, Value>, Vec<Problem>> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text)
        .map_err(|error| vec![Problem::params("", format!("not a JSON object: {error}"), None)])
}

/// Takes the unknown keys out of `given`. A type that is no struct takes any key.
fn unknown<T: DeserializeOwned>(given: &mut Map<String, Value>) -> Vec<Problem> {
    let mut known = None;
    // The probe answers no value, so this is an error always.
    let _ = T::deserialize(FieldProbe(&mut known)).err();
    let Some(known) = known else { return Vec::new() };
    let strangers: Vec<String> =
        given.keys().filter(|key| !known.contains(&key.as_str())).cloned().collect();
    let problem = |key: String| {
        let hint = match nearest(&key, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "this transform takes no params".to_owned(),
            None => format!("it takes {}", known.join(", ")),
        };
        Problem::params(key.clone(), format!("unknown param `{key}`"), Some(hint))
    };
    for key in &strangers {
        given.remove(key);
    }
    strangers.into_iter().map(problem).collect()
}

/// The path of the value that `error` is about. Taking that value away changes the error; taking
/// any other does not, because values are read in order up to the first that is wrong. Only what is
/// missing is found at the end, and then taking away more makes for another such error.
fn blame<T: DeserializeOwned>(given: &Map<String, Value>, error: &str) -> String {
    let whole = Value::Object(given.clone());
    let changes = |without: Value| match serde_json::from_value::<T>(without) {
        Ok(_) => true,
        Err(other) => {
            let other = other.to_string();
            other != error && !(error.starts_with(MISSING) && other.starts_with(MISSING))
        }
    };
    descend(&whole, &changes).unwrap_or_default()
}

fn descend(value: &Value, changes: &dyn Fn(Value) -> bool) -> Option<String> {
    let deeper = |key: String, inner: &Value, put: &dyn Fn(Value) -> Value| {
        let rest = descend(inner, &|changed| changes(put(changed))).unwrap_or_default();
        let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
        Some(format!("{key}{dot}{rest}"))
    };
    match value {
        Value::Object(entries) => {
            let (key, inner) = entries.iter().find(|(key, _)| {
                let mut without = entries.clone();
                without.remove(*key);
                changes(Value::Object(without))
            })?;
            deeper(key.clone(), inner, &|changed| {
                let mut entries = entries.clone();
                entries.insert(key.clone(), changed);
                Value::Object(entries)
            })
        }
        Value::Array(items) => {
            let (index, inner) = items.iter().enumerate().find(|(index, _)| {
                let mut without = items.clone();
                without.remove(*index);
                changes(Value::Array(without))
            })?;
            deeper(format!("[{index}]"), inner, &|changed| {
                let mut items = items.clone();
                items[index] = changed;
                Value::Array(items)
            })
        }
        _ => None,
    }
}

/// The known name that is a typing error away from `key`.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let allowed = (key.len() / 3).max(1);
    let nearest = known.iter().min_by_key(|name| distance(key, name))?;
    (distance(key, nearest) <= allowed).then_some(*nearest)
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut costs: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.chars().enumerate() {
        let mut diagonal = row;
        costs[0] = row + 1;
        for (column, b) in right.iter().enumerate() {
            let replace = diagonal + usize::from(a != *b);
            diagonal = costs[column + 1];
            costs[column + 1] = replace.min(costs[column] + 1).min(diagonal + 1);
        }
    }
    costs[right.len()]
}

/// Asks a struct for the names of its fields.
struct FieldProbe<'p>(&'p mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for FieldProbe<'_> {
    type Error = ProbeError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, ProbeError> {
        Err(ProbeError::custom("a probe has no value"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ProbeError> {
        *self.0 = Some(fields);
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::raw::Subject;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Params {
        min_version: i64,
        limits: Limits,
        rates: Vec<f64>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Limits {
        max: u32,
    }

    fn paths(text: &str) -> Vec<String> {
        let problems = read::<Params>(text).expect_err("something is wrong");
        problems
            .into_iter()
            .map(|problem| match problem.subject {
                Subject::Params(path) => path,
                _ => "no params".to_owned(),
            })
            .collect()
    }

    #[test]
    fn good_params_are_read_and_default() {
        assert_eq!(read::<Params>("{}"), Ok(Params::default()));
        let params = read::<Params>(r#"{"min_version": 3, "limits": {"max": 7}}"#);
        assert_eq!(params.map(|params| (params.min_version, params.limits.max)), Ok((3, 7)));
    }

    #[test]
    fn each_bad_value_is_named_by_its_path() {
        assert_eq!(paths(r#"{"min_version": "one"}"#), ["min_version"]);
        assert_eq!(paths(r#"{"limits": {"max": -1}}"#), ["limits.max"]);
        assert_eq!(paths(r#"{"rates": [1.5, true]}"#), ["rates[1]"]);
        assert_eq!(paths(r#"{"limits": {"mox": 1}, "min_version": []}"#).len(), 2);
        assert_eq!(paths("[]"), [""]);
    }

    #[test]
    fn unknown_keys_get_a_hint() {
        let problems = read::<Params>(r#"{"min_versoin": 1}"#).expect_err("a typing error");
        assert_eq!(problems[0].hint.as_deref(), Some("did you mean `min_version`?"));
        let problems = read::<Params>(r#"{"colour": 1}"#).expect_err("a stranger");
        assert_eq!(problems[0].hint.as_deref(), Some("it takes min_version, limits, rates"));
    }

    #[test]
    fn a_missing_value_is_blamed_on_no_other() {
        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "only serde looks at the fields")]
        struct Required {
            low: i64,
            high: i64,
        }
        let problems = read::<Required>(r#"{"low": 1}"#).expect_err("`high` is missing");
        assert_eq!(problems, [Problem::params("", "missing field `high`", None)]);
        let problems = read::<Required>(r#"{"low": "x", "high": 1}"#).expect_err("a text");
        assert_eq!(problems[0].subject, Subject::Params("low".to_owned()));
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn no_params_means_none() {
        assert_eq!(none(" { } "), Ok(()));
        assert_eq!(none(""), Ok(()));
        assert!(none(r#"{"a": 1}"#).is_err());
    }
}
