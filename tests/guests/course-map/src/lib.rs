//! The map of the course: called for each row, it adds a column.

use millrace_sdk::prelude::*;

/// The columns that it reads.
#[derive(Input)]
struct Wager {
    total_bet: Decimal<2>,
    total_win: Decimal<2>,
}

/// The column that it adds.
#[derive(Output)]
struct Revenue {
    net_amount: Decimal<2>,
}

/// What the platform keeps of a wager.
#[transform]
fn revenue(wager: Wager) -> Revenue {
    Revenue { net_amount: wager.total_bet - wager.total_win }
}

#[cfg(test)]
mod tests {
    use millrace_sdk::testing::{Test, json};

    use super::revenue;

    #[test]
    fn the_platform_keeps_what_is_not_won() {
        let answer = Test::<revenue>::new()
            .row(json!({"total_bet": "10.00", "total_win": "2.50"}))
            .row(json!({"total_bet": "1.00", "total_win": "40.00"}))
            .run();
        let expected = ["7.50", "-39.00"].map(|amount| json!({"net_amount": amount}));
        assert_eq!(answer.added(), expected);
    }
}
