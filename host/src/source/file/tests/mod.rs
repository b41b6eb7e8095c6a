use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use tempfile::TempDir;

use super::super::SourceKind;
use super::super::lines::testing::config;
use super::*;

mod compressed;
mod csv;
mod one_file;
mod several_files;

const CLOCK: Clock = Clock::Fixed(7_000_000);

/// The source of one file in a folder, which is written with that folder's name.
fn file(path: &Path) -> FileConfig {
    let folder = path.parent().unwrap();
    let name = path.strip_prefix(folder.parent().unwrap()).unwrap();
    files(folder.parent().unwrap(), &[name.to_str().unwrap()])
}

/// The source of these paths in a folder.
fn files(folder: &Path, paths: &[&str]) -> FileConfig {
    FileConfig {
        paths: paths.iter().map(|path| PathPattern::new(folder, path).unwrap()).collect(),
        format: RecordFormat::Json,
        compression: Compression::Auto,
    }
}

fn open_files(
    files: &FileConfig,
    position: Option<&Position>,
    sizes: Sizes,
) -> Result<FileSource, SourceError> {
    let config = config(SourceKind::File(files.clone()), "id", "at");
    FileSource::open_sized(&config, files, position, CLOCK, sizes)
}

fn open_sized(
    path: &Path,
    position: Option<&Position>,
    sizes: Sizes,
) -> Result<FileSource, SourceError> {
    open_files(&file(path), position, sizes)
}

fn open(path: &Path, position: Option<&Position>) -> Result<FileSource, SourceError> {
    open_sized(path, position, SIZES)
}

fn written(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in/wagers.jsonl");
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn append(path: &Path, content: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(content.as_bytes()).unwrap();
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    ::zstd::stream::encode_all(content, 1).unwrap()
}

/// A row or a reject: its place in the order, its file and line, and its id if it is a row.
type Read = (i64, String, Option<String>);

/// Reads to the end; what was read, and after each step the position and how much was read until
/// then.
fn read_files(source: &mut FileSource, budget: &Budget) -> (Vec<Read>, Vec<(Position, usize)>) {
    let mut all = Vec::new();
    let mut positions = vec![(source.position(), 0)];
    loop {
        match source.next(budget).unwrap() {
            Next::Finished => break,
            Next::Idle => {}
            Next::Rows(batch) => {
                let (rows, rejected) = (&batch.batch, &batch.rejected);
                assert!(rows.rows + rejected.len() <= budget.rows);
                let lines = rows.columns[0].values.as_primitive::<Int64Type>();
                let ids = rows.columns[1].values.as_string::<i32>();
                let files = rows.columns[2].values.as_string::<i32>();
                let mut fresh: Vec<Read> = (0..rows.rows)
                    .map(|row| {
                        let place = format!("{}:{}", files.value(row), lines.value(row));
                        assert_eq!(rows.meta.position(row), place);
                        (rows.meta.sequence(row).0, place, Some(ids.value(row).to_owned()))
                    })
                    .collect();
                let letters = rejected.iter();
                fresh.extend(letters.map(|one| (one.sequence.0, one.position.clone(), None)));
                fresh.sort();
                all.extend(fresh);
            }
        }
        positions.push((source.position(), all.len()));
    }
    assert!(all.windows(2).all(|pair| pair[0].0 < pair[1].0), "the order rises: {all:?}");
    (all, positions)
}

/// Reads all, and reads the rest from every position on the way.
fn check_files(files: &FileConfig, sizes: Sizes, rows: usize, expected: &[Read]) {
    let mut source = open_files(files, None, sizes).unwrap();
    let (all, positions) = read_files(&mut source, &budget(rows));
    assert_eq!(all, expected, "{sizes:?} {rows}");
    for (position, handed) in positions {
        let mut rest = open_files(files, Some(&position), sizes).unwrap();
        assert_eq!(rest.position(), position);
        let (rest, _) = read_files(&mut rest, &budget(2));
        assert_eq!(rest, expected[handed..], "{sizes:?} {rows} from {position:?}");
    }
}

fn budget(rows: usize) -> Budget {
    Budget { rows, bytes: 1 << 20, linger: std::time::Duration::ZERO }
}

/// Reads a source to its end; where that is.
fn end_of(files: &FileConfig) -> Position {
    let mut source = open_files(files, None, SIZES).unwrap();
    read_files(&mut source, &budget(1_000));
    source.position()
}

fn read(order: i64, place: &str, id: &str) -> Read {
    (order, place.to_owned(), Some(id.to_owned()))
}

fn refused(order: i64, place: &str) -> Read {
    (order, place.to_owned(), None)
}
