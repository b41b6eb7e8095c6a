//! From a plan's graph to chains of stages and the edges between nodes: pure decisions.

use std::collections::BTreeMap;

use crate::config::{Edge, NodeId, Plan};

/// Where an edge leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Consumer {
    /// The input `input` of the transform `transform`.
    Transform { transform: usize, input: usize },
    /// The sink of this index.
    Sink(usize),
}

/// The graph as threads: which transforms are fused, and who consumes what.
#[derive(Debug)]
pub(super) struct Wiring {
    /// Indices of transforms that run fused, in order; chains in topological order.
    pub chains: Vec<Vec<usize>>,
    /// Indices of transforms that keep something between batches, each on threads of its own.
    pub stateful: Vec<usize>,
    /// The consumers of each node's port.
    pub consumers: BTreeMap<(NodeId, usize), Vec<Consumer>>,
}

impl Wiring {
    /// Fuses each stage with the one before it where that one feeds nothing else and it is fed by
    /// nothing else.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut consumers: BTreeMap<(NodeId, usize), Vec<Consumer>> = BTreeMap::new();
        for (transform, stage) in plan.transforms.iter().enumerate() {
            for (edge, input) in stage.edges() {
                let consumer = Consumer::Transform { transform, input };
                consumers.entry((edge.node, edge.port)).or_default().push(consumer);
            }
        }
        for (sink, config) in plan.sinks.iter().enumerate() {
            let Edge { node, port } = config.input;
            consumers.entry((node, port)).or_default().push(Consumer::Sink(sink));
        }
        let mut chains: Vec<Vec<usize>> = Vec::new();
        let is_stateful = |transform: &usize| plan.transforms[*transform].is_stateful();
        let (stateful, stateless): (Vec<usize>, Vec<usize>) =
            (0..plan.transforms.len()).partition(is_stateful);
        for transform in stateless {
            let before = fusible(plan, &consumers, transform);
            match before
                .and_then(|before| chains.iter_mut().find(|chain| chain.last() == Some(&before)))
            {
                Some(chain) => chain.push(transform),
                None => chains.push(vec![transform]),
            }
        }
        Self { chains, stateful, consumers }
    }
}

/// The transform that `transform` can share a thread with: its only feeder, which feeds only it.
fn fusible(
    plan: &Plan,
    consumers: &BTreeMap<(NodeId, usize), Vec<Consumer>>,
    transform: usize,
) -> Option<usize> {
    let edges = plan.transforms[transform].edges();
    let [(Edge { node: NodeId::Transform(before), port: 0 }, _)] = edges.as_slice() else {
        return None;
    };
    // No chain ends in a stage that runs on its own, so none is found for what it feeds.
    let only_port = plan.transforms[*before].outputs.len() == 1;
    let only_consumer = consumers[&(NodeId::Transform(*before), 0)].len() == 1;
    (only_port && only_consumer).then_some(*before)
}
