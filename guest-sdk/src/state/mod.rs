//! State by key, in guest memory behind typed handles, and with the host for safety.
//!
//! A stateful transform ([`keyed`](crate::keyed)) declares what it keeps, and gets handles:
//! [`Value`], [`List`], [`Map`] and [`Timers`], all of the key at work, and [`Broadcast`], which is of
//! no key. What they hold goes to the host with every checkpoint, as the changes since the last one,
//! and comes back after a crash or a change of parallelism; everything else that a transform keeps is
//! lost then, so it keeps nothing else.
//!
//! Values are bytes, in a compact encoding ([`codec`]). A million entries of a dozen bytes of key and
//! twenty of value take about twice that in memory.

mod changes;
pub mod codec;
pub mod hash;
mod index;
pub mod key;
mod links;
mod list;
mod map;
mod queue;
mod record;
pub mod save;
mod slab;
mod store;
#[cfg(test)]
mod tests;
mod ttl;
mod value;

pub use codec::StateCodec;
pub use list::List;
pub use map::Map;
pub(crate) use queue::Due;
pub(crate) use store::{Declared, Place, Store};
pub use ttl::{Domain, Ttl};
pub use value::{Broadcast, Timers, Value};
