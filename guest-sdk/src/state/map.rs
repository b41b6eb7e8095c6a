//! A map a key.

use std::marker::PhantomData;

use super::codec::{self, StateCodec};
use super::store::Store;
use super::value::{alive, corrupt, read, write};
use crate::keyed::Context;

/// A map a key, each entry of which is saved by itself. Where the map has a TTL, each entry lives by
/// itself too. [`Setup::map`](crate::keyed::Setup::map) declares one.
///
/// Entries come in the order of their encoded keys ([`codec`](crate::state::codec)), which is the
/// same on every machine and after every restore; it is that of the keys' values only for bytes of
/// one length, such as UUIDs.
pub struct Map<K, V> {
    state: u8,
    entry: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Map<K, V> {}

impl<K: StateCodec, V: StateCodec> Map<K, V> {
    pub(crate) fn new(state: u8) -> Self {
        Self { state, entry: PhantomData }
    }

    /// The value of an entry, if there is one.
    ///
    /// # Panics
    /// Where the saved value is of another type than `V`.
    #[must_use]
    pub fn get(self, context: &Context<'_>, key: &K) -> Option<V> {
        read(context.store, self.state, context.key, &encoded(key))
    }

    /// Sets the value of an entry.
    pub fn put(self, context: &mut Context<'_>, key: &K, value: &V) {
        let place = context.place(self.state);
        let (time, sub) = (context.time, encoded(key));
        write(context.store, place, &sub, time, value, context.scratch);
    }

    /// Removes an entry, if there is one.
    pub fn remove(self, context: &mut Context<'_>, key: &K) {
        context.store.remove(self.state, context.key, &encoded(key));
    }

    /// All entries, in the order of their encoded keys.
    ///
    /// # Panics
    /// Where a saved entry is of other types than `K` and `V`.
    #[must_use]
    pub fn entries(self, context: &Context<'_>) -> Vec<(K, V)> {
        let store = &*context.store;
        let decode = |address| {
            let value = alive(store, self.state, store.body_at(address))?;
            let entry = codec::whole(store.sub_key(address)).zip(codec::whole(value));
            Some(entry.unwrap_or_else(|| corrupt(store, self.state)))
        };
        store.entries(self.state, context.key).into_iter().filter_map(decode).collect()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(self, context: &Context<'_>) -> bool {
        let store = &*context.store;
        let entries = store.entries(self.state, context.key);
        !entries
            .into_iter()
            .any(|address| alive(store, self.state, store.body_at(address)).is_some())
    }

    /// Removes all entries.
    pub fn clear(self, context: &mut Context<'_>) {
        let store: &mut Store = context.store;
        for address in store.entries(self.state, context.key) {
            store.remove_at(address);
        }
    }
}

fn encoded<K: StateCodec>(key: &K) -> Vec<u8> {
    let mut encoded = Vec::new();
    key.encode(&mut encoded);
    encoded
}
