//! The join of the course: what the host joined comes beside the row.

use millrace_sdk::prelude::*;

/// The columns that it reads of its input.
#[derive(Input)]
struct Wager {
    total_bet: Decimal<2>,
    total_win: Decimal<2>,
}

/// The columns that it reads of the table. A row may find no game, so each may be null. Text
/// borrows: reading a row allocates nothing.
#[derive(Input)]
#[table("games")]
struct Game<'a> {
    provider: Option<&'a str>,
    theoretical_rtp: Option<Decimal<4>>,
}

/// The columns that it adds.
#[derive(Output)]
struct Returned<'a> {
    provider: Option<&'a str>,
    rtp: Option<Decimal<4>>,
    above_theory: Option<bool>,
}

/// What a wager returned to its player, beside what its game returns in the long run.
#[transform]
fn returned(wager: Wager, game: Game<'_>) -> Returned<'_> {
    // A bet of zero has no rate.
    let rtp = wager.total_win.div_rounded(wager.total_bet);
    Returned {
        provider: game.provider,
        rtp,
        above_theory: rtp.zip(game.theoretical_rtp).map(|(rtp, theory)| rtp > theory),
    }
}

#[cfg(test)]
mod tests {
    use millrace_sdk::testing::{Row, Test, json};

    use super::returned;

    #[test]
    fn a_game_that_is_not_known_has_no_theory() {
        let wager = || Row::from(json!({"total_bet": "3.00", "total_win": "2.00"}));
        let game = json!({"provider": "Acme", "theoretical_rtp": "0.6600"});
        let known = wager().joined("games", game);
        let answer = Test::<returned>::new().row(known).row(wager()).run();
        let expected = [
            json!({"provider": "Acme", "rtp": "0.6667", "above_theory": true}),
            json!({"provider": null, "rtp": "0.6667", "above_theory": null}),
        ];
        assert_eq!(answer.added(), expected);
    }
}
