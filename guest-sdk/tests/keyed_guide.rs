//! The stateful transform of `docs/writing-transforms.md`, with its test.

use millrace_sdk::keyed::{Context, Keyed, Order, Port, Problem, Setup, Stage, Timer};
use millrace_sdk::prelude::*;
use millrace_sdk::state::{Timers, Value};
use millrace_sdk::testing::{Row, Test, json};
use serde::Deserialize;

#[derive(Input)]
struct Wager<'a> {
    user_id: Option<&'a str>,
    net_amount: Decimal<2>,
    #[meta(event_time)]
    at: Option<Timestamp>,
}

#[derive(Output)]
struct Loss {
    user_id: Option<String>,
    lost: Decimal<2>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Params {
    limit: Decimal<2>,
}

impl Default for Params {
    fn default() -> Self {
        Self { limit: Decimal::whole(1_000) }
    }
}

struct Losses {
    limit: Decimal<2>,
    lost: Value<Decimal<2>>,
    ends: Timers,
    losses: Port<Loss>,
}

impl Keyed for Losses {
    const NAME: &'static str = "losses";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const KEY: &'static [&'static str] = &["user_id"];
    const ORDER: Order = Order::EventTime;
    type Input<'a> = Wager<'a>;
    type Params = Params;

    fn open(params: Params, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
        Ok(Self {
            limit: params.limit,
            lost: setup.value("lost"),
            ends: setup.event_timers("ends"),
            losses: setup.port("losses", &["user_id"]),
        })
    }

    fn on_change(&mut self, context: &mut Context<'_>, wager: Wager<'_>) -> Result<(), Reject> {
        let at = wager.at.ok_or("a wager without an event time")?;
        let before = match self.lost.get(context) {
            Some(lost) => lost,
            None => {
                let end =
                    at.checked_add_micros(3_600_000_000).ok_or("a wager at the end of time")?;
                self.ends.set(context, end);
                Decimal::ZERO
            }
        };
        let lost = before + wager.net_amount;
        self.lost.put(context, &lost);
        if before <= self.limit && lost > self.limit {
            let user_id = wager.user_id.map(str::to_owned);
            context.emit_at(self.losses, at, Loss { user_id, lost });
        }
        Ok(())
    }

    fn on_timer(&mut self, context: &mut Context<'_>, _timer: Timer) {
        self.lost.clear(context);
    }
}

millrace_sdk::export_keyed!(Losses);

#[test]
fn losses_are_counted_by_the_hour() {
    let hour = |hours: i64| Timestamp::from_micros(hours * 3_600_000_000);
    let wager =
        |amount: &str, at| Row::from(json!({"user_id": "u1", "net_amount": amount})).event_time(at);
    let test = Test::<Stage<Losses>>::new()
        .row(wager("900.00", hour(0)))
        .row(wager("200.00", hour(0)))
        .watermark(hour(1))
        .row(wager("900.00", hour(2)))
        .watermark(hour(3));
    let answer = test.run();
    assert_eq!(answer.emitted().len(), 1);
    assert_eq!(answer.emitted()[0].row["lost"], "1100.00");
    for seed in 0..20 {
        assert_eq!(test.clone().cut(seed).restored(seed).run(), answer, "seed {seed}");
    }
}
