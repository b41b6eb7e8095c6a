//! The compiler and runtime, configured so that guests are deterministic and bounded.

use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::{Config, Store, WasmBacktraceDetails};

use super::error::LoadError;
use super::ticker::{InFlight, Ticker};

/// Frames of a guest's backtrace that errors carry.
const BACKTRACE_FRAMES: usize = 16;

/// SHA-256 over everything that compiled code depends on beside its source.
pub(super) type Fingerprint = [u8; 32];

/// One configuration of the runtime, and its clock for deadlines.
pub(super) struct Engine {
    wasm: wasmtime::Engine,
    ticker: Option<Ticker>,
    fingerprint: Fingerprint,
}

impl Engine {
    /// An engine whose guests obey deadlines, or (for benchmarks only) one whose guests do not.
    pub(super) fn new(deadlines: bool) -> Result<Self, LoadError> {
        let wasm = wasmtime::Engine::new(&config(deadlines))
            .map_err(|error| LoadError::Engine { message: format!("{error:#}") })?;
        let ticker = if deadlines {
            let ticker = Ticker::start(&wasm);
            Some(ticker.map_err(|error| LoadError::Engine { message: error.to_string() })?)
        } else {
            None
        };
        let mut fingerprint = Fingerprinting(Sha256::new());
        wasm.precompile_compatibility_hash().hash(&mut fingerprint);
        Ok(Self { wasm, ticker, fingerprint: fingerprint.0.finalize().into() })
    }

    /// The runtime's own engine.
    pub(super) fn wasm(&self) -> &wasmtime::Engine {
        &self.wasm
    }

    /// Code that another engine compiled runs here exactly if this is equal.
    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Whether guests obey deadlines.
    pub(super) fn has_deadlines(&self) -> bool {
        self.ticker.is_some()
    }

    /// Starts a call's time. What is returned is held until the call ends.
    pub(super) fn start_call<T>(
        &self,
        store: &mut Store<T>,
        deadline: Duration,
    ) -> Option<InFlight<'_>> {
        let ticker = self.ticker.as_ref()?;
        let in_flight = ticker.call();
        store.set_epoch_deadline(Ticker::ticks(deadline));
        Some(in_flight)
    }
}

/// Memory is reserved as address space and only becomes resident as guests touch it, and data
/// segments are mapped copy-on-write; both are defaults that keep idle instances small.
fn config(deadlines: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(deadlines)
        .consume_fuel(false)
        // The same calls give the same answers, on any machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Backtraces give names only: no debug information is parsed, no address map kept.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES))
        .generate_address_map(false);
    config
}

struct Fingerprinting(Sha256);

impl Hasher for Fingerprinting {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Unused: the whole digest is taken instead.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_with_and_without_deadlines_is_told_apart() {
        let fingerprint = |deadlines| *Engine::new(deadlines).expect("an engine").fingerprint();
        assert_eq!(fingerprint(true), fingerprint(true));
        assert_ne!(fingerprint(true), fingerprint(false));
    }
}
