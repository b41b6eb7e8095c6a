//! Handing state over, and taking it back.
//!
//! The entries are those of the WIT's `state-chunk`:
//!
//! | kind | sub-key | value |
//! |---|---|---|
//! | value | empty | the value |
//! | list | empty | the elements, each its length as LEB128 and its bytes; an append has those that are new |
//! | map | the sub-key | the value |
//! | broadcast | empty, as the key; group 0 | the value |
//! | timers | the time, 8 bytes big-endian with the sign bit flipped | empty |
//!
//! Values and sub-keys are in the encoding of [`codec`](super::codec). Where the state has a TTL, a
//! value, and each element of a list before its length, begins with the time at which it ends, 8
//! bytes little-endian.
//!
//! The last state of every keyed transform is [`META`], broadcast: a byte that names this layout,
//! and how far event time and processing time have come, 8 bytes little-endian each.

use super::record::{self, DEAD, STORED};
use super::slab::NONE;
use super::store::{Place, REWRITTEN, Store, prefix};
use super::ttl::{Clock, read_expiry};
use super::{list, queue};
use crate::raw::{Failure, StateChunk, StateKind, Varying};

/// The name of the state that the SDK adds to those of the transform.
pub const META: &str = "millrace.meta";

/// The layout of saved state, which this module's documentation describes.
pub const LAYOUT: u8 = 1;

const PUT: u8 = 0;
const DELETE: u8 = 1;
const APPEND: u8 = 2;

/// What an entry costs beside its bytes: state, group, action and three offsets.
const OVERHEAD: usize = 19;

/// Offsets are 31 bits, so a chunk ends well before.
const MOST: usize = 1 << 30;

/// An entry's columns.
struct Entry<'a> {
    state: u32,
    group: u16,
    key: &'a [u8],
    sub: &'a [u8],
    action: u8,
    value: &'a [u8],
}

/// A chunk being filled.
struct Writer {
    chunk: StateChunk,
    bytes: usize,
}

impl Writer {
    fn push(&mut self, entry: &Entry<'_>) {
        let chunk = &mut self.chunk;
        chunk.states.push(entry.state);
        chunk.groups.push(entry.group);
        chunk.actions.push(entry.action);
        push(&mut chunk.keys, entry.key);
        push(&mut chunk.sub_keys, entry.sub);
        push(&mut chunk.values, entry.value);
        self.bytes += OVERHEAD + entry.key.len() + entry.sub.len() + entry.value.len();
    }
}

fn push(varying: &mut Varying, value: &[u8]) {
    varying.bytes.extend_from_slice(value);
    // A guest's memory and its output bound are far below this.
    assert!(varying.bytes.len() <= i32::MAX as usize, "a chunk of state exceeds 2 GiB");
    varying.offsets.push(varying.bytes.len() as i32);
}

impl Store {
    /// Hands over what changed since the last call, about `max_bytes` of it.
    pub(crate) fn save(&mut self, max_bytes: u32) -> StateChunk {
        let most = (max_bytes as usize).clamp(1, MOST);
        let mut writer = Writer { chunk: StateChunk::empty(), bytes: 0 };
        if self.saved_clock != Some(self.clock) {
            self.saved_clock = Some(self.clock);
            let (state, meta) = (self.states.len() as u32, self.meta());
            let (key, sub): (&[u8], &[u8]) = (&[], &[]);
            writer.push(&Entry { state, group: 0, key, sub, action: PUT, value: &meta });
        }
        while let Some(address) = self.changes.get(self.taken).copied() {
            if writer.bytes >= most {
                writer.chunk.more = true;
                return writer.chunk;
            }
            self.taken += 1;
            if address == NONE {
                self.gone -= 1;
            } else {
                self.hand_over(address, &mut writer);
            }
        }
        self.settled();
        writer.chunk
    }

    fn hand_over(&mut self, address: u32, writer: &mut Writer) {
        let block = self.slab.block(address);
        let parts = record::parts(block);
        let (flags, state) = (record::flags(block), record::state(block));
        let body = self.body(block);
        let mut entry = Entry {
            state: state.into(),
            group: record::group(block),
            key: &block[parts.key.clone()],
            sub: &block[parts.sub.clone()],
            action: PUT,
            value: &block[body.clone()],
        };
        if flags & DEAD != 0 {
            (entry.action, entry.value) = (DELETE, &[]);
            writer.push(&entry);
            self.discard(address);
            return;
        }
        if matches!(self.states[state as usize].kind, StateKind::List) {
            let had = record::word(block, parts.value.start);
            if flags & STORED != 0 && had != REWRITTEN {
                (entry.action, entry.value) = (APPEND, &entry.value[had as usize..]);
            }
        }
        writer.push(&entry);
        self.store_at(address);
    }

