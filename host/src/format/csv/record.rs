//! One record's fields.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

/// Where a field's text is.
#[derive(Clone, Debug)]
struct Field {
    range: Range<usize>,
    quoted: bool,
    /// Whether the text is among the rewritten, because it has quotes in it.
    rewritten: bool,
}

/// What is wrong with a record's quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misquoted {
    /// The quote of the field (from 1) is never closed.
    Open(usize),
    /// Text follows the closing quote of the field (from 1).
    Behind(usize),
}

/// What a record came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// Bytes, with the line end.
    pub(super) bytes: usize,
    /// Lines, of which the last one may lack its line end.
    pub(super) lines: u64,
    /// What is wrong with it; its fields are not to be used then.
    pub(super) misquoted: Option<Misquoted>,
}

/// The fields of one record at a time; the memory is used again for the next. Fields behind those
/// that are wanted are counted and not kept: one record may be millions of delimiters.
#[derive(Debug)]
pub(super) struct Record {
    fields: Vec<Field>,
    rewritten: Vec<u8>,
    /// How many fields the record has.
    count: usize,
    /// How many of them are kept, at most; one at least.
    most: usize,
}

/// What ends a field.
enum End {
    Field,
    Record,
}

impl Record {
    /// Keeps the first `most` fields of a record.
    pub(super) fn new(most: usize) -> Self {
        Self { fields: Vec::new(), rewritten: Vec::new(), count: 0, most: most.max(1) }
    }

    /// Keeps the first `most` fields of a record from the next one on; those of the last are gone.
    pub(super) fn keep(&mut self, most: usize) {
        self.most = most.max(1);
        self.fields.clear();
        self.fields.shrink_to(self.most);
    }

    /// Room for so many fields is there.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.fields.capacity()
    }

    /// Takes apart the record at the beginning of `bytes`, which are not empty. The end of the bytes
    /// is the record's, too.
    pub(super) fn split(&mut self, bytes: &[u8], delimiter: u8) -> Extent {
        self.fields.clear();
        self.rewritten.clear();
        self.count = 0;
        let mut extent = Extent { bytes: 0, lines: 1, misquoted: None };
        loop {
            let end = match bytes.get(extent.bytes) {
                Some(b'"') => self.quoted(bytes, delimiter, &mut extent),
                _ => self.plain(bytes, delimiter, &mut extent),
            };
            if matches!(end, End::Record) {
                return extent;
            }
        }
    }

    /// How many fields the record has.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Whether the record is an empty line.
    pub(super) fn is_blank(&self) -> bool {
        self.count == 1
            && matches!(self.fields.as_slice(), [field] if !field.quoted && field.range.is_empty())
    }

    /// Takes the next field, and keeps it if it is among the first.
    fn push(&mut self, field: Field) {
        self.count += 1;
        if self.fields.len() < self.most {
            self.fields.push(field);
        }
    }

    /// The record as text: `bytes` are those that it was split from.
    ///
    /// # Errors
    /// Where the first byte stands that is not UTF-8, from 1.
    pub(super) fn text<'a>(&'a self, bytes: &'a [u8]) -> Result<Texts<'a>, usize> {
        // The quick check says only whether; the slow one says where.
        let place = |bytes: &[u8]| {
            str::from_utf8(bytes).map_or_else(|error| error.valid_up_to() + 1, |_| 1)
        };
        let plain = simdutf8::basic::from_utf8(bytes).map_err(|_| place(bytes))?;
        let rewritten =
            simdutf8::basic::from_utf8(&self.rewritten).map_err(|_| place(&self.rewritten))?;
        Ok(Texts { fields: &self.fields, plain, rewritten })
    }

    fn plain(&mut self, bytes: &[u8], delimiter: u8, extent: &mut Extent) -> End {
        let start = extent.bytes;
        let rest = bytes.get(start..).unwrap_or_default();
        let found = memchr2(delimiter, b'\n', rest);
        let mut end = found.map_or(bytes.len(), |found| start + found);
        extent.bytes = found.map_or(bytes.len(), |found| start + found + 1);
        let ends = match found.and_then(|found| rest.get(found)) {
            Some(byte) if *byte == delimiter => End::Field,
            _ => End::Record,
        };
        if matches!(ends, End::Record) && end > start && bytes.get(end - 1) == Some(&b'\r') {
            end -= 1;
        }
        self.push(Field { range: start..end, quoted: false, rewritten: false });
        ends
    }

    fn quoted(&mut self, bytes: &[u8], delimiter: u8, extent: &mut Extent) -> End {
        let start = extent.bytes + 1;
        let rewritten = self.rewritten.len();
        let (mut piece, mut at) = (start, start);
        let close = loop {
            match memchr(b'"', bytes.get(at..).unwrap_or_default()).map(|found| at + found) {
                Some(quote) if bytes.get(quote + 1) == Some(&b'"') => {
                    // One of the two stays.
                    self.rewritten.extend_from_slice(bytes.get(piece..=quote).unwrap_or_default());
                    piece = quote + 2;
                    at = piece;
                }
                Some(quote) => break Some(quote),
                None => break None,
            }
        };
        let end = close.unwrap_or(bytes.len());
        let inner = bytes.get(start..end).unwrap_or_default();
        extent.lines += memchr_iter(b'\n', inner).count() as u64;
        let range = if piece == start {
            start..end
        } else {
            self.rewritten.extend_from_slice(bytes.get(piece..end).unwrap_or_default());
            rewritten..self.rewritten.len()
        };
        self.push(Field { range, quoted: true, rewritten: piece != start });
        if close.is_none() {
            extent.bytes = bytes.len();
            // It takes all that follows with it, so it is told whatever else is wrong.
            extent.misquoted = Some(Misquoted::Open(self.count));
            return End::Record;
        }
        self.behind_quote(bytes, delimiter, end + 1, extent)
    }

    /// What follows the closing quote before `at`.
    fn behind_quote(&self, bytes: &[u8], delimiter: u8, at: usize, extent: &mut Extent) -> End {
        let rest = bytes.get(at..).unwrap_or_default();
        let found = memchr2(delimiter, b'\n', rest);
        let ends = match found.and_then(|found| rest.get(found)) {
            Some(byte) if *byte == delimiter => End::Field,
            _ => End::Record,
        };
        let behind = found.map_or(rest, |found| rest.get(..found).unwrap_or_default());
        extent.bytes = found.map_or(bytes.len(), |found| at + found + 1);
        if !(behind.is_empty() || matches!(ends, End::Record) && behind == b"\r") {
            extent.misquoted.get_or_insert(Misquoted::Behind(self.count));
        }
        ends
    }
}

/// A field's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) quoted: bool,
}

/// A record's fields as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a> {
    fields: &'a [Field],
    plain: &'a str,
    rewritten: &'a str,
}

impl<'a> Texts<'a> {
    /// The field of that index.
    pub(super) fn get(&self, index: usize) -> Option<Text<'a>> {
        let field = self.fields.get(index)?;
        let whole = if field.rewritten { self.rewritten } else { self.plain };
        Some(Text { text: whole.get(field.range.clone())?, quoted: field.quoted })
    }

    /// All fields that were kept, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Text<'a>> + '_ {
        (0..self.fields.len()).filter_map(|index| self.get(index))
    }
}
