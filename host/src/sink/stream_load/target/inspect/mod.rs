//! An operator's checks of a sink's target, in the order in which an operator would make them.
//!
//! | file | what it looks at |
//! |---|---|
//! | `reach` | addresses: frontends, MySQL ports, backends; clocks |
//! | `account` | the database and the user's privileges |
//! | `fitness` | version, table, columns, replicas, buckets |
//! | `values` | columns that do not hold every value of the input |
//! | `pace` | the interval of commits |
//!
//! *Invariants*: nothing is changed at the target; what cannot be told is said to be so; every
//! finding that is not good says what to do.

mod account;
mod fitness;
mod pace;
mod reach;
mod values;

use std::time::Duration;

use super::admin::Admin;
use crate::record::Schema;
use crate::sink::stream_load::config::StreamLoadConfig;
use crate::sink::stream_load::error::StreamLoadError;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The sink cannot work so.
    Error,
    /// It can, but somebody should look.
    Warning,
    /// As it should be.
    Ok,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// What to do.
    pub remedy: Option<String>,
}

/// The findings so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Ok, what: what.into(), remedy: None });
    }

    fn warning(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        let (what, remedy) = (what.into(), Some(remedy.into()));
        self.0.push(Finding { severity: Severity::Warning, what, remedy });
    }

    fn error(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        let (what, remedy) = (what.into(), Some(remedy.into()));
        self.0.push(Finding { severity: Severity::Error, what, remedy });
    }

    /// An error of the sink, whose sentence says what is wrong, a semicolon, and what to do.
    fn failure(&mut self, error: &StreamLoadError) {
        if let StreamLoadError::Unfit { table, differences } = error {
            for difference in differences {
                self.sentence(&format!("table `{table}`: {difference}"));
            }
            return;
        }
        self.sentence(&error.to_string());
    }

    fn sentence(&mut self, sentence: &str) {
        let (what, remedy) = match sentence.split_once("; ") {
            Some((what, remedy)) => (what, Some(remedy.to_owned())),
            None => (sentence, None),
        };
        self.0.push(Finding { severity: Severity::Error, what: what.to_owned(), remedy });
    }
}

/// Looks at everything that a sink needs of its target, and stops where nothing further can be
/// told. `checkpoints` says after which time the pipeline commits, or after how many rows.
#[must_use]
pub fn inspect(
    sink: &str,
    config: &StreamLoadConfig,
    schema: &Schema,
    checkpoints: (Option<Duration>, Option<u64>),
) -> Vec<Finding> {
    let mut findings = Findings::default();
    reach::frontends(&mut findings, sink, config);
    if let Some(mut admin) = reach::mysql(&mut findings, sink, config) {
        look(&mut findings, sink, &mut admin, schema, checkpoints);
    }
    findings.0
}

fn look(
    findings: &mut Findings,
    sink: &str,
    admin: &mut Admin,
    schema: &Schema,
    checkpoints: (Option<Duration>, Option<u64>),
) {
    // Of another system than the sink's nothing further is worth telling.
    let Some(version) = fitness::version(findings, admin) else { return };
    reach::clock(findings, admin);
    let alive = reach::backends(findings, sink, admin);
    pace::pace(findings, admin.config(), checkpoints);
    if !account::database(findings, admin) {
        return;
    }
    let table = fitness::table(findings, admin, schema, alive, Some(&version));
    account::privileges(findings, admin, table.as_deref());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_a_finding_with_its_remedy_apart() {
        let mut findings = Findings::default();
        findings.failure(&StreamLoadError::Unfit {
            table: "t".to_owned(),
            differences: vec!["column `a` is missing; run: ALTER; or not".into(), "b".into()],
        });
        let [first, second] = &findings.0[..] else { panic!("{findings:?}") };
        assert_eq!(first.what, "table `t`: column `a` is missing");
        assert_eq!(first.remedy.as_deref(), Some("run: ALTER; or not"));
        assert_eq!((second.severity, second.remedy.as_deref()), (Severity::Error, None));
    }
}
