//! What becomes of SELECTs.

use super::super::ADMINISTRATOR;
use super::*;
use crate::world::System;

fn translated(sql: &str) -> String {
    let world = World::alone(System::StarRocks);
    let setup =
        "CREATE DATABASE d; CREATE TABLE d.t (k INT NOT NULL, a DECIMAL(18,2), s VARCHAR(9))
                 PRIMARY KEY(k) DISTRIBUTED BY HASH(k) PROPERTIES('replication_num'='1');
                 CREATE VIEW d.v AS SELECT k FROM d.t";
    super::super::rows(&world, ADMINISTRATOR, "", setup).unwrap();
    let mut session = Session::new(ADMINISTRATOR);
    "d".clone_into(&mut session.database);
    select(&world, &session, sql).unwrap().sql.trim().to_owned()
}

#[test]
fn selects_are_written_for_sqlite() {
    for (sql, expected) in [
        ("select `k` from t", "SELECT \"k\" AS \"k\" FROM \"d\".\"t\""),
        (
            "SELECT SUM(a - 1) total FROM d.t x GROUP BY s HAVING total > 5 ORDER BY total DESC",
            "SELECT exact_sum(exact_subtract(\"a\", 1) COLLATE DECIMAL) COLLATE DECIMAL AS \"total\" \
             FROM \"d\".\"t\" AS \"x\" GROUP BY \"s\" HAVING (exact_compare(\"total\", 5) > 0) \
             ORDER BY \"total\" DESC",
        ),
        ("SELECT * FROM v", "SELECT * FROM (SELECT \"k\" AS \"k\" FROM \"d\".\"t\" ) AS \"v\""),
        (
            "SELECT t.* FROM t LEFT JOIN t u ON t.k = u.k WHERE t.s = \"it's\" AND u.k IS NULL LIMIT 1, 2",
            "SELECT \"t\".* FROM \"d\".\"t\" LEFT  JOIN \"d\".\"t\" AS \"u\" ON \
             (\"t\".\"k\" = \"u\".\"k\") WHERE ((\"t\".\"s\" = 'it''s') AND (\"u\".\"k\" IS NULL)) LIMIT 1, 2",
        ),
        (
            "WITH c AS (SELECT 1 one) SELECT COUNT(*) FROM c",
            "WITH \"c\" AS (SELECT 1 AS \"one\" ) SELECT count(*) AS \"COUNT(*)\" FROM \"c\"",
        ),
        (
            "SELECT CASE WHEN k IN (1, 2) THEN 'a' ELSE 'b' END, k - INTERVAL 1 DAY FROM t",
            "SELECT (CASE WHEN (\"k\" IN (1, 2)) THEN 'a' ELSE 'b' END) COLLATE DECIMAL AS \
             \"CASE WHEN k IN (1, 2) THEN 'a' ELSE 'b' END\", exact_subtract(\"k\", \
             time_interval(1, 'DAY')) COLLATE DECIMAL AS \"k - INTERVAL 1 DAY\" FROM \"d\".\"t\"",
        ),
    ] {
        assert_eq!(translated(sql), expected, "{sql}");
    }
}

#[test]
fn precedence_is_kept() {
    let where_of = |sql: &str| {
        translated(&format!("SELECT k FROM t WHERE {sql}"))
            .split("WHERE ")
            .nth(1)
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        where_of("k = 1 OR k = 2 AND NOT k = 3"),
        "((exact_compare(\"k\", 1) = 0) OR ((exact_compare(\"k\", 2) = 0) AND \
         (NOT (exact_compare(\"k\", 3) = 0))))"
    );
    assert_eq!(
        where_of("k + 2 * -3 > 1"),
        "(exact_compare(exact_add(\"k\", exact_multiply(2, -3) COLLATE DECIMAL) COLLATE DECIMAL, 1) > 0)"
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let world = World::alone(System::Doris);
    let session = Session::new(ADMINISTRATOR);
    for (sql, code) in [
        ("SELECT FROM", 1064),
        ("SELECT (1", 1064),
        ("SELECT 1 +", 1064),
        ("SELECT * FROM t", 1046),
        ("SELECT * FROM x.t", 1049),
        ("SELECT * FROM information_schema.nothing", 1146),
        ("SELECT @@nothing", 1193),
        ("SELECT 1 FROM", 1064),
    ] {
        assert_eq!(select(&world, &session, sql).unwrap_err().code, code, "{sql}");
    }
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(select(&world, &session, &deep).is_err());
}
