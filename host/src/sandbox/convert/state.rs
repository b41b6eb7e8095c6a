//! Chunks of state, both ways.

use super::super::bindings::wit;
use super::super::description::{Description, StateKind};
use super::super::fault::{Breach, Fault};
use super::super::transform::{Chunk, Varying};
use super::values::check_offsets;

/// Key groups that state is split in.
const GROUPS: u16 = 1_024;

/// The greatest action code.
const APPEND: u8 = 2;

/// Bytes of a timer's sub-key.
const TIMER: usize = 8;

/// Lends a chunk to a call.
pub(in crate::sandbox) fn lend_chunk(chunk: &Chunk) -> wit::StateChunkParam<'_> {
    fn lend(Varying { offsets, bytes }: &Varying) -> wit::VaryingParam<'_> {
        wit::VaryingParam { offsets, bytes }
    }
    let Chunk { states, groups, keys, sub_keys, actions, values, more } = chunk;
    wit::StateChunkParam {
        states,
        groups,
        keys: lend(keys),
        sub_keys: lend(sub_keys),
        actions,
        values: lend(values),
        more: *more,
    }
}

/// The checked answer to `save`.
pub(in crate::sandbox) fn chunk(
    answer: wit::StateChunkResult,
    description: &Description,
) -> Result<Chunk, Breach> {
    let wit::StateChunkResult { states, groups, keys, sub_keys, actions, values, more } = answer;
    let entries = states.len();
    length("key groups", groups.len(), entries)?;
    length("actions", actions.len(), entries)?;
    let chunk = Chunk {
        keys: varying(keys, entries)?,
        sub_keys: varying(sub_keys, entries)?,
        values: varying(values, entries)?,
        states,
        groups,
        actions,
        more,
    };
    for entry in 0..entries {
        check(&chunk, entry, description).map_err(|what| Fault::State { entry, what })?;
    }
    Ok(chunk)
}

fn length(what: &'static str, found: usize, wanted: usize) -> Result<(), Fault> {
    if found == wanted { Ok(()) } else { Err(Fault::Length { what, found, wanted }) }
}

fn varying(answer: wit::VaryingResult, entries: usize) -> Result<Varying, Fault> {
    let wit::VaryingResult { offsets, bytes } = answer;
    check_offsets(&offsets, bytes.len(), entries)?;
    Ok(Varying { offsets, bytes })
}

fn check(chunk: &Chunk, entry: usize, description: &Description) -> Result<(), &'static str> {
    let state = description
        .states
        .get(chunk.states[entry] as usize)
        .ok_or("it is of a state that was not declared")?;
    if chunk.groups[entry] >= GROUPS {
        return Err("its key group is beyond 1023");
    }
    if chunk.actions[entry] > APPEND {
        return Err("its action is none");
    }
    match state.kind {
        StateKind::Timers if chunk.sub_keys.value(entry).len() != TIMER => {
            Err("it is a timer whose sub-key is not 8 bytes")
        }
        StateKind::Broadcast if chunk.groups[entry] != 0 || !chunk.keys.value(entry).is_empty() => {
            Err("it is broadcast, but has a key")
        }
        _ => Ok(()),
    }
}
