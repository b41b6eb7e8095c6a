//! Answers against the contract: each is told what is wrong with it, and where.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use millrace::record::{Column, DataType, Field};
use millrace::sandbox::{
    Before, Breach, Call, DescribeError, Fault, Instance, Limits, SandboxError, Subject,
};
use serde_json::json;

use super::support::{
    artifact, call, contract, has_ended, hostile, id, ids, input, others_go_on, process,
};

fn misbehaving(misdeed: &str) -> Instance {
    hostile(json!({"do": misdeed}), Limits::default()).expect("it opens like any other")
}

fn breach(misdeed: &str, error: SandboxError) -> Breach {
    match error {
        SandboxError::ContractBreach { breach, .. } => *breach,
        other => panic!("`{misdeed}` is a breach of the contract, not: {other}"),
    }
}

/// Misdeeds in an answer to three rows, the column at fault, and what is said of it.
const ANSWERS: [(&str, Option<&str>, &str); 19] = [
    ("columns", None, "2 columns came, 3 are declared"),
    ("row", None, "rejected row 3 is beyond the batch of 3 rows"),
    ("row: twice", None, "row 0 is rejected twice"),
    ("reason", None, "the answer cannot be read"),
    ("kept: short", None, "the selection has 0 entries, 1 are wanted"),
    ("kept: tail", None, "the selection has bits set past the last row"),
    ("short", Some("n"), "has 2 entries, 3 are wanted"),
    ("carrier", Some("n"), "values came as int32s, but i64 is carried by int64s"),
    ("null", Some("n"), "row 0 is null, but the column is not nullable"),
    ("validity", Some("t"), "validity has 2 entries, 1 are wanted"),
    ("unchanged", Some("t"), "unchanged has bits set past the last row"),
    ("offsets: short", Some("t"), "offsets has 1 entries, 4 are wanted"),
    ("offsets: start", Some("t"), "offsets do not start at 0"),
    ("offsets: fall", Some("t"), "offsets fall"),
    ("offsets: end", Some("t"), "offsets do not end at the length of the bytes"),
    ("utf8", Some("t"), "the text of row 0 is not UTF-8"),
    ("range", Some("d"), "the value of row 0 is outside of decimal(4,2)"),
    ("map: mode", None, "a transform of mode map answered rows of its own"),
    ("unasked before", None, "before images came, though none were given"),
];

#[test]
fn a_wrong_answer_is_told_what_is_wrong_and_where() {
    for (misdeed, column, fault) in ANSWERS {
        let mut instance = misbehaving(misdeed);
        let error = process(&mut instance, 3).expect_err(misdeed);
        let breach = breach(misdeed, error);
        assert_eq!(breach.column.as_deref(), column, "{misdeed}: {breach}");
        assert!(breach.fault.to_string().contains(fault), "{misdeed}: {breach}");
        has_ended(&mut instance);
    }
    others_go_on();
}

#[test]
fn before_images_must_be_answered() {
    let mut instance = misbehaving("before: missing");
    let columns: Vec<Column> = ids(3);
    let before =
        Before { present: arrow_buffer::BooleanBuffer::new_set(3), columns: columns.clone() };
    let call = Call { before: Some(&before), ..call(&columns) };
    let error = instance.process(call).expect_err("they are missing");
    assert_eq!(breach("before", error).to_string(), "port `out`: before images are missing");
}

/// Misdeeds in rows for a port.
const EMITTED: [(&str, &str); 7] = [
    ("emit: port", "there is no port 7, only 1 are declared"),
    ("emit: rows", "a column has 3 entries, 4 are wanted"),
    ("emit: operation", "5 is no operation code"),
    ("emit: operations", "operations has 0 entries, 3 are wanted"),
    ("emit: time", "the value of row 0 is outside of timestamp"),
    ("emit: times", "has 0 entries, 3 are wanted"),
    ("emit: mode", "a transform of mode emit answered images of its input's rows"),
];

#[test]
fn rows_for_a_port_are_checked_too() {
    for (misdeed, fault) in EMITTED {
        let mut instance = misbehaving(misdeed);
        let error = process(&mut instance, 3).expect_err(misdeed);
        let breach = breach(misdeed, error);
        assert!(breach.to_string().contains(fault), "{misdeed}: {breach}");
        has_ended(&mut instance);
    }
}

