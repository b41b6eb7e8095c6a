//! Whether the way to a checkpoint leads to the same rows a second time.
//!
//! Guests are pure functions of what they are given, state and positions are those of the checkpoint
//! before, and batch boundaries carry no meaning. What is left is what the pipeline is made of, what
//! tables say, the order in which rows of several threads meet, and the clock.

use std::collections::BTreeMap;
use std::fmt::Debug;

use sha2::{Digest, Sha256};

use crate::checkpoint::{Repeat, Shown};
use crate::config::{Edge, NodeId, Plan, TransformPlan};
use crate::pipeline::recovery::DEAD_LETTERS;

/// SHA-256 of what makes the rows of a pipeline, in hexadecimal: its sources, transforms and edges,
/// but for the modules, which checkpoints name, and for where sinks write to.
pub(in crate::pipeline) fn graph(plan: &Plan) -> String {
    let mut hasher = Sha256::new();
    let mut add = |part: &dyn Debug| hasher.update(format!("{part:?}\n"));
    for source in &plan.sources {
        let config = &source.config;
        add(&(&config.name, &config.columns, &config.event_time, &config.kind));
    }
    for stage in &plan.transforms {
        add(&(&stage.name, &stage.params, &stage.joins, stage.parallelism));
        for input in &stage.inputs {
            add(&(&input.name, &input.edges, &input.reads, &input.key, &input.schema));
        }
    }
    for sink in &plan.sinks {
        add(&(&sink.config.name, sink.input, &sink.schema));
    }
    format!("{:x}", hasher.finalize())
}

/// Why the way to the checkpoint would not lead to the same rows; `None`: it does. `tables` are the
/// versions of the tables' contents now.
pub(in crate::pipeline) fn obstacle(
    plan: &Plan,
    repeat: &Repeat,
    tables: &BTreeMap<String, String>,
) -> Option<String> {
    let sources = plan.sources.iter().map(|source| source.config.name.as_str()).collect();
    let stages = plan.transforms.iter().map(StageFacts::of).collect();
    Facts { sources, stages, graph: graph(plan), tables }.obstacle(repeat)
}

/// What decides whether a pipeline would make the same rows.
struct Facts<'a> {
    sources: Vec<&'a str>,
    stages: Vec<StageFacts<'a>>,
    graph: String,
    /// The versions of the tables' contents.
    tables: &'a BTreeMap<String, String>,
}

/// What decides whether a stage would.
struct StageFacts<'a> {
    name: &'a str,
    artifact: &'a str,
    edges: Vec<Edge>,
    instances: usize,
    /// Whether it keeps something between batches.
    keeps: bool,
    /// Whether it has timers of processing time.
    ticks: bool,
    /// Whether it reads the processing time of rows.
    told: bool,
}

impl<'a> StageFacts<'a> {
    fn of(stage: &'a TransformPlan) -> Self {
        let inputs = &stage.description.inputs;
        Self {
            name: &stage.name,
            artifact: stage.artifact.hash(),
            edges: stage.edges().into_iter().map(|(edge, _)| edge).collect(),
            instances: stage.instances(),
            keeps: stage.is_stateful(),
            ticks: stage.description.ticks,
            told: inputs.iter().any(|input| input.extras.processing_times),
        }
    }

    /// It holds something that depends on when rows came. Where it holds nothing, each row is what it
    /// is by itself, and is taken by a target once.
    fn by_the_clock(&self) -> Option<String> {
        let name = self.name;
        if self.ticks {
            return Some(format!("transform `{name}` has timers of processing time"));
        }
        (self.keeps && self.told)
            .then(|| format!("transform `{name}` keeps state and reads the processing time"))
    }
}

impl Facts<'_> {
    fn obstacle(&self, repeat: &Repeat) -> Option<String> {
        self.made_otherwise(repeat)
            .or_else(|| self.changed_table(repeat))
            .or_else(|| self.stages.iter().find_map(|stage| self.in_any_order(stage)))
            .or_else(|| self.stages.iter().find_map(StageFacts::by_the_clock))
            .or_else(|| lost_letters(repeat))
    }

    /// The pipeline is not the one that made the rows.
    fn made_otherwise(&self, Repeat { target, .. }: &Repeat) -> Option<String> {
        let other = |stage: &&StageFacts<'_>| {
            target.artifacts.get(stage.name).is_some_and(|was| was != stage.artifact)
        };
        if let Some(stage) = self.stages.iter().find(other) {
            return Some(format!("transform `{}` has another module now", stage.name));
        }
        let known =
            |name: &&str| target.read.contains_key(*name) && target.positions.contains_key(*name);
        if target.graph.is_empty() || !self.sources.iter().all(known) {
            return Some("the checkpoint does not say how many rows led to it".to_owned());
        }
        (target.graph != self.graph).then(|| {
            "the sources, transforms or inputs in the pipeline's file are not what they were"
                .to_owned()
        })
    }

    fn changed_table(&self, repeat: &Repeat) -> Option<String> {
        let mut joined = repeat.target.joined.iter();
        let (table, _) = joined.find(|(table, was)| self.tables.get(*table) != Some(*was))?;
        Some(format!("table `{table}` has other rows now"))
    }

    /// Rows of several threads meet in the stage: which comes first is nobody's choice.
    fn in_any_order(&self, stage: &StageFacts<'_>) -> Option<String> {
        let name = stage.name;
        if stage.edges.len() > 1 {
            return Some(format!(
                "rows of several nodes meet in transform `{name}`, in an order that nothing keeps"
            ));
        }
        let NodeId::Transform(before) = stage.edges.first()?.node else { return None };
        let StageFacts { name: before, instances, .. } = self.stages.get(before)?;
        (stage.keeps && *instances > 1).then(|| {
            format!(
                "rows of {instances} instances of `{before}` meet in the state of transform \
                 `{name}`, in an order that nothing keeps"
            )
        })
    }
}

