//! Fraud alerts, as JSON lines that a file sink wrote.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use comfy_table::{CellAlignment, Table};
use serde::Deserialize;
use serde_json::Value;

use super::{MONEY_SCALE, amount, grouped, scaled, table};

/// Alerts that are listed one by one.
const TOP: usize = 5;

/// One line of the file.
#[derive(Deserialize)]
struct Line {
    user_id: Option<String>,
    first_ts: String,
    last_ts: String,
    /// JSON, or text that holds JSON: a list of ids.
    wager_ids: Value,
    /// A number or text; read from its digits, so that no amount becomes a float.
    total_bet: Value,
}

/// An alert as the report shows it.
struct Alert {
    user: String,
    first: String,
    last: String,
    wagers: usize,
    /// In hundredths.
    bet: i128,
}

/// The largest alerts as a table, under a line that counts them all.
pub fn report(path: &Path) -> anyhow::Result<String> {
    let mut alerts = read(path)?;
    let users: std::collections::BTreeSet<&str> =
        alerts.iter().map(|alert| alert.user.as_str()).collect();
    let heading = format!(
        "Fraud alerts: {} of {} users, the {TOP} largest",
        grouped(alerts.len() as i128),
        grouped(users.len() as i128)
    );
    alerts.sort_by(|left, right| {
        right.bet.cmp(&left.bet).then(left.user.cmp(&right.user)).then(left.first.cmp(&right.first))
    });
    let mut shown: Table = table(["user", "first bet", "last bet", "bets", "sum"]);
    for column in shown.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for alert in alerts.iter().take(TOP) {
        shown.add_row([
            alert.user.clone(),
            alert.first.clone(),
            alert.last.clone(),
            alert.wagers.to_string(),
            amount(alert.bet),
        ]);
    }
    Ok(format!("{heading}\n\n{}\n", shown.trim_fmt()))
}

fn read(path: &Path) -> anyhow::Result<Vec<Alert>> {
    let place = || path.display().to_string();
    let file = File::open(path).with_context(place)?;
    let mut alerts = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line.with_context(place)?;
        let found: Line = serde_json::from_str(&line).with_context(place)?;
        let ids: Vec<Option<String>> = match found.wager_ids {
            Value::String(text) => serde_json::from_str(&text),
            list => serde_json::from_value(list),
        }
        .with_context(place)?;
        let bet = found.total_bet.to_string();
        alerts.push(Alert {
            user: found.user_id.unwrap_or_else(|| "(none)".to_owned()),
            first: found.first_ts,
            last: found.last_ts,
            wagers: ids.len(),
            bet: scaled(bet.trim_matches('"'), MONEY_SCALE)?,
        });
    }
    Ok(alerts)
}
