//! CSV bodies: separators of several bytes, enclosed fields, escapes, `\N` for null.

use std::borrow::Cow;

/// How the rows of a body are told apart, and their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsvStyle {
    /// Between two fields.
    pub separator: Vec<u8>,
    /// After each row; the last may lack it.
    pub delimiter: Vec<u8>,
    /// What stands around a field that holds separators.
    pub enclose: Option<u8>,
    /// What takes the next byte its meaning.
    pub escape: Option<u8>,
    /// Lines at the start that are no rows.
    pub skip: usize,
    /// Whether blanks around a field are dropped.
    pub trim_space: bool,
    /// Whether double quotes around a field are dropped.
    pub trim_double_quotes: bool,
    /// Whether an empty field is null.
    pub empty_as_null: bool,
}

impl Default for CsvStyle {
    fn default() -> Self {
        Self {
            separator: b"\t".to_vec(),
            delimiter: b"\n".to_vec(),
            enclose: None,
            escape: None,
            skip: 0,
            trim_space: false,
            trim_double_quotes: false,
            empty_as_null: false,
        }
    }
}

/// A row of a body: its fields, null as `None`, or why it is none; and as it stood there.
pub(super) struct CsvRow {
    /// The fields.
    pub fields: Result<Vec<Option<String>>, String>,
    /// The row's bytes, as text.
    pub text: String,
}

/// The bytes that a separator's header means: `\x01` and `\t` are written as such.
pub(super) fn separator(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("Invalid delimiter or separator: {text:?}");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, left) = match (first, after) {
            (b'\\', [b'x' | b'X', digits @ ..]) => {
                let mut digits = digits;
                let before = bytes.len();
                while let Some(byte) = hex_pair(digits) {
                    bytes.push(byte);
                    digits = &digits[2..];
                }
                if bytes.len() == before {
                    return Err(wrong());
                }
                rest = digits;
                continue;
            }
            (b'\\', [b't', left @ ..]) => (b'\t', left),
            (b'\\', [b'n', left @ ..]) => (b'\n', left),
            (b'\\', [b'r', left @ ..]) => (b'\r', left),
            (b'\\', [b'\\', left @ ..]) => (b'\\', left),
            (byte, left) => (*byte, left),
        };
        bytes.push(byte);
        rest = left;
    }
    if bytes.is_empty() || bytes.len() > 50 { Err(wrong()) } else { Ok(bytes) }
}

fn hex_pair(digits: &[u8]) -> Option<u8> {
    let pair = std::str::from_utf8(digits.get(..2)?).ok()?;
    pair.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
    u8::from_str_radix(pair, 16).ok()
}

/// The rows of a body. Blank lines are none.
pub(super) fn rows(bytes: &[u8], style: &CsvStyle) -> Vec<CsvRow> {
    let mut reader = Reader { bytes, at: 0, style };
    for _ in 0..style.skip {
        let line = reader.rest();
        if line.is_empty() {
            break;
        }
        let past = find(line, &style.delimiter)
            .map_or(line.len(), |position| position + style.delimiter.len());
        reader.at += past;
    }
    let mut rows = Vec::new();
    while reader.at < bytes.len() {
        rows.extend(reader.row());
    }
    rows
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    style: &'a CsvStyle,
}

impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next row; none for a blank line.
    fn row(&mut self) -> Option<CsvRow> {
        let start = self.at;
        if self.rest().starts_with(&self.style.delimiter) {
            self.at += self.style.delimiter.len();
            return None;
        }
        let (mut fields, mut wrong) = (Vec::new(), None);
        loop {
            match self.field() {
                Ok(field) => fields.push(field),
                Err(error) => wrong = wrong.or(Some(error)),
            }
            if self.rest().starts_with(&self.style.separator) {
                self.at += self.style.separator.len();
                continue;
            }
            let end = self.at;
            if !self.rest().is_empty() {
                self.at += self.style.delimiter.len();
            }
            let text = String::from_utf8_lossy(&self.bytes[start..end]).into_owned();
            return Some(CsvRow { fields: wrong.map_or(Ok(fields), Err), text });
        }
    }

    /// The next field; the reader then stands before a separator, a delimiter or the end.
    fn field(&mut self) -> Result<Option<String>, String> {
        let blank = |byte: &u8| self.style.trim_space && *byte == b' ';
        let blanks = self.rest().iter().take_while(|byte| blank(byte)).count();
        if self.style.enclose.is_some() && self.rest().get(blanks).copied() == self.style.enclose {
            self.at += blanks + 1;
            return self.enclosed();
        }
        let start = self.at;
        let mut value = Vec::new();
        while let Some(byte) = self.rest().first().copied() {
            if self.ends() {
                break;
            }
            if Some(byte) == self.style.escape
                && let Some(next) = self.rest().get(1).copied()
            {
                value.push(next);
                self.at += 2;
            } else {
                value.push(byte);
                self.at += 1;
            }
        }
        let mut raw = &self.bytes[start..self.at];
        if self.style.trim_space {
            raw = raw.trim_ascii();
        }
        if raw == b"\\N" { Ok(None) } else { self.bare(&value) }
    }

    /// A field that is not enclosed, as the style wants it trimmed.
    fn bare(&self, value: &[u8]) -> Result<Option<String>, String> {
        let text = text(value)?;
        let mut text: &str = &text;
        if self.style.trim_space {
            text = text.trim_matches(' ');
        }
        if self.style.trim_double_quotes && text.len() >= 2 {
            text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        }
        let null = self.style.empty_as_null && text.is_empty();
        Ok((!null).then(|| text.to_owned()))
    }

    /// A field after the byte that opens it. A doubled one stands for itself.
    fn enclosed(&mut self) -> Result<Option<String>, String> {
        let mut value = Vec::new();
        loop {
            let Some(byte) = self.rest().first().copied() else {
                return Err("the enclosed field has no end".to_owned());
            };
            let next = self.rest().get(1).copied();
            if Some(byte) == self.style.enclose {
                if next == self.style.enclose {
                    value.push(byte);
                    self.at += 2;
                    continue;
                }
                self.at += 1;
                break;
            }
            if Some(byte) == self.style.escape && next.is_some() {
                value.extend(next);
                self.at += 2;
            } else {
                value.push(byte);
                self.at += 1;
            }
        }
        let mut stray = false;
        while !self.ends() {
            stray |= !(self.style.trim_space && self.rest().first() == Some(&b' '));
            self.at += 1;
        }
        if stray {
            return Err("there are bytes after the end of an enclosed field".to_owned());
        }
        text(&value).map(|text| Some(text.into_owned()))
    }

    fn ends(&self) -> bool {
        let rest = self.rest();
        rest.is_empty()
            || rest.starts_with(&self.style.separator)
            || rest.starts_with(&self.style.delimiter)
    }
}

