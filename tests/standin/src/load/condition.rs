//! The `delete` header of Doris: which rows are deletes.

use crate::catalog::Cell;

use super::columns::{name_of, quoted};

/// `column = constant`, or another comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    column: String,
    comparison: Comparison,
    constant: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// Longer signs first: `<=` is not `<`.
const SIGNS: [(&str, Comparison); 7] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("!=", Comparison::Unequal),
    ("<>", Comparison::Unequal),
    ("=", Comparison::Equal),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];

impl Condition {
    /// Reads a condition.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("parse delete condition failed: {text}");
        let (column, rest) = name_of(text.trim())?;
        let rest = rest.trim();
        let (sign, comparison) =
            SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(wrong)?;
        let constant = rest[sign.len()..].trim();
        let constant = quoted(constant).unwrap_or_else(|| constant.to_owned());
        if constant.is_empty() || constant.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self { column, comparison: *comparison, constant })
    }

    /// The column that it looks at.
    pub(super) fn column(&self) -> &str {
        &self.column
    }

    /// Whether a row's values fit it; null never does.
    pub(super) fn fits(&self, values: &[(String, Cell)]) -> bool {
        let mut found = values.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&self.column));
        let text = match found.next() {
            None | Some((_, Cell::Null | Cell::Json(serde_json::Value::Null))) => return false,
            Some((_, Cell::Text(text) | Cell::Json(serde_json::Value::String(text)))) => {
                text.clone()
            }
            Some((_, Cell::Json(serde_json::Value::Bool(is)))) => u8::from(*is).to_string(),
            Some((_, Cell::Json(value))) => value.to_string(),
        };
        let order = match (text.parse::<f64>(), self.constant.parse::<f64>()) {
            (Ok(is), Ok(wanted)) => is.partial_cmp(&wanted),
            _ => Some(text.as_str().cmp(self.constant.as_str())),
        };
        order.is_some_and(|order| match self.comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::Unequal => order.is_ne(),
            Comparison::Below => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Above => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(condition: &str, cell: Cell) -> bool {
        Condition::parse(condition).unwrap().fits(&[("flag".to_owned(), cell)])
    }

    #[test]
    fn rows_are_compared_as_numbers_or_texts() {
        let text = |text: &str| Cell::Text(text.to_owned());
        assert!(fits("flag=1", text("1")) && fits("`flag` = '1'", Cell::Json(json!(1))));
        assert!(fits("flag = true", text("true")) && fits("flag=1", Cell::Json(json!(true))));
        assert!(fits("flag <> 'x'", text("y")) && fits("flag >= 2", text("10")));
        assert!(!fits("flag=1", Cell::Null) && !fits("flag!=1", Cell::Null));
        assert!(!fits("other=1", text("1")));
    }

    #[test]
    fn other_texts_are_no_conditions() {
        for wrong in ["", "flag", "flag=", "=1", "a=1 and b=2"] {
            assert!(Condition::parse(wrong).is_err(), "{wrong}");
        }
    }
}
