//! Bounds: traps, time, memory, output. Each is a typed error that ends its instance alone.

use std::time::{Duration, Instant};

use millrace::sandbox::{DescribeError, Limits, Place, SandboxError};
use serde_json::json;

use super::support::{artifact, has_ended, hostile, id, input, others_go_on, process};

const DEADLINE: Duration = Duration::from_millis(60);

fn hurried() -> Limits {
    Limits { deadline: DEADLINE, ..Limits::default() }
}

#[test]
fn a_trap_names_its_row_and_the_guests_words() {
    let mut instance = hostile(json!({"do": "trap", "row": 2}), Limits::default()).unwrap();
    process(&mut instance, 2).expect("the row is not in this batch");
    let error = process(&mut instance, 5).expect_err("the row is in this batch");
    let SandboxError::Trapped { at, trap } = &error else { panic!("it traps: {error}") };
    assert_eq!((&*at.stage, at.call), ("under_test", "process"));
    assert_eq!(&*at.artifact, artifact("hostile_guest.wasm").hash());
    assert_eq!(trap.place, Place::Row(2));
    assert_eq!(trap.message, "this row is poison");
    let named = |name: &String| name.contains("hostile") || name.contains("process");
    assert!(trap.backtrace.iter().any(named), "{:?}", trap.backtrace);
    let text = error.to_string();
    assert!(text.contains("`under_test`") && text.contains(&at.artifact[..12]), "{text}");
    assert!(!text.contains(&at.artifact[..13]), "{text}");
    has_ended(&mut instance);
    others_go_on();
}

#[test]
fn a_trap_of_a_timer_names_time_and_key() {
    let mut instance = hostile(json!({"do": "trap: timer"}), Limits::default()).unwrap();
    let error = instance.advance_watermark(50).expect_err("the timer traps");
    let place = Place::Timer { time: 42, key: b"key".to_vec() };
    assert_eq!(error.place(), Some(&place));
    has_ended(&mut instance);
}

#[test]
fn a_trap_outside_of_rows_and_timers_says_so() {
    let mut instance = hostile(json!({"do": "trap: elsewhere"}), Limits::default()).unwrap();
    let error = instance.advance_watermark(50).expect_err("it traps");
    assert_eq!(error.place(), Some(&Place::Elsewhere));
    has_ended(&mut instance);
}

#[test]
fn a_trap_of_which_nobody_tells_has_no_place() {
    let mut instance = hostile(json!({"do": "trap: silent"}), Limits::default()).unwrap();
    let error = process(&mut instance, 1).expect_err("it traps");
    assert_eq!(error.place(), Some(&Place::Unknown));
    let mut instance = hostile(json!({"do": "recurse"}), Limits::default()).unwrap();
    let error = process(&mut instance, 1).expect_err("the stack has an end");
    assert!(matches!(error, SandboxError::Trapped { .. }), "{error}");
    others_go_on();
}

#[test]
fn what_a_failed_call_counted_does_not_stay() {
    let mut instance = hostile(json!({"do": "count: trap"}), Limits::default()).unwrap();
    process(&mut instance, 1).expect_err("it traps");
    assert_eq!(instance.counters().count(), 0);
}

#[test]
fn an_endless_call_ends_at_its_deadline() {
    let mut instance = hostile(json!({"do": "loop"}), hurried()).unwrap();
    let start = Instant::now();
    let error = process(&mut instance, 1).expect_err("it never answers");
    assert!(start.elapsed() >= DEADLINE, "it had its time");
    assert!(matches!(error, SandboxError::DeadlineExceeded { deadline: DEADLINE, .. }), "{error}");
    has_ended(&mut instance);
    others_go_on();
}

