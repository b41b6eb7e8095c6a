//! A stand-in for a cluster that counts rows and bytes and looks at none of them, and what a
//! pipeline has to know of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::programs::{Programs, root};

const USER: &str = "bench";
/// How long an order may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is loaded, and how: the variables of `pipelines/bench-loads.toml`.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// `starrocks` or `doris`.
    pub system: &'static str,
    /// `exactly-once` or `at-least-once`.
    pub delivery: &'static str,
    /// `upsert` or `append`.
    pub mode: &'static str,
    /// `json`, `csv` or `arrow`.
    pub format: &'static str,
}

/// A stand-in that counts; it ends when this is dropped.
pub struct Counting {
    child: Child,
    load_url: String,
    mysql_url: String,
    control: String,
}

impl Drop for Counting {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Counting {
    /// Starts one, and makes the database and the table of a pipeline, `file` from the workspace's
    /// folder.
    ///
    /// # Errors
    /// If a program does not start, or the table cannot be made.
    pub fn start(programs: &Programs, file: &str, load: Load) -> anyhow::Result<Self> {
        let mut child = Command::new(&programs.standin)
            .args([load.system, "--http", "0", "--mysql", "0", "--control", "0", "--count-only"])
            .args(["--user", USER, "--password-env", "MILLRACE_BENCH_PASSWORD"])
            .env("MILLRACE_BENCH_PASSWORD", "")
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the stand-in")?;
        let stdout = child.stdout.take().context("its output is ours")?;
        // From here on it ends with this, whatever it says.
        let unknown = String::new;
        let (load_url, mysql_url, control) = (unknown(), unknown(), unknown());
        let mut counting = Self { child, load_url, mysql_url, control };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("it says where it is, as JSON")?;
        let address = |place: &Value, what: &str| -> anyhow::Result<String> {
            Ok(place.as_str().with_context(|| format!("it has no {what}"))?.to_owned())
        };
        counting.load_url = format!("http://{}", address(&ready["http"][0], "frontend")?);
        counting.mysql_url = address(&ready["mysql"], "MySQL port")?;
        counting.control = address(&ready["control"], "control port")?;
        counting.prepare(programs, file, load)?;
        Ok(counting)
    }

    /// Gives a command the variables of a pipeline that loads.
    pub fn tell(&self, command: &mut Command, load: Load) {
        command
            .env("SYSTEM", load.system)
            .env("DELIVERY", load.delivery)
            .env("MODE", load.mode)
            .env("FORMAT", load.format)
            .env("LOAD_URL", &self.load_url)
            .env("MYSQL_URL", &self.mysql_url)
            .env("USERNAME", USER)
            .env_remove("PASSWORD");
    }

    fn prepare(&self, programs: &Programs, file: &str, load: Load) -> anyhow::Result<()> {
        let mut command = Command::new(&programs.millrace);
        command
            .args(["--log", "warn", "ddl", "--apply"])
            .arg(root().join(file))
            .env("OUT", &programs.folder)
            .env("WAGERS", "wagers.jsonl")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        self.tell(&mut command, load);
        let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
        ensure!(status.success(), "{command:?} failed");
        Ok(())
    }

    /// Lets it stand still for so long.
    ///
    /// # Errors
    /// If it does not obey.
    pub fn stall(&self, how_long: Duration) -> anyhow::Result<()> {
        let order = format!("{{\"seconds\": {}}}", how_long.as_secs_f64());
        self.order("POST", "/stall", &order).map(drop)
    }

    /// What clients did against the protocol.
    ///
    /// # Errors
    /// If it does not say.
    pub fn breaches(&self) -> anyhow::Result<Value> {
        self.order("GET", "/breaches", "")
    }

    /// What its control port answers.
    fn order(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Value> {
        let mut stream = TcpStream::connect(&self.control).context("it has a control port")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.control,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        parse(&answer).with_context(|| format!("{method} {path} of the control port: {answer}"))
    }
}

/// The JSON of an answer that is well.
fn parse(answer: &str) -> Option<Value> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?;
    if status != "200" {
        return None;
    }
    serde_json::from_str(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_well_is_an_answer() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
        assert_eq!(parse(answer), Some(Value::Array(Vec::new())));
        assert_eq!(parse(&answer.replace("200", "400")), None);
        assert_eq!(parse("HTTP/1.1 200 OK\r\n\r\n<html>"), None);
        assert_eq!(parse(""), None);
    }
}
