//! The mathematics of made-up values, the same bits on every machine.
//!
//! *Invariants*: only additions, multiplications, divisions and square roots, which IEEE 754 fixes
//! to the last bit; the platform's own logarithms and powers differ in theirs.
//! *Not here*: what the values mean (`wager`).

use std::f64::consts::LN_2;

/// Slots of a popularity table: one for each value of 16 random bits.
const SLOTS: usize = 1 << 16;

/// A table that turns 16 even bits into one of `count` indices with skewed popularity: the weight
/// of the index of rank r is 1 / (r + `flatness`). Ranks are spread over the indices by `stride`,
/// which shares no factor with `count`, so that neighbours are not equally popular.
///
/// Every index has a slot as long as the last rank's share is more than one slot.
pub(super) fn popularity(count: u16, flatness: u64, stride: usize) -> Vec<u16> {
    let weight = |rank: u16| (1_u64 << 40) / (u64::from(rank) + flatness);
    let total: u64 = (0..count).map(weight).sum();
    let mut slots = Vec::with_capacity(SLOTS);
    let mut sum = 0_u64;
    for rank in 0..count {
        sum += weight(rank);
        let end = u128::from(sum) * SLOTS as u128 / u128::from(total);
        let index = usize::from(rank) * stride % usize::from(count);
        slots.resize(end as usize, index as u16);
    }
    slots
}

/// A value of the lognormal distribution with this median and this deviation of its logarithm, for
/// 52 even bits in the high end of `bits`.
pub(super) fn lognormal(bits: u64, median: f64, deviation: f64) -> f64 {
    // The middle of one of 2^52 equal parts of (0, 1): never 0 nor 1, and exact.
    let probability = ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
    median * exp(deviation * normal_quantile(probability))
}

/// The value below which a standard normal variable falls with this probability.
///
/// Source: P. J. Acklam's rational approximations, with a relative error below 1.15e-9.
fn normal_quantile(probability: f64) -> f64 {
    /// Where the tails begin.
    const LOW: f64 = 0.02425;
    if probability < LOW {
        tail((-2.0 * ln(probability)).sqrt())
    } else if probability > 1.0 - LOW {
        -tail((-2.0 * ln(1.0 - probability)).sqrt())
    } else {
        centre(probability - 0.5)
    }
}

fn centre(q: f64) -> f64 {
    const NUMERATOR: [f64; 6] = [
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.357751867269,
        -30.66479806614716,
        2.506628277459239,
    ];
    const DENOMINATOR: [f64; 6] = [
        -54.47609879822406,
        161.5858368580409,
        -155.6989798598866,
        66.80131188771972,
        -13.28068155288572,
        1.0,
    ];
    let r = q * q;
    q * polynomial(&NUMERATOR, r) / polynomial(&DENOMINATOR, r)
}

fn tail(q: f64) -> f64 {
    const NUMERATOR: [f64; 6] = [
        -0.007784894002430293,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const DENOMINATOR: [f64; 5] =
        [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0];
    polynomial(&NUMERATOR, q) / polynomial(&DENOMINATOR, q)
}

/// By Horner's rule, the highest power's coefficient first.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// The natural logarithm of a positive, normal number: its exponent's share, and the series of the
/// inverse hyperbolic tangent for a mantissa between 1 and 2.
fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i32 - 1023;
    let mantissa = f64::from_bits((bits & MANTISSA) | (1023 << 52));
    let y = (mantissa - 1.0) / (mantissa + 1.0);
    let (mut power, mut sum) = (y, 0.0);
    // y is at most 1/3, so that the 18th term no longer counts.
    for odd in (1..=35).step_by(2) {
        sum += power / f64::from(odd);
        power *= y * y;
    }
    f64::from(exponent) * LN_2 + 2.0 * sum
}

/// e to the power of a small number: five terms of the series for its 1,024th part, squared ten
/// times.
fn exp(x: f64) -> f64 {
    let part = x / 1024.0;
    let mut value = 1.0
        + part * (1.0 + part / 2.0 * (1.0 + part / 3.0 * (1.0 + part / 4.0 * (1.0 + part / 5.0))));
    for _ in 0..10 {
        value *= value;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64, tolerance: f64) {
        assert!((left - right).abs() <= tolerance * right.abs().max(1.0), "{left} is not {right}");
    }

    #[test]
    fn logarithm_and_power_agree_with_the_platform_to_rounding() {
        for x in [1e-300, 1e-16, 0.001, 0.024, 0.5, 1.0, 1.999_999, 2.0, 8.0, 1e9] {
            close(ln(x), x.ln(), 1e-14);
        }
        for x in [-7.0, -1.0, -1e-9, 0.0, 0.3, 2.0, 7.0] {
            close(exp(x), x.exp(), 1e-11);
        }
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        let known = [
            (0.001, -3.090_232_306_167_814),
            (0.02, -2.053_748_910_631_823),
            (0.158_655_253_931_457, -1.0),
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_814),
        ];
        for (probability, expected) in known {
            close(normal_quantile(probability), expected, 1e-8);
        }
    }

    #[test]
    fn every_index_is_popular_enough_to_occur_and_the_first_rank_most() {
        for (count, flatness, stride) in [(200, 3, 77), (10_000, 100, 7_919)] {
            let slots = popularity(count, flatness, stride);
            assert_eq!(slots.len(), SLOTS);
            let mut counts = vec![0_u32; usize::from(count)];
            for index in &slots {
                counts[usize::from(*index)] += 1;
            }
            assert!(counts.iter().all(|slots| *slots > 0));
            assert_eq!(counts.iter().max(), Some(&counts[0]));
        }
    }
}
