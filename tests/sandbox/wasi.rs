//! WASI answers the same everywhere: the call's time, fixed random numbers, no environment.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use millrace::sandbox::{Call, Instance, Outcome, SandboxError};
use serde_json::{Value, json};

use super::support::{NOW, artifact, call, context, id};

fn open(params: Value) -> Instance {
    artifact("wasi_guest.wasm").open(&context(params, id())).expect("the guest opens")
}

/// What the guest was told at `now`: both clocks, a random number, the size of its environment.
fn told(instance: &mut Instance, now: i64) -> [i64; 4] {
    let outcome = instance.process(Call { rows: 1, now, ..call(&[]) }).expect("the guest answers");
    let Outcome::Mapped { mapped, .. } = outcome else { panic!("it maps") };
    [0, 1, 2, 3]
        .map(|column| mapped.after.columns[column].values.as_primitive::<Int64Type>().value(0))
}

#[test]
fn only_packages_that_are_allowed_are_imported() {
    let artifact = artifact("wasi_guest.wasm");
    for import in ["wasi:clocks/wall-clock@0.2.0", "wasi:cli/stdout@0.2.0"] {
        assert!(artifact.imports().iter().any(|found| found == import), "{import}");
    }
}

#[test]
fn the_same_call_is_told_the_same() {
    let mut one = open(json!({}));
    let [wall, monotonic, random, environment] = told(&mut one, NOW);
    assert_eq!((wall, monotonic, environment), (NOW, NOW, 0));
    assert_eq!(told(&mut one, NOW + 5)[..3], [NOW + 5, NOW + 5, random]);
    let mut other = open(json!({}));
    assert_eq!(told(&mut other, NOW), [wall, monotonic, random, 0]);
}

#[test]
fn no_more_is_written_than_is_allowed() {
    let mut instance = open(json!({"beyond": true}));
    match instance.process(Call { rows: 1, ..call(&[]) }) {
        Err(SandboxError::Trapped { trap, .. }) => {
            assert!(trap.message.contains("more than `check-write` allows"), "{}", trap.message);
        }
        other => panic!("it wrote too much: {other:?}"),
    }
}

#[test]
fn time_does_not_pass_within_a_call() {
    let mut instance = open(json!({"wait": true}));
    let waited = instance.process(Call { rows: 1, ..call(&[]) });
    match waited {
        Err(SandboxError::Trapped { trap, .. }) => {
            assert!(trap.message.contains("may not wait"), "{}", trap.message);
        }
        other => panic!("waiting is an error: {other:?}"),
    }
}
