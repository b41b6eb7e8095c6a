//! The contract's calls, one by one: what goes beside columns, rejections, rows for ports, timers,
//! state, schemas, the host's imports, and descriptions.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, Int64Array, StringArray};
use arrow_buffer::NullBuffer;
use millrace::record::{Column, DataType, Field, Operation};
use millrace::sandbox::{
    Call, Chunk, DescribeError, Emitted, InputSchema, Keys, Limits, Mode, OpenContext, Order,
    Outcome, Rejection, SandboxError, StateKind, Subject, TableSchema,
};
use serde_json::json;

use super::support::{artifact, call, context, contract, id, ids, input, process};

fn columns(outcome: Outcome) -> Vec<Column> {
    match outcome {
        Outcome::Mapped { mapped, .. } => mapped.after.columns,
        Outcome::Emitted { .. } => panic!("a map-like transform answers images"),
    }
}

/// Keys `a`, `bb`, `ccc` in groups 7, 0 and 1023.
fn keys() -> Keys<'static> {
    Keys { groups: &[7, 0, 1023], offsets: &[0, 1, 3, 6], encoded: b"abbccc" }
}

#[test]
fn operations_times_and_keys_go_in_as_they_are() {
    let mut instance = contract(json!({"do": "extras", "key": "id"}), id());
    let description = instance.description();
    let extras = description.inputs[0].extras;
    assert!(extras.operations && extras.event_times && extras.processing_times);
    assert!(description.keyed);
    assert_eq!(description.key, ["id"]);
    let nulls = NullBuffer::from(vec![true, false, true]);
    let call = Call {
        rows: 3,
        operations: Some(vec![0, 2, 4].into()),
        event_times: Some((vec![1_000, 0, -5].into(), Some(nulls))),
        processing_times: Some(vec![10, 20, 30].into()),
        keys: Some(keys()),
        ..call(&[])
    };
    let columns = columns(instance.process(call).expect("the guest answers"));
    assert_eq!(columns[0].values.as_primitive::<Int16Type>().values(), &[0_i16, 2, 4][..]);
    let times = columns[1].values.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.iter().collect::<Vec<_>>(), [Some(1_000), None, Some(-5)]);
    let processing = columns[2].values.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(processing.values(), &[10_i64, 20, 30][..]);
    assert_eq!(columns[3].values.as_primitive::<Int32Type>().values(), &[7_i32, 0, 1023][..]);
    let encoded = columns[4].values.as_binary::<i32>();
    assert_eq!(encoded.iter().flatten().collect::<Vec<_>>(), [&b"a"[..], b"bb", b"ccc"]);
}

#[test]
fn rejections_name_row_reason_and_column() {
    let mut instance = contract(json!({"do": "reject", "rows": [4, 1]}), id());
    let outcome = instance.process(Call { rows: 5, ..call(&[]) }).expect("the guest answers");
    let rejection = |row, column: Option<&str>| Rejection {
        row,
        reason: format!("row {row} is refused"),
        column: column.map(str::to_owned),
    };
    assert_eq!(outcome.rejected(), [rejection(4, Some("amount")), rejection(1, None)]);
}

#[test]
fn rows_come_out_of_ports_with_operations_and_event_times() {
    let mut instance = contract(json!({"do": "emit"}), id());
    let description = instance.description().clone();
    assert_eq!(description.mode, Mode::Emit);
    assert_eq!(description.outputs[0].key, ["id"]);
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![6, 3, -1, 8, 4]));
    let outcome = instance.process(call(&[ids.into()])).expect("the guest answers");
    assert_eq!(outcome.rejected().len(), 1);
    assert_eq!(outcome.rejected()[0].row, 2);
    let Outcome::Emitted { emitted, .. } = outcome else { panic!("it emits") };
    let [evens, all] = &emitted[..] else { panic!("two ports have rows") };
    assert_eq!((evens.port, evens.rows), (0, 3));
    assert_eq!(evens.columns[0].values.as_primitive::<Int64Type>().values(), &[6_i64, 8, 4][..]);
    let notes = evens.columns[1].values.as_string::<i32>();
    assert_eq!(notes.iter().collect::<Vec<_>>(), [Some("no. 6"), None, None]);
    let operations = evens.operations.as_ref().expect("rows have operations");
    assert_eq!(
        (0..3).map(|row| operations.get(row)).collect::<Vec<_>>(),
        [Operation::Update, Operation::Truncate, Operation::Read]
    );
    let (times, nulls) = evens.event_times.as_ref().expect("rows have event times");
    assert_eq!(&times[1..], [8_000, 4_000]);
    assert_eq!(
        nulls.as_ref().expect("one has none").iter().collect::<Vec<_>>(),
        [false, true, true]
    );
    assert_eq!((all.port, all.rows), (1, 5));
    assert!(all.operations.is_none());
    assert!(all.event_times.is_none());
}

