//! What a table that is there may refuse a row for when it is committed, and the sink cannot check
//! when it prepares: such a table is not for this sink.

use rusqlite::{Connection, OptionalExtension};

use super::{Target, WriteMode};

/// In words, what of the table may refuse rows too late.
pub(super) fn late_refusals(
    connection: &Connection,
    target: &Target,
) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    for name in names(connection, target, UNIQUE_INDICES)? {
        found.push(format!("its unique index `{name}`"));
    }
    if has_check(&create_sql(connection, target)?) {
        found.push("its CHECK constraint".to_owned());
    }
    for name in names(connection, target, PARENTS)? {
        found.push(format!("its foreign key to table `{name}`"));
    }
    // Rows are only removed and changed in upsert mode.
    if target.mode == WriteMode::Upsert {
        for name in names(connection, target, CHILDREN)? {
            found.push(format!("the foreign key of table `{name}` to it"));
        }
    }
    for name in names(connection, target, TRIGGERS)? {
        found.push(format!("its trigger `{name}`"));
    }
    Ok(found.into_iter().map(|what| format!("{what} may refuse rows too late")).collect())
}

/// All but the primary key's.
const UNIQUE_INDICES: &str =
    "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" AND origin <> 'pk' ORDER BY name";

const PARENTS: &str =
    "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1) ORDER BY \"table\"";

const CHILDREN: &str = "SELECT DISTINCT child.name
    FROM sqlite_schema AS child, pragma_foreign_key_list(child.name) AS reference
    WHERE child.type = 'table' AND reference.\"table\" = ?1 COLLATE NOCASE
        AND child.name <> ?1 COLLATE NOCASE
    ORDER BY child.name";

const TRIGGERS: &str = "SELECT name FROM sqlite_schema
    WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE ORDER BY name";

fn names(connection: &Connection, target: &Target, sql: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(sql)?.query_map((&target.table,), |row| row.get(0))?.collect()
}

/// The statement that made the table, which SQLite keeps and amends.
fn create_sql(connection: &Connection, target: &Target) -> rusqlite::Result<String> {
    let sql: Option<Option<String>> = connection
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
            (&target.table,),
            |row| row.get(0),
        )
        .optional()?;
    Ok(sql.flatten().unwrap_or_default())
}

/// Whether a statement that makes a table has a CHECK constraint. SQLite takes the word for nothing
/// else where it is neither quoted nor in a comment.
///
/// Source: SQLite, "SQL As Understood By SQLite", SQLite Keywords; SQL Comment Syntax.
fn has_check(sql: &str) -> bool {
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
        rest = match first {
            // A doubled quote ends one text and begins the next.
            '\'' | '"' | '`' => after(&rest[1..], &first.to_string()),
            '[' => after(&rest[1..], "]"),
            '-' if rest.starts_with("--") => after(rest, "\n"),
            '/' if rest.starts_with("/*") => after(&rest[2..], "*/"),
            _ if is_word(first) => {
                let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                let (word, others) = rest.split_at(end);
                if word.eq_ignore_ascii_case("check") {
                    return true;
                }
                others
            }
            _ => &rest[first.len_utf8()..],
        };
    }
    false
}

/// What follows the first `end`.
fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_counts_where_it_is_a_word_of_the_statement() {
        assert!(has_check("CREATE TABLE t (a TEXT CHECK (a <> ''))"));
        assert!(has_check("CREATE TABLE t(a,check(a>0))"));
        assert!(has_check("CREATE TABLE t (a TEXT DEFAULT 'it''s', /* why */ CHECK(a))"));
        assert!(has_check("CREATE TABLE t (a -- not null\n, ChEcK (a))"));
        assert!(has_check("CREATE TABLE \"é\" (é TEXT CHECK (é))"));
        for harmless in [
            "",
            "CREATE TABLE checks (check_id TEXT, recheck TEXT, checké TEXT, é_check TEXT)",
            "CREATE TABLE t (\"check\" TEXT, [check] TEXT, `check` TEXT)",
            "CREATE TABLE t (a TEXT DEFAULT 'a '' check ' -- check (a)\n)",
            "CREATE TABLE t (a TEXT /* check (a) */)",
            "CREATE TABLE t (\"a \"\" check \" TEXT) -- check",
            "CREATE TABLE t (a TEXT) /* check",
        ] {
            assert!(!has_check(harmless), "{harmless}");
        }
    }
}
