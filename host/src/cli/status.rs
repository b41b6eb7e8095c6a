//! `millrace status`: where pipelines stand that other processes run.
//!
//! *Not here*: what a pipeline says of itself, and what counts as healthy (`pipeline`).

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use comfy_table::CellAlignment;
use serde_json::{Value, json};

use super::exit::{CommandResult, Exit};
use super::load::{Loaded, environment};
use super::module;
use super::output;
use super::text::{Paint, bytes, count, counted, span, table};
use crate::checkpoint::CheckpointStore;
use crate::config::Plan;
use crate::pipeline::{LoadStatus, RunState, Status};
use crate::telemetry::Clock;

/// Show where pipelines stand: what runs, how far it has come, whether it is healthy
///
/// A pipeline that runs writes its status into its checkpoint store each second. It runs as long as
/// a process holds the store. It is unhealthy while a sink has waited for its target for 30 seconds,
/// or while rows wait and no checkpoint has come for a minute (or ten times `checkpoint.every`, where
/// that is longer).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Pipeline files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read variables from this file too; those that are set already win
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print one JSON object: {"ok", "pipelines"}, with what each pipeline wrote
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  millrace status --env-file prod.env wagers.toml payments.toml
  millrace status --json wagers.toml | jq '.pipelines[0].status.sinks'

Exit codes:
  0  every pipeline runs and is healthy
  1  one does not run, or is not healthy
  2  wrong arguments or configuration";

/// A status that is older than this is none: the process hangs.
const STALE: Duration = Duration::from_secs(15);

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    let environment = environment(arguments.env_file.as_deref())?;
    let sandbox = module::sandbox()?;
    let loaded = Loaded::load(&arguments.files, &environment, &sandbox);
    if !loaded.is_sound() {
        eprint!("{}", loaded.render(Paint::stderr()));
        return Ok(Exit::Usage);
    }
    let now = Clock::System.now();
    let found: Vec<Found> =
        loaded.plans.iter().map(|plan| Found::look(plan, now)).collect::<anyhow::Result<_>>()?;
    if arguments.json {
        output::print_json(&as_json(&found))?;
    } else {
        let paint = Paint::stdout();
        let texts: Vec<String> = found.iter().map(|found| found.to_text(paint)).collect();
        output::print(&texts.join("\n"))?;
    }
    Ok(if found.iter().all(Found::is_well) { Exit::Done } else { Exit::Failed })
}

/// What was found of a pipeline.
struct Found {
    pipeline: String,
    /// Whether a process holds the store.
    running: bool,
    /// What the last run wrote; `None`: there was none.
    status: Option<Status>,
    /// What is wrong, a sentence each.
    problems: Vec<String>,
}

impl Found {
    fn look(plan: &Plan, now: i64) -> anyhow::Result<Self> {
        let store = &plan.checkpoint.store;
        let running = CheckpointStore::is_in_use(store)?;
        let status = Status::read(store)
            .with_context(|| format!("cannot read the status in {}", store.display()))?;
        Ok(Self::of(plan.name.clone(), running, status, now))
    }

    /// Judges what was found at `now`, in microseconds.
    fn of(pipeline: String, running: bool, status: Option<Status>, now: i64) -> Self {
        let mut problems = Vec::new();
        match (running, &status) {
            (true, Some(status)) if status.state == RunState::Running => {
                let age = age(&status.written, now);
                if age.is_none_or(|age| age > STALE) {
                    let age = age.map_or_else(|| "long".to_owned(), span);
                    problems.push(format!("it runs, and has said nothing for {age}"));
                }
                problems.extend(status.unhealthy.iter().cloned());
            }
            // What there is was said by the run before.
            (true, _) => problems.push("it runs, and has not said anything yet".to_owned()),
            (false, None) => problems.push("it has never run with this store".to_owned()),
            (false, Some(status)) => problems.push(ending(status)),
        }
        Self { pipeline, running, status, problems }
    }

    fn is_well(&self) -> bool {
        self.running && self.problems.is_empty()
    }

    fn to_json(&self) -> Value {
        json!({
            "pipeline": self.pipeline,
            "running": self.running,
            "healthy": self.is_well(),
            "problems": self.problems,
            "status": self.status,
        })
    }

