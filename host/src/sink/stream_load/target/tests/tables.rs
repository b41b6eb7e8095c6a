//! Tables as servers describe them.

use proptest::prelude::*;

use super::super::column_type::ColumnType;
use super::super::declaration::{Declaration, Keys};
use super::super::table::{Model, described};
use super::{config, table};
use crate::sink::WriteMode;
use crate::sink::stream_load::config::{BodyFormat, StreamLoadConfig, System};

const STARROCKS: &str = r#"CREATE TABLE `ods_wagers` (
  `wager_id` varchar(64) NOT NULL COMMENT "the wager, (key)",
  `total_bet` decimal(18, 2) NULL COMMENT "",
  `begin_time` datetime NULL COMMENT "",
  `is_completed` boolean NULL DEFAULT "0" COMMENT "say \"yes\", or no",
  `version` bigint(20) NULL COMMENT "",
  `tags` array<varchar(20)> NULL COMMENT "",
  `seq` bigint(20) NOT NULL AUTO_INCREMENT COMMENT "",
  `note` varchar(65533) NULL COMMENT "",
  INDEX idx_version (`version`) USING BITMAP COMMENT ''
) ENGINE=OLAP 
PRIMARY KEY(`wager_id`)
COMMENT "OLAP"
PARTITION BY date_trunc('day', begin_time)
DISTRIBUTED BY HASH(`wager_id`) BUCKETS 8 
ORDER BY(`version`)
PROPERTIES (
"compression" = "LZ4",
"enable_persistent_index" = "true",
"fast_schema_evolution" = "true",
"replicated_storage" = "true",
"replication_num" = "3"
);"#;

const DORIS: &str = r#"CREATE TABLE `ods_wagers` (
  `wager_id` varchar(64) NOT NULL,
  `version` bigint NULL,
  `total_bet` decimalv3(18,2) NULL DEFAULT "0.00" COMMENT 'it''s money',
  `begin_time` datetime(6) NULL,
  `created` datetime NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `total` largeint NULL,
  `note` text NULL,
  `doc` json NULL,
  `twice` bigint AS ((`version` * 2)) NULL
) ENGINE=OLAP
UNIQUE KEY(`wager_id`)
COMMENT 'OLAP'
DISTRIBUTED BY HASH(`wager_id`) BUCKETS AUTO
PROPERTIES (
"replication_allocation" = "tag.location.default: 1, tag.location.other: 2",
"min_load_replica_num" = "-1",
"storage_format" = "V2",
"enable_unique_key_merge_on_write" = "true",
"light_schema_change" = "true",
"function_column.sequence_col" = "version",
"enable_unique_key_skip_bitmap_column" = "true"
);"#;

#[test]
fn a_starrocks_table_is_read() {
    let names =
        ["wager_id", "total_bet", "begin_time", "is_completed", "version", "tags", "seq", "note"];
    let table = table(System::StarRocks, STARROCKS, &names);
    assert_eq!(table.model, Model::Primary);
    assert_eq!(table.key, ["wager_id"]);
    assert_eq!((table.buckets, table.replication), (Some(8), Some(3)));
    assert_eq!((table.flexible, &table.sequence), (false, &None));
    let types: Vec<_> = table.columns.iter().map(|column| column.data_type.to_string()).collect();
    assert_eq!(
        types,
        [
            "VARCHAR(64)",
            "DECIMAL(18,2)",
            "DATETIME(6)",
            "BOOLEAN",
            "BIGINT",
            "array<varchar(20)>",
            "BIGINT",
            "VARCHAR(65533)"
        ]
    );
    let nullable: Vec<_> = table.columns.iter().map(|column| column.nullable).collect();
    assert_eq!(nullable, [false, true, true, true, true, true, false, true]);
    let defaults: Vec<_> = table.columns.iter().filter(|column| column.has_default).collect();
    let defaults: Vec<_> = defaults.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(defaults, ["is_completed", "seq"]);
}