    /// Notes that the host has a record as it is.
    fn store_at(&mut self, address: u32) {
        let block = self.slab.block(address);
        let body = self.body(block);
        let list = matches!(self.states[record::state(block) as usize].kind, StateKind::List);
        let block = self.slab.block_mut(address);
        if list {
            record::set_word(block, body.start - prefix(StateKind::List), body.len() as u32);
        }
        let flags = record::flags(block);
        record::set_flags(block, flags | STORED);
        record::set_change(block, 0);
    }

    fn meta(&self) -> [u8; 17] {
        let mut meta = [LAYOUT; 17];
        meta[1..9].copy_from_slice(&self.clock.event.to_le_bytes());
        meta[9..].copy_from_slice(&self.clock.processing.to_le_bytes());
        meta
    }

    /// Takes entries that were handed over.
    pub(crate) fn restore(&mut self, chunk: &StateChunk) -> Result<(), Failure> {
        let entries = chunk.states.len();
        if chunk.groups.len() != entries || chunk.actions.len() != entries {
            return Err(Failure::new("a chunk of state has columns of different lengths"));
        }
        for entry in 0..entries {
            let parts =
                [&chunk.keys, &chunk.sub_keys, &chunk.values].map(|column| part(column, entry));
            let [Some(key), Some(sub), Some(value)] = parts else {
                return Err(Failure::new("a chunk of state has offsets that do not fit"));
            };
            let (state, group, action) =
                (chunk.states[entry], chunk.groups[entry], chunk.actions[entry]);
            self.take(&Entry { state, group, key, sub, action, value })?;
        }
        Ok(())
    }

    fn take(&mut self, entry: &Entry<'_>) -> Result<(), Failure> {
        if entry.state as usize == self.states.len() {
            return self.take_meta(entry);
        }
        let Some(declared) = self.states.get(entry.state as usize) else {
            let message = format!("the transform has no state {}", entry.state);
            return Err(Failure::new(message));
        };
        let (name, kind) = (declared.name, declared.kind);
        let place = Place { state: entry.state as u8, group: entry.group, key: entry.key };
        let wrong = |what: &str| Err(Failure::new(format!("state `{name}` {what}")));
        if !self.fits(kind, place.state, entry) {
            return wrong("was saved in a layout that it does not have: raise its version");
        }
        let address = match (entry.action, kind) {
            (PUT, _) => self.put(place, entry.sub, entry.value),
            (APPEND, StateKind::List) => self.append(place, entry.value),
            (DELETE, _) => {
                if let Some(address) = self.live(place.state, entry.key, entry.sub) {
                    // Nobody has to be told, so it goes at once.
                    let block = self.slab.block_mut(address);
                    let flags = record::flags(block);
                    record::set_flags(block, flags & !STORED);
                    self.remove_at(address);
                }
                return Ok(());
            }
            _ => return wrong("was saved with an action that it does not have"),
        };
        let new = record::flags(self.slab.block(address)) & STORED == 0;
        if let (StateKind::Timers, true, Some(time)) = (kind, new, queue::time(entry.sub)) {
            self.enqueue(place.state, time, address);
        }
        self.unmark(address);
        self.store_at(address);
        Ok(())
    }

    /// Whether an entry has the parts that its kind has.
    fn fits(&self, kind: StateKind, state: u8, entry: &Entry<'_>) -> bool {
        let ttl = self.states[state as usize].ttl.is_some();
        if entry.action == DELETE {
            return true;
        }
        match kind {
            StateKind::Timers => entry.sub.len() == 8,
            StateKind::List => {
                entry.sub.is_empty() && list::elements(entry.value, ttl).all(|one| one.is_some())
            }
            StateKind::Map => !ttl || read_expiry(entry.value).is_some(),
            StateKind::Value | StateKind::Broadcast => {
                entry.sub.is_empty() && (!ttl || read_expiry(entry.value).is_some())
            }
        }
    }

    fn take_meta(&mut self, entry: &Entry<'_>) -> Result<(), Failure> {
        let wrong = || Failure::new("the state was saved by another version of the SDK");
        let meta: &[u8; 17] =
            entry.value.try_into().ok().filter(|_| entry.action == PUT).ok_or_else(wrong)?;
        let number = |at: usize| meta[at..].first_chunk().map(|bytes| i64::from_le_bytes(*bytes));
        match (meta[0], number(1), number(9)) {
            (LAYOUT, Some(event), Some(processing)) => {
                self.clock = Clock { event, processing };
                self.saved_clock = Some(self.clock);
                Ok(())
            }
            _ => Err(wrong()),
        }
    }
}

/// A value of an entry.
fn part(varying: &Varying, entry: usize) -> Option<&[u8]> {
    let start = usize::try_from(*varying.offsets.get(entry)?).ok()?;
    let end = usize::try_from(*varying.offsets.get(entry + 1)?).ok()?;
    varying.bytes.get(start..end)
}
