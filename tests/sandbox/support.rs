//! Opening guests and calling them.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use millrace::record::{Column, DataType, Field};
use millrace::sandbox::{
    Artifact, Call, InputSchema, Instance, Limits, OpenContext, Outcome, SandboxError,
};
use millrace_tests::{module, sandbox};
use serde_json::Value;

/// 2026-01-01T00:00:00Z.
pub(super) const NOW: i64 = 1_767_225_600_000_000;

pub(super) fn artifact(name: &str) -> Artifact {
    sandbox().load(module(name)).expect("the guest loads")
}

/// One input, `rows`, of these columns.
pub(super) fn input(fields: Vec<Field>) -> InputSchema {
    InputSchema { input: 0, name: "rows".to_owned(), schema: 0, fields }
}

pub(super) fn context(params: Value, fields: Vec<Field>) -> OpenContext {
    OpenContext {
        stage: "under_test".to_owned(),
        params,
        inputs: vec![input(fields)],
        tables: Vec::new(),
        limits: Limits::default(),
    }
}

pub(super) fn contract(params: Value, fields: Vec<Field>) -> Instance {
    artifact("contract_guest.wasm").open(&context(params, fields)).expect("the guest opens")
}

/// The column that the hostile guest reads.
pub(super) fn id() -> Vec<Field> {
    vec![Field::new("id", DataType::Int64, false)]
}

pub(super) fn hostile(params: Value, limits: Limits) -> Result<Instance, SandboxError> {
    let context = OpenContext { limits, ..context(params, id()) };
    artifact("hostile_guest.wasm").open(&context)
}

/// A call with columns only.
pub(super) fn call(columns: &[Column]) -> Call<'_> {
    Call {
        input: 0,
        schema: 0,
        rows: columns.first().map_or(0, |column| column.values.len()),
        columns,
        before: None,
        operations: None,
        event_times: None,
        processing_times: None,
        keys: None,
        now: NOW,
    }
}

/// The ids from 0 to `rows`.
pub(super) fn ids(rows: i64) -> Vec<Column> {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    vec![ids.into()]
}

/// Lets the guest transform so many ids.
pub(super) fn process(instance: &mut Instance, rows: i64) -> Result<Outcome, SandboxError> {
    instance.process(call(&ids(rows)))
}

/// Another guest of the same artifact goes on, and so does the process.
pub(super) fn others_go_on() {
    let mut other = hostile(Value::Null, Limits::default()).expect("another guest opens");
    let outcome = process(&mut other, 3).expect("another guest goes on");
    assert!(matches!(outcome, Outcome::Mapped { mapped, .. } if mapped.after.columns.len() == 3));
}

/// The instance answers nothing any more.
pub(super) fn has_ended(instance: &mut Instance) {
    assert!(matches!(process(instance, 1), Err(SandboxError::Ended { .. })));
    assert!(matches!(instance.save(1), Err(SandboxError::Ended { .. })));
}
