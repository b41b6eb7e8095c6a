//! How lines are cut, counted and numbered, and that no cut and no path changes a row.

use proptest::prelude::*;

use super::*;
use crate::format::json::MAX_INPUT_BYTES;

fn decode_in_cuts(
    mut decoder: JsonDecoder,
    text: &[u8],
    limits: Limits,
    cuts: &[usize],
) -> Decoded {
    let mut whole: Option<Decoded> = None;
    let mut cuts = cuts.iter().cycle();
    let mut rest = text;
    while !rest.is_empty() {
        let lines = cuts.next().map_or(1, |lines| lines % 7 + 1);
        let chunk_bytes: usize =
            rest.split_inclusive(|byte| *byte == b'\n').take(lines).map(<[u8]>::len).sum();
        let (chunk, behind) = rest.split_at(chunk_bytes);
        let mut left = chunk;
        while !left.is_empty() {
            let progress = decoder.decode_chunk(left, limits);
            assert!(progress.bytes > 0 && (progress.full || progress.bytes == left.len()));
            left = &left[progress.bytes..];
            if progress.full {
                append(&mut whole, decoder.finish(), limits);
            }
        }
        rest = behind;
    }
    append(&mut whole, decoder.finish(), limits);
    whole.expect("at least the last batch")
}

fn append(whole: &mut Option<Decoded>, next: Decoded, limits: Limits) {
    assert!(next.rows + next.rejects.len() <= limits.rows);
    assert_eq!(next.rows, next.lines.len());
    assert!(next.columns.iter().all(|array| array.len() == next.rows));
    let Some(whole) = whole else {
        *whole = Some(next);
        return;
    };
    for (array, more) in whole.columns.iter_mut().zip(&next.columns) {
        *array = arrow_select::concat::concat(&[&**array, &**more]).expect("one type");
    }
    whole.lines.extend(next.lines);
    whole.rejects.extend(next.rejects);
    whole.rows += next.rows;
}

/// Rows as text: arrays that were put together differ in their buffers, not in their values.
fn rows(decoded: &Decoded) -> Vec<Vec<String>> {
    let row =
        |row| -> Vec<String> { decoded.columns.iter().map(|array| show(array, row)).collect() };
    (0..decoded.rows).map(row).collect()
}

fn assert_same_rows(left: &Decoded, right: &Decoded) {
    assert_eq!(rows(left), rows(right));
    assert_eq!((&left.lines, &left.rejects), (&right.lines, &right.rejects));
}

#[test]
fn wagers_run_along_the_learnt_shapes() {
    let text: String = (0..5_000).map(|number| wager(number) + "\n").collect();
    let mut decoder = JsonDecoder::new(wager_columns());
    assert_eq!(decoder.decode_chunk(text.as_bytes(), ALL).lines, 5_000);
    // One line of each shape teaches it; those whose null end time came after another end time run
    // along that one.
    assert!(decoder.fast_rows() >= 4_990, "{} of 5000", decoder.fast_rows());
    let learnt = decoder.finish();
    let general = decode(JsonDecoder::without_learning(wager_columns()), text.as_bytes());
    assert_eq!(general.rows, 5_000);
    assert_same(&learnt, &general);
    assert!(learnt.columns[0].nulls().is_none(), "no null, no null buffer");
    assert_eq!(learnt.columns[9].null_count(), 1_000);
    assert_eq!(show(&learnt.columns[5], 1_234), "25734");
    assert_eq!(show(&learnt.columns[7], 0), "-50");
}

#[test]
fn a_producer_that_changes_is_learnt_anew() {
    let mut text = String::new();
    for number in 0..20_000 {
        let line = wager(number);
        text.push_str(&if number < 10_000 { line } else { line.replace(':', ": ") });
        text.push('\n');
    }
    let mut decoder = JsonDecoder::new(wager_columns());
    let progress = decoder.decode_chunk(text.as_bytes(), ALL);
    assert_eq!((progress.lines, decoder.rows()), (20_000, 20_000));
    assert!(decoder.fast_rows() > 19_900, "{}", decoder.fast_rows());
}

#[test]
fn lines_without_a_habit_do_not_grow_what_is_learnt() {
    let text: String =
        (0..30_000).map(|number| format!("{{\"n{number}\":1,\"x\":{number}}}\n")).collect();
    let mut decoder = JsonDecoder::new(vec![column("x", "i64")]);
    decoder.decode_chunk(text.as_bytes(), ALL);
    assert_eq!(decoder.rows(), 30_000);
    let decoded = decoder.finish();
    assert_eq!(show(&decoded.columns[0], 29_999), "29999");
}

