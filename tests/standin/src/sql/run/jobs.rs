//! Alter jobs: how they are made and shown.

use super::super::error::SqlError;
use super::super::{Outcome, Session, require};
use crate::catalog::moment::Moment;
use crate::catalog::{AlterJob, Change, JobState, Privilege};
use crate::world::{System, World};

/// Makes a job of changes; properties change at once.
pub(super) fn alter(
    world: &World,
    database: &str,
    name: &str,
    changes: Vec<Change>,
    set: Vec<(String, String)>,
    timeout_s: i64,
) -> Result<(), SqlError> {
    let catalog = &world.catalog;
    if !set.is_empty() {
        catalog.set_properties(database, name, set)?;
    }
    if !changes.is_empty() {
        catalog.alter(database, name, changes, timeout_s, world.clock.now_ms())?;
    }
    Ok(())
}

/// A time as SHOW shows it.
pub(super) fn time(ms: Option<i64>) -> Option<String> {
    let moment = Moment::of_micros(ms?.saturating_mul(1000))?;
    Some(Moment { micros: moment.micros / 1_000_000 * 1_000_000, ..moment }.date_time(None))
}

/// `SHOW ALTER TABLE COLUMN`.
pub(super) fn show(
    world: &World,
    session: &Session,
    database: Option<String>,
    table: Option<&str>,
    latest: bool,
    limit: Option<usize>,
) -> Result<Outcome, SqlError> {
    let database = database.unwrap_or_else(|| session.database.clone());
    if database.is_empty() {
        return Err(SqlError::no_database());
    }
    if !world.catalog.has_database(&database) {
        return Err(SqlError::unknown_database(&database));
    }
    let looks = world.settings.get().alter_polls;
    let mut jobs = world.catalog.look_at_jobs(&database, looks, world.clock.now_ms());
    jobs.retain(|job| table.is_none_or(|table| job.table == table));
    jobs.retain(|job| require(world, session, Privilege::Alter, &database, &job.table).is_ok());
    if latest {
        jobs.reverse();
    }
    jobs.truncate(limit.unwrap_or(usize::MAX));
    Ok(Outcome::of_text(
        &[
            "JobId",
            "TableName",
            "CreateTime",
            "FinishTime",
            "IndexName",
            "IndexId",
            "OriginIndexId",
            "SchemaVersion",
            "TransactionId",
            "State",
            "Msg",
            "Progress",
            "Timeout",
        ],
        jobs.iter().map(|job| row(world.system, job)).collect(),
    ))
}

fn row(system: System, job: &AlterJob) -> Vec<Option<String>> {
    let text = |text: &str| Some(text.to_owned());
    let progress = match job.state {
        JobState::Running => "50%",
        _ if system == System::Doris => "NULL",
        _ => "",
    };
    vec![
        Some(job.id.to_string()),
        text(&job.table),
        time(Some(job.created_ms)),
        time(job.finished_ms),
        text(&job.table),
        Some((job.id + 1).to_string()),
        Some((job.id - 1).to_string()),
        text("1:0"),
        Some(job.id.to_string()),
        text(job.state.word()),
        text(&job.message),
        text(progress),
        Some(job.timeout_s.to_string()),
    ]
}