#[test]
fn every_call_has_the_deadline() {
    // State takes its own time, whatever rows may take.
    let calls = [("advance-watermark", "loop", 60), ("save", "save: loop", 3_000)];
    for (call, misdeed, millis) in calls {
        let mut instance = hostile(json!({"do": misdeed}), hurried()).unwrap();
        let error = match call {
            "save" => instance.save(1).err(),
            _ => instance.advance_watermark(1).err(),
        };
        match error {
            Some(SandboxError::DeadlineExceeded { at, deadline }) => {
                assert_eq!((at.call, deadline.as_millis()), (call, millis));
            }
            other => panic!("{call} never answers: {other:?}"),
        }
        has_ended(&mut instance);
    }
}

/// A deadline that fits rows does not bound what happens once.
#[test]
fn opening_and_describing_have_deadlines_too() {
    let opened = hostile(json!({"do": "open: loop"}), hurried());
    match opened.err() {
        Some(SandboxError::DeadlineExceeded { at, deadline }) => {
            assert_eq!((at.call, deadline), ("open", Limits::default().deadline));
        }
        other => panic!("open never answers: {other:?}"),
    }
    let params = json!({"do": "describe: loop"});
    let described = artifact("hostile_guest.wasm").describe(&params, &[input(id())], &[]);
    match described {
        Err(DescribeError::Sandbox(SandboxError::DeadlineExceeded { at, .. })) => {
            assert_eq!((&*at.stage, at.call), ("hostile_guest.wasm", "describe"));
        }
        other => panic!("describe never answers: {other:?}"),
    }
    others_go_on();
}

#[test]
fn a_loop_in_one_instance_does_not_shorten_the_time_of_another() {
    let looping = std::thread::spawn(|| {
        let mut instance = hostile(json!({"do": "loop"}), hurried()).unwrap();
        process(&mut instance, 1).expect_err("it never answers");
    });
    let mut other = hostile(json!({}), Limits::default()).unwrap();
    while !looping.is_finished() {
        process(&mut other, 100).expect("it is in time");
    }
    looping.join().expect("the loop ended");
}

#[test]
fn memory_is_bounded() {
    let limits = Limits { max_memory: 32 << 20, ..Limits::default() };
    let mut instance = hostile(json!({"do": "grow"}), limits).unwrap();
    let error = process(&mut instance, 1).expect_err("it takes all there is");
    match error {
        SandboxError::OutOfMemory { wanted, max, .. } => {
            assert_eq!(max, 32 << 20);
            assert!(wanted > max);
        }
        other => panic!("memory ran out: {other}"),
    }
    assert!(instance.memory_bytes() <= 32 << 20);
    has_ended(&mut instance);
    let opened = hostile(json!({"do": "open: grow"}), limits);
    assert!(matches!(opened.err(), Some(SandboxError::OutOfMemory { .. })));
    let tiny = Limits { max_memory: 64 << 10, ..Limits::default() };
    let refused = hostile(json!({}), tiny);
    assert!(matches!(refused.err(), Some(SandboxError::OutOfMemory { .. })));
    others_go_on();
}

#[test]
fn output_and_tables_are_bounded() {
    let limits = Limits { max_output: 1 << 20, ..Limits::default() };
    let mut instance = hostile(json!({"do": "flood"}), limits).unwrap();
    let error = process(&mut instance, 1).expect_err("it answers eight megabytes");
    assert!(matches!(error, SandboxError::OutputTooLarge { max: 0x10_0000, .. }), "{error}");
    has_ended(&mut instance);
    let limits = Limits { max_table_elements: 1, ..Limits::default() };
    let refused = hostile(json!({}), limits);
    assert!(matches!(refused.err(), Some(SandboxError::TableTooLarge { max: 1, .. })));
    others_go_on();
}

#[test]
fn a_failure_is_the_guests_own_and_ends_nothing() {
    let mut instance = hostile(json!({"do": "fail"}), Limits::default()).unwrap();
    for _ in 0..2 {
        match process(&mut instance, 1) {
            Err(SandboxError::Failed { message, .. }) => assert_eq!(message, "it does not want to"),
            other => panic!("it fails: {other:?}"),
        }
    }
    let opened = hostile(json!({"do": "open: fail"}), Limits::default());
    assert!(matches!(opened.err(), Some(SandboxError::Failed { .. })));
}
