//! The real program as a process: started, listened to, signalled, and waited for with a limit.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::{Workbench, modules_dir, program};

/// How long anything may take before a test gives up.
const LIMIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Looks until something has happened.
///
/// # Panics
/// If it takes a minute.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !happened() {
        assert!(Instant::now() < deadline, "in a minute it did not come to this: {what}");
        thread::sleep(LOOK_EVERY);
    }
}

impl Workbench {
    /// A command of the program in this folder, with the variables of [`Workbench::environment`].
    ///
    /// # Panics
    /// If the program was not built.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("OUT", self.folder())
            .env("MODULES", modules_dir())
            .env_remove("MILLRACE_LOG")
            .env_remove("NO_COLOR");
        command
    }

    /// Runs a command of the program in this folder to its end.
    ///
    /// # Panics
    /// If it cannot be started, or does not end.
    #[must_use]
    pub fn millrace(&self, arguments: &[&str]) -> Ending {
        Process::start(&mut self.command(arguments)).finish()
    }
}

/// How a process ended, and what it said.
pub struct Ending {
    /// Its exit code; `None`: a signal killed it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Ending {
    /// The standard output as JSON.
    ///
    /// # Panics
    /// If it is something else.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.stdout, self.stderr))
    }

    /// Itself, if the exit code is this one.
    ///
    /// # Panics
    /// If not, with all that was said.
    pub fn with_code(self, code: i32) -> Self {
        let (stdout, stderr) = (&self.stdout, &self.stderr);
        assert_eq!(self.code, Some(code), "stdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }
}

/// What a stream has said so far, and the thread that listens.
struct Listener {
    heard: Arc<Mutex<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    fn to(stream: impl Read + Send + 'static) -> Self {
        let heard = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&heard);
        let thread = thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                let text = String::from_utf8_lossy(&line);
                shared.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
                line.clear();
            }
        });
        Self { heard, thread: Some(thread) }
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn all(&mut self) -> String {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("listening cannot fail");
        }
        self.heard()
    }
}

/// A running process of the program. It is killed when it is dropped.
pub struct Process {
    child: Child,
    stdout: Option<Listener>,
    stderr: Listener,
}

impl Process {
    /// Starts a command and listens to what it says.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let (mut process, stdout) = Self::start_unread(command);
        process.stdout = Some(Listener::to(stdout));
        process
    }

    /// Starts a command whose standard output nobody reads but the caller.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start_unread(command: &mut Command) -> (Self, ChildStdout) {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("the pipe was asked for");
        let stderr = Listener::to(child.stderr.take().expect("the pipe was asked for"));
        (Self { child, stdout: None, stderr }, stdout)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If the system does not let it.
    pub fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.child.id().cast_signed());
        kill(process, signal).expect("the process is ours");
    }

    /// Waits until its standard error has this.
    ///
    /// # Panics
    /// If it takes a minute.
    pub fn wait_for_log(&self, part: &str) {
        wait_until(&format!("it says `{part}`"), || self.stderr.heard().contains(part));
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it takes a minute.
    #[must_use]
    pub fn finish(mut self) -> Ending {
        let mut code = None;
        wait_until("the process ends", || {
            let status = self.child.try_wait().expect("the process is ours");
            code = status.map(|status| status.code());
            status.is_some()
        });
        Ending {
            code: code.flatten(),
            stdout: self.stdout.as_mut().map(Listener::all).unwrap_or_default(),
            stderr: self.stderr.all(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has usually ended, which is no matter here.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
