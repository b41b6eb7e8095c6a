//! A value a key, a value for all, and timers.

use std::marker::PhantomData;

use super::codec::{self, StateCodec};
use super::store::{Place, Store};
use super::ttl::read_expiry;
use crate::keyed::Context;
use crate::time::Timestamp;

/// One value a key. [`Setup::value`](crate::keyed::Setup::value) declares one.
pub struct Value<T> {
    state: u8,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Value<T> {}

impl<T: StateCodec> Value<T> {
    pub(crate) fn new(state: u8) -> Self {
        Self { state, value: PhantomData }
    }

    /// The key's value, if it has one.
    ///
    /// # Panics
    /// Where the saved value is of another type than `T`.
    #[must_use]
    pub fn get(self, context: &Context<'_>) -> Option<T> {
        read(context.store, self.state, context.key, &[])
    }

    /// Sets the key's value.
    pub fn put(self, context: &mut Context<'_>, value: &T) {
        let place = context.place(self.state);
        write(context.store, place, &[], context.time, value, context.scratch);
    }

    /// Removes the key's value, if it has one.
    pub fn clear(self, context: &mut Context<'_>) {
        context.store.remove(self.state, context.key, &[]);
    }
}

/// One value that is the same for all keys and on every instance: rules, thresholds.
///
/// [`Setup::broadcast`](crate::keyed::Setup::broadcast) declares one.
pub struct Broadcast<T> {
    state: u8,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Broadcast<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Broadcast<T> {}

impl<T: StateCodec> Broadcast<T> {
    pub(crate) fn new(state: u8) -> Self {
        Self { state, value: PhantomData }
    }

    /// The value, if there is one.
    ///
    /// # Panics
    /// Where the saved value is of another type than `T`.
    #[must_use]
    pub fn get(self, context: &Context<'_>) -> Option<T> {
        read(context.store, self.state, &[], &[])
    }

    /// Sets the value. Every instance must do so by the same rows.
    pub fn put(self, context: &mut Context<'_>, value: &T) {
        let place = Place { state: self.state, group: 0, key: &[] };
        write(context.store, place, &[], context.time, value, context.scratch);
    }

    /// Removes the value, if there is one.
    pub fn clear(self, context: &mut Context<'_>) {
        context.store.remove(self.state, &[], &[]);
    }
}

/// Timers of one kind. [`Setup::event_timers`](crate::keyed::Setup::event_timers) and
/// [`Setup::processing_timers`](crate::keyed::Setup::processing_timers) declare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    pub(crate) state: u8,
}

impl Timers {
    /// Sets a timer of the key for this time, unless it is set. One for a time that is over fires
    /// with the next that fire.
    pub fn set(self, context: &mut Context<'_>, time: Timestamp) {
        let place = context.place(self.state);
        context.store.set_timer(place, time.micros());
    }

    /// Takes the key's timer for this time away, if it is set.
    pub fn clear(self, context: &mut Context<'_>, time: Timestamp) {
        let sub = super::queue::sub_key(time.micros());
        context.store.remove(self.state, context.key, &sub);
    }
}

/// Reads an entry that has not ended.
pub(super) fn read<T: StateCodec>(store: &Store, state: u8, key: &[u8], sub: &[u8]) -> Option<T> {
    let bytes = alive(store, state, store.get(state, key, sub)?)?;
    Some(codec::whole(bytes).unwrap_or_else(|| corrupt(store, state)))
}

/// The encoded value of an entry that has not ended.
pub(super) fn alive<'s>(store: &Store, state: u8, body: &'s [u8]) -> Option<&'s [u8]> {
    let Some(ttl) = store.declared(state).ttl else { return Some(body) };
    let (expiry, bytes) = read_expiry(body).unwrap_or_else(|| corrupt(store, state));
    store.lives(ttl, expiry).then_some(bytes)
}

/// Writes an entry, by a row or timer of this event time.
pub(super) fn write<T: StateCodec>(
    store: &mut Store,
    place: Place<'_>,
    sub: &[u8],
    time: Option<i64>,
    value: &T,
    scratch: &mut Vec<u8>,
) {
    scratch.clear();
    if let Some(ttl) = store.declared(place.state).ttl {
        scratch.extend_from_slice(&store.expiry(ttl, time).to_le_bytes());
    }
    value.encode(scratch);
    store.put(place, sub, scratch);
}

/// The end, where bytes are not of the type that reads them.
#[cold]
pub(super) fn corrupt(store: &Store, state: u8) -> ! {
    let name = store.declared(state).name;
    panic!("state `{name}` was saved as another type: raise its version when its type changes")
}
