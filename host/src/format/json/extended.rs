//! MongoDB's extended JSON: scalars that stand as objects of one member.
//!
//! `$oid` is text; `$numberDecimal`, `$numberLong`, `$numberInt` and `$numberDouble` are numbers,
//! as text or bare; `$date` is a point in time: milliseconds (bare, as text or as `$numberLong`) or
//! ISO 8601 text.

use super::convert::inner;
use super::string::unescape;
use super::syntax::{Cursor, Kind};
use crate::format::Scalar;
use crate::format::number::Numeric;

/// The scalar that the checked `object` stands for, or `None` where it stands for none. Of members
/// of one name the last counts, as everywhere.
pub(super) fn scalar<'a>(object: &'a str, scratch: &'a mut String) -> Option<Scalar<'a>> {
    let (name, kind, raw) = only_member(object)?;
    match (name, kind) {
        (Name::Oid, Kind::String) => Some(Scalar::Text(unescape(inner(raw), scratch))),
        (Name::Number, _) => number(kind, raw, scratch).map(Scalar::Number),
        (Name::Date, Kind::String) => Some(Scalar::Instant(unescape(inner(raw), scratch))),
        (Name::Date, Kind::Number) => Some(Scalar::Instant(raw)),
        (Name::Date, Kind::Object) => match only_member(raw)? {
            (Name::Number, kind, raw) => number(kind, raw, scratch).map(Scalar::Instant),
            _ => None,
        },
        _ => None,
    }
}

fn number<'a>(kind: Kind, raw: &'a str, scratch: &'a mut String) -> Option<&'a str> {
    match kind {
        Kind::Number => Some(raw),
        Kind::String => {
            let text = unescape(inner(raw), scratch);
            Numeric::parse(text).is_some().then_some(text)
        }
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Oid,
    Number,
    Date,
}

impl Name {
    fn of(name: &str) -> Option<(Self, &'static str)> {
        Some(match name {
            "$oid" => (Self::Oid, "$oid"),
            "$numberDecimal" => (Self::Number, "$numberDecimal"),
            "$numberLong" => (Self::Number, "$numberLong"),
            "$numberInt" => (Self::Number, "$numberInt"),
            "$numberDouble" => (Self::Number, "$numberDouble"),
            "$date" => (Self::Date, "$date"),
            _ => return None,
        })
    }
}

/// The object's one member, if its name is known and no other stands beside it.
fn only_member(object: &str) -> Option<(Name, Kind, &str)> {
    let mut cursor = Cursor::new(object.as_bytes(), 0);
    let mut only = None;
    let mut decoded = String::new();
    // The object was checked: depth is no question any more, and no error is left to report.
    let mut name = cursor.open_object(0).ok()?;
    while let Some(span) = name {
        let (known, text) = Name::of(unescape(object.get(span.start..span.end)?, &mut decoded))?;
        let start = cursor.at();
        let kind = cursor.value(0).ok()?;
        let raw = object.get(start..cursor.at())?;
        match only {
            Some((_, first, _, _)) if first != text => return None,
            _ => only = Some((known, text, kind, raw)),
        }
        name = cursor.next_member().ok()?;
    }
    only.map(|(name, _, kind, raw)| (name, kind, raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_objects_are_scalars() {
        for (object, expected) in [
            (r#"{"$oid":"6750a1"}"#, Scalar::Text("6750a1")),
            (r#"{ "\u0024oid" : "\u0041" }"#, Scalar::Text("A")),
            (r#"{"$numberDecimal":"12.50"}"#, Scalar::Number("12.50")),
            (r#"{"$numberLong":"-7"}"#, Scalar::Number("-7")),
            (r#"{"$numberInt":3}"#, Scalar::Number("3")),
            (r#"{"$numberDouble":"1e1"}"#, Scalar::Number("1e1")),
            (r#"{"$date":5}"#, Scalar::Instant("5")),
            (r#"{"$date":{"$numberLong":"5"}}"#, Scalar::Instant("5")),
            (r#"{"$date":"2024-01-01T00:00:00Z"}"#, Scalar::Instant("2024-01-01T00:00:00Z")),
            (r#"{"$oid":5,"$oid":"x"}"#, Scalar::Text("x")),
        ] {
            assert_eq!(scalar(object, &mut String::new()), Some(expected), "{object}");
        }
    }

    #[test]
    fn other_objects_are_none() {
        for object in [
            "{}",
            r#"{"a":1}"#,
            r#"{"$oid":"x","a":1}"#,
            r#"{"$oid":"x","$date":1}"#,
            r#"{"$numberLong":"1","$numberInt":"1"}"#,
            r#"{"$oid":1}"#,
            r#"{"$oid":null}"#,
            r#"{"$numberLong":"ten"}"#,
            r#"{"$numberLong":true}"#,
            r#"{"$date":{"$oid":"5"}}"#,
            r#"{"$date":[5]}"#,
            r#"{"$OID":"x"}"#,
        ] {
            assert_eq!(scalar(object, &mut String::new()), None, "{object}");
        }
    }
}
