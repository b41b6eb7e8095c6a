//! Statements as text.

use std::sync::Arc;

use super::super::ddl::{create_table, create_table_for};
use super::super::evolve::{evolved, statements};
use super::super::version::Version;
use super::super::views::views;
use super::{audit, config, schema, table, wagers};
use crate::record::Schema;
use crate::sink::WriteMode;
use crate::sink::stream_load::config::{BodyFormat, Deletes, Evolution, StreamLoadConfig, System};
use crate::sink::stream_load::error::StreamLoadError;

#[test]
fn a_starrocks_table_has_its_key_first() {
    let mut config = config(System::StarRocks);
    config.audit = audit();
    assert_eq!(
        create_table(&config, &wagers(), "ods_wagers", 1),
        r#"CREATE TABLE IF NOT EXISTS `wager_analytics`.`ods_wagers` (
  `wager_id` VARCHAR(255) NOT NULL,
  `game_id` VARCHAR(1048576) NULL,
  `user_id` VARCHAR(1048576) NULL,
  `version` BIGINT NULL,
  `total_bet` DECIMAL(18,2) NULL,
  `total_win` DECIMAL(18,2) NULL,
  `net_amount` DECIMAL(18,2) NULL,
  `end_time` DATETIME NULL,
  `is_completed` BOOLEAN NULL,
  `millrace_op` VARCHAR(8) NULL COMMENT "the last change: insert, update, delete, truncate or read",
  `millrace_deleted` BOOLEAN NULL COMMENT "whether the source has deleted the row",
  `millrace_synced_at` DATETIME NULL COMMENT "when the row was loaded, UTC",
  `millrace_version` BIGINT NULL COMMENT "the place of the last change in its source"
)
ENGINE = OLAP
PRIMARY KEY (`wager_id`)
COMMENT "filled by Millrace"
DISTRIBUTED BY HASH(`wager_id`)
PROPERTIES (
  "replication_num" = "1"
)"#
    );
}

#[test]
fn a_doris_table_merges_on_write() {
    let mut config = config(System::Doris);
    config.key = vec!["user_id".into(), "wager_id".into()];
    config.buckets = Some(8);
    let mut schema =
        schema(&[("wager_id", "text"), ("version", "i64"), ("user_id", "uuid"), ("note", "text")]);
    schema.append_only = false;
    let version = Version::read("doris-3.1.0");
    assert_eq!(
        create_table_for(&config, &schema, "t", 5, &version),
        r#"CREATE TABLE IF NOT EXISTS `wager_analytics`.`t` (
  `user_id` VARCHAR(36) NOT NULL,
  `wager_id` VARCHAR(255) NOT NULL,
  `version` BIGINT NULL,
  `note` STRING NULL
)
ENGINE = OLAP
UNIQUE KEY (`user_id`, `wager_id`)
COMMENT "filled by Millrace"
DISTRIBUTED BY HASH(`user_id`, `wager_id`) BUCKETS 8
PROPERTIES (
  "replication_num" = "3",
  "enable_unique_key_merge_on_write" = "true",
  "enable_unique_key_skip_bitmap_column" = "true"
)"#
    );
    config.sequence = Some("version".into());
    let ordered = create_table_for(&config, &schema, "t", 5, &version);
    let properties = r#"PROPERTIES (
  "replication_num" = "3",
  "enable_unique_key_merge_on_write" = "true",
  "function_column.sequence_col" = "version"
)"#;
    assert!(ordered.ends_with(properties), "{ordered}");
}

