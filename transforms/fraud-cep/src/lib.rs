//! Alerts where a user places several large bets in a short time.

use millrace_sdk::State;
use millrace_sdk::keyed::{Context, Keyed, Operations, Order, Port, Problem, Setup, Spec};
use millrace_sdk::prelude::*;
use millrace_sdk::state::{Ttl, Value};
use millrace_sdk::time::Span;
use serde::Deserialize;

/// The columns that it reads.
#[derive(Input)]
pub struct Bet<'a> {
    user_id: Option<&'a str>,
    wager_id: Option<&'a str>,
    total_bet: Option<Decimal<2>>,
    #[meta(event_time)]
    at: Option<Timestamp>,
}

/// The rows of its port.
#[derive(Output)]
pub struct Alert {
    user_id: Option<String>,
    first_ts: Timestamp,
    last_ts: Timestamp,
    wager_ids: Json<'static>,
    total_bet: Decimal<2>,
}

/// What the pipeline may set.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// So many large bets make an alert.
    n: u32,
    /// A bet strictly above is large.
    x: Decimal<2>,
    /// The last large bet must come less than this after the first.
    t: Span,
}

impl Default for Params {
    fn default() -> Self {
        Self { n: 3, x: Decimal::whole(100), t: Span::from_secs(60) }
    }
}

/// A large bet that may be part of a match.
#[derive(State)]
struct Large {
    wager_id: Option<String>,
    at: Timestamp,
    bet: Decimal<2>,
}

/// The transform.
///
/// The pattern is `A X* B Y* C`, for `n` letters instead of three, where the letters are large bets
/// and what is between them is not. A bet is one or the other, or null and neither, so a match that
/// begins at a large bet can only be that and the next `n - 1` large ones, if no null comes between.
/// It fails if the last of them is `t` or more behind the first; what begins at the next large bet
/// may still succeed. So all that has to be remembered of a user are the last large bets, at most
/// `n - 1`, none of them `t` or more behind the one at work: a first bet that is so far behind cannot
/// be completed by a later one either.
pub struct FraudCep {
    params: Params,
    large: Value<Vec<Large>>,
    alerts: Port<Alert>,
}

impl Keyed for FraudCep {
    const NAME: &'static str = "fraud_cep";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "Alerts where a user places several large bets in a short time.";
    const KEY: &'static [&'static str] = &["user_id"];
    const ORDER: Order = Order::EventTime;
    type Input<'a> = Bet<'a>;
    type Params = Params;

    fn takes() -> Operations {
        Operations::INSERT | Operations::READ
    }

    fn open(params: Params, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if params.n == 0 {
            let hint = Some("leave it out for 3".to_owned());
            problems.push(Problem::params("n", "an alert takes at least one bet", hint));
        }
        if params.t.micros() == 0 {
            let hint = Some("leave it out for \"1m\"".to_owned());
            problems.push(Problem::params("t", "no two bets are less than no time apart", hint));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        // What is `t` behind is of no use, so users who are gone take no memory.
        let large = Spec::new("large").ttl(Ttl::event_time(params.t));
        Ok(Self { large: setup.value(large), alerts: setup.port("alerts", &[]), params })
    }

    fn on_change(&mut self, context: &mut Context<'_>, bet: Bet<'_>) -> Result<(), Reject> {
        let at = bet.at.ok_or("a bet without an event time")?;
        let Some(amount) = bet.total_bet else {
            self.large.clear(context);
            return Ok(());
        };
        if amount <= self.params.x {
            return Ok(());
        }
        let mut large = self.large.get(context).unwrap_or_default();
        large.retain(|earlier| at.micros_since(earlier.at) < self.params.t.micros());
        large.push(Large { wager_id: bet.wager_id.map(str::to_owned), at, bet: amount });
        if large.len() < self.params.n as usize {
            self.large.put(context, &large);
            return Ok(());
        }
        self.large.clear(context);
        let ids: Vec<Option<&str>> = large.iter().map(|bet| bet.wager_id.as_deref()).collect();
        let wager_ids = Json::from_value(&ids).map_err(|error| error.to_string())?;
        let alert = Alert {
            user_id: bet.user_id.map(str::to_owned),
            first_ts: large.first().map_or(at, |first| first.at),
            last_ts: at,
            wager_ids,
            total_bet: large.iter().map(|large| large.bet).sum(),
        };
        context.emit_at(self.alerts, at, alert);
        Ok(())
    }
}

millrace_sdk::export_keyed!(FraudCep);
