//! Programs that are kept to one processor.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// Whoever is started while this lives runs on one processor.
#[derive(Debug)]
pub struct OneProcessor {
    /// Where this program may run otherwise.
    before: CpuSet,
}

impl OneProcessor {
    /// Keeps this program, and those that it starts, to the first processor that it may use.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn keep_to() -> anyhow::Result<Self> {
        let this = Pid::from_raw(0);
        let before = sched_getaffinity(this)?;
        let first = (0..CpuSet::count()).find(|processor| before.is_set(*processor) == Ok(true));
        let mut one = CpuSet::new();
        one.set(first.unwrap_or_default())?;
        sched_setaffinity(this, &one)?;
        Ok(Self { before })
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        // Whoever could give them up may have them back.
        sched_setaffinity(Pid::from_raw(0), &self.before).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_and_all_of_them_afterwards() {
        let mine = || {
            let set = sched_getaffinity(Pid::from_raw(0)).expect("it is told");
            (0..CpuSet::count()).filter(|processor| set.is_set(*processor) == Ok(true)).count()
        };
        let before = mine();
        let one = OneProcessor::keep_to().expect("it is let");
        assert_eq!(mine(), 1);
        drop(one);
        assert_eq!(mine(), before);
    }
}
