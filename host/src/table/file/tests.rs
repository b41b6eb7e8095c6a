use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Decimal128Type, TimestampMicrosecondType};
use arrow_array::{Array, StringArray};

use super::*;
use crate::record::DataType;
use crate::table::TableColumn;
use crate::table::TableKind;

fn load_text(
    format: FileFormat,
    content: &[u8],
    columns: &[TableColumn],
    key: &[&str],
) -> Result<TableSnapshot, TableError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("games");
    std::fs::write(&path, content).unwrap();
    TableConfig {
        name: "games".to_owned(),
        columns: columns.to_vec(),
        key: key.iter().map(|name| (*name).into()).collect(),
        refresh: None,
        kind: TableKind::File(FileConfig { path, display: "games.txt".to_owned(), format }),
    }
    .load()
}

fn column(name: &str, data_type: DataType) -> TableColumn {
    TableColumn { name: name.into(), source_name: name.to_owned(), data_type, required: false }
}

fn games() -> Vec<TableColumn> {
    let rtp = DataType::Decimal { precision: 18, scale: 4 };
    vec![
        column("game_id", DataType::Text),
        TableColumn { source_name: "maker".to_owned(), ..column("provider", DataType::Text) },
        column("rtp", rtp),
    ]
}

fn csv(content: &str) -> Result<TableSnapshot, TableError> {
    load_text(FileFormat::Csv, content.as_bytes(), &games(), &["game_id"])
}

