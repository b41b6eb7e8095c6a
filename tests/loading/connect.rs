//! What `millrace check --connect` finds at a target, and what it says to do about it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use millrace_standin::faults::{Point, Rule};
use millrace_standin::{Options, System, Version};

use super::target::{BOTH, NOWHERE, TABLE, Target, list};

#[test]
fn all_is_well_where_the_table_was_made_by_ddl() {
    for system in BOTH {
        let target = Target::new(system);
        target.millrace(&["ddl", "--apply", "pipeline.toml"]).with_code(0);
        let found = target.look();
        found.assert_well();
        let http = target.standin.http()[0];
        let mut expected = vec![
            format!("frontend http://{http} answers"),
            format!("MySQL port {} takes user `loader`", target.standin.mysql()),
            target.standin.world().version.to_string(),
            "the target's clock agrees with this machine's".to_owned(),
        ];
        let backends = target.standin.backends();
        expected.extend(backends.iter().map(|one| format!("backend {one} answers")));
        expected.extend([
            "a commit every 5 s suits the target".to_owned(),
            "database `shop` exists".to_owned(),
            format!("table `bets` ({}) takes every column", target.keyed()),
            "user `loader` may read the tables".to_owned(),
            "user `loader` may load rows".to_owned(),
        ]);
        assert_eq!(found.0.len(), expected.len(), "{found:#?}");
        for (finding, expected) in found.0.iter().zip(&expected) {
            assert!(finding.message.contains(expected), "{expected:?} is missing: {found:#?}");
            assert_eq!(finding.hint, "", "{found:#?}");
        }
        target.assert_untouched();
        target.assert_clean();
    }
}

#[test]
fn a_frontend_that_is_away_or_unwell_is_told_by_its_address() {
    for system in BOTH {
        let target = Target::with(Options { frontends: 2, ..Options::new(system) });
        target.standin.kill_frontend(1);
        let found = target.look();
        let [here, away] = target.standin.http()[..] else { panic!("there are two") };
        // The other one takes the loads.
        let warning = found.the_warning("cannot be reached", "check the address");
        assert!(warning.message.contains(&away.to_string()), "{warning:?}");
        found.says("ok", &format!("frontend http://{here} answers"), "");
        target.standin.kill_frontend(0);
        let found = target.look();
        assert_eq!((found.count("error"), found.count("warning")), (2, 0), "{found:#?}");

        let target = Target::new(system);
        target.standin.world().faults.arm(Rule::once(Point::Fe5xx));
        target.look().the_error("it answers HTTP 503", "check the address");
    }
}

#[test]
fn a_mysql_port_where_nobody_listens_is_told() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.text("mysql_url", NOWHERE);
        let error = format!("the MySQL port {NOWHERE} cannot be reached");
        target.look().the_error(&error, "check the address");
    }
}

/// A server that answers every request so.
fn server(status: &str, kind: &str, body: &str) -> SocketAddr {
    let length = body.len();
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    // It ends with the tests.
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut head = [0; 8192];
            if stream.read(&mut head).is_ok_and(|bytes| bytes > 0) {
                // A client that has gone needs no answer.
                drop(stream.write_all(reply.as_bytes()));
            }
        }
    });
    address
}

#[test]
fn what_is_no_frontend_is_told_by_its_answer() {
    let hint = "`load_url` names the HTTP port of a frontend";
    for system in BOTH {
        let mut target = Target::new(system);
        target.standin.world().faults.arm(Rule::once(Point::FeHtml));
        target.look().the_error("is not a frontend: it answers with a web page (HTTP 200)", hint);
        let answers = [
            ("200 OK", "text/html", "<h1>Hello</h1>", "it answers with a web page (HTTP 200)"),
            ("404 Not Found", "text/plain", "nothing", "it knows no such path (HTTP 404)"),
            ("200 OK", "application/json", "{}", "it answers HTTP 200 with `{}`"),
        ];
        for (status, kind, body, said) in answers {
            let address = server(status, kind, body);
            target.text("load_url", &format!("http://{address}"));
            let error = format!("http://{address} is not a frontend: {said}");
            target.look().the_error(&error, hint);
        }
        let mysql = target.standin.mysql();
        target.text("load_url", &format!("http://{mysql}"));
        target.look().the_error("what it answers is not HTTP", hint);
    }
}

