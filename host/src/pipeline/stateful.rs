//! From the plan of a stage that keeps something to its instances on their threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::PipelineError;
use super::builder::Builder;
use super::fanout::Routing;
use super::held::{Held, matched, outline};
use super::stateful_node::{Ordered, StatefulNode};
use super::wiring::Wiring;
use crate::checkpoint::{InstanceCheckpoint, StageCheckpoint};
use crate::config::{NodeId, Plan, TransformPlan};
use crate::record::Schema;
use crate::sandbox::{Mode, Order};
use crate::stage::{Numbering, OrderBuffer, StageConfig};

impl Wiring {
    /// How rows get to the instances of `transform`, if it runs on threads of its own.
    pub(super) fn routing(&self, plan: &Plan, transform: usize, input: usize) -> Option<Routing> {
        let stage = &plan.transforms[transform];
        if !stage.is_stateful() {
            return None;
        }
        let full = &stage.inputs[input];
        let Some(columns) = self.carried(plan, transform, input) else {
            return Some(Routing { carried: None, key: full.key.clone() });
        };
        let fields = columns.iter().map(|index| full.schema.fields[*index].clone()).collect();
        let key = full.schema.key.iter().filter_map(|index| place(&columns, *index)).collect();
        let append_only = full.schema.append_only;
        let schema = Arc::new(Schema { fields, key, append_only });
        let key = full.key.iter().filter_map(|index| place(&columns, *index)).collect();
        Some(Routing { carried: Some((columns, schema)), key })
    }

    /// The columns of an input that an emitting stage needs, in their order; `None`: all.
    fn carried(&self, plan: &Plan, transform: usize, input: usize) -> Option<Vec<usize>> {
        let stage = &plan.transforms[transform];
        let late = stage.late_port().map(|port| (NodeId::Transform(transform), port));
        let late_is_read = late.is_some_and(|port| self.consumers.contains_key(&port));
        if stage.description.mode != Mode::Emit || late_is_read || !stage.joins.is_empty() {
            return None;
        }
        let input = &stage.inputs[input];
        let mut columns: Vec<usize> =
            [&input.reads, &input.key, &input.schema.key].into_iter().flatten().copied().collect();
        columns.sort_unstable();
        columns.dedup();
        (columns.len() < input.schema.fields.len()).then_some(columns)
    }
}

fn place(columns: &[usize], index: usize) -> Option<usize> {
    columns.iter().position(|column| *column == index)
}

impl Builder<'_> {
    /// Starts the instances of the stages that keep something.
    pub(super) fn stateful(&mut self) -> Result<(), PipelineError> {
        for transform in self.wiring.stateful.clone() {
            let plan = &self.plan.transforms[transform];
            let saved = self.recovered.checkpoint.stages.get(&plan.name).cloned();
            let set_aside = Arc::default();
            for instance in 0..plan.instances() {
                let mut node = self.instance(transform, instance, saved.as_ref())?;
                node.letters = self.letter_box(vec![(
                    plan.name.clone(),
                    plan.on_error,
                    Arc::clone(&set_aside),
                )]);
                let name = match plan.instances() {
                    1 => plan.name.clone(),
                    _ => format!("{}#{instance}", plan.name),
                };
                self.start(&name, move || node.run())?;
            }
        }
        Ok(())
    }

    fn instance(
        &mut self,
        transform: usize,
        instance: usize,
        saved: Option<&StageCheckpoint>,
    ) -> Result<StatefulNode, PipelineError> {
        let plan = &self.plan.transforms[transform];
        let routings: Vec<Routing> = (0..plan.inputs.len())
            .filter_map(|input| self.wiring.routing(self.plan, transform, input))
            .collect();
        let instances = plan.instances();
        // A stage whose number of instances has changed counts on from the greatest of all.
        let same = saved.filter(|saved| saved.instances.len() == instances);
        let numbering = match same {
            Some(saved) => Numbering {
                next: saved.instances[instance].emitted,
                step: i64::try_from(instances).unwrap_or(1),
            },
            None => Numbering::shared(self.emitted(&plan.name), instance, instances),
        };
        let stage = self.stage(narrowed(plan, &routings), numbering)?;
        let own = same.map(|saved| &saved.instances[instance]);
        let all = || saved.into_iter().flat_map(|saved| &saved.instances);
        let latest = |pick: &dyn Fn(&InstanceCheckpoint) -> i64| match own {
            Some(own) => pick(own),
            None => all().map(pick).max().unwrap_or(i64::MIN),
        };
        let ordered = (plan.description.order == Order::EventTime).then(|| Ordered {
            buffer: OrderBuffer::new(plan.max_waiting),
            greatest: latest(&|held| held.greatest),
            most: self.plan.batch.rows,
            late: plan.late_port(),
        });
        let held = self.held(plan, instance, saved, &routings)?;
        let ports = plan.outputs.len();
        Ok(StatefulNode {
            next_tick: stage.wants_ticks().then_some(i64::MIN),
            stage,
            instance,
            held,
            ordered,
            tables: self.recovered.tables.current(),
            inbox: self.inbox(transform, instance),
            outlets: (0..ports)
                .map(|port| self.outlet(NodeId::Transform(transform), port, instance))
                .collect(),
            letters: super::dead_letters::LetterBox::new(Vec::new(), None),
            events: self.events.0.clone(),
            counters: Arc::clone(&self.counters.transforms[&plan.name]),
            clock: self.options.clock,
            late_below: latest(&|held| held.late_below),
            released: latest(&|held| held.released),
            told: latest(&|held| held.released),
            ticked: i64::MIN,
        })
    }

    fn held(
        &self,
        plan: &TransformPlan,
        instance: usize,
        saved: Option<&StageCheckpoint>,
        routings: &[Routing],
    ) -> Result<Held, PipelineError> {
        let states = match saved {
            None => Vec::new(),
            Some(saved) => {
                matched(saved, &outline(plan)).map_err(|what| PipelineError::StateMismatch {
                    stage: plan.name.clone(),
                    epoch: self.recovered.checkpoint.epoch,
                    store: self.plan.checkpoint.store.clone(),
                    what,
                })?
            }
        };
        let inputs = plan
            .inputs
            .iter()
            .zip(routings)
            .map(|(input, routing)| {
                let narrow = routing.carried.as_ref().map(|(_, schema)| Arc::clone(schema));
                (narrow.unwrap_or_else(|| Arc::clone(&input.schema)), routing.key.clone())
            })
            .collect();
        let folder = self.recovered.state_folder.clone();
        Ok(Held::new(folder, plan, instance, saved, states, inputs))
    }
}

/// What the stage is told, with the places of columns in the batches that it gets.
fn narrowed(plan: &TransformPlan, routings: &[Routing]) -> StageConfig {
    let mut config = plan.stage();
    for (input, routing) in config.inputs.iter_mut().zip(routings) {
        if let Some((columns, _)) = &routing.carried {
            let places: BTreeMap<usize, usize> =
                columns.iter().enumerate().map(|(place, index)| (*index, place)).collect();
            input.reads = input.reads.iter().map(|index| places[index]).collect();
        }
        input.key.clone_from(&routing.key);
    }
    config
}
