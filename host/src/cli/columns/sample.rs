//! Reading the beginning of a file: which rows there are, and what they hold.
//!
//! *Invariants*: no more lines are read than are asked for, and none is longer than a source would
//! read; a line that cannot be read is counted and told, and its neighbours go on.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, anyhow};
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::debezium::{self, Declared, Message};
use super::names;
use super::shape::Shape;
use super::{Column, Format};

/// A line that is longer is no sample to guess from.
const LINE_BYTES: u64 = 16 << 20;
/// What a record of CSV is given on average.
const RECORD_BYTES: u64 = 64 << 10;

/// What a sample came to.
#[derive(Debug)]
pub(super) struct Sample {
    pub format: Format,
    pub columns: Vec<Column>,
    /// Rows that were sampled.
    pub rows: u64,
    /// Lines that are no rows, such as tombstones, or rows without the root.
    pub others: u64,
    /// Lines that cannot be read, and the first of them with the reason.
    pub wrong: u64,
    pub first_wrong: Option<(u64, String)>,
    /// What a header of CSV that is one column has in it and may be delimited by.
    pub delimiter: Option<char>,
}

/// Opens a file; one whose name ends in `.gz` or `.zst` is unpacked.
///
/// # Errors
/// If it cannot be opened.
pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file = BufReader::new(file);
    Ok(match extension(path) {
        Some("gz") => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        Some("zst") => Box::new(BufReader::new(ZstdDecoder::with_buffer(file)?)),
        _ => Box::new(file),
    })
}

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

/// The name of a file without what tells its compression.
pub(super) fn plain_name(path: &Path) -> &Path {
    match (extension(path), path.file_stem()) {
        (Some("gz" | "zst"), Some(stem)) => Path::new(stem),
        _ => path,
    }
}

/// Samples CSV with a header.
///
/// # Errors
/// If the file or its header cannot be read.
pub(super) fn csv(input: Box<dyn BufRead>, rows: u64) -> anyhow::Result<Sample> {
    // A quote that is never closed makes one record of all that follows.
    let bounded = input.take(rows.saturating_mul(RECORD_BYTES).saturating_add(LINE_BYTES));
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(bounded);
    let header: Vec<String> = reader
        .headers()
        .context("the header cannot be read")?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_owned())
        .collect();
    let mut shape = Shape::new();
    for (place, name) in header.iter().enumerate() {
        shape.declare(name, place)?;
    }
    let mut sample = Sample::empty(Format::Csv);
    if let [only] = &*header {
        sample.delimiter = [';', '\t', '|'].into_iter().find(|mark| only.contains(*mark));
    }
    for (line, record) in (2..).zip(reader.records().take(usize::try_from(rows)?)) {
        match record {
            Ok(record) if record.len() == header.len() => {
                let fields = header.iter().cloned().zip(record.iter().map(field));
                shape.add(&Value::Object(fields.collect()), "")?;
            }
            Ok(record) => {
                let reason = format!("{} fields under a header of {}", record.len(), header.len());
                sample.refuse(line, reason);
            }
            Err(error) => sample.refuse(line, error.to_string()),
        }
    }
    let columns = if header.is_empty() { Vec::new() } else { shape.columns(&[], Format::Csv) };
    Ok(sample.with(shape.rows(), columns))
}

/// A field as the value that it is written like. Digits with a zero in front are a code, no number.
fn field(text: &str) -> Value {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
    match text {
        "" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if is_number => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        _ => Value::from(text),
    }
}

