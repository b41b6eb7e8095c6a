//! Message texts that several operations share.

use crate::load::Refusal;
use crate::world::System;

/// Rows were refused beyond the ratio.
pub(super) const TOO_MANY_FILTERED: &str = "too many filtered rows";
/// A transaction waited for too long.
pub(super) const TIMED_OUT: &str = "timeout by txn manager";
/// The backend that coordinated a transaction is gone.
pub(super) const BACKEND_DOWN: &str = "coordinate BE is down";
/// A backend stops.
pub(super) const SHUTTING_DOWN: &str = "Service is shutting down, please retry later!";

/// Too many versions.
pub(super) fn too_many_versions(system: System) -> Refusal {
    match system {
        System::StarRocks => Refusal::new(
            "INTERNAL_ERROR",
            "Failed to load data into tablet 10005, because of too many versions, current/limit: \
             1001/1000. You can reduce the loading job concurrency, or increase loading data batch \
             size. wait close failed. err=-235",
        ),
        System::Doris => Refusal::new(
            "INTERNAL_ERROR",
            "tablet error: [E-235]failed to init rowset builder. version count: 2001, exceed \
             limit: 2000, tablet: 10005. Please reduce the frequency of loading data or adjust the \
             max_tablet_version_num in be.conf to a larger value. err=-235",
        ),
    }
}

/// A load needs more memory than it may have.
pub(super) fn memory_limit(system: System) -> Refusal {
    let message = match system {
        System::StarRocks => {
            "Memory limit exceeded: Memory of process exceed limit. Mem usage has exceed the limit \
             of BE"
        }
        System::Doris => "Memory limit exceeded: load memory usage exceeds the process limit",
    };
    Refusal::new("MEM_LIMIT_EXCEEDED", message)
}

/// A backend serves as many loads as it can.
pub(super) fn too_many_requests(limit: usize) -> Refusal {
    let message =
        format!("Stream Load exceed http cuncurrent limit {limit}, please try again later");
    Refusal::new("SERVICE_UNAVAILABLE", message)
}

/// A database has as many transactions as it may.
pub(super) fn too_many_transactions(system: System, running: usize, limit: usize) -> Refusal {
    let message =
        format!("current running txns on db 10002 is {running}, larger than limit {limit}");
    Refusal::of_frontend(system, "ANALYSIS_ERROR", message)
}

/// Nobody knows what became of a commit.
pub(super) fn status_unknown() -> Refusal {
    Refusal::new(
        "SERVICE_UNAVAILABLE",
        "Commit transaction fail cause rpc timeout, Transaction status unknown, you can retry with \
         same label.",
    )
}

/// A label is in use.
pub(super) fn label_used(system: System, label: &str, txn: i64) -> Refusal {
    let used = format!("Label [{label}] has already been used");
    let message = match system {
        System::StarRocks => format!("{used}."),
        System::Doris => format!("{used}, relate to txn [{txn}]"),
    };
    Refusal::of_frontend(system, "LABEL_ALREADY_EXISTS", message)
}

/// There is no such database.
pub(super) fn unknown_database(db: &str) -> String {
    format!("unknown database, database={db}")
}

/// There is no such table.
pub(super) fn unknown_table(system: System, db: &str, table: &str) -> String {
    match system {
        System::StarRocks => format!("unknown table \"{db}.{table}\""),
        System::Doris => format!("unknown table, tableName={table}"),
    }
}

/// A failure of a StarRocks frontend, with the name of its class.
pub(super) fn of_class(message: &str) -> String {
    format!("class com.starrocks.common.StarRocksException: {message}")
}
