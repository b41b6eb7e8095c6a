//! `millrace ddl`: the tables and views that sinks want, printed and made.

use std::collections::BTreeMap;
use std::fs;

use millrace_standin::{Options, StandIn, System};
use millrace_tests::{Ending, Process, Workbench, root};

use super::scene::PASSWORD;
use super::target::{BOTH, ROWS, Target};

const STARROCKS: &str = r#"-- copy
CREATE DATABASE IF NOT EXISTS `shop`;

-- Three replicas: where fewer backends run, set `replication`, or use --apply
CREATE TABLE IF NOT EXISTS `shop`.`bets` (
  `id` BIGINT NOT NULL,
  `amount` DECIMAL(18,2) NULL,
  `name` VARCHAR(1048576) NULL,
  `note` VARCHAR(1048576) NULL,
  `active` BOOLEAN NULL
)
ENGINE = OLAP
PRIMARY KEY (`id`)
COMMENT "filled by Millrace"
DISTRIBUTED BY HASH(`id`)
PROPERTIES (
  "replication_num" = "3"
);

"#;

const DORIS: &str = r#"-- copy
CREATE DATABASE IF NOT EXISTS `shop`;

CREATE TABLE IF NOT EXISTS `shop`.`bets` (
  `id` BIGINT NOT NULL,
  `amount` DECIMAL(18,2) NULL,
  `name` STRING NULL,
  `note` STRING NULL,
  `active` BOOLEAN NULL,
  `millrace_op` VARCHAR(8) NULL COMMENT "the last change: insert, update, delete, truncate or read",
  `millrace_deleted` BOOLEAN NULL COMMENT "whether the source has deleted the row",
  `millrace_synced_at` DATETIME(6) NULL COMMENT "when the row was loaded, UTC",
  `millrace_version` BIGINT NULL COMMENT "the place of the last change in its source"
)
ENGINE = OLAP
UNIQUE KEY (`id`)
COMMENT "filled by Millrace"
DISTRIBUTED BY HASH(`id`) BUCKETS 4
PROPERTIES (
  "replication_num" = "1",
  "enable_unique_key_merge_on_write" = "true"
);

"#;

#[test]
fn the_statements_are_printed() {
    let mut starrocks = Target::new(System::StarRocks);
    let ending = starrocks.millrace(&["ddl", "pipeline.toml"]).with_code(0);
    assert_eq!(ending.stdout, STARROCKS);
    starrocks.text("mode", "append");
    let ending = starrocks.millrace(&["ddl", "pipeline.toml"]).with_code(0);
    assert!(ending.stdout.contains("\nDUPLICATE KEY (`id`)\n"), "{}", ending.stdout);

    let mut doris = Target::new(System::Doris);
    doris.set("audit", "true").set("buckets", "4").set("replication", "1");
    let ending = doris.millrace(&["ddl", "pipeline.toml"]).with_code(0);
    assert_eq!(ending.stdout, DORIS);

    // Nobody was asked for it.
    assert!(starrocks.sql("SHOW TABLES FROM shop").is_empty());
    assert!(doris.sql("SHOW TABLES FROM shop").is_empty());
}

#[test]
fn database_and_table_are_made_once_and_filled() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.sql("DROP DATABASE shop");
        target.set("create_table", "false");
        for _ in 0..2 {
            let ending = target.millrace(&["ddl", "--apply", "pipeline.toml"]).with_code(0);
            assert_eq!(
                ending.stderr,
                "copy: CREATE DATABASE IF NOT EXISTS `shop`\n\
                 copy: CREATE TABLE IF NOT EXISTS `shop`.`bets`\n\
                 2 statements ran\n"
            );
        }
        let columns = target.sql(
            "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'bets' ORDER BY ORDINAL_POSITION",
        );
        let text = if system == System::StarRocks { "varchar(1048576)" } else { "string" };
        let expected = [
            ["id", "bigint(20)", "NO"],
            ["amount", "decimal(18,2)", "YES"],
            ["name", text, "YES"],
            ["note", text, "YES"],
            ["active", "tinyint(1)", "YES"],
        ];
        assert_eq!(columns, expected.map(|column| column.map(str::to_owned).to_vec()));
        // As many replicas as there are backends.
        let made = target.sql("SHOW CREATE TABLE shop.bets")[0][1].clone();
        assert!(made.contains("\"replication_num\" = \"2\""), "{made}");
        assert!(made.contains(&format!("{}(`id`)", target.keyed())), "{made}");

        target.run().with_code(0);
        assert_eq!(target.sql("SELECT COUNT(*) FROM shop.bets"), [[ROWS.to_string()]]);
        target.assert_clean();
    }
}

