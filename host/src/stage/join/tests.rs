use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Int64Type};
use arrow_array::{ArrayRef, Int64Array, StringArray};
use arrow_buffer::{BooleanBuffer, ScalarBuffer};

use super::*;
use crate::record::{DataType, Field, Operations, RowMeta, Schema};
use crate::table::{FileConfig, FileFormat, TableColumn, TableConfig, TableKind};

fn table(content: &str, columns: &[(&str, DataType)], key: &[&str]) -> TableSnapshot {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, content).unwrap();
    let columns = columns
        .iter()
        .map(|(name, data_type)| TableColumn {
            name: (*name).into(),
            source_name: (*name).to_owned(),
            data_type: *data_type,
            required: false,
        })
        .collect();
    TableConfig {
        name: "games".to_owned(),
        columns,
        key: key.iter().map(|name| (*name).into()).collect(),
        refresh: None,
        kind: TableKind::File(FileConfig {
            path,
            display: "table.csv".to_owned(),
            format: FileFormat::Csv,
        }),
    }
    .load()
    .unwrap()
}

fn games() -> TableSnapshot {
    let columns = [
        ("game_id", DataType::Text),
        ("provider", DataType::Text),
        ("rtp", DataType::Decimal { precision: 18, scale: 4 }),
    ];
    table("game_id,provider,rtp\ng-1,Moonquay,0.95\ng-2,,0.9625\n", &columns, &["game_id"])
}

fn batch(columns: Vec<(ArrayRef, DataType)>, operations: Operations) -> Batch {
    let rows = columns[0].0.len();
    let fields = (0..)
        .zip(&columns)
        .map(|(index, (_, data_type))| Field::new(&format!("c{index}"), *data_type, true))
        .collect();
    let numbers: ScalarBuffer<i64> = (0..rows as i64).collect::<Vec<_>>().into();
    Batch {
        schema: Arc::new(Schema::new(fields)),
        columns: columns.into_iter().map(|(values, _)| values.into()).collect(),
        meta: Arc::new(RowMeta {
            origin: "test".into(),
            operations,
            event_times: None,
            processing_times: numbers.clone(),
            majors: numbers,
            minors: None,
            base: 0,
            mixed: None,
            late: None,
        }),
        rows,
        selection: None,
        before: None,
    }
}

fn played(ids: Vec<Option<&str>>, operations: Operations) -> Batch {
    let ids: ArrayRef = Arc::new(StringArray::from(ids));
    batch(vec![(ids, DataType::Text)], operations)
}

const INSERTS: Operations = Operations::All(Operation::Insert);

#[test]
fn rows_get_the_columns_that_were_asked_for_in_that_order() {
    let batch = played(vec![Some("g-2"), Some("g-1"), Some("g-2")], INSERTS);
    let joined = join(&batch, &[0], &games(), &[2, 1]);
    assert_eq!(joined.misses, None);
    assert_eq!(joined.columns[0].as_primitive::<Decimal64Type>().values(), &[9_625, 9_500, 9_625]);
    let providers: Vec<_> = joined.columns[1].as_string::<i32>().iter().collect();
    assert_eq!(providers, [None, Some("Moonquay"), None]);
}

#[test]
fn unknown_and_null_keys_miss() {
    let batch = played(vec![Some("g-1"), Some("g-9"), None, Some("")], INSERTS);
    let joined = join(&batch, &[0], &games(), &[0]);
    assert_eq!(joined.misses, Some(BooleanBuffer::from(vec![false, true, true, true])));
    let ids: Vec<_> = joined.columns[0].as_string::<i32>().iter().collect();
    assert_eq!(ids, [Some("g-1"), None, None, None]);
}

#[test]
fn dead_rows_and_deletes_join_nothing_and_miss_nothing() {
    let codes: ScalarBuffer<u8> = vec![
        Operation::Insert as u8,
        Operation::Delete as u8,
        Operation::Update as u8,
        Operation::Truncate as u8,
    ]
    .into();
    let ids = vec![Some("g-9"), Some("g-1"), Some("g-9"), None];
    let mut batch = played(ids, Operations::Each(codes));
    batch.selection = Some(BooleanBuffer::from(vec![false, true, true, true]));
    let joined = join(&batch, &[0], &games(), &[0]);
    assert_eq!(joined.misses, Some(BooleanBuffer::from(vec![false, false, true, false])));
    assert_eq!(joined.columns[0].null_count(), 4);
}

#[test]
fn slices_and_numbers_and_several_columns_are_keys_too() {
    let by_number = table(
        "id,name\n7,seven\n-1,minus\n",
        &[("id", DataType::Int64), ("name", DataType::Text)],
        &["id"],
    );
    let numbers: ArrayRef =
        Arc::new(Int64Array::from(vec![Some(0), Some(7), None, Some(-1)]).slice(1, 3));
    let joined = join(&batch(vec![(numbers, DataType::Int64)], INSERTS), &[0], &by_number, &[1]);
    let names: Vec<_> = joined.columns[0].as_string::<i32>().iter().collect();
    assert_eq!(names, [Some("seven"), None, Some("minus")]);

    let columns = [("a", DataType::Text), ("b", DataType::Int32), ("n", DataType::Int64)];
    let by_both = table("a,b,n\nx,1,10\nx,2,20\nxx,1,30\n", &columns, &["a", "b"]);
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["-", "x", "xx", "x", "xx"]).slice(1, 4));
    let numbers: ArrayRef =
        Arc::new(arrow_array::Int32Array::from(vec![0, 2, 1, 1, 2]).slice(1, 4));
    let batch = batch(vec![(numbers, DataType::Int32), (texts, DataType::Text)], INSERTS);
    let joined = join(&batch, &[1, 0], &by_both, &[2]);
    let found: Vec<_> = joined.columns[0].as_primitive::<Int64Type>().iter().collect();
    assert_eq!(found, [Some(20), Some(30), Some(10), None]);
    assert_eq!(joined.misses, Some(BooleanBuffer::from(vec![false, false, false, true])));
}

#[test]
fn an_empty_table_and_an_empty_batch_are_no_special_cases() {
    let empty = table("game_id\n", &[("game_id", DataType::Text)], &["game_id"]);
    let joined = join(&played(vec![Some("g-1")], INSERTS), &[0], &empty, &[0]);
    assert_eq!(joined.misses, Some(BooleanBuffer::from(vec![true])));
    assert_eq!(joined.columns[0].null_count(), 1);
    let joined = join(&played(Vec::new(), INSERTS), &[0], &games(), &[1]);
    assert_eq!((joined.misses, joined.columns[0].len()), (None, 0));
}
