//! What every load would fail of, found before there are rows and before a table is made: whether
//! the frontends are some, and their certificates trusted.
//!
//! *Not here*: frontends that are away or unwell, which time may mend.

use super::config::StreamLoadConfig;
use super::error::StreamLoadError;
use super::http::Client;
use super::protocol::segment;
use super::tls;

/// A client that has asked every frontend something.
///
/// # Errors
/// If `ca_file` cannot be used, TLS with a frontend fails in a way that lasts, or there is something
/// else where they should be.
pub(super) fn greet(sink: &str, config: &StreamLoadConfig) -> Result<Client, StreamLoadError> {
    if let Some(file) = &config.ca_file {
        drop(tls::certificates(file)?);
    }
    let client = Client::new(sink, config)?;
    // Any question would do; this one is about a label that nobody uses.
    let path = format!("/api/{}/get_load_state?label=millrace_check", segment(&config.database));
    client.greet(&path)?;
    Ok(client)
}
