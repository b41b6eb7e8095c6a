//! Platform revenue and completion of wagers.

use millrace_sdk::prelude::*;
use serde::Deserialize;

/// The columns that it reads.
#[derive(Input)]
struct Wager {
    version: Option<i64>,
    total_bet: Option<Decimal<2>>,
    total_win: Option<Decimal<2>>,
    end_time: Option<Timestamp>,
    #[meta(processing_time)]
    processed_at: Timestamp,
}

/// The columns that it adds.
#[derive(Output)]
struct Revenue {
    is_completed: bool,
    event_count: i32,
    net_amount: Option<Decimal<2>>,
    processed_at: Timestamp,
}

/// What the pipeline may set.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Params {
    /// Wagers of a lower version are not counted.
    min_version: i64,
}

impl Default for Params {
    fn default() -> Self {
        Self { min_version: 1 }
    }
}

/// Platform revenue (bet less win) and completion of each counted wager.
#[transform]
fn wager_revenue(wager: Wager, params: &Params) -> Result<Option<Revenue>, Reject> {
    // A wager without a version was never opened: it is filtered, not refused.
    let Some(version) = wager.version.filter(|version| *version >= params.min_version) else {
        return Ok(None);
    };
    let event_count = i32::try_from(version)
        .map_err(|_| Reject::new("version exceeds an i32").column("event_count"))?;
    Ok(Some(Revenue {
        is_completed: wager.end_time.is_some(),
        event_count,
        net_amount: wager.total_bet.zip(wager.total_win).map(|(bet, win)| bet - win),
        processed_at: wager.processed_at,
    }))
}

#[cfg(test)]
mod tests {
    use millrace_sdk::testing::{Row, Test, Value, json};

    use super::*;

    fn wager(version: i64, bet: &str, win: &str) -> Value {
        json!({"version": version, "total_bet": bet, "total_win": win})
    }

    #[test]
    fn revenue_is_bet_less_win() {
        let processed_at = Timestamp::from_micros(1_700_000_000_000_000);
        let closed = json!({
            "version": 3,
            "total_bet": "10.00",
            "total_win": "12.50",
            "end_time": "2023-11-14T22:00:00Z",
        });
        let answer = Test::<wager_revenue>::new()
            .row(Row::from(closed).processing_time(processed_at))
            .row(wager(1, "0.10", "0.00"))
            .run();
        assert_eq!(
            answer.added(),
            [
                json!({
                    "is_completed": true,
                    "event_count": 3,
                    "net_amount": "-2.50",
                    "processed_at": "2023-11-14T22:13:20Z",
                }),
                json!({
                    "is_completed": false,
                    "event_count": 1,
                    "net_amount": "0.10",
                    "processed_at": "1970-01-01T00:00:00Z",
                }),
            ]
        );
    }

    #[test]
    fn an_amount_that_is_null_makes_the_revenue_null() {
        let answer = Test::<wager_revenue>::new()
            .row(json!({"version": 1, "total_bet": "1.00"}))
            .row(json!({"version": 1, "total_win": "1.00"}))
            .run();
        assert!(answer.added().iter().all(|added| added["net_amount"].is_null()));
    }

    #[test]
    fn versions_below_the_least_are_filtered() {
        let rows = [wager(0, "1.00", "0.00"), json!({}), wager(1, "1.00", "0.00")];
        let test = Test::<wager_revenue>::new().rows(rows).row(wager(2, "1.00", "0.00"));
        assert_eq!(test.run().kept(), [2, 3]);
        assert_eq!(test.params(json!({"min_version": 2})).run().kept(), [3]);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_the_first_column_that_it_does_not_fit() {
        let (bet, win) = ("-9000000000000000.00", "9000000000000000.00");
        let answer = Test::<wager_revenue>::new()
            .row(wager(2_147_483_648, bet, win))
            .row(wager(1, bet, win))
            .row(wager(0, bet, win))
            .run();
        let refused: Vec<_> = answer
            .rejected()
            .iter()
            .map(|rejected| (rejected.row, rejected.column.as_deref(), rejected.reason.as_str()))
            .collect();
        assert_eq!(
            refused,
            [
                (0, Some("event_count"), "version exceeds an i32"),
                (1, Some("net_amount"), "decimal overflow"),
            ]
        );
        assert!(answer.kept().is_empty());
    }

    #[test]
    fn batches_carry_no_meaning() {
        let rows = (-5..200).map(|version| wager(version, "1.00", "0.25"));
        let test = Test::<wager_revenue>::new().rows(rows);
        let whole = test.run();
        for seed in 0..20 {
            assert_eq!(test.clone().cut(seed).run(), whole, "seed {seed}");
        }
    }

    #[test]
    fn a_misspelt_param_is_a_problem_with_a_hint() {
        let test = Test::<wager_revenue>::new().params(json!({"min_versoin": 2}));
        let problems = test.describe().expect_err("there is no such param");
        assert_eq!(problems[0].hint.as_deref(), Some("did you mean `min_version`?"));
    }

    #[test]
    fn the_function_itself_is_plain_rust() {
        let wager = Wager {
            version: Some(1),
            total_bet: Some(Decimal::whole(2)),
            total_win: Some(Decimal::whole(5)),
            end_time: None,
            processed_at: Timestamp::from_micros(0),
        };
        let revenue = wager_revenue(wager, &Params::default());
        let net_amount = revenue.expect("it fits").and_then(|revenue| revenue.net_amount);
        assert_eq!(net_amount, Some(Decimal::whole(-3)));
    }
}