#[test]
fn batches_end_at_their_limits_and_go_on_behind_them() {
    let text: String = (0..1_000).map(|number| wager(number) + "\n").collect();
    let general = decode(JsonDecoder::without_learning(wager_columns()), text.as_bytes());
    for limits in [
        Limits { rows: 1, bytes: usize::MAX },
        Limits { rows: 64, bytes: usize::MAX },
        Limits { rows: usize::MAX, bytes: 1 },
        Limits { rows: usize::MAX, bytes: 3_000 },
        ALL,
    ] {
        let cut =
            decode_in_cuts(JsonDecoder::new(wager_columns()), text.as_bytes(), limits, &[5, 3]);
        assert_same_rows(&cut, &general);
    }
    let mut decoder = JsonDecoder::new(wager_columns());
    let limits = Limits { rows: usize::MAX, bytes: 3_000 };
    let progress = decoder.decode_chunk(text.as_bytes(), limits);
    assert!(progress.full && progress.bytes >= 3_000 && progress.bytes < 3_300);
    assert_eq!(progress.lines, decoder.next_line() - 1);
    assert_eq!(decoder.decode_chunk(&text.as_bytes()[progress.bytes..], limits).bytes, 0);
    let zero = Limits { rows: 0, bytes: 0 };
    let _ = decoder.finish();
    assert_eq!(decoder.decode_chunk(&text.as_bytes()[progress.bytes..], zero).lines, 1);
}

