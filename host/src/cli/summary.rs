//! What a run came to: a table for people, an object for programs, errors for stderr.
//!
//! *Invariants*: CPU time and memory are the process's, so they are told once for all pipelines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::exit::{Exit, chain};
use super::text::{Paint, bytes, count, per_second, span, table};
use crate::pipeline::{Outcome, Summary};
use crate::supervisor::Ended;
use crate::telemetry::{NodeCounters, PipelineCounters, cpu_time, peak_memory_bytes};

type Nodes = BTreeMap<String, Arc<NodeCounters>>;

/// How the pipelines of a run ended, and what the process used.
pub(super) struct Summaries {
    pipelines: Vec<PipelineSummary>,
    elapsed: Duration,
    cpu: Duration,
    memory_bytes: u64,
}

struct PipelineSummary {
    name: String,
    counters: Arc<PipelineCounters>,
    ended: Ended,
    elapsed: Duration,
}

/// Rows of a pipeline: read, delivered (over all sinks), left out, set aside (by any node).
struct Rows {
    read: u64,
    kept: u64,
    filtered: u64,
    rejected: u64,
}

impl Summaries {
    /// The summaries of pipelines that started at `started`; one ending for each, in order.
    pub(super) fn new(
        pipelines: &[(String, Arc<PipelineCounters>)],
        endings: Vec<Ended>,
        started: Instant,
    ) -> Self {
        let elapsed = started.elapsed();
        let pipelines = pipelines
            .iter()
            .zip(endings)
            .map(|((name, counters), ended)| PipelineSummary {
                name: name.clone(),
                counters: Arc::clone(counters),
                elapsed: match &ended {
                    Ended::Well(summary) => summary.elapsed,
                    Ended::Failed(_) | Ended::Panicked => elapsed,
                },
                ended,
            })
            .collect();
        Self { pipelines, elapsed, cpu: cpu_time(), memory_bytes: peak_memory_bytes() }
    }

    /// The worst ending.
    pub(super) fn exit(&self) -> Exit {
        self.pipelines.iter().map(PipelineSummary::exit).fold(Exit::Done, Exit::and)
    }

    /// Each failure with its causes.
    pub(super) fn errors(&self, paint: Paint) -> String {
        let mut text = String::new();
        for pipeline in &self.pipelines {
            match &pipeline.ended {
                Ended::Well(_) => continue,
                Ended::Failed(error) => text.push_str(&chain(error, paint)),
                Ended::Panicked => {
                    text.push_str(paint.red("error:").as_str());
                    text.push_str(" a bug in millrace: please report what is printed above\n");
                }
            }
            if self.pipelines.len() > 1 {
                text.push_str(&format!("  in pipeline: {}\n", pipeline.name));
            }
        }
        text
    }

    /// The table and a sentence for each pipeline.
    pub(super) fn to_text(&self, paint: Paint) -> String {
        let headings =
            ["pipeline", "rows in", "kept", "filtered", "rejected", "rows/s", "checkpoints"];
        let mut table = table(&headings, 1);
        for pipeline in &self.pipelines {
            let rows = pipeline.rows();
            table.add_row([
                pipeline.name.clone(),
                count(rows.read),
                count(rows.kept),
                count(rows.filtered),
                count(rows.rejected),
                count(per_second(rows.read, pipeline.elapsed)),
                count(NodeCounters::get(&pipeline.counters.checkpoints)),
            ]);
        }
        let mut text = format!("{}\n", table.trim_fmt());
        for pipeline in &self.pipelines {
            let name = match pipeline.exit() {
                Exit::Done => paint.green(&pipeline.name),
                _ => paint.red(&pipeline.name),
            };
            push_line(&mut text, &format!(" {name}: {}", pipeline.sentence()));
        }
        let used = format!(
            " {} in all, {} of CPU time, {} of memory at most",
            span(self.elapsed),
            span(self.cpu),
            bytes(self.memory_bytes)
        );
        push_line(&mut text, &used);
        text
    }

    /// Everything, as one object.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "pipelines": self.pipelines.iter().map(PipelineSummary::to_json).collect::<Vec<_>>(),
            "seconds": self.elapsed.as_secs_f64(),
            "cpu_seconds": self.cpu.as_secs_f64(),
            "peak_memory_bytes": self.memory_bytes,
        })
    }
}

fn push_line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

impl PipelineSummary {
    fn exit(&self) -> Exit {
        match &self.ended {
            Ended::Well(_) => Exit::Done,
            Ended::Failed(error) if error.is_unreachable() => Exit::Unreachable,
            Ended::Failed(_) | Ended::Panicked => Exit::Failed,
        }
    }

    fn rows(&self) -> Rows {
        let PipelineCounters { sources, transforms, sinks, .. } = &*self.counters;
        let rejected = |nodes: &Nodes| PipelineCounters::total(nodes, |node| &node.rejected);
        Rows {
            read: PipelineCounters::total(sources, |source| &source.rows_in),
            kept: PipelineCounters::total(sinks, |sink| &sink.rows_out),
            filtered: PipelineCounters::total(transforms, |transform| &transform.filtered),
            rejected: rejected(sources) + rejected(transforms) + rejected(sinks),
        }
    }

