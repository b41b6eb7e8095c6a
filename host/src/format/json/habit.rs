//! When to run along shapes and to learn them, and when to leave it.

/// Whether running along shapes pays, by counting how often it does.
///
/// When less than half of a window's lines ran through, the shapes are forgotten (the producer may
/// have changed) and the general path is left alone for a while, longer each time.
#[derive(Debug)]
pub(super) struct Habit {
    learning: bool,
    tried: u32,
    ran: u32,
    pause: u32,
    next_pause: u32,
}

const WINDOW: u32 = 1_024;
const MIN_PAUSE: u32 = 1_024;
const MAX_PAUSE: u32 = 65_536;

impl Habit {
    /// `learning` false: never.
    pub(super) fn new(learning: bool) -> Self {
        Self { learning, tried: 0, ran: 0, pause: 0, next_pause: MIN_PAUSE }
    }

    /// Whether to run along the shapes, and to learn when that fails.
    #[inline]
    pub(super) fn tries(&self) -> bool {
        self.learning && self.pause == 0
    }

    /// Counts a line; true when the shapes are to be forgotten.
    #[inline]
    pub(super) fn count(&mut self, ran: bool) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return false;
        }
        self.tried += 1;
        self.ran += u32::from(ran);
        self.tried >= WINDOW && self.judge()
    }

    fn judge(&mut self) -> bool {
        let pays = self.ran * 2 >= self.tried;
        self.tried = 0;
        self.ran = 0;
        if pays {
            self.next_pause = MIN_PAUSE;
            return false;
        }
        self.pause = self.next_pause;
        self.next_pause = (self.next_pause * 2).min(MAX_PAUSE);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_habit_that_does_not_pay_pauses_longer_each_time() {
        let mut habit = Habit::new(true);
        let mut pauses = Vec::new();
        for _ in 0..3 {
            while !habit.count(false) {}
            assert!(!habit.tries());
            pauses.push(habit.pause);
            while !habit.tries() {
                assert!(!habit.count(false));
            }
        }
        assert_eq!(pauses, [1_024, 2_048, 4_096]);
        for line in 0..WINDOW {
            assert!(!habit.count(line % 2 == 0), "half is enough");
        }
        assert_eq!(habit.next_pause, MIN_PAUSE);
        assert!(!Habit::new(false).tries());
    }
}