/// Samples lines of JSON; `format` as the user said, or by the look of the first line that tells.
///
/// # Errors
/// If the file cannot be read, or has no end of paths.
pub(super) fn lines(
    mut input: Box<dyn BufRead>,
    format: Option<Format>,
    lines: u64,
    root: &[String],
) -> anyhow::Result<Sample> {
    let mut taken = Taken {
        root,
        shape: Shape::new(),
        declared: Declared::default(),
        sample: Sample::empty(format.unwrap_or(Format::Json)),
    };
    let mut is_known = format.is_some();
    // Lines that may be beside rows, until one tells the format.
    let mut held = Vec::new();
    let mut bytes = Vec::new();
    for line in 1..=lines {
        if !read_line(&mut input, line, &mut bytes)? {
            break;
        }
        let value = match parse(&bytes) {
            Ok(Some(value)) => value,
            Ok(None) => continue,
            Err(reason) => {
                taken.sample.refuse(line, reason);
                continue;
            }
        };
        if !is_known && debezium::is_message(&value) {
            taken.sample.format = Format::DebeziumJson;
        } else if !is_known && (value.is_null() || debezium::is_aside(&value)) {
            held.push((value, bytes.clone()));
            continue;
        }
        is_known = true;
        for (value, text) in held.drain(..) {
            taken.add(value, &text)?;
        }
        taken.add(value, &bytes)?;
    }
    for (value, text) in held {
        taken.add(value, &text)?;
    }
    Ok(taken.finish())
}

/// What was taken of lines so far.
struct Taken<'r> {
    root: &'r [String],
    shape: Shape,
    declared: Declared,
    sample: Sample,
}

impl Taken<'_> {
    fn add(&mut self, value: Value, text: &[u8]) -> anyhow::Result<()> {
        let message = match self.sample.format {
            Format::DebeziumJson => debezium::message(value),
            Format::Json | Format::Csv => Some(Message { row: value, schema: None }),
        };
        let part = message.as_ref().and_then(|message| {
            let part = self.root.iter().try_fold(&message.row, |value, name| value.get(name))?;
            (!part.is_null()).then_some((message, part))
        });
        let Some((message, part)) = part else {
            self.sample.others += 1;
            return Ok(());
        };
        self.shape.add(part, &String::from_utf8_lossy(text))?;
        self.declared.add(message.schema.as_ref(), &message.row);
        Ok(())
    }

    /// The columns that schemas declare, and those of rows without one.
    fn finish(self) -> Sample {
        let rows = self.shape.rows();
        let mut columns = self.declared.columns(rows);
        columns.retain(|column| column.path.starts_with(self.root));
        let declared: Vec<Vec<String>> = columns.iter().map(|column| column.path.clone()).collect();
        let is_declared = |path: &[String]| {
            declared.iter().any(|known| path.starts_with(known) || known.starts_with(path))
        };
        let seen = self.shape.columns(self.root, self.sample.format).into_iter();
        columns.extend(seen.filter(|column| !is_declared(&column.path)));
        self.sample.with(rows, columns)
    }
}

/// Reads the next line; false at the end.
fn read_line(input: &mut impl BufRead, line: u64, bytes: &mut Vec<u8>) -> anyhow::Result<bool> {
    bytes.clear();
    let read = input.by_ref().take(LINE_BYTES).read_until(b'\n', bytes)?;
    if read as u64 == LINE_BYTES {
        return Err(anyhow!("line {line} is longer than {LINE_BYTES} bytes"));
    }
    Ok(read > 0)
}

/// The document of a line; none of a blank one.
fn parse(line: &[u8]) -> Result<Option<Value>, String> {
    let text = str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| error.to_string())
}

impl Sample {
    const fn empty(format: Format) -> Self {
        Self {
            format,
            columns: Vec::new(),
            rows: 0,
            others: 0,
            wrong: 0,
            first_wrong: None,
            delimiter: None,
        }
    }

    fn refuse(&mut self, line: u64, reason: String) {
        self.wrong += 1;
        self.first_wrong.get_or_insert((line, reason));
    }

