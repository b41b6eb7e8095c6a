//! Users, their passwords and what they may do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::password;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Privilege {
    /// To read rows.
    Select,
    /// To load and insert rows (`LOAD_PRIV` in Doris).
    Insert,
    /// To update rows by SQL.
    Update,
    /// To delete rows by SQL.
    Delete,
    /// To change a table's definition.
    Alter,
    /// To make databases and tables.
    Create,
    /// To drop them.
    Drop,
    /// To see and change the servers.
    Node,
    /// To give privileges and make users.
    Grant,
}

impl Privilege {
    /// Every privilege.
    pub const ALL: [Self; 9] = [
        Self::Select,
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::Alter,
        Self::Create,
        Self::Drop,
        Self::Node,
        Self::Grant,
    ];

    /// The privileges that a word of GRANT stands for; none for an unknown word.
    #[must_use]
    pub fn named(words: &str) -> Vec<Self> {
        match words.to_ascii_uppercase().as_str() {
            "SELECT" | "SELECT_PRIV" => vec![Self::Select],
            "INSERT" => vec![Self::Insert],
            // One privilege of Doris stands for all writing of rows.
            "LOAD_PRIV" | "LOAD" => vec![Self::Insert, Self::Update, Self::Delete],
            "UPDATE" => vec![Self::Update],
            "DELETE" => vec![Self::Delete],
            "ALTER" | "ALTER_PRIV" => vec![Self::Alter],
            "CREATE"
            | "CREATE_PRIV"
            | "CREATE TABLE"
            | "CREATE DATABASE"
            | "CREATE VIEW"
            | "CREATE MATERIALIZED VIEW" => vec![Self::Create],
            "DROP" | "DROP_PRIV" => vec![Self::Drop],
            "NODE" | "NODE_PRIV" | "OPERATE" => vec![Self::Node],
            "GRANT" | "GRANT_PRIV" => vec![Self::Grant],
            "ALL" | "ALL PRIVILEGES" | "ADMIN_PRIV" => Self::ALL.to_vec(),
            _ => Vec::new(),
        }
    }

    /// The word of StarRocks.
    #[must_use]
    pub fn starrocks(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Alter => "ALTER",
            Self::Create => "CREATE TABLE",
            Self::Drop => "DROP",
            Self::Node => "NODE",
            Self::Grant => "GRANT",
        }
    }

    /// The word of Doris; the privileges that it has no word for are in `Load_priv`.
    #[must_use]
    pub fn doris(self) -> &'static str {
        match self {
            Self::Select => "Select_priv",
            Self::Insert | Self::Update | Self::Delete => "Load_priv",
            Self::Alter => "Alter_priv",
            Self::Create => "Create_priv",
            Self::Drop => "Drop_priv",
            Self::Node => "Node_priv",
            Self::Grant => "Grant_priv",
        }
    }
}

/// A privilege on something; `*` is everything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// What may be done.
    pub privilege: Privilege,
}

/// One user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    hash: String,
    /// Whether the user may do all.
    pub admin: bool,
    /// What the user may do, in order.
    pub grants: Vec<Grant>,
}

/// All users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users(BTreeMap<String, User>);

impl Default for Users {
    fn default() -> Self {
        let root = User { admin: true, ..User::default() };
        Self(BTreeMap::from([("root".to_owned(), root)]))
    }
}

fn covers(pattern: &str, name: &str) -> bool {
    pattern == "*" || pattern == name || name.is_empty()
}

impl Users {
    /// Makes this user the one who may do all, in place of a `root` without a password.
    pub(super) fn administrator(&mut self, name: &str, secret: &str) {
        if self.0.get("root").is_some_and(|root| root.hash.is_empty()) {
            self.0.remove("root");
        }
        let hash = password::hash(secret);
        self.0.insert(name.to_owned(), User { hash, admin: true, grants: Vec::new() });
    }

    /// Makes a user, or gives an existing one another password; false if there is one already.
    pub(crate) fn create(&mut self, name: &str, secret: &str) -> bool {
        if self.0.contains_key(name) {
            return false;
        }
        let hash = password::hash(secret);
        self.0.insert(name.to_owned(), User { hash, ..User::default() });
        true
    }

    /// Gives a user another password; false if there is no such user.
    pub(crate) fn set_password(&mut self, name: &str, secret: &str) -> bool {
        let user = self.0.get_mut(name);
        let known = user.is_some();
        if let Some(user) = user {
            user.hash = password::hash(secret);
        }
        known
    }

    /// Removes a user; false if there is none.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// The user of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&User> {
        self.0.get(name)
    }

    /// Gives a privilege; false if there is no such user.
    pub(crate) fn grant(&mut self, name: &str, grant: Grant) -> bool {
        let Some(user) = self.0.get_mut(name) else { return false };
        if !user.grants.contains(&grant) {
            user.grants.push(grant);
            user.grants.sort();
        }
        true
    }

    /// Takes a privilege away; false if there is no such user.
    pub(crate) fn revoke(&mut self, name: &str, grant: &Grant) -> bool {
        let Some(user) = self.0.get_mut(name) else { return false };
        user.grants.retain(|held| held != grant);
        true
    }

    /// Whether this is the user's password.
    #[must_use]
    pub fn password_fits(&self, name: &str, secret: &str) -> bool {
        self.0.get(name).is_some_and(|user| user.hash == password::hash(secret))
    }

    /// Whether the answer to a salt was made with the user's password.
    #[must_use]
    pub fn answer_fits(&self, name: &str, salt: &[u8], answer: &[u8]) -> bool {
        self.0.get(name).is_some_and(|user| password::answer_fits(&user.hash, salt, answer))
    }

    /// Whether the user may do this to the table; an empty name stands for every one.
    #[must_use]
    pub fn may(&self, name: &str, privilege: Privilege, database: &str, table: &str) -> bool {
        self.0.get(name).is_some_and(|user| {
            user.admin
                || user.grants.iter().any(|grant| {
                    grant.privilege == privilege
                        && covers(&grant.database, database)
                        && covers(&grant.table, table)
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_administrator_takes_the_place_of_an_open_root() {
        let mut users = Users::default();
        assert!(users.password_fits("root", "") && !users.password_fits("root", "x"));
        users.administrator("loader", "secret");
        assert!(users.password_fits("loader", "secret") && !users.password_fits("root", ""));
        assert!(users.may("loader", Privilege::Drop, "any", "table"));
    }

    #[test]
    fn grants_reach_as_far_as_they_say() {
        let mut users = Users::default();
        assert!(users.create("u", "p") && !users.create("u", "q"));
        let grant = |database: &str, table: &str| Grant {
            database: database.to_owned(),
            table: table.to_owned(),
            privilege: Privilege::Insert,
        };
        assert!(users.grant("u", grant("d", "*")));
        assert!(users.may("u", Privilege::Insert, "d", "t"));
        assert!(!users.may("u", Privilege::Select, "d", "t"));
        assert!(!users.may("u", Privilege::Insert, "e", "t"));
        assert!(users.revoke("u", &grant("d", "*")));
        assert!(!users.may("u", Privilege::Insert, "d", "t"));
        assert!(!users.grant("nobody", grant("d", "*")));
    }
}
