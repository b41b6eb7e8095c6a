//! What the state of keyed transforms takes: by `benches/state.rs` within a process, and by runs of
//! `benches/state.toml` whose number of instances changes.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::figure::{Figure, Unit};
use crate::programs::{Programs, finish};

/// Users of the runs, each with an entry of state.
const KEYS: u64 = 1_000_000;
/// Milliseconds since 1970, 2026-01-01T00:00:00Z.
const TIME: u64 = 1_767_225_600_000;

/// Saving, restoring and sharing out anew the state of a million keys, and its memory.
///
/// # Errors
/// If a program fails.
pub fn figures(programs: &Programs) -> anyhow::Result<Vec<Figure>> {
    let folder = programs.folder.join("state");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder)?;
    let mut command = Command::new(&programs.state);
    command.arg("--folder").arg(&folder);
    let printed = finish(command)?.printed;
    fs::remove_dir_all(&folder)?;
    let number = |name: &str| printed[name].as_f64().with_context(|| format!("no {name}"));
    let (guest, raw) = (number("guest_bytes")?, number("raw_bytes")?);
    let mut figures = vec![
        Figure::new("a million keys, save of 1 %", number("save_seconds")? * 1e3, Unit::Millis)
            .at_most(20.0)
            .note(format!("{:.1} ms at most", number("save_most_seconds")? * 1e3)),
        Figure::new("a million keys, restore", number("restore_seconds")? * 1e3, Unit::Millis)
            .at_most(2_000.0)
            .note("from segments, opening the instance included"),
        Figure::new("a million keys, guest memory / bytes of entries", guest / raw, Unit::Times)
            .at_most(3.0)
            .note(format!("{:.0} MB for {:.0} MB", guest / 1e6, raw / 1e6)),
    ];
    figures.push(rescale(programs)?);
    Ok(figures)
}

/// The run that takes the state of 2 instances over with 4: all of it, from opening the store to
/// the last checkpoint.
fn rescale(programs: &Programs) -> anyhow::Result<Figure> {
    let bets = bets(&programs.folder)?;
    let run = |mut command: Command, instances: &str| -> anyhow::Result<Value> {
        command.env("BETS", &bets).env("INSTANCES", instances);
        let printed = finish(command)?.printed;
        ensure!(printed["pipelines"][0]["outcome"] == "finished", "{printed}");
        Ok(printed)
    };
    run(programs.run("benches/state.toml")?, "2")?;
    let mut grown = BufWriter::new(OpenOptions::new().append(true).open(&bets)?);
    line(&mut grown, KEYS)?;
    grown.into_inner()?.sync_all()?;
    let printed = run(programs.again("benches/state.toml"), "4")?;
    fs::remove_file(&bets)?;
    let seconds = printed["seconds"].as_f64().context("no seconds")?;
    let peak = printed["peak_memory_bytes"].as_f64().context("no memory")?;
    Ok(Figure::new("a million keys, from 2 instances to 4", seconds * 1e3, Unit::Millis)
        .at_most(3_000.0)
        .note(format!("the whole run; {:.0} MB at most, its guests included", peak / 1e6)))
}

/// A bet of each user, anew each time: the run that is measured makes it longer.
fn bets(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("bets.jsonl");
    let mut file = BufWriter::new(File::create(&path)?);
    for user in 0..KEYS {
        line(&mut file, user)?;
    }
    file.into_inner()?.sync_all()?;
    Ok(path)
}

fn line(file: &mut impl Write, user: u64) -> std::io::Result<()> {
    // A thousand a millisecond, so that no bet is too old to be kept.
    let time = TIME + user / 1_000;
    writeln!(
        file,
        "{{\"wager_id\":\"w{user:07}\",\"user_id\":\"u{user:07}\",\"total_bet\":200.00,\
         \"last_update_time\":{time}}}"
    )
}
