//! The merge engine against a naive model, and the rules of loads.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn column(name: &str, kind: &str, key: bool) -> ColumnDef {
    ColumnDef {
        name: name.to_owned(),
        column_type: ColumnType::parse(kind).unwrap(),
        nullable: !key,
        default: None,
        comment: String::new(),
        aggregation: None,
        key,
    }
}

fn table(model: Model, properties: &[(&str, &str)]) -> TableDef {
    TableDef {
        id: 0,
        database: "d".to_owned(),
        name: "t".to_owned(),
        columns: vec![
            column("k", "bigint", true),
            column("a", "int", false),
            column("s", "varchar(5)", false),
            column("n", "decimal(10,2)", false),
        ],
        model,
        keys: vec!["k".to_owned()],
        sort: Vec::new(),
        distribution: vec!["k".to_owned()],
        buckets: None,
        partition: None,
        properties: properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        comment: String::new(),
    }
}

fn catalog(system: System, table: TableDef) -> (Catalog, Arc<TableDef>) {
    let catalog = Catalog::open(system, Version::default_of(system), None);
    catalog.create_database("d", false).unwrap();
    catalog.create_table(table, false).unwrap();
    let table = catalog.table("d", "t").unwrap();
    (catalog, table)
}

fn stored(catalog: &Catalog) -> Vec<Vec<Option<String>>> {
    let answer = catalog.store().run("SELECT * FROM d.t ORDER BY k, a").unwrap();
    answer.rows.iter().map(|row| row.iter().map(Value::text).collect()).collect()
}

/// A row of JSON.
fn row(json: &str) -> LoadRow {
    let Ok(Json::Object(members)) = serde_json::from_str(json) else { panic!("{json}") };
    let cell = |value: Json| if value.is_null() { Cell::Null } else { Cell::Json(value) };
    let values = members.into_iter().map(|(name, value)| (name, cell(value))).collect();
    LoadRow { values, text: json.to_owned() }
}

fn strict() -> LoadRules {
    LoadRules { strict: true, ..LoadRules::default() }
}

/// What one load leaves of its rows: the reasons of those that were filtered.
fn load(
    catalog: &Catalog,
    table: &TableDef,
    rules: &LoadRules,
    rows: &[&str],
) -> Result<Vec<String>, String> {
    let rows = rows.iter().map(|json| row(json)).collect();
    let converted = catalog.convert(table, rows, rules);
    if let Some(refused) = converted.refused {
        return Err(refused);
    }
    catalog.publish(table, &[converted.staged]);
    Ok(converted.filtered.into_iter().map(|(_, reason)| reason).collect())
}

fn text(values: [&str; 4]) -> Vec<Option<String>> {
    values.iter().map(|value| (*value != "-").then(|| (*value).to_owned())).collect()
}

#[test]
fn strict_mode_filters_what_lax_mode_loses() {
    let (catalog, table) = catalog(System::StarRocks, table(Model::Primary, &[]));
    let rows = [
        r#"{"k": 1, "a": 2147483648, "s": "ok"}"#,
        r#"{"k": 2, "s": "123456"}"#,
        r#"{"k": 3, "n": "1.005"}"#,
        r#"{"k": 4, "n": "123456789.00"}"#,
        r#"{"k": 5, "a": true}"#,
    ];
    assert_eq!(load(&catalog, &table, &strict(), &rows).unwrap().len(), 5);
    assert!(stored(&catalog).is_empty());
    assert!(load(&catalog, &table, &LoadRules::default(), &rows).unwrap().is_empty());
    let found = stored(&catalog);
    assert_eq!(found[0], text(["1", "-", "ok", "-"]));
    assert_eq!(found[1], text(["2", "-", "-", "-"]));
    assert_eq!(found[2], text(["3", "-", "-", "1.01"]));
}

#[test]
fn values_are_converted_as_the_systems_do() {
    let (catalog, table) = catalog(System::StarRocks, table(Model::Primary, &[]));
    let rows = [
        r#"{"k": "7", "a": 1.9, "s": true, "n": 12345678.5}"#,
        r#"{"k": 8, "a": "-2.9", "s": {"b": 1}, "n": null, "unknown": 1}"#,
        "{\"k\": 9, \"s\": \"a\\u0000b\"}",
        r#"{"s": "x"}"#,
    ];
    let filtered = load(&catalog, &table, &strict(), &rows).unwrap();
    assert_eq!(filtered.len(), 2, "{filtered:?}");
    let found = stored(&catalog);
    assert_eq!(found[0], text(["7", "1", "1", "12345678.50"]));
    assert_eq!(found[1], text(["9", "-", "a\0b", "-"]));
}

