//! Platform revenue, return to player by game and fraud alerts, from what
//! `pipelines/wagers.toml` writes: what `scripts/demo` ends with, and a pattern for reading exact money out of SQLite.
//!
//! Money is stored as decimal text, because SQLite's own numbers round it, and so would its `SUM`;
//! here it is summed in integers.

mod alerts;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Parser;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// Games that are listed one by one.
const TOP: usize = 10;
/// Digits of money after the point.
const MONEY_SCALE: u32 = 2;
/// Digits of a share of 1 after the point.
const SHARE_SCALE: u32 = 4;
/// Rules above, below and under the header; nothing else.
const PRESET: &str = "  ── ──      ──    ";

/// Print platform revenue and return to player by game.
#[derive(Parser)]
struct Arguments {
    /// The database with the table `ods_wagers`
    #[arg(long)]
    database: PathBuf,
    /// The games, as CSV: game_id, provider, theoretical_rtp
    #[arg(long)]
    games: PathBuf,
    /// The fraud alerts, as JSON lines
    #[arg(long)]
    alerts: Option<PathBuf>,
    /// What `millrace run --json` printed
    #[arg(long)]
    run: Option<PathBuf>,
}

/// Sums over the wagers of a game, money in hundredths.
#[derive(Clone, Copy, Default)]
struct Sums {
    wagers: u64,
    bet: i128,
    win: i128,
    revenue: i128,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.wagers += other.wagers;
        self.bet += other.bet;
        self.win += other.win;
        self.revenue += other.revenue;
    }
}

/// What is known of a game.
struct Game {
    provider: String,
    /// In ten-thousandths.
    theoretical_rtp: i128,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let games = read_games(&arguments.games)?;
    let sums = sum_by_game(&arguments.database)?;
    println!("\nPlatform revenue and return to player, the {TOP} games that earn most\n");
    println!("{}", report(&sums, &games).trim_fmt());
    if let Some(alerts) = &arguments.alerts {
        println!("\n{}", alerts::report(alerts)?);
    }
    if let Some(run) = &arguments.run {
        println!("{}", summary(run)?);
    }
    Ok(())
}

fn read_games(path: &Path) -> anyhow::Result<HashMap<String, Game>> {
    let mut reader =
        csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut games = HashMap::new();
    for row in reader.deserialize::<(String, String, String)>() {
        let (id, provider, rtp) = row.with_context(|| format!("in {}", path.display()))?;
        let theoretical_rtp = scaled(&rtp, SHARE_SCALE)?;
        games.insert(id, Game { provider, theoretical_rtp });
    }
    Ok(games)
}

fn sum_by_game(path: &Path) -> anyhow::Result<HashMap<String, Sums>> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let mut wagers =
        database.prepare("select game_id, total_bet, total_win, net_amount from ods_wagers")?;
    let mut rows = wagers.query([])?;
    let mut sums: HashMap<String, Sums> = HashMap::new();
    while let Some(row) = rows.next()? {
        let id = match row.get_ref(0)? {
            ValueRef::Text(id) => std::str::from_utf8(id)?,
            _ => "(none)",
        };
        let wager = Sums {
            wagers: 1,
            bet: money(row.get_ref(1)?)?,
            win: money(row.get_ref(2)?)?,
            revenue: money(row.get_ref(3)?)?,
        };
        // Only a game's first wager copies its id.
        match sums.get_mut(id) {
            Some(game) => game.add(&wager),
            None => drop(sums.insert(id.to_owned(), wager)),
        }
    }
    Ok(sums)
}

/// A stored amount in hundredths; null counts as nothing.
fn money(value: ValueRef<'_>) -> anyhow::Result<i128> {
    match value {
        ValueRef::Null => Ok(0),
        ValueRef::Text(text) => scaled(std::str::from_utf8(text)?, MONEY_SCALE),
        other => bail!("an amount is stored as {}, not as decimal text", other.data_type()),
    }
}

/// Decimal text as an integer of its last digit's unit.
fn scaled(text: &str, scale: u32) -> anyhow::Result<i128> {
    let wrong = || format!("`{text}` is no decimal of {scale} digits after the point");
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let missing = scale.checked_sub(u32::try_from(fraction.len())?).with_context(wrong)?;
    let all = format!("{whole}{fraction}");
    let number: u128 = all.parse().with_context(wrong)?;
    let number = i128::try_from(number)?.checked_mul(10_i128.pow(missing)).with_context(wrong)?;
    Ok(if digits.len() < text.len() { -number } else { number })
}

