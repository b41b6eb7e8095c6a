//! Made-up wagers as JSON lines, a stream that a seed and a line number fix.
//!
//! *Invariants*: every line takes [`DRAWS`] random numbers, so that line n can be made without the
//! lines before it; the bytes of a line depend on nothing but seed, start and number, and never
//! change: stored files and positions rely on it.
//! *Not here*: how fast the lines come and who decodes them (the source).

use rand_pcg::Pcg64;
use rand_pcg::rand_core::RngCore;

use super::numbers::{lognormal, popularity};

/// Random 64-bit numbers that every line takes.
const DRAWS: u128 = 4;
/// The generator's stream; another number would be another sequence.
const STREAM: u128 = 0x4d69_6c6c_7261_6365;
/// A chance of 16 bits: 5 % are version 0.
const VERSION_0: u64 = 3_277;
/// 10 % have no end time member, and as many a null there.
const END_MISSING: u64 = 6_554;
const END_NULL: u64 = 13_107;
/// A fifth comes out of order.
const DISORDERED: u64 = 13_107;
/// A quarter wins.
const WINS: u64 = 16_384;
/// Milliseconds of event time from line to line: 500 lines a second.
const STEP_MS: i64 = 2;
/// How far out of order a line may be.
const DISORDER_MS: u64 = 5_000;
/// A player's session changes every ten minutes of event time.
const SESSION_MS: i64 = 600_000;
/// The largest bet, in cents.
const BET_MAX: f64 = 1_000_000.0;

/// An endless, reproducible stream of wagers as JSON lines.
///
/// The games are `g-001` to `g-200`, the users `u-00001` to `u-10000`, both of skewed popularity.
/// Bets are lognormal around 8.00; a quarter of the wagers wins, such that each game pays back a
/// share of its own, about 0.95 on average. 5 % are of version 0; 20 % have no end time, half of
/// these as an explicit null. `lastUpdateTime` moves on by 500 lines a second, a fifth of them up
/// to 5 s too early.
///
/// # Examples
/// ```
/// use millrace::source::{GeneratorConfig, WagerGenerator};
///
/// let mut generator = WagerGenerator::new(7, GeneratorConfig::DEFAULT_START);
/// let mut lines = Vec::new();
/// generator.append_line(&mut lines);
/// assert!(lines.starts_with(b"{\"payload\":{\"_id\":\""));
/// assert!(lines.ends_with(b"}}\n"));
/// ```
#[derive(Clone, Debug)]
pub struct WagerGenerator {
    origin: Pcg64,
    random: Pcg64,
    line: u64,
    start_ms: i64,
    salt: u64,
    games: Vec<u16>,
    users: Vec<u16>,
}

impl WagerGenerator {
    /// How many games there are.
    pub const GAMES: u16 = 200;
    /// How many users there are.
    pub const USERS: u16 = 10_000;

    /// The stream of a seed, at its first line; event time begins at `start`, microseconds since
    /// 1970 UTC.
    #[must_use]
    pub fn new(seed: u64, start: i64) -> Self {
        let (high, low) = (mixed(seed), mixed(!seed));
        let origin = Pcg64::new((u128::from(high) << 64) | u128::from(low), STREAM);
        Self {
            random: origin.clone(),
            origin,
            line: 0,
            start_ms: start.div_euclid(1_000),
            salt: mixed(high ^ low),
            games: popularity(Self::GAMES, 3, 77),
            users: popularity(Self::USERS, 100, 7_919),
        }
    }

    /// Goes to the line that has `line` lines before it, at the same cost wherever that is.
    pub fn seek(&mut self, line: u64) {
        self.line = line;
        self.random = self.origin.clone();
        self.random.advance(u128::from(line) * DRAWS);
    }