#[test]
fn a_table_that_the_rows_name_is_made_by_its_name() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.columns.push_str("origin = { meta = \"table\" }\n");
        target.text("table", "ods_{source.table}").set("create_table", "false");
        for apply in [&[] as &[&str], &["--apply"]] {
            let arguments = [&["ddl", "pipeline.toml"][..], apply].concat();
            let ending = target.millrace(&arguments).with_code(2);
            assert!(ending.stderr.contains("`--sink copy --table NAME`"), "{}", ending.stderr);
        }

        // Which sink is meant is plain where there is one.
        let named = ["ddl", "--table", "ods_bets"];
        for sink in [&[] as &[&str], &["--sink", "copy"]] {
            let arguments = [&named[..], sink, &["pipeline.toml"]].concat();
            let ending = target.millrace(&arguments).with_code(0);
            assert!(ending.stdout.contains("`shop`.`ods_bets` ("), "{}", ending.stdout);
            assert!(!ending.stdout.contains("origin"), "{}", ending.stdout);
        }
        target.millrace(&[&named[..], &["--apply", "pipeline.toml"]].concat()).with_code(0);
        target.run().with_code(0);
        assert_eq!(target.sql("SELECT COUNT(*) FROM shop.ods_bets"), [[ROWS.to_string()]]);
        target.assert_clean();
    }
}

#[test]
fn what_cannot_be_made_is_told() {
    for system in BOTH {
        let mut target = Target::new(system);
        let ending = target.millrace(&["ddl", "--sink", "copi", "pipeline.toml"]).with_code(2);
        let said = "no sink of type starrocks or doris is named `copi`";
        assert!(ending.stderr.contains(said), "{}", ending.stderr);
        let ending = target.millrace(&["ddl", "--table", "bet", "pipeline.toml"]).with_code(2);
        let said = "no sink fills a table `bet`: `copy` fills `bets`";
        assert!(ending.stderr.contains(said), "{}", ending.stderr);
        target.set("replication", "3");
        let ending = target.millrace(&["ddl", "--apply", "pipeline.toml"]).with_code(1);
        assert!(ending.stderr.contains("cannot run `CREATE TABLE"), "{}", ending.stderr);
        target.send_the_clerk();
        let ending = target.millrace(&["ddl", "--apply", "pipeline.toml"]).with_code(1);
        assert!(ending.stderr.contains("run: GRANT CREATE"), "{}", ending.stderr);
    }
}

/// Writes the target's pipeline with dead letters that go there, too, and answers the file's name.
pub fn with_letters(target: &Target) -> &'static str {
    // A command writes the file.
    drop(target.command(&[]));
    let path = target.bench.path("pipeline.toml");
    let pipeline = fs::read_to_string(path).expect("it has been written");
    let (rows, _) = pipeline.split_once("[dead_letters]").expect("it has dead letters");
    let (_, keys) = rows.split_once("input = \"bets\"\n").expect("the sink has an input");
    let differs = |line: &&str| !line.starts_with("table =") && !line.starts_with("mode =");
    let keys: Vec<&str> = keys.lines().filter(differs).collect();
    let letters = format!("[dead_letters]\ntable = \"letters\"\n{}\n", keys.join("\n"));
    target.bench.write("letters.toml", format!("{rows}{letters}"));
    "letters.toml"
}

#[test]
fn the_table_of_dead_letters_is_one_of_them() {
    for system in BOTH {
        let target = Target::new(system);
        let file = with_letters(&target);
        let both = target.millrace(&["ddl", file]).with_code(0).stdout;
        for made in ["-- copy\n", "`shop`.`bets` (", "-- dead_letters\n", "`shop`.`letters` ("] {
            assert!(both.contains(made), "{made}:\n{both}");
        }
        let only = ["ddl", "--sink", "dead_letters"];
        let letters = target.millrace(&[&only[..], &[file]].concat()).with_code(0).stdout;
        assert!(letters.contains("`reason` ") && letters.contains("DUPLICATE KEY"), "{letters}");
        assert!(!letters.contains("`bets`"), "{letters}");
        target.millrace(&["ddl", "--apply", file]).with_code(0);
        assert_eq!(target.sql("SHOW TABLES FROM shop"), [["bets"], ["letters"]]);
    }
}

