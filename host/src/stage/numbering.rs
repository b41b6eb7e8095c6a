//! Source sequences of the rows that stages make.

use arrow_buffer::ScalarBuffer;

/// The source sequences of the rows that one instance of a stage makes: they rise, and those of
/// instances side by side differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// The next row's.
    pub next: i64,
    /// From one row to the next: how many instances the stage has.
    pub step: i64,
}

impl Numbering {
    /// For the only instance of a stage.
    #[must_use]
    pub const fn alone(next: i64) -> Self {
        Self { next, step: 1 }
    }

    /// For the instance `instance` of `instances`, all of them beyond what was taken below `next`.
    #[must_use]
    pub fn shared(next: i64, instance: usize, instances: usize) -> Self {
        let step = i64::try_from(instances.max(1)).unwrap_or(i64::MAX);
        let instance = i64::try_from(instance).unwrap_or_default();
        // The least number from `next` on that is this instance's.
        Self { next: next + (instance - next).rem_euclid(step), step }
    }

    /// Takes so many.
    pub(super) fn take(&mut self, rows: usize) -> ScalarBuffer<i64> {
        let Self { next, step } = *self;
        let taken: Vec<i64> = (0..rows as i64).map(|row| next + row * step).collect();
        self.next += rows as i64 * step;
        taken.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_never_take_the_same_number() {
        let mut all = Vec::new();
        for instance in 0..3 {
            let mut numbering = Numbering::shared(10, instance, 3);
            all.extend(numbering.take(4).iter().copied());
            assert!(numbering.next >= 22);
        }
        all.sort_unstable();
        assert_eq!(all, (10..22).collect::<Vec<_>>());
    }
}
