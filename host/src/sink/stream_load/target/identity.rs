//! What runs at the target: which system, which version, and whether loads can wait for their
//! commit there.

use std::collections::BTreeMap;

use super::admin::Admin;
use super::table::{Model, Table};
use super::version::Version;
use crate::sink::stream_load::config::System;
use crate::sink::stream_load::error::{StreamLoadError, quoted};

/// The property that only Doris's cloud mode shows.
const CLOUD: &str = "file_cache_ttl_seconds";

/// The version of the target, which is the system that the configuration says.
///
/// # Errors
/// If it is the other system, or cannot be asked.
pub(in crate::sink::stream_load) fn identify(
    admin: &mut Admin,
) -> Result<Version, StreamLoadError> {
    let system = admin.config().system;
    let version = match admin.version() {
        Ok(version) => version,
        Err(error @ StreamLoadError::Sql { .. }) => {
            // Each system has a question of its own, which the other does not know.
            let rows = admin.query("SELECT @@version_comment").unwrap_or_default();
            let mut says = rows.into_iter().flat_map(BTreeMap::into_values).flatten();
            let other = says.find(|text| is_of_the_other(system, text));
            return Err(other.map_or(error, |text| wrong_type(system, &text)));
        }
        Err(error) => return Err(error),
    };
    if is_of_the_other(system, &version.text) {
        return Err(wrong_type(system, &version.text));
    }
    Ok(version)
}

/// The error of a version that prepares no loads.
pub(in crate::sink::stream_load) fn without_two_phases(
    system: System,
    version: &Version,
) -> StreamLoadError {
    let first = match system {
        System::StarRocks => "2.4",
        System::Doris => "1.0",
    };
    StreamLoadError::Unsupported {
        what: "loading exactly once, which prepares loads before it commits them,".to_owned(),
        version: format!("{} {version}", system.name()),
        remedy: format!(
            "use {} {first} or later, or say delivery = \"at-least-once\"",
            system.name()
        ),
    }
}

/// Whether loads that wait for their commit can go to the table: Doris in the cloud prepares none
/// for the tables that upserts want.
///
/// # Errors
/// If they cannot.
pub(in crate::sink::stream_load) fn check_two_phases(
    admin: &mut Admin,
    table: &Table,
) -> Result<(), StreamLoadError> {
    let (system, exactly_once) = (admin.config().system, admin.config().exactly_once);
    if !exactly_once || !merges_on_write(system, table) {
        return Ok(());
    }
    // Outside of the cloud the statement is an error.
    let shows_cloud = table.properties.contains_key(CLOUD)
        || admin.query("SHOW CLUSTERS").is_ok_and(|rows| !rows.is_empty());
    if !shows_cloud {
        return Ok(());
    }
    let message = format!(
        "table `{}` merges on write in Doris's cloud mode, which prepares no loads for it; say \
         delivery = \"at-least-once\", which upserts make exact, or make the table with \
         \"enable_unique_key_merge_on_write\" = \"false\"",
        table.name
    );
    Err(StreamLoadError::Halted { message })
}

fn merges_on_write(system: System, table: &Table) -> bool {
    system == System::Doris && table.model == Model::Unique { merge_on_write: true }
}

fn wrong_type(system: System, says: &str) -> StreamLoadError {
    let message = format!(
        "`type` says {}, and the MySQL port says `{}`; set `type` to the system that runs there: \
         their loads differ",
        system.name(),
        quoted(says)
    );
    StreamLoadError::Halted { message }
}

/// Whether a server says that it is of the other system.
fn is_of_the_other(system: System, says: &str) -> bool {
    let other = match system {
        System::StarRocks => "doris",
        System::Doris => "starrocks",
    };
    says.to_ascii_lowercase().contains(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_system_is_known_by_what_it_says() {
        assert!(is_of_the_other(System::Doris, "StarRocks version 3.5.0"));
        assert!(is_of_the_other(System::StarRocks, "Doris version doris-3.1.0-rc01"));
        assert!(!is_of_the_other(System::Doris, "Doris version doris-3.1.0-rc01"));
        assert!(!is_of_the_other(System::Doris, "VeloDB Core 4.0.1"));
        assert!(!is_of_the_other(System::StarRocks, "3.5.0-8a1e3b2"));
        let error = wrong_type(System::StarRocks, "Doris version doris-3.1.0").to_string();
        assert!(error.starts_with("`type` says StarRocks, and the MySQL port says `Doris"));
    }
}
