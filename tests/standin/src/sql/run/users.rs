//! Users and privileges.

use super::super::error::SqlError;
use super::super::statement::{Grant, Statement};
use super::super::{ADMINISTRATOR, Outcome, Session, require};
use crate::catalog::Privilege;
use crate::catalog::users;
use crate::world::{System, World};

/// Runs a statement about users.
pub(super) fn change(
    world: &World,
    session: &Session,
    statement: Statement,
) -> Result<Outcome, SqlError> {
    let own = matches!(&statement, Statement::SetPassword { name: None, .. });
    if !own {
        require(world, session, Privilege::Grant, "", "")?;
    }
    let catalog = &world.catalog;
    let unknown = |name: &str| SqlError::analysis(format!("cannot find user '{name}'@'%'"));
    match statement {
        Statement::CreateUser { name, password, lenient } => {
            let made = catalog.change(|state| state.users.create(&name, &password));
            if !made && !lenient {
                return Err(SqlError::analysis(format!(
                    "Operation CREATE USER failed for '{name}'@'%' : user already exists"
                )));
            }
        }
        Statement::SetPassword { name, password } => {
            let name = name.unwrap_or_else(|| session.user.clone());
            if !catalog.change(|state| state.users.set_password(&name, &password)) {
                return Err(unknown(&name));
            }
        }
        Statement::DropUser { name, lenient } => {
            if !catalog.change(|state| state.users.remove(&name)) && !lenient {
                return Err(unknown(&name));
            }
        }
        Statement::Grant(grant) => give(world, session, grant)?,
        other => return Err(SqlError::analysis(format!("{other:?} is about no user"))),
    }
    Ok(Outcome::default())
}

fn give(world: &World, session: &Session, grant: Grant) -> Result<(), SqlError> {
    let database = grant.database.unwrap_or_else(|| session.database.clone());
    if database.is_empty() {
        return Err(SqlError::no_database());
    }
    let known = world.catalog.change(|state| {
        if state.users.get(&grant.user).is_none() {
            return false;
        }
        for privilege in &grant.privileges {
            let given = users::Grant {
                database: database.clone(),
                table: grant.table.clone(),
                privilege: *privilege,
            };
            if grant.revoke {
                state.users.revoke(&grant.user, &given);
            } else {
                state.users.grant(&grant.user, given);
            }
        }
        true
    });
    if known {
        return Ok(());
    }
    Err(SqlError::analysis(format!("cannot find user '{}'@'%'", grant.user)))
}

/// `SHOW GRANTS`.
pub(super) fn grants(
    world: &World,
    session: &Session,
    user: Option<String>,
    all: bool,
) -> Result<Outcome, SqlError> {
    if all || user.as_ref().is_some_and(|user| *user != session.user) {
        require(world, session, Privilege::Grant, "", "")?;
    }
    let user = user.unwrap_or_else(|| session.user.clone());
    let state = world.catalog.read();
    let found = state.users.get(&user);
    if found.is_none() && user != ADMINISTRATOR {
        return Err(SqlError::analysis(format!("cannot find user '{user}'@'%'")));
    }
    let held = found.map(|found| found.grants.clone()).unwrap_or_default();
    let admin = found.is_none_or(|found| found.admin);
    Ok(match world.system {
        System::StarRocks => starrocks(&user, admin, &held),
        System::Doris => doris(&user, admin, &held),
    })
}

fn starrocks(user: &str, admin: bool, held: &[users::Grant]) -> Outcome {
    let identity = format!("'{user}'@'%'");
    let mut lines = Vec::new();
    if admin {
        lines.push(format!("GRANT 'root' TO {identity}"));
    }
    for grant in held {
        let (word, database, table) = (grant.privilege.starrocks(), &grant.database, &grant.table);
        lines.push(match (grant.privilege, database.as_str(), table.as_str()) {
            (Privilege::Node | Privilege::Grant, _, _) => {
                format!("GRANT {word} ON SYSTEM TO USER {identity}")
            }
            (Privilege::Create, "*", _) => {
                format!("GRANT CREATE TABLE ON ALL DATABASES TO USER {identity}")
            }
            (Privilege::Create, _, _) => {
                format!("GRANT CREATE TABLE ON DATABASE {database} TO USER {identity}")
            }
            (_, "*", _) => {
                format!("GRANT {word} ON ALL TABLES IN ALL DATABASES TO USER {identity}")
            }
            (_, _, "*") => {
                format!("GRANT {word} ON ALL TABLES IN DATABASE {database} TO USER {identity}")
            }
            _ => format!("GRANT {word} ON TABLE {database}.{table} TO USER {identity}"),
        });
    }
    let row = |line| vec![Some(identity.clone()), Some("default_catalog".to_owned()), Some(line)];
    Outcome::of_text(&["UserIdentity", "Catalog", "Grants"], lines.into_iter().map(row).collect())
}

fn doris(user: &str, admin: bool, held: &[users::Grant]) -> Outcome {
    // Each scope lists its privileges: `internal.d: Select_priv,Load_priv; …`.
    let listed = |fits: &dyn Fn(&users::Grant) -> bool, name: &dyn Fn(&users::Grant) -> String| {
        let mut scopes: Vec<(String, Vec<&str>)> = Vec::new();
        for grant in held.iter().filter(|grant| fits(grant)) {
            let (name, word) = (name(grant), grant.privilege.doris());
            match scopes.iter_mut().find(|(known, _)| *known == name) {
                Some((_, words)) if words.contains(&word) => {}
                Some((_, words)) => words.push(word),
                None => scopes.push((name, vec![word])),
            }
        }
        let lines: Vec<String> = scopes
            .iter()
            .map(|(name, words)| {
                if name.is_empty() {
                    words.join(",")
                } else {
                    format!("{name}: {}", words.join(","))
                }
            })
            .collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    };
    let global = listed(&|grant| grant.database == "*", &|_| String::new());
    let databases = listed(&|grant| grant.database != "*" && grant.table == "*", &|grant| {
        format!("internal.{}", grant.database)
    });
    let tables = listed(&|grant| grant.table != "*", &|grant| {
        format!("internal.{}.{}", grant.database, grant.table)
    });
    let global = if admin { Some("Admin_priv".to_owned()) } else { global };
    let row = vec![
        Some(format!("'{user}'@'%'")),
        Some(String::new()),
        Some("Yes".to_owned()),
        Some(if admin { "admin" } else { "" }.to_owned()),
        global,
        None,
        databases,
        tables,
    ];
    Outcome::of_text(
        &[
            "UserIdentity",
            "Comment",
            "Password",
            "Roles",
            "GlobalPrivs",
            "CatalogPrivs",
            "DatabasePrivs",
            "TablePrivs",
        ],
        vec![row],
    )
}
