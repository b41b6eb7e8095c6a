//! The state of the course: what a user loses within an hour, told when it exceeds a limit and when
//! the hour ends.

use millrace_sdk::State;
use millrace_sdk::keyed::{Context, Keyed, Order, Port, Problem, Setup, Timer};
use millrace_sdk::prelude::*;
use millrace_sdk::state::{Timers, Value};
use serde::Deserialize;

const HOUR_MICROS: i64 = 3_600_000_000;

/// The columns that it reads, and the row's event time.
#[derive(Input)]
pub struct Wager<'a> {
    user_id: &'a str,
    net_amount: Decimal<2>,
    #[meta(event_time)]
    at: Option<Timestamp>,
}

/// The rows of both ports.
#[derive(Output)]
pub struct Loss {
    user_id: String,
    lost: Decimal<2>,
    at: Timestamp,
}

/// What the pipeline may set.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    limit: Decimal<2>,
}

impl Default for Params {
    fn default() -> Self {
        Self { limit: Decimal::whole(1_000) }
    }
}

/// What it keeps of a user whose hour has begun.
#[derive(State)]
struct Hour {
    user_id: String,
    lost: Decimal<2>,
}

/// The transform: its params, and handles for what it declares.
pub struct Losses {
    limit: Decimal<2>,
    hour: Value<Hour>,
    ends: Timers,
    alerts: Port<Loss>,
    hours: Port<Loss>,
}

impl Keyed for Losses {
    const NAME: &'static str = "losses";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "What a user loses within an hour.";
    const ORDER: Order = Order::EventTime;
    type Input<'a> = Wager<'a>;
    type Params = Params;

    fn open(params: Params, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
        Ok(Self {
            limit: params.limit,
            hour: setup.value("hour"),
            ends: setup.event_timers("ends"),
            alerts: setup.port("alerts", &[]),
            hours: setup.port("hours", &[]),
        })
    }

    /// A row, and in the context the state of its key.
    fn on_change(&mut self, context: &mut Context<'_>, wager: Wager<'_>) -> Result<(), Reject> {
        let at = wager.at.ok_or("a wager without an event time")?;
        let before = match self.hour.get(context) {
            Some(hour) => hour.lost,
            None => {
                let end = at.checked_add_micros(HOUR_MICROS).ok_or("a wager at the end of time")?;
                self.ends.set(context, end);
                Decimal::ZERO
            }
        };
        let user_id = wager.user_id.to_owned();
        let lost = before + wager.net_amount;
        self.hour.put(context, &Hour { user_id: user_id.clone(), lost });
        if before <= self.limit && lost > self.limit {
            context.emit_at(self.alerts, at, Loss { user_id, lost, at });
        }
        Ok(())
    }

    /// The hour is over: event time has reached the timer.
    fn on_timer(&mut self, context: &mut Context<'_>, timer: Timer) {
        if let Some(Hour { user_id, lost }) = self.hour.get(context) {
            self.hour.clear(context);
            let at = timer.time();
            context.emit_at(self.hours, at, Loss { user_id, lost, at });
        }
    }
}

millrace_sdk::export_keyed!(Losses);

#[cfg(test)]
mod tests {
    use millrace_sdk::keyed::Stage;
    use millrace_sdk::raw::DataType;
    use millrace_sdk::testing::{Row, Test, json};

    use super::*;

    #[test]
    fn losses_are_counted_by_the_hour() {
        let minute = |minutes: i64| Timestamp::from_micros(minutes * 60_000_000);
        let wager = |amount: &str, at| {
            Row::from(json!({"user_id": "u1", "net_amount": amount})).event_time(minute(at))
        };
        let test = Test::<Stage<Losses>>::new()
            .key_types(&[("user_id", DataType::Text)])
            .params(json!({"limit": "1000.00"}))
            .row(wager("900.00", 0))
            .row(wager("200.00", 5))
            .watermark(minute(60))
            .row(wager("900.00", 61))
            .row(wager("1.00", 59))
            .watermark(minute(180));
        let answer = test.run();
        let emitted: Vec<String> = answer
            .emitted()
            .iter()
            .map(|emitted| format!("{} {}", emitted.port, emitted.row["lost"]))
            .collect();
        assert_eq!(emitted, ["alerts \"1100.00\"", "hours \"1100.00\"", "hours \"900.00\""]);
        assert_eq!(answer.late(), [3]);
        for seed in 0..20 {
            assert_eq!(test.clone().cut(seed).restored(seed).run(), answer, "seed {seed}");
        }
    }
}
