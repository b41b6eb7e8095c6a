//! What the parts do together, without a server.

mod checks;
mod mapping;
mod statements;
mod tables;

use std::sync::Arc;
use std::time::Duration;

use super::column_type::ColumnType;
use super::table::{Column, Table, described};
use crate::record::{DataType, Field, Schema};
use crate::sink::stream_load::config::{
    Address, Audit, BackendRules, BodyFormat, Compression, Deletes, Endpoint, Evolution,
    LoadBounds, PartialUpdateMode, StreamLoadConfig, System, TableName, TruncatePolicy,
};
use crate::sink::{ChangePolicy, IfExists, WriteMode};
use crate::telemetry::Secret;

/// Upserts into `wager_analytics.ods_wagers` by `wager_id`.
pub(super) fn config(system: System) -> StreamLoadConfig {
    StreamLoadConfig {
        system,
        frontends: vec![Endpoint::parse("http://fe1:8030").unwrap()],
        mysql: vec![Address::parse("fe1", 9030).unwrap()],
        mysql_tls: false,
        database: "wager_analytics".to_owned(),
        table: TableName::Fixed("ods_wagers".to_owned()),
        username: "loader".to_owned(),
        password: Secret::new("secret".to_owned()),
        ca_file: None,
        mode: WriteMode::Upsert,
        key: vec!["wager_id".into()],
        exactly_once: true,
        if_exists: IfExists::Error,
        create_table: false,
        on_delete: ChangePolicy::DeadLetter,
        on_update: ChangePolicy::DeadLetter,
        deletes: Deletes::Hard,
        on_truncate: TruncatePolicy::Halt,
        evolution: Evolution::Halt,
        sequence: None,
        audit: Audit::default(),
        partial_update: PartialUpdateMode::Row,
        format: BodyFormat::Json,
        compression: Compression::None,
        load: LoadBounds {
            rows: 1_000_000,
            bytes: 64 << 20,
            linger: Duration::from_secs(1),
            in_flight: 4,
        },
        memory: 256 << 20,
        spill: 4 << 30,
        backends: BackendRules::default(),
        timeout: Duration::from_secs(600),
        connect_timeout: Duration::from_secs(30),
        prepared_timeout: Duration::from_secs(86_400),
        buckets: None,
        replication: None,
    }
}

/// The names that `audit = true` gives.
pub(super) fn audit() -> Audit {
    let [op, deleted, synced_at, version] =
        Audit::DEFAULT_NAMES.map(|name| Some(Arc::<str>::from(name)));
    Audit { op, deleted, synced_at, version }
}

/// A schema of nullable columns.
pub(super) fn schema(fields: &[(&str, &str)]) -> Schema {
    let field = |(name, data_type): &(&str, &str)| {
        Field::new(name, data_type.parse::<DataType>().unwrap(), true)
    };
    Schema::new(fields.iter().map(field).collect())
}

/// Wagers as the main job has them.
pub(super) fn wagers() -> Schema {
    let mut schema = schema(&[
        ("game_id", "text"),
        ("user_id", "text"),
        ("wager_id", "text"),
        ("version", "i64"),
        ("total_bet", "decimal(18,2)"),
        ("total_win", "decimal(18,2)"),
        ("net_amount", "decimal(18,2)"),
        ("end_time", "timestamp"),
        ("is_completed", "bool"),
    ]);
    schema.key = vec![2];
    schema
}

/// A table as a server describes it; the catalogue says no more than the names.
pub(super) fn table(system: System, statement: &str, columns: &[&str]) -> Table {
    let column = |name: &&str| Column {
        name: (*name).to_owned(),
        data_type: ColumnType::Other("unknown".to_owned()),
        nullable: true,
        has_default: false,
    };
    described(system, "ods_wagers", columns.iter().map(column).collect(), statement)
}