fn page(emitted: &[Emitted]) -> (i64, i32) {
    let [Emitted { port: 0, rows: 1, columns, .. }] = emitted else { panic!("one row a page") };
    (
        columns[0].values.as_primitive::<TimestampMicrosecondType>().value(0),
        columns[1].values.as_primitive::<Int32Type>().value(0),
    )
}

#[test]
fn a_watermark_is_answered_in_pages_and_a_tick_says_when_the_next_is_due() {
    let mut instance = contract(json!({"do": "timers", "pages": 3}), id());
    let description = instance.description();
    assert!(description.watermarks && description.ticks);
    assert_eq!(description.order, Order::EventTime);
    for time in [5_000, 6_000] {
        for number in 1..=3 {
            let fired = instance.advance_watermark(time).expect("the guest answers");
            assert_eq!(page(&fired.emitted), (time, number));
            assert_eq!(fired.more, number < 3);
            assert_eq!(fired.next_tick, None);
        }
    }
    let fired = instance.tick(7_000_000).expect("the guest answers");
    assert!(fired.emitted.is_empty() && !fired.more);
    assert_eq!(fired.next_tick, Some(8_000_000));
}

/// Everything that `save` hands over, in chunks of so many bytes.
fn saved(instance: &mut millrace::sandbox::Instance, max_bytes: u32) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    loop {
        let chunk = instance.save(max_bytes).expect("the guest saves");
        let more = chunk.more;
        chunks.push(chunk);
        if !more {
            return chunks;
        }
    }
}

/// State, group, key, sub-key, action and value.
type Entry = (u32, u16, Vec<u8>, Vec<u8>, u8, Vec<u8>);

/// State, group, key, sub-key, action and value of every entry.
fn entries(chunks: &[Chunk]) -> Vec<Entry> {
    let entry = |chunk: &Chunk, entry: usize| {
        (
            chunk.states[entry],
            chunk.groups[entry],
            chunk.keys.value(entry).to_vec(),
            chunk.sub_keys.value(entry).to_vec(),
            chunk.actions[entry],
            chunk.values.value(entry).to_vec(),
        )
    };
    chunks
        .iter()
        .flat_map(|chunk| (0..chunk.entries()).map(move |index| entry(chunk, index)))
        .collect()
}

#[test]
fn state_of_every_kind_and_action_is_saved_in_chunks_and_restored() {
    let mut instance = contract(json!({"do": "state"}), id());
    let kinds: Vec<StateKind> =
        instance.description().states.iter().map(|state| state.kind).collect();
    assert_eq!(
        kinds,
        [
            StateKind::Value,
            StateKind::List,
            StateKind::Map,
            StateKind::Broadcast,
            StateKind::Timers
        ]
    );
    assert_eq!(instance.description().states[0].version, 3);
    assert_eq!(instance.save(100).expect("the guest saves").entries(), 0, "nothing has changed");
    let call = Call { rows: 3, keys: Some(keys()), ..call(&[]) };
    instance.process(call).expect("the guest answers");

    let chunks = saved(&mut instance, 10);
    assert!(chunks.len() > 3, "a chunk is bounded");
    let handed_over = entries(&chunks);
    assert_eq!(handed_over.len(), 3 * 6);
    assert!((0..5).all(|state| handed_over.iter().any(|entry| entry.0 == state)));
    assert!((0..3).all(|action| handed_over.iter().any(|entry| entry.4 == action)));
    let first = (0, 7, b"a".to_vec(), Vec::new(), 0, b"row 0".to_vec());
    assert!(handed_over.contains(&first));
    assert_eq!(instance.save(100).expect("the guest saves").entries(), 0, "it was handed over");

    let mut restored = contract(json!({"do": "state", "resave": true}), id());
    for chunk in &chunks {
        restored.restore(chunk).expect("the guest restores");
    }
    assert_eq!(entries(&saved(&mut restored, u32::MAX)), handed_over);
}

