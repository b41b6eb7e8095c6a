//! Names and texts in statements.

/// A name as both systems write it, whatever characters it has.
pub(in crate::sink::stream_load) fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A table with its database.
pub(in crate::sink::stream_load) fn table_name(database: &str, table: &str) -> String {
    format!("{}.{}", name(database), name(table))
}

/// Names in brackets, with commas.
pub(super) fn names<'a>(list: impl IntoIterator<Item = &'a str>) -> String {
    let list: Vec<String> = list.into_iter().map(name).collect();
    format!("({})", list.join(", "))
}

/// A text in double quotes, as properties and comments have it.
pub(super) fn text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text in single quotes, as conditions have it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_end_early() {
        assert_eq!(table_name("d", "a`b"), "`d`.`a``b`");
        assert_eq!(names(["a", "b c"]), "(`a`, `b c`)");
        assert_eq!(text("say \"a\\\""), "\"say \\\"a\\\\\\\"\"");
        assert_eq!(literal("it's \\"), "'it''s \\\\'");
    }
}
