//! Alerts against a naive model of `MATCH_RECOGNIZE`.

use fraud_cep::FraudCep;
use millrace_sdk::keyed::{Order, Stage};
use millrace_sdk::operation::Operation;
use millrace_sdk::testing::{Row, Test, Value, json};
use millrace_sdk::time::Timestamp;
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

const MINUTE: i64 = 60_000_000;

/// A bet of a user: who, cents or null, and when in microseconds.
type Bet = (Option<&'static str>, Option<i64>, i64);

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn amount(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn row(index: usize, (user, cents, time): &Bet) -> Row {
    Row::from(json!({
        "user_id": user,
        "wager_id": format!("w{index}"),
        "total_bet": cents.map(amount),
    }))
    .event_time(at(*time))
}

/// Rows in the order in which they come.
fn test(bets: &[Bet]) -> Test<Stage<FraudCep>> {
    Test::new().rows(bets.iter().enumerate().map(|(index, bet)| row(index, bet)))
}

fn alerts(test: &Test<Stage<FraudCep>>) -> Vec<Value> {
    test.run().emitted().iter().map(|emitted| emitted.row.clone()).collect()
}

/// The matches of `(large small*)* large` with `n` large bets among the rows of one user, which are
/// in order: begun at each row in turn, as SQL tells it, and behind a match after its last row.
fn matches(rows: &[(usize, &Bet)], n: usize, x: i64, t: i64) -> Vec<Vec<usize>> {
    let (mut found, mut begin) = (Vec::new(), 0);
    while begin < rows.len() {
        match match_at(&rows[begin..], n, x, t) {
            Some((length, large)) => {
                found.push(large);
                begin += length;
            }
            None => begin += 1,
        }
    }
    found
}

/// The match that begins with the first row: its number of rows, and its large bets.
fn match_at(rows: &[(usize, &Bet)], n: usize, x: i64, t: i64) -> Option<(usize, Vec<usize>)> {
    let first = rows.first()?.1.2;
    let mut large = Vec::new();
    for (length, (index, (_, cents, time))) in rows.iter().enumerate() {
        match cents {
            Some(cents) if *cents > x => large.push(*index),
            // The first row is a large bet, or there is no match here.
            Some(_) if !large.is_empty() => continue,
            _ => return None,
        }
        if large.len() == n {
            return (time - first < t).then_some((length + 1, large));
        }
    }
    None
}

/// The alerts of all users, each with the place of its last bet among all, by that.
fn model(bets: &[Bet], late: &[usize], n: usize, x: i64, t: i64) -> Vec<Value> {
    let mut order: Vec<(usize, &Bet)> =
        bets.iter().enumerate().filter(|(index, _)| !late.contains(index)).collect();
    order.sort_by_key(|(_, bet)| bet.2);
    let mut users: Vec<Option<&str>> = bets.iter().map(|bet| bet.0).collect();
    users.sort_unstable();
    users.dedup();
    let mut found = Vec::new();
    for user in users {
        let own: Vec<_> = order.iter().copied().filter(|(_, bet)| bet.0 == user).collect();
        found.extend(matches(&own, n, x, t));
    }
    let place = |index: &usize| order.iter().position(|(other, _)| other == index);
    found.sort_by_key(|large| large.last().and_then(place));
    let alert = |large: Vec<usize>| {
        let (first, last) = (&bets[large[0]], &bets[large[large.len() - 1]]);
        let ids: Vec<String> = large.iter().map(|index| format!("w{index}")).collect();
        let sum: i64 = large.iter().filter_map(|index| bets[*index].1).sum();
        json!({
            "user_id": first.0,
            "first_ts": at(first.2).to_string(),
            "last_ts": at(last.2).to_string(),
            "wager_ids": ids,
            "total_bet": amount(sum),
        })
    };
    found.into_iter().map(alert).collect()
}

fn bets() -> impl Strategy<Value = Vec<Bet>> {
    let user = proptest::sample::select(vec![Some("a"), Some("a"), Some("b"), None]);
    let cents = proptest::sample::select(vec![
        Some(10_001),
        Some(10_001),
        Some(25_000),
        Some(10_000),
        Some(1),
        None,
    ]);
    // Steps of seconds with ties, some of them back: disorder, and rows that are late.
    proptest::collection::vec((user, cents, -8..24_i64), 0..80).prop_map(|mut bets| {
        let mut time = 100_000_000;
        for (_, _, step) in &mut bets {
            time += *step * 1_000_000;
            *step = time;
        }
        bets
    })
}

proptest! {
    #[test]
    fn alerts_are_the_matches_of_the_pattern(
        bets in bets(),
        n in 1..5_usize,
        seconds in 1..90_i64,
        disorder in 0..12_i64,
        seed in 0..u64::MAX,
    ) {
        // A watermark after each row, as far behind the latest as the disorder allows.
        let (mut watched, mut latest) = (Test::<Stage<FraudCep>>::new(), i64::MIN);
        for (index, bet) in bets.iter().enumerate() {
            latest = latest.max(bet.2);
            watched = watched.row(row(index, bet)).watermark(at(latest - disorder * 1_000_000));
        }
        let params = json!({"n": n, "t": format!("{seconds}s")});
        let watched = watched.params(params);
        let answer = watched.run();
        let found: Vec<_> = answer.emitted().iter().map(|one| one.row.clone()).collect();
        let wanted = model(&bets, answer.late(), n, 10_000, seconds * 1_000_000);
        prop_assert_eq!(found, wanted);
        prop_assert!(answer.rejected().is_empty());
        prop_assert_eq!(watched.cut(seed).restored(seed).run(), answer);
    }

    #[test]
    fn neither_cuts_nor_restores_nor_watermarks_show(bets in bets(), seed in 0..u64::MAX) {
        let whole = test(&bets).run();
        prop_assert_eq!(test(&bets).cut(seed).restored(seed).run(), whole);
        let wanted = model(&bets, &[], 3, 10_000, MINUTE);
        prop_assert_eq!(alerts(&test(&bets)), wanted);
    }
}

#[test]
fn three_large_bets_within_a_minute_alert() {
    let second = 1_000_000;
    let bets = [
        (Some("a"), Some(10_001), 0),
        (Some("a"), Some(10_000), 10 * second),
        (Some("a"), Some(20_000), 20 * second),
        (Some("b"), Some(30_000), 30 * second),
        (Some("a"), Some(10_050), MINUTE - 1),
    ];
    let answer = test(&bets).run();
    assert_eq!(
        answer.emitted()[0].row,
        json!({
            "user_id": "a",
            "first_ts": "1970-01-01T00:00:00Z",
            "last_ts": "1970-01-01T00:00:59.999999Z",
            "wager_ids": ["w0", "w2", "w4"],
            "total_bet": "400.51",
        })
    );
    assert_eq!(answer.emitted()[0].event_time, Some(at(MINUTE - 1)));
    assert_eq!(answer.emitted().len(), 1);
}

#[test]
fn a_minute_is_too_long_and_the_next_bet_begins_anew() {
    let large = |time: i64| (Some("a"), Some(20_000), time);
    assert!(alerts(&test(&[large(0), large(1), large(MINUTE)])).is_empty());
    let found = alerts(&test(&[large(0), large(1), large(MINUTE), large(MINUTE)]));
    assert_eq!(found[0]["wager_ids"], json!(["w1", "w2", "w3"]));
}

#[test]
fn a_null_breaks_and_a_match_begins_behind_the_last() {
    let large = (Some("a"), Some(20_000), 0);
    let null = (Some("a"), None, 0);
    assert!(alerts(&test(&[large, large, null, large, large])).is_empty());
    let found = alerts(&test(&[large; 7]));
    let ids: Vec<_> = found.iter().map(|alert| &alert["wager_ids"]).collect();
    assert_eq!(ids, [&json!(["w0", "w1", "w2"]), &json!(["w3", "w4", "w5"])]);
}

#[test]
fn the_params_have_bounds_and_the_description_asks_for_order() {
    let description = Test::<Stage<FraudCep>>::new().describe().expect("it has defaults");
    assert_eq!(
        (description.key, description.order),
        (vec!["user_id".to_owned()], Order::EventTime)
    );
    assert!(description.keyed && description.watermarks && !description.ticks);
    assert_eq!(description.outputs[0].name, "alerts");
    let wrong = Test::<Stage<FraudCep>>::new().params(json!({"n": 0, "t": "0s"}));
    assert_eq!(wrong.describe().expect_err("out of bounds").len(), 2);
}

#[test]
#[should_panic(expected = "the host passes each update by")]
fn updates_pass_by() {
    let bet = row(0, &(Some("a"), Some(1), 0)).operation(Operation::Update);
    drop(Test::<Stage<FraudCep>>::new().row(bet).run());
}

#[test]
fn a_sum_of_too_many_digits_refuses_the_last_bet() {
    let bet = (Some("a"), Some(500_000_000_000_000_000), 0);
    let answer = test(&[bet; 3]).run();
    assert!(answer.emitted().is_empty());
    assert_eq!(answer.rejected()[0].row, 2);
    assert_eq!(answer.rejected()[0].column.as_deref(), Some("total_bet"));
}