#[test]
fn tls_against_a_port_without_it_is_told_from_both_ports() {
    for system in BOTH {
        let mut target = Target::new(system);
        let http = target.standin.http()[0];
        target.text("load_url", &format!("https://{http}"));
        target.look().the_error(&format!("TLS with https://{http} fails"), "say http://");
        target.text("load_url", &format!("http://{http}")).set("mysql_tls", "true");
        target.look().the_error("TLS with the MySQL port", "say mysql_tls = false");
    }
}

#[test]
fn a_wrong_password_is_refused_by_both_ports() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.password = "wr0ng-pass";
        let found = target.look();
        assert_eq!(found.count("error"), 2, "{found:#?}");
        let hint = "check `username` and `password`";
        let http = target.standin.http()[0];
        found.says("error", &format!("frontend http://{http} refuses user `loader`"), hint);
        let mysql = target.standin.mysql();
        found.says("error", &format!("MySQL port {mysql} refuses user `loader`"), hint);
    }
}

#[test]
fn a_missing_privilege_is_told_with_the_grant_that_mends_it() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.make_keyed(TABLE);
        target.send_the_clerk();
        let found = target.look();
        let (load, nodes) = match system {
            System::StarRocks => (
                "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN DATABASE `shop` TO USER 'clerk'@'%'",
                "GRANT OPERATE ON SYSTEM TO USER 'clerk'@'%'",
            ),
            System::Doris => (
                "GRANT LOAD_PRIV ON internal.`shop`.* TO 'clerk'@'%'",
                "GRANT ADMIN_PRIV ON *.*.* TO 'clerk'@'%'",
            ),
        };
        let denied = found.the_error("user `clerk` may not load rows", load);
        target.sql(denied.statement());

        // Who may not list the nodes can load nevertheless.
        let found = target.look();
        let unknown = found.the_warning("the backends are not known here", nodes);
        found.says("ok", "user `clerk` may load rows", "");
        target.sql(unknown.statement());
        target.look().assert_well();
    }
}

#[test]
fn a_database_or_table_that_is_not_there_is_told() {
    for system in BOTH {
        let mut target = Target::new(system);
        let seen = "does not exist, or the user may not see it";
        target.look().says("ok", &format!("table `bets` {seen}: it will be made"), "");
        target.look().assert_well();
        target.set("create_table", "false");
        target.look().the_error(&format!("table `bets` {seen}"), "run `millrace ddl --apply FILE`");
        target.text("database", "shp");
        let hint = "run `millrace ddl --apply FILE`, which makes it with its tables; or run: \
                    CREATE DATABASE `shp`; or correct `database`";
        target.look().the_error(&format!("database `shp` {seen}"), hint);
    }
}

#[test]
fn a_table_of_the_wrong_model_is_told_for_both_modes() {
    for system in BOTH {
        let target = Target::new(system);
        target.make(TABLE, "DUPLICATE KEY(id)", 1, 4);
        let keyed = target.keyed();
        let error = format!(
            "table `bets`: mode = \"upsert\" wants a table with {keyed}, and one with DUPLICATE \
             KEY keeps every row"
        );
        target.look().the_error(&error, &format!("make it with {keyed}, as `millrace ddl` prints"));

        let mut target = Target::new(system);
        target.make_keyed(TABLE);
        target.text("mode", "append");
        let error = format!("keeps every row, and a table with {keyed} keeps one row of each key");
        let hint = "name a table with DUPLICATE KEY, or say mode = \"upsert\"";
        target.look().the_error(&error, hint);
    }
}

#[test]
fn another_key_is_told() {
    for system in BOTH {
        let target = Target::new(system);
        let columns = "id BIGINT NOT NULL, active BOOLEAN NOT NULL, amount DECIMAL(18,2), \
                       name VARCHAR(200), note VARCHAR(200)";
        target.make(columns, &format!("{}(id, active)", target.keyed()), 1, 4);
        let error = "is (id, active), and the sink's key is (id)";
        target.look().the_error(error, "they must have the same columns: set `key`");
    }
}

#[test]
fn a_column_that_is_missing_is_told_or_added_or_left_out() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.make_keyed(&TABLE.replace("note STRING, ", ""));
        let added = "ALTER TABLE `shop`.`bets` ADD COLUMN `note` ";
        let found = target.look();
        let error = found.the_error("column `note` is missing", &format!("run: {added}"));
        assert!(error.hint.contains("evolution = \"apply\""), "{error:?}");
        target.text("evolution", "ignore");
        target.look().assert_well();
        target.text("evolution", "apply");
        let found = target.look();
        found.assert_well();
        found.says("ok", &format!("the start will run: {added}"), "");
        found.says("ok", "user `loader` may alter the tables", "");
    }
}