#[test]
fn a_state_that_the_guest_does_not_know_is_its_failure() {
    let params = json!({"do": "state", "refuse_restore": "state `last` has version 2"});
    let mut instance = contract(params, id());
    match instance.restore(&Chunk::default()) {
        Err(SandboxError::Failed { at, message }) => {
            assert_eq!(message, "state `last` has version 2");
            assert_eq!(at.call, "restore");
        }
        other => panic!("it refuses: {other:?}"),
    }
}

#[test]
fn schemas_and_inputs_are_announced_before_their_batches() {
    let two = InputSchema { input: 1, name: "others".to_owned(), schema: 5, fields: id() };
    let context =
        OpenContext { inputs: vec![input(id()), two], ..context(json!({"do": "schemas"}), id()) };
    let mut instance = artifact("contract_guest.wasm").open(&context).expect("the guest opens");
    assert_eq!(instance.description().inputs.len(), 2);
    let told = |outcome| {
        let columns = columns(outcome);
        let value = |column: &Column| column.values.as_primitive::<Int32Type>().value(0);
        let name = columns[2].values.as_string::<i32>().value(0).to_owned();
        (value(&columns[0]), value(&columns[1]), name)
    };
    let is = |input, schema, name: &str| (input, schema, name.to_owned());
    let batch = |input, schema| Call { rows: 1, input, schema, ..call(&[]) };
    let first = instance.process(batch(0, 0)).expect("it was announced");
    assert_eq!(told(first), is(0, 0, "rows"));
    let second = instance.process(batch(1, 5)).expect("it was announced");
    assert_eq!(told(second), is(1, 5, "others"));
    assert!(matches!(instance.process(batch(0, 9)), Err(SandboxError::Failed { .. })));
    instance
        .add_schema(&InputSchema { schema: 9, ..input(id()) })
        .expect("the guest takes the schema");
    let later = instance.process(batch(0, 9)).expect("it was announced");
    assert_eq!(told(later), is(0, 9, "rows"));
    let refused = instance.add_schema(&InputSchema { schema: 10, ..input(Vec::new()) });
    assert!(matches!(refused, Err(SandboxError::Failed { .. })));
}

#[test]
fn counters_add_up_and_a_panic_that_is_only_told_of_ends_nothing() {
    let mut instance = contract(json!({"do": "host"}), id());
    for rows in [3, 4] {
        instance.process(Call { rows, ..call(&[]) }).expect("the guest answers");
    }
    let counters: Vec<(&str, u64)> = instance.counters().collect();
    assert_eq!(counters, [("batches_seen", 2), ("rows_seen", 7)]);
    assert!(instance.memory_bytes() > 0);
}

#[test]
fn an_empty_batch_gives_an_empty_answer() {
    let mut instance = contract(json!({"do": "emit"}), id());
    let outcome = process(&mut instance, 0).expect("the guest answers");
    let Outcome::Emitted { emitted, rejected } = outcome else { panic!("it emits") };
    assert!(rejected.is_empty());
    assert!(emitted.iter().all(|emitted| emitted.rows == 0));
}

#[test]
fn columns_of_a_joined_table_cross_after_the_inputs_own() {
    let fields = vec![Field::new("provider", DataType::Text, true)];
    let context = OpenContext {
        tables: vec![TableSchema { name: "games".to_owned(), fields: fields.clone() }],
        ..context(json!({"do": "tables"}), id())
    };
    let mut instance = artifact("contract_guest.wasm").open(&context).expect("the guest opens");
    let tables = &instance.description().tables;
    assert_eq!(tables[0].table, "games");
    assert_eq!(tables[0].columns[0].column, "provider");
    let providers: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let outcome = instance.process(call(&[Column::from(Arc::clone(&providers))]));
    assert_eq!(&columns(outcome.expect("the guest answers"))[0].values, &providers);
}

#[test]
fn an_inputs_own_columns_cross_before_those_of_a_joined_table() {
    let fields = vec![Field::new("provider", DataType::Text, true)];
    let context = OpenContext {
        tables: vec![TableSchema { name: "games".to_owned(), fields }],
        ..context(json!({"do": "tables", "own": true}), id())
    };
    let mut instance = artifact("contract_guest.wasm").open(&context).expect("the guest opens");
    assert_eq!(instance.description().inputs[0].columns[0].column, "id");
    let providers: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let mut crossing = ids(2);
    crossing.push(Column::from(providers));
    let answered = columns(instance.process(call(&crossing)).expect("the guest answers"));
    let arrays = |columns: &[Column]| -> Vec<ArrayRef> {
        columns.iter().map(|column| Arc::clone(&column.values)).collect()
    };
    assert_eq!(arrays(&answered), arrays(&crossing));
}

