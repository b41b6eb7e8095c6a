//! Which paths mean what.

use super::message::Request;
use super::target::decode;

/// What a path asks for, whatever server it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `_stream_load`.
    Load {
        /// The database.
        db: String,
        /// The table.
        table: String,
    },
    /// `/api/transaction/{operation}`: `begin`, `load`, `prepare`, `commit`, `rollback`.
    Transaction(String),
    /// `/api/transaction/list`.
    TransactionList,
    /// `_stream_load_2pc`, with or without a table.
    TwoPhase {
        /// The database.
        db: String,
    },
    /// `get_load_state`.
    State {
        /// The database.
        db: String,
    },
    /// `_cancel`.
    Cancel {
        /// The database.
        db: String,
    },
    /// `/`.
    Root,
    /// `/api/health`.
    Health,
    /// `/api/backends`.
    Backends,
    /// `_schema`.
    Schema {
        /// The database.
        db: String,
        /// The table.
        table: String,
    },
    /// `/api/query/{cluster}/{db}`: SQL over HTTP.
    Query {
        /// The database.
        db: String,
    },
    /// `/api/enable_light_schema_change/{db}/{table}`.
    LightSchemaChange {
        /// The database.
        db: String,
        /// The table.
        table: String,
    },
    /// `/api/_load_error_log`.
    ErrorLog,
    /// Anything else.
    Unknown,
}

impl Route {
    /// The route of a method and a path.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Self {
        let parts: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let own = |name: &str| name.to_owned();
        match (method, &parts[..]) {
            ("GET", []) => Self::Root,
            ("GET", ["api", "health"]) => Self::Health,
            ("GET", ["api", "backends"]) => Self::Backends,
            ("GET", ["api", "_load_error_log"]) => Self::ErrorLog,
            ("GET", ["api", "transaction", "list"]) => Self::TransactionList,
            ("POST" | "PUT", ["api", "transaction", operation]) => {
                Self::Transaction(own(operation))
            }
            ("POST", ["api", "query", _, db]) => Self::Query { db: own(db) },
            ("GET" | "POST", ["api", "enable_light_schema_change", db, table]) => {
                Self::LightSchemaChange { db: own(db), table: own(table) }
            }
            ("PUT", ["api", db, table, "_stream_load"]) => {
                Self::Load { db: own(db), table: own(table) }
            }
            ("PUT", ["api", db, "_stream_load_2pc"] | ["api", db, _, "_stream_load_2pc"]) => {
                Self::TwoPhase { db: own(db) }
            }
            ("GET", ["api", db, "get_load_state"]) => Self::State { db: own(db) },
            ("POST", ["api", db, "_cancel"] | ["api", db, _, "_cancel"]) => {
                Self::Cancel { db: own(db) }
            }
            ("GET", ["api", db, table, "_schema"]) => {
                Self::Schema { db: own(db), table: own(table) }
            }
            _ => Self::Unknown,
        }
    }

    /// Its name in faults and counts.
    #[must_use]
    pub fn operation(&self, request: &Request) -> String {
        let name: &str = match self {
            Self::Load { .. } => "load",
            Self::Transaction(operation) if operation == "load" => "txn-load",
            Self::Transaction(operation) => operation,
            Self::TransactionList => "list",
            Self::TwoPhase { .. } => match request.headers.get("txn_operation") {
                Some("commit") => "2pc-commit",
                _ => "2pc-abort",
            },
            Self::State { .. } => "state",
            Self::Cancel { .. } => "cancel",
            Self::Root => "root",
            Self::Health => "health",
            Self::Backends => "backends",
            Self::Schema { .. } => "schema",
            Self::Query { .. } => "query",
            Self::LightSchemaChange { .. } => "light-schema-change",
            Self::ErrorLog => "error-log",
            Self::Unknown => "unknown",
        };
        name.to_owned()
    }

    /// Whether faults strike it: loads, what is done with transactions, questions for their state.
    #[must_use]
    pub fn can_fail(&self) -> bool {
        matches!(
            self,
            Self::Load { .. }
                | Self::Transaction(_)
                | Self::TwoPhase { .. }
                | Self::State { .. }
                | Self::Cancel { .. }
        )
    }

    /// The table that a request is about; empty without one.
    #[must_use]
    pub fn table<'a>(&'a self, request: &'a Request) -> &'a str {
        match self {
            Self::Load { table, .. } => table,
            _ => request.headers.get("table").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_routed() {
        let table = || "t".to_owned();
        let db = || "d".to_owned();
        let cases = [
            ("PUT", "/api/d/t/_stream_load", Route::Load { db: db(), table: table() }),
            ("PUT", "/api/d/_stream_load_2pc", Route::TwoPhase { db: db() }),
            ("PUT", "/api/d/t/_stream_load_2pc", Route::TwoPhase { db: db() }),
            ("POST", "/api/transaction/begin", Route::Transaction("begin".to_owned())),
            ("PUT", "/api/transaction/load", Route::Transaction("load".to_owned())),
            ("GET", "/api/transaction/list", Route::TransactionList),
            ("GET", "/api/d/get_load_state", Route::State { db: db() }),
            ("POST", "/api/d/t/_cancel", Route::Cancel { db: db() }),
            ("GET", "/", Route::Root),
            ("GET", "/api/backends", Route::Backends),
            ("GET", "/api/d/%74/_schema", Route::Schema { db: db(), table: table() }),
            ("POST", "/api/query/default_cluster/d", Route::Query { db: db() }),
            ("POST", "/api/d/t/_stream_load", Route::Unknown),
            ("GET", "/nothing", Route::Unknown),
        ];
        for (method, path, route) in cases {
            assert_eq!(Route::of(method, path), route, "{method} {path}");
        }
    }
}