#[test]
fn a_type_that_loses_data_is_told_with_the_type_that_does_not() {
    let columns = [
        ("amount DECIMAL(18,2)", "amount DOUBLE", "a float does not keep decimal digits"),
        ("amount DECIMAL(18,2)", "amount DECIMAL(18,1)", "it would round"),
        ("amount DECIMAL(18,2)", "amount BIGINT", "it would cut the fraction off"),
        ("active BOOLEAN", "active DATE", "the types have nothing in common"),
    ];
    for system in BOTH {
        for (good, bad, why) in columns {
            let target = Target::new(system);
            target.make_keyed(&TABLE.replace(good, bad));
            let (name, data_type) = good.split_once(' ').expect("a name and a type");
            let found = target.look();
            let error = found.the_error(why, &format!("make it {data_type}, or convert"));
            assert!(error.message.contains(&format!("column `{name}` is ")), "{error:?}");
        }
        let target = Target::new(system);
        target.make_keyed(&format!("{TABLE}, owner VARCHAR(20) NOT NULL"));
        let error = "column `owner` takes no null and has no default";
        target.look().the_error(error, "make it NULL, or give it a default");
    }
}

#[test]
fn replicas_and_buckets_are_held_against_the_backends_that_live() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.set("replication", "2");
        target.look().assert_well();
        target.standin.kill_backend(1);
        let error = "replication = 2 wants as many backends, and 1 is alive";
        target.look().the_error(error, "set replication to 1 or less, or add backends");
        target.standin.kill_backend(0);
        let error = "none of the cluster's 2 backends is alive";
        target.look().says("error", error, "look at SHOW BACKENDS");

        let target = Target::with(Options { backends: 3, ..Options::new(system) });
        let model = format!("{}(id)", target.keyed());
        target.make(TABLE, &model, 1, 4);
        target.look().the_warning("table `bets` has one replica", "set `replication`");
        target.sql("DROP TABLE shop.bets");
        target.make(TABLE, &model, 3, 4);
        target.look().assert_well();
        target.standin.kill_backend(2);
        let warning = "table `bets` has 3 replicas, and of the backends 2 are alive";
        target.look().the_warning(warning, "start the backends that are missing");

        let target = Target::new(system);
        target.make(TABLE, &model, 2, 65);
        target.look().the_warning("table `bets` has 65 buckets", "set `buckets`");
    }
}

#[test]
fn a_target_that_cannot_prepare_loads_is_told() {
    let version = Version::new(2, 3, 0);
    let mut target = Target::with(Options { version, ..Options::new(System::StarRocks) });
    let error = "loading exactly once, which prepares loads before it commits them, is not \
                 possible with StarRocks 2.3.0";
    let remedy = "use StarRocks 2.4 or later, or say delivery = \"at-least-once\"";
    target.look().the_error(error, remedy);
    target.delivery = "at-least-once";
    target.look().assert_well();

    let mut target = Target::with(Options { cloud: true, ..Options::new(System::Doris) });
    target.make_keyed(TABLE);
    // Only that mode shows it.
    target.sql("ALTER TABLE shop.bets SET (\"file_cache_ttl_seconds\" = \"0\")");
    let error = "table `bets` merges on write in Doris's cloud mode";
    target.look().the_error(error, "say delivery = \"at-least-once\"");
    target.delivery = "at-least-once";
    target.look().assert_well();
}

#[test]
fn a_doris_table_without_flexible_updates_is_told_how_to_get_them() {
    let target = Target::new(System::Doris);
    target.sql(&format!(
        "CREATE TABLE shop.bets ({TABLE}) UNIQUE KEY(id) DISTRIBUTED BY HASH(id) BUCKETS 4 \
         PROPERTIES (\"replication_num\" = \"1\", \"enable_unique_key_merge_on_write\" = \"true\")"
    ));
    let found = target.look();
    let warning = found.the_warning(
        "table `bets` takes one load for each set of columns to update",
        "ENABLE FEATURE \"UPDATE_FLEXIBLE_COLUMNS\"",
    );
    target.sql(warning.statement());
    target.look().assert_well();
}

#[test]
fn a_clock_that_is_ahead_is_told() {
    for system in BOTH {
        let target = Target::new(system);
        target.standin.advance(Duration::from_secs(60));
        target.look().the_warning("s ahead of this machine's", "set both by NTP");
    }
}

