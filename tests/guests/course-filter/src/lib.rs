//! The filter of the course: `None` leaves a row out.

use millrace_sdk::prelude::*;

/// The columns that it reads. The second may be null, so it is an `Option`.
#[derive(Input)]
struct Wager {
    placed_at: Timestamp,
    ended_at: Option<Timestamp>,
}

/// The column that it adds to the rows that it keeps.
#[derive(Output)]
struct Length {
    seconds: i64,
}

/// How long a wager took. One that has not ended is left out.
#[transform]
fn ended(wager: Wager) -> Option<Length> {
    let ended_at = wager.ended_at?;
    Some(Length { seconds: ended_at.micros_since(wager.placed_at) / 1_000_000 })
}

#[cfg(test)]
mod tests {
    use millrace_sdk::testing::{Test, json};

    use super::ended;

    #[test]
    fn a_wager_that_goes_on_is_left_out() {
        let placed = "2026-11-20T12:00:00Z";
        let answer = Test::<ended>::new()
            .row(json!({"placed_at": placed, "ended_at": null}))
            .row(json!({"placed_at": placed, "ended_at": "2026-11-20T12:01:30Z"}))
            .run();
        assert_eq!(answer.kept(), [1]);
        assert_eq!(answer.added(), [json!({"seconds": 90})]);
    }
}