    fn outcome(&self) -> &'static str {
        match &self.ended {
            Ended::Well(Summary { outcome: Outcome::Finished, .. }) => "finished",
            Ended::Well(Summary { outcome: Outcome::AlreadyFinished, .. }) => "already-finished",
            Ended::Well(Summary { outcome: Outcome::Stopped, .. }) => "stopped",
            Ended::Failed(_) => "failed",
            Ended::Panicked => "panicked",
        }
    }

    fn sentence(&self) -> String {
        match &self.ended {
            Ended::Well(summary) => sentence(summary),
            Ended::Failed(_) | Ended::Panicked => {
                "failed; what was saved stays good: run again to go on from the last checkpoint"
                    .to_owned()
            }
        }
    }

    fn to_json(&self) -> Value {
        let rows = self.rows();
        let (resumed_from, had_finished) = match &self.ended {
            Ended::Well(summary) => (summary.resumed_from, summary.had_finished),
            Ended::Failed(_) | Ended::Panicked => (None, false),
        };
        let error = match &self.ended {
            Ended::Failed(error) => Some(causes(error)),
            Ended::Well(_) | Ended::Panicked => None,
        };
        json!({
            "name": self.name,
            "outcome": self.outcome(),
            "message": self.sentence(),
            "error": error,
            "exit_code": self.exit().code(),
            "resumed_from": resumed_from,
            "had_finished": had_finished,
            "seconds": self.elapsed.as_secs_f64(),
            "rows": {
                "in": rows.read,
                "kept": rows.kept,
                "filtered": rows.filtered,
                "rejected": rows.rejected,
            },
            "rows_per_second": per_second(rows.read, self.elapsed),
            "checkpoints": NodeCounters::get(&self.counters.checkpoints),
            "sources": nodes(&self.counters.sources),
            "transforms": nodes(&self.counters.transforms),
            "sinks": nodes(&self.counters.sinks),
        })
    }
}

fn sentence(summary: &Summary) -> String {
    let from = |epoch: Option<u64>| epoch.map(|epoch| format!("checkpoint {epoch}"));
    match (summary.outcome, from(summary.resumed_from)) {
        (Outcome::Finished, None) => "finished".to_owned(),
        (Outcome::Finished, Some(checkpoint)) if summary.had_finished => {
            format!("finished: resumed from {checkpoint}; the input has grown since it finished")
        }
        (Outcome::Finished, Some(checkpoint)) => format!("finished: resumed from {checkpoint}"),
        (Outcome::AlreadyFinished, Some(checkpoint)) => {
            format!("already finished: nothing new since {checkpoint}")
        }
        (Outcome::AlreadyFinished, None) => "already finished: there is nothing to read".to_owned(),
        (Outcome::Stopped, None) => "stopped; run again to go on".to_owned(),
        (Outcome::Stopped, Some(checkpoint)) => {
            format!("stopped; run again to go on (this run resumed from {checkpoint})")
        }
    }
}

/// The error and its causes, outermost first.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup();
    causes
}

/// Every counter of some nodes, by name. Those that mean nothing for a kind of node are 0.
fn nodes(nodes: &Nodes) -> BTreeMap<&str, Value> {
    let counters = |node: &NodeCounters| {
        let guest = Duration::from_nanos(node.guest_nanos.load(Ordering::Relaxed));
        json!({
            "rows_in": NodeCounters::get(&node.rows_in),
            "rows_out": NodeCounters::get(&node.rows_out),
            "filtered": NodeCounters::get(&node.filtered),
            "rejected": NodeCounters::get(&node.rejected),
            "batches": NodeCounters::get(&node.batches),
            "bytes": NodeCounters::get(&node.bytes),
            "guest_seconds": guest.as_secs_f64(),
        })
    };
    nodes.iter().map(|(name, node)| (name.as_str(), counters(node))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(outcome: Outcome, resumed_from: Option<u64>, had_finished: bool) -> Summary {
        Summary { outcome, resumed_from, had_finished, elapsed: Duration::from_secs(2) }
    }

    #[test]
    fn every_ending_says_what_happened() {
        let cases = [
            (summary(Outcome::Finished, None, false), "finished"),
            (summary(Outcome::Finished, Some(3), false), "finished: resumed from checkpoint 3"),
            (
                summary(Outcome::Finished, Some(3), true),
                "finished: resumed from checkpoint 3; the input has grown since it finished",
            ),
            (
                summary(Outcome::AlreadyFinished, Some(3), true),
                "already finished: nothing new since checkpoint 3",
            ),
            (summary(Outcome::Stopped, None, false), "stopped; run again to go on"),
        ];
        for (summary, expected) in cases {
            assert_eq!(sentence(&summary), expected);
        }
    }

    #[test]
    fn the_object_has_what_the_table_has() {
        let counters = Arc::new(PipelineCounters {
            sources: BTreeMap::from([("wagers".to_owned(), Arc::new(NodeCounters::default()))]),
            ..PipelineCounters::default()
        });
        NodeCounters::add(&counters.sources["wagers"].rows_in, 10);
        let endings = vec![Ended::Well(summary(Outcome::Finished, None, false))];
        let summaries = Summaries::new(&[("p".to_owned(), counters)], endings, Instant::now());
        let value = summaries.to_json();
        assert_eq!(value["pipelines"][0]["rows"]["in"], 10);
        assert_eq!(value["pipelines"][0]["rows_per_second"], 5);
        assert_eq!(value["pipelines"][0]["outcome"], "finished");
        assert_eq!(summaries.exit(), Exit::Done);
        assert!(summaries.to_text(Paint::plain()).contains(" p: finished\n"));
    }
}
