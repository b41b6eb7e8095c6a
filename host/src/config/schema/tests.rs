//! Files that conform and files that do not, by a checker of just the part of JSON Schema that is
//! written here.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::document;
use super::value::{DECIMAL, DURATION, NAME, SIZE, VARIABLE};
use crate::config::units;
use crate::record::DataType;

/// A file as an editor sees it: times are texts.
fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).expect("it has 64 bits").into()
        }
        DeValue::Float(float) => float.as_str().parse::<f64>().expect("a number").into(),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(nodes) => nodes.iter().map(|node| json(node.get_ref())).collect(),
        DeValue::Table(table) => object(table),
    }
}

fn object(table: &DeTable<'_>) -> Value {
    table.iter().map(|(key, node)| (key.get_ref().to_string(), json(node.get_ref()))).collect()
}

/// What is wrong with a value, each with its place; nothing if it conforms.
fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Value::Object(words) = schema else { panic!("at {at} stands {schema}") };
    let mut faults = Vec::new();
    for (word, rule) in words {
        match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" => {}
            "$ref" => faults.extend(self::faults(root, referred(root, rule), value, at)),
            "type" => faults.extend(of_type(rule, value, at)),
            "const" => {
                if rule != value {
                    faults.push(format!("{at}: {value} is not {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().expect("a list").contains(value) {
                    faults.push(format!("{at}: {value} is none of {rule}"));
                }
            }
            "pattern" => {
                if let Value::String(text) = value
                    && !fits(rule.as_str().expect("a text"), text)
                {
                    faults.push(format!("{at}: {value} is not like {rule}"));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    faults.extend(self::faults(root, rule, item, &format!("{at}[{index}]")));
                }
            }
            "anyOf" | "oneOf" => faults.extend(alternatives(root, word, rule, value, at)),
            "required" => {
                let names = rule.as_array().expect("a list");
                let names = names.iter().map(|name| name.as_str().expect("a name"));
                let missing = names.filter(|name| value.is_object() && value.get(name).is_none());
                faults.extend(missing.map(|name| format!("{at}: {name} is missing")));
            }
            "properties" | "patternProperties" | "additionalProperties" => {}
            _ => panic!("the checker does not know `{word}`"),
        }
    }
    faults.extend(members(root, schema, value, at));
    faults
}

fn referred<'a>(root: &'a Value, reference: &Value) -> &'a Value {
    let name = reference.as_str().and_then(|name| name.strip_prefix("#/$defs/"));
    let name = name.expect("references are to definitions");
    root["$defs"].get(name).unwrap_or_else(|| panic!("{name} is not defined"))
}

fn of_type(rule: &Value, value: &Value, at: &str) -> Option<String> {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => panic!("the checker does not know the type `{name}`"),
    };
    let fits = match rule {
        Value::Array(names) => names.iter().any(|name| name.as_str().is_some_and(is)),
        rule => rule.as_str().is_some_and(is),
    };
    (!fits).then(|| format!("{at}: {value} is no {rule}"))
}

fn alternatives(root: &Value, word: &str, rule: &Value, value: &Value, at: &str) -> Vec<String> {
    let tried: Vec<Vec<String>> = rule
        .as_array()
        .expect("a list")
        .iter()
        .map(|schema| faults(root, schema, value, at))
        .collect();
    match tried.iter().filter(|faults| faults.is_empty()).count() {
        0 => vec![format!("{at}: no alternative fits: {tried:?}")],
        1 => Vec::new(),
        _ if word == "anyOf" => Vec::new(),
        fitting => vec![format!("{at}: {fitting} alternatives fit {value}")],
    }
}

fn members(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Value::Object(members) = value else { return Vec::new() };
    let mut faults = Vec::new();
    for (name, member) in members {
        let at = format!("{at}.{name}");
        let by_pattern = schema["patternProperties"].as_object().into_iter().flatten();
        let mut rules: Vec<&Value> =
            by_pattern.filter(|(pattern, _)| fits(pattern, name)).map(|(_, rule)| rule).collect();
        rules.extend(schema["properties"].get(name));
        if rules.is_empty() {
            match &schema["additionalProperties"] {
                Value::Bool(false) => faults.push(format!("{at}: it is not known")),
                rule @ Value::Object(_) => rules.push(rule),
                _ => {}
            }
        }
        for rule in rules {
            faults.extend(self::faults(root, rule, member, &at));
        }
    }
    faults
}