    fn to_text(&self, paint: Paint) -> String {
        let mut text = String::new();
        let name = &self.pipeline;
        let words = match (self.running, self.is_well()) {
            (true, true) => paint.green("running, healthy"),
            (true, false) => paint.red("running, not healthy"),
            (false, _) => paint.red("not running"),
        };
        let pid = self.status.as_ref().filter(|_| self.running);
        let pid = pid.map_or_else(String::new, |status| format!(", process {}", status.pid));
        push_line(&mut text, &format!("{}: {words}{pid}", paint.bold(name)));
        for problem in &self.problems {
            push_line(&mut text, &format!("  {problem}"));
        }
        let Some(status) = &self.status else { return text };
        push_line(&mut text, &format!("  {}", progress(status)));
        push_line(&mut text, &nodes(status));
        let lives = self.running && status.state == RunState::Running;
        if let Some(loads) = loads(status, lives) {
            push_line(&mut text, &loads);
        }
        for waits in waits(status, lives) {
            push_line(&mut text, &format!("  {waits}"));
        }
        text
    }
}

fn as_json(found: &[Found]) -> Value {
    json!({
        "ok": found.iter().all(Found::is_well),
        "pipelines": found.iter().map(Found::to_json).collect::<Vec<_>>(),
    })
}

/// How a run ended that nobody runs any more.
fn ending(status: &Status) -> String {
    let when = &status.written;
    match status.state {
        RunState::Finished => format!("it finished at {when}: its sources had ended"),
        RunState::Stopped => format!("it was stopped at {when}"),
        RunState::Failed => {
            let error = status.error.as_deref().unwrap_or("no error was kept");
            format!("it failed at {when}: {error}")
        }
        RunState::Running => format!("its process ended without a word after {when}"),
    }
}

fn progress(status: &Status) -> String {
    let checkpoint = match &status.checkpoint {
        Some(time) => format!("checkpoint {} of {time}", status.epoch),
        None => "no checkpoint yet".to_owned(),
    };
    let checkpoints = counted(status.checkpoints, "checkpoint");
    format!("started {}, {checkpoints} since; {checkpoint}", status.started)
}

/// How long ago a time was; `None` if it cannot be read.
fn age(time: &str, now: i64) -> Option<Duration> {
    let time = chrono::DateTime::parse_from_rfc3339(time).ok()?.timestamp_micros();
    Some(Duration::from_micros(u64::try_from(now.saturating_sub(time)).unwrap_or_default()))
}

/// Every node, a line each.
fn nodes(status: &Status) -> String {
    const POSITION: usize = 7;
    let headings =
        ["node", "kind", "rows in", "rows out", "filtered", "rejected", "bytes", "position"];
    let mut table = table(&headings, 2);
    if let Some(position) = table.column_mut(POSITION) {
        position.set_cell_alignment(CellAlignment::Left);
    }
    let none = String::new;
    for (name, source) in &status.sources {
        let (rows, rejected) = (source.rows, source.rejected);
        let out = count(rows.saturating_sub(rejected));
        let read = [count(rows), out, none(), count(rejected), bytes(source.bytes)];
        table.add_row(line(name, "source", read, &source.position));
    }
    for (name, stage) in &status.transforms {
        let rows = [stage.rows_in, stage.rows_out, stage.filtered, stage.rejected].map(count);
        let [rows_in, rows_out, filtered, rejected] = rows;
        table.add_row(line(name, "transform", [rows_in, rows_out, filtered, rejected, none()], ""));
    }
    for (name, sink) in &status.sinks {
        let written = [none(), count(sink.rows_out), none(), count(sink.rejected), none()];
        table.add_row(line(name, "sink", written, ""));
    }
    table.trim_fmt()
}

fn line(name: &str, kind: &str, numbers: [String; 5], position: &str) -> Vec<String> {
    let mut cells = vec![name.to_owned(), kind.to_owned()];
    cells.extend(numbers);
    cells.push(position.to_owned());
    cells
}

/// The sinks that load remote tables, a line each; `lives`: their run goes on.
fn loads(status: &Status, lives: bool) -> Option<String> {
    const HEALTH: usize = 10;
    let headings = [
        "sink", "loads", "rows", "bytes", "encode", "load", "prepare", "commit", "retries", "open",
        "health",
    ];
    let mut table = table(&headings, 1);
    if let Some(health) = table.column_mut(HEALTH) {
        health.set_cell_alignment(CellAlignment::Left);
    }
    let mut any = false;
    for (name, sink) in &status.sinks {
        let Some(load) = &sink.load else { continue };
        any = true;
        table.add_row(load_line(name, load, health(status.state, lives, load)));
    }
    any.then(|| table.trim_fmt())
}

