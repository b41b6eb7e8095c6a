//! Exact division and powers of ten. Everything here works on magnitudes; rounding is half up,
//! which is half away from zero once the sign is back.

/// 10^0 to 10^38.
const POWERS: [u128; 39] = {
    let mut powers = [1; 39];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// 10^0 to 10^19.
const SMALL_POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// `10^exponent`, or `None` past 10^38.
#[inline]
pub(super) fn power(exponent: u32) -> Option<u128> {
    POWERS.get(exponent as usize).copied()
}

/// `10^exponent` for exponents of up to 18, which is as far as a `Decimal` goes.
#[inline]
pub(super) fn small_power(exponent: u8) -> i64 {
    const LARGEST: i64 = 10_i64.pow(18);
    SMALL_POWERS.get(usize::from(exponent)).map_or(LARGEST, |power| *power as i64)
}

/// `numerator / denominator`, rounded. The denominator is not zero.
#[inline]
pub(super) fn quotient_small(numerator: u64, denominator: u64) -> u64 {
    let remainder = numerator % denominator;
    numerator / denominator + u64::from(remainder >= denominator - remainder)
}

/// `numerator / denominator`, rounded. The denominator is not zero.
#[inline]
pub(super) fn quotient(numerator: u128, denominator: u128) -> u128 {
    let remainder = numerator % denominator;
    numerator / denominator + u128::from(remainder >= denominator - remainder)
}

/// `numerator * 10^exponent / denominator`, rounded, when the product fits 64 bits: the usual case,
/// and many times faster than the general one in a guest, where 128-bit division is a call.
#[inline]
pub(super) fn divide_small(numerator: u64, denominator: u64, exponent: i32) -> Option<u64> {
    let power = *SMALL_POWERS.get(usize::try_from(exponent).ok()?)?;
    (numerator <= u64::MAX / power).then(|| quotient_small(numerator * power, denominator))
}

/// `numerator * 10^exponent / denominator`, rounded, or `None` when it exceeds 38 digits. Both
/// magnitudes have at most 38 digits, and the denominator is not zero.
pub(super) fn divide(numerator: u128, denominator: u128, exponent: i32) -> Option<u128> {
    if exponent < 0 {
        let divisor = power(exponent.unsigned_abs()).and_then(|p| denominator.checked_mul(p));
        // A divisor beyond 128 bits is more than twice any numerator, so the quotient rounds to 0.
        return Some(divisor.map_or(0, |divisor| quotient(numerator, divisor)));
    }
    let mut whole = numerator / denominator;
    let mut remainder = numerator % denominator;
    for _ in 0..exponent {
        let (digit, rest) = next_digit(remainder, denominator);
        whole = whole.checked_mul(10)?.checked_add(digit)?;
        remainder = rest;
    }
    whole.checked_add(u128::from(remainder >= denominator - remainder))
}

/// The next digit of a long division, and what remains. `remainder * 10` may exceed 128 bits, so the
/// slow way adds the remainder up ten times instead.
fn next_digit(remainder: u128, denominator: u128) -> (u128, u128) {
    if let Some(tenfold) = remainder.checked_mul(10) {
        return (tenfold / denominator, tenfold % denominator);
    }
    let (mut digit, mut rest) = (0, 0);
    for _ in 0..10 {
        rest += remainder;
        if rest >= denominator {
            rest -= denominator;
            digit += 1;
        }
    }
    (digit, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(quotient_small(5, 2), 3);
        assert_eq!(quotient_small(4, 3), 1);
        assert_eq!(quotient(15, 10), 2);
        assert_eq!(quotient(14, 10), 1);
    }

    #[test]
    fn long_division_agrees_with_the_short_way() {
        for (numerator, denominator) in [(1_u64, 3_u64), (2, 3), (99_999, 7), (0, 5), (17, 1)] {
            for exponent in 0..6 {
                let short = divide_small(numerator, denominator, exponent).map(u128::from);
                assert_eq!(divide(numerator.into(), denominator.into(), exponent), short);
            }
        }
    }

    #[test]
    fn a_remainder_near_128_bits_keeps_its_digits() {
        let large = 10_u128.pow(38) - 1;
        assert_eq!(next_digit(large - 1, large), (9, large - 10));
        assert_eq!(divide(large, large, 3), Some(1000));
        assert_eq!(divide(large, 1, 3), None);
        assert_eq!(divide(5, 1, -1), Some(1));
        assert_eq!(divide(large, large, -38), Some(0));
    }
}
