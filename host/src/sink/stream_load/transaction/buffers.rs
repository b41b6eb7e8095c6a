//! Memory of bodies, used again.
//!
//! A body is tens of megabytes. Memory of that size goes back to the system when it is freed, and
//! comes from there page by page: for short rows that costs as much as writing them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sink::stream_load::config::{Compression, StreamLoadConfig};

/// The buffers of a sink that no body is in.
#[derive(Debug)]
pub(in crate::sink::stream_load) struct Buffers {
    free: Mutex<Vec<Vec<u8>>>,
    /// How many are kept,
    count_max: usize,
    /// and of which capacity.
    bytes_max: usize,
}

impl Buffers {
    /// As many as a sink of these settings has bodies at once.
    pub(in crate::sink::stream_load) fn new(config: &StreamLoadConfig) -> Self {
        let in_flight = config.load.in_flight.max(1);
        // What is sent is beside what it is made of.
        let count_max = match config.compression {
            Compression::None => in_flight,
            _ => in_flight * 2,
        };
        // A body is bounded by an estimate, and a buffer grows by doubling; pages that nothing was
        // written to take no memory.
        let bytes_max = config.load.bytes.saturating_mul(2);
        Self { free: Mutex::default(), count_max, bytes_max }
    }

    /// An empty buffer with room for so many bytes.
    pub(super) fn take(&self, bytes: usize) -> Vec<u8> {
        let mut buffer = self.closest(bytes).unwrap_or_default();
        buffer.reserve_exact(bytes);
        buffer
    }

    /// The smallest buffer that is large enough, else the largest.
    fn closest(&self, bytes: usize) -> Option<Vec<u8>> {
        let mut free = self.free();
        let rank = |buffer: &Vec<u8>| match buffer.capacity() {
            enough if enough >= bytes => (false, enough),
            less => (true, usize::MAX - less),
        };
        let (place, _) = free.iter().enumerate().min_by_key(|(_, buffer)| rank(buffer))?;
        Some(free.swap_remove(place))
    }

    /// Takes a buffer back, whose bytes nobody needs any more.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() == 0 || buffer.capacity() > self.bytes_max {
            return;
        }
        buffer.clear();
        let mut free = self.free();
        if free.len() < self.count_max {
            free.push(buffer);
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_buffers_are_kept_and_the_one_that_fits_is_taken() {
        let buffers = Buffers { free: Mutex::default(), count_max: 2, bytes_max: 1 << 20 };
        for bytes in [1_000, 100_000, 10_000, 2 << 20] {
            buffers.give(vec![1; bytes]);
        }
        assert_eq!(buffers.free().len(), 2);
        let taken = buffers.take(900);
        assert_eq!((taken.len(), taken.capacity()), (0, 1_000));
        // The one that is left is too large to be looked past, and none is made.
        assert_eq!(buffers.take(10).capacity(), 100_000);
        assert!(buffers.take(500_000).capacity() >= 500_000);
        buffers.give(taken);
        assert!(buffers.take(5_000).capacity() >= 5_000);
        assert!(buffers.free().is_empty());
    }
}
