//! A keyed transform that keeps something in every kind of handle: a user's sessions, each of which a
//! timer ends, and a running number for every row.

use millrace_sdk::State;
use millrace_sdk::keyed::{Context, Keyed, NoParams, Order, Port, Problem, Setup, Spec, Timer};
use millrace_sdk::prelude::*;
use millrace_sdk::state::{List, Map, Timers, Ttl, Value};
use millrace_sdk::time::Span;
use serde::Serialize;

/// Without a row for this long a session ends.
const GAP: i64 = 3_000_000;

/// What it reads; the key is the pipeline's to choose.
#[derive(Input)]
struct Row<'a> {
    wager_id: &'a str,
    user_id: Option<&'a str>,
    game_id: Option<&'a str>,
    #[meta(event_time)]
    at: Option<Timestamp>,
}

/// A session that ended.
#[derive(Output)]
struct Session {
    user_id: Option<String>,
    first: Timestamp,
    last: Timestamp,
    wager_ids: Json<'static>,
    games: Json<'static>,
}

/// The number of a row among those of its key.
#[derive(Output)]
struct Seen {
    wager_id: String,
    user_id: Option<String>,
    at: Timestamp,
    number: i64,
}

#[derive(State)]
struct Open {
    user_id: Option<String>,
    first: Timestamp,
    last: Timestamp,
}

struct Sessions {
    seen: Value<i64>,
    open: Value<Open>,
    wagers: List<String>,
    games: Map<String, i64>,
    ends: Timers,
    sessions: Port<Session>,
    rows: Port<Seen>,
}

impl Keyed for Sessions {
    const NAME: &'static str = "sessions_guest";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ORDER: Order = Order::EventTime;
    type Input<'a> = Row<'a>;
    type Params = NoParams;

    fn open(_params: NoParams, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
        let hour = Ttl::event_time(Span::from_secs(3_600));
        Ok(Self {
            seen: setup.value("seen"),
            open: setup.value("open"),
            wagers: setup.list("wagers"),
            games: setup.map(Spec::new("games").ttl(hour)),
            ends: setup.event_timers("ends"),
            sessions: setup.port("sessions", &[]),
            rows: setup.port("rows", &[]),
        })
    }

    fn on_change(&mut self, context: &mut Context<'_>, row: Row<'_>) -> Result<(), Reject> {
        let at = row.at.ok_or("a row without event time")?;
        let number = self.seen.get(context).unwrap_or_default() + 1;
        self.seen.put(context, &number);
        let user_id = row.user_id.map(str::to_owned);
        let mut open = self.open.get(context).unwrap_or(Open {
            user_id: user_id.clone(),
            first: at,
            last: at,
        });
        self.ends.clear(context, end(open.last));
        open.last = at;
        self.open.put(context, &open);
        self.ends.set(context, end(at));
        self.wagers.push(context, &row.wager_id.to_owned());
        let game = row.game_id.unwrap_or("none").to_owned();
        let played = self.games.get(context, &game).unwrap_or_default() + 1;
        self.games.put(context, &game, &played);
        let seen = Seen { wager_id: row.wager_id.to_owned(), user_id, at, number };
        context.emit_at(self.rows, at, seen);
        Ok(())
    }

    fn on_timer(&mut self, context: &mut Context<'_>, timer: Timer) {
        let Some(open) = self.open.get(context) else { return };
        let session = Session {
            user_id: open.user_id,
            first: open.first,
            last: open.last,
            wager_ids: list(&self.wagers.get(context)),
            games: list(&self.games.entries(context)),
        };
        self.open.clear(context);
        self.wagers.clear(context);
        context.emit_at(self.sessions, timer.time(), session);
    }
}

/// A list as JSON; one that cannot be written is a bug of this guest, which a trap shows.
fn list<T: Serialize>(values: &[T]) -> Json<'static> {
    Json::from_value(&values).expect("texts and numbers are JSON")
}

fn end(last: Timestamp) -> Timestamp {
    Timestamp::from_micros(last.micros() + GAP)
}

millrace_sdk::export_keyed!(Sessions);
