//! Medians, and what lies between two sizes.

/// The number in the middle; of an even count the mean of the two there; 0 of none.
#[must_use]
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        count if count.is_multiple_of(2) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// The number that so many of a hundred are not above; 0 of none.
#[must_use]
pub fn percentile(numbers: &[u64], of_hundred: usize) -> u64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * of_hundred).div_ceil(100);
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// What a million rows take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// Between the medians of both sizes.
    pub value: f64,
    /// The least between two runs of one turn.
    pub least: f64,
    /// The most between two runs of one turn.
    pub most: f64,
}

/// What a million rows take, by what runs over two sizes took, `rows` rows apart: what is the same
/// for both, such as the start, drops out. The runs are in the order of their turns.
#[must_use]
pub fn per_million(small: &[f64], large: &[f64], rows: u64) -> Slope {
    let (least, most) = range(&each_per_million(small, large, rows));
    Slope { value: (median(large) - median(small)) / (rows as f64 / 1e6), least, most }
}

/// The same of each turn by itself.
#[must_use]
pub fn each_per_million(small: &[f64], large: &[f64], rows: u64) -> Vec<f64> {
    let millions = rows as f64 / 1e6;
    small.iter().zip(large).map(|(small, large)| (large - small) / millions).collect()
}

/// The least and the most; of none, what is beyond every number.
#[must_use]
pub fn range(numbers: &[f64]) -> (f64, f64) {
    let numbers = || numbers.iter().copied();
    (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_does_not_move_the_median() {
        assert_eq!(median(&[3.0, 1.0, 900.0]), 3.0);
        assert_eq!(median(&[1.0, 2.0]), 1.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        let numbers: Vec<u64> = (1..=40).rev().collect();
        assert_eq!((percentile(&numbers, 95), percentile(&numbers, 100)), (38, 40));
        assert_eq!((percentile(&[7], 95), percentile(&[], 95)), (7, 0));
    }

    #[test]
    fn what_both_sizes_share_drops_out() {
        let slope = per_million(&[1.1, 1.0, 1.2], &[3.1, 3.0, 3.6], 4_000_000);
        assert!((slope.value - 0.5).abs() < 1e-9);
        assert!((slope.least - 0.5).abs() < 1e-9);
        assert!((slope.most - 0.6).abs() < 1e-9);
    }
}