/// What the patterns mean, said in Rust.
fn fits(pattern: &str, text: &str) -> bool {
    let variable = text.contains("${");
    match pattern {
        VARIABLE => variable,
        NAME => {
            let legal = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
            !text.is_empty() && text.chars().all(legal)
        }
        DURATION => variable || units::duration(text).is_some(),
        SIZE => variable || units::size(text).is_some(),
        DECIMAL => variable || matches!(text.parse(), Ok(DataType::Decimal { .. })),
        _ => panic!("the checker does not know the pattern `{pattern}`"),
    }
}

fn checked(text: &str) -> Vec<String> {
    let table = DeTable::parse(text).expect("it is TOML");
    let root = document();
    faults(&root, &root, &object(table.get_ref()), "file")
}

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it lies in the workspace").to_owned()
}

/// The TOML files of a folder and of those below it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_pipeline_of_the_tree_conforms() {
    let mut number = 0;
    for folder in ["pipelines", "tests/golden/pipelines", "tests/golden/config/warnings"] {
        for file in files(&tree().join(folder)) {
            let faults = checked(&fs::read_to_string(&file).expect("it is readable"));
            assert!(faults.is_empty(), "{}:\n{}", file.display(), faults.join("\n"));
            number += 1;
        }
    }
    assert!(number >= 8, "only {number} files");
}

#[test]
fn what_is_wrong_in_itself_does_not() {
    for name in [
        "unknown_key",
        "missing_key",
        "misspelt_required_key",
        "misspelt_type",
        "wrong_kind",
        "quoted_number",
        "unknown_word",
        "unknown_type",
        "bad_duration",
        "bad_size",
        "illegal_name",
    ] {
        let file = tree().join(format!("tests/golden/config/invalid/{name}.toml"));
        let text = fs::read_to_string(&file).expect("it is readable");
        assert!(!checked(&text).is_empty(), "{name} conforms");
    }
}

const ANYWHERE: &str = r#"
[pipeline]
name = "${NAME}"
delivery = "${DELIVERY}"
stop_timeout = "${STOP:-1s}"
batch = { rows = "${ROWS}", bytes = "${BYTES}" }

[sources.a]
type = "${KIND}"
seed = "${SEED}"

[sources.b]
type = "generator"
rate = "${RATE}"
start = 2026-01-01T00:00:00Z
columns = { b = "${TYPE}", c = { type = "i64", key = "${KEY}" } }
on_error = { action = "${ACTION}", max = "${MAX}" }

[transforms.c]
input = { left = "a", right = ["b", "${B}"] }
module = "${MODULE}"
params = { anything = [1, { goes = 1.5 }] }

[sinks.d]
type = "blackhole"
input = "c"
expect = { b = "decimal(18,2)", c = { type = "i64", required = true } }
"#;

#[test]
fn a_variable_may_stand_for_any_value() {
    assert_eq!(checked(ANYWHERE), [""; 0]);
    for (right, wrong) in [
        ("rows = \"${ROWS}\"", "rows = \"1\""),
        ("key = \"${KEY}\"", "key = \"true\""),
        ("type = \"${KIND}\"", "type = \"nothing\""),
        ("action = \"${ACTION}\"", "action = \"skip\""),
        ("decimal(18,2)", "decimal"),
        ("[\"b\", \"${B}\"]", "[1]"),
    ] {
        let text = ANYWHERE.replace(right, wrong);
        assert!(text != ANYWHERE && !checked(&text).is_empty(), "{wrong}");
    }
}

#[test]
fn the_patterns_have_the_units_of_the_program() {
    let listed = |pattern: &'static str| {
        let inside = pattern.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        inside.expect("a group").0.split('|').collect::<Vec<_>>()
    };
    for unit in listed(DURATION) {
        assert!(units::duration(&format!("1{unit}")).is_some(), "{unit}");
    }
    for unit in listed(SIZE) {
        assert!(units::size(&format!("1{unit}")).is_some(), "{unit}");
    }
    let named = |units: Vec<&str>| units.join(", ");
    assert!(units::DURATION_HINT.contains(&format!("one of {},", named(listed(DURATION)))));
    assert!(units::SIZE_HINT.contains(&format!("one of {},", named(listed(SIZE)))));
}
