//! State of every kind: each row leaves entries, `save` hands them over, `restore` takes them back.

use crate::bindings::millrace::transform::types::{Batch, Failure, StateChunk};
use crate::columns::{failure, value, varying};

/// One entry.
#[derive(Clone)]
pub(crate) struct Entry {
    state: u32,
    group: u16,
    key: Vec<u8>,
    sub_key: Vec<u8>,
    action: u8,
    value: Vec<u8>,
}

/// The entries that the rows of a batch leave: every kind of state, and every action.
pub(crate) fn entries(batch: &Batch) -> Result<Vec<Entry>, Failure> {
    let keys = batch.keys.as_ref().ok_or_else(|| failure("a keyed stage has keys"))?;
    let mut entries = Vec::new();
    for row in 0..batch.rows as usize {
        let (group, key) = (keys.groups[row], value(&keys.encoded, row));
        let mut entry = |state, sub_key: &[u8], action, value: &[u8]| {
            entries.push(Entry {
                state,
                group,
                key: key.to_vec(),
                sub_key: sub_key.to_vec(),
                action,
                value: value.to_vec(),
            });
        };
        entry(0, b"", 0, format!("row {row}").as_bytes());
        entry(1, b"", 2, &[1, 2, 3]);
        entry(2, b"part", 0, b"");
        entry(2, b"gone", 1, b"");
        entry(4, &(row as i64 ^ i64::MIN).to_be_bytes(), 0, b"");
        entries.push(Entry {
            state: 3,
            group: 0,
            key: Vec::new(),
            sub_key: b"rule".to_vec(),
            action: 0,
            value: b"on".to_vec(),
        });
    }
    Ok(entries)
}

/// Hands over entries of about `max_bytes`, at least one.
pub(crate) fn save(pending: &mut Vec<Entry>, max_bytes: u32) -> StateChunk {
    let mut bytes = 0;
    let mut count = 0;
    for entry in pending.iter() {
        bytes += entry.key.len() + entry.sub_key.len() + entry.value.len();
        if count > 0 && bytes > max_bytes as usize {
            break;
        }
        count += 1;
    }
    let entries: Vec<Entry> = pending.drain(..count).collect();
    StateChunk {
        states: entries.iter().map(|entry| entry.state).collect(),
        groups: entries.iter().map(|entry| entry.group).collect(),
        keys: varying(entries.iter().map(|entry| &entry.key)),
        sub_keys: varying(entries.iter().map(|entry| &entry.sub_key)),
        actions: entries.iter().map(|entry| entry.action).collect(),
        values: varying(entries.iter().map(|entry| &entry.value)),
        more: !pending.is_empty(),
    }
}

/// The entries of a chunk.
pub(crate) fn restore(chunk: &StateChunk) -> Vec<Entry> {
    (0..chunk.states.len())
        .map(|entry| Entry {
            state: chunk.states[entry],
            group: chunk.groups[entry],
            key: value(&chunk.keys, entry).to_vec(),
            sub_key: value(&chunk.sub_keys, entry).to_vec(),
            action: chunk.actions[entry],
            value: value(&chunk.values, entry).to_vec(),
        })
        .collect()
}
