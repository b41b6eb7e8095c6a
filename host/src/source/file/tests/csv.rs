//! CSV files: headers, records of several lines, and records that are too long.

use super::*;
use crate::format::CsvOptions;

fn csv(folder: &Path, paths: &[&str]) -> FileConfig {
    FileConfig { format: RecordFormat::Csv(CsvOptions::default()), ..files(folder, paths) }
}

#[test]
fn resuming_anywhere_goes_on_between_records_of_several_lines() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    let long = "x".repeat(40);
    write(
        "a.csv",
        format!("\u{feff}\"id\",at\r\n\"a\n1\",\r\n\n{long},1000,too many\n\"\",2000\n").as_bytes(),
    );
    // Another order of columns, and one more.
    let other = "note,at,id\n\"said \"\"yes\n\"\"\",,b1\n,x,b2\nunclosed,,\"b3\n,,b4\n";
    write("b.csv.gz", &gzip(other.as_bytes()));
    write("c.csv", b"");
    write("d.csv", b"at,id");
    let config = csv(folder.path(), &["*"]);
    let expected = [
        read(2, "a.csv:2", "a\n1"),
        refused(5, "a.csv:5"),
        read(6, "a.csv:6", ""),
        read(8, "b.csv.gz:2", "b1"),
        refused(10, "b.csv.gz:4"),
        refused(11, "b.csv.gz:5"),
    ];
    for chunk in [1, 16, 1 << 20] {
        let sizes = Sizes { chunk, line: 1 << 20, skip: 1 << 20 };
        for rows in [1, 2, 100] {
            check_files(&config, sizes, rows, &expected);
        }
    }
}

#[test]
fn a_record_that_is_too_long_is_passed_over_with_the_lines_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x,\n".repeat(100);
    let content = format!("id,at\na,\n\"{long}\",\nb,\n\"{long}");
    fs::write(folder.path().join("a.csv"), content).unwrap();
    let config = csv(folder.path(), &["a.csv"]);
    let expected = [
        read(2, "a.csv:2", "a"),
        refused(3, "a.csv:3"),
        read(104, "a.csv:104", "b"),
        refused(105, "a.csv:105"),
    ];
    for chunk in [1, 16, 64] {
        let sizes = Sizes { chunk, line: 64, skip: 100 };
        for rows in [1, 2, 100] {
            check_files(&config, sizes, rows, &expected);
        }
    }
}

#[test]
fn a_header_without_a_declared_column_is_found_by_a_look() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "id,at\n").unwrap();
    fs::write(folder.path().join("b.csv"), "key,at\n").unwrap();
    let files = csv(folder.path(), &["*.csv"]);
    let source = config(SourceKind::File(files.clone()), "id", "at");
    let error = source.look().unwrap_err().to_string();
    assert_eq!(error, "`b.csv`: the header has no `id`; it has: `key`, `at`");
    // A run gets as far as it can.
    let mut opened = open_files(&files, None, SIZES).unwrap();
    assert!(matches!(opened.next(&budget(1)), Err(SourceError::Header { .. })));
}

#[test]
fn a_file_that_was_empty_has_its_header_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, "").unwrap();
    let config = csv(folder.path(), &["a.csv"]);
    let end = end_of(&config);
    fs::write(&path, "at,id\n,a\n").unwrap();
    let mut source = open_files(&config, Some(&end), SIZES).unwrap();
    assert_eq!(read_files(&mut source, &budget(10)).0, [read(2, "a.csv:2", "a")]);
    // Grown again, the header is read once more and no row of it.
    let end = source.position();
    append(&path, ",b\n");
    let mut source = open_files(&config, Some(&end), SIZES).unwrap();
    assert_eq!(read_files(&mut source, &budget(10)).0, [read(3, "a.csv:3", "b")]);
}
