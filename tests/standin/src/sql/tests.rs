//! Statements of users and drivers, from text to rows.

use super::*;
use crate::world::System;

const WAGERS: &str = "
    CREATE DATABASE IF NOT EXISTS wager_analytics;
    USE wager_analytics;
    CREATE TABLE IF NOT EXISTS ods_wagers (
      wager_id STRING, game_id STRING, total_bet DECIMAL(18,2), total_win DECIMAL(18,2),
      begin_time DATETIME, is_completed BOOLEAN, net_amount DECIMAL(18,2)
    ) ENGINE=OLAP DUPLICATE KEY(wager_id) DISTRIBUTED BY HASH(wager_id) BUCKETS 8
    PROPERTIES (\"replication_allocation\" = \"tag.location.default: 1\");
    INSERT INTO ods_wagers VALUES
      ('1', 'a', 0.10, 9, '2026-11-21 13:10:00', true, -8.90),
      ('2', 'a', 0.20, 0, '2026-11-21 13:50:00', true, 0.20),
      ('3', 'b', 100, 0.5, '2026-11-21 14:00:00', true, 99.5),
      ('4', 'b', 1, 1, NULL, false, 0)";

fn run(world: &World, sql: &str) -> Vec<Vec<String>> {
    rows(world, ADMINISTRATOR, "wager_analytics", sql).unwrap()
}

#[test]
fn the_verification_queries_of_the_guide_are_exact() {
    let world = World::alone(System::StarRocks);
    rows(&world, ADMINISTRATOR, "", WAGERS).unwrap();
    let found = run(
        &world,
        "SELECT game_id, COUNT(*) as wager_count, SUM(total_bet) as total_revenue,
           SUM(total_win) as total_payout, SUM(net_amount) as platform_profit,
           AVG(net_amount) as avg_profit_per_wager
         FROM wager_analytics.ods_wagers WHERE is_completed = true
         GROUP BY game_id ORDER BY platform_profit DESC;",
    );
    assert_eq!(
        found,
        [
            ["b", "1", "100.00", "0.50", "99.50", "99.50000000"],
            ["a", "2", "0.30", "9.00", "-8.70", "-4.35000000"],
        ]
    );
    let latest = run(
        &world,
        "SELECT wager_id FROM wager_analytics.ods_wagers ORDER BY begin_time DESC LIMIT 2",
    );
    assert_eq!(latest, [["3"], ["2"]]);
}

#[test]
fn views_of_dashboards_can_be_read() {
    let world = World::alone(System::StarRocks);
    rows(&world, ADMINISTRATOR, "", WAGERS).unwrap();
    run(
        &world,
        "CREATE MATERIALIZED VIEW hourly REFRESH ASYNC EVERY(INTERVAL 1 HOUR) AS
         SELECT date_trunc('hour', begin_time) AS hour, game_id, SUM(total_bet) AS bets,
           SUM(total_win) / NULLIF(SUM(total_bet), 0) AS rtp
         FROM ods_wagers WHERE begin_time IS NOT NULL GROUP BY date_trunc('hour', begin_time), game_id",
    );
    let found = run(&world, "SELECT hour, bets, rtp FROM hourly WHERE bets > 0.25 ORDER BY hour");
    assert_eq!(
        found,
        [
            ["2026-11-21 13:00:00", "0.30", "30.00000000"],
            ["2026-11-21 14:00:00", "100.00", "0.00500000"],
        ]
    );
}

#[test]
fn the_connector_finds_its_six_columns() {
    let world = World::alone(System::StarRocks);
    let setup =
        "CREATE DATABASE d; CREATE TABLE d.t (id BIGINT NOT NULL, b BOOLEAN, p DECIMAL(10,2))
                 PRIMARY KEY(id) DISTRIBUTED BY HASH(id) PROPERTIES('replication_num'='1')";
    rows(&world, ADMINISTRATOR, "", setup).unwrap();
    let sql = "select `COLUMN_NAME`, `ORDINAL_POSITION`, `COLUMN_KEY`, `DATA_TYPE`, `COLUMN_SIZE`, \
               `DECIMAL_DIGITS` from `information_schema`.`COLUMNS` where `TABLE_SCHEMA`='d' and \
               `TABLE_NAME`='t';";
    let mut session = Session::new(ADMINISTRATOR);
    let found = execute(&world, ADMINISTRATOR, &mut session, sql).unwrap();
    let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "COLUMN_NAME",
            "ORDINAL_POSITION",
            "COLUMN_KEY",
            "DATA_TYPE",
            "COLUMN_SIZE",
            "DECIMAL_DIGITS"
        ]
    );
    assert_eq!(found.columns[1].column_type, ColumnType::BigInt);
    let row = |row: [&str; 4]| row.map(|value| Some(value.to_owned())).to_vec();
    assert_eq!(found.rows[0][..4], row(["id", "1", "PRI", "bigint"]));
    assert_eq!(found.rows[1][..4], row(["b", "2", "", "tinyint"]));
    assert_eq!(found.rows[2][2..], row(["", "decimal", "10", "2"]));
    let version = rows(&world, ADMINISTRATOR, "", "select current_version() as ver;").unwrap();
    assert!(version[0][0].starts_with("3.5.0"));
}

