//! The thread that moves time on for deadlines.
//!
//! A deadline is a number of ticks; an operating system thread makes them, so that no guest and no
//! busy async runtime can hold them up. It sleeps for good while no call is in flight.
//!
//! *Invariants*: while a call is in flight a tick comes each [`TICK`]; starting a call costs two
//! atomic operations, and a wake-up only after idleness.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

/// The grain of deadlines.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// Ticks without a call in flight after which the thread sleeps: short calls that follow each other
/// then never pay for waking it.
const IDLE_TICKS: u32 = 20;

struct Shared {
    engine: wasmtime::Engine,
    in_flight: AtomicUsize,
    parked: AtomicBool,
    stopped: AtomicBool,
}

/// The ticking thread of one engine; it ends with its owner.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    handle: Thread,
}

/// A call in flight: ticks come until it is dropped.
pub(super) struct InFlight<'a>(&'a Shared);

impl Ticker {
    pub(super) fn start(engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            engine: engine.clone(),
            in_flight: AtomicUsize::new(0),
            parked: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let ticking = Arc::clone(&shared);
        let thread =
            thread::Builder::new().name("deadlines".to_owned()).spawn(move || ticking.run())?;
        let handle = thread.thread().clone();
        Ok(Self { shared, thread: Some(thread), handle })
    }

    /// Marks a call as in flight.
    pub(super) fn call(&self) -> InFlight<'_> {
        // Sequentially consistent with `run`: either it sees this call before it parks, or we see
        // that it has parked.
        self.shared.in_flight.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst)
            && self.shared.parked.swap(false, Ordering::SeqCst)
        {
            self.handle.unpark();
        }
        InFlight(&self.shared)
    }

    /// The ticks after which `deadline` has surely passed. One more than fit, because the first may
    /// come at once.
    pub(super) fn ticks(deadline: Duration) -> u64 {
        let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos());
        u64::try_from(ticks).unwrap_or(u64::MAX).min(u64::MAX / 2) + 1
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.handle.unpark();
        if let Some(thread) = self.thread.take() {
            // It cannot panic; if it did there would be nothing left to do about it.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn run(&self) {
        let mut idle = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            thread::sleep(TICK);
            self.engine.increment_epoch();
            if self.in_flight.load(Ordering::SeqCst) > 0 {
                idle = 0;
                continue;
            }
            idle += 1;
            if idle >= IDLE_TICKS {
                self.park();
                idle = 0;
            }
        }
    }

    fn park(&self) {
        self.parked.store(true, Ordering::SeqCst);
        while self.parked.load(Ordering::SeqCst)
            && self.in_flight.load(Ordering::SeqCst) == 0
            && !self.stopped.load(Ordering::SeqCst)
        {
            thread::park();
        }
        self.parked.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_cut_short() {
        assert_eq!(Ticker::ticks(Duration::ZERO), 1);
        assert_eq!(Ticker::ticks(Duration::from_millis(1)), 2);
        assert_eq!(Ticker::ticks(Duration::from_millis(500)), 101);
        assert!(Ticker::ticks(Duration::MAX) < u64::MAX);
    }

    #[test]
    fn it_ends_with_its_owner() {
        let engine = wasmtime::Engine::default();
        let ticker = Ticker::start(&engine).expect("a thread can be started");
        let call = ticker.call();
        drop(call);
        drop(ticker);
    }
}
