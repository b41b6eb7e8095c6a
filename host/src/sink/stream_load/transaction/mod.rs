//! From rows to transactions that can be committed: labels, intents, and loads through whatever
//! trying again they take.
//!
//! | file | what it is |
//! |---|---|
//! | `exchange` | what is asked of the target, as a trait |
//! | `label` | the names of loads, none used twice |
//! | `intents` | labels that may be open, written down before they are used |
//! | `handle` | what the checkpoint keeps of an epoch |
//! | `retry` | waiting before another try |
//! | `loader` | one load, until the target has answered |
//! | `part` | a part's rows, until the target has all but those that it refuses |
//! | `ending` | a prepared transaction's commit, or its end without one |
//! | `rows`, `error_log` | some of a part's rows; those that an error log names |
//! | `body`, `stream` | pieces of columns as the contents of a part; as bytes while they are sent |
//! | `repeat` | an epoch that comes again, of which a part is visible |
//! | `parallel` | several jobs at once |
//!
//! *Invariants*: a label is durable before the target hears of it and is used for one body only; a
//! load that is not to be kept is rolled back, at the latest by the next start.
//! *Not here*: what failures mean (`protocol`), which rows make a part (`held`).

mod body;
mod ending;
mod error_log;
mod exchange;
mod handle;
mod intents;
mod label;
mod loader;
pub(super) mod parallel;
mod part;
mod repeat;
mod retry;
mod rows;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use body::{Layouts, PartContents};
pub(super) use ending::Fate;
pub(super) use handle::{Emptied, PartHandle, StreamLoadHandle};
pub(super) use intents::Intents;
pub(super) use label::Labels;
pub(super) use loader::Loader;
pub(super) use part::{Contents, Outcome};
pub(super) use repeat::{Found, Repeat};
pub(super) use retry::Waits;
