use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal64Type, Float32Type, Float64Type, Int16Type, Int64Type, TimestampMicrosecondType,
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::record::DataType;
use crate::table::{TableColumn, TableKind};

/// A database in a folder of its own.
struct Database {
    folder: TempDir,
}

impl Database {
    fn new(sql: &str) -> Self {
        let database = Self { folder: tempfile::tempdir().unwrap() };
        database.change(sql);
        database
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("games.db")
    }

    fn change(&self, sql: &str) {
        Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    fn table(&self, query: &str, columns: &[TableColumn], key: &[&str]) -> TableConfig {
        TableConfig {
            name: "games".to_owned(),
            columns: columns.to_vec(),
            key: key.iter().map(|name| (*name).into()).collect(),
            refresh: None,
            kind: TableKind::Sqlite(SqliteConfig {
                path: self.path(),
                display: "games.db".to_owned(),
                query: query.to_owned(),
            }),
        }
    }

    fn load(&self, query: &str) -> Result<TableSnapshot, TableError> {
        self.table(query, &games(), &["game_id"]).load()
    }
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

const GAMES: &str = "
    CREATE TABLE games (game_id TEXT, maker TEXT, rtp TEXT, other BLOB);
    INSERT INTO games VALUES ('g-1', 'Pebble', '0.95005', x'00'), ('g-2', NULL, 1, NULL);";
const QUERY: &str = "select Game_ID, rtp, other, maker from games order by 1";

fn message<T>(result: Result<T, TableError>) -> String {
    result.err().unwrap().to_string()
}

/// What a value becomes in a column of this type, or why it does not.
fn loaded(data_type: DataType, value: &str) -> Result<ArrayRef, String> {
    let database = Database::new("CREATE TABLE t (x)");
    let columns = [column("id", DataType::Int64), column("x", data_type)];
    let table = database.table(&format!("select 1 as id, {value} as x"), &columns, &["id"]);
    match table.load() {
        Ok(snapshot) => Ok(Arc::clone(&snapshot.columns()[1])),
        Err(error) => {
            let text = error.to_string();
            let start = "table `games`, row 1 of its query (id = 1): column `x`: ";
            Err(text.strip_prefix(start).unwrap_or_else(|| panic!("{text}")).to_owned())
        }
    }
}

fn refusal(data_type: DataType, value: &str) -> String {
    loaded(data_type, value).expect_err(value)
}

const MONEY: DataType = DataType::Decimal { precision: 18, scale: 2 };

#[test]
fn a_result_is_read_by_the_names_of_its_columns() {
    let table = Database::new(GAMES).load(QUERY).unwrap();
    let ids: Vec<_> = table.columns()[0].as_string::<i32>().iter().flatten().collect();
    assert_eq!(ids, ["g-1", "g-2"]);
    let providers: Vec<_> = table.columns()[1].as_string::<i32>().iter().collect();
    assert_eq!(providers, [Some("Pebble"), None]);
    // Half away from zero, like everywhere.
    let rtp = table.columns()[2].as_primitive::<Decimal64Type>();
    assert_eq!(rtp.values(), &[9_501, 10_000]);
    assert!(!table.schema().fields[0].nullable && table.schema().fields[1].nullable);
}

#[test]
fn integers_become_what_holds_them() {
    let cell = |data_type, value| loaded(data_type, value).unwrap();
    assert_eq!(cell(DataType::Int16, "-7").as_primitive::<Int16Type>().value(0), -7);
    let most = cell(DataType::Int64, "9223372036854775807");
    assert_eq!(most.as_primitive::<Int64Type>().value(0), i64::MAX);
    assert!(cell(DataType::Bool, "1").as_boolean().value(0));
    assert_eq!(cell(MONEY, "12").as_primitive::<Decimal64Type>().value(0), 1_200);
    assert_eq!(cell(DataType::Text, "12").as_string::<i32>().value(0), "12");
    let whole = cell(DataType::Float64, "9007199254740992");
    assert!((whole.as_primitive::<Float64Type>().value(0) - 9_007_199_254_740_992.0).abs() < 1.0);
    assert!(refusal(DataType::Int16, "40000").contains("out of range"));
    assert_eq!(refusal(DataType::Bool, "2"), "expected bool as 0 or 1, found the INTEGER 2");
    let beyond = refusal(DataType::Float64, "9007199254740993");
    assert_eq!(beyond, "the INTEGER 9007199254740993 has more digits than an f64 holds");
    assert!(refusal(DataType::Float32, "16777217").contains("f32"));
    assert!(refusal(DataType::Timestamp, "1700000000").contains("'unixepoch'"));
    assert!(refusal(DataType::Uuid, "1").contains("uuid"));
}

#[test]
fn reals_become_floats_and_nothing_else() {
    let double = loaded(DataType::Float64, "0.1").unwrap();
    assert_eq!(double.as_primitive::<Float64Type>().value(0).to_bits(), 0.1_f64.to_bits());
    let single = loaded(DataType::Float32, "0.1").unwrap();
    assert_eq!(single.as_primitive::<Float32Type>().value(0).to_bits(), 0.1_f32.to_bits());
    let money = refusal(MONEY, "0.1");
    assert_eq!(
        money,
        "expected decimal(18,2), found the REAL 0.1: money is never a float; store decimals as TEXT or INTEGER"
    );
    assert_eq!(refusal(DataType::Int64, "2.0"), "expected i64, found the REAL 2.0");
    assert!(refusal(DataType::Text, "2.5").contains("REAL"));
    assert!(refusal(DataType::Float64, "9e999").contains("inf"));
    assert!(refusal(DataType::Float32, "1e300").contains("out of range"));
}

#[test]
fn text_is_read_as_the_formats_read_it_but_is_no_number() {
    let money = loaded(MONEY, "' 1.005 '").unwrap();
    assert_eq!(money.as_primitive::<Decimal64Type>().value(0), 101);
    let made = "datetime(1767225600, 'unixepoch')";
    for text in ["'2026-01-01T00:00:00Z'", "'2026-01-01 00:00:00'", made] {
        let at = loaded(DataType::Timestamp, text).unwrap();
        assert_eq!(at.as_primitive::<TimestampMicrosecondType>().value(0), 1_767_225_600_000_000);
    }
    for (data_type, count) in [
        (DataType::Date, "'20454'"),
        (DataType::Date, "' -1 '"),
        (DataType::Date, "'2e4'"),
        (DataType::Time, "'3600000000'"),
        (DataType::Timestamp, "'1767225600'"),
    ] {
        let refused = refusal(data_type, count);
        let text = count.trim_matches('\'');
        let start = format!("expected {data_type} in ISO 8601, found the TEXT \"{text}\"");
        assert!(refused.starts_with(&start), "{refused}");
    }
    assert!(loaded(DataType::Date, "'2026-01-01'").is_ok());
    assert!(loaded(DataType::Time, "'10:00'").is_ok());
    assert!(loaded(DataType::Date, "20454").is_ok(), "an INTEGER is a count");
    assert!(loaded(DataType::Json, "'{\"a\":[1]}'").is_ok());
    assert!(refusal(DataType::Json, "'{a:1}'").contains("expected json"));
    assert_eq!(refusal(DataType::Int64, "'1'"), "expected i64, found the TEXT \"1\"");
    assert_eq!(refusal(DataType::Bool, "'true'"), "expected bool, found the TEXT \"true\"");
    assert!(refusal(MONEY, "'much'").contains("\"much\""));
    assert!(refusal(DataType::Text, "cast(x'ff' as text)").contains("not UTF-8"));
    let long = refusal(DataType::Binary, "'a' || char(10) || printf('%.60c', 'b')");
    assert_eq!(
        long,
        format!("expected binary as a BLOB, found the TEXT \"a\\n{}…\"", "b".repeat(38))
    );
}

#[test]
fn blobs_are_bytes() {
    let bytes = loaded(DataType::Binary, "x'00ff'").unwrap();
    assert_eq!(bytes.as_binary::<i32>().value(0), [0, 255]);
    let blob = loaded(DataType::Uuid, "x'123e4567e89b12d3a456426614174000'").unwrap();
    let text = loaded(DataType::Uuid, "'123e4567-e89b-12d3-a456-426614174000'").unwrap();
    assert_eq!(blob.as_fixed_size_binary().value(0), text.as_fixed_size_binary().value(0));
    assert_eq!(refusal(DataType::Uuid, "x'00'"), "expected uuid, found a BLOB of 1 bytes");
    assert_eq!(refusal(DataType::Text, "x'00'"), "expected text, found a BLOB of 1 bytes");
}

#[test]
fn null_is_null_in_every_type_unless_it_is_required() {
    for name in DataType::NAMES {
        let data_type: DataType = name.parse().unwrap();
        let column = loaded(data_type, "NULL").unwrap();
        assert_eq!((column.len(), column.null_count()), (1, 1), "{name}");
        assert_eq!(column.data_type(), &data_type.arrow(), "{name}");
    }
    let database = Database::new(GAMES);
    let mut columns = games();
    columns[1].required = true;
    let null = message(database.table(QUERY, &columns, &["game_id"]).load());
    let start = "table `games`, row 2 of its query (game_id = \"g-2\"): column `provider`: ";
    assert!(null.starts_with(start), "{null}");
}

#[test]
fn keys_are_there_once_and_never_null() {
    let database = Database::new(GAMES);
    database.change("INSERT INTO games VALUES ('g-1', 'Again', NULL, NULL)");
    let twice = message(database.load("select * from games order by rowid"));
    assert_eq!(
        twice,
        "table `games`, row 3 of its query (game_id = \"g-1\"): the key of row 1 again; a key may occur once"
    );
    database.change("UPDATE games SET game_id = NULL WHERE maker = 'Again'");
    let null = message(database.load("select * from games order by rowid"));
    assert_eq!(null, "table `games`, row 3 of its query: its key is null");
}

#[test]
fn a_query_is_one_select_that_the_database_takes() {
    let database = Database::new(GAMES);
    let look = |query: &str| message(database.table(query, &games(), &["game_id"]).look());
    for (query, wrong) in [
        ("select * from no_games", "no such table: no_games"),
        ("select game_id, rtp, makr from games", "no such column: makr"),
        ("select * from games where", "incomplete input"),
        ("delete from games returning *", "it does not begin with SELECT"),
        ("pragma table_info(games)", "it does not begin with SELECT"),
        ("with x as (select 1) delete from games returning *", "it writes to the database"),
        ("select * from games; select 1", "it has more than one statement"),
        ("select * from games; drop table games", "it has more than one statement"),
        ("select * from games where maker = ?", "it has parameters"),
        ("", "it does not begin with SELECT"),
    ] {
        let text = look(query);
        let start = format!("the query of table `games`: {wrong}");
        assert!(text.starts_with(&start), "{query}: {text}");
    }
    assert_eq!(
        look("select game_id, rtp from games"),
        "the query of table `games` gives no `maker`; it gives: `game_id`, `rtp`"
    );
    let twice = look("select *, 1 as RTP from games");
    assert_eq!(twice, "the query of table `games` gives `rtp` more than once");
    database.table(&format!("{QUERY}; -- all"), &games(), &["game_id"]).look().unwrap();
    assert_eq!(database.load(QUERY).unwrap().rows(), 2, "nothing was deleted");
}

#[test]
fn the_version_follows_the_content() {
    let database = Database::new(GAMES);
    let version = || database.load(QUERY).unwrap().version().to_owned();
    let first = version();
    assert_eq!(first.len(), 64);
    // What the columns do not read, and an update that changes nothing, leave it.
    database
        .change("UPDATE games SET rtp = rtp; CREATE TABLE more (x); UPDATE games SET other = 1");
    assert_eq!(version(), first);
    database.change("UPDATE games SET rtp = '0.9' WHERE game_id = 'g-2'");
    let second = version();
    assert_ne!(second, first);
    // A value that moves from one cell into the next is another content.
    database.change("UPDATE games SET game_id = 'g-', maker = '2' WHERE game_id = 'g-2'");
    assert_ne!(version(), second);
}

#[test]
fn a_load_sees_what_is_committed_and_nothing_else() {
    let database = Database::new(&format!("PRAGMA journal_mode = WAL; {GAMES}"));
    let writer = Connection::open(database.path()).unwrap();
    writer.execute_batch("BEGIN; UPDATE games SET rtp = '0.5'").unwrap();
    let rtp = |table: &TableSnapshot| table.columns()[2].as_primitive::<Decimal64Type>().value(0);
    assert_eq!(rtp(&database.load(QUERY).unwrap()), 9_501);
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(rtp(&database.load(QUERY).unwrap()), 5_000);
}

#[test]
fn a_lock_passes_and_a_missing_or_wrong_file_does_not() {
    let database = Database::new(GAMES);
    let table = database.table(QUERY, &games(), &["game_id"]);
    let writer = Connection::open(database.path()).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let locked = table.look().unwrap_err();
    assert_eq!(locked.to_string(), "`games.db` is locked by another program");
    assert!(locked.is_unreachable());
    drop(writer);
    table.look().unwrap();

    std::fs::write(database.path(), "no database".repeat(100)).unwrap();
    let wrong = table.look().unwrap_err();
    assert_eq!(wrong.to_string(), "`games.db` is no sound SQLite database");
    let cause = std::error::Error::source(&wrong).expect("SQLite's own words");
    assert_eq!(cause.to_string(), "file is not a database");
    assert!(cause.source().is_none(), "it is said once");
    assert!(!wrong.is_unreachable());

    std::fs::remove_file(database.path()).unwrap();
    let missing = table.load().unwrap_err();
    assert_eq!(missing.to_string(), "cannot read `games.db`");
    assert!(missing.is_unreachable());
    assert!(!database.path().exists(), "it is never made");
}