#[test]
fn drivers_are_answered() {
    let world = World::alone(System::Doris);
    let mut session = Session::new(ADMINISTRATOR);
    let mut ask = |sql: &str| execute(&world, ADMINISTRATOR, &mut session, sql).unwrap();
    let connector = "/* mysql-connector-j */SELECT  @@session.auto_increment_increment AS \
                     auto_increment_increment, @@character_set_client AS character_set_client, \
                     @@init_connect AS init_connect, @@wait_timeout AS wait_timeout";
    let found = ask(connector);
    assert_eq!(found.columns[0].name, "auto_increment_increment");
    assert_eq!(found.rows[0][1].as_deref(), Some("utf8mb4"));
    ask("SET NAMES utf8mb4");
    ask("SET character_set_results = NULL");
    ask("SET autocommit=1, sql_mode='STRICT_TRANS_TABLES'");
    assert_eq!(ask("SELECT @@sql_mode").rows[0][0].as_deref(), Some("STRICT_TRANS_TABLES"));
    assert_eq!(ask("SELECT @@version_comment LIMIT 1").columns[0].name, "@@version_comment");
    assert_eq!(ask("select database(), user() limit 1").rows[0][0], None);
    assert_eq!(ask("SHOW VARIABLES LIKE 'lower_case_%'").rows.len(), 1);
}

#[test]
fn a_column_is_added_when_the_job_has_finished() {
    let world = World::alone(System::StarRocks);
    let setup = "CREATE DATABASE d; CREATE TABLE d.t (id INT NOT NULL, v INT) PRIMARY KEY(id)
                 DISTRIBUTED BY HASH(id) PROPERTIES('replication_num'='1');
                 INSERT INTO d.t VALUES (1, 10)";
    rows(&world, ADMINISTRATOR, "", setup).unwrap();
    world.catalog.began("d", "t", 7);
    let ask = |sql: &str| rows(&world, ADMINISTRATOR, "d", sql).unwrap();
    ask("ALTER TABLE d.t ADD COLUMN c VARCHAR(5) NULL DEFAULT 'x', MODIFY COLUMN v BIGINT");
    let state = || {
        ask("SHOW ALTER TABLE COLUMN FROM d WHERE TableName='t' ORDER BY JobId DESC LIMIT 1")[0][9]
            .clone()
    };
    assert!(rows(&world, ADMINISTRATOR, "d", "ALTER TABLE t DROP COLUMN v").is_err());
    let seen: Vec<String> = (0..4).map(|_| state()).collect();
    assert_eq!(seen, ["PENDING", "WAITING_TXN", "WAITING_TXN", "WAITING_TXN"]);
    assert!(rows(&world, ADMINISTRATOR, "d", "SELECT c FROM t").is_err());
    world.catalog.ended(7);
    let seen: Vec<String> = (0..3).map(|_| state()).collect();
    assert_eq!(seen, ["WAITING_TXN", "RUNNING", "FINISHED"]);
    assert_eq!(ask("SELECT * FROM t"), [["1", "10", "x"]]);
    assert_eq!(ask("DESC t")[1][1], "bigint(20)");
}

