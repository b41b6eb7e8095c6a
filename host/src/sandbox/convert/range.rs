//! Whether values are within what their type can hold, by branch-free passes over whole lists.

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// The bounds of a list of 64-bit values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds64 {
    low: i64,
    high: i64,
}

impl Bounds64 {
    /// Microseconds since midnight.
    pub(super) const TIME: Self = Self { low: 0, high: DAY_MICROS - 1 };

    /// Microseconds since 1970, years 0001 to 9999.
    pub(super) const TIMESTAMP: Self =
        Self { low: -62_135_596_800_000_000, high: 253_402_300_799_999_999 };

    /// Scaled decimals of at most 18 digits.
    pub(super) const fn decimal(precision: u8) -> Self {
        let high = 10_i64.pow(precision as u32) - 1;
        Self { low: -high, high }
    }

    pub(super) fn holds(self, value: i64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Whether every value is within the bounds.
    ///
    /// `value - low` as an unsigned number exceeds `high - low`, which is below 2^63, exactly if it
    /// or what is left of the span after it has its top bit set: no comparison, so that the loop
    /// becomes vector instructions on any machine.
    pub(super) fn hold(self, values: &[i64]) -> bool {
        let span = self.high.wrapping_sub(self.low) as u64;
        let outside = values.iter().fold(0, |outside, value| {
            let above = value.wrapping_sub(self.low) as u64;
            outside | above | span.wrapping_sub(above)
        });
        outside >> 63 == 0
    }
}

/// The first and last day of the years 0001 to 9999, since 1970.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;

pub(super) fn holds_date(value: i32) -> bool {
    (FIRST_DAY..=LAST_DAY).contains(&value)
}

/// [`Bounds64::hold`] for days.
pub(super) fn hold_dates(values: &[i32]) -> bool {
    let span = LAST_DAY.wrapping_sub(FIRST_DAY) as u32;
    let outside = values.iter().fold(0, |outside, value| {
        let above = value.wrapping_sub(FIRST_DAY) as u32;
        outside | above | span.wrapping_sub(above)
    });
    outside >> 31 == 0
}

/// Whether a decimal of up to 38 digits fits.
pub(super) fn holds_decimal(value: i128, precision: u8) -> bool {
    value.unsigned_abs() < 10_u128.pow(u32::from(precision))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pass_agrees_with_each_value(
            values in proptest::collection::vec(prop_oneof![
                any::<i64>(),
                -1_000_i64..1_000,
                Just(i64::MIN),
                Just(i64::MAX),
                Just(DAY_MICROS),
                Just(DAY_MICROS - 1),
                Just(-62_135_596_800_000_001),
                Just(-62_135_596_800_000_000),
                Just(253_402_300_799_999_999),
                Just(253_402_300_800_000_000),
                Just(999_999_999_999_999_999),
                Just(-1_000_000_000_000_000_000),
            ], 0..4),
            precision in 1_u8..=18,
        ) {
            for bounds in [Bounds64::TIME, Bounds64::TIMESTAMP, Bounds64::decimal(precision)] {
                let each = values.iter().all(|value| bounds.holds(*value));
                prop_assert_eq!(bounds.hold(&values), each);
            }
        }

        #[test]
        fn dates_too(values in proptest::collection::vec(prop_oneof![
            any::<i32>(), Just(FIRST_DAY), Just(FIRST_DAY - 1), Just(LAST_DAY), Just(LAST_DAY + 1),
        ], 0..4)) {
            let each = values.iter().all(|value| holds_date(*value));
            prop_assert_eq!(hold_dates(&values), each);
        }
    }

    #[test]
    fn long_decimals() {
        let limit = 10_i128.pow(38);
        assert!(holds_decimal(limit - 1, 38));
        assert!(holds_decimal(1 - limit, 38));
        assert!(!holds_decimal(limit, 38));
        assert!(!holds_decimal(i128::MIN, 38));
        assert!(!holds_decimal(10_i128.pow(20), 20));
    }
}