    /// Appends the next line and its newline to `out`.
    pub fn append_line(&mut self, out: &mut Vec<u8>) {
        let draws = [(); DRAWS as usize].map(|()| self.random.next_u64());
        let chance = |draw: usize, place: u32| (draws[draw] >> (16 * place)) & 0xffff;
        let game = self.games[chance(0, 0) as usize];
        let user = self.users[chance(0, 1) as usize];
        let version = match chance(0, 2) {
            0..VERSION_0 => 0,
            _ => 1 + u64::from(chance(3, 2).trailing_zeros().min(8)),
        };
        let bet = bet_cents(draws[1]);
        let win = if chance(0, 3) < WINS { win_cents(bet, game, draws[2] as u32) } else { 0 };

        let behind =
            if chance(2, 3) < DISORDERED { 1 + ((chance(3, 0) * DISORDER_MS) >> 16) } else { 0 };
        let clock = self.start_ms.wrapping_add((self.line as i64).wrapping_mul(STEP_MS));
        let last = clock.wrapping_sub(behind as i64);
        // Half a second to 66 seconds, short ones more often.
        let begin = last.wrapping_sub(500 + ((chance(3, 1) * chance(3, 1)) >> 16) as i64);
        let session =
            mixed(self.salt ^ u64::from(user) ^ ((clock.div_euclid(SESSION_MS) as u64) << 16));

        out.extend_from_slice(b"{\"payload\":{\"_id\":\"");
        // Like an ObjectId: seconds first; the rest is unique, since the multiplier is odd.
        push_hex(out, begin.div_euclid(1_000) as u64, 8);
        push_hex(out, self.salt ^ self.line.wrapping_mul(0x9e37_79b9_7f4a_7c15), 16);
        out.extend_from_slice(b"\",\"gameId\":\"");
        push_id(out, b'g', game, 100);
        out.extend_from_slice(b"\",\"gameSessionId\":\"gs-");
        push_hex(out, session, 16);
        out.extend_from_slice(b"\",\"userId\":\"");
        push_id(out, b'u', user, 10_000);
        out.extend_from_slice(b"\",\"version\":");
        push_number(out, version);
        out.extend_from_slice(b",\"totalBet\":");
        push_money(out, bet);
        out.extend_from_slice(b",\"totalWin\":");
        push_money(out, win);
        out.extend_from_slice(b",\"totalLose\":");
        push_money(out, bet.saturating_sub(win));
        out.extend_from_slice(b",\"beginTime\":");
        push_time(out, begin);
        match chance(2, 2) {
            0..END_MISSING => {}
            END_MISSING..END_NULL => out.extend_from_slice(b",\"endTime\":null"),
            _ => {
                out.extend_from_slice(b",\"endTime\":");
                push_time(out, last);
            }
        }
        out.extend_from_slice(b",\"lastUpdateTime\":");
        push_time(out, last);
        out.extend_from_slice(b"}}\n");
        self.line += 1;
    }
}

/// The share of the bets that a game pays back in the long run, in parts of 10,000.
fn payback(game: u16) -> u64 {
    9_200 + u64::from(game) * 37 % u64::from(WagerGenerator::GAMES) * 3
}

fn bet_cents(bits: u64) -> u64 {
    lognormal(bits, 800.0, 0.8).round().clamp(1.0, BET_MAX) as u64
}

/// What a winning bet of `game` brings: a quarter of the bets wins, and a square of an even number
/// between 0 and 1 is 1/3 on average, hence the factor 12.
fn win_cents(bet: u64, game: u16, bits: u32) -> u64 {
    let square = (u64::from(bits) * u64::from(bits)) >> 32;
    let parts = u128::from(bet * payback(game) * 12) * u128::from(square);
    (((parts >> 32) + 5_000) / 10_000) as u64
}

/// Spreads the bits of a number: the last step of the SplitMix64 generator.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn push_hex(out: &mut Vec<u8>, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[((number >> (4 * place)) & 0xf) as usize]);
    }
}

