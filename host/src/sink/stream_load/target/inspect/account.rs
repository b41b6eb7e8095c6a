//! The database, and what the user may do in it.

use super::Findings;
use crate::sink::stream_load::config::{Evolution, System};
use crate::sink::stream_load::error::StreamLoadError;
use crate::sink::stream_load::target::admin::Admin;
use crate::sink::stream_load::target::grants::Need;
use crate::sink::stream_load::target::sql;

/// Whether the database is there.
pub(super) fn database(findings: &mut Findings, admin: &mut Admin) -> bool {
    let name = admin.config().database.clone();
    match admin.has_database() {
        Ok(true) => {
            findings.good(format!("database `{name}` exists"));
            true
        }
        Ok(false) => {
            findings.error(
                format!("database `{name}` does not exist, or the user may not see it"),
                format!(
                    "run `millrace ddl --apply FILE`, which makes it with its tables; or run: \
                     CREATE DATABASE {}; or correct `database`; or run: {}",
                    sql::name(&name),
                    Need::Read.grant(admin.config())
                ),
            );
            false
        }
        Err(error) => {
            findings.failure(&error);
            false
        }
    }
}

/// Whether the user may do what the sink does. `table`: one that is there, for a probe.
pub(super) fn privileges(findings: &mut Findings, admin: &mut Admin, table: Option<&str>) {
    let config = admin.config().clone();
    let mut needs = vec![Need::Read, Need::Load];
    if config.evolution == Evolution::Apply {
        needs.push(Need::Alter);
    }
    if config.create_table && table.is_none() {
        needs.push(Need::Create);
    }
    let granted = granted(admin);
    for need in needs {
        let database = &config.database;
        let is_granted = granted.iter().any(|one| allows(one, need, config.system, database));
        // Roles grant what SHOW GRANTS does not spell out.
        let is_told = !granted.is_empty() && !granted.iter().any(|one| is_role(one));
        let verdict = match (is_granted, is_told) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => probe(admin, need, table),
        };
        let (user, verb) = (&config.username, need.verb());
        match verdict {
            Some(true) => findings.good(format!("user `{user}` may {verb}")),
            Some(false) => findings.error(
                format!("user `{user}` may not {verb}"),
                format!("run: {}", need.grant(&config)),
            ),
            None => findings.warning(
                format!("whether user `{user}` may {verb} cannot be told from here"),
                format!("if it may not, run: {}", need.grant(&config)),
            ),
        }
    }
}

/// What SHOW GRANTS says, in pieces of one grant each.
fn granted(admin: &mut Admin) -> Vec<String> {
    let Ok(rows) = admin.query("SHOW GRANTS") else { return Vec::new() };
    let names = ["USERIDENTITY", "COMMENT", "PASSWORD", "CATALOG"];
    rows.iter()
        .flat_map(|row| row.iter())
        .filter(|(name, _)| !names.contains(&name.as_str()))
        .filter_map(|(_, text)| text.as_deref())
        .flat_map(|text| text.split([';', '\n']))
        .map(|piece| piece.trim().to_owned())
        .filter(|piece| !piece.is_empty() && !piece.eq_ignore_ascii_case("null"))
        .collect()
}

/// Whether one grant is of a role.
fn is_role(piece: &str) -> bool {
    let upper = piece.to_ascii_uppercase();
    upper.starts_with("GRANT '") || upper.starts_with("GRANT ROLE") || !upper.contains([' ', '_'])
}

/// Whether one grant, such as `GRANT INSERT ON ALL TABLES IN DATABASE d TO USER u` or Doris's
/// `internal.d: Load_priv`, allows something in a database.
fn allows(piece: &str, need: Need, system: System, database: &str) -> bool {
    let upper = piece.to_ascii_uppercase();
    let (privileges, on) = if let Some((before, behind)) = upper.split_once(" ON ") {
        (before, Some(behind))
    } else if let Some((before, behind)) = upper.split_once(':') {
        (behind, Some(before))
    } else {
        (upper.as_str(), None)
    };
    let database = database.to_ascii_uppercase();
    let reaches = on.is_none_or(|on| {
        let everywhere = ["*.*", "ALL DATABASES", "SYSTEM", "CATALOG"];
        words(on).any(|word| word == database) || everywhere.iter().any(|all| on.contains(all))
    });
    reaches && words(privileges).any(|word| need.words(system).contains(&word))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Asks the target itself, by a statement that changes nothing. `None`: that tells nothing.
fn probe(admin: &mut Admin, need: Need, table: Option<&str>) -> Option<bool> {
    let name = sql::table_name(&admin.config().database, table?);
    let question = match need {
        Need::Read => format!("SELECT 1 FROM {name} LIMIT 1"),
        // Privileges are checked before the plan is made, and it is not run.
        Need::Load => format!("EXPLAIN INSERT INTO {name} SELECT * FROM {name} WHERE 1 = 0"),
        Need::Alter | Need::Database | Need::Create | Need::Views | Need::Nodes => {
            return None;
        }
    };
    match admin.ask("look for privileges", &question) {
        Ok(_) => Some(true),
        Err(StreamLoadError::Denied { .. }) => Some(false),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_read_as_each_system_writes_them() {
        let starrocks = |piece, need| allows(piece, need, System::StarRocks, "wagers");
        let grant = "GRANT SELECT, INSERT ON ALL TABLES IN DATABASE wagers TO USER 'u'@'%'";
        assert!(starrocks(grant, Need::Load) && starrocks(grant, Need::Read));
        assert!(!starrocks(grant, Need::Alter));
        let reads = "GRANT SELECT ON ALL TABLES IN ALL DATABASES TO USER 'u'@'%'";
        assert!(starrocks(reads, Need::Read) && !starrocks(reads, Need::Load));
        let other = "GRANT INSERT ON TABLE others.t TO USER 'u'@'%'";
        assert!(!starrocks(other, Need::Load));
        assert!(starrocks("GRANT 'root' TO 'u'@'%'", Need::Load));

        let doris = |piece, need| allows(piece, need, System::Doris, "wagers");
        assert!(doris("internal.wagers: Select_priv,Load_priv", Need::Load));
        assert!(!doris("internal.mysql: Select_priv", Need::Read));
        assert!(doris("Node_priv,Admin_priv", Need::Alter));
        assert!(doris("GRANT LOAD_PRIV ON internal.wagers.* TO 'u'@'%'", Need::Load));
    }

    #[test]
    fn roles_are_told_from_privileges() {
        assert!(is_role("GRANT 'loader' TO 'u'@'%'"));
        assert!(is_role("operator"));
        assert!(!is_role("Node_priv,Admin_priv"));
        assert!(!is_role("GRANT SELECT ON TABLE a.b TO USER 'u'@'%'"));
    }
}
