//! Which input columns fit which tables.

use super::super::column_type::ColumnType;
use super::super::mapping::{Mapped, Origin, Wanted, fit, map};
use super::super::table::{Column, Model, Table};
use super::{audit, config, schema};
use crate::record::{DataType, Schema};
use crate::sink::WriteMode;
use crate::sink::stream_load::config::{
    Deletes, Evolution, StreamLoadConfig, System, TableName, TablePiece,
};
use crate::sink::stream_load::error::StreamLoadError;

fn table(system: System, model: Model, columns: &[(&str, &str)]) -> Table {
    let column = |(name, data_type): &(&str, &str)| Column {
        name: (*name).to_owned(),
        data_type: ColumnType::of(system, data_type.trim_start_matches("not null ")),
        nullable: !data_type.starts_with("not null "),
        has_default: false,
    };
    Table {
        name: "t".to_owned(),
        model,
        key: vec!["wager_id".to_owned()],
        columns: columns.iter().map(column).collect(),
        buckets: None,
        replication: None,
        properties: std::collections::BTreeMap::new(),
        flexible: false,
        sequence: None,
    }
}

fn differences(config: &StreamLoadConfig, schema: &Schema, table: &Table) -> Vec<String> {
    match map(config, schema, table) {
        Ok(_) => Vec::new(),
        Err(StreamLoadError::Unfit { differences, .. }) => differences,
        Err(other) => panic!("{other}"),
    }
}

fn fits(system: System, field: &str, target: &str) -> bool {
    let wanted = Wanted {
        name: "c".into(),
        origin: Origin::Input(0),
        field: field.parse::<DataType>().unwrap(),
    };
    fit(system, &wanted, &ColumnType::of(system, target)).is_ok()
}

#[test]
fn types_fit_where_no_value_is_lost_untold() {
    let both = [System::StarRocks, System::Doris];
    for (field, good, bad) in [
        ("bool", "boolean, tinyint(1)", "tinyint(4), varchar(5), bigint"),
        (
            "i16",
            "tinyint, smallint, bigint, largeint, decimal(9,2), float, varchar(6)",
            "date, varchar(5)",
        ),
        ("i32", "int, bigint, double, varchar(11)", "float, boolean"),
        ("i64", "int, bigint, largeint, decimal(18,0), varchar(20)", "double, varchar(19), date"),
        ("f32", "float, double", "decimal(38,9), bigint, varchar(100)"),
        ("f64", "double", "float, decimal(38,9)"),
        (
            "decimal(18,2)",
            "decimal(18,2), decimal(10,4), varchar(21)",
            "decimal(18,1), double, bigint, varchar(20)",
        ),
        ("decimal(18,0)", "bigint, largeint, decimal(5,0)", "float"),
        ("text", "varchar(1), char(4), string", "json, varbinary, bigint"),
        ("binary", "varchar(100), string", "varbinary, json"),
        ("json", "json, varchar(100)", "bigint, array<int>"),
        ("date", "date, datetime, varchar(10)", "varchar(9), bigint"),
        ("timestamp", "datetime, varchar(26)", "date, bigint, varchar(25)"),
        ("time", "varchar(15)", "varchar(14), bigint, datetime"),
        ("uuid", "varchar(36), char(36)", "varchar(35), largeint"),
    ] {
        for system in both {
            for target in good.split(", ") {
                assert!(fits(system, field, target), "{field} into {target}");
            }
            for target in bad.split(", ") {
                assert!(!fits(system, field, target), "{field} into {target}");
            }
        }
    }
    assert!(fits(System::Doris, "json", "variant") && !fits(System::StarRocks, "json", "variant"));
}

#[test]
fn the_key_comes_first_and_names_are_the_tables() {
    let columns =
        [("Amount", "decimal(18,2)"), ("wager_id", "not null varchar(64)"), ("at", "datetime")];
    let table = table(System::StarRocks, Model::Primary, &columns);
    let schema = schema(&[("at", "timestamp"), ("amount", "decimal(18,2)"), ("wager_id", "text")]);
    let mapped = map(&config(System::StarRocks), &schema, &table).unwrap();
    let short: Vec<(&str, Origin, bool, bool)> = mapped
        .iter()
        .map(|Mapped { name, origin, required, key, .. }| (name.as_str(), *origin, *required, *key))
        .collect();
    assert_eq!(
        short,
        [
            ("wager_id", Origin::Input(2), true, true),
            ("Amount", Origin::Input(1), false, false),
            ("at", Origin::Input(0), false, false),
        ]
    );
}

