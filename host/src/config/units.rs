//! Durations and sizes as people write them: `50ms`, `1m`, `4MiB`.

use std::time::Duration;

const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const SIZES: [(&str, u64); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// What a hint says about durations.
pub(super) const DURATION_HINT: &str =
    "a duration is a whole number and one of ms, s, m, h, d, such as \"50ms\" or \"5s\"";

/// What a hint says about sizes.
pub(super) const SIZE_HINT: &str =
    "a size is a whole number and one of B, KiB, MiB, GiB, kB, MB, GB, such as \"4MiB\"";

pub(super) fn duration(text: &str) -> Option<Duration> {
    measured(text, &DURATIONS).map(Duration::from_millis)
}

pub(super) fn size(text: &str) -> Option<u64> {
    measured(text, &SIZES)
}

fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit() {
        assert_eq!(duration("50ms"), Some(Duration::from_millis(50)));
        assert_eq!(duration("1m"), Some(Duration::from_secs(60)));
        assert_eq!(duration("2 h"), Some(Duration::from_secs(7_200)));
        assert_eq!(size("4MiB"), Some(4 << 20));
        assert_eq!(size("512 kB"), Some(512_000));
    }

    #[test]
    fn anything_else_is_none() {
        for wrong in [
            "",
            "5",
            "s",
            "-5s",
            "1.5s",
            "5sec",
            "5S",
            "99999999999999999999s",
            "9223372036854775807d",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(size("4mib"), None);
    }
}
