//! The memory of a running program, by what the kernel says.

use std::fs;
use std::process::{Child, Command, ExitStatus};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Memory that a process holds, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Now (`VmRSS`).
    pub now: u64,
    /// Of it, what no file backs (`RssAnon`).
    pub anonymous: u64,
    /// The most so far (`VmHWM`).
    pub peak: u64,
}

/// A program while it is watched; killed if it is let go of.
pub struct Watched(Child);

impl Watched {
    /// Starts a program.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.spawn();
        child.map(Self).with_context(|| format!("cannot start {command:?}"))
    }

    /// The process itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// What it holds; `None` once it has ended.
    #[must_use]
    pub fn resident(&self) -> Option<Resident> {
        parse(&fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?)
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        kill(Pid::from_raw(i32::try_from(self.0.id())?), Signal::SIGTERM)?;
        Ok(self.0.wait()?)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Both fail for a process that has been waited for, which is as it should be.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn parse(status: &str) -> Option<Resident> {
    let bytes = |name: &str| -> Option<u64> {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    };
    Some(Resident { now: bytes("VmRSS:")?, anonymous: bytes("RssAnon:")?, peak: bytes("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_ended_holds_nothing() {
        let status = "Name:\tmillrace\nVmHWM:\t    3 kB\nVmRSS:\t    2 kB\nRssAnon:\t    1 kB\n";
        let resident = Resident { now: 2_048, anonymous: 1_024, peak: 3_072 };
        assert_eq!(parse(status), Some(resident));
        assert_eq!(parse("Name:\tmillrace\nState:\tZ (zombie)\n"), None);
    }
}
