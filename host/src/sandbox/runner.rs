//! One guest at work: its store and exports, and what each call is wrapped in.
//!
//! *Invariants*: every entry into a guest goes through [`Runner::call`] (or the instantiation in
//! [`Runner::new`]), under deadline, memory and output bounds; after a trap, a broken bound or a
//! breach nothing is called any more.

use std::sync::Arc;

use wasmtime::{Store, WasmBacktrace};

use super::artifact::Compiled;
use super::bindings::{Guest, exports, wit};
use super::error::{Origin, Place, SandboxError, Trap};
use super::fault::{Breach, Fault};
use super::imports::HostState;
use super::limits::{Limits, Refusal};
use super::store::{StoreData, new_store};
use super::text::{MAX_NAME, MAX_TEXT, clip, clipped};

/// What the runtime says when an answer exceeds its bound. The error's type is private to it.
const OUT_OF_FUEL: &str = "fuel allocated for hostcalls has been exhausted";

/// What origins call the instantiation, which is no function of the contract.
const INSTANTIATE: &str = "instantiate";

/// The exports of a guest.
pub(super) type Exports = exports::millrace::transform::transform::Guest;

/// A guest's answer as the bindings give it: the runtime's result around the guest's own.
pub(super) type Answer<T> = wasmtime::Result<Result<T, wit::Failure>>;

/// An instance of a guest.
pub(super) struct Runner {
    compiled: Arc<Compiled>,
    store: Store<StoreData>,
    guest: Guest,
    limits: Limits,
    stage: Arc<str>,
    ended: bool,
}

impl Runner {
    /// Instantiates a guest for the stage `stage`.
    pub(super) fn new(
        compiled: Arc<Compiled>,
        stage: &str,
        limits: Limits,
    ) -> Result<Self, SandboxError> {
        let stage: Arc<str> = stage.into();
        let host = HostState::new(Arc::clone(&stage), Arc::clone(&compiled.hash));
        let mut store = new_store(&compiled.engine, host, compiled.wasi, &limits);
        let deadline = limits.deadline_of(INSTANTIATE);
        let in_flight = compiled.engine.start_call(&mut store, deadline);
        let guest = compiled.guest.instantiate(&mut store);
        drop(in_flight);
        store.data_mut().end_call();
        match guest {
            Ok(guest) => Ok(Self { compiled, store, guest, limits, stage, ended: false }),
            Err(error) => {
                let at = Origin { stage, artifact: Arc::clone(&compiled.hash), call: INSTANTIATE };
                Err(instantiate_error(at, &error, store.data_mut(), &limits))
            }
        }
    }

    /// Calls an export. `now` is the call's processing time, where it has one. What the call counted
    /// is only taken over by [`Runner::settle`].
    pub(super) fn call<T>(
        &mut self,
        call: &'static str,
        now: Option<i64>,
        function: impl FnOnce(&Exports, &mut Store<StoreData>) -> Answer<T>,
    ) -> Result<T, SandboxError> {
        match self.enter(call, now, function)? {
            Ok(answer) => Ok(answer),
            Err(wit::Failure { message }) => {
                let message = clipped(message, MAX_TEXT);
                Err(SandboxError::Failed { at: self.origin(call), message })
            }
        }
    }

    /// Calls an export whose own error is no failure.
    pub(super) fn enter<T>(
        &mut self,
        call: &'static str,
        now: Option<i64>,
        function: impl FnOnce(&Exports, &mut Store<StoreData>) -> wasmtime::Result<T>,
    ) -> Result<T, SandboxError> {
        if self.ended {
            return Err(SandboxError::Ended { at: self.origin(call) });
        }
        self.store.data_mut().begin_call(now);
        let deadline = self.limits.deadline_of(call);
        let in_flight = self.compiled.engine.start_call(&mut self.store, deadline);
        let answer = function(self.guest.millrace_transform_transform(), &mut self.store);
        drop(in_flight);
        self.store.data_mut().end_call();
        answer.map_err(|error| {
            self.ended = true;
            classify(self.origin(call), &error, self.store.data_mut(), &self.limits)
        })
    }

