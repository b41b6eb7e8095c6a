//! The machine that figures come from.

use std::fs;
use std::thread;

use serde_json::{Value, json};

/// What figures depend on, as far as the system says it.
#[derive(Clone, Debug)]
pub struct Machine {
    processor: String,
    cores: usize,
    memory_bytes: u64,
    kernel: String,
    /// How many threads wanted to run on average over the last minute, before we began.
    load: String,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let first_word = |text: &str| text.split_whitespace().next().unwrap_or("?").to_owned();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or("?").to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: field(&read("/proc/meminfo"), "MemTotal")
                .and_then(|total| total.strip_suffix("kB")?.trim().parse::<u64>().ok())
                .unwrap_or_default()
                * 1024,
            kernel: first_word(&read("/proc/sys/kernel/osrelease")),
            load: first_word(&read("/proc/loadavg")),
        }
    }

    /// One line.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self { processor, cores, memory_bytes, kernel, load } = self;
        let memory = *memory_bytes as f64 / 1e9;
        format!("{processor}, {cores} cores, {memory:.0} GB, Linux {kernel}, load {load} before")
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "memory_bytes": self.memory_bytes,
            "kernel": self.kernel,
            "load_before": self.load,
        })
    }
}

/// The value of the first line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_of_a_name_counts() {
        let text = "processor\t: 0\nmodel name\t: A\nmodel name\t: B\n";
        assert_eq!(field(text, "model name"), Some("A"));
        assert_eq!(field(text, "flags"), None);
    }
}
