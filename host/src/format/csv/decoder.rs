//! Records out of chunks, and columns out of records.

use super::CsvOptions;
use super::header::{self, HeaderError, MAX_FIELDS};
use super::record::{Extent, Misquoted, Record};
use crate::format::json::printable;
use crate::format::{
    ColumnBuilder, ColumnSpec, Decoded, Limits, MAX_LINE_BYTES, Progress, RowReject, Scalar,
};
use crate::record::DataType;

/// A batch ends here whatever its limits say, so that a text column's bytes stay within its 32-bit
/// offsets: no column holds more than was read, and one record more is below 2 GiB.
const MAX_BATCH_BYTES: usize = 1 << 30;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Decodes CSV into columns.
///
/// Where there is a header, give it the input's beginning with [`CsvDecoder::read_header`]. Then
/// feed it whole records with [`CsvDecoder::decode_chunk`] until a batch is full or the input is
/// exhausted, and take the batch with [`CsvDecoder::finish`].
#[derive(Debug)]
pub struct CsvDecoder {
    columns: Vec<ColumnBuilder>,
    /// By column: its name in the file.
    names: Vec<String>,
    /// By column: the index of its field; `None`: there is to be a header, which was not read yet.
    places: Option<Vec<usize>>,
    /// How many fields a record has; without a header, at least.
    width: usize,
    options: CsvOptions,
    record: Record,
    line: u64,
    batch_bytes: usize,
    rows: usize,
    lines: Vec<i64>,
    rejects: Vec<RowReject>,
}

/// What a record came to.
enum Outcome {
    Row,
    Blank,
    Reject { reason: String, column: Option<String> },
}

impl CsvDecoder {
    /// A decoder that stands in front of line 1. A column's path, joined by dots, is its name in the
    /// header; without a header, it is the number of its field.
    #[must_use]
    pub fn new(specs: Vec<ColumnSpec>, options: CsvOptions) -> Self {
        let names: Vec<String> = specs.iter().map(|spec| spec.path.join(".")).collect();
        // A path that is no number gives a place that no record has.
        let place = |name: &String| name.parse::<usize>().map_or(usize::MAX, |n| n.wrapping_sub(1));
        let places: Option<Vec<usize>> =
            (!options.header).then(|| names.iter().map(place).collect());
        let last = places.as_ref().and_then(|places| places.iter().max().copied());
        Self {
            columns: specs.iter().map(ColumnBuilder::new).collect(),
            names,
            width: last.map_or(0, |last| last.saturating_add(1)),
            places,
            options,
            record: Record::new(last.map_or(1, |last| last.saturating_add(1))),
            line: 1,
            batch_bytes: 0,
            rows: 0,
            lines: Vec::new(),
            rejects: Vec::new(),
        }
    }

    /// Whether a header is to be read in front of the records.
    #[must_use]
    pub fn has_header(&self) -> bool {
        self.options.header
    }

    /// Reads the header at the beginning of an input, of which `beginning` holds at least the whole
    /// first record, and stands behind it; how many bytes it took. Another input may have its
    /// columns in another order.
    ///
    /// # Errors
    /// If it does not have each declared column once, or has too many fields.
    pub fn read_header(&mut self, beginning: &[u8]) -> Result<usize, HeaderError> {
        let mark = mark(beginning);
        let rest = beginning.get(mark..).unwrap_or_default();
        self.record.keep(MAX_FIELDS);
        let extent = self.record.split(rest, self.options.delimiter);
        if extent.misquoted.is_some() {
            return Err(HeaderError::Misquoted);
        }
        if self.record.len() > MAX_FIELDS {
            return Err(HeaderError::TooWide { found: self.record.len() });
        }
        if self.record.is_blank() {
            return Err(HeaderError::Blank);
        }
        let bytes = rest.get(..extent.bytes).unwrap_or_default();
        let texts = self.record.text(bytes).map_err(|byte| HeaderError::NotText { byte })?;
        let places = header::places(&texts, &self.names)?;
        self.record.keep(places.iter().max().map_or(1, |last| last.saturating_add(1)));
        self.places = Some(places);
        self.width = self.record.len();
        self.line = 1 + extent.lines;
        Ok(mark + extent.bytes)
    }

    /// Stands in front of line `line`, such as where a resumed file goes on. In front of line 1, and
    /// only there, a byte order mark is taken.
    pub fn seek(&mut self, line: u64) {
        self.line = line;
    }

    /// The number of the next line: of the lines of the input, of which a record may take several.
    #[must_use]
    pub fn next_line(&self) -> u64 {
        self.line
    }

