//! What goes with each instance on the host's side.

use wasmtime::Store;

use super::engine::Engine;
use super::imports::HostState;
use super::limits::{Limiter, Limits};
use super::wasi::WasiState;

/// Live component handles (streams, descriptors) that a guest may hold.
const MAX_HANDLES: usize = 1_000;

/// The host's part of one instance.
pub(super) struct StoreData {
    /// Behind our own imports.
    pub(super) host: HostState,
    /// Watches memory and tables.
    pub(super) limiter: Limiter,
    /// Behind WASI's imports, for guests that have any.
    pub(super) wasi: Option<Box<WasiState>>,
}

impl StoreData {
    /// Says what a call left out of the log.
    pub(super) fn end_call(&mut self) {
        self.host.end_call();
    }

    /// Forgets what the last call left, and sets the time that the next one sees.
    pub(super) fn begin_call(&mut self, now: Option<i64>) {
        self.host.begin_call();
        if let Some(wasi) = &mut self.wasi {
            wasi.begin_call(now);
        }
    }
}

/// An empty store with all bounds in place.
pub(super) fn new_store(
    engine: &Engine,
    host: HostState,
    wasi: bool,
    limits: &Limits,
) -> Store<StoreData> {
    let wasi = wasi.then(|| Box::new(WasiState::new(&host)));
    let data = StoreData { host, limiter: Limiter::new(limits), wasi };
    let mut store = Store::new(engine.wasm(), data);
    store.limiter(|data| &mut data.limiter);
    store.set_hostcall_fuel(limits.output_fuel());
    store.set_max_component_handles(MAX_HANDLES);
    store
}