#[test]
fn blank_lines_line_ends_and_a_byte_order_mark_are_accepted() {
    let text = b"\xef\xbb\xbf\r\n{\"x\":1}\r\n \t\n\n{\"x\":2}\n{\"x\":}\r\n{\"x\":3}";
    let mut decoder = JsonDecoder::new(vec![column("x", "i64")]);
    let progress = decoder.decode_chunk(text, ALL);
    assert_eq!((progress.bytes, progress.lines, progress.blank_lines), (text.len(), 7, 3));
    let decoded = decoder.finish();
    assert_eq!(decoded.lines, [2, 5, 7]);
    assert_eq!(decoded.rejects.len(), 1);
    assert_eq!((decoded.rejects[0].line, decoded.rejects[0].input.as_str()), (6, "{\"x\":}"));
    assert_eq!(decoder.next_line(), 8);

    let twice = decode(JsonDecoder::new(vec![]), b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n");
    assert_eq!((twice.rows, twice.rejects.len()), (1, 1));
    let only = JsonDecoder::new(vec![]).decode_chunk(b"\xef\xbb\xbf", ALL);
    assert_eq!((only.bytes, only.lines), (3, 0));
}

#[test]
fn a_line_that_is_not_utf8_is_refused_alone() {
    let text = b"{\"x\":\"a\"}\n{\"x\":\"\xffb\\\"\"}\r\n{\"u\":\"\xc3\"}\n{\"x\":\"\xc3\xa9\"}\n";
    let decoded = decode(JsonDecoder::new(vec![column("x", "text")]), text);
    assert_eq!(decoded.lines, [1, 4]);
    assert_eq!(show(&decoded.columns[0], 1), "é");
    let reasons: Vec<_> = decoded.rejects.iter().map(|reject| reject.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["byte 7: expected UTF-8, found other bytes", "byte 7: expected UTF-8, found other bytes"]
    );
    assert_eq!(decoded.rejects[0].input, "{\"x\":\"\\xFFb\\\"\"}");
    assert_eq!(decoded.rejects[1].input, "{\"u\":\"\\xC3\"}");
}

#[test]
fn long_lines_are_bounded_in_rejects_and_at_all() {
    let long = "é".repeat(MAX_INPUT_BYTES);
    let mut decoder = JsonDecoder::new(vec![column("x", "text")]);
    decoder.set_max_line_bytes(100_000);
    let text =
        format!("{{\"x\":\"{long}\"}}\n{{\"x\":\"{}\n{{\"x\":\"ok\"}}\n", "é".repeat(40_000));
    let progress = decoder.decode_chunk(text.as_bytes(), ALL);
    assert_eq!((progress.bytes, progress.lines), (text.len(), 3));
    let decoded = decoder.finish();
    assert_eq!((decoded.rows, decoded.rejects.len()), (1, 2));
    assert!(decoded.rejects[0].reason.starts_with("expected a line of at most 100000 bytes"));
    assert!(decoded.rejects[1].reason.contains("expected the closing quote"));
    for reject in &decoded.rejects {
        assert!(reject.input.len() <= MAX_INPUT_BYTES && reject.input.len() > MAX_INPUT_BYTES - 8);
        assert!(reject.input.starts_with("{\"x\":\"éé") && reject.input.ends_with("é…"));
    }
}

#[test]
fn a_refused_line_leaves_no_trace_in_any_column() {
    let columns =
        vec![column("a", "text"), column("b", "json"), column("c", "i64"), column("d", "bool")];
    let good = "{\"a\":\"text\",\"b\":[1],\"c\":1,\"d\":true}\n";
    let bad = "{\"a\":\"lost\",\"b\":[2],\"c\":null,\"d\":\"no\"}\n";
    let text = [good, good, bad, good, bad, bad, good].concat();
    let decoded = decode(JsonDecoder::new(columns), text.as_bytes());
    assert_eq!((decoded.lines.as_slice(), decoded.rejects.len()), (&[1, 2, 4, 7][..], 3));
    assert_eq!(rows(&decoded), vec![vec!["text", "[1]", "1", "true"]; 4]);
    assert!(decoded.columns[2].nulls().is_none());
}

/// Lines of a few shapes, most of them whole.
fn some_line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        4 => Just("12"), 4 => Just("-0.5"), 4 => Just("\"text of more than eight bytes\""), 2 => Just("null"),
        1 => Just("\"esc\\u0061ped\""), 1 => Just("1.005"), 1 => Just("true"), 1 => Just("{\"$numberLong\":\"3\"}"),
        1 => Just("[1,{\"x\":\"y\"}]"), 1 => Just("01"), 1 => Just("\"\\ud800\""), 1 => Just("1e3"),
        1 => Just("{\"y\":5,\"y\":6}"), 1 => Just("12345678901234567890"), 1 => Just("\"é\"")
    ];
    let member = (prop::sample::select(vec!["x", "y", "z", "u", "v"]), value)
        .prop_map(|(name, value)| format!("\"{name}\":{value}"));
    let members = prop::collection::vec(member, 0..4).prop_map(|members| members.join(","));
    prop_oneof![
        6 => members.clone().prop_map(|members| format!("{{{members}}}")),
        3 => (members.clone(), members).prop_map(|(inner, outer)| {
            let comma = if outer.is_empty() { "" } else { "," };
            format!("{{\"o\":{{{inner}}}{comma}{outer}}}")
        }),
        1 => Just(String::new()),
        1 => Just("{\"x\":12}\r".to_owned()),
        1 => Just("{\"x\": 12 ,\"o\" :{ } }".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn cuts_limits_and_learning_change_nothing(
        pool in prop::collection::vec(some_line(), 1..6),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..80),
        cuts in prop::collection::vec(0_usize..7, 1..5),
        limits in (1_usize..20, 1_usize..400),
        ends_in_newline in any::<bool>(),
    ) {
        let columns = vec![
            column("x", "text"), column("y", "decimal(10,2)"), column("z", "i64"),
            column("o.x", "json"), column("o.y", "i32"), column("o.z", "timestamp"), column("v", "f64"),
        ];
        let mut text: String =
            picks.iter().map(|pick| pick.get(&pool).clone() + "\n").collect();
        if !ends_in_newline {
            text.pop();
        }
        let limits = Limits { rows: limits.0, bytes: limits.1 };
        let general = decode(JsonDecoder::without_learning(columns.clone()), text.as_bytes());
        let learnt = decode(JsonDecoder::new(columns.clone()), text.as_bytes());
        assert_same(&learnt, &general);
        let cut = decode_in_cuts(JsonDecoder::new(columns), text.as_bytes(), limits, &cuts);
        assert_same_rows(&cut, &general);
    }

    #[test]
    fn damaged_wagers_come_out_the_same_on_both_paths(
        damages in prop::collection::vec((0_usize..60, 0_usize..260, any::<u8>(), 0_u8..3), 1..12),
    ) {
        let mut lines: Vec<Vec<u8>> = (0..60).map(|number| wager(number).into_bytes()).collect();
        for (line, place, byte, kind) in damages {
            let line = &mut lines[line];
            let place = place % line.len();
            let byte = if byte == b'\n' { b'"' } else { byte };
            match kind {
                0 => line[place] = byte,
                1 => line.insert(place, byte),
                _ => { line.remove(place); }
            }
        }
        let text = lines.join(&b'\n');
        let learnt = decode(JsonDecoder::new(wager_columns()), &text);
        let general = decode(JsonDecoder::without_learning(wager_columns()), &text);
        assert_same(&learnt, &general);
        prop_assert!(learnt.rows >= 60 - 12);
    }
}
