//! Statements that users and clients send, and what is read from them.

use super::*;
use crate::catalog::{Change, ColumnType, Model, Place, Privilege};
use crate::sql::statement::{Grant, Show};

fn table(sql: &str) -> crate::catalog::TableDef {
    match statement(sql).unwrap() {
        Statement::CreateTable { table, .. } => *table,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_wagers_table_of_the_guides_is_read() {
    let sql = "CREATE TABLE IF NOT EXISTS ods_wagers (
         wager_id STRING, game_id STRING, total_bet DECIMAL(18,2), begin_time DATETIME,
         is_completed BOOLEAN, event_count INT
       ) ENGINE=OLAP
       DUPLICATE KEY(wager_id)
       DISTRIBUTED BY HASH(wager_id) BUCKETS 8
       PROPERTIES (\"replication_allocation\" = \"tag.location.default: 1\");";
    let table = table(sql);
    assert_eq!((table.model, table.buckets), (Model::Duplicate, Some(8)));
    assert_eq!(table.columns[2].column_type, ColumnType::Decimal { precision: 18, scale: 2 });
    assert!(table.columns[0].key && !table.columns[1].key);
    assert_eq!(table.properties["replication_allocation"], "tag.location.default: 1");
}

#[test]
fn keys_defaults_partitions_and_comments_are_read() {
    let table = table(
        "create table `d`.`t` (`id` bigint not null comment 'the ''key''', d date not null,
           n int default \"-1\", at datetime default current_timestamp, a array<array<int>> null)
         primary key (`id`, d) comment 'c' partition by date_trunc('day', d)
         distributed by hash(id) order by (n)
         properties ('enable_persistent_index' = 'true')",
    );
    assert_eq!((table.database.as_str(), table.model), ("d", Model::Primary));
    assert_eq!(table.columns[0].comment, "the 'key'");
    assert_eq!(table.columns[4].column_type, ColumnType::Array("array<int>".to_owned()));
    assert_eq!(table.partition.as_deref(), Some("partition by date_trunc('day', d)"));
    assert_eq!((table.sort, table.buckets), (vec!["n".to_owned()], None));
}

#[test]
fn a_doris_table_is_read() {
    let table = table(
        "CREATE TABLE t (k VARCHAR(64) NOT NULL, v DECIMALV3(18,2) NULL, ts DATETIME(6))
         UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS AUTO
         PROPERTIES ('replication_num'='1', 'function_column.sequence_col'='ts')",
    );
    assert_eq!(table.model, Model::Unique);
    assert_eq!(table.sequence_type(), Some(ColumnType::DateTime(6)));
    assert!(table.merges_on_write());
}

#[test]
fn changes_of_columns_are_read() {
    let sql = "ALTER TABLE `d`.`t` ADD COLUMN `c` VARCHAR(10) NULL, ADD COLUMN e INT NULL AFTER c, \
               DROP COLUMN x PROPERTIES(\"timeout\"=\"1800\")";
    let Statement::Alter { changes, timeout_s, .. } = statement(sql).unwrap() else { panic!() };
    assert_eq!(timeout_s, 1800);
    assert_eq!(changes.len(), 3);
    assert!(matches!(&changes[1], Change::Add(_, Place::After(name)) if name == "c"));
    assert_eq!(changes[2], Change::Drop("x".to_owned()));
    let sql = "ALTER TABLE t MODIFY COLUMN `c` COMMENT 'a', MODIFY COLUMN comment INT COMMENT 'b'";
    let Statement::Alter { changes, .. } = statement(sql).unwrap() else { panic!() };
    assert_eq!(changes[0], Change::Comment("c".to_owned(), "a".to_owned()));
    assert!(matches!(&changes[1], Change::Modify(column, _) if column.comment == "b"));
}

#[test]
fn jobs_are_asked_for() {
    let sql = "SHOW ALTER TABLE COLUMN FROM `d` WHERE TableName = 't' ORDER BY JobId DESC LIMIT 1;";
    let expected = Show::AlterColumn {
        database: Some("d".to_owned()),
        table: Some("t".to_owned()),
        latest: true,
        limit: Some(1),
    };
    assert_eq!(statement(sql).unwrap(), Statement::Show(expected));
}

#[test]
fn privileges_of_both_systems_are_read() {
    let grant = |sql: &str| match statement(sql).unwrap() {
        Statement::Grant(grant) => grant,
        other => panic!("{other:?}"),
    };
    let doris = grant("GRANT LOAD_PRIV ON wager_analytics.* TO 'flink_writer'@'%'");
    assert_eq!(
        doris,
        Grant {
            privileges: vec![Privilege::Insert, Privilege::Update, Privilege::Delete],
            database: Some("wager_analytics".to_owned()),
            table: "*".to_owned(),
            user: "flink_writer".to_owned(),
            revoke: false,
        }
    );
    let starrocks = grant("GRANT SELECT, INSERT ON ALL TABLES IN DATABASE d TO USER 'u'");
    assert_eq!(starrocks.privileges, [Privilege::Select, Privilege::Insert]);
    let create = grant("GRANT CREATE TABLE ON DATABASE d TO USER u@'%'");
    assert_eq!((create.privileges, create.table), (vec![Privilege::Create], "*".to_owned()));
    let database = grant("GRANT CREATE DATABASE ON CATALOG default_catalog TO USER 'u'@'%'");
    assert_eq!(database.privileges, [Privilege::Create]);
    assert_eq!(database.database.as_deref(), Some("*"));
}

#[test]
fn materialized_views_are_views() {
    let sql = "CREATE MATERIALIZED VIEW IF NOT EXISTS d.hourly COMMENT 'x' DISTRIBUTED BY HASH(g) \
               REFRESH ASYNC EVERY (INTERVAL 1 HOUR) PROPERTIES ('a'='b') AS SELECT g, SUM(b) FROM t GROUP BY g;";
    let Statement::CreateView(view) = statement(sql).unwrap() else { panic!() };
    assert!(view.materialized && view.lenient);
    assert_eq!(view.select, "SELECT g, SUM(b) FROM t GROUP BY g");
}

#[test]
fn settings_of_drivers_are_taken() {
    let Statement::Set(set) =
        statement("SET NAMES utf8mb4, autocommit=1, @@session.x = 'a,b'").unwrap()
    else {
        panic!()
    };
    let names: Vec<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["NAMES", "autocommit", "@@session.x"]);
}

#[test]
fn nonsense_is_refused_with_its_place() {
    for sql in [
        "CREATE TABLE t (a FOO)",
        "ALTER TABLE t TURN",
        "DELETE FROM t",
        "GRANT X ON t TO u",
        "BOGUS",
    ] {
        let error = statement(sql).unwrap_err();
        assert_eq!(error.code, 1064, "{sql}");
    }
}
