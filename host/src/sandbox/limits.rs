//! Bounds on an instance, and the one that is watched while it grows: its memory.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Parts that one artifact may consist of; a module that went through wit-component has four.
const MAX_CORE_INSTANCES: usize = 64;
const MAX_TABLES: usize = 64;
const MAX_MEMORIES: usize = 16;

/// Bytes that the host adds to each emitted row, whatever its columns take.
const HOST_BYTES_A_ROW: u64 = 24;

/// What an instance may use. Breaking a bound is a typed error that ends the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all of its linear memories together.
    pub max_memory: u64,
    /// Time of one call. Opening (instantiation, `describe`, `open`) has at least the default's.
    pub deadline: Duration,
    /// Bytes that one call may answer, or hand to an import.
    pub max_output: u64,
    /// Elements of one of its tables (of functions, mostly).
    pub max_table_elements: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_memory: 256 << 20,
            deadline: Duration::from_millis(500),
            max_output: 256 << 20,
            max_table_elements: 20_000,
        }
    }
}

/// The least time of a call that takes or gives a chunk of state, which takes milliseconds where
/// nothing else wants the machine.
const STATE_DEADLINE: Duration = Duration::from_secs(3);

impl Limits {
    /// The output bound as the runtime takes it.
    pub(super) fn output_fuel(&self) -> usize {
        usize::try_from(self.max_output).unwrap_or(usize::MAX)
    }

    /// Rows that one answer may emit: bits are cheap for a guest, rows are not for the host.
    pub(super) fn max_emitted(&self) -> u64 {
        self.max_output / HOST_BYTES_A_ROW
    }

    /// The time of a call. A deadline that fits rows says nothing about opening, which happens once,
    /// and nothing about state, whose size is its own.
    pub(super) fn deadline_of(&self, call: &str) -> Duration {
        match call {
            "instantiate" | "describe" | "open" => self.deadline.max(Self::default().deadline),
            "save" | "restore" => self.deadline.max(STATE_DEADLINE),
            _ => self.deadline,
        }
    }
}

/// A growth that was refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    /// Of memory, to this many bytes in all.
    Memory { wanted: u64 },
    /// Of a table, to this many elements.
    Table { wanted: u64 },
}

/// Counts an instance's memory and refuses what is beyond its bounds.
///
/// A refusal is an error rather than a failed `memory.grow`, so that it ends the call at once: most
/// guests would answer the failure by a trap that says nothing.
#[derive(Debug)]
pub(super) struct Limiter {
    max_memory: u64,
    max_table_elements: u64,
    memory: u64,
    before: u64,
    refusal: Option<Refusal>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            max_memory: limits.max_memory,
            max_table_elements: limits.max_table_elements,
            memory: 0,
            before: 0,
            refusal: None,
        }
    }

    /// Bytes that the instance's memories have.
    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    /// The refusal that ended the call, if one did.
    pub(super) fn take_refusal(&mut self) -> Option<Refusal> {
        self.refusal.take()
    }

    fn refuse(&mut self, refusal: Refusal) -> wasmtime::Error {
        self.refusal = Some(refusal);
        wasmtime::Error::msg("the instance wanted more than its limits allow")
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Beyond the maximum that the module itself declares: an ordinary failed growth.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let wanted = self.memory.saturating_sub(current as u64).saturating_add(desired as u64);
        if wanted > self.max_memory {
            return Err(self.refuse(Refusal::Memory { wanted }));
        }
        self.before = self.memory;
        self.memory = wanted;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // The machine had no more, though the bound allowed it.
        let wanted = self.memory;
        self.memory = self.before;
        Err(self.refuse(Refusal::Memory { wanted }))
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let wanted = desired as u64;
        if wanted > self.max_table_elements {
            return Err(self.refuse(Refusal::Table { wanted }));
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(max_memory: u64) -> Limiter {
        Limiter::new(&Limits { max_memory, ..Limits::default() })
    }

    #[test]
    fn opening_has_at_least_the_default_time() {
        let of = |millis, call| {
            let deadline = Duration::from_millis(millis);
            Limits { deadline, ..Limits::default() }.deadline_of(call).as_millis()
        };
        for call in ["instantiate", "describe", "open"] {
            assert_eq!((of(5, call), of(9_000, call)), (500, 9_000), "{call}");
        }
        assert_eq!(of(5, "process"), 5);
        assert_eq!((of(5, "save"), of(5, "restore")), (3_000, 3_000));
    }

    #[test]
    fn the_bound_is_on_all_memories_together() {
        let mut limiter = limiter(300);
        assert!(limiter.memory_growing(0, 100, None).unwrap());
        assert!(limiter.memory_growing(0, 100, None).unwrap());
        assert!(limiter.memory_growing(100, 200, None).unwrap());
        assert_eq!(limiter.memory(), 300);
        assert!(limiter.memory_growing(200, 201, None).is_err());
        assert!(matches!(limiter.take_refusal(), Some(Refusal::Memory { wanted: 301 })));
        assert_eq!(limiter.memory(), 300);
    }

    #[test]
    fn a_modules_own_maximum_is_no_refusal() {
        let mut limiter = limiter(300);
        assert!(!limiter.memory_growing(0, 200, Some(100)).unwrap());
        assert!(limiter.take_refusal().is_none());
        assert_eq!(limiter.memory(), 0);
    }

    #[test]
    fn a_growth_that_the_machine_refuses_is_taken_back() {
        let mut limiter = limiter(300);
        assert!(limiter.memory_growing(0, 200, None).unwrap());
        assert!(limiter.memory_grow_failed(wasmtime::Error::msg("no memory")).is_err());
        assert_eq!(limiter.memory(), 0);
    }
}