#[test]
fn a_comment_is_changed_without_a_type() {
    for system in [System::StarRocks, System::Doris] {
        let world = World::alone(system);
        let keys = if system == System::StarRocks { "PRIMARY" } else { "UNIQUE" };
        let setup = format!(
            "CREATE DATABASE d; CREATE TABLE d.t (id INT NOT NULL, `comment` INT COMMENT 'old')
             {keys} KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES('replication_num'='1');
             INSERT INTO d.t VALUES (1, 2);
             ALTER TABLE d.t MODIFY COLUMN `comment` COMMENT 'it\\'s new'"
        );
        rows(&world, ADMINISTRATOR, "", &setup).unwrap();
        let ask = |sql: &str| rows(&world, ADMINISTRATOR, "d", sql).unwrap();
        let latest = "SHOW ALTER TABLE COLUMN FROM d ORDER BY JobId DESC LIMIT 1";
        assert!((0..9).any(|_| ask(latest)[0][9] == "FINISHED"));
        assert_eq!(ask("SHOW FULL COLUMNS FROM t")[1][8], "it's new");
        assert_eq!(ask("SELECT `comment` FROM t"), [["2"]]);
        let unknown = "ALTER TABLE t MODIFY COLUMN nope COMMENT 'x'";
        assert!(rows(&world, ADMINISTRATOR, "d", unknown).is_err());
    }
}

#[test]
fn no_more_databases_than_there_is_room_for() {
    let world = World::alone(System::StarRocks);
    let make = |number: u32| {
        rows(&world, ADMINISTRATOR, "", &format!("CREATE DATABASE d{number}")).map(drop)
    };
    for number in 1..=9 {
        make(number).unwrap();
    }
    let error = make(10).unwrap_err();
    assert_eq!(error.message, "the stand-in keeps no more than 9 databases: drop one first");
    rows(&world, ADMINISTRATOR, "", "DROP DATABASE d1").unwrap();
    make(10).unwrap();
}

#[test]
fn privileges_are_asked_for() {
    let world = World::alone(System::StarRocks);
    let setup = "CREATE DATABASE d; CREATE TABLE d.t (id INT NOT NULL) PRIMARY KEY(id)
                 DISTRIBUTED BY HASH(id) PROPERTIES('replication_num'='1');
                 CREATE USER 'u'@'%' IDENTIFIED BY 'p'";
    rows(&world, ADMINISTRATOR, "", setup).unwrap();
    let code = |sql: &str| rows(&world, "u", "d", sql).map_err(|error| error.code);
    assert_eq!(code("SELECT * FROM t"), Err(5203));
    assert_eq!(code("CREATE TABLE x (a INT)"), Err(5203));
    rows(&world, ADMINISTRATOR, "", "GRANT SELECT ON TABLE d.t TO USER u").unwrap();
    assert_eq!(code("SELECT * FROM t"), Ok(Vec::new()));
    assert_eq!(code("DELETE FROM t WHERE id = 1"), Err(5203));
    let grants = rows(&world, "u", "", "SHOW GRANTS").unwrap();
    assert_eq!(grants[0][2], "GRANT SELECT ON TABLE d.t TO USER 'u'@'%'");
}

#[test]
fn too_few_backends_refuse_the_default_replication() {
    for system in [System::StarRocks, System::Doris] {
        let world = World::alone(system);
        let keys = if system == System::StarRocks { "PRIMARY" } else { "UNIQUE" };
        let sql = |properties: &str| {
            format!(
                "CREATE DATABASE IF NOT EXISTS d; CREATE TABLE d.t (id INT NOT NULL) {keys} KEY(id)
             DISTRIBUTED BY HASH(id) BUCKETS 1 {properties}"
            )
        };
        assert!(rows(&world, ADMINISTRATOR, "", &sql("")).is_err());
        rows(&world, ADMINISTRATOR, "", &sql("PROPERTIES('replication_num'='2')")).unwrap();
        let shown = rows(&world, ADMINISTRATOR, "d", "SHOW CREATE TABLE t").unwrap();
        rows(&world, ADMINISTRATOR, "d", "DROP TABLE t").unwrap();
        rows(&world, ADMINISTRATOR, "d", &shown[0][1]).unwrap();
        assert_eq!(rows(&world, ADMINISTRATOR, "d", "SHOW CREATE TABLE t").unwrap(), shown);
    }
}

#[test]
fn rows_are_updated_and_deleted() {
    let world = World::alone(System::StarRocks);
    let setup = "CREATE DATABASE d; CREATE TABLE d.t (id INT NOT NULL, v DECIMAL(9,2), s STRING) PRIMARY KEY(id)
                 DISTRIBUTED BY HASH(id) PROPERTIES('replication_num'='1');
                 INSERT INTO d.t VALUES (1, 1, 'a'), (2, 2.5, 'b'), (1, 3, 'c')";
    rows(&world, ADMINISTRATOR, "", setup).unwrap();
    let ask = |sql: &str| rows(&world, ADMINISTRATOR, "d", sql).unwrap();
    ask("UPDATE t SET v = v + 0.10 WHERE s = 'b'");
    assert_eq!(ask("SELECT * FROM t ORDER BY id"), [["1", "3.00", "c"], ["2", "2.60", "b"]]);
    ask("DELETE FROM t WHERE v < 2.7");
    assert_eq!(ask("SELECT id FROM t"), [["1"]]);
    ask("TRUNCATE TABLE t");
    assert!(ask("SELECT id FROM t").is_empty());
}