fn message(result: Result<TableSnapshot, TableError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn csv_is_read_by_the_names_of_its_header() {
    let table = csv(
        "\u{feff}rtp,other,maker,game_id\r\n0.95005,x,\"Pebble, \"\"Pine\"\"\",g-1\r\n,,,g-2\r\n",
    )
    .unwrap();
    assert_eq!(table.rows(), 2);
    let providers: Vec<_> = table.columns()[1].as_string::<i32>().iter().collect();
    assert_eq!(providers, [Some("Pebble, \"Pine\""), None]);
    let rtp = table.columns()[2].as_primitive::<Decimal64Type>();
    // Half away from zero, like everywhere.
    assert_eq!((rtp.value(0), rtp.is_null(1)), (9_501, true));
    assert_eq!(*table.schema().fields[0].name, *"game_id");
    assert!(!table.schema().fields[0].nullable && table.schema().fields[1].nullable);
}

#[test]
fn json_lines_are_read_by_member() {
    let content = b"{\"game_id\":\"g-1\",\"maker\":\"M\",\"rtp\":0.95}\n\n{\"rtp\":\"0.9\",\"game_id\":\"g-2\"}";
    let table = load_text(FileFormat::Json, content, &games(), &["game_id"]).unwrap();
    let rtp = table.columns()[2].as_primitive::<Decimal64Type>();
    assert_eq!(rtp.values(), &[9_500, 9_000]);
    assert!(table.columns()[1].is_null(1));
}

#[test]
fn types_are_read_exactly() {
    let columns = [
        column("id", DataType::Int64),
        column("wide", DataType::Decimal { precision: 38, scale: 2 }),
        column("on", DataType::Bool),
        column("at", DataType::Timestamp),
    ];
    let content = b"id,wide,on,at\n1,123456789012345678901234567890.12,true,2026-01-01T00:00:00Z\n";
    let table = load_text(FileFormat::Csv, content, &columns, &["id"]).unwrap();
    let wide = table.columns()[1].as_primitive::<Decimal128Type>();
    assert_eq!(wide.value(0), 12_345_678_901_234_567_890_123_456_789_012);
    assert!(table.columns()[2].as_boolean().value(0));
    let at = table.columns()[3].as_primitive::<TimestampMicrosecondType>();
    assert_eq!(at.value(0), 1_767_225_600_000_000);
}

#[test]
fn wrong_rows_are_named_by_file_and_line() {
    let wrong = message(csv("game_id,maker,rtp\r\n\r\ng-1,M,0.9\r\ng-2,M,much\r\n"));
    assert!(wrong.starts_with("games.txt:4: column `rtp`: "), "{wrong}");
    let ragged = message(csv("game_id,maker,rtp\ng-1,M\n"));
    assert_eq!(ragged, "games.txt:2: 2 cells under a header of 3");
    let absent = message(csv("game_id,rtp\ng-1,0.9\n"));
    assert_eq!(absent, "games.txt:1: the header has no `maker`; it has: `game_id`, `rtp`");
    let empty = message(csv(""));
    assert_eq!(
        empty,
        "games.txt:1: the file is empty: it needs a header line with the columns' names"
    );
    let twice = message(csv("game_id,rtp,maker,rtp\n"));
    assert_eq!(twice, "games.txt:1: the header has `rtp` twice");
    let json = b"{\"game_id\":\"g-1\"}\n{\"game_id\":\"g-2\",\"rtp\":true}\n";
    let wrong = message(load_text(FileFormat::Json, json, &games(), &["game_id"]));
    assert!(wrong.starts_with("games.txt:2: column `rtp`: "), "{wrong}");
    let broken = message(load_text(FileFormat::Json, b"{\"game_id\":\n", &games(), &["game_id"]));
    assert!(broken.starts_with("games.txt:1: "), "{broken}");
}

#[test]
fn keys_are_there_once_and_never_null() {
    let twice = message(csv("game_id,maker,rtp\ng-1,M,\n\ng-2,M,\ng-1,N,\n"));
    assert_eq!(
        twice,
        "games.txt:5: the key of line 2 again; a key of table `games` may occur once"
    );
    let null = message(csv("game_id,maker,rtp\ng-1,M,\n,M,\n"));
    assert_eq!(null, "games.txt:3: the key of table `games` is null here");
    // Each part may come again, all of them may not.
    let content = b"game_id,maker,rtp\na,b,\na,c,\nb,c,\na,c,\n";
    let twice = load_text(FileFormat::Csv, content, &games(), &["game_id", "provider"]);
    assert!(message(twice).starts_with("games.txt:5: the key of line 3 again"));
}

#[test]
fn required_columns_have_no_null() {
    let mut columns = games();
    columns[1].required = true;
    let null = load_text(FileFormat::Csv, b"game_id,maker,rtp\ng-1,,\n", &columns, &["game_id"]);
    assert!(message(null).starts_with("games.txt:2: column `provider`: "));
}

#[test]
fn the_version_follows_the_content() {
    let (one, same) =
        (csv("game_id,maker,rtp\ng-1,,\n").unwrap(), csv("game_id,maker,rtp\ng-1,,\n").unwrap());
    let other = csv("game_id,maker,rtp\ng-2,,\n").unwrap();
    assert_eq!(one.version(), same.version());
    assert_ne!(one.version(), other.version());
    assert_eq!(one.version().len(), 64);
}

#[test]
fn a_file_that_is_not_there_is_unreachable_and_a_wrong_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = FileConfig {
        path: folder.path().join("none.csv"),
        display: "none.csv".to_owned(),
        format: FileFormat::Csv,
    };
    let table = TableConfig {
        name: "games".to_owned(),
        columns: games(),
        key: vec!["game_id".into()],
        refresh: None,
        kind: TableKind::File(file),
    };
    let error = table.load().unwrap_err();
    assert!(error.is_unreachable());
    assert_eq!(error.to_string(), "cannot read `none.csv`");
    assert!(!csv("x\n").unwrap_err().is_unreachable());
}

#[test]
fn lookups_are_null_where_nothing_is_found() {
    let table = csv("game_id,maker,rtp\ng-1,,\ng-2,,\n").unwrap();
    let keys: ArrayRef =
        Arc::new(StringArray::from(vec![Some("g-2"), None, Some("g-3"), Some("g-1")]));
    let selection = arrow_buffer::BooleanBuffer::from(vec![true, true, true, false]);
    let all: Vec<_> = table.lookup(&[Arc::clone(&keys)], None).iter().collect();
    assert_eq!(all, [Some(1), None, None, Some(0)]);
    let some: Vec<_> = table.lookup(&[keys], Some(&selection)).iter().collect();
    assert_eq!(some, [Some(1), None, None, None]);
}