#[test]
fn operations_delete_and_nulls_do_not_pass_for_them() {
    let (catalog, table) = catalog(System::StarRocks, table(Model::Primary, &[]));
    let rows = [
        r#"{"k": 1, "a": 1, "__op": 0}"#,
        r#"{"k": 2, "a": 1, "__op": "upsert"}"#,
        r#"{"k": 1, "__op": 1}"#,
        r#"{"k": 3, "__op": null}"#,
    ];
    let filtered = load(&catalog, &table, &strict(), &rows).unwrap();
    assert_eq!(filtered, ["NULL value in non-nullable column '__op'"]);
    assert_eq!(stored(&catalog), [text(["2", "1", "-", "-"])]);
}

#[test]
fn the_merge_condition_keeps_newer_rows() {
    let (catalog, table) = catalog(System::StarRocks, table(Model::Primary, &[]));
    let rules = LoadRules { merge_condition: Some("a".to_owned()), ..strict() };
    let rows = [r#"{"k": 1, "a": 5, "s": "x"}"#, r#"{"k": 1, "a": 4, "s": "y"}"#];
    load(&catalog, &table, &rules, &rows).unwrap();
    load(&catalog, &table, &rules, &[r#"{"k": 1, "a": 5, "s": "z"}"#]).unwrap();
    assert_eq!(stored(&catalog), [text(["1", "5", "z", "-"])]);
    let key = LoadRules { merge_condition: Some("k".to_owned()), ..strict() };
    assert!(load(&catalog, &table, &key, &[]).is_err());
}

#[test]
fn sequences_hold_across_loads_and_deletes() {
    let properties = [("function_column.sequence_col", "a")];
    let (catalog, table) = catalog(System::Doris, table(Model::Unique, &properties));
    let apply = |rows: &[&str]| {
        let columns = ["k", "a", "s", "n", "__DORIS_DELETE_SIGN__"].map(str::to_owned).to_vec();
        let rules = LoadRules { columns: Some(columns), ..strict() };
        assert_eq!(load(&catalog, &table, &rules, rows).unwrap(), Vec::<String>::new());
    };
    apply(&[r#"{"k": 1, "a": 5, "s": "x"}"#]);
    apply(&[r#"{"k": 1, "a": 4, "s": "old"}"#]);
    assert_eq!(stored(&catalog), [text(["1", "5", "x", "-"])]);
    apply(&[r#"{"k": 1, "a": 4, "__DORIS_DELETE_SIGN__": "1"}"#]);
    assert_eq!(stored(&catalog).len(), 1);
    apply(&[r#"{"k": 1, "a": 9, "__DORIS_DELETE_SIGN__": 1}"#]);
    apply(&[r#"{"k": 1, "a": 8, "s": "dead"}"#]);
    assert!(stored(&catalog).is_empty());
    apply(&[r#"{"k": 1, "a": 9, "s": "back"}"#]);
    assert_eq!(stored(&catalog), [text(["1", "9", "back", "-"])]);
}

#[test]
fn partial_updates_keep_the_other_columns() {
    let (catalog, table) = catalog(System::StarRocks, table(Model::Primary, &[]));
    load(&catalog, &table, &strict(), &[r#"{"k": 1, "a": 1, "s": "x", "n": 2}"#]).unwrap();
    let columns = Some(vec!["k".to_owned(), "s".to_owned()]);
    let rules = LoadRules { partial: Some(Partial::Row), columns, ..strict() };
    let rows = [r#"{"k": 1, "s": "y"}"#, r#"{"k": 2, "s": "new"}"#];
    load(&catalog, &table, &rules, &rows).unwrap();
    let expected = [text(["1", "1", "y", "2.00"]), text(["2", "-", "new", "-"])];
    assert_eq!(stored(&catalog), expected);
    let keyless = Some(vec!["s".to_owned()]);
    let rules = LoadRules { partial: Some(Partial::Row), columns: keyless, ..strict() };
    assert!(load(&catalog, &table, &rules, &[]).is_err());
}

#[test]
fn flexible_updates_need_the_bitmap_and_may_repeat_a_key() {
    let rules = LoadRules { partial: Some(Partial::Flexible), ..strict() };
    let (plain, without) = catalog(System::Doris, table(Model::Unique, &[]));
    assert!(load(&plain, &without, &rules, &[]).unwrap_err().contains("skip bitmap"));
    let properties = [("enable_unique_key_skip_bitmap_column", "true")];
    let (catalog, table) = catalog(System::Doris, table(Model::Unique, &properties));
    let rows = [
        r#"{"k": 1, "a": 1}"#,
        r#"{"k": 1, "s": "x"}"#,
        r#"{"k": 2, "n": "1.5"}"#,
        r#"{"k": 2, "__DORIS_DELETE_SIGN__": 1}"#,
        r#"{"a": 1}"#,
    ];
    assert_eq!(load(&catalog, &table, &rules, &rows).unwrap().len(), 1);
    assert_eq!(stored(&catalog), [text(["1", "1", "x", "-"])]);
    let rules = LoadRules { new_key_append: false, ..rules };
    assert!(load(&catalog, &table, &rules, &[r#"{"k": 9, "a": 1}"#]).is_err());
    assert!(load(&catalog, &table, &rules, &[r#"{"k": 1, "a": 3}"#]).is_ok());
}

#[test]
fn models_refuse_what_they_cannot() {
    let (catalog, table) = catalog(System::StarRocks, table(Model::Duplicate, &[]));
    let partial = LoadRules { partial: Some(Partial::Row), ..strict() };
    let refused = load(&catalog, &table, &partial, &[]).unwrap_err();
    assert_eq!(refused, "Only primary key table support partial update");
    let unknown = LoadRules { columns: Some(vec!["k".to_owned(), "z".to_owned()]), ..strict() };
    assert!(load(&catalog, &table, &unknown, &[]).is_err());
    load(&catalog, &table, &strict(), &[r#"{"k": 1}"#, r#"{"k": 1}"#]).unwrap();
    assert_eq!(stored(&catalog).len(), 2);
}

#[test]
fn rows_and_definitions_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        Catalog::open(
            System::StarRocks,
            Version::default_of(System::StarRocks),
            Some(folder.path()),
        )
    };
    {
        let catalog = open();
        catalog.create_database("d", false).unwrap();
        catalog.create_table(table(Model::Primary, &[]), false).unwrap();
        catalog.administrator("me", "secret");
        let table = catalog.table("d", "t").unwrap();
        load(&catalog, &table, &strict(), &[r#"{"k": 1, "n": "0.10"}"#]).unwrap();
        catalog.keep("txn:1", "prepared");
        catalog.keep("tyn:1", "other");
    }
    let catalog = open();
    assert_eq!(stored(&catalog), [text(["1", "-", "-", "0.10"])]);
    assert!(catalog.password_fits("me", "secret") && !catalog.password_fits("me", "x"));
    assert_eq!(catalog.kept("txn:"), [("txn:1".to_owned(), "prepared".to_owned())]);
    catalog.forget("txn:1");
    assert!(catalog.kept("txn:").is_empty());
}

/// One change of the model: key, columns with their values, whether it deletes.
#[derive(Clone, Debug)]
struct Step {
    key: i64,
    values: [Option<Option<i64>>; 2],
    delete: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = proptest::option::of(proptest::option::of(-5_i64..5));
    let step = (0_i64..4, value.clone(), value, proptest::bool::weighted(0.2))
        .prop_map(|(key, a, n, delete)| Step { key, values: [a, n], delete });
    proptest::collection::vec(step, 0..40)
}

fn staged(steps: &[Step], partial: Option<Partial>, condition: bool) -> Staged {
    let integer = |value: &Option<i64>| value.map_or(Value::Null, Value::Integer);
    let rows = steps.iter().map(|step| StagedRow {
        delete: step.delete,
        sequence: None,
        values: vec![
            Some(Value::Integer(step.key)),
            step.values[0].as_ref().map(integer),
            step.values[1].as_ref().map(integer),
        ],
    });
    Staged {
        columns: ["k", "a", "b"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        partial,
        merge_condition: condition.then(|| "a".to_owned()),
    }
}

/// The rows that the steps leave, one after the other, without any cleverness.
fn naive(steps: &[Step], partial: bool, condition: bool) -> BTreeMap<i64, [Option<i64>; 2]> {
    let mut rows: BTreeMap<i64, [Option<i64>; 2]> = BTreeMap::new();
    for step in steps {
        if step.delete {
            rows.remove(&step.key);
            continue;
        }
        let before = rows.get(&step.key).copied();
        if let (true, Some(before), Some(new)) = (condition, before, step.values[0])
            && new < before[0]
        {
            continue;
        }
        let kept = if partial { before.unwrap_or_default() } else { [None, None] };
        let after = [0, 1].map(|at| step.values[at].unwrap_or(kept[at]));
        rows.insert(step.key, after);
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_what_a_naive_model_does(
        steps in steps(),
        cut in 0_usize..40,
        partial in any::<bool>(),
        condition in any::<bool>(),
    ) {
        let mut definition = table(Model::Primary, &[]);
        definition.columns =
            vec![column("k", "bigint", true), column("a", "bigint", false), column("b", "bigint", false)];
        let (catalog, table) = catalog(System::StarRocks, definition);
        let how = partial.then_some(Partial::Row);
        let (first, second) = steps.split_at(cut.min(steps.len()));
        catalog.publish(&table, &[staged(first, how, condition), staged(second, how, condition)]);
        let expected: Vec<Vec<Option<String>>> = naive(&steps, partial, condition)
            .into_iter()
            .map(|(key, values)| {
                let values = values.iter().map(|value| value.map(|value| value.to_string()));
                std::iter::once(Some(key.to_string())).chain(values).collect()
            })
            .collect();
        prop_assert_eq!(stored(&catalog), expected);
    }
}
