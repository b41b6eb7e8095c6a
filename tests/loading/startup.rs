//! `millrace run` against a target that cannot take the rows: it ends before it loads one, and says
//! what to do.

use millrace_standin::faults::{Point, Rule};
use millrace_standin::{Options, System, Version};
use millrace_tests::Process;

use super::scene::PASSWORD;
use super::target::{BOTH, NOWHERE, ROWS, TABLE, Target};

/// The run ends with this code and these words, and the target has not been given a row.
fn refuses(target: &Target, code: i32, words: &[&str]) {
    let ending = target.run().with_code(code);
    for word in words {
        assert!(ending.stderr.contains(word), "{word:?} is not said:\n{}", ending.stderr);
    }
    target.assert_untouched();
}

/// How many rows the table has.
fn rows(target: &Target) -> String {
    target.sql("SELECT COUNT(*) FROM shop.bets")[0][0].clone()
}

#[test]
fn a_mysql_port_that_is_away_is_out_of_reach_and_a_wrong_password_a_failure() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.text("mysql_url", NOWHERE);
        let port = format!("the MySQL port {NOWHERE} cannot be reached");
        refuses(&target, 3, &[&port, "check the address", "sink `copy`"]);

        let mut target = Target::new(system);
        target.password = "wr0ng-pass";
        refuses(&target, 1, &["refuses user `loader`", "check `username` and `password`"]);
        // With the right one the same store begins.
        target.password = PASSWORD;
        target.run().with_code(0);
        assert_eq!(rows(&target), ROWS.to_string());
        target.assert_clean();
    }
}

#[test]
fn a_database_or_table_that_is_not_there_ends_the_start() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.text("database", "shp");
        let words = ["database `shp` does not exist", "run `millrace ddl --apply FILE`"];
        refuses(&target, 1, &words);
        // What is missing is told by its name, whether or not the table might be made.
        target.set("create_table", "false");
        refuses(&target, 1, &words);
        target.text("database", "shop");
        let words = ["table `bets` does not exist", "make it with `millrace ddl --apply FILE`"];
        refuses(&target, 1, &words);
    }
}

#[test]
fn a_table_that_does_not_fit_ends_the_start() {
    let tables: [(&str, &str, &[&str]); 5] = [
        (TABLE, "DUPLICATE KEY(id)", &["mode = \"upsert\" wants a table with", "make it with"]),
        (
            "id BIGINT NOT NULL, active BOOLEAN NOT NULL, amount DECIMAL(18,2), \
             name VARCHAR(200), note VARCHAR(200)",
            "KEYED(id, active)",
            &["is (id, active), and the sink's key is (id)", "set `key`"],
        ),
        (
            "id BIGINT NOT NULL, amount DECIMAL(18,2), name VARCHAR(200), active BOOLEAN",
            "KEYED(id)",
            &["column `note` is missing", "ADD COLUMN `note`", "evolution = \"apply\""],
        ),
        (
            "id BIGINT NOT NULL, amount DOUBLE, name VARCHAR(200), note VARCHAR(200), \
             active BOOLEAN",
            "KEYED(id)",
            &["a float does not keep decimal digits", "make it DECIMAL(18,2)"],
        ),
        (
            "id BIGINT NOT NULL, amount DECIMAL(18,2), name VARCHAR(200), note VARCHAR(200), \
             active BOOLEAN, owner VARCHAR(20) NOT NULL",
            "KEYED(id)",
            &["column `owner` takes no null and has no default", "make it NULL"],
        ),
    ];
    for system in BOTH {
        for (columns, model, words) in tables {
            let target = Target::new(system);
            target.make(columns, &model.replace("KEYED", target.keyed()), 1, 4);
            refuses(&target, 1, &[&["table `bets` does not fit"][..], words].concat());
        }
        let mut target = Target::new(system);
        target.make_keyed(TABLE);
        target.text("mode", "append");
        refuses(&target, 1, &["keeps one row of each key", "name a table with DUPLICATE KEY"]);
    }
}

#[test]
fn rows_of_another_end_the_start_of_a_new_store() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.make_keyed(TABLE);
        target.sql("INSERT INTO shop.bets (id, note) VALUES (77, 'of another')");
        let words = ["table `bets` holds rows", "say if_exists = \"append\""];
        refuses(&target, 1, &words);
        target.text("if_exists", "append").run().with_code(0);
        assert_eq!(rows(&target), (ROWS + 1).to_string());
    }
}

#[test]
fn a_version_without_two_phases_ends_the_start() {
    let version = Version::new(2, 3, 0);
    let target = Target::with(Options { version, ..Options::new(System::StarRocks) });
    let remedy = "use StarRocks 2.4 or later, or say delivery = \"at-least-once\"";
    let words = ["is not possible with StarRocks 2.3.0", remedy];
    refuses(&target, 1, &words);
}

