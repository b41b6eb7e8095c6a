//! Return to player (RTP) of each wager, beside the theoretical one of its game.

use millrace_sdk::prelude::*;

/// The columns that it reads.
#[derive(Input)]
struct Wager {
    total_bet: Option<Decimal<2>>,
    total_win: Option<Decimal<2>>,
}

/// The columns that the pipeline joins: `join.games = { on = "game_id" }`.
#[derive(Input)]
#[table("games")]
struct Game<'a> {
    provider: Option<&'a str>,
    theoretical_rtp: Option<Decimal<4>>,
}

/// The columns that it adds.
#[derive(Output)]
struct Enriched<'a> {
    provider: Option<&'a str>,
    theoretical_rtp: Option<Decimal<4>>,
    rtp: Option<Decimal<4>>,
    rtp_difference: Option<Decimal<4>>,
}

/// Return to player (win by bet) of each wager, beside the theoretical one of its game.
#[transform]
fn rtp_enrichment(wager: Wager, game: Game<'_>) -> Enriched<'_> {
    // A bet of zero has no rate; neither has an amount that is not known.
    let rtp = wager.total_bet.zip(wager.total_win).and_then(|(bet, win)| win.div_rounded(bet));
    Enriched {
        provider: game.provider,
        theoretical_rtp: game.theoretical_rtp,
        rtp,
        rtp_difference: rtp.zip(game.theoretical_rtp).map(|(rtp, theory)| rtp - theory),
    }
}

#[cfg(test)]
mod tests {
    use millrace_sdk::testing::{Row, Test, json};

    use super::*;

    fn wager(bet: Option<&str>, win: Option<&str>) -> Row {
        Row::from(json!({"total_bet": bet, "total_win": win}))
            .joined("games", json!({"provider": "Acme", "theoretical_rtp": "0.9650"}))
    }

    #[test]
    fn the_rate_is_rounded_half_away_from_zero() {
        let answer = Test::<rtp_enrichment>::new()
            .row(wager(Some("3.00"), Some("2.00")))
            .row(wager(Some("200.00"), Some("0.01")))
            .row(wager(Some("200.00"), Some("-0.01")))
            .run();
        let added = answer.added();
        assert_eq!(added[0]["rtp"], "0.6667");
        assert_eq!(added[1]["rtp"], "0.0001");
        assert_eq!(added[2]["rtp"], "-0.0001");
        assert_eq!(added[0]["rtp_difference"], "-0.2983");
        assert_eq!(added[0]["provider"], "Acme");
    }

    #[test]
    fn without_a_bet_or_an_amount_there_is_no_rate() {
        let answer = Test::<rtp_enrichment>::new()
            .row(wager(Some("0.00"), Some("2.00")))
            .row(wager(None, Some("2.00")))
            .row(wager(Some("1.00"), None))
            .run();
        for added in answer.added() {
            assert!(added["rtp"].is_null() && added["rtp_difference"].is_null());
            assert_eq!(added["theoretical_rtp"], "0.9650");
        }
    }

    #[test]
    fn a_game_that_is_not_known_has_no_theory() {
        let answer = Test::<rtp_enrichment>::new()
            .row(json!({"total_bet": "2.00", "total_win": "1.00"}))
            .run();
        assert_eq!(
            answer.added(),
            [json!({
                "provider": null,
                "theoretical_rtp": null,
                "rtp": "0.5000",
                "rtp_difference": null,
            })]
        );
    }

    #[test]
    fn a_rate_of_too_many_digits_refuses_the_row() {
        let answer = Test::<rtp_enrichment>::new()
            .row(wager(Some("0.01"), Some("9999999999999999.99")))
            .run();
        assert_eq!(answer.rejected()[0].column.as_deref(), Some("rtp"));
        assert_eq!(answer.rejected()[0].reason, "decimal overflow");
    }
}