#[test]
fn who_may_not_make_a_database_makes_tables_in_one_that_is_there() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.set("replication", "1");
        target.send_the_clerk();
        target.sql(match system {
            System::StarRocks => "GRANT CREATE TABLE ON DATABASE shop TO USER 'clerk'",
            System::Doris => "GRANT CREATE_PRIV ON shop.* TO 'clerk'",
        });
        let apply = ["ddl", "--apply", "pipeline.toml"];
        target.millrace(&apply).with_code(0);
        assert_eq!(target.sql("SHOW TABLES FROM shop"), [["bets"]]);

        // One that is not there is made by who may; Doris grants that by its name.
        target.sql("DROP DATABASE shop");
        if system == System::StarRocks {
            let ending = target.millrace(&apply).with_code(1);
            let grant = "GRANT CREATE DATABASE ON CATALOG default_catalog TO USER 'clerk'@'%'";
            assert!(ending.stderr.contains(&format!("run: {grant}")), "{}", ending.stderr);
            target.sql(grant);
        }
        target.millrace(&apply).with_code(0);
        assert_eq!(target.sql("SHOW TABLES FROM shop"), [["bets"]]);
    }
}

/// The pipeline of `pipelines/` for a system, with some hundred wagers as its input.
struct Wagers {
    standin: StandIn,
    bench: Workbench,
}

impl Wagers {
    fn new(system: System) -> Self {
        let user = "loader".to_owned();
        let options = Options { user, password: PASSWORD.to_owned(), ..Options::new(system) };
        let standin = StandIn::start(options).expect("the stand-in starts");
        standin.world().settings.change(|limits| limits.strict_client = true);
        let path = root().join(format!("pipelines/wagers-{system}.toml"));
        let pipeline = fs::read_to_string(path).expect("the pipeline is in the tree");
        let bench = Workbench::new(&pipeline.replace("../modules/", "${MODULES}/"));
        let wagers = Self { standin, bench };
        wagers.millrace(&["generate", "--count", "600", "--seed", "3", "--out", "wagers.jsonl"]);
        wagers
    }

    /// Runs a command that ends well.
    fn millrace(&self, arguments: &[&str]) -> Ending {
        let prefix = self.standin.world().system.name().to_uppercase();
        let mut command = self.bench.command(arguments);
        command
            .env(format!("{prefix}_LOAD_URL"), format!("http://{}", self.standin.http()[0]))
            .env(format!("{prefix}_MYSQL_URL"), self.standin.mysql().to_string())
            .env(format!("{prefix}_USER"), "loader")
            .env(format!("{prefix}_PASSWORD"), PASSWORD)
            .env("WAGERS", self.bench.path("wagers.jsonl"))
            .env("GAMES", root().join("pipelines/games.csv"));
        Process::start(&mut command).finish().with_code(0)
    }

    /// Rows with a name, a count and three sums of money, added up by the name.
    fn sums(&self, statement: &str) -> BTreeMap<String, Sums> {
        let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
        for row in self.standin.sql(statement) {
            let [name, count, bet, win, revenue] = &row[..] else { panic!("{row:?}") };
            let sum = sums.entry(name.clone()).or_default();
            sum.wagers += count.parse::<u64>().expect("a count");
            sum.bet += hundredths(bet);
            sum.win += hundredths(win);
            sum.revenue += hundredths(revenue);
        }
        sums
    }
}

/// What came in and went out; money in hundredths, so that nothing is rounded.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    wagers: u64,
    bet: i128,
    win: i128,
    revenue: i128,
}

/// A decimal of two digits behind its point as a whole number.
fn hundredths(text: &str) -> i128 {
    scaled(text, 2)
}

/// A decimal of so many digits behind its point, at most, as a whole number.
fn scaled(text: &str, digits: usize) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= digits, "{text}");
    format!("{whole}{fraction:0<digits$}").parse().expect("digits")
}