#[test]
fn a_doris_table_is_made_for_flexible_loads_where_there_may_be_some() {
    let flexible = |version: &str, append_only, change: fn(&mut StreamLoadConfig)| {
        let mut config = config(System::Doris);
        change(&mut config);
        let schema = Schema { append_only, ..wagers() };
        let version = Version::read(version);
        let statement = create_table_for(&config, &schema, "t", 3, &version);
        statement.contains("\"enable_unique_key_skip_bitmap_column\" = \"true\"")
    };
    assert!(flexible("3.1.0", false, |_| {}));
    assert!(!flexible("3.0.9", false, |_| {}));
    assert!(!flexible("3.1.0", true, |_| {}), "nothing is left out");
    assert!(flexible("3.1.0", false, |config| config.format = BodyFormat::Csv));
    assert!(!flexible("3.1.0", false, |config| config.format = BodyFormat::Arrow));
    assert!(!flexible("3.1.0", false, |config| config.sequence = Some("version".into())));
    assert!(!flexible("3.1.0", false, |config| config.mode = WriteMode::Append));
}

#[test]
fn a_table_for_appending_is_sorted_by_what_can_be() {
    let mut config = config(System::Doris);
    config.mode = WriteMode::Append;
    config.key = Vec::new();
    let schema = schema(&[("ratio", "f64"), ("note", "text"), ("doc", "json")]);
    assert_eq!(
        create_table(&config, &schema, "t", 0),
        "CREATE TABLE IF NOT EXISTS `wager_analytics`.`t` (\n  `note` VARCHAR(65533) NULL,\n  \
         `ratio` DOUBLE NULL,\n  `doc` JSON NULL\n)\nENGINE = OLAP\nDUPLICATE KEY (`note`)\n\
         COMMENT \"filled by Millrace\"\nDISTRIBUTED BY HASH(`note`) BUCKETS AUTO"
    );
}

#[test]
fn a_made_table_takes_what_it_was_made_for() {
    for system in [System::StarRocks, System::Doris] {
        let mut config = config(system);
        config.audit = audit();
        let statement = create_table(&config, &wagers(), "ods_wagers", 3);
        let names: Vec<Arc<str>> =
            wagers().fields.iter().map(|field| Arc::clone(&field.name)).collect();
        let mut names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        names.extend(crate::sink::stream_load::config::Audit::DEFAULT_NAMES);
        let table = table(system, &statement, &names);
        let mapped = super::super::mapping::map(&config, &wagers(), &table).unwrap();
        assert_eq!(mapped.len(), names.len());
        config.evolution = Evolution::Apply;
        assert_eq!(statements(&config, &wagers(), &table), Vec::<String>::new());
    }
}

#[test]
fn views_are_in_each_systems_words() {
    let starrocks = views(&config(System::StarRocks), &wagers(), "ods_wagers").unwrap();
    assert_eq!(starrocks.len(), 8);
    assert_eq!(
        starrocks[0],
        "CREATE VIEW IF NOT EXISTS `wager_analytics`.`ods_wagers_revenue_hourly`\n\
         COMMENT \"platform revenue by hour and game, UTC\"\n\
         AS SELECT\n  date_trunc('hour', `end_time`) AS `hour_start`,\n  `game_id`,\n  \
         COUNT(*) AS `wager_count`,\n  SUM(`total_bet`) AS `total_bet`,\n  \
         SUM(`total_win`) AS `total_win`,\n  SUM(`net_amount`) AS `platform_revenue`\n\
         FROM `wager_analytics`.`ods_wagers`\nWHERE `is_completed` = TRUE\n\
         GROUP BY date_trunc('hour', `end_time`), `game_id`"
    );
    assert!(starrocks[7].starts_with(
        "CREATE MATERIALIZED VIEW IF NOT EXISTS `wager_analytics`.`ods_wagers_player_segments_mv`\n\
         COMMENT \"players by what they bet\"\nDISTRIBUTED BY HASH(`user_id`)\n\
         REFRESH ASYNC EVERY (INTERVAL 5 MINUTE)\nAS SELECT\n  `user_id`,"
    ));

    let mut doris = config(System::Doris);
    doris.replication = Some(1);
    doris.deletes = Deletes::Soft;
    doris.audit = audit();
    let doris = views(&doris, &wagers(), "ods_wagers").unwrap();
    assert_eq!(
        doris[6],
        "CREATE MATERIALIZED VIEW IF NOT EXISTS `wager_analytics`.`ods_wagers_rtp_mv`\n\
         BUILD IMMEDIATE REFRESH COMPLETE ON SCHEDULE EVERY 5 MINUTE\n\
         COMMENT \"return to player by game\"\nDISTRIBUTED BY RANDOM BUCKETS AUTO\n\
         PROPERTIES (\"replication_num\" = \"1\")\n\
         AS SELECT\n  `game_id`,\n  COUNT(*) AS `wager_count`,\n  SUM(`total_bet`) AS \
         `total_bet`,\n  SUM(`total_win`) AS `total_win`,\n  SUM(`net_amount`) AS \
         `platform_revenue`,\n  ROUND(SUM(`total_win`) / NULLIF(SUM(`total_bet`), 0), 6) AS `rtp`\n\
         FROM `wager_analytics`.`ods_wagers`\n\
         WHERE `is_completed` = TRUE AND \
         (`millrace_deleted` IS NULL OR `millrace_deleted` = FALSE)\n\
         GROUP BY `game_id`"
    );
    assert!(doris[1].contains("date_trunc(`end_time`, 'day') AS `day_start`"));
}