#[test]
fn a_backend_that_cannot_be_reached_is_told_until_it_is_mapped() {
    for system in BOTH {
        // The stand-in listens at 127.0.0.1 alone.
        let advertise = Some("127.0.0.2".to_owned());
        let mut target = Target::with(Options { advertise, ..Options::new(system) });
        let found = target.look();
        assert_eq!(found.count("error"), 2, "{found:#?}");
        let backends = target.standin.backends();
        let mut map = Vec::new();
        for backend in &backends {
            let told = format!("127.0.0.2:{}", backend.port());
            let hint = format!("backends.map = {{ \"{told}\" = \"HOST:PORT\" }}");
            found.says("error", &format!("backend {told} cannot be reached"), &hint);
            map.push(format!("\"{told}\" = \"{backend}\""));
        }
        target.set("backends", format!("{{ map = {{ {} }} }}", map.join(", ")));
        let found = target.look();
        found.assert_well();
        for backend in &backends {
            let told = format!("backend 127.0.0.2:{} answers, at {backend}", backend.port());
            found.says("ok", &told, "");
        }
    }
}

#[test]
fn a_loopback_address_is_told_where_the_frontend_is_elsewhere() {
    for system in BOTH {
        let mut target = Target::new(system);
        // The same machine by a name that does not say so.
        let http = target.standin.http()[0];
        target.text("load_url", &format!("http://127.1:{}", http.port()));
        let found = target.look();
        assert_eq!(found.count("error"), 2, "{found:#?}");
        for backend in target.standin.backends() {
            let error = format!("backend {backend} is known to the cluster by a loopback address");
            found.says("error", &error, "by an address that others can reach");
        }
    }
}

#[test]
fn backends_that_are_loaded_directly_are_tried() {
    for system in BOTH {
        let mut target = Target::new(system);
        if system == System::StarRocks {
            // Its transactions begin at a frontend.
            target.delivery = "at-least-once";
        }
        let backend = target.standin.backends()[0];
        let allowed = list(&[format!("\"{backend}\""), format!("\"{NOWHERE}\"")]);
        target.set("backends", format!("{{ direct = true, allowed = {allowed} }}"));
        let found = target.look();
        found.says("ok", &format!("backend {backend} answers"), "");
        found.the_error(&format!("backend {NOWHERE} cannot be reached"), "open the way");
    }
}

#[test]
fn what_is_no_backend_is_told_by_its_answer() {
    for system in BOTH {
        let mut target = Target::with(Options { backends: 1, ..Options::new(system) });
        let backend = target.standin.backends()[0];
        for (address, said) in [
            (
                server("200 OK", "text/html", "<h1>Hello</h1>"),
                "it answers with a web page (HTTP 200)",
            ),
            (server("404 Not Found", "text/plain", "no"), "it knows no such path (HTTP 404)"),
            (server("200 OK", "application/json", "[]"), "it answers HTTP 200 with `[]`"),
            (target.standin.http()[0], "it answers as a frontend does"),
            (target.standin.mysql(), "what it answers is not HTTP"),
        ] {
            target.set("backends", format!("{{ map = {{ \"{backend}\" = \"{address}\" }} }}"));
            let error = format!("backend {address} is not one: {said}");
            target.look().the_error(&error, "loads go to the HTTP port of a backend");
        }
    }
}

#[test]
fn the_other_system_is_told_and_nothing_beyond() {
    let systems = [(System::StarRocks, System::Doris), (System::Doris, System::StarRocks)];
    for (system, other) in systems {
        let mut target = Target::new(system);
        target.text("type", other.name());
        let hint = "set `type` to the system that runs there: their loads differ";
        target.look().the_error("`type` says ", hint);
    }
}

#[test]
fn commits_that_would_exhaust_the_target_are_told() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.interval = "100ms";
        let found = target.look();
        let often = "a commit every 100 ms makes many versions of tablets";
        found.says("warning", often, "set checkpoint.every to 1 s or more");
        assert_eq!(found.count("error"), 0, "{found:#?}");
        // Doris remembers labels for half a day, however many.
        let forgets = system == System::StarRocks;
        assert_eq!(found.count("warning"), if forgets { 2 } else { 1 }, "{found:#?}");
        if forgets {
            let labels = "StarRocks keeps the labels of a database's last 1000 loads";
            found.says("warning", labels, "`label_keep_max_num` of the frontend");
        }
        target.interval = "5s";
        target.set("load", "{ in_flight = 64 }");
        let many = "load.in_flight = 64 is much where 100 transactions may run";
        target.look().the_warning(many, "`max_running_txn_num_per_db` of the frontend");
    }
}
