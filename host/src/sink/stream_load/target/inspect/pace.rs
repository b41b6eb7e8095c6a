//! How often the sink commits, held against what the target keeps.

use std::time::Duration;

use super::Findings;
use crate::sink::stream_load::config::{StreamLoadConfig, System};

/// Commits more often than this fill a tablet with versions faster than it merges them.
const OFTEN: Duration = Duration::from_secs(1);
/// Finished labels that StarRocks keeps for each database (`label_keep_max_num`).
const STARROCKS_LABELS: u32 = 1_000;
/// A restart within this time should find its labels.
const RESTART: Duration = Duration::from_secs(600);
/// Transactions of a database that may run at once in the older versions of both.
const TRANSACTIONS: usize = 100;

/// Whether commits come so often that the target runs out of labels, versions or transactions. The
/// pipeline makes a checkpoint after a time, or after so many rows: how often those come is not known.
pub(super) fn pace(
    findings: &mut Findings,
    config: &StreamLoadConfig,
    (every, rows): (Option<Duration>, Option<u64>),
) {
    let (interval, key) = if config.exactly_once {
        (every, "checkpoint.every")
    } else {
        (Some(config.load.linger), "load.linger")
    };
    let suits = interval.is_none_or(|interval| interval_suits(findings, config, interval, key));
    let loads = config.load.in_flight;
    let is_many = loads > TRANSACTIONS / 2;
    if is_many {
        findings.warning(
            format!("load.in_flight = {loads} is much where {TRANSACTIONS} transactions may run"),
            "set load.in_flight lower, or `max_running_txn_num_per_db` of the frontend higher",
        );
    }
    if !suits || is_many {
        return;
    }
    let rows = rows.filter(|_| config.exactly_once).map(|rows| match rows {
        1 => "each row".to_owned(),
        rows => format!("each {rows} rows"),
    });
    match (interval.map(|interval| interval.as_secs_f64()), rows) {
        (Some(seconds), None) => {
            findings.good(format!("a commit every {seconds} s suits the target"));
        }
        (Some(seconds), Some(rows)) => findings.good(format!(
            "a commit every {seconds} s suits the target; one after {rows} may come sooner"
        )),
        (None, Some(rows)) => findings
            .good(format!("a commit comes after {rows}: how often that is, is not known here")),
        (None, None) => {}
    }
}

fn interval_suits(
    findings: &mut Findings,
    config: &StreamLoadConfig,
    interval: Duration,
    key: &str,
) -> bool {
    let is_often = interval < OFTEN;
    if is_often {
        findings.warning(
            format!("a commit every {} ms makes many versions of tablets", interval.as_millis()),
            format!("set {key} to 1 s or more: 5 s are usual"),
        );
    }
    let labels = interval.saturating_mul(STARROCKS_LABELS);
    let is_short = config.system == System::StarRocks && labels < RESTART;
    if is_short {
        findings.warning(
            format!(
                "StarRocks keeps the labels of a database's last {STARROCKS_LABELS} loads: those \
                 of {} s, at one load each. A restart after that cannot ask for them",
                labels.as_secs()
            ),
            format!("set {key} higher, or `label_keep_max_num` of the frontend"),
        );
    }
    !is_often && !is_short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::stream_load::target::inspect::Severity;
    use crate::sink::stream_load::target::tests;

    /// What is said, and whether all of it is good.
    fn said(exactly_once: bool, every: Option<u64>, rows: Option<u64>) -> (String, bool) {
        let mut findings = Findings::default();
        let mut config = StreamLoadConfig { exactly_once, ..tests::config(System::StarRocks) };
        config.load.linger = Duration::from_millis(300);
        pace(&mut findings, &config, (every.map(Duration::from_millis), rows));
        let good = findings.0.iter().all(|finding| finding.severity == Severity::Ok);
        let all: Vec<String> = findings.0.into_iter().map(|finding| finding.what).collect();
        (all.join("; "), good)
    }

    #[test]
    fn checkpoints_by_rows_have_no_interval() {
        let (text, good) = said(true, None, Some(5_000));
        assert!(good && text.starts_with("a commit comes after each 5000 rows: "), "{text}");
        assert!(!text.contains(" s ") && !text.contains(" ms "), "no time is made up: {text}");
        let (text, good) = said(true, Some(5_000), Some(1));
        assert!(good && text.contains("every 5 s") && text.contains("after each row"), "{text}");
        let (text, good) = said(true, Some(5_000), None);
        assert!(good && text == "a commit every 5 s suits the target", "{text}");
        assert_eq!(said(true, None, None), (String::new(), true));
    }

    #[test]
    fn loads_that_wait_for_no_checkpoint_have_an_interval_of_their_own() {
        let (text, good) = said(false, None, Some(5_000));
        assert!(!good && text.contains("a commit every 300 ms"), "{text}");
        assert!(!text.contains("5000"), "{text}");
    }
}