fn report(sums: &HashMap<String, Sums>, games: &HashMap<String, Game>) -> Table {
    let mut table = table([
        "game",
        "provider",
        "wagers",
        "bets",
        "wins",
        "revenue",
        "RTP",
        "in theory",
        "difference",
    ]);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut ranked: Vec<(&String, &Sums)> = sums.iter().collect();
    // By revenue, and by name where that is equal, so that the report is always the same.
    ranked.sort_by(|left, right| right.1.revenue.cmp(&left.1.revenue).then(left.0.cmp(right.0)));
    for (id, sums) in ranked.iter().take(TOP) {
        table.add_row(cells(id, sums, games.get(*id)));
    }
    let mut all = Sums::default();
    for (_, sums) in &ranked {
        all.add(sums);
    }
    let name = format!("all {} games", ranked.len());
    let bold = |text: String| Cell::new(text).add_attribute(Attribute::Bold);
    table.add_row(cells(&name, &all, None).into_iter().map(bold));
    table
}

/// An empty table with rules around its header.
fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(PRESET)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}

fn cells(name: &str, sums: &Sums, game: Option<&Game>) -> Vec<String> {
    let rtp = share(sums.win, sums.bet);
    let theory = game.map(|game| game.theoretical_rtp);
    let difference = rtp.zip(theory).map(|(rtp, theory)| rtp - theory);
    vec![
        name.to_owned(),
        game.map_or_else(String::new, |game| game.provider.clone()),
        grouped(i128::from(sums.wagers)),
        amount(sums.bet),
        amount(sums.win),
        amount(sums.revenue),
        rtp.map_or_else(String::new, percent),
        theory.map_or_else(String::new, percent),
        difference.map_or_else(String::new, |difference| {
            let sign = if difference > 0 { "+" } else { "" };
            format!("{sign}{}", percent(difference))
        }),
    ]
}

/// `part` by `whole` in ten-thousandths, rounded half away from zero; `None` of nothing.
fn share(part: i128, whole: i128) -> Option<i128> {
    if whole <= 0 {
        return None;
    }
    let doubled = part * 2 * 10_i128.pow(SHARE_SCALE);
    Some((doubled + whole * doubled.signum()) / (2 * whole))
}

/// Hundredths as an amount with thousands apart.
fn amount(hundredths: i128) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.abs();
    format!("{sign}{}.{:02}", grouped(size / 100), size % 100)
}

/// Ten-thousandths as a percentage.
fn percent(share: i128) -> String {
    let sign = if share < 0 { "-" } else { "" };
    format!("{sign}{}.{:02} %", share.abs() / 100, share.abs() % 100)
}

/// Digits with a comma between thousands; the number is not negative.
fn grouped(number: i128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The whole number at a path of an object; 0 where there is none.
fn number(object: &Value, path: &str) -> u64 {
    object.pointer(path).and_then(Value::as_u64).unwrap_or_default()
}

/// What the run did, in two lines.
fn summary(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let run: Value =
        serde_json::from_slice(&text).with_context(|| format!("in {}", path.display()))?;
    let pipeline = &run["pipelines"][0];
    let rows = |name: &str| grouped(i128::from(number(&pipeline["rows"], name)));
    let seconds = |value: &Value| value.as_f64().unwrap_or_default();
    let rate = pipeline["rows_per_second"].as_u64().unwrap_or_default();
    Ok(format!(
        " {} rows in: {} in the table, {} filtered, {} rejected\n \
         {} rows/s, {:.2} s in all, {:.2} s of CPU time\n",
        rows("/in"),
        rows("/sinks/ods_wagers"),
        rows("/filtered"),
        rows("/rejected"),
        grouped(i128::from(rate)),
        seconds(&run["seconds"]),
        seconds(&run["cpu_seconds"]),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_is_exact_and_anything_else_an_error() {
        assert_eq!(scaled("1234567890123456.78", 2).ok(), Some(123_456_789_012_345_678));
        assert_eq!(scaled("-0.05", 2).ok(), Some(-5));
        assert_eq!(scaled("8", 2).ok(), Some(800));
        for text in ["", "1.005", "1e3", "--1", "x"] {
            assert!(scaled(text, 2).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_rounded_half_away_from_zero() {
        assert_eq!(share(1, 3), Some(3_333));
        assert_eq!(share(1, 20_000), Some(1));
        assert_eq!(share(-1, 20_000), Some(-1));
        assert_eq!(share(5, 0), None);
    }

    #[test]
    fn amounts_have_commas_and_two_decimals() {
        assert_eq!(amount(123_456_789), "1,234,567.89");
        assert_eq!(amount(-5), "-0.05");
        assert_eq!(percent(9_512), "95.12 %");
    }
}