#[test]
fn what_is_missing_is_told_with_its_statement() {
    let table = table(
        System::Doris,
        Model::Unique { merge_on_write: true },
        &[("wager_id", "not null varchar(64)"), ("must", "not null int")],
    );
    let schema = schema(&[("wager_id", "text"), ("amount", "decimal(18,2)")]);
    let mut config = config(System::Doris);
    config.audit = audit();
    let found = differences(&config, &schema, &table);
    assert_eq!(found.len(), 6, "{found:#?}");
    assert!(found[0].contains(
        "ALTER TABLE `wager_analytics`.`t` ADD COLUMN `amount` DECIMAL(18,2) NULL; or say evolution"
    ));
    assert!(found[1].contains("ADD COLUMN `millrace_op` VARCHAR(8) NULL"), "{}", found[1]);
    assert!(found[5].starts_with("column `must` takes no null and has no default"));

    config.evolution = Evolution::Ignore;
    assert_eq!(differences(&config, &schema, &table).len(), 1);
    config.deletes = Deletes::Soft;
    let soft = differences(&config, &schema, &table);
    assert!(soft[0].contains("`millrace_deleted` is missing"), "{soft:?}");
}

#[test]
fn columns_that_choose_the_table_are_loaded_only_where_it_has_them() {
    let mut config = config(System::StarRocks);
    config.table =
        TableName::Template(vec![TablePiece::Text("ods_".to_owned()), TablePiece::Column(1)]);
    let schema = schema(&[("wager_id", "text"), ("source.table", "text")]);
    let columns = [("wager_id", "not null varchar(64)")];
    let table = table(System::StarRocks, Model::Primary, &columns);
    assert_eq!(map(&config, &schema, &table).unwrap().len(), 1);
}

#[test]
fn names_that_differ_in_case_only_collide() {
    let columns = [("wager_id", "not null varchar(64)"), ("a", "int")];
    let table = table(System::StarRocks, Model::Primary, &columns);
    let schema = schema(&[("wager_id", "text"), ("a", "i32"), ("A", "i32")]);
    let found = differences(&config(System::StarRocks), &schema, &table);
    assert!(found[0].starts_with("two columns of the sink are called `a`"), "{found:?}");
}

#[test]
fn models_fit_modes() {
    let of = |system, mode, model, append_only: bool, change: fn(&mut StreamLoadConfig)| {
        let mut config = config(system);
        config.mode = mode;
        change(&mut config);
        let columns = [("wager_id", "not null varchar(64)"), ("millrace_deleted", "boolean")];
        let mut schema = schema(&[("wager_id", "text")]);
        schema.append_only = append_only;
        let found = differences(&config, &schema, &table(system, model, &columns));
        found.first().cloned().unwrap_or_default()
    };
    let keep: fn(&mut StreamLoadConfig) = |_| {};
    let soft: fn(&mut StreamLoadConfig) = |config| {
        config.deletes = Deletes::Soft;
        config.audit.deleted = Some("millrace_deleted".into());
    };
    let other_key: fn(&mut StreamLoadConfig) = |config| config.key = vec!["user_id".into()];
    let (upsert, append) = (WriteMode::Upsert, WriteMode::Append);
    let (starrocks, doris) = (System::StarRocks, System::Doris);
    let (merged, unmerged) =
        (Model::Unique { merge_on_write: true }, Model::Unique { merge_on_write: false });

    assert_eq!(of(starrocks, upsert, Model::Primary, false, keep), "");
    assert_eq!(of(starrocks, upsert, unmerged, true, keep), "");
    assert!(of(starrocks, upsert, unmerged, false, keep).contains("make it with PRIMARY KEY"));
    assert!(of(starrocks, upsert, Model::Duplicate, true, keep).contains("a table with PRIMARY"));
    assert!(of(starrocks, upsert, Model::Aggregate, true, keep).contains("makes one row"));
    assert_eq!(of(starrocks, append, Model::Duplicate, true, keep), "");
    assert!(of(starrocks, append, Model::Primary, true, keep).contains("would replace each other"));
    assert_eq!(of(doris, upsert, merged, false, soft), "");
    assert_eq!(of(doris, upsert, unmerged, false, keep), "");
    assert!(of(doris, upsert, unmerged, false, soft).contains("merge_on_write"));
    assert!(of(doris, upsert, Model::Duplicate, true, keep).contains("UNIQUE KEY"));
    assert!(of(doris, upsert, merged, false, other_key).contains("the sink's key is (user_id)"));
}

#[test]
fn sequences_are_the_tables() {
    let mut config = config(System::Doris);
    config.sequence = Some("version".into());
    let model = Model::Unique { merge_on_write: true };
    let columns = [("wager_id", "not null varchar(64)"), ("version", "bigint")];
    let mut table = table(System::Doris, model, &columns);
    let schema = schema(&[("wager_id", "text"), ("version", "i64")]);
    let found = differences(&config, &schema, &table);
    assert!(found[0].contains("\"function_column.sequence_col\" = \"version\""), "{found:?}");
    table.sequence = Some("VERSION".to_owned());
    assert!(differences(&config, &schema, &table).is_empty());
    table.sequence = Some("other".to_owned());
    assert!(differences(&config, &schema, &table)[0].contains("its sequence column is `other`"));
    config.sequence = None;
    assert!(differences(&config, &schema, &table).is_empty());
}
