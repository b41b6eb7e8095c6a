//! The transform of the SDK's front page: plain fields, which take no nulls.

use millrace_sdk::prelude::*;

/// The columns that it reads.
#[derive(Input)]
struct Wager {
    version: i64,
    total_bet: Decimal<2>,
    total_win: Decimal<2>,
    end_time: Option<Timestamp>,
}

/// The columns that it adds.
#[derive(Output)]
struct Revenue {
    net_amount: Decimal<2>,
    is_completed: bool,
}

/// What the platform keeps of a wager.
#[transform]
fn plain_guest(wager: Wager) -> Option<Revenue> {
    (wager.version >= 1).then(|| Revenue {
        net_amount: wager.total_bet - wager.total_win,
        is_completed: wager.end_time.is_some(),
    })
}