/// Sinks that take nothing again refuse nothing again, so that what they refused then would be lost
/// with the dead letters. Those that show a part of it look for what they refused of that part.
fn lost_letters(repeat: &Repeat) -> Option<String> {
    let target = &repeat.target;
    let kept = repeat.shown.get(DEAD_LETTERS) == Some(&Shown::Whole);
    if kept || !target.handles.contains_key(DEAD_LETTERS) {
        return None;
    }
    let refused = |sink: &str| target.taken.get(sink).is_some_and(|taken| taken.refused > 0);
    let mut muted = repeat.shown.iter().filter(|(_, shown)| **shown == Shown::Whole);
    let (sink, _) = muted.find(|(sink, _)| refused(sink))?;
    Some(format!("the dead letters of sink `{sink}` were given up, too"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Checkpoint, SinkProgress, SourceProgress};
    use crate::record::Position;

    fn map<V: Clone>(names: &[&str], value: V) -> BTreeMap<String, V> {
        names.iter().map(|name| ((*name).to_owned(), value.clone())).collect()
    }

    fn text(value: &str) -> String {
        value.to_owned()
    }

    /// A repeat of a checkpoint that says everything, with one sink that shows a part.
    fn repeat() -> Repeat {
        let target = Checkpoint {
            epoch: 2,
            artifacts: map(&["a", "b"], text("module")),
            positions: map(&["s"], Position(7.into())),
            read: map(&["s"], SourceProgress { rows: 3, ended: false }),
            joined: map(&["games"], text("one")),
            graph: text("graph"),
            handles: map(&["out"], 2.into()),
            ..Checkpoint::default()
        };
        Repeat { target, shown: map(&["out"], Shown::Part(1.into())) }
    }

    fn stage(name: &'static str, node: NodeId) -> StageFacts<'static> {
        StageFacts {
            name,
            artifact: "module",
            edges: vec![Edge { node, port: 0 }],
            instances: 1,
            keeps: false,
            ticks: false,
            told: false,
        }
    }

    /// What stands in the way of `repeat` in a pipeline of a source and two stages, changed.
    fn found(repeat: &Repeat, change: impl FnOnce(&mut Facts<'_>)) -> Option<String> {
        let tables = map(&["games"], text("one"));
        let stages = vec![stage("a", NodeId::Source(0)), stage("b", NodeId::Transform(0))];
        let mut facts = Facts { sources: vec!["s"], stages, graph: text("graph"), tables: &tables };
        change(&mut facts);
        facts.obstacle(repeat)
    }

    fn contains(found: Option<String>, part: &str) {
        let found = found.expect("there is an obstacle");
        assert!(found.contains(part), "{found}");
    }

    #[test]
    fn the_same_pipeline_over_the_same_tables_makes_the_same_rows() {
        assert_eq!(found(&repeat(), |_| {}), None);
        assert_eq!(found(&repeat(), |facts| facts.stages[1].told = true), None, "no state");
        assert_eq!(found(&repeat(), |facts| facts.stages[0].instances = 2), None, "no state");
    }

    #[test]
    fn another_pipeline_makes_others() {
        contains(found(&repeat(), |facts| facts.stages[0].artifact = "new"), "transform `a`");
        contains(found(&repeat(), |facts| facts.graph = text("other")), "not what they were");
        contains(found(&repeat(), |facts| facts.sources.push("new")), "does not say");
        let mut old = repeat();
        old.target.graph.clear();
        contains(found(&old, |_| {}), "does not say");
        let mut joined = repeat();
        joined.target.joined = map(&["games"], text("two"));
        contains(found(&joined, |_| {}), "table `games`");
        joined.target.joined = map(&["gone"], text("one"));
        contains(found(&joined, |_| {}), "table `gone`");
    }

    #[test]
    fn rows_that_meet_come_in_any_order() {
        let two = |facts: &mut Facts<'_>| {
            facts.stages[1].edges.push(Edge { node: NodeId::Source(0), port: 0 });
        };
        contains(found(&repeat(), two), "meet in transform `b`");
        let instances = |facts: &mut Facts<'_>| {
            facts.stages[0].instances = 2;
            facts.stages[1].keeps = true;
        };
        contains(found(&repeat(), instances), "2 instances of `a` meet in the state");
    }

    #[test]
    fn what_depends_on_the_clock_does_not_come_again() {
        contains(found(&repeat(), |facts| facts.stages[1].ticks = true), "timers");
        let keeps = |facts: &mut Facts<'_>| {
            (facts.stages[1].keeps, facts.stages[1].told) = (true, true);
        };
        contains(found(&repeat(), keeps), "transform `b` keeps state");
    }

    #[test]
    fn dead_letters_of_a_muted_sink_are_not_lost() {
        let mut with_letters = repeat();
        with_letters.target.handles.insert(text(DEAD_LETTERS), 2.into());
        assert_eq!(found(&with_letters, |_| {}), None, "nothing was refused");
        let refused = SinkProgress { rows: 5, refused: 1 };
        with_letters.target.taken = map(&["out"], refused);
        assert_eq!(found(&with_letters, |_| {}), None, "it refuses them again");
        with_letters.shown = map(&["out"], Shown::Whole);
        contains(found(&with_letters, |_| {}), "dead letters of sink `out`");
        with_letters.shown.insert(text(DEAD_LETTERS), Shown::Whole);
        assert_eq!(found(&with_letters, |_| {}), None, "they are visible");
    }
}