#[test]
fn views_say_which_columns_they_lack() {
    let fields = [("game_id", "text"), ("total_bet", "f64"), ("total_win", "decimal(18,2)")];
    let schema = schema(&fields);
    let Err(StreamLoadError::Unfit { differences, .. }) =
        views(&config(System::Doris), &schema, "t")
    else {
        panic!("the input lacks columns")
    };
    let [lacks, sums] = &differences[..] else { panic!("{differences:#?}") };
    let columns = ": `user_id`, `net_amount`, a timestamp, such as `end_time`";
    assert!(lacks.ends_with(columns), "{lacks}");
    assert!(sums.contains("`total_bet`, which is f64 and not a decimal"), "{sums}");
}

#[test]
fn a_table_grows_with_its_input() {
    let mut config = config(System::StarRocks);
    config.evolution = Evolution::Apply;
    let schema = schema(&[
        ("wager_id", "text"),
        ("count", "i64"),
        ("amount", "decimal(18,2)"),
        ("fixed", "i64"),
        ("day", "timestamp"),
        ("player", "uuid"),
        ("note", "text"),
        ("new_one", "bool"),
        ("new_two", "json"),
    ]);
    let statement = "CREATE TABLE `ods_wagers` (`wager_id` varchar(64) NOT NULL, `count` int NOT \
         NULL, `amount` decimal(10,2) NULL, `fixed` int NULL DEFAULT \"0\", `day` date NULL, \
         `player` varchar(20) NULL, `note` varchar(20) NULL, `gone` int NULL) \
         PRIMARY KEY(`wager_id`)";
    let names = ["wager_id", "count", "amount", "fixed", "day", "player", "note", "gone"];
    let table = table(System::StarRocks, statement, &names);
    assert_eq!(
        statements(&config, &schema, &table),
        [
            "ALTER TABLE `wager_analytics`.`ods_wagers` ADD COLUMN `new_one` BOOLEAN NULL, \
             ADD COLUMN `new_two` JSON NULL",
            "ALTER TABLE `wager_analytics`.`ods_wagers` MODIFY COLUMN `count` BIGINT NOT NULL, \
             MODIFY COLUMN `amount` DECIMAL(18,2) NULL, MODIFY COLUMN `day` DATETIME NULL, \
             MODIFY COLUMN `player` VARCHAR(36) NULL",
        ]
    );
    let grown = evolved(&config, &schema, &table);
    assert!(super::super::mapping::map(&config, &schema, &grown).is_ok());
    assert_eq!(statements(&config, &schema, &grown), Vec::<String>::new());
    config.evolution = Evolution::Halt;
    assert_eq!(evolved(&config, &schema, &table), table);
}
