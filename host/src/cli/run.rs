//! `millrace run`: pipelines to their end, a signal, or a failure.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use indicatif::MultiProgress;

use super::ending;
use super::exit::{CommandResult, Exit};
use super::load::{Loaded, environment};
use super::module;
use super::output;
use super::pace::Goal;
use super::progress::{self, Watched};
use super::signals;
use super::summary::Summaries;
use super::text::Paint;
use crate::config::Plan;
use crate::pipeline::{self, RunOptions};
use crate::sink::SinkKind;
use crate::supervisor::{self, Ended};
use crate::telemetry::PipelineCounters;

/// Run pipelines: to their end if their sources are finite, else until a signal
///
/// All files are checked before anything starts. Each pipeline runs by itself: one that fails
/// leaves the others be, and its error is logged at once. The first SIGINT or SIGTERM drains what
/// was read, saves and ends with 0; a second one stops at once. Run again, a pipeline goes on from
/// its last checkpoint.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Pipeline files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Read variables from this file too; those that are set already win
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print one JSON object at the end, instead of a table
    #[arg(long)]
    json: bool,
    /// Whether to show progress on stderr
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    progress: progress::Mode,
}

const EXAMPLES: &str = "\
Examples:
  WAGERS=wagers.jsonl OUT=out millrace run pipelines/wagers.toml
  millrace run --env-file prod.env wagers.toml payments.toml
  millrace run --json pipelines/wagers.toml | jq '.pipelines[0].rows'

Variables of a file, such as ${WAGERS}, come from the environment and from --env-file.";

/// Runs the command. The exit code is that of the worst ending.
pub(super) fn run(arguments: &Arguments, bars: &MultiProgress) -> CommandResult {
    let environment = environment(arguments.env_file.as_deref())?;
    let sandbox = module::sandbox()?;
    let loaded = Loaded::load(&arguments.files, &environment, &sandbox);
    eprint!("{}", loaded.render(Paint::stderr()));
    if !loaded.is_sound() {
        return Ok(Exit::Usage);
    }
    let running: Vec<(Plan, Arc<PipelineCounters>)> = loaded
        .plans
        .into_iter()
        .map(|plan| {
            let counters = pipeline::counters(&plan);
            (plan, counters)
        })
        .collect();
    let options = RunOptions::default();
    signals::obey(options.stop.clone())?;
    let summaries = supervise(&running, &options, arguments.progress, bars);

    eprint!("{}", summaries.errors(Paint::stderr()));
    let text = if arguments.json {
        format!("{:#}\n", summaries.to_json())
    } else {
        summaries.to_text(Paint::stdout())
    };
    if running.iter().any(|(plan, _)| writes_to_stdout(plan)) {
        // Whoever reads the rows must not have to tell them from the summary.
        eprint!("{text}");
    } else {
        output::print(&text)?;
    }
    Ok(summaries.exit())
}

/// Runs the pipelines with their progress beside them.
fn supervise(
    running: &[(Plan, Arc<PipelineCounters>)],
    options: &RunOptions,
    mode: progress::Mode,
    bars: &MultiProgress,
) -> Summaries {
    let named: Vec<(String, Arc<PipelineCounters>)> =
        running.iter().map(|(plan, counters)| (plan.name.clone(), Arc::clone(counters))).collect();
    let watched: Vec<Watched> = running
        .iter()
        .map(|(plan, counters)| Watched {
            name: plan.name.clone(),
            counters: Arc::clone(counters),
            goal: Goal::of(plan),
            ended: AtomicBool::new(false),
        })
        .collect();
    // The errors come at the end; while others run on, that may be days away.
    let tell = |plan: &Plan, ended: &Ended| {
        for pipeline in watched.iter().filter(|pipeline| pipeline.name == plan.name) {
            pipeline.ended.store(true, Ordering::Relaxed);
        }
        let errors = ending::errors(&plan.name, ended);
        if running.len() > 1 && !errors.is_empty() {
            tracing::error!("{}", errors.join(": "));
        }
    };
    let started = Instant::now();
    let endings = thread::scope(|scope| {
        // Nothing is ever sent: the progress ends when this end of the channel is dropped.
        let (ended, watching) = crossbeam_channel::bounded::<()>(0);
        let watched = &watched;
        scope.spawn(move || progress::watch(watched, mode, bars, &watching));
        let endings = supervisor::run_all_and_tell(running, options, &tell);
        drop(ended);
        endings
    });
    Summaries::new(&named, endings, started)
}

fn writes_to_stdout(plan: &Plan) -> bool {
    let letters = plan.dead_letters.iter().map(|letters| &letters.config.kind);
    plan.sinks
        .iter()
        .map(|sink| &sink.config.kind)
        .chain(letters)
        .any(|kind| matches!(kind, SinkKind::Stdout))
}