    /// Rows of the batch so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rejects of the batch so far.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.rejects.len()
    }

    /// Reads records until the chunk ends or the batch is full.
    ///
    /// The chunk holds whole records (cut at [`super::RecordEnds`]); only the input's last one may
    /// lack its line end. No batch exceeds the limit of bytes but by its only record.
    pub fn decode_chunk(&mut self, chunk: &[u8], limits: Limits) -> Progress {
        let most = limits.bytes.clamp(1, MAX_BATCH_BYTES);
        let mut progress = Progress::default();
        if self.line == 1 && !self.is_full(limits) {
            progress.bytes = mark(chunk);
        }
        while !self.is_full(limits)
            && let Some(rest) = chunk.get(progress.bytes..)
            && !rest.is_empty()
        {
            let extent = self.record.split(rest, self.options.delimiter);
            if self.batch_bytes > 0 && self.batch_bytes.saturating_add(extent.bytes) > most {
                progress.full = true;
                return progress;
            }
            self.take(rest.get(..extent.bytes).unwrap_or_default(), &extent, &mut progress);
            self.batch_bytes += extent.bytes;
            self.line += extent.lines;
            progress.bytes += extent.bytes;
            progress.lines += extent.lines;
        }
        progress.full = self.is_full(limits);
        progress
    }

    /// Hands over the batch and begins the next one.
    #[must_use]
    pub fn finish(&mut self) -> Decoded {
        let rows = std::mem::take(&mut self.rows);
        self.batch_bytes = 0;
        Decoded {
            columns: self.columns.iter_mut().map(ColumnBuilder::finish).collect(),
            lines: std::mem::replace(&mut self.lines, Vec::with_capacity(rows)),
            rejects: std::mem::take(&mut self.rejects),
            rows,
        }
    }

    fn is_full(&self, limits: Limits) -> bool {
        self.rows + self.rejects.len() >= limits.rows.max(1)
            || self.batch_bytes >= limits.bytes.clamp(1, MAX_BATCH_BYTES)
    }

    /// Makes a row or a reject of the record that was split.
    fn take(&mut self, bytes: &[u8], extent: &Extent, progress: &mut Progress) {
        match self.decode(bytes, extent) {
            Outcome::Row => {
                self.rows += 1;
                self.lines.push(self.line.cast_signed());
            }
            Outcome::Blank => progress.blank_lines += 1,
            Outcome::Reject { reason, column } => {
                for column in &mut self.columns {
                    column.truncate(self.rows);
                }
                let input = printable(bytes);
                self.rejects.push(RowReject { line: self.line, reason, column, input });
            }
        }
    }

    fn decode(&mut self, bytes: &[u8], extent: &Extent) -> Outcome {
        let whole = |reason| Outcome::Reject { reason, column: None };
        if bytes.len() > MAX_LINE_BYTES {
            let length = bytes.len();
            return whole(format!(
                "expected a record of at most {MAX_LINE_BYTES} bytes, found {length}"
            ));
        }
        if let Some(misquoted) = extent.misquoted {
            return whole(misquoted.reason());
        }
        if self.record.is_blank() {
            return Outcome::Blank;
        }
        let texts = match self.record.text(bytes) {
            Ok(texts) => texts,
            Err(byte) => {
                return whole(format!("byte {byte}: expected UTF-8, found other bytes"));
            }
        };
        let Some(places) = &self.places else {
            return whole("the header in front of the rows was not read".to_owned());
        };
        let found = self.record.len();
        if found < self.width || (self.options.header && found > self.width) {
            let least = if self.options.header { "as in the header" } else { "at least" };
            return whole(format!("expected {} fields {least}, found {found}", self.width));
        }
        let null = self.options.null.as_deref().unwrap_or_default();
        for (column, place) in self.columns.iter_mut().zip(places) {
            let pushed = match texts.get(*place) {
                Some(field) if field.quoted || field.text != null => push(column, field.text),
                _ => column.push_null(),
            };
            if let Err(reason) = pushed {
                return Outcome::Reject { reason, column: Some(column.name.to_string()) };
            }
        }
        Outcome::Row
    }
}

impl Misquoted {
    fn reason(self) -> String {
        match self {
            Self::Open(field) => {
                format!("the quote that begins field {field} is never closed, up to the file's end")
            }
            Self::Behind(field) => format!(
                "expected a delimiter or a line end behind the closing quote of field {field}; a quote \
                 within quotes is written twice"
            ),
        }
    }
}

fn push(column: &mut ColumnBuilder, text: &str) -> Result<(), String> {
    match (text, column.data_type) {
        ("true", DataType::Bool) => column.push(Scalar::Bool(true)),
        ("false", DataType::Bool) => column.push(Scalar::Bool(false)),
        _ => column.push(Scalar::Text(text)),
    }
}

/// The length of a byte order mark at the beginning.
fn mark(bytes: &[u8]) -> usize {
    if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
}
