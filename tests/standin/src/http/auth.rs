//! Who a request is from, and what each system says to those whom it does not let in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::message::{Request, Response, User};
use super::reply;
use crate::catalog::Privilege;
use crate::world::{System, World};

/// The user of a Basic `Authorization`, if it is well formed.
#[must_use]
pub fn basic(authorization: &str) -> Option<User> {
    let (scheme, token) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    // Old versions of Doris name the cluster behind the user, also in their redirects.
    let name = name.strip_suffix("@default_cluster").unwrap_or(name);
    Some(User { name: name.to_owned(), password: password.to_owned() })
}

/// Why a request is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It has no credentials.
    NoCredentials,
    /// Its password is wrong.
    Password(String),
    /// The user may not load into this table.
    Privilege {
        /// The user.
        user: String,
        /// The database.
        db: String,
        /// The table.
        table: String,
    },
}

/// Checks the credentials of a request. Where they are missing, that is a breach.
pub fn check(world: &World, request: &Request) -> Result<(), Denial> {
    let Some(user) = &request.user else {
        let node = request.node.name();
        let Request { method, path, .. } = request;
        world.breaches.report(format!("{node}: {method} {path} has no Basic Authorization"));
        return Err(Denial::NoCredentials);
    };
    if world.catalog.password_fits(&user.name, &user.password) {
        Ok(())
    } else {
        Err(Denial::Password(user.name.clone()))
    }
}

/// Checks that the user may load into the table.
pub fn may_load(world: &World, request: &Request, db: &str, table: &str) -> Result<(), Denial> {
    let user = request.user.as_ref().map_or("", |user| user.name.as_str());
    if world.catalog.may(user, Privilege::Insert, db, table) {
        return Ok(());
    }
    let (user, db, table) = (user.to_owned(), db.to_owned(), table.to_owned());
    Err(Denial::Privilege { user, db, table })
}

impl Denial {
    /// What the system says.
    #[must_use]
    pub fn message(&self, system: System) -> String {
        match (self, system) {
            (Self::NoCredentials, _) => "Need auth information.".to_owned(),
            (Self::Password(user), _) => format!("Access denied for {user}@127.0.0.1"),
            (Self::Privilege { table, .. }, System::StarRocks) => format!(
                "Access denied; you need (at least one of) the INSERT privilege(s) on TABLE \
                 {table} for this operation"
            ),
            (Self::Privilege { user, db, table }, System::Doris) => format!(
                "errCode = 2, detailMessage = LOAD command denied to user '{user}'@'127.0.0.1' \
                 for table '{db}: {table}'"
            ),
        }
    }

    /// The reply of a frontend.
    #[must_use]
    pub fn at_frontend(&self, system: System) -> Response {
        let message = self.message(system);
        match (system, self) {
            (System::StarRocks, _) => reply::starrocks_unauthorized(&message),
            (System::Doris, Self::Privilege { .. }) => reply::failed(system, &message),
            (System::Doris, _) => reply::doris_unauthorized(&message),
        }
    }

    /// What a backend says of it.
    #[must_use]
    pub fn at_backend(&self, system: System) -> String {
        match (self, system) {
            (Self::NoCredentials, System::StarRocks) => "no valid Basic authorization".to_owned(),
            (Self::NoCredentials, System::Doris) => {
                "[NOT_AUTHORIZED]no valid Basic authorization".to_owned()
            }
            (_, System::StarRocks) => self.message(system),
            (_, System::Doris) => format!("[NOT_AUTHORIZED]{}", self.message(system)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read() {
        let user = |name: &str, password: &str| {
            Some(User { name: name.to_owned(), password: password.to_owned() })
        };
        assert_eq!(basic("Basic cm9vdDo="), user("root", ""));
        assert_eq!(basic("basic cm9vdDphOmI="), user("root", "a:b"));
        for wrong in ["Basic", "Basic %%", "Bearer cm9vdDo=", "Basic cm9vdA=="] {
            assert_eq!(basic(wrong), None, "{wrong}");
        }
    }
}