    fn with(self, rows: u64, mut columns: Vec<Column>) -> Self {
        names::make_unique(&mut columns);
        Self { rows, columns, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn types(sample: &Sample) -> Vec<String> {
        let of = |column: &Column| match &column.guess {
            Some(guess) => format!("{} {}", column.name, guess.data_type),
            None => format!("{} nothing", column.name),
        };
        sample.columns.iter().map(of).collect()
    }

    #[test]
    fn fields_of_csv_are_what_they_are_written_like() {
        let text = "\u{feff}id,code,Price,on,day,none\n1,012,2.5,true,2026-01-01,\n2,12,3,,2026-01-02,\n3\n";
        let sample = csv(Box::new(Cursor::new(text)), 10).expect("it reads");
        let expected =
            ["id i64", "code text", "price decimal(18,2)", "on bool", "day date", "none nothing"];
        assert_eq!(types(&sample), expected);
        assert_eq!((sample.rows, sample.wrong, sample.columns[3].nulls), (2, 1, 1));
        assert_eq!(sample.first_wrong, Some((4, "1 fields under a header of 6".to_owned())));
    }

    #[test]
    fn a_header_of_one_column_tells_another_delimiter() {
        let read = |text: &'static str| csv(Box::new(Cursor::new(text)), 10).expect("it reads");
        assert_eq!(read("id;name\n1;a\n").delimiter, Some(';'));
        assert_eq!(read("id\tname\n").delimiter, Some('\t'));
        assert_eq!(read("id\n1\n").delimiter, None);
        assert_eq!(read("id,a;b\n1,2\n").delimiter, None);
        let header = read("id,name\n");
        assert_eq!((header.rows, header.columns.is_empty()), (0, false));
        assert!(read("").columns.is_empty());
    }

    #[test]
    fn what_connectors_send_beside_rows_tells_no_format() {
        let read = |text: &'static str| {
            lines(Box::new(Cursor::new(text)), None, 10, &[]).expect("it reads")
        };
        let heartbeat = "null\n{\"ts_ms\":1}\n";
        let begin = r#"{"status":"BEGIN","id":"5","event_count":null,"data_collections":null}"#;
        let row = r#"{"before":null,"after":{"id":1},"source":{},"op":"c"}"#;
        let text = format!("{heartbeat}{begin}\n{row}\n{heartbeat}");
        let sample = read(text.leak());
        assert_eq!((sample.format, sample.rows, sample.others), (Format::DebeziumJson, 1, 5));
        assert_eq!(types(&sample), ["id i64"]);
        // Anyone's rows may look like that, too.
        let sample = read("{\"ts_ms\":1}\n{\"ts_ms\":2,\"a\":1}\n");
        assert_eq!((sample.format, sample.rows), (Format::Json, 2));
        assert_eq!(read("{\"ts_ms\":1}\n").rows, 1);
    }

    #[test]
    fn rows_with_and_without_a_schema_are_merged() {
        let text = concat!(
            r#"{"schema":{"fields":[{"field":"id","type":"int32"}]},"payload":{"id":1,"__op":"c"}}"#,
            "\n",
            r#"{"id":2,"more":{"a":"x"},"__op":"u"}"#,
            "\n",
        );
        let sample = lines(Box::new(Cursor::new(text)), None, 10, &[]).expect("it reads");
        assert_eq!(types(&sample), ["id i32", "a text"]);
        assert_eq!((sample.columns[0].nulls, sample.columns[1].nulls), (0, 1));
    }

    #[test]
    fn lines_beyond_the_sample_and_wrong_ones_are_passed_over() {
        let text = "{\"a\":1}\n\n{\"a\":\nnull\n{\"a\":2}\n{\"a\":\"x\"}\n";
        let sample = lines(Box::new(Cursor::new(text)), None, 5, &[]).expect("it reads");
        assert_eq!(types(&sample), ["a i64"]);
        assert_eq!((sample.rows, sample.others, sample.wrong), (2, 1, 1));
        assert_eq!(sample.first_wrong.map(|(line, _)| line), Some(3));
    }
}