#[test]
fn the_other_system_ends_the_start() {
    for (system, other, says) in [
        (System::StarRocks, System::Doris, "`type` says Apache Doris, and the MySQL port says"),
        (System::Doris, System::StarRocks, "`type` says StarRocks, and the MySQL port says"),
    ] {
        let mut target = Target::new(system);
        target.text("type", other.name());
        refuses(&target, 1, &[says, "set `type` to the system that runs there"]);
        assert!(target.sql("SHOW TABLES FROM shop").is_empty());
    }
}

#[test]
fn a_table_of_the_cloud_that_prepares_no_loads_ends_the_start() {
    let target = Target::with(Options { cloud: true, ..Options::new(System::Doris) });
    target.make_keyed(TABLE);
    // Only that mode shows it.
    target.sql("ALTER TABLE shop.bets SET (\"file_cache_ttl_seconds\" = \"0\")");
    let error = "table `bets` merges on write in Doris's cloud mode";
    refuses(&target, 1, &[error, "say delivery = \"at-least-once\""]);
    assert_eq!(rows(&target), "0");
}

#[test]
fn the_mysql_port_in_place_of_a_frontend_ends_the_run() {
    for system in BOTH {
        let mut target = Target::new(system);
        let mysql = target.standin.mysql();
        target.text("load_url", &format!("http://{mysql}"));
        let error = format!("http://{mysql} is not a frontend: what it answers is not HTTP");
        refuses(&target, 1, &[&error, "`load_url` names the HTTP port of a frontend"]);
    }
}

#[test]
fn tls_against_a_port_without_it_ends_the_run() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.set("mysql_tls", "true");
        refuses(&target, 1, &["TLS with the MySQL port", "say mysql_tls = false"]);

        let mut target = Target::new(system);
        let http = target.standin.http()[0];
        target.text("load_url", &format!("https://{http}"));
        let tls = format!("TLS with https://{http} fails");
        refuses(&target, 1, &[&tls, "then say http:// in `load_url`"]);
    }
}

#[test]
fn a_web_page_in_place_of_a_frontend_ends_the_run_and_loses_nothing() {
    for system in BOTH {
        let target = Target::new(system);
        target.standin.world().faults.arm(Rule::once(Point::FeHtml));
        let ending = target.run().with_code(1);
        let page = "is not a frontend: it answers with a web page";
        for words in [page, "`load_url` names the HTTP port of a frontend"] {
            assert!(ending.stderr.contains(words), "{words:?} is not said:\n{}", ending.stderr);
        }
        target.run().with_code(0);
        assert_eq!(rows(&target), ROWS.to_string());
        target.assert_clean();
    }
}

#[test]
fn a_missing_privilege_ends_the_run_and_names_the_grant() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.send_the_clerk();
        let grant = match system {
            System::StarRocks => "GRANT CREATE TABLE",
            System::Doris => "GRANT CREATE_PRIV ON",
        };
        refuses(&target, 1, &["user `clerk` may not run `CREATE TABLE", grant]);
    }
    for system in BOTH {
        let mut target = Target::new(system);
        target.make_keyed(TABLE);
        target.send_the_clerk();
        let ending = target.run().with_code(1);
        let grant = match system {
            System::StarRocks => "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE `shop`.`bets` TO",
            System::Doris => "GRANT SELECT_PRIV, LOAD_PRIV ON `shop`.`bets` TO",
        };
        for words in ["as user `clerk`", grant] {
            assert!(ending.stderr.contains(words), "{words:?} is not said:\n{}", ending.stderr);
        }
        assert_eq!(rows(&target), "0");
        assert!(target.standin.world().transactions.open().is_empty());
    }
}

#[test]
fn a_password_in_the_url_is_a_mistake_of_the_file_and_is_not_shown() {
    for system in BOTH {
        let mut target = Target::new(system);
        let http = target.standin.http()[0];
        target.text("load_url", &format!("http://loader:${{PASSWORD}}@{http}"));
        refuses(&target, 2, &["is not a frontend's URL", "user and password have keys"]);
        assert!(!target.bench.path("store").exists());
    }
}

#[test]
fn the_most_talkative_log_has_no_password() {
    for system in BOTH {
        let target = Target::new(system);
        let mut command = target.command(&["run", "--progress", "never", "pipeline.toml"]);
        command.env("MILLRACE_LOG", "trace,millrace=trace,ureq=trace,ureq_proto=trace,mysql=trace");
        let ending = Process::start(&mut command).finish().with_code(0);
        assert!(ending.stderr.contains("DEBUG") || ending.stderr.contains("TRACE"));
        target.assert_secret(&ending);
        assert_eq!(rows(&target), ROWS.to_string());
    }
}
