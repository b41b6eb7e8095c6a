//! Version numbers, and what they can do.

use std::cmp::Ordering;
use std::fmt;

use crate::sink::stream_load::config::System;

/// The version of a target. Only its numbers are compared.
#[derive(Clone, Debug)]
pub(in crate::sink::stream_load) struct Version {
    /// As the server says it.
    pub text: String,
    /// The first number.
    pub major: u32,
    /// The second.
    pub minor: u32,
    /// The third.
    pub patch: u32,
}

impl Version {
    /// Reads the first `1.2.3` or `1.2` of a text. A build without numbers, or with zeros for them,
    /// is made from a development branch and counts as newer than all others.
    pub(super) fn read(text: &str) -> Self {
        let mut numbers = text
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .filter_map(numbers)
            .next()
            .unwrap_or([0; 3]);
        if numbers == [0; 3] {
            numbers[0] = u32::MAX;
        }
        let [major, minor, patch] = numbers;
        Self { text: text.trim().to_owned(), major, minor, patch }
    }

    /// Whether it is this version or a later one.
    pub(in crate::sink::stream_load) fn is_at_least(
        &self,
        major: u32,
        minor: u32,
        patch: u32,
    ) -> bool {
        self.numbers() >= [major, minor, patch]
    }

    /// Whether tables may be made for updates of a different set of columns in each row: Doris 3.1.
    pub(in crate::sink::stream_load) fn takes_flexible_updates(&self, system: System) -> bool {
        system == System::Doris && self.is_at_least(3, 1, 0)
    }

    /// Whether bodies may be Arrow: Doris 2.1.
    pub(in crate::sink::stream_load) fn takes_arrow(&self, system: System) -> bool {
        system == System::Doris && self.is_at_least(2, 1, 0)
    }

    /// Whether bodies may be compressed whatever their format: StarRocks 3.2.7; older ones read
    /// compressed JSON as it is. Those of Doris are never JSON.
    pub(in crate::sink::stream_load) fn takes_compressed_bodies(&self, system: System) -> bool {
        system == System::Doris || self.is_at_least(3, 2, 7)
    }

    /// Whether loads can wait for their commit: StarRocks 2.4, and every Doris that is in use.
    pub(in crate::sink::stream_load) fn takes_two_phases(&self, system: System) -> bool {
        match system {
            System::StarRocks => self.is_at_least(2, 4, 0),
            System::Doris => self.is_at_least(1, 0, 0),
        }
    }

    const fn numbers(&self) -> [u32; 3] {
        [self.major, self.minor, self.patch]
    }
}

/// `1.2.3` or `1.2`; what follows a third number is left.
fn numbers(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('.').filter(|part| !part.is_empty());
    let mut next = || parts.next().map(str::parse);
    let major = next()?.ok()?;
    let minor = next()?.ok()?;
    let patch = next().and_then(Result::ok).unwrap_or(0);
    Some([major, minor, patch])
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Doris says its name twice.
        let text = self.text.strip_prefix("Doris version ").unwrap_or(&self.text);
        f.write_str(text.strip_prefix("doris-").unwrap_or(text))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.numbers() == other.numbers()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers().cmp(&other.numbers())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_what_servers_say() {
        for (text, numbers) in [
            ("3.5.0-8a1e3b2", [3, 5, 0]),
            ("3.2.11", [3, 2, 11]),
            ("Doris version doris-2.1.7-rc03-443e87e203", [2, 1, 7]),
            ("Doris version 4.0 (cloud)", [4, 0, 0]),
            ("main-7fd3a1", [u32::MAX, 0, 0]),
            ("Doris version doris-0.0.0-trunk", [u32::MAX, 0, 0]),
            ("99999999999.1.1", [u32::MAX, 0, 0]),
            ("", [u32::MAX, 0, 0]),
        ] {
            assert_eq!(Version::read(text).numbers(), numbers, "{text}");
        }
    }

    #[test]
    fn a_version_is_shown_without_the_systems_name() {
        for (says, shown) in [
            ("Doris version doris-2.1.7-rc03-443e87e203", "2.1.7-rc03-443e87e203"),
            ("Doris version 4.0 (cloud)", "4.0 (cloud)"),
            ("3.5.0-8a1e3b2", "3.5.0-8a1e3b2"),
            ("VeloDB Core 4.0.1", "VeloDB Core 4.0.1"),
        ] {
            assert_eq!(Version::read(says).to_string(), shown);
        }
    }

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        assert!(Version::read("3.10.0") > Version::read("3.9.12"));
        assert_eq!(Version::read("3.1.0-a"), Version::read("3.1.0-b"));
        assert!(Version::read("3.1.0").takes_flexible_updates(System::Doris));
        assert!(!Version::read("3.0.9").takes_flexible_updates(System::Doris));
        assert!(!Version::read("3.5.0").takes_flexible_updates(System::StarRocks));
        assert!(!Version::read("2.3.9").takes_two_phases(System::StarRocks));
        assert!(Version::read("2.1.0").takes_arrow(System::Doris));
        assert!(!Version::read("2.0.15").takes_arrow(System::Doris));
        assert!(!Version::read("3.5.0").takes_arrow(System::StarRocks));
        assert!(Version::read("3.2.7").takes_compressed_bodies(System::StarRocks));
        assert!(!Version::read("3.2.6").takes_compressed_bodies(System::StarRocks));
        assert!(Version::read("2.0.15").takes_compressed_bodies(System::Doris));
    }
}