#[test]
fn connector_j_lists_tables_and_their_keys() {
    let world = World::alone(System::StarRocks);
    let setup = "CREATE DATABASE d; CREATE TABLE d.t (id INT NOT NULL, v INT) PRIMARY KEY(id)
                 DISTRIBUTED BY HASH(id) PROPERTIES('replication_num'='1');
                 CREATE VIEW d.w AS SELECT id FROM d.t; INSERT INTO d.t VALUES (1, 5), (2, 6), (3, 7)";
    rows(&world, ADMINISTRATOR, "", setup).unwrap();
    let ask = |sql: &str| rows(&world, ADMINISTRATOR, "d", sql).unwrap();
    let tables = |kinds: &str| {
        ask(&format!(
            "SELECT TABLE_SCHEMA AS TABLE_CAT, NULL AS TABLE_SCHEM, TABLE_NAME, CASE WHEN \
             TABLE_TYPE='BASE TABLE' THEN CASE WHEN TABLE_SCHEMA = 'mysql' THEN 'SYSTEM TABLE' \
             ELSE 'TABLE' END WHEN TABLE_TYPE='TEMPORARY' THEN 'LOCAL_TEMPORARY' ELSE TABLE_TYPE \
             END AS TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'd' HAVING \
             TABLE_TYPE IN ({kinds},null,null) ORDER BY TABLE_TYPE, TABLE_SCHEMA, TABLE_NAME"
        ))
    };
    assert_eq!(tables("'TABLE','VIEW'"), [["d", "NULL", "t", "TABLE"], ["d", "NULL", "w", "VIEW"]]);
    assert_eq!(tables("'VIEW'"), [["d", "NULL", "w", "VIEW"]]);
    let keys = "SELECT COLUMN_NAME, SEQ_IN_INDEX AS KEY_SEQ, 'PRIMARY' AS PK_NAME FROM \
                INFORMATION_SCHEMA.STATISTICS WHERE TABLE_SCHEMA = 'd' AND INDEX_NAME='PRIMARY'";
    assert!(ask(keys).is_empty());
    let words = "select WORD from INFORMATION_SCHEMA.KEYWORDS where RESERVED=1 order by WORD";
    let granted = "SELECT GRANTEE, PRIVILEGE_TYPE, IS_GRANTABLE FROM INFORMATION_SCHEMA.";
    assert!(ask(words).is_empty());
    for table in ["COLUMN_PRIVILEGES", "TABLE_PRIVILEGES", "SCHEMA_PRIVILEGES", "USER_PRIVILEGES"] {
        assert!(ask(&format!("{granted}{table}")).is_empty());
    }
    let found = ask("SELECT id AS v FROM t WHERE id = 1 OR id = 3 HAVING v > 1 ORDER BY id");
    assert_eq!(found, [["3"]]);
    assert_eq!(ask("SELECT sum(v) AS s FROM t HAVING s > 17"), [["18"]]);
}

#[test]
fn errors_say_what_is_missing() {
    let world = World::alone(System::StarRocks);
    let setup = "CREATE DATABASE d; CREATE TABLE d.t (id INT NOT NULL) PRIMARY KEY(id)
                 DISTRIBUTED BY HASH(id) PROPERTIES('replication_num'='1')";
    rows(&world, ADMINISTRATOR, "", setup).unwrap();
    let error = |database: &str, sql: &str| rows(&world, ADMINISTRATOR, database, sql).unwrap_err();
    let column = error("d", "SELECT nope FROM t");
    assert_eq!(column.code, 1054);
    assert!(column.message.contains("Column 'nope' cannot"), "{}", column.message);
    let database = error("", "SELECT * FROM t");
    assert_eq!((database.code, database.state), (1046, "3D000"));
    // A table that is there is told before too few backends are.
    let again = "CREATE TABLE d.t (id INT NOT NULL) PRIMARY KEY(id) DISTRIBUTED BY HASH(id)";
    assert_eq!(error("d", again).code, 1050);
    rows(&world, ADMINISTRATOR, "d", &again.replace("TABLE", "TABLE IF NOT EXISTS")).unwrap();
}
