//! The jobs by which both systems change a table, waited for.

use std::thread;
use std::time::{Duration, Instant};

use super::admin::{Admin, Answer, value};
use super::sql;
use crate::sink::stream_load::error::{StreamLoadError, quoted};

/// The first and the longest pause between two questions.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// There is none.
    None,
    /// It is done.
    Finished,
    /// It goes on, in this state.
    Running(String),
    /// It was given up, for this reason.
    Cancelled(String),
}

/// The newest job of a table, and its number.
pub(super) fn newest(
    admin: &mut Admin,
    table: &str,
) -> Result<(Option<i64>, Job), StreamLoadError> {
    let database = sql::name(&admin.config().database);
    let question = format!(
        "SHOW ALTER TABLE COLUMN FROM {database} WHERE TableName = {} ORDER BY JobId DESC LIMIT 1",
        sql::literal(table)
    );
    let rows = admin.ask(&format!("look at the changes of table `{table}`"), &question)?;
    Ok(rows.first().map_or((None, Job::None), |row| (number(row), job(row))))
}

/// Waits until no job works on the table that is newer than `after`.
pub(super) fn wait(
    admin: &mut Admin,
    table: &str,
    after: Option<i64>,
    limit: Duration,
) -> Result<(), StreamLoadError> {
    let start = Instant::now();
    let mut pause = PAUSES.0;
    loop {
        let (number, job) = newest(admin, table)?;
        let is_newer = number > after;
        match job {
            Job::None | Job::Finished => return Ok(()),
            Job::Cancelled(_) if !is_newer => return Ok(()),
            Job::Cancelled(reason) => {
                return Err(StreamLoadError::Target {
                    message: format!("the target has given up changing table `{table}`"),
                    text: quoted(&reason),
                });
            }
            Job::Running(state) if start.elapsed() >= limit => {
                return Err(StreamLoadError::Target {
                    message: format!(
                        "changing table `{table}` has taken longer than {} s; look at SHOW ALTER \
                         TABLE COLUMN, and end transactions that are older than the change",
                        limit.as_secs()
                    ),
                    text: quoted(&state),
                });
            }
            Job::Running(_) => {
                thread::sleep(pause);
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}

fn number(row: &Answer) -> Option<i64> {
    value(row, "JOBID")?.trim().parse().ok()
}

fn job(row: &Answer) -> Job {
    let state = value(row, "STATE").unwrap_or_default().trim().to_ascii_uppercase();
    match state.as_str() {
        "FINISHED" => Job::Finished,
        "CANCELLED" => {
            let reason = value(row, "MSG").filter(|text| !text.trim().is_empty());
            Job::Cancelled(reason.unwrap_or("no reason is given").to_owned())
        }
        "" => Job::None,
        _ => Job::Running(state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[(&str, &str)]) -> Answer {
        values.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect()
    }

    #[test]
    fn jobs_are_read_by_their_state() {
        assert_eq!(job(&row(&[("STATE", "FINISHED")])), Job::Finished);
        let waits = row(&[("JOBID", "1009"), ("STATE", "WAITING_TXN")]);
        assert_eq!(job(&waits), Job::Running("WAITING_TXN".to_owned()));
        assert_eq!(number(&waits), Some(1009));
        let gone = row(&[("STATE", "CANCELLED"), ("MSG", "timeout")]);
        assert_eq!(job(&gone), Job::Cancelled("timeout".to_owned()));
        assert_eq!(job(&row(&[])), Job::None);
    }
}