    /// Ends a call whose answer was checked: it takes effect, or the breach ends the instance.
    pub(super) fn settle<T>(
        &mut self,
        call: &'static str,
        checked: Result<T, Breach>,
    ) -> Result<T, SandboxError> {
        match checked {
            Ok(answer) => {
                self.store.data_mut().host.settle();
                Ok(answer)
            }
            Err(breach) => {
                self.ended = true;
                let breach = Box::new(breach);
                Err(SandboxError::ContractBreach { at: self.origin(call), breach })
            }
        }
    }

    pub(super) fn origin(&self, call: &'static str) -> Origin {
        Origin { stage: Arc::clone(&self.stage), artifact: Arc::clone(&self.compiled.hash), call }
    }

    pub(super) fn counters(&self) -> impl Iterator<Item = (&str, u64)> {
        self.store.data().host.counters()
    }

    /// Rows that one answer may emit.
    pub(super) fn max_emitted(&self) -> u64 {
        self.limits.max_emitted()
    }

    pub(super) fn memory(&self) -> u64 {
        self.store.data().limiter.memory()
    }
}

/// A bound that was broken, if that is what ended a call.
fn broken_bound(
    at: &Origin,
    error: &wasmtime::Error,
    data: &mut StoreData,
    limits: &Limits,
) -> Option<SandboxError> {
    let at = at.clone();
    match data.limiter.take_refusal() {
        Some(Refusal::Memory { wanted }) => {
            return Some(SandboxError::OutOfMemory { at, wanted, max: limits.max_memory });
        }
        Some(Refusal::Table { wanted }) => {
            let max = limits.max_table_elements;
            return Some(SandboxError::TableTooLarge { at, wanted, max });
        }
        None => {}
    }
    if error.downcast_ref::<wasmtime::Trap>() == Some(&wasmtime::Trap::Interrupt) {
        let deadline = limits.deadline_of(at.call);
        return Some(SandboxError::DeadlineExceeded { at, deadline });
    }
    if error.root_cause().to_string().contains(OUT_OF_FUEL) {
        return Some(SandboxError::OutputTooLarge { at, max: limits.max_output });
    }
    None
}

/// What ended a call: a bound, a trap, or an answer that cannot be read.
fn classify(
    at: Origin,
    error: &wasmtime::Error,
    data: &mut StoreData,
    limits: &Limits,
) -> SandboxError {
    if let Some(broken) = broken_bound(&at, error, data, limits) {
        return broken;
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    // Without guest code on the stack and without a trap, it is the host that could not read the
    // answer out of the guest's memory.
    if backtrace.is_none() && error.downcast_ref::<wasmtime::Trap>().is_none() {
        let message = error.root_cause().to_string();
        let breach = Box::new(Fault::Unreadable { message }.into());
        return SandboxError::ContractBreach { at, breach };
    }
    SandboxError::Trapped { at, trap: Box::new(trap(error, backtrace, data)) }
}

fn trap(error: &wasmtime::Error, backtrace: Option<&WasmBacktrace>, data: &mut StoreData) -> Trap {
    let (place, message) =
        data.host.take_panic().unwrap_or_else(|| (Place::Unknown, error.root_cause().to_string()));
    let names = backtrace.map(|backtrace| {
        let frames = backtrace.frames().iter();
        let name = |name: &str| clip(name, MAX_NAME).to_owned();
        frames.map(|frame| name(frame.func_name().unwrap_or("?"))).collect()
    });
    Trap { place, message, backtrace: names.unwrap_or_default() }
}

fn instantiate_error(
    at: Origin,
    error: &wasmtime::Error,
    data: &mut StoreData,
    limits: &Limits,
) -> SandboxError {
    if let Some(broken) = broken_bound(&at, error, data, limits) {
        return broken;
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    if backtrace.is_some() || error.downcast_ref::<wasmtime::Trap>().is_some() {
        return SandboxError::Trapped { at, trap: Box::new(trap(error, backtrace, data)) };
    }
    SandboxError::Instantiate { at, message: format!("{error:#}") }
}