#[test]
fn rows_that_cost_the_guest_nothing_are_bounded_too() {
    let most = Limits::default().max_output / 24;
    let fault = Fault::Rows { rows: 1 << 24, max: most };
    for call in ["process", "advance-watermark", "tick"] {
        let mut instance = misbehaving("emit: many");
        let error = match call {
            "process" => process(&mut instance, 3).err(),
            "tick" => instance.tick(1).err(),
            _ => instance.advance_watermark(1).err(),
        };
        assert_eq!(breach(call, error.expect(call)).fault, fault, "{call}");
        has_ended(&mut instance);
    }
}

#[test]
fn json_that_counts_is_json() {
    let fields = vec![Field::new("j", DataType::Json, true)];
    let texts = [Some("{\"a\": [1]}"), Some("1,\"forged\":2"), None];
    let columns = [Column::from(Arc::new(StringArray::from(texts.to_vec())) as ArrayRef)];
    let mut instance = contract(json!({"do": "echo"}), fields.clone());
    let error = instance.process(call(&columns)).expect_err("row 1 is no JSON");
    let breach = breach("json", error);
    assert_eq!((breach.column.as_deref(), breach.fault), (Some("j"), Fault::Json { row: 1 }));
    has_ended(&mut instance);
    let mut instance = contract(json!({"do": "echo", "keep": "even"}), fields);
    instance.process(call(&columns)).expect("row 1 is not kept");
}

/// Misdeeds in a chunk of state.
const SAVED: [(&str, &str); 7] = [
    ("save: state", "state entry 0: it is of a state that was not declared"),
    ("save: group", "state entry 0: its key group is beyond 1023"),
    ("save: action", "state entry 0: its action is none"),
    ("save: timer", "state entry 0: it is a timer whose sub-key is not 8 bytes"),
    ("save: broadcast", "state entry 0: it is broadcast, but has a key"),
    ("save: length", "key groups has 0 entries, 1 are wanted"),
    ("save: offsets", "offsets do not end at the length of the bytes"),
];

#[test]
fn chunks_of_state_are_checked() {
    for (misdeed, fault) in SAVED {
        let mut instance = misbehaving(misdeed);
        let error = instance.save(1_000).expect_err(misdeed);
        assert_eq!(breach(misdeed, error).to_string(), fault, "{misdeed}");
        has_ended(&mut instance);
    }
}

/// Misdeeds in a description.
const DESCRIBED: [(&str, &str); 8] = [
    ("describe: two ports", "is of mode map, so it must have one port, named `out`"),
    ("describe: other port", "is of mode map, so it must have one port, named `out`"),
    ("describe: twice", "names column `n` twice"),
    ("describe: decimal", "has decimal(4,5): precision is 1 to 38, scale 0 to precision"),
    ("describe: inputs", "uses 0 inputs, the stage has 1"),
    ("describe: state", "keeps state `s` by key, but is not keyed"),
    ("describe: no problem", "is refused without a problem"),
    ("describe: trap", ""),
];

#[test]
fn a_table_that_the_stage_does_not_join_is_a_problem_and_no_breach() {
    let artifact = artifact("hostile_guest.wasm");
    let params = json!({"do": "describe: table"});
    let Err(DescribeError::Problems(problems)) = artifact.describe(&params, &[input(id())], &[])
    else {
        panic!("nobody joins the table")
    };
    assert_eq!(problems[0].subject, Subject::Table("nowhere".to_owned()));
}

#[test]
fn descriptions_are_checked() {
    let artifact = artifact("hostile_guest.wasm");
    for (misdeed, fault) in DESCRIBED {
        let described = artifact.describe(&json!({"do": misdeed}), &[input(id())], &[]);
        let Err(DescribeError::Sandbox(error)) = described else {
            panic!("`{misdeed}` is no description")
        };
        if misdeed == "describe: trap" {
            assert!(matches!(error, SandboxError::Trapped { .. }), "{error}");
        } else {
            let breach = breach(misdeed, error);
            assert_eq!(breach.to_string(), format!("the description {fault}"), "{misdeed}");
        }
    }
    others_go_on();
}
