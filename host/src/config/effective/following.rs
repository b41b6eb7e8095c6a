//! Defaults that follow from a node's other settings: what the node came to in the plan.
//!
//! *Invariants*: a key is answered only where the node may have it.
//! *Not here*: defaults that are the same everywhere, which stand in the tables of keys.

use super::literal::quoted;
use crate::config::plan::Plan;
use crate::sink::{
    ChangePolicy, FileFormat, ParquetCompression, SinkConfig, SinkKind, SqliteConfig, WriteMode,
};
use crate::table::{FileFormat as TableFormat, TableKind};

/// What a key of the sink `name` stands for, as TOML.
pub(super) fn of_sink(plan: &Plan, name: &str, key: &str) -> Option<String> {
    let sink = plan.sinks.iter().find(|sink| sink.config.name == name)?;
    match &sink.config.kind {
        SinkKind::Sqlite(sqlite) => of_changes(sqlite, key).or_else(|| of_kind(&sink.config, key)),
        _ => of_kind(&sink.config, key),
    }
}

/// What a key of the dead letters' sink stands for, which gets no changes.
pub(super) fn of_dead_letters(plan: &Plan, key: &str) -> Option<String> {
    of_kind(&plan.dead_letters.as_ref()?.config, key)
}

/// What a key of the table `name` stands for.
pub(super) fn of_table(plan: &Plan, name: &str, key: &str) -> Option<String> {
    let table = plan.tables.iter().find(|table| table.name == name)?;
    match (&table.kind, key) {
        (TableKind::File(file), "format") => word(&TableFormat::NAMES, file.format),
        _ => None,
    }
}

fn of_kind(config: &SinkConfig, key: &str) -> Option<String> {
    match (&config.kind, key) {
        (SinkKind::Sqlite(sqlite), "mode") => Some(quoted(match sqlite.mode {
            WriteMode::Upsert => "upsert",
            WriteMode::Append => "append",
        })),
        (SinkKind::File(file), _) => match (&file.format, key) {
            (FileFormat::Json, "format") => Some(quoted("json")),
            (FileFormat::Csv(_), "format") => Some(quoted("csv")),
            (FileFormat::Csv(csv), "delimiter") => {
                Some(quoted(&char::from(csv.style.delimiter).to_string()))
            }
            (FileFormat::Csv(csv), "header") => Some(csv.header.to_string()),
            _ => None,
        },
        (SinkKind::Parquet(_), "format") => Some(quoted("parquet")),
        (SinkKind::Parquet(parquet), "row_group_rows") => Some(parquet.row_group_rows.to_string()),
        (SinkKind::Parquet(parquet), "compression") => Some(quoted(match parquet.compression {
            ParquetCompression::Zstd => "zstd",
            ParquetCompression::None => "none",
        })),
        _ => None,
    }
}

/// Where rows are upserted, every change has its row.
fn of_changes(sqlite: &SqliteConfig, key: &str) -> Option<String> {
    let policy = match key {
        "on_delete" => sqlite.on_delete,
        "on_update" => sqlite.on_update,
        _ => return None,
    };
    word(&ChangePolicy::NAMES, policy).filter(|_| sqlite.mode == WriteMode::Append)
}

fn word<T: Copy + PartialEq>(names: &[(&str, T)], value: T) -> Option<String> {
    names.iter().find(|(_, named)| *named == value).map(|(name, _)| quoted(name))
}
