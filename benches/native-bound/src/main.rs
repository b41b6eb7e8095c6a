//! The ETL of `pipelines/bench-revenue.toml` as a native program on one thread: what a program made
//! for this one job, with a fast JSON parser, takes for it.
//!
//! ```text
//! native-bound MODE FILE
//! ```
//!
//! It reads the file by read(2) in blocks of 1 MiB, parses each line with sonic-rs, filters
//! `version >= 1`, computes the 15 columns, and stores nothing: each row goes into a checksum, so
//! that nothing is optimised away. It does less than the pipeline: money is a binary float, a field
//! that nothing reads is skipped without being looked at closely, there are no columns, no threads,
//! no rejects, no checkpoints and no sandbox.
//!
//! | mode | texts |
//! |---|---|
//! | `sonic` | are copied out of the line, as serde's `String` and `Option<Cow<str>>` are |
//! | `sonic-borrowed` | stay in the line, but for those with escapes |

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use memchr::memchr;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Bytes of a read; also the longest line.
const BLOCK: usize = 1 << 20;

/// A line.
#[derive(serde::Deserialize)]
struct Line<T> {
    payload: Wager<T>,
}

/// What is read of a wager.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wager<T> {
    #[serde(rename = "_id")]
    id: Option<T>,
    game_id: Option<T>,
    game_session_id: Option<T>,
    user_id: Option<T>,
    version: Option<i64>,
    total_bet: Option<f64>,
    total_win: Option<f64>,
    total_lose: Option<f64>,
    begin_time: Option<i64>,
    end_time: Option<i64>,
    last_update_time: Option<i64>,
}

/// A text in the line itself, or decoded where it has escapes. (serde borrows a plain `Cow`, but
/// not one within an `Option`.)
struct Text<'a>(Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;

        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrowing)
    }
}

/// The 15 columns of a row, money as binary floats, times in microseconds.
struct Row<'a> {
    wager_id: Option<&'a str>,
    game_id: Option<&'a str>,
    game_session_id: Option<&'a str>,
    user_id: Option<&'a str>,
    version: i64,
    total_bet: Option<f64>,
    total_win: Option<f64>,
    total_lose: Option<f64>,
    begin_time: Option<i64>,
    end_time: Option<i64>,
    last_update_time: Option<i64>,
    is_completed: bool,
    event_count: i32,
    net_amount: Option<f64>,
    processed_at: i64,
}

impl<'a> Row<'a> {
    /// The row of a wager; `None`: it is filtered.
    #[inline]
    fn of<T: AsRef<str>>(wager: &'a Wager<T>, processed_at: i64) -> Option<Self> {
        let version = wager.version.filter(|version| *version >= 1)?;
        let micros = |millis: Option<i64>| millis.map(|millis| millis.wrapping_mul(1_000));
        Some(Self {
            wager_id: wager.id.as_ref().map(AsRef::as_ref),
            game_id: wager.game_id.as_ref().map(AsRef::as_ref),
            game_session_id: wager.game_session_id.as_ref().map(AsRef::as_ref),
            user_id: wager.user_id.as_ref().map(AsRef::as_ref),
            version,
            total_bet: wager.total_bet,
            total_win: wager.total_win,
            total_lose: wager.total_lose,
            begin_time: micros(wager.begin_time),
            end_time: micros(wager.end_time),
            last_update_time: micros(wager.last_update_time),
            is_completed: wager.end_time.is_some(),
            event_count: version as i32,
            net_amount: wager.total_bet.zip(wager.total_win).map(|(bet, win)| bet - win),
            processed_at,
        })
    }
}

/// What was seen.
#[derive(Default)]
struct Tally {
    lines: u64,
    rows: u64,
    checksum: u64,
}

impl Tally {
    /// Counts a line and looks at every column of its row. The processing time counts for nothing,
    /// so that the same file gives the same checksum.
    #[inline]
    fn take<T: AsRef<str>>(&mut self, line: &Line<T>, now: i64) {
        self.lines += 1;
        let Some(row) = Row::of(&line.payload, now) else { return };
        self.rows += 1;
        let text = |text: Option<&str>| {
            text.map_or(1, |text| {
                text.len() as u64 + u64::from(text.as_bytes().last().copied().unwrap_or_default())
            })
        };
        let money = |amount: Option<f64>| amount.map_or(1, f64::to_bits);
        let time = |time: Option<i64>| time.map_or(1, i64::cast_unsigned);
        let sum = [
            text(row.wager_id),
            text(row.game_id),
            text(row.game_session_id),
            text(row.user_id),
            row.version.cast_unsigned(),
            money(row.total_bet),
            money(row.total_win).wrapping_mul(3),
            money(row.total_lose).wrapping_mul(5),
            money(row.net_amount).wrapping_mul(7),
            time(row.begin_time),
            time(row.end_time).wrapping_mul(3),
            time(row.last_update_time).wrapping_mul(5),
            u64::from(row.is_completed),
            u64::from(row.event_count.cast_unsigned()),
            u64::from(row.processed_at == i64::MIN),
        ]
        .into_iter()
        .fold(0, u64::wrapping_add);
        self.checksum = self.checksum.wrapping_mul(31).wrapping_add(sum);
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, path] = arguments.as_slice() else { bail!("usage: native-bound MODE FILE") };
    let file = File::open(path).with_context(|| format!("cannot open {path}"))?;
    let mut tally = Tally::default();
    match mode.as_str() {
        "sonic" => for_each_line(file, |line, now| {
            tally.take(&sonic_rs::from_slice::<Line<String>>(line)?, now);
            Ok(())
        })?,
        "sonic-borrowed" => for_each_line(file, |line, now| {
            tally.take(&sonic_rs::from_slice::<Line<Text<'_>>>(line)?, now);
            Ok(())
        })?,
        other => bail!("no mode is called `{other}`: sonic, sonic-borrowed"),
    }
    let Tally { lines, rows, checksum } = tally;
    let cpu = cpu_seconds()?;
    println!(
        "{{\"mode\":\"{mode}\",\"lines\":{lines},\"rows\":{rows},\
         \"checksum\":\"{checksum:016x}\",\"cpu_seconds\":{cpu}}}"
    );
    Ok(())
}

/// Reads a file block by block and hands over its lines, each with the time of its block in
/// microseconds.
fn for_each_line(
    mut file: File,
    mut take: impl FnMut(&[u8], i64) -> Result<(), sonic_rs::Error>,
) -> anyhow::Result<()> {
    let mut buffer = vec![0; 2 * BLOCK];
    let mut held = 0;
    loop {
        ensure!(held < BLOCK, "a line exceeds {BLOCK} bytes");
        let read = file.read(&mut buffer[held..held + BLOCK])?;
        let now = now()?;
        if read == 0 {
            if held > 0 {
                take(&buffer[..held], now)?;
            }
            return Ok(());
        }
        held += read;
        let mut start = 0;
        while let Some(length) = memchr(b'\n', &buffer[start..held]) {
            take(&buffer[start..start + length], now)?;
            start += length + 1;
        }
        buffer.copy_within(start..held, 0);
        held -= start;
    }
}

fn now() -> anyhow::Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

/// User and system time of this process.
fn cpu_seconds() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