#[test]
fn a_description_says_what_the_guest_takes_and_gives() {
    let params = json!({"do": "echo", "takes": "inserts", "extras": ["operations", "event-times"]});
    let artifact = artifact("contract_guest.wasm");
    let description = artifact.describe(&params, &[input(id())], &[]).expect("it describes itself");
    assert_eq!((&*description.name, &*description.version), ("contract", "1.2.3"));
    assert_eq!(description.about, "Shows back what it is handed.");
    assert_eq!(description.inputs[0].takes, 0b1_0001);
    let extras = description.inputs[0].extras;
    assert!(extras.operations && extras.event_times);
    assert!(!extras.processing_times && !extras.before);
    assert_eq!(description.inputs[0].columns[0].data_type, DataType::Int64);
    assert_eq!(description.outputs[0].fields, id());
}

#[test]
fn problems_say_where_they_sit_and_what_to_do() {
    let artifact = artifact("contract_guest.wasm");
    let params = json!({"do": "problems"});
    let described = artifact.describe(&params, &[input(id())], &[]);
    let Err(DescribeError::Problems(problems)) = described else { panic!("it has problems") };
    let subjects: Vec<&Subject> = problems.iter().map(|problem| &problem.subject).collect();
    assert_eq!(
        subjects,
        [
            &Subject::Params("limits.max".to_owned()),
            &Subject::Column("amount".to_owned()),
            &Subject::Table("games".to_owned()),
            &Subject::Whole,
        ]
    );
    assert_eq!(problems[0].hint.as_deref(), Some("make it 5"));
    assert_eq!(problems[0].to_string(), "params.limits.max: is not as it should be");
    assert_eq!(problems[1].hint, None);

    let opened = artifact.open(&context(params, id()));
    match opened.err() {
        Some(SandboxError::NotRunnable { at, problems }) => {
            assert_eq!(&*at.stage, "under_test");
            assert_eq!(problems.len(), 4);
        }
        other => panic!("what has problems is not opened: {other:?}"),
    }
}

#[test]
fn the_probe_keeps_adds_and_tells() {
    let field = |name, nullable| Field::new(name, DataType::Int64, nullable);
    let fields = vec![field("a", false), field("b", false), field("c", true)];
    let context = OpenContext { limits: Limits::default(), ..context(json!({}), fields) };
    let mut probe = artifact("probe_guest.wasm").open(&context).expect("the probe opens");
    let a = Int64Array::from_iter_values((0_i64..19).map(|row| row - 9));
    let b = Int64Array::from_iter_values(0..19);
    let c = Int64Array::from_iter((0_i64..19).map(|row| (row % 3 != 0).then_some(row)));
    let columns: Vec<Column> =
        [a, b, c].map(|array| Column::from(Arc::new(array) as ArrayRef)).to_vec();
    let outcome = probe.process(call(&columns)).expect("the probe answers");
    let Outcome::Mapped { mapped, .. } = outcome else { panic!("it maps") };
    let kept = mapped.after.kept.expect("it selects");
    assert_eq!(kept.set_indices().collect::<Vec<_>>(), (10..19).collect::<Vec<_>>());
    assert_eq!(
        mapped.after.columns[0].values.as_primitive::<Int64Type>().values(),
        &[-9_i64; 19][..]
    );
    let present = mapped.after.columns[1].values.as_boolean();
    assert!((0..19).all(|row| present.value(row) == (row % 3 != 0)));
}

#[test]
fn the_empty_guest_keeps_everything() {
    let mut empty = artifact("empty_guest.wasm").open(&context(json!({}), id())).expect("it opens");
    let columns = ids(100);
    let outcome = empty.process(Call { columns: &[], ..call(&columns) }).expect("it answers");
    let Outcome::Mapped { mapped, rejected } = outcome else { panic!("it maps") };
    assert!(mapped.after.kept.is_none() && mapped.after.columns.is_empty() && rejected.is_empty());
}
