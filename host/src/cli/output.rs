//! Results on stdout.

use std::io::{self, Write};

use anyhow::Context;
use serde_json::Value;

/// Writes text to stdout, as it is.
///
/// # Errors
/// If stdout does not take it; a reader that is gone is seen as such (`exit`).
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .context("cannot write to stdout")
}

/// Writes a JSON value to stdout, indented, with a newline.
///
/// # Errors
/// As [`print`].
pub(super) fn print_json(value: &Value) -> anyhow::Result<()> {
    print(&format!("{value:#}\n"))
}
