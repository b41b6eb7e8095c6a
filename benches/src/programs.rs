//! The programs that are measured, and where their input and output lie.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::Value;

/// The built programs, and a folder to work in.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The `millrace` program.
    pub millrace: PathBuf,
    /// `benches/native-bound`.
    pub native_bound: PathBuf,
    /// `benches/native_twin`.
    pub native_twin: PathBuf,
    /// `benches/allocations.rs`.
    pub allocations: PathBuf,
    /// `benches/state.rs`.
    pub state: PathBuf,
    /// `millrace-standin`, of `tests/standin`.
    pub standin: PathBuf,
    /// Where inputs are kept and outputs thrown away.
    pub folder: PathBuf,
}

/// A run that ended well.
#[derive(Clone, Debug)]
pub struct Finished {
    /// User and system time of the whole process, in seconds.
    pub cpu: f64,
    /// What it printed, as JSON.
    pub printed: Value,
}

/// The workspace's folder.
#[must_use]
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

impl Programs {
    /// A file of so many made-up wagers, seed 1. It is made once: the same seed always gives the
    /// same wagers.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn wagers(&self, rows: u64) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(format!("wagers-{rows}.jsonl"));
        if path.is_file() {
            return Ok(path);
        }
        let unfinished = path.with_extension("unfinished");
        let mut command = Command::new(&self.millrace);
        command
            .args(["--log", "warn", "generate", "--progress", "never", "--seed", "1", "--count"])
            .arg(rows.to_string())
            .arg("--out")
            .arg(&unfinished)
            .stdout(Stdio::null());
        let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
        ensure!(status.success(), "{command:?} failed");
        fs::rename(unfinished, &path)?;
        Ok(path)
    }

    /// `millrace run` of a pipeline, `file` from the workspace's folder, with an empty `${OUT}`.
    ///
    /// # Errors
    /// If the output folder cannot be emptied.
    pub fn run(&self, file: &str) -> anyhow::Result<Command> {
        let out = self.folder.join("run");
        match fs::remove_dir_all(&out) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot empty {}", out.display()));
            }
            _ => fs::create_dir_all(&out)?,
        }
        Ok(self.again(file))
    }

    /// The same with what the last run left in `${OUT}`.
    #[must_use]
    pub fn again(&self, file: &str) -> Command {
        let mut command = Command::new(&self.millrace);
        command
            .args(["--log", "warn", "run", "--json", "--progress", "never"])
            .arg(root().join(file))
            .env("OUT", self.folder.join("run"))
            .env_remove("GAMES");
        command
    }
}

/// Runs a program to its end, and says what it took and printed.
///
/// # Errors
/// If it does not start, fails, or prints anything but JSON.
pub fn finish(mut command: Command) -> anyhow::Result<Finished> {
    let before = children_cpu()?;
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    let cpu = children_cpu()? - before;
    ensure!(output.status.success(), "{command:?} failed");
    let printed = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{command:?} did not print JSON"))?;
    Ok(Finished { cpu, printed })
}

/// CPU time of all children that were waited for. The measured programs run one after the other, so
/// a difference is one program's, from its first instruction to its last.
fn children_cpu() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_an_error_and_so_is_other_output() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            finish(command)
        };
        assert_eq!(shell("echo '{\"rows\": 3}'").expect("it ends well").printed["rows"], 3);
        assert!(shell("exit 1").is_err());
        assert!(shell("echo three").is_err());
    }
}
