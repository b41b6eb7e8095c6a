//! The name that was probably meant.

/// The name among `known` that is closest to `written`, if one is close enough that a person would
/// believe it: a third of the letters may differ, and the case.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = written.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| {
            *distance <= name.chars().count().max(written.chars().count()) / 3
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Names as a sentence shows them: `a`, `b`, `c`.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A hint for a name that is not among `known`: the nearest one, and all of them. `what` is their
/// plural, such as "columns".
pub(super) fn hint(written: &str, what: &str, known: &[&str]) -> String {
    let all = match known {
        [] => format!("there are no {what}"),
        _ => format!("{what}: {}", listed(known.iter().copied())),
    };
    match nearest(written, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? ({all})"),
        None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["checkpoint", "delivery", "batch", "op"];
        assert_eq!(nearest("chekpoint", known), Some("checkpoint"));
        assert_eq!(nearest("Batch", known), Some("batch"));
        assert_eq!(nearest("bacth", known), Some("batch"));
        assert_eq!(nearest("sink", known), None);
        assert_eq!(nearest("xy", known), None);
    }

    #[test]
    fn the_hint_has_the_nearest_and_all() {
        assert_eq!(hint("a1", "columns", &["a", "b"]), "columns: `a`, `b`");
        assert_eq!(hint("gmae", "tables", &["game"]), "did you mean `game`? (tables: `game`)");
        assert_eq!(hint("x", "tables", &[]), "there are no tables");
    }
}