/// A letter, a dash and the index counted from 1, with leading zeros as wide as `unit`.
fn push_id(out: &mut Vec<u8>, letter: u8, index: u16, unit: u32) {
    out.extend_from_slice(&[letter, b'-']);
    let (number, mut unit) = (u32::from(index) + 1, unit);
    while unit > 0 {
        out.push(b'0' + (number / unit % 10) as u8);
        unit /= 10;
    }
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Without the zeros at the end, as JSON writers print numbers.
fn push_money(out: &mut Vec<u8>, cents: u64) {
    push_number(out, cents / 100);
    let (tens, ones) = (cents / 10 % 10, cents % 10);
    if tens != 0 || ones != 0 {
        out.extend_from_slice(&[b'.', b'0' + tens as u8]);
    }
    if ones != 0 {
        out.push(b'0' + ones as u8);
    }
}

fn push_time(out: &mut Vec<u8>, millis: i64) {
    if millis < 0 {
        out.push(b'-');
    }
    push_number(out, millis.unsigned_abs());
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde_json::Value;

    use super::super::GeneratorConfig;
    use super::*;

    fn generate(seed: u64, from: u64, lines: usize) -> String {
        let mut generator = WagerGenerator::new(seed, GeneratorConfig::DEFAULT_START);
        generator.seek(from);
        let mut out = Vec::new();
        for _ in 0..lines {
            generator.append_line(&mut out);
        }
        String::from_utf8(out).unwrap()
    }

    fn payloads(text: &str) -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["payload"].take())
            .collect()
    }

    fn cents(value: &Value) -> u64 {
        let text = value.to_string();
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        assert!(part.len() <= 2, "{text}");
        format!("{whole}{part:0<2}").parse().unwrap()
    }

    #[test]
    fn a_smaller_count_is_a_prefix_and_seeking_finds_the_same_lines() {
        let all = generate(42, 0, 300);
        assert!(all.starts_with(&generate(42, 0, 120)));
        for from in [0, 1, 7, 120, 299] {
            let rest: String =
                all.split_inclusive('\n').skip(usize::try_from(from).unwrap()).collect();
            assert_eq!(generate(42, from, 300 - usize::try_from(from).unwrap()), rest);
        }
        assert_ne!(generate(43, 0, 300), all);
        // Far away is no dearer than near.
        assert!(generate(42, u64::MAX / 4, 1).ends_with("}}\n"));
    }

    #[test]
    fn members_stand_in_their_order_and_form() {
        let names = [
            "\"_id\":\"",
            "\"gameId\":\"g-",
            "\"gameSessionId\":\"",
            "\"userId\":\"u-",
            "\"version\":",
            "\"totalBet\":",
            "\"totalWin\":",
            "\"totalLose\":",
            "\"beginTime\":",
            "\"lastUpdateTime\":",
        ];
        for line in generate(1, 0, 200).lines() {
            let places: Vec<_> = names.iter().map(|name| line.find(name).unwrap()).collect();
            assert!(places.is_sorted(), "{line}");
        }
    }

    #[test]
    fn numbers_are_written_like_json_writers_do() {
        for (number, expected) in
            [(0, "0"), (5, "0.05"), (50, "0.5"), (1_200, "12"), (1_255, "12.55")]
        {
            let mut out = Vec::new();
            push_money(&mut out, number);
            assert_eq!(out, expected.as_bytes());
        }
        let mut out = Vec::new();
        push_time(&mut out, -1);
        push_id(&mut out, b'g', 199, 100);
        push_id(&mut out, b'u', 9_999, 10_000);
        push_id(&mut out, b'u', 0, 10_000);
        push_hex(&mut out, 0xab, 4);
        assert_eq!(out, b"-1g-200u-10000u-0000100ab");
    }

    #[test]
    fn shares_and_sizes_are_as_described() {
        const LINES: usize = 50_000;
        let text = generate(7, 0, LINES);
        let rows = payloads(&text);
        let share = |test: &dyn Fn(&Value) -> bool| {
            rows.iter().filter(|row| test(row)).count() as f64 / LINES as f64
        };
        let near = |what: &str, value: f64, expected: f64, tolerance: f64| {
            assert!(
                (value - expected).abs() < tolerance,
                "{what}: {value} is not about {expected}"
            );
        };
        near("bytes a line", text.len() as f64 / LINES as f64, 258.0, 2.0);
        near("version 0", share(&|row| row["version"] == 0), 0.05, 0.005);
        near("null end", share(&|row| row.get("endTime").is_some_and(Value::is_null)), 0.1, 0.007);
        near("no end", share(&|row| row.get("endTime").is_none()), 0.1, 0.007);
        near("bets below the median", share(&|row| cents(&row["totalBet"]) < 800), 0.5, 0.01);
        // One deviation of the logarithm above: 800 * e^0.8.
        near("bets within a deviation", share(&|row| cents(&row["totalBet"]) < 1_780), 0.841, 0.01);

        let sum = |name: &str| rows.iter().map(|row| cents(&row[name])).sum::<u64>() as f64;
        near("return to player", sum("totalWin") / sum("totalBet"), 0.95, 0.05);
        for row in &rows {
            let (bet, win) = (cents(&row["totalBet"]), cents(&row["totalWin"]));
            assert_eq!(cents(&row["totalLose"]), bet.saturating_sub(win));
        }
    }

    #[test]
    fn popularity_is_skewed_and_ids_are_unique() {
        let rows = payloads(&generate(7, 0, 50_000));
        let count = |name: &str| {
            let mut counts = HashMap::new();
            for row in &rows {
                *counts.entry(row[name].as_str().unwrap().to_owned()).or_insert(0_u32) += 1;
            }
            counts
        };
        let games = count("gameId");
        assert_eq!(games.len(), usize::from(WagerGenerator::GAMES));
        assert!(games.values().max() > games.values().min().map(|least| least * 20).as_ref());
        assert!(count("userId").len() > 8_000);
        let ids: HashSet<_> = rows.iter().map(|row| row["_id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), rows.len());
        assert!(ids.iter().all(|id| id.len() == 24));
    }

    #[test]
    fn event_time_moves_by_500_lines_a_second_with_a_fifth_late_by_five_seconds_at_most() {
        const LINES: i64 = 20_000;
        let start = GeneratorConfig::DEFAULT_START / 1_000;
        let rows = payloads(&generate(9, 0, LINES as usize));
        let mut late = 0;
        for (line, row) in (0_i64..).zip(&rows) {
            let behind = start + line * 2 - row["lastUpdateTime"].as_i64().unwrap();
            assert!((0..=5_000).contains(&behind), "{behind}");
            late += i64::from(behind > 0);
            assert!(row["beginTime"].as_i64() < row["lastUpdateTime"].as_i64());
        }
        assert!((late * 5 - LINES).abs() < LINES / 20, "{late}");
    }

    #[test]
    fn games_in_the_tree_are_the_ones_that_are_played_here() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/games.csv");
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("game_id,provider,theoretical_rtp"));
        for game in 0..WagerGenerator::GAMES {
            let cells: Vec<_> = lines.next().unwrap().split(',').collect();
            assert_eq!(cells[0], format!("g-{:03}", game + 1));
            assert_eq!(cells[2], format!("0.{:04}", payback(game)));
        }
        assert_eq!(lines.next(), None);
    }
}
