//! Limits and habits of the servers, changeable while they run.

use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::world::System;

/// The limits, as a value: what `POST /settings` takes, in any selection of its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Shared-data StarRocks, or Doris in cloud mode.
    pub cloud: bool,
    /// How many transactions of one database may run at a time.
    pub max_running_txns: usize,
    /// How many finished labels of one database are remembered.
    pub label_keep: usize,
    /// For how long a finished label is remembered, in seconds.
    pub label_keep_s: u64,
    /// How many versions a tablet may have that are not yet compacted; 0 is no limit.
    pub max_versions: usize,
    /// The timeout of a load that names none, in seconds.
    pub load_timeout_s: u64,
    /// For how long a prepared (pre-committed) transaction lives, in seconds.
    pub prepared_timeout_s: u64,
    /// For how long a commit waits until its rows can be seen, in seconds.
    pub publish_timeout_s: u64,
    /// How many loads a backend takes at a time.
    pub http_concurrency: usize,
    /// The size from which a JSON body needs `ignore_json_size` (`read_json_by_line` in Doris).
    pub json_max_bytes: u64,
    /// The size from which any body is refused.
    pub body_max_bytes: u64,
    /// How many polls of its state each stage of an alter job lasts.
    pub alter_polls: u32,
    /// What a careful client declares and the official ones do not (`strict_mode`, the shape of
    /// JSON) is a breach where it is missing.
    pub strict_client: bool,
    /// A proxy in front of every node drops headers whose names have an underscore.
    pub strip_underscore_headers: bool,
    /// A frontend that is not the leader sends transaction operations to the leader first.
    pub leader_first_transactions: bool,
    /// A frontend that is not the leader sends loads to the leader first.
    pub leader_first_loads: bool,
    /// The Location of a redirect carries the credentials, as Doris does it.
    pub credentials_in_location: bool,
    /// For how long a fault that slows delays, in milliseconds.
    pub slow_ms: u64,
    /// For how long a frontend watches for body bytes before it redirects, in milliseconds.
    pub early_watch_ms: u64,
    /// Rows are counted and thrown away, for measurements of clients.
    pub count_only: bool,
    /// For how long a connection may be silent inside a request, in milliseconds.
    pub silence_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(System::StarRocks)
    }
}

impl Limits {
    /// What a system ships with.
    #[must_use]
    pub fn of(system: System) -> Self {
        let doris = system == System::Doris;
        Self {
            cloud: false,
            max_running_txns: 1000,
            label_keep: 1000,
            label_keep_s: if doris { 43_200 } else { 259_200 },
            max_versions: 0,
            load_timeout_s: if doris { 259_200 } else { 600 },
            prepared_timeout_s: if doris { 3600 } else { 86_400 },
            publish_timeout_s: 20,
            http_concurrency: 500,
            json_max_bytes: 100 << 20,
            body_max_bytes: if doris { 10_240 << 20 } else { 102_400 << 20 },
            alter_polls: 1,
            strict_client: false,
            strip_underscore_headers: false,
            leader_first_transactions: !doris,
            leader_first_loads: false,
            credentials_in_location: doris,
            slow_ms: 1500,
            early_watch_ms: 5,
            count_only: false,
            silence_ms: 600_000,
        }
    }
}

/// The limits in force.
#[derive(Debug)]
pub struct Settings(RwLock<Limits>);

/// Why new settings were not taken.
#[derive(Debug, thiserror::Error)]
#[error("these settings cannot be taken: {0}")]
pub struct NotSettings(#[from] serde_json::Error);

impl Settings {
    /// Settings that begin with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self(RwLock::new(limits))
    }

    /// The limits as they are now.
    #[must_use]
    pub fn get(&self) -> Limits {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes some of them.
    pub fn change(&self, how: impl FnOnce(&mut Limits)) {
        how(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes the keys of a JSON object over the limits in force; all of them or none.
    pub fn merge(&self, keys: Map<String, Value>) -> Result<(), NotSettings> {
        let mut limits = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = serde_json::to_value(&*limits)?;
        if let Some(all) = all.as_object_mut() {
            all.extend(keys);
        }
        *limits = serde_json::from_value(all)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_keys_change_and_unknown_ones_change_nothing() {
        let settings = Settings::new(Limits::of(System::Doris));
        let keys = |text: &str| serde_json::from_str(text).unwrap();
        settings.merge(keys(r#"{"label_keep": 3, "cloud": true}"#)).unwrap();
        let now = settings.get();
        assert_eq!((now.label_keep, now.cloud, now.prepared_timeout_s), (3, true, 3600));
        assert!(settings.merge(keys(r#"{"label_keep": 9, "lable": 1}"#)).is_err());
        assert_eq!(settings.get(), now);
    }
}
