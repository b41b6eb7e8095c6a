//! What each form of a line is.

use proptest::prelude::*;

use super::*;

const MONGODB: &str = "found a change of MongoDB, whose documents are texts or missing: they need the \
                       transform ExtractNewDocumentState in the connector";

#[test]
fn each_form_of_a_line_is_told_by_what_it_holds() {
    for (line, expected) in [
        ("null", "nothing"),
        (r#"{"schema":null,"payload":null}"#, "nothing"),
        (r#"{"payload":null}"#, "nothing"),
        (r#"{"op":"m","source":{},"message":{"prefix":"p","content":""}}"#, "nothing"),
        (r#"{"op":"c","before":null,"after":{"id":1,"t":"a"},"source":{}}"#, "insert 1 a"),
        (r#"{"payload":{"op":"r","after":{"id":1,"t":"a"}}}"#, "read 1 a"),
        (r#"{"schema":{"x":1},"payload":{"op":"c","after":{"id":1}}}"#, "insert 1 null"),
        (r#"{"op":"u","before":null,"after":{"id":1,"t":"b"}}"#, "update 1 b"),
        (r#"{"op":"u","before":{"id":1,"t":"a"},"after":{"id":1,"t":"b"}}"#, "update 1 b < a"),
        (r#"{"op":"d","before":{"id":1,"t":"a"},"after":null}"#, "delete 1 null < a"),
        (r#"{"op":"d","before":{"id":1,"t":"a"}}"#, "delete 1 null < a"),
        (r#"{"id":1,"t":"a"}"#, "update 1 a"),
        (r#"{"id":1,"t":"a","__op":"c"}"#, "insert 1 a"),
        (r#"{"payload":{"id":1,"t":"a","__op":"r","__deleted":"false"}}"#, "read 1 a"),
        (r#"{"id":1,"t":"a","__op":"d"}"#, "delete 1 null < a"),
        (r#"{"id":1,"t":"a","__deleted":"true"}"#, "delete 1 null < a"),
        (r#"{"id":1,"__deleted":true}"#, "delete 1 null < null"),
        // Columns may have the names of an envelope's members, or a wrapper's.
        (r#"{"id":1,"t":"a","op":"c"}"#, "update 1 a"),
        (r#"{"id":1,"t":"a","op":7,"source":{}}"#, "update 1 a"),
        (r#"{"id":1,"t":"a","payload":{"id":2}}"#, "update 1 a"),
        (r#"{"id":7,"op":"t","before":null,"after":null}"#, "update 7 null"),
        (r#"{"id":7,"t":"a","op":"m","before":{}}"#, "update 7 a"),
        (r#"{"id":7,"t":"a","op":"c","after":"later"}"#, "update 7 a"),
        (r#"{"id":7,"t":"a","op":"cd","source":{}}"#, "update 7 a"),
        (r#"{"id":7,"t":"a","updateDescription":{}}"#, "update 7 a"),
        // Names are compared behind their escapes, and the last of a name counts.
        (r#"{"\u006fp":"c","after":{"id":9},"after":{"\u0069d":1,"t":"a"}}"#, "insert 1 a"),
        (
            r#"{"op":"u","before":null,"after":{"id":1,"t":"__debezium_unavailable_value"}}"#,
            "update 1 ?",
        ),
    ] {
        assert_eq!(one(line), expected, "{line}");
    }
}

#[test]
fn heartbeats_and_metadata_are_nothing() {
    for line in [
        r#"{"ts_ms":1795227347694}"#,
        r#"{"schema":{"type":"struct"},"payload":{"ts_ms":1795227347694}}"#,
        r#"{"status":"BEGIN","id":"571","ts_ms":1,"event_count":null,"data_collections":null}"#,
        r#"{"status":"END","id":"571","ts_ms":1,"event_count":2,"data_collections":[{"event_count":2}]}"#,
        r#"{"source":{"connector":"mysql"},"ts_ms":1,"databaseName":"app","ddl":"CREATE TABLE t (a int)"}"#,
        r#"{"source":{},"databaseName":"app","schemaName":null,"ddl":null,"tableChanges":[]}"#,
    ] {
        assert_eq!(one(line), "nothing", "{line}");
    }
    // Rows with some of these columns are rows.
    for line in [
        r#"{"id":1,"t":"a","ts_ms":1}"#,
        r#"{"id":1,"t":"a","status":"BEGIN"}"#,
        r#"{"id":1,"t":"a","databaseName":"app","ddl":"x"}"#,
    ] {
        assert_eq!(one(line), "update 1 a", "{line}");
    }
}

#[test]
fn a_tombstone_whose_delete_is_missing_is_told() {
    let row = "{\"id\":1,\"t\":\"a\"}\n";
    let deleted = "{\"id\":1,\"__deleted\":\"true\"}\n";
    let envelope = "{\"op\":\"d\",\"before\":{\"id\":1}}\n";
    for (lines, lost) in [
        (format!("{row}null\n"), true),
        (format!("{row}\n{row}{{\"schema\":null,\"payload\":null}}\n"), true),
        (format!("{row}{deleted}null\n"), false),
        (format!("{row}{deleted}null\nnull\n"), true),
        (format!("{envelope}null\nnull\n"), false),
        (format!("null\n{row}"), false),
    ] {
        let mut decoder = decoder();
        let _ = decoder.decode_chunk(lines.as_bytes(), ALL);
        assert_eq!(decoder.loses_deletes(), lost, "{lines}");
    }
}

#[test]
fn what_is_no_change_is_refused_with_its_reason() {
    for (line, expected) in [
        ("7", "expected a Debezium message, found a number"),
        ("{", "byte 2: expected a member's name or `}`, found the end of the line"),
        (
            r#"{"op":"x","source":{},"after":{"id":1}}"#,
            "expected c, r, u, d, t or m in `op`, found the text \"x\"",
        ),
        (r#"{"op":"c","source":{},"after":null}"#, "expected an object in `after`, found null"),
        (r#"{"op":"c","source":{"connector":"mongodb"},"after":"{\"id\":1}"}"#, MONGODB),
        (r#"{"op":"u","source":{},"after":"{}","updateDescription":null}"#, MONGODB),
        (r#"{"op":"d","source":{"connector":"mongodb"},"before":null}"#, MONGODB),
        (
            r#"{"op":"d","source":{}}"#,
            "expected the row that is gone in `before`, found nothing: the table needs a key or a full \
             replica identity",
        ),
        (r#"{"op":"d","before":{"t":"a"}}"#, "expected i64, found null in a key"),
        (
            r#"{"op":"c","after":{"id":"__debezium_unavailable_value"}}"#,
            "expected i64, found an unavailable value in a key",
        ),
        (
            r#"{"ts_ms":1,"x":2}"#,
            "expected a Debezium message or a row of it, found an object with none of the columns",
        ),
        (
            r#"{"op":"c","after":{"id":1},"source":{"lsn":"x"}}"#,
            "expected i64, found the text \"x\"",
        ),
    ] {
        assert_eq!(one(line), format!("refused: {expected}"), "{line}");
    }
}

#[test]
fn a_refused_line_leaves_nothing_in_its_neighbours() {
    let changes = decode(concat!(
        "{\"op\":\"u\",\"before\":{\"id\":1,\"t\":\"a\"},\"after\":{\"id\":1,\"t\":\"b\"}}\n",
        "{\"op\":\"u\",\"before\":{\"id\":2,\"t\":\"a\"},\"after\":{\"id\":2,\"t\":[1]}}\n",
        "\n",
        "{\"op\":\"u\",\"before\":{\"id\":3,\"t\":[1]},\"after\":{\"id\":3,\"t\":\"c\"}}\n",
        "{\"op\":\"c\",\"after\":{\"id\":4,\"t\":\"__debezium_unavailable_value\"}}",
    ));
    // The before image of line 4 was a row that was refused when it came.
    assert_eq!(rows(&changes), ["update 1 b < a", "update 3 c", "insert 4 ?"]);
    assert_eq!(changes.lines, [1, 4, 5]);
    let reject = &changes.rejects[0];
    assert_eq!((reject.line, reject.column.as_deref()), (2, Some("t")));
}

#[test]
fn the_source_tells_time_position_and_table() {
    let changes = decode(concat!(
        r#"{"op":"c","after":{"id":1},"source":{"ts_ms":5,"ts_us":5001,"lsn":7,"table":"w"}}"#,
        "\n",
        r#"{"op":"c","after":{"id":2},"source":{"ts_ms":5,"collection":"w"}}"#,
        "\n",
        r#"{"id":3,"__source_ts_ms":6,"__lsn":8,"__table":"w"}"#,
        "\n",
        r#"{"op":"c","after":{"id":4}}"#,
    ));
    let fact = |index: usize, data_type: DataType| -> Vec<String> {
        (0..changes.rows)
            .map(|row| {
                let mut out = Vec::new();
                write_value(&mut out, data_type, &*changes.facts[index], row);
                String::from_utf8(out).unwrap()
            })
            .collect()
    };
    let expected = ["\"w\"", "\"w\"", "\"w\"", "null"];
    assert_eq!(fact(2, DataType::Text), expected);
    assert_eq!(fact(1, DataType::Int64), ["7", "null", "8", "null"]);
    assert_eq!(
        fact(0, DataType::Timestamp),
        [
            "\"1970-01-01T00:00:00.005001Z\"",
            "\"1970-01-01T00:00:00.005000Z\"",
            "\"1970-01-01T00:00:00.006000Z\"",
            "null"
        ]
    );
}

/// Pieces that lines of messages are made of, and some that are none.
const PIECES: &[&str] = &[
    "null",
    "{\"op\":\"c\",\"after\":{\"id\":1,\"t\":\"a\"}}",
    "{\"op\":\"u\",\"before\":{\"id\":1,\"t\":\"a\"},\"after\":{\"id\":1,\"t\":null}}",
    "{\"op\":\"d\",\"before\":{\"id\":1,\"t\":\"__debezium_unavailable_value\"}}",
    "{\"op\":\"t\",\"source\":{\"lsn\":3}}",
    "{\"schema\":{\"a\":1},\"payload\":{\"op\":\"r\",\"after\":{\"id\":2,\"t\":\"b\"}}}",
    "{\"schema\":{\"a\":2},\"payload\":{\"id\":3,\"__deleted\":\"true\"}}",
    "{\"op\":\"c\",\"after\":{\"id\":null}}",
    "{\"id\":4",
    "",
    " \r",
    "\u{e9}",
];

proptest! {
    #[test]
    fn how_lines_are_cut_into_chunks_and_batches_changes_nothing(
        lines in prop::collection::vec(prop::sample::select(PIECES), 1..40),
        cuts in prop::collection::vec(1_usize..5, 1..40),
        limit in 1_usize..7,
    ) {
        let text = lines.join("\n") + "\n";
        let whole = decode(&text);
        let (mut cut, mut shown, mut numbers, mut refused) = (decoder(), Vec::new(), Vec::new(), 0);
        let mut rest = text.as_str();
        for count in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let end = rest.match_indices('\n').nth(count - 1).map_or(rest.len(), |(at, _)| at + 1);
            let progress =
                cut.decode_chunk(&rest.as_bytes()[..end], Limits { rows: limit, bytes: 200 });
            rest = &rest[progress.bytes..];
            if progress.full {
                let batch = cut.finish();
                shown.extend(rows(&batch));
                numbers.extend(batch.lines);
                refused += batch.rejects.len();
            }
        }
        let batch = cut.finish();
        shown.extend(rows(&batch));
        numbers.extend(batch.lines);
        prop_assert_eq!(shown, rows(&whole));
        prop_assert_eq!(numbers, whole.lines);
        prop_assert_eq!(refused + batch.rejects.len(), whole.rejects.len());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut decoder = decoder();
        let progress = decoder.decode_chunk(&bytes, ALL);
        prop_assert_eq!(progress.bytes, bytes.len());
        let _ = decoder.finish();
    }

    #[test]
    fn no_line_with_a_byte_changed_makes_it_panic(
        line in prop::sample::select(PIECES),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = line.as_bytes().to_vec();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let mut decoder = decoder();
        let progress = decoder.decode_chunk(&bytes, ALL);
        prop_assert_eq!(progress.bytes, bytes.len());
        let changes = decoder.finish();
        prop_assert_eq!(changes.rows, changes.lines.len());
    }
}
