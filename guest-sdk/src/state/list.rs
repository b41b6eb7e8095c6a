//! A list a key.

use std::marker::PhantomData;

use super::codec::{self, StateCodec};
use super::record::push_length;
use super::ttl::read_expiry;
use super::value::corrupt;
use crate::keyed::Context;

/// An ordered list a key: rows of a window, the steps of a pattern.
///
/// Adding to it costs what the new element costs, in memory and in a save. Where the list has a TTL,
/// each element lives by itself. [`Setup::list`](crate::keyed::Setup::list) declares one.
pub struct List<T> {
    state: u8,
    element: PhantomData<fn() -> T>,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T: StateCodec> List<T> {
    pub(crate) fn new(state: u8) -> Self {
        Self { state, element: PhantomData }
    }

    /// The elements, in order.
    ///
    /// # Panics
    /// Where the saved elements are of another type than `T`.
    #[must_use]
    pub fn get(self, context: &Context<'_>) -> Vec<T> {
        let store = &*context.store;
        let ttl = store.declared(self.state).ttl;
        let body = store.get(self.state, context.key, &[]).unwrap_or_default();
        elements(body, ttl.is_some())
            .map(|element| element.unwrap_or_else(|| corrupt(store, self.state)))
            .filter(|(expiry, _)| ttl.is_none_or(|ttl| store.lives(ttl, *expiry)))
            .map(|(_, bytes)| codec::whole(bytes).unwrap_or_else(|| corrupt(store, self.state)))
            .collect()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(self, context: &Context<'_>) -> bool {
        let store = &*context.store;
        let ttl = store.declared(self.state).ttl;
        let body = store.get(self.state, context.key, &[]).unwrap_or_default();
        !elements(body, ttl.is_some())
            .flatten()
            .any(|(expiry, _)| ttl.is_none_or(|ttl| store.lives(ttl, expiry)))
    }

    /// Adds an element at the end.
    pub fn push(self, context: &mut Context<'_>, element: &T) {
        let place = context.place(self.state);
        let mut bytes = std::mem::take(context.scratch);
        bytes.clear();
        self.frame(context, element, &mut bytes);
        context.store.append(place, &bytes);
        *context.scratch = bytes;
    }

    /// Puts these elements in place of those that are there; with none, the list is gone.
    pub fn set<'t>(self, context: &mut Context<'_>, elements: impl IntoIterator<Item = &'t T>)
    where
        T: 't,
    {
        let mut bytes = Vec::new();
        for element in elements {
            self.frame(context, element, &mut bytes);
        }
        if bytes.is_empty() {
            self.clear(context);
        } else {
            let place = context.place(self.state);
            context.store.put(place, &[], &bytes);
        }
    }

    /// Removes all elements.
    pub fn clear(self, context: &mut Context<'_>) {
        context.store.remove(self.state, context.key, &[]);
    }

    fn frame(self, context: &Context<'_>, element: &T, bytes: &mut Vec<u8>) {
        if let Some(ttl) = context.store.declared(self.state).ttl {
            let expiry = context.store.expiry(ttl, context.time);
            bytes.extend_from_slice(&expiry.to_le_bytes());
        }
        let mut encoded = Vec::new();
        element.encode(&mut encoded);
        push_length(bytes, encoded.len());
        bytes.extend_from_slice(&encoded);
    }
}

/// When an element ends (never, without a TTL), and its bytes.
type Element<'a> = (i64, &'a [u8]);

/// The elements of a list's bytes. What is no element is the last, as nothing.
pub(super) fn elements(body: &[u8], ttl: bool) -> impl Iterator<Item = Option<Element<'_>>> {
    let mut rest = body;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let element = split(rest, ttl);
        rest = match element {
            Some((_, after)) => after,
            None => &[],
        };
        Some(element.map(|(element, _)| element))
    })
}

fn split(body: &[u8], ttl: bool) -> Option<(Element<'_>, &[u8])> {
    let (expiry, mut rest) = if ttl { read_expiry(body)? } else { (i64::MAX, body) };
    let length = usize::try_from(codec::small(&mut rest)?).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    Some(((expiry, bytes), rest))
}
