//! Everything that the parts of one stand-in share.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::breaches::Breaches;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::http::Stats;
use crate::nodes::Nodes;
use crate::settings::{Limits, Settings};
use crate::stall::Stall;
use crate::transaction::Transactions;

/// Which system is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// StarRocks.
    StarRocks,
    /// Apache Doris.
    Doris,
}

impl System {
    /// The name on the command line and in the ready line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StarRocks => "starrocks",
            Self::Doris => "doris",
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The version that the servers claim, which decides what they can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl Version {
    /// A version by its numbers.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// The version that is played unless another is asked for.
    #[must_use]
    pub const fn default_of(system: System) -> Self {
        match system {
            System::StarRocks => Self::new(3, 5, 0),
            System::Doris => Self::new(3, 1, 0),
        }
    }

    /// Whether it is this version or a later one.
    #[must_use]
    pub fn at_least(self, major: u32, minor: u32, patch: u32) -> bool {
        self >= Self::new(major, minor, patch)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A version that is not three numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version: write it as three numbers, such as 3.5.0")]
pub struct NotAVersion(String);

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAVersion(text.to_owned());
        let numbers: Vec<u32> = text
            .split('.')
            .map(|part| part.parse().map_err(|_| wrong()))
            .collect::<Result<_, _>>()?;
        match numbers[..] {
            [major, minor, patch] => Ok(Self::new(major, minor, patch)),
            [major, minor] => Ok(Self::new(major, minor, 0)),
            _ => Err(wrong()),
        }
    }
}

/// One stand-in: what every connection, the control port and the tests look at.
pub struct World {
    /// The system that is played.
    pub system: System,
    /// The version that it claims.
    pub version: Version,
    /// Databases, tables, rows, users.
    pub catalog: Catalog,
    /// Labels and transactions.
    pub transactions: Transactions,
    /// What is to go wrong.
    pub faults: Faults,
    /// What clients did against the protocol.
    pub breaches: Breaches,
    /// The time that timeouts go by.
    pub clock: Clock,
    /// Limits and habits that the control port changes.
    pub settings: Settings,
    /// Frontends and backends.
    pub nodes: Nodes,
    /// Counts of what was served.
    pub stats: Stats,
    /// Whether the servers stand still.
    pub stall: Stall,
}

impl World {
    /// A world without listeners, in memory, with one frontend and two backends: for tests of the
    /// parts that need no wire.
    #[must_use]
    pub fn alone(system: System) -> Arc<Self> {
        let version = Version::default_of(system);
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let nodes = Nodes::new(&[address(1)], &[address(2), address(3)], address(4), None);
        Arc::new(Self {
            system,
            version,
            catalog: Catalog::open(system, version, None),
            transactions: Transactions::new(),
            faults: Faults::default(),
            breaches: Breaches::default(),
            clock: Clock::default(),
            settings: Settings::new(Limits::of(system)),
            nodes,
            stats: Stats::default(),
            stall: Stall::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_numbers() {
        let version: Version = "3.10.2".parse().unwrap();
        assert!(version.at_least(3, 5, 4) && !version.at_least(4, 0, 0));
        assert_eq!(version.to_string(), "3.10.2");
        assert_eq!("3.1".parse::<Version>().unwrap(), Version::new(3, 1, 0));
        assert!("3.x.1".parse::<Version>().is_err() && "3".parse::<Version>().is_err());
    }
}