/// How a sink does, so short that a table may hold it.
fn health(state: RunState, lives: bool, load: &LoadStatus) -> &'static str {
    match (lives, state) {
        (true, _) if load.waiting.is_some() => "waits",
        (true, _) => "goes on",
        (false, RunState::Finished) => "done",
        (false, RunState::Running | RunState::Stopped | RunState::Failed) => "ended",
    }
}

/// Since when sinks wait for their targets and why, a sentence each: a target may say much.
fn waits(status: &Status, lives: bool) -> Vec<String> {
    let verb = if lives { "waits" } else { "waited" };
    let waits = status.sinks.iter().filter_map(|(name, sink)| {
        let waiting = sink.load.as_ref()?.waiting.as_ref()?;
        Some(format!("{name} {verb} since {}: {}", waiting.since, waiting.reason))
    });
    waits.collect()
}

fn load_line(name: &str, load: &LoadStatus, health: &str) -> Vec<String> {
    let spent = |phase: &str| {
        let seconds = load.seconds.get(phase).copied().unwrap_or_default();
        // A number of seconds that no time can have is none of ours.
        span(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    };
    let retries: Vec<String> =
        load.retries.iter().map(|(cause, tries)| format!("{cause} {}", count(*tries))).collect();
    let retries = if retries.is_empty() { "0".to_owned() } else { retries.join(", ") };
    let mut cells = vec![name.to_owned(), count(load.loads), count(load.rows), bytes(load.bytes)];
    cells.extend(["encode", "load", "prepare", "commit"].map(spent));
    cells.extend([retries, count(load.open_transactions), health.to_owned()]);
    cells
}

fn push_line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{SinkStatus, SourceStatus, Waiting};

    const NOW: &str = "2026-11-21T12:00:00.000000Z";
    const LATER: &str = "2026-11-21T12:00:20.000000Z";

    fn micros(time: &str) -> i64 {
        chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp_micros()
    }

    fn status(state: RunState) -> Status {
        let load = LoadStatus {
            loads: 3,
            rows: 1_200,
            bytes: 2_048,
            seconds: [("load".to_owned(), 1.5)].into(),
            retries: [("versions".to_owned(), 2)].into(),
            open_transactions: 1,
            waiting: Some(Waiting { reason: "too busy".to_owned(), since: NOW.to_owned() }),
        };
        let source =
            SourceStatus { rows: 1_250, bytes: 9_000, rejected: 50, position: "w:1250".to_owned() };
        Status {
            pipeline: "p".to_owned(),
            pid: 7,
            started: NOW.to_owned(),
            written: NOW.to_owned(),
            state,
            error: None,
            healthy: true,
            unhealthy: Vec::new(),
            epoch: 12,
            checkpoint: Some(NOW.to_owned()),
            checkpoints: 5,
            sources: [("wagers".to_owned(), source)].into(),
            transforms: [].into(),
            sinks: [
                ("ods".to_owned(), SinkStatus { rows_out: 1_200, rejected: 0, load: Some(load) }),
                ("copy".to_owned(), SinkStatus { rows_out: 1_200, ..SinkStatus::default() }),
            ]
            .into(),
        }
    }

    fn found(running: bool, status: Option<Status>, now: &str) -> Found {
        Found::of("p".to_owned(), running, status, micros(now))
    }

    #[test]
    fn well_is_what_runs_speaks_and_complains_of_nothing() {
        assert!(found(true, Some(status(RunState::Running)), NOW).is_well());
        let problem = |running, status, now: &str| {
            let found = found(running, status, now);
            assert!(!found.is_well());
            found.problems.join("; ")
        };
        let running = || Some(status(RunState::Running));
        assert!(problem(true, running(), LATER).contains("nothing for 20.00 s"));
        assert!(problem(true, None, NOW).contains("not said anything yet"));
        let before = Some(status(RunState::Stopped));
        assert!(problem(true, before, NOW).contains("not said anything yet"));
        assert!(problem(false, running(), NOW).contains("ended without a word"));
        assert!(problem(false, Some(status(RunState::Finished)), NOW).contains("finished at"));
        assert!(problem(false, Some(status(RunState::Stopped)), NOW).contains("stopped at"));
        assert!(problem(false, None, NOW).contains("never run"));
        let error = Some("sink `ods`: no".to_owned());
        let failed = Status { error, ..status(RunState::Failed) };
        assert!(problem(false, Some(failed), NOW).ends_with(": sink `ods`: no"));
        let unhealthy = vec!["sink `ods` has waited for 40 s: too busy".to_owned()];
        let waits = Status { unhealthy, ..status(RunState::Running) };
        assert_eq!(problem(true, Some(waits), NOW), "sink `ods` has waited for 40 s: too busy");
    }

    #[test]
    fn the_text_has_a_line_for_each_node_and_each_sink_that_loads() {
        let text = found(true, Some(status(RunState::Running)), NOW).to_text(Paint::plain());
        let words: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(text.starts_with("p: running, healthy, process 7\n"), "{text}");
        assert!(text.contains("5 checkpoints since; checkpoint 12 of 2026-11-21"), "{text}");
        let source = ["wagers", "source", "1,250", "1,200", "50", "8.8", "KiB", "w:1250"];
        assert!(words.contains(&source.to_vec()), "{text}");
        assert!(words.contains(&vec!["copy", "sink", "1,200", "0"]), "{text}");
        let loads = words.iter().find(|words| words.starts_with(&["ods", "3", "1,200"]));
        let loads = loads.expect("the sink loads").join(" ");
        assert_eq!(loads, "ods 3 1,200 2.0 KiB 0.00 s 1.50 s 0.00 s 0.00 s versions 2 1 waits");
        assert!(text.ends_with(&format!("\n  ods waits since {NOW}: too busy\n")), "{text}");
        assert!(!words.iter().any(|words| words.starts_with(&["copy", "0"])), "it loads nothing");
    }

    #[test]
    fn a_long_cause_stands_whole_below_a_narrow_table() {
        let mut status = status(RunState::Running);
        let reason = "the backend says much about little; ".repeat(20);
        let load = status.sinks.get_mut("ods").and_then(|sink| sink.load.as_mut());
        load.expect("it loads").waiting =
            Some(Waiting { reason: reason.clone(), since: NOW.to_owned() });
        let text = found(true, Some(status), NOW).to_text(Paint::plain());
        let line = |line: &&str| line.contains(&reason);
        assert_eq!(text.lines().filter(line).count(), 1, "{text}");
        let widest = text.lines().filter(|each| !line(each)).map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|widest| widest < 120), "{widest:?}:\n{text}");
    }

    #[test]
    fn what_has_ended_does_not_go_on() {
        let health = |running, state| {
            let mut status = status(state);
            let load = status.sinks.get_mut("ods").and_then(|sink| sink.load.as_mut());
            load.expect("it loads").waiting = None;
            let text = found(running, Some(status), NOW).to_text(Paint::plain());
            let line = text.lines().find(|line| line.contains("versions 2"));
            line.expect("the sink loads").trim_end().to_owned()
        };
        assert!(health(true, RunState::Running).ends_with("goes on"));
        assert!(health(false, RunState::Finished).ends_with("done"));
        for state in [RunState::Running, RunState::Stopped, RunState::Failed] {
            assert!(health(false, state).ends_with("ended"), "{state:?}");
        }
        // A process that has just begun has said nothing yet: what there is was said before it.
        assert!(health(true, RunState::Finished).ends_with("done"));
        let text = found(false, Some(status(RunState::Failed)), NOW).to_text(Paint::plain());
        assert!(text.ends_with(&format!("  ods waited since {NOW}: too busy\n")), "{text}");
    }

    #[test]
    fn the_object_has_the_status_as_it_was_written() {
        let all = [found(true, Some(status(RunState::Running)), NOW), found(false, None, NOW)];
        let value = as_json(&all);
        assert_eq!(value["ok"], false);
        let [one, two] = [&value["pipelines"][0], &value["pipelines"][1]];
        assert_eq!((&one["healthy"], &one["status"]["state"]), (&json!(true), &json!("running")));
        assert_eq!(one["status"]["sinks"]["ods"]["load"]["retries"], json!({ "versions": 2 }));
        assert_eq!((&two["running"], &two["status"]), (&json!(false), &Value::Null));
    }
}
