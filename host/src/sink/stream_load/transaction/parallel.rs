//! Several jobs at once on threads of their own, as many as the settings allow.

use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

/// Does every job, at most `width` at a time, and answers in the jobs' order. After an error no
/// further job begins; those that run are waited for, and the first error in order is answered.
pub(in crate::sink::stream_load) fn each<T: Send, R: Send, E: Send>(
    jobs: Vec<T>,
    width: usize,
    work: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if jobs.len() < 2 || width < 2 {
        return jobs.into_iter().map(work).collect();
    }
    let threads = width.min(jobs.len());
    let queue = Mutex::new(Some(jobs.into_iter().enumerate()));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.next();
    let stop = || *queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let worker = || {
        let mut done = Vec::new();
        while let Some((place, job)) = next() {
            let result = work(job);
            if result.is_err() {
                stop();
            }
            done.push((place, result));
        }
        done
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let mut results = Vec::new();
        for worker in workers {
            results.extend(worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        results
    });
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// How many may do something at once, whoever they are.
#[derive(Debug)]
pub(in crate::sink::stream_load) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    /// `count` of them, at least one.
    pub(in crate::sink::stream_load) fn new(count: usize) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// Waits for a slot, and has it until the answer is dropped.
    pub(in crate::sink::stream_load) fn take(&self) -> Slot<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Slot(self)
    }
}

/// One of several slots, taken.
#[derive(Debug)]
pub(in crate::sink::stream_load) struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_jobs() {
        for width in [1, 2, 7] {
            let jobs: Vec<usize> = (0..50).collect();
            let doubled = each(jobs, width, |job| Ok::<_, ()>(job * 2)).unwrap();
            assert_eq!(doubled, (0..50).map(|job| job * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_the_queue() {
        let begun = AtomicUsize::new(0);
        let refuse = |job: usize| {
            begun.fetch_add(1, Ordering::Relaxed);
            if job == 0 { Err("refused") } else { Ok(()) }
        };
        assert_eq!(each((0..1000).collect(), 1, refuse), Err("refused"));
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        assert_eq!(each((0..1000).collect(), 2, refuse), Err("refused"));
    }
}
