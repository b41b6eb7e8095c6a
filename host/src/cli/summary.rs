//! What a run came to: a table for people, an object for programs, errors for stderr.
//!
//! *Invariants*: CPU time and memory are the process's, so they are told once for all pipelines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use comfy_table::CellAlignment;
use serde_json::{Value, json};

use super::ending;
use super::exit::{Exit, block};
use super::text::{Paint, bytes, count, counted, per_second, span, table};
use crate::supervisor::Ended;
use crate::telemetry::{
    LoadCounters, LoadPhase, NodeCounters, PipelineCounters, cpu_time, peak_memory_bytes,
};

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

/// Rows of a pipeline: read, left out and set aside by any node, committed by each sink.
struct Rows<'a> {
    read: u64,
    filtered: u64,
    rejected: u64,
    sinks: BTreeMap<&'a str, u64>,
}

impl Rows<'_> {
    /// Rows that reached the output; of several outputs, none alone says that.
    fn kept(&self) -> Option<u64> {
        match self.sinks.len() {
            1 => self.sinks.values().next().copied(),
            _ => None,
        }
    }
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
        self.pipelines
            .iter()
            .map(|pipeline| ending::exit(&pipeline.ended))
            .fold(Exit::Done, Exit::and)
    }

    /// Each failure with its causes.
    pub(super) fn errors(&self, paint: Paint) -> String {
        let errors = |pipeline: &PipelineSummary| block(&pipeline.errors(), paint);
        self.pipelines.iter().map(errors).collect()
    }

    /// The table, with a line for each sink, and a sentence for each pipeline.
    pub(super) fn to_text(&self, paint: Paint) -> String {
        const SINK: usize = 4;
        let headings = [
            "pipeline",
            "rows in",
            "filtered",
            "rejected",
            "sink",
            "written",
            "rows/s",
            "checkpoints",
        ];
        let mut table = table(&headings, 1);
        if let Some(sink) = table.column_mut(SINK) {
            sink.set_cell_alignment(CellAlignment::Left);
        }
        for pipeline in &self.pipelines {
            table.add_rows(pipeline.cells());
        }
        let mut text = format!("{}\n", table.trim_fmt());
        for pipeline in &self.pipelines {
            let name = match ending::exit(&pipeline.ended) {
                Exit::Done => paint.green(&pipeline.name),
                _ => paint.red(&pipeline.name),
            };
            let saved = pipeline.checkpoints() > 0;
            let sentence = ending::sentence(&pipeline.ended, saved);
            push_line(&mut text, &format!(" {name}: {sentence}"));
            for (stage, late) in pipeline.late() {
                push_line(&mut text, &format!(" {name}: {}", late_rows(stage, late)));
            }
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

fn late_rows(stage: &str, late: u64) -> String {
    format!("{} came too late for `{stage}`, by event time", counted(late, "row"))
}

fn push_line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

impl PipelineSummary {
    fn errors(&self) -> Vec<String> {
        ending::errors(&self.name, &self.ended)
    }

    fn checkpoints(&self) -> u64 {
        NodeCounters::get(&self.counters.checkpoints)
    }

    fn rows(&self) -> Rows<'_> {
        let PipelineCounters { sources, transforms, sinks, .. } = &*self.counters;
        let rejected = |nodes: &Nodes| PipelineCounters::total(nodes, |node| &node.rejected);
        Rows {
            read: PipelineCounters::total(sources, |source| &source.rows_in),
            filtered: PipelineCounters::total(transforms, |transform| &transform.filtered),
            rejected: rejected(sources) + rejected(transforms) + rejected(sinks),
            sinks: sinks
                .iter()
                .map(|(name, sink)| (name.as_str(), NodeCounters::get(&sink.rows_out)))
                .collect(),
        }
    }

    /// Rows that came too late, by the transforms that there are any for.
    fn late(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counters
            .transforms
            .iter()
            .map(|(name, stage)| (name.as_str(), NodeCounters::get(&stage.late)))
            .filter(|(_, late)| *late > 0)
    }

    /// The table's lines: the first sink stands beside the pipeline, the others below it.
    fn cells(&self) -> Vec<[String; 8]> {
        let rows = self.rows();
        let mut lines: Vec<[String; 8]> = Vec::new();
        for (sink, written) in &rows.sinks {
            let mut line = <[String; 8]>::default();
            (line[4], line[5]) = ((*sink).to_owned(), count(*written));
            lines.push(line);
        }
        if lines.is_empty() {
            lines.push(<[String; 8]>::default());
        }
        let first = &mut lines[0];
        first[0].clone_from(&self.name);
        first[1] = count(rows.read);
        first[2] = count(rows.filtered);
        first[3] = count(rows.rejected);
        first[6] = count(per_second(rows.read, self.elapsed));
        first[7] = count(self.checkpoints());
        lines
    }

    fn to_json(&self) -> Value {
        let rows = self.rows();
        let (resumed_from, had_finished) = match &self.ended {
            Ended::Well(summary) => (summary.resumed_from, summary.had_finished),
            Ended::Failed(_) | Ended::Panicked => (None, false),
        };
        let errors = self.errors();
        let message = match errors.first() {
            Some(error) => error.clone(),
            None => ending::sentence(&self.ended, self.checkpoints() > 0),
        };
        json!({
            "name": self.name,
            "outcome": ending::outcome(&self.ended),
            "message": message,
            "error": (!errors.is_empty()).then_some(errors),
            "exit_code": ending::exit(&self.ended).code(),
            "resumed_from": resumed_from,
            "had_finished": had_finished,
            "seconds": self.elapsed.as_secs_f64(),
            "rows": {
                "in": rows.read,
                "kept": rows.kept(),
                "filtered": rows.filtered,
                "rejected": rows.rejected,
                "late": self.late().map(|(_, late)| late).sum::<u64>(),
                "sinks": rows.sinks,
            },
            "rows_per_second": per_second(rows.read, self.elapsed),
            "checkpoints": self.checkpoints(),
            "sources": nodes(&self.counters.sources),
            "transforms": nodes(&self.counters.transforms),
            "sinks": nodes(&self.counters.sinks),
            "loads": loads(&self.counters),
        })
    }
}

/// What sinks that load a remote table did, by name; the seconds are of all threads together.
fn loads(counters: &PipelineCounters) -> BTreeMap<&str, Value> {
    let of = |counters: &LoadCounters| {
        let seconds = |phase| counters.time(phase).as_secs_f64();
        json!({
            "loads": NodeCounters::get(&counters.loads),
            "rows": NodeCounters::get(&counters.rows),
            "bytes": NodeCounters::get(&counters.bytes),
            "encode_seconds": seconds(LoadPhase::Encode),
            "load_seconds": seconds(LoadPhase::Load),
            "prepare_seconds": seconds(LoadPhase::Prepare),
            "commit_seconds": seconds(LoadPhase::Commit),
            "retries": counters.retries(),
        })
    };
    let loading = counters.loads.iter().filter(|(_, loads)| NodeCounters::get(&loads.loads) > 0);
    loading.map(|(name, loads)| (name.as_str(), of(loads))).collect()
}

/// Every counter of some nodes, by name. Those that mean nothing for a kind of node are 0.
fn nodes(nodes: &Nodes) -> BTreeMap<&str, Value> {
    let counters = |node: &NodeCounters| {
        let guest = Duration::from_nanos(node.guest_nanos.load(Ordering::Relaxed));
        json!({
            "rows_in": NodeCounters::get(&node.rows_in),
            "rows_out": NodeCounters::get(&node.rows_out),
            "counted": node.guest_counts(),
            "filtered": NodeCounters::get(&node.filtered),
            "rejected": NodeCounters::get(&node.rejected),
            "late": NodeCounters::get(&node.late),
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
    use crate::pipeline::{Outcome, Summary};

    /// A pipeline that read 10 rows and wrote 8 of them to each sink, in two seconds.
    fn summaries(sinks: &[&str]) -> Summaries {
        let node = |name: &str| (name.to_owned(), Arc::new(NodeCounters::default()));
        let counters = Arc::new(PipelineCounters {
            sources: BTreeMap::from([node("wagers")]),
            sinks: sinks.iter().map(|sink| node(sink)).collect(),
            ..PipelineCounters::default()
        });
        NodeCounters::add(&counters.sources["wagers"].rows_in, 10);
        for sink in counters.sinks.values() {
            NodeCounters::add(&sink.rows_out, 8);
        }
        let ended = Ended::Well(Summary {
            outcome: Outcome::Finished,
            resumed_from: None,
            had_finished: false,
            elapsed: Duration::from_secs(2),
        });
        Summaries::new(&[("p".to_owned(), counters)], vec![ended], Instant::now())
    }

    #[test]
    fn the_object_has_what_the_table_has() {
        let summaries = summaries(&["table"]);
        let value = summaries.to_json();
        let pipeline = &value["pipelines"][0];
        assert_eq!(pipeline["rows"]["in"], 10);
        assert_eq!(pipeline["rows"]["kept"], 8);
        assert_eq!(pipeline["rows"]["sinks"], json!({"table": 8}));
        assert_eq!(pipeline["rows_per_second"], 5);
        assert_eq!(pipeline["outcome"], "finished");
        assert_eq!(pipeline["error"], Value::Null);
        assert_eq!(summaries.exit(), Exit::Done);
        assert!(summaries.to_text(Paint::plain()).contains(" p: finished\n"));
    }

    #[test]
    fn rows_that_came_too_late_are_counted_in_words() {
        assert_eq!(late_rows("cep", 1), "1 row came too late for `cep`, by event time");
        assert_eq!(late_rows("cep", 2_000), "2,000 rows came too late for `cep`, by event time");
    }

    #[test]
    fn rows_of_several_sinks_are_not_added_up() {
        let summaries = summaries(&["audit", "table"]);
        assert_eq!(summaries.to_json()["pipelines"][0]["rows"]["kept"], Value::Null);
        let text = summaries.to_text(Paint::plain());
        let lines: Vec<Vec<&str>> =
            text.lines().skip(3).take(2).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["p", "10", "0", "0", "audit", "8", "5", "0"]);
        assert_eq!(lines[1], ["table", "8"]);
    }
}
