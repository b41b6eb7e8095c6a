//! Stateful transforms: they keep state by key, set timers, and emit rows on ports of their own.
//!
//! A row function sees one row and answers for it. A [`Keyed`] transform sees the rows of a key one
//! after the other, remembers what it likes in the handles of [`state`](crate::state), and emits rows
//! whenever it likes.
//!
//! Like row functions, they are tested natively, with [`testing`](crate::testing).
//!
//! ```
//! use millrace_sdk::keyed::{Context, Keyed, NoParams, Port, Problem, Setup, Stage, Timer};
//! use millrace_sdk::prelude::*;
//! use millrace_sdk::state::{Timers, Value};
//!
//! #[derive(Input)]
//! struct Click {
//!     #[meta(event_time)]
//!     at: Option<Timestamp>,
//! }
//!
//! #[derive(Output)]
//! struct Visit {
//!     clicks: i64,
//! }
//!
//! /// Counts a user's clicks until a minute passes without one.
//! struct Visits {
//!     clicks: Value<(i64, Timestamp)>,
//!     ends: Timers,
//!     visits: Port<Visit>,
//! }
//!
//! impl Keyed for Visits {
//!     const NAME: &'static str = "visits";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!     const KEY: &'static [&'static str] = &["user_id"];
//!     type Input<'a> = Click;
//!     type Params = NoParams;
//!
//!     fn open(_params: NoParams, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
//!         Ok(Self {
//!             clicks: setup.value("clicks"),
//!             ends: setup.event_timers("ends"),
//!             visits: setup.port("visits", &[]),
//!         })
//!     }
//!
//!     fn on_change(&mut self, context: &mut Context<'_>, click: Click) -> Result<(), Reject> {
//!         let at = click.at.ok_or("a click without a time")?;
//!         let end = at.checked_add_micros(60_000_000).ok_or("a click at the end of time")?;
//!         let mut clicks = 0;
//!         if let Some((earlier, end)) = self.clicks.get(context) {
//!             self.ends.clear(context, end);
//!             clicks = earlier;
//!         }
//!         self.clicks.put(context, &(clicks + 1, end));
//!         self.ends.set(context, end);
//!         Ok(())
//!     }
//!
//!     fn on_timer(&mut self, context: &mut Context<'_>, timer: Timer) {
//!         if let Some((clicks, _)) = self.clicks.get(context) {
//!             self.clicks.clear(context);
//!             context.emit_at(self.visits, timer.time(), Visit { clicks });
//!         }
//!     }
//! }
//! millrace_sdk::export_keyed!(Visits);
//!
//! # use millrace_sdk::testing::{Row, Test, json};
//! let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
//! let click = |user: &str, seconds| Row::from(json!({"user_id": user})).event_time(at(seconds));
//! let answer = Test::<Stage<Visits>>::new()
//!     .key_types(&[("user_id", millrace_sdk::raw::DataType::Text)])
//!     .row(click("a", 0))
//!     .row(click("b", 5))
//!     .row(click("a", 30))
//!     .watermark(at(89))
//!     .watermark(at(90))
//!     .run();
//! assert_eq!(answer.emitted().len(), 2);
//! assert_eq!(answer.emitted()[0].row, json!({"clicks": 1}));
//! assert_eq!(answer.emitted()[1].row, json!({"clicks": 2}));
//! assert_eq!(answer.emitted()[1].event_time, Some(at(90)));
//! ```
//!
//! # When what happens
//! The rows of a key come in order. With [`Keyed::ORDER`] as [`Order::EventTime`] that is the order of
//! event time, ties as they came, and a timer fires before any row of its time or later, so that the
//! answer depends neither on how rows are cut into batches nor on how often watermarks come. With
//! [`Order::Arrival`] rows come as they come, and timers fire when a watermark reaches them. Timers
//! fire by time, those of one time by key.
//!
//! # Refusing a row
//! An `Err` of `on_change` refuses the row, and so do a decimal that overflows and a value that its
//! column cannot hold. What was done to state before stays done, so look before you write. In
//! `on_timer` there is no row to blame: there they stop the pipeline.

mod context;
mod fire;
mod ports;
mod setup;
mod stage;

pub use context::{Context, Timer};
pub use ports::Port;
pub use setup::{Setup, Spec};
pub use stage::Stage;

pub use crate::raw::{Operations, Order, Problem};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::reject::Reject;
use crate::row::{Input, Projection};

/// Params of a transform that takes none.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// A stateful transform. [`export_keyed!`](crate::export_keyed) makes one the transform of its crate;
/// see [the module](self) for a whole one.
pub trait Keyed: Sized {
    /// The transform's name, lowercase words joined by `_`.
    const NAME: &'static str;
    /// The version of its crate: `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// A line for people.
    const ABOUT: &'static str = "";
    /// The input's columns that make the key. None leaves the key to the pipeline's TOML.
    const KEY: &'static [&'static str] = &[];
    /// The order in which rows come.
    const ORDER: Order = Order::Arrival;

    /// The row, a struct that derives `Input`. It reads only what it names: the key's columns are in
    /// it where they are wanted.
    type Input<'a>: Projection<'a> + Input;

    /// What the pipeline may set, a `serde` struct; [`NoParams`] where it may set nothing.
    type Params: DeserializeOwned;

    /// The operations whose rows come; others pass by unseen. By default inserts, reads, and the after
    /// images of updates.
    #[must_use]
    fn takes() -> Operations {
        Operations::INSERT | Operations::UPDATE | Operations::READ
    }

    /// Declares states, timers and ports, and makes the transform. It is called at check time too, so
    /// it does nothing else; what it declares may depend on the params.
    ///
    /// # Errors
    /// What is wrong with the params.
    fn open(params: Self::Params, setup: &mut Setup) -> Result<Self, Vec<Problem>>;

    /// Takes a row of the key that `context` is at.
    ///
    /// # Errors
    /// Why the row is refused: it goes to the dead letters.
    fn on_change(&mut self, context: &mut Context<'_>, row: Self::Input<'_>) -> Result<(), Reject>;

    /// Takes a timer of the key that `context` is at. It is not set any more.
    fn on_timer(&mut self, context: &mut Context<'_>, timer: Timer) {
        let _ = (context, timer);
    }
}

/// Makes a [`Keyed`](crate::keyed::Keyed) type the transform of this crate.
///
/// Outside wasm it exports nothing. Tests and other crates drive
/// [`Stage`](crate::keyed::Stage) of the type.
#[macro_export]
macro_rules! export_keyed {
    ($keyed:ty) => {
        $crate::export!($crate::keyed::Stage<$keyed>);
    };
}
