//! What `millrace check --connect` finds about columns that fit in part, and about the table of dead
//! letters.

use millrace_standin::System;

use super::ddl::with_letters;
use super::target::{BOTH, TABLE, Target};

#[test]
fn columns_that_hold_less_than_the_input_are_named() {
    let columns = "id INT NOT NULL, amount DECIMAL(10,2), name VARCHAR(200), note STRING, \
                   active BOOLEAN NOT NULL, at DATETIME";
    let warning = "table `bets` may not take every value: `id` is INT for i64, `amount` is \
                   DECIMAL(10,2) for decimal(18,2), `name` is VARCHAR(200) for text, `active` \
                   takes no null";
    for system in BOTH {
        let mut target = Target::new(system);
        target.columns.push_str("at = \"timestamp\"\n");
        target.text("mode", "append");
        target.make(columns, "DUPLICATE KEY(id)", 1, 4);
        let found = target.look();
        let warning = found.the_warning(warning, "`millrace ddl` prints types");
        // StarRocks keeps microseconds in every DATETIME.
        let is_cut = warning.message.ends_with("`at` is DATETIME for timestamp");
        assert_eq!(is_cut, system == System::Doris, "{warning:?}");
        assert!(!warning.message.contains("`note`"), "{warning:?}");
    }
}

#[test]
fn a_place_in_the_source_that_the_table_cannot_hold_is_refused() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.set("audit", "{ version = \"version\" }");
        target.make_keyed(&format!("{TABLE}, version INT"));
        let error = "column `version` is INT in the table and i64 in the input";
        target.look().the_error(error, "make it BIGINT");
        target.sql("DROP TABLE shop.bets");
        target.make_keyed(&format!("{TABLE}, version BIGINT"));
        target.look().assert_well();
    }
}

#[test]
fn the_table_of_dead_letters_is_looked_at_like_any_other() {
    for system in BOTH {
        let mut target = Target::new(system);
        target.set("create_table", "false");
        let file = with_letters(&target);
        target.millrace(&["ddl", "--apply", "--sink", "copy", file]).with_code(0);
        let check = ["check", "--connect", "--json", file];
        let ending = target.millrace(&check).with_code(2);
        let found = ending.json();
        let sinks = [&found["targets"][0]["sink"], &found["targets"][1]["sink"]];
        assert_eq!(sinks, ["copy", "dead_letters"]);
        let sound = [&found["targets"][0]["ok"], &found["targets"][1]["ok"]];
        assert_eq!(sound, [true, false], "{found:#}");
        assert!(ending.stdout.contains("table `letters` does not exist"), "{}", ending.stdout);
        target.millrace(&["ddl", "--apply", "--sink", "dead_letters", file]).with_code(0);
        let found = target.millrace(&check).with_code(0).json();
        let all = found["targets"][1]["findings"].as_array().expect("findings");
        assert!(all.iter().all(|finding| finding["severity"] == "ok"), "{all:#?}");
    }
}
