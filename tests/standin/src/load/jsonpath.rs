//! The paths of `jsonpaths` and `json_root`: members and indices, no wildcards.

use serde_json::Value;

/// A path such as `$.a.b[0]["c.d"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Index(usize),
}

impl Path {
    /// Reads a path.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("Invalid json path: {text}");
        let mut rest = text.trim().strip_prefix('$').ok_or_else(wrong)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(member) = rest.strip_prefix('.') {
                let end = member.find(['.', '[']).unwrap_or(member.len());
                if end == 0 {
                    return Err(wrong());
                }
                steps.push(Step::Member(member[..end].to_owned()));
                rest = &member[end..];
            } else {
                let (inside, after) =
                    rest.strip_prefix('[').and_then(|r| r.split_once(']')).ok_or_else(wrong)?;
                let step = match super::columns::quoted(inside) {
                    Some(name) => Step::Member(name),
                    None => Step::Index(inside.trim().parse().map_err(|_| wrong())?),
                };
                steps.push(step);
                rest = after;
            }
        }
        Ok(Self(steps))
    }

    /// The paths of a `jsonpaths` header, a JSON array of texts.
    pub(super) fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let texts: Vec<String> =
            serde_json::from_str(text).map_err(|_| format!("Invalid json path: {text}"))?;
        texts.iter().map(|text| Self::parse(text)).collect()
    }

    /// What stands there.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Member(name) => value.get(name.as_str()),
            Step::Index(index) => value.get(*index),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_and_indices_are_followed() {
        let value = json!({"a": {"b": [1, {"c.d": 2}]}});
        let find = |path: &str| Path::parse(path).unwrap().find(&value).cloned();
        assert_eq!(find("$.a.b[0]"), Some(json!(1)));
        assert_eq!(find("$.a.b[1][\"c.d\"]"), Some(json!(2)));
        assert_eq!(find("$.a.x.y"), None);
        assert_eq!(find("$"), Some(value.clone()));
    }

    #[test]
    fn other_texts_are_no_paths() {
        for wrong in ["", "a", "$a", "$.", "$..a", "$[", "$[x]", "$.a[*]"] {
            assert!(Path::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Path::parse_all(r#"["$.a", "$.b"]"#).is_ok() && Path::parse_all("$.a").is_err());
    }
}
