//! `SHOW TRANSACTION`.

use super::super::Outcome;
use super::super::error::SqlError;
use super::jobs::time;
use crate::transaction::{Shown, Transactions, Which};
use crate::world::{System, World};

/// The transaction of a number; Doris also finds one by its label.
pub(super) fn show(world: &World, database: &str, which: &Which) -> Result<Outcome, SqlError> {
    if database.is_empty() {
        return Err(SqlError::no_database());
    }
    if !world.catalog.has_database(database) {
        return Err(SqlError::unknown_database(database));
    }
    let starrocks = world.system == System::StarRocks;
    if starrocks && matches!(which, Which::Label(_)) {
        return Err(SqlError::analysis("Where clause should looks like: id = $transaction_id"));
    }
    let found = Transactions::shown(world, database, which).ok_or_else(|| {
        SqlError::analysis(match which {
            Which::Id(id) => format!("Transaction with id {id} does not exist"),
            Which::Label(label) => format!("Transaction with label {label} does not exist"),
        })
    })?;
    let prepared = if starrocks { "PreparedTime" } else { "PreCommitTime" };
    let mut labels = vec![
        "TransactionId",
        "Label",
        "Coordinator",
        "TransactionStatus",
        "LoadJobSourceType",
        "PrepareTime",
        prepared,
        "CommitTime",
        "PublishTime",
        "FinishTime",
        "Reason",
        "ErrorReplicasCount",
        "ListenerId",
        "TimeoutMs",
    ];
    if starrocks {
        labels.push("PreparedTimeoutMs");
    }
    labels.push("ErrMsg");
    Ok(Outcome::of_text(&labels, vec![row(world, &found)]))
}

fn row(world: &World, found: &Shown) -> Vec<Option<String>> {
    let text = |text: &str| Some(text.to_owned());
    let host = |member: Option<&crate::nodes::Member>| {
        member.map_or_else(String::new, |member| member.host.clone())
    };
    let (coordinator, source) = if found.several {
        (format!("FE: {}", host(world.nodes.frontends().first())), "FRONTEND_STREAMING")
    } else {
        (format!("BE: {}", host(world.nodes.backends().get(found.backend))), "BACKEND_STREAMING")
    };
    let mut row = vec![
        Some(found.id.to_string()),
        text(&found.label),
        Some(coordinator),
        text(found.state.word(world.system)),
        text(source),
        time(Some(found.begun_ms)),
        time(found.prepared_ms),
        time(found.committed_ms),
        // Rows are published by and by after the commit: here at once, or when they are visible.
        time(found.committed_ms),
        time(found.finished_ms),
        text(&found.reason),
        text("0"),
        text("-1"),
        Some(found.timeout_ms.to_string()),
    ];
    if world.system == System::StarRocks {
        let timeout = found.prepared_timeout_ms.unwrap_or(-1);
        row.push(Some(timeout.to_string()));
    }
    row.push(text(""));
    row
}