#[test]
fn the_views_of_the_pipelines_have_exactly_the_sums_of_their_table() {
    for system in BOTH {
        let wagers = Wagers::new(system);
        let apply = ["ddl", "--apply", "--views", "--sink", "ods_wagers", "pipeline.toml"];
        wagers.millrace(&apply);
        wagers.millrace(&apply);
        let views = "SELECT COUNT(*) FROM information_schema.TABLES \
                     WHERE TABLE_SCHEMA = 'wager_analytics' AND TABLE_TYPE = 'VIEW'";
        assert_eq!(wagers.standin.sql(views), [["8"]]);
        wagers.millrace(&["run", "--progress", "never", "pipeline.toml"]);
        // Two players whose bets are more than made-up ones come to.
        drop(wagers.standin.sql(
            "INSERT INTO wager_analytics.ods_wagers (wager_id, game_id, user_id, total_bet, \
             total_win, net_amount, end_time, is_completed) VALUES \
             ('w-1', 'g-1', 'u-high', '10000.00', '0.01', '9999.99', '2026-01-01 10:00:00', TRUE), \
             ('w-2', 'g-1', 'u-regular', '9999.99', '10000.00', '-0.01', '2026-01-02 10:00:00', \
             TRUE)",
        ));

        for name in ["game_id", "user_id"] {
            let table = wagers.sums(&format!(
                "SELECT {name}, 1, total_bet, total_win, net_amount \
                 FROM wager_analytics.ods_wagers WHERE is_completed = TRUE"
            ));
            assert!(table.len() > 20, "{} of {name}", table.len());
            let views: &[&str] = match name {
                "game_id" => &["revenue_hourly", "revenue_daily", "rtp"],
                _ => &["player_segments"],
            };
            for view in views.iter().flat_map(|view| [(*view).to_owned(), format!("{view}_mv")]) {
                let sums = wagers.sums(&format!(
                    "SELECT {name}, wager_count, total_bet, total_win, platform_revenue \
                     FROM wager_analytics.ods_wagers_{view}"
                ));
                assert_eq!(sums, table, "{system}: {view}");
            }
        }
        returns_and_segments_are_right(&wagers);
        let breaches = wagers.standin.breaches();
        assert!(breaches.is_empty(), "{breaches:#?}");
    }
}

fn returns_and_segments_are_right(wagers: &Wagers) {
    let days = "SELECT DISTINCT day_start FROM wager_analytics.ods_wagers_revenue_daily \
                WHERE game_id = 'g-1' ORDER BY day_start";
    let midnights = ["2026-01-01 00:00:00", "2026-01-02 00:00:00"];
    assert_eq!(wagers.standin.sql(days), midnights.map(|midnight| vec![midnight.to_owned()]));
    for row in wagers.standin.sql(
        "SELECT total_bet, total_win, rtp FROM wager_analytics.ods_wagers_rtp WHERE total_bet > 0",
    ) {
        let (bet, win) = (hundredths(&row[0]), hundredths(&row[1]));
        let rest = scaled(&row[2], 6) * bet - win * 1_000_000;
        assert!(rest.abs() <= bet, "{row:?}: a return is right to its sixth digit");
    }
    let mut segments: BTreeMap<String, usize> = BTreeMap::new();
    for row in wagers
        .standin
        .sql("SELECT total_bet, segment FROM wager_analytics.ods_wagers_player_segments")
    {
        let expected = match hundredths(&row[0]) {
            1_000_000.. => "high",
            100_000.. => "regular",
            _ => "casual",
        };
        assert_eq!(row[1], expected, "{row:?}");
        *segments.entry(row[1].clone()).or_default() += 1;
    }
    assert_eq!(segments.len(), 3, "{segments:?}");
}

#[test]
fn views_of_a_whole_pipeline_leave_out_tables_without_their_columns() {
    for system in BOTH {
        let wagers = Wagers::new(system);
        let printed = wagers.millrace(&["ddl", "--views", "pipeline.toml"]).stdout;
        for made in [
            "TABLE IF NOT EXISTS `wager_analytics`.`ods_wagers`",
            "TABLE IF NOT EXISTS `wager_analytics`.`fraud_alerts`",
            "MATERIALIZED VIEW IF NOT EXISTS `wager_analytics`.`ods_wagers_revenue_hourly_mv`",
        ] {
            assert!(printed.contains(&format!("CREATE {made}")), "{made}:\n{printed}");
        }
        assert!(!printed.contains("fraud_alerts_"), "{printed}");
        wagers.millrace(&["ddl", "--apply", "--views", "pipeline.toml"]);
    }
}
