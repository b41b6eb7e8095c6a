//! Signals: the first SIGINT or SIGTERM asks every pipeline to drain, save and end; the second ends
//! the process at once.

use std::future::poll_fn;
use std::process;
use std::task::Poll;
use std::thread;

use anyhow::Context;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::pipeline::StopSignal;

/// What a shell reports for a process that a signal ended is 128 and the signal's number.
const SIGINT_EXIT: i32 = 130;
const SIGTERM_EXIT: i32 = 143;

/// Starts the thread that obeys signals for the rest of the process's life.
///
/// # Errors
/// If the system lets neither handlers nor a thread be made.
pub(super) fn obey(stop: StopSignal) -> anyhow::Result<()> {
    let runtime =
        Builder::new_current_thread().enable_all().build().context("cannot listen for signals")?;
    // Handlers are in place before this returns, so that no signal falls between.
    let mut signals = {
        let _guard = runtime.enter();
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Signals { int: listen(SignalKind::interrupt())?, term: listen(SignalKind::terminate())? }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                signals.next().await;
                stop.stop();
                tracing::info!(
                    "stopping: what was read is drained and saved; a second signal stops at once"
                );
                process::exit(signals.next().await);
            });
        })
        .context("cannot start the thread that listens for signals")?;
    Ok(())
}

struct Signals {
    int: Signal,
    term: Signal,
}

impl Signals {
    /// Waits for a signal; answers the exit code that belongs to it.
    async fn next(&mut self) -> i32 {
        poll_fn(|context| {
            if self.int.poll_recv(context).is_ready() {
                Poll::Ready(SIGINT_EXIT)
            } else if self.term.poll_recv(context).is_ready() {
                Poll::Ready(SIGTERM_EXIT)
            } else {
                Poll::Pending
            }
        })
        .await
    }
}
