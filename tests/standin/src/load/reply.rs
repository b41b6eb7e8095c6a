//! Replies: objects whose keys keep their order, counts, times, refusals.

use std::time::Instant;

use serde_json::Value;

use crate::world::System;

/// A JSON object that is written in the order in which it was filled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ordered(Vec<(&'static str, Value)>);

impl Ordered {
    /// An empty object.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The same with one more key.
    pub(crate) fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    /// The same with one more key, if there is a value.
    pub(crate) fn with_some(self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// As backends write it: a key on each line, four blanks before it.
    pub(crate) fn pretty(&self) -> String {
        let lines: Vec<String> =
            self.0.iter().map(|(key, value)| format!("    \"{key}\": {value}")).collect();
        format!("{{\n{}\n}}", lines.join(",\n"))
    }

    /// As frontends write it: on one line.
    pub(crate) fn compact(&self) -> String {
        let pairs: Vec<String> =
            self.0.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", pairs.join(","))
    }
}

/// The rows of a load or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Counts {
    /// All rows.
    pub total: u64,
    /// Rows that are stored.
    pub loaded: u64,
    /// Rows that were refused.
    pub filtered: u64,
    /// Rows that the load itself left out.
    pub unselected: u64,
    /// Bytes of the bodies, unpacked or not as they came.
    pub bytes: u64,
}

impl Counts {
    /// Adds those of another load.
    pub(crate) fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.loaded += other.loaded;
        self.filtered += other.filtered;
        self.unselected += other.unselected;
        self.bytes += other.bytes;
    }

    /// Whether more rows were refused than this part of those that were selected.
    pub(crate) fn exceed(&self, max_filter_ratio: f64) -> bool {
        let selected = self.total.saturating_sub(self.unselected);
        self.filtered > 0 && self.filtered as f64 > selected as f64 * max_filter_ratio
    }
}

/// When the stages of a load ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timings {
    /// When the request came.
    pub came: Instant,
    /// How long its transaction took to begin, in milliseconds.
    pub begin_ms: u64,
    /// How long it took to plan.
    pub plan_ms: u64,
    /// How long the body took to come.
    pub read_ms: u64,
    /// How long the rows took to be checked and staged.
    pub write_ms: u64,
    /// How long the commit took.
    pub commit_ms: u64,
}

impl Timings {
    /// The request comes now.
    pub(crate) fn start() -> Self {
        let came = Instant::now();
        Self { came, begin_ms: 0, plan_ms: 0, read_ms: 0, write_ms: 0, commit_ms: 0 }
    }

    /// How long ago it came, in milliseconds.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.came.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The name of its code, as the wire has it.
    pub code: &'static str,
    /// The text, without the code.
    pub message: String,
}

impl Refusal {
    /// A refusal by a backend.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A refusal that a backend hands on from the frontend.
    pub(crate) fn of_frontend(
        system: System,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into();
        match system {
            System::StarRocks => Self { code, message },
            System::Doris => {
                let message = format!("TStatus: errCode = 2, detailMessage = {message}");
                Self { code, message }
            }
        }
    }

    /// The text of a load's reply.
    pub(crate) fn text(&self, system: System) -> String {
        match system {
            System::StarRocks => self.message.clone(),
            System::Doris => format!("[{}]{}", self.code, self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_in_both_ways_of_writing() {
        let object = Ordered::new().with("b", 1).with("a", "x\"y").with_some("c", None::<u64>);
        assert_eq!(object.pretty(), "{\n    \"b\": 1,\n    \"a\": \"x\\\"y\"\n}");
        assert_eq!(object.compact(), "{\"b\":1,\"a\":\"x\\\"y\"}");
    }

    #[test]
    fn the_ratio_is_of_the_selected_rows() {
        let counts = |total, filtered, unselected| Counts {
            total,
            filtered,
            unselected,
            ..Counts::default()
        };
        assert!(!counts(0, 0, 0).exceed(0.0) && !counts(10, 0, 0).exceed(0.0));
        assert!(counts(10, 1, 0).exceed(0.0) && !counts(10, 1, 0).exceed(0.1));
        assert!(counts(10, 1, 5).exceed(0.1) && !counts(10, 10, 0).exceed(1.0));
    }
}
