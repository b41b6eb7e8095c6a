//! CSV as a table: the header's names find the columns, in any order and among others.

use ::csv::{ByteRecord, ReaderBuilder};

use super::{Fault, Rows};
use crate::format::{ColumnBuilder, Scalar};
use crate::record::DataType;
use crate::table::TableColumn;

/// Reads the declared columns of a whole file.
pub(super) fn read(content: &[u8], columns: &[TableColumn]) -> Result<Rows, Fault> {
    // Lengths are checked here, where the line is known.
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(content);
    let mut record = ByteRecord::new();
    let mut place = Place { content, at: 0, line: 1 };
    let header = header(&mut reader, &mut record, &mut place)?;
    let places = places(&header, columns, place.line)?;
    let mut builders: Vec<_> =
        columns.iter().map(|column| ColumnBuilder::new(&column.spec())).collect();
    let mut lines = Vec::new();
    while next(&mut reader, &mut record, &mut place)? {
        if record.len() != header.len() {
            let reason = format!("{} cells under a header of {}", record.len(), header.len());
            return Err(Fault { line: place.line, reason });
        }
        for ((column, builder), place_in_row) in columns.iter().zip(&mut builders).zip(&places) {
            push(builder, column.data_type, &record[*place_in_row])
                .map_err(|reason| Fault::in_column(place.line, &column.name, &reason))?;
        }
        lines.push(place.line);
    }
    Ok(Rows { columns: builders.iter_mut().map(ColumnBuilder::finish).collect(), lines })
}

/// Whether the header has every declared column; `content` is at least the beginning of a file.
pub(super) fn check_header(content: &[u8], columns: &[TableColumn]) -> Result<(), Fault> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(content);
    let mut place = Place { content, at: 0, line: 1 };
    let header = header(&mut reader, &mut ByteRecord::new(), &mut place)?;
    places(&header, columns, place.line).map(drop)
}

fn header(
    reader: &mut ::csv::Reader<&[u8]>,
    record: &mut ByteRecord,
    place: &mut Place<'_>,
) -> Result<Vec<String>, Fault> {
    if next(reader, record, place)? {
        return Ok(record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect());
    }
    let reason = "the file is empty: it needs a header line with the columns' names".to_owned();
    Err(Fault { line: 1, reason })
}

/// Where each column stands in the header.
fn places(header: &[String], columns: &[TableColumn], line: u64) -> Result<Vec<usize>, Fault> {
    columns
        .iter()
        .map(|column| {
            let name = &column.source_name;
            let mut found = header.iter().enumerate().filter(|(_, cell)| *cell == name);
            match (found.next(), found.next()) {
                (Some((index, _)), None) => Ok(index),
                (Some(_), Some(_)) => {
                    Err(Fault { line, reason: format!("the header has `{name}` twice") })
                }
                (None, _) => {
                    let all: Vec<String> = header.iter().map(|cell| format!("`{cell}`")).collect();
                    let reason = format!("the header has no `{name}`; it has: {}", all.join(", "));
                    Err(Fault { line, reason })
                }
            }
        })
        .collect()
}

fn push(builder: &mut ColumnBuilder, data_type: DataType, cell: &[u8]) -> Result<(), String> {
    let text = str::from_utf8(cell).map_err(|_| "the cell is not UTF-8".to_owned())?;
    match (text, data_type) {
        ("", _) => builder.push_null(),
        ("true", DataType::Bool) => builder.push(Scalar::Bool(true)),
        ("false", DataType::Bool) => builder.push(Scalar::Bool(false)),
        _ => builder.push(Scalar::Text(text)),
    }
}

/// Reads the next record and moves `place` to where it begins; false at the end.
fn next(
    reader: &mut ::csv::Reader<&[u8]>,
    record: &mut ByteRecord,
    place: &mut Place<'_>,
) -> Result<bool, Fault> {
    let more = reader
        .read_byte_record(record)
        .map_err(|error| Fault { line: place.line, reason: error.to_string() })?;
    if let (true, Some(position)) = (more, record.position()) {
        place.move_to(position.byte());
    }
    Ok(more)
}

/// The line of a place in the file. The reader's own count is that of the line before, where lines
/// end in CRLF or blank ones stand between.
struct Place<'a> {
    content: &'a [u8],
    at: usize,
    line: u64,
}

impl Place<'_> {
    fn move_to(&mut self, byte: u64) {
        let start = usize::try_from(byte).unwrap_or(usize::MAX).min(self.content.len());
        let ends = self.content[start..].iter().take_while(|byte| matches!(**byte, b'\r' | b'\n'));
        let start = start + ends.count();
        self.line += memchr::memchr_iter(b'\n', &self.content[self.at..start]).count() as u64;
        self.at = start;
    }
}