#[test]
fn a_doris_table_is_read() {
    let names = [
        "wager_id",
        "version",
        "total_bet",
        "begin_time",
        "created",
        "total",
        "note",
        "doc",
        "twice",
    ];
    let table = table(System::Doris, DORIS, &names);
    assert_eq!(table.model, Model::Unique { merge_on_write: true });
    assert_eq!(table.key, ["wager_id"]);
    assert_eq!((table.buckets, table.replication), (None, Some(3)));
    assert_eq!((table.flexible, table.sequence.as_deref()), (true, Some("version")));
    let types: Vec<_> = table.columns.iter().map(|column| column.data_type.clone()).collect();
    assert_eq!(
        types,
        [
            ColumnType::Varchar(64),
            ColumnType::BigInt,
            ColumnType::Decimal { precision: 18, scale: 2 },
            ColumnType::DateTime { scale: 6 },
            ColumnType::DateTime { scale: 0 },
            ColumnType::LargeInt,
            ColumnType::String,
            ColumnType::Json,
            ColumnType::BigInt,
        ]
    );
    let defaults = table.columns.iter().filter(|column| column.has_default);
    let names: Vec<_> = defaults.map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["total_bet", "created", "twice"]);
}

#[test]
fn loads_are_flexible_where_both_the_table_and_the_sink_can_do_so() {
    let plain = DORIS.replace("\"function_column.sequence_col\" = \"version\",\n", "");
    let takes = |statement: &str, change: fn(&mut StreamLoadConfig)| {
        let mut config = config(System::Doris);
        change(&mut config);
        table(System::Doris, statement, &["wager_id", "doc"]).takes_flexible_loads(&config)
    };
    assert!(takes(&plain, |_| {}));
    assert!(!takes(DORIS, |_| {}), "it has a sequence");
    assert!(takes(&plain, |config| config.format = BodyFormat::Csv));
    assert!(!takes(&plain, |config| config.format = BodyFormat::Arrow));
    assert!(!takes(&plain, |config| config.mode = WriteMode::Append));
    assert!(!takes(&plain, |config| config.sequence = Some("version".into())));
    assert!(!takes(&plain, |config| config.system = System::StarRocks));
    for (from, to) in [
        ("`doc` json NULL", "`doc` variant NULL"),
        ("\"light_schema_change\" = \"true\"", "\"light_schema_change\" = \"false\""),
        ("skip_bitmap_column\" = \"true\"", "skip_bitmap_column\" = \"false\""),
        ("merge_on_write\" = \"true\"", "merge_on_write\" = \"false\""),
    ] {
        let other = plain.replace(from, to);
        assert_ne!(other, plain, "{from}");
        assert!(!takes(&other, |_| {}), "{to}");
    }
}

#[test]
fn the_catalogue_has_what_the_declaration_does_not() {
    let catalogue = table(System::Doris, DORIS, &["wager_id"]).columns;
    let statement = "CREATE TABLE `t` (\n) ENGINE=OLAP";
    let table = described(System::Doris, "t", catalogue.clone(), statement);
    assert_eq!(table.columns, catalogue);
    assert_eq!((table.model, table.key.is_empty()), (Model::Duplicate, true));
}

#[test]
fn the_other_models_are_told_apart() {
    let keys = |statement: &str| Declaration::read(System::StarRocks, statement).keys;
    assert_eq!(keys("create table t (a int) duplicate key (a)"), Keys::Duplicate);
    assert_eq!(keys("create table t (a int, b int sum) aggregate key(a)"), Keys::Aggregate);
    assert_eq!(keys("create table t (a int)"), Keys::Duplicate);
    let old = Declaration::read(System::Doris, "CREATE TABLE `t` (`a` int) UNIQUE KEY(`a`, `b`)");
    assert_eq!(old.model(), Model::Unique { merge_on_write: false });
    assert_eq!(old.key, ["a", "b"]);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC*", cut in 0..STARROCKS.len()) {
        Declaration::read(System::Doris, &text);
        Declaration::read(System::StarRocks, STARROCKS.get(..cut).unwrap_or_default());
        let _ = text.parse::<ColumnType>();
    }
}
