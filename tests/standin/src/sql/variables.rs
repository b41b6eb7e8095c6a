//! System variables: what drivers ask for when they connect.

use super::Session;
use super::error::SqlError;
use crate::world::{System, World};

/// The variables and their values.
const KNOWN: [(&str, &str); 45] = [
    ("auto_increment_increment", "1"),
    ("autocommit", "1"),
    ("batch_size", "4064"),
    ("character_set_client", "utf8mb4"),
    ("character_set_connection", "utf8mb4"),
    ("character_set_database", "utf8mb4"),
    ("character_set_results", "utf8mb4"),
    ("character_set_server", "utf8mb4"),
    ("collation_connection", "utf8mb4_general_ci"),
    ("collation_database", "utf8mb4_general_ci"),
    ("collation_server", "utf8mb4_general_ci"),
    ("enable_insert_strict", "1"),
    ("exec_mem_limit", "2147483648"),
    ("foreign_key_checks", "0"),
    ("group_concat_max_len", "1024"),
    ("have_query_cache", "NO"),
    ("init_connect", ""),
    ("innodb_read_only", "1"),
    ("insert_timeout", "14400"),
    ("interactive_timeout", "3600"),
    ("license", "Apache License 2.0"),
    ("lower_case_table_names", "0"),
    ("max_allowed_packet", "33554432"),
    ("max_execution_time", "0"),
    ("net_buffer_length", "16384"),
    ("net_read_timeout", "60"),
    ("net_write_timeout", "60"),
    ("performance_schema", "0"),
    ("protocol_version", "10"),
    ("query_cache_size", "1048576"),
    ("query_cache_type", "0"),
    ("query_timeout", "300"),
    ("socket", ""),
    ("sql_auto_is_null", "0"),
    ("sql_mode", "ONLY_FULL_GROUP_BY"),
    ("sql_safe_updates", "0"),
    ("sql_select_limit", "9223372036854775807"),
    ("system_time_zone", "UTC"),
    ("time_zone", "UTC"),
    ("transaction_isolation", "REPEATABLE-READ"),
    ("transaction_read_only", "0"),
    ("tx_isolation", "REPEATABLE-READ"),
    ("tx_read_only", "0"),
    ("unique_checks", "1"),
    ("wait_timeout", "28800"),
];

/// The version that the MySQL protocol announces.
pub(super) fn server_version(world: &World) -> String {
    match world.system {
        System::StarRocks => "8.0.33".to_owned(),
        System::Doris => "5.7.99".to_owned(),
    }
}

/// What `current_version()` gives.
pub(super) fn current_version(world: &World) -> String {
    match world.system {
        System::StarRocks => format!("{} standin", world.version),
        System::Doris => format!("doris-{}-standin", world.version),
    }
}

/// What `@@version_comment` gives.
fn version_comment(world: &World) -> String {
    match world.system {
        System::StarRocks => format!("StarRocks version {} (stand-in)", world.version),
        System::Doris => format!("Doris version doris-{}-standin", world.version),
    }
}

/// The name of the catalog that tables belong to.
pub(super) fn catalog_name(world: &World) -> &'static str {
    match world.system {
        System::StarRocks => "default_catalog",
        System::Doris => "internal",
    }
}

/// The name without marks and scope, in lower case.
fn bare(name: &str) -> String {
    let name = name.trim_start_matches('@').to_ascii_lowercase();
    let scopes = ["session.", "global.", "local."];
    let scope = scopes.iter().find(|scope| name.starts_with(**scope));
    scope.map_or_else(|| name.clone(), |scope| name[scope.len()..].to_owned())
}

/// The value of a variable; `None` is null.
pub(super) fn value(
    world: &World,
    session: &Session,
    name: &str,
) -> Result<Option<String>, SqlError> {
    let plain = bare(name);
    if let Some(value) = session.variables.get(&plain) {
        return Ok(Some(value.clone()));
    }
    if !name.starts_with("@@") {
        return Ok(None);
    }
    match plain.as_str() {
        "version" => Ok(Some(server_version(world))),
        "version_comment" => Ok(Some(version_comment(world))),
        _ => KNOWN
            .iter()
            .find(|(known, _)| *known == plain)
            .map(|(_, value)| Some((*value).to_owned()))
            .ok_or_else(|| SqlError::new(1193, format!("Unknown system variable '{plain}'"))),
    }
}

/// All variables, with the session's values.
pub(super) fn all(world: &World, session: &Session) -> Vec<(String, String)> {
    let fixed = [("version", server_version(world)), ("version_comment", version_comment(world))];
    let known = KNOWN.iter().map(|(name, value)| (*name, (*value).to_owned())).chain(fixed);
    let mut all: Vec<(String, String)> = known
        .map(|(name, value)| {
            let set = session.variables.get(name).cloned();
            (name.to_owned(), set.unwrap_or(value))
        })
        .collect();
    all.sort();
    all
}

/// Takes what SET says.
pub(super) fn set(session: &mut Session, changes: &[(String, String)]) {
    for (name, value) in changes {
        let value = value.trim().trim_matches(['\'', '"']).to_owned();
        match bare(name).as_str() {
            "names" | "character" | "charset" | "transaction" | "role" | "default" => {}
            plain => {
                let value = match value.to_ascii_lowercase().as_str() {
                    "on" | "true" => "1".to_owned(),
                    "off" | "false" => "0".to_owned(),
                    "null" if plain.starts_with("character_set") => String::new(),
                    _ => value,
                };
                session.variables.insert(plain.to_owned(), value);
            }
        }
    }
}
