use arrow_array::Array;
use arrow_array::cast::AsArray;
use proptest::prelude::*;

use super::*;
use crate::format::{ColumnSpec, Decoded, Limits, RowReject};
use crate::record::DataType;

const ALL: Limits = Limits { rows: usize::MAX, bytes: usize::MAX };

fn column(name: &str, data_type: DataType) -> ColumnSpec {
    ColumnSpec {
        name: name.into(),
        path: vec![name.to_owned()],
        data_type,
        unit: None,
        required: false,
        key: false,
    }
}

fn texts(names: &[&str]) -> Vec<ColumnSpec> {
    names.iter().map(|name| column(name, DataType::Text)).collect()
}

fn numbered() -> CsvOptions {
    CsvOptions { header: false, ..CsvOptions::default() }
}

/// Each row's line and texts, `None` for null.
type Row = (i64, Vec<Option<String>>);

fn rows(decoded: &Decoded) -> Vec<Row> {
    let value = |column: &arrow_array::ArrayRef, row: usize| {
        let texts = column.as_string::<i32>();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let row = |row: usize| decoded.columns.iter().map(|column| value(column, row)).collect();
    decoded.lines.iter().enumerate().map(|(index, line)| (*line, row(index))).collect()
}

fn decode(mut decoder: CsvDecoder, input: &str) -> (Vec<Row>, Vec<RowReject>) {
    let header =
        if decoder.has_header() { decoder.read_header(input.as_bytes()).unwrap() } else { 0 };
    let rest = &input.as_bytes()[header..];
    assert_eq!(decoder.decode_chunk(rest, ALL).bytes, rest.len());
    let decoded = decoder.finish();
    (rows(&decoded), decoded.rejects)
}

fn row(line: i64, values: &[Option<&str>]) -> Row {
    (line, values.iter().map(|value| value.map(str::to_owned)).collect())
}

#[test]
fn names_find_their_fields_and_lines_their_records() {
    let decoder = CsvDecoder::new(texts(&["b", "a"]), CsvOptions::default());
    let input = "\u{feff}a,other,\"b\"\r\n1,x,2\r\n\r\n\"3\n\n3\",,\"\"\n,\"say \"\"hi\"\"\",4";
    let (rows, rejects) = decode(decoder, input);
    assert_eq!(
        rows,
        [
            row(2, &[Some("2"), Some("1")]),
            row(4, &[Some(""), Some("3\n\n3")]),
            row(7, &[Some("4"), None]),
        ]
    );
    assert!(rejects.is_empty(), "{rejects:?}");
}

#[test]
fn a_record_that_is_no_row_is_refused_with_its_line() {
    let options = CsvOptions { delimiter: b';', ..CsvOptions::default() };
    let mut decoder = CsvDecoder::new(
        vec![column("n", DataType::Int64), ColumnSpec { key: true, ..column("k", DataType::Text) }],
        options,
    );
    let input = "n;k\n1;a\n1\n1;a;b\nx;a\n1;\n1;\"a\"b\n1;5\" pipe\n1;\"a\n\n";
    let header = decoder.read_header(input.as_bytes()).unwrap();
    decoder.decode_chunk(&input.as_bytes()[header..], ALL);
    let decoded = decoder.finish();
    assert_eq!(decoded.lines, [2, 8]);
    assert_eq!(decoded.columns[1].as_string::<i32>().value(1), "5\" pipe");
    let reasons: Vec<(u64, &str, &str)> = decoded
        .rejects
        .iter()
        .map(|reject| (reject.line, reject.reason.as_str(), reject.input.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (3, "expected 2 fields as in the header, found 1", "1"),
            (4, "expected 2 fields as in the header, found 3", "1;a;b"),
            (5, "expected i64, found the text \"x\"", "x;a"),
            (6, "expected text, found null in a key", "1;"),
            (
                7,
                "expected a delimiter or a line end behind the closing quote of field 2; a quote within \
             quotes is written twice",
                "1;\"a\"b"
            ),
            (9, "the quote that begins field 2 is never closed, up to the file's end", "1;\"a\n"),
        ]
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_whatever_field_they_are_in() {
    let mut decoder = CsvDecoder::new(texts(&["1"]), numbered());
    decoder.decode_chunk(b"a,\xff\n\"b\"\"\xff\",c\nd,e\n", ALL);
    let decoded = decoder.finish();
    assert_eq!(rows(&decoded), [row(3, &[Some("d")])]);
    assert_eq!(decoded.rejects[0].reason, "byte 3: expected UTF-8, found other bytes");
    assert_eq!(decoded.rejects[1].input, "\"b\"\"\\xFF\",c");
}

#[test]
fn null_is_an_empty_field_or_what_the_options_say() {
    let input = "\\N,\"\\N\",,\"\"\n";
    let names = ["1", "2", "3", "4"];
    let (rows, _) = decode(CsvDecoder::new(texts(&names), numbered()), input);
    assert_eq!(rows, [row(1, &[Some("\\N"), Some("\\N"), None, Some("")])]);
    let options = CsvOptions { null: Some("\\N".to_owned()), ..numbered() };
    let (rows, _) = decode(CsvDecoder::new(texts(&names), options), input);
    assert_eq!(rows, [row(1, &[None, Some("\\N"), Some(""), Some("")])]);
}

#[test]
fn without_a_header_records_must_reach_to_the_last_column() {
    let (rows, rejects) =
        decode(CsvDecoder::new(texts(&["3", "1"]), numbered()), "a,b,c\nd,e\nf,g,h,i\n");
    assert_eq!(rows, [row(1, &[Some("c"), Some("a")]), row(3, &[Some("h"), Some("f")])]);
    assert_eq!(rejects[0].reason, "expected 3 fields at least, found 2");
}

#[test]
fn a_header_must_have_each_column_once() {
    let header =
        |input: &[u8]| CsvDecoder::new(texts(&["a.b"]), CsvOptions::default()).read_header(input);
    assert_eq!(header(b"x,a.b\n1,2\n"), Ok(6));
    assert_eq!(header(b"a.b,\"a.b\""), Err(HeaderError::Twice { name: "a.b".to_owned() }));
    let found = "`x`, `y`".to_owned();
    assert_eq!(header(b"x,y\r\n"), Err(HeaderError::Missing { name: "a.b".to_owned(), found }));
    assert_eq!(header(b"\na.b\n"), Err(HeaderError::Blank));
    assert_eq!(header(b"\"a.b\"x\n"), Err(HeaderError::Misquoted));
    assert_eq!(header(b"a.b,\xff\n"), Err(HeaderError::NotText { byte: 5 }));
}

#[test]
fn a_batch_exceeds_its_bytes_by_its_only_record_alone() {
    let mut decoder = CsvDecoder::new(texts(&["1"]), numbered());
    let input = b"aaaa\nbb\n\"c\nccccc\"\n";
    let limits = Limits { rows: 10, bytes: 8 };
    let (mut at, mut batches) = (0, Vec::new());
    while at < input.len() {
        let progress = decoder.decode_chunk(&input[at..], limits);
        at += progress.bytes;
        batches.push((progress.bytes, progress.lines, decoder.finish().rows));
    }
    assert_eq!(batches, [(8, 2, 2), (10, 2, 1)]);
}

/// What the crate `csv` makes of an input: the records, without blank lines.
fn by_csv(input: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(input);
    reader
        .byte_records()
        .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
        .collect()
}

/// A field as it may be written, without a carriage return outside of quotes.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zé ;]{0,6}",
        "[a-z]{1,3}\"[a-z\"]{0,3}",
        "[a-zé,;\n\r\"]{0,8}".prop_map(|text| format!("\"{}\"", text.replace('"', "\"\""))),
    ]
}

fn file() -> impl Strategy<Value = String> {
    let record = prop::collection::vec(field(), 1..5).prop_map(|fields| fields.join(","));
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n")];
    let line = (record, end).prop_map(|(record, end)| record + end);
    (prop::collection::vec(line, 0..8), any::<bool>()).prop_map(|(lines, ended)| {
        let file = lines.concat();
        if ended { file } else { file.trim_end_matches(['\r', '\n']).to_owned() }
    })
}

/// The rows and rejects of an input that comes in pieces of these sizes.
fn by_us(input: &[u8], chunks: &[usize], limits: Limits) -> (Vec<Row>, Vec<(u64, String)>) {
    let mut decoder = CsvDecoder::new(texts(&["1"]), numbered());
    let mut ends = RecordEnds::new(b',');
    let (mut all, mut rejects) = (Vec::new(), Vec::new());
    let mut take = |decoder: &mut CsvDecoder| {
        let decoded = decoder.finish();
        all.extend(rows(&decoded));
        rejects.extend(decoded.rejects.into_iter().map(|reject| (reject.line, reject.reason)));
    };
    let (mut start, mut whole, mut seen) = (0, 0, 0);
    let mut sizes = chunks.iter().cycle();
    while start < input.len() {
        let end = (seen + sizes.next().unwrap()).min(input.len());
        if let Some(last) = ends.last(&input[seen..end]) {
            whole = seen + last;
        }
        seen = end;
        if seen == input.len() {
            whole = seen;
        }
        while start < whole {
            let progress = decoder.decode_chunk(&input[start..whole], limits);
            start += progress.bytes;
            if progress.full {
                take(&mut decoder);
            }
        }
    }
    take(&mut decoder);
    (all, rejects)
}

#[test]
fn fields_that_no_column_wants_are_counted_and_not_kept() {
    let line = ",".repeat(1 << 20);
    let mut record = record::Record::new(2);
    assert_eq!(record.split(line.as_bytes(), b',').bytes, line.len());
    assert_eq!(record.len(), line.len() + 1);
    assert!(record.room() < 16, "{}", record.room());
    assert_eq!(record.text(line.as_bytes()).expect("ASCII").iter().count(), 2);
    assert!(!record.is_blank());
    // What is wrong behind the kept fields is still told by its place.
    let extent = record.split(b"a,b,c,\"d\"e", b',');
    assert_eq!(extent.misquoted, Some(record::Misquoted::Behind(4)));
}

#[test]
fn a_header_of_too_many_fields_is_refused() {
    let mut decoder = CsvDecoder::new(texts(&["a"]), CsvOptions::default());
    let header = |fields: usize| format!("a{}\n", ",x".repeat(fields - 1));
    assert!(decoder.read_header(header(1 << 16).as_bytes()).is_ok());
    let error = decoder.read_header(header((1 << 16) + 1).as_bytes()).unwrap_err();
    assert_eq!(error, HeaderError::TooWide { found: (1 << 16) + 1 });
}

proptest! {
    #[test]
    fn records_are_those_of_the_csv_crate(input in file()) {
        let expected = by_csv(input.as_bytes(), b',');
        let mut record = record::Record::new(usize::MAX);
        let (mut found, mut at) = (Vec::new(), 0);
        while at < input.len() {
            let rest = &input.as_bytes()[at..];
            let extent = record.split(rest, b',');
            prop_assert_eq!(extent.misquoted, None);
            if !record.is_blank() {
                let texts = record.text(&rest[..extent.bytes]).unwrap();
                found.push(texts.iter().map(|one| one.text.as_bytes().to_vec()).collect::<Vec<_>>());
            }
            at += extent.bytes;
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn cutting_changes_no_row_and_no_reject(
        input in prop::collection::vec(prop::sample::select(&b"ab,\"\n\r\xff"[..]), 0..60),
        chunks in prop::collection::vec(1_usize..20, 1..5),
        most in 1_usize..4,
        bytes in 1_usize..40,
    ) {
        let whole = by_us(&input, &[usize::MAX / 2], ALL);
        prop_assert_eq!(&by_us(&input, &chunks, ALL), &whole);
        prop_assert_eq!(&by_us(&input, &chunks, Limits { rows: most, bytes }), &whole);
    }

    #[test]
    fn ends_are_where_the_records_end(
        input in prop::collection::vec(prop::sample::select(&b"a,\"\n\r\xef\xbb\xbf"[..]), 0..60),
        cut in 0_usize..60,
    ) {
        let mut record = record::Record::new(usize::MAX);
        let mark = if input.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let (mut at, mut ends) = (mark, Vec::new());
        while at < input.len() {
            let extent = record.split(&input[at..], b',');
            at += extent.bytes;
            // Only what a line end has ended is known to be whole.
            let open = matches!(extent.misquoted, Some(record::Misquoted::Open(_)));
            if !open && input[at - 1] == b'\n' {
                ends.push(at);
            }
        }
        let mut finder = RecordEnds::new(b',');
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(end) = finder.first(&input[at..]) {
            at += end;
            found.push(at);
        }
        prop_assert_eq!(&found, &ends);
        let cut = cut.min(input.len());
        let mut finder = RecordEnds::new(b',');
        let head = finder.last(&input[..cut]);
        let tail = finder.last(&input[cut..]).map(|end| cut + end);
        prop_assert_eq!(tail.or(head), ends.last().copied());
    }
}