fn text(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let text = std::str::from_utf8(bytes).map(Cow::Borrowed);
    text.map_err(|_| "the field is not UTF-8".to_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: &[u8], style: &CsvStyle) -> Vec<Option<Vec<Option<String>>>> {
        rows(body, style).into_iter().map(|row| row.fields.ok()).collect()
    }

    fn row(fields: &[&str]) -> Option<Vec<Option<String>>> {
        Some(fields.iter().map(|field| (*field != "NULL").then(|| (*field).to_owned())).collect())
    }

    fn quoting() -> CsvStyle {
        CsvStyle {
            separator: b",".to_vec(),
            enclose: Some(b'"'),
            escape: Some(b'\\'),
            ..CsvStyle::default()
        }
    }

    #[test]
    fn separators_are_written_in_hex_or_as_they_are() {
        assert_eq!(separator("\\x01"), Ok(vec![1]));
        assert_eq!(separator("\\x0102"), Ok(vec![1, 2]));
        assert_eq!(separator("\\x01\\x02"), Ok(vec![1, 2]));
        assert_eq!(separator("\\t"), Ok(vec![9]));
        assert_eq!(separator("||"), Ok(b"||".to_vec()));
        for wrong in ["", "\\x", "\\xzz"] {
            assert!(separator(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nulls_empty_fields_and_a_missing_last_delimiter() {
        let style = CsvStyle::default();
        let body = b"1\t\\N\t\n2\ta\tb\n\n3\t\\\\N\tc";
        assert_eq!(
            read(body, &style),
            [row(&["1", "NULL", ""]), row(&["2", "a", "b"]), row(&["3", "\\\\N", "c"])]
        );
        let style = CsvStyle { empty_as_null: true, skip: 1, ..style };
        assert_eq!(read(b"h\n1\t\n", &style), [row(&["1", "NULL"])]);
        let style = CsvStyle { skip: usize::MAX, ..style };
        assert!(read(b"h\n1\t\n", &style).is_empty());
    }

    #[test]
    fn enclosed_fields_hold_anything() {
        let body = b"\"a,\"\"b\n\",\"\\N\",\\N\n\"x\\\"y\",\\,z,\"\"\n";
        let read = read(body, &quoting());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(read[0], Some(vec![text("a,\"b\n"), text("N"), None]));
        assert_eq!(read[1], Some(vec![text("x\"y"), text(",z"), text("")]));
    }

    #[test]
    fn broken_rows_do_not_hide_their_neighbours() {
        let read = read(b"\"a\"b,c\n1,2\n\xff,3\n\"open", &quoting());
        assert_eq!(read, [None, row(&["1", "2"]), None, None]);
    }

    #[test]
    fn fields_are_trimmed_on_request() {
        let style = CsvStyle { trim_space: true, trim_double_quotes: true, ..CsvStyle::default() };
        assert_eq!(read(b" a \t\"b\"\n", &style), [row(&["a", "b"])]);
    }

    fn write(table: &[Vec<Option<String>>]) -> Vec<u8> {
        let mut body = Vec::new();
        for row in table {
            let fields: Vec<String> = row
                .iter()
                .map(|field| match field {
                    None => "\\N".to_owned(),
                    Some(text) => {
                        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
                    }
                })
                .collect();
            body.extend(fields.join(",").into_bytes());
            body.push(b'\n');
        }
        body
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            table in prop::collection::vec(
                prop::collection::vec(prop::option::of("[a\"\\\\,\\n\\tN é]{0,6}"), 1..4),
                0..6,
            )
        ) {
            let read = read(&write(&table), &quoting());
            let table: Vec<_> = table.into_iter().map(Some).collect();
            prop_assert_eq!(read, table);
        }

        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            many in any::<bool>(),
        ) {
            let separator = if many { b"||".to_vec() } else { b",".to_vec() };
            let style = CsvStyle { separator, skip: 1, trim_space: many, ..quoting() };
            rows(&bytes, &style);
        }
    }
}
