//! Logs: by `tracing`, to stderr, above the progress bars.

use std::io::{self, Write};

use anyhow::Context;
use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;

use super::text::Paint;

/// Starts logging what `filter` lets through.
///
/// # Errors
/// If the filter cannot be read.
pub(super) fn start(filter: &str, bars: &MultiProgress) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!(
            "--log {filter} is no filter: it takes levels such as `debug`, or `warn,millrace=debug`"
        )
    })?;
    let bars = bars.clone();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(Paint::stderr().is_on())
        .with_target(false)
        .with_writer(move || AboveBars { bars: bars.clone() })
        .try_init();
    // A second subscriber is refused where the library's user has one; its logs then go there.
    drop(started);
    Ok(())
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
