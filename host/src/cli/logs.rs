//! Logs: by `tracing`, to stderr, above the progress bars.
//!
//! A level alone is about us: what we are built on stays at `warn` unless the filter names it, or
//! `debug` would drown in what the compiler of guests has to say.

use std::io::{self, Write};

use anyhow::{Context, bail};
use indicatif::MultiProgress;
use tracing_log::{AsLog, LogTracer};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::text::Paint;

/// Libraries that log whole requests, credentials and all: nobody hears them, whatever the filter.
const TELL_TALES: [&str; 4] = ["ureq", "ureq_proto", "mysql", "rustls"];

const HINT: &str = "hint: a level (off, error, warn, info, debug, trace), or TARGET=LEVEL, or \
                    several with commas: `debug`, or `warn,millrace::pipeline=debug`";

/// Starts logging what `filter` lets through.
///
/// # Errors
/// If the filter cannot be read.
pub(super) fn start(filter: &str, bars: &MultiProgress) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(about_us(filter)?)
        .with_context(|| format!("--log {filter} is no filter\n  {HINT}"))?;
    // Otherwise libraries come here for each line of each request, to be told that nobody listens.
    let loudest = filter.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let bars = bars.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(Paint::stderr().is_on())
        .with_target(false)
        .with_writer(move || AboveBars { bars: bars.clone() })
        .finish();
    // A second subscriber is refused where the library's user has one; its logs then go there.
    drop(LogTracer::builder().ignore_all(TELL_TALES).with_max_level(loudest.as_log()).init());
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}

/// The filter with its levels without target turned into ours.
///
/// # Errors
/// If a part is neither a level nor has one: `EnvFilter` takes any word for a target.
fn about_us(filter: &str) -> anyhow::Result<String> {
    let mut general = Vec::new();
    let mut named = Vec::new();
    for part in filter.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.parse::<LevelFilter>() {
            Ok(level) if level > LevelFilter::WARN => {
                general.extend(["warn".to_owned(), format!("millrace={level}")]);
            }
            Ok(level) => general.push(level.to_string()),
            // A span's fields may hold commas and equal signs of their own: `EnvFilter` reads them.
            Err(_) if part.contains(['=', '[', ']']) => named.push(part.to_owned()),
            Err(_) => bail!("--log: `{part}` is no level, and names none\n  {HINT}"),
        }
    }
    // Of two for one target the last one counts, and that is the one with the target's name.
    general.append(&mut named);
    Ok(general.join(","))
}

/// Writes to stderr while the bars are out of the way.
struct AboveBars {
    bars: MultiProgress,
}

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A whole line comes in one call: `tracing_subscriber` formats it before it writes.
        self.bars.suspend(|| io::stderr().write_all(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_alone_is_about_us() {
        for (filter, expected) in [
            ("debug", "warn,millrace=debug"),
            ("off", "off"),
            ("warn,millrace=info", "warn,millrace=info"),
            ("millrace=info,trace,other=debug", "warn,millrace=trace,millrace=info,other=debug"),
            ("[{a=1,b=2}]=debug", "[{a=1,b=2}]=debug"),
        ] {
            assert_eq!(about_us(filter).expect(filter), expected);
        }
    }

    #[test]
    fn a_word_that_is_no_level_is_refused_with_a_hint() {
        for filter in ["nonsense", "warn,dbug"] {
            assert!(
                about_us(filter).is_err_and(|error| error.to_string().contains("hint: a level"))
            );
        }
    }
}
