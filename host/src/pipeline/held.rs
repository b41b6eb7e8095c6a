//! What an instance of a stage holds between batches: made durable at a barrier, taken up by a
//! restart, and shared out anew when the number of instances has changed.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_buffer::BooleanBuffer;

use super::NodeError;
use crate::checkpoint::{
    InstanceCheckpoint, KeyColumn, RowSegment, SavedState, StageCheckpoint, StateEntries, StateLog,
    StateReader, StateSegment, Varying, state::StateLimits,
};
use crate::config::TransformPlan;
use crate::record::{Batch, Epoch, Schema};
use crate::sandbox::StateKind;
use crate::stage::{EncodedKeys, KEY_GROUPS, OrderBuffer, Stage, groups_of};

/// The durable side of an instance.
pub(super) struct Held {
    folder: PathBuf,
    /// The stage and the instance, as files are named by.
    owner: String,
    /// `None`: the transform keeps no state.
    log: Option<StateLog>,
    /// What the instances before held, until it is taken up.
    before: Vec<InstanceCheckpoint>,
    share: Share,
    /// What the rows of each input look like here, and their key's columns.
    inputs: Vec<(Arc<Schema>, Vec<usize>)>,
}

/// Which part of what the instances before held is this instance's.
struct Share {
    instance: usize,
    instances: usize,
    /// For each state that was saved its place among those of the transform now, and whether every
    /// instance has it.
    states: Vec<(u32, bool)>,
}

/// What a stage's checkpoint says about its instances, whatever they hold.
pub(super) fn outline(plan: &TransformPlan) -> StageCheckpoint {
    let key = plan.inputs.first().map_or(&[][..], |input| &input.key);
    let fields = plan.inputs.first().map_or(&[][..], |input| &input.schema.fields);
    let column = |index: &usize| KeyColumn {
        name: fields[*index].name.to_string(),
        data_type: fields[*index].data_type.to_string(),
    };
    let state = |state: &crate::sandbox::State| SavedState {
        name: state.name.clone(),
        version: state.version,
        kind: kind(state.kind).to_owned(),
    };
    let named = plan.inputs.len() > 1;
    StageCheckpoint {
        inputs: plan.inputs.iter().filter(|_| named).map(|input| input.name.clone()).collect(),
        key: key.iter().map(column).collect(),
        states: plan.description.states.iter().map(state).collect(),
        instances: vec![InstanceCheckpoint::default(); plan.instances()],
    }
}

const fn kind(kind: StateKind) -> &'static str {
    match kind {
        StateKind::Value => "value",
        StateKind::List => "list",
        StateKind::Map => "map",
        StateKind::Broadcast => "broadcast",
        StateKind::Timers => "timers",
    }
}

/// For each saved state its place among those of the transform now, and whether it is broadcast; or
/// what keeps the state from being taken up, and what to do.
pub(super) fn matched(
    saved: &StageCheckpoint,
    now: &StageCheckpoint,
) -> Result<Vec<(u32, bool)>, String> {
    let columns = |key: &[KeyColumn]| {
        let column = |column: &KeyColumn| format!("{} {}", column.name, column.data_type);
        key.iter().map(column).collect::<Vec<_>>().join(", ")
    };
    if saved.key != now.key {
        return Err(format!(
            "was kept by the key ({}), and the key is ({}) now",
            columns(&saved.key),
            columns(&now.key)
        ));
    }
    if saved.inputs != now.inputs {
        return Err(format!(
            "has rows of the inputs ({}), and the inputs are ({}) now",
            saved.inputs.join(", "),
            now.inputs.join(", ")
        ));
    }
    let place = |state: &SavedState| {
        let name = &state.name;
        let Some(place) = now.states.iter().position(|now| now.name == *name) else {
            return Err(format!("has the state `{name}`, which the module no longer keeps"));
        };
        let found = &now.states[place];
        if found.kind != state.kind {
            let (was, is) = (&state.kind, &found.kind);
            return Err(format!("has `{name}` as a {was}, and the module has it as a {is}"));
        }
        if found.version != state.version {
            let (was, is) = (state.version, found.version);
            return Err(format!(
                "has version {was} of the state `{name}`, and the module has version {is}"
            ));
        }
        let place = u32::try_from(place).map_err(|error| error.to_string())?;
        Ok((place, state.kind == kind(StateKind::Broadcast)))
    };
    saved.states.iter().map(place).collect()
}

impl Held {
    /// The durable side of the instance `instance` of `plan`, after what `saved` holds, whose states
    /// have their places in `states`.
    pub(super) fn new(
        folder: PathBuf,
        plan: &TransformPlan,
        instance: usize,
        saved: Option<&StageCheckpoint>,
        states: Vec<(u32, bool)>,
        inputs: Vec<(Arc<Schema>, Vec<usize>)>,
    ) -> Self {
        let instances = plan.instances();
        let owner = format!("{}-{instance}", plan.name);
        let before = saved.map_or(Vec::new(), |saved| saved.instances.clone());
        let share = Share { instance, instances, states };
        // Shared out anew, or under other numbers, state is written anew as it is read.
        let own = if share.is_same(&before) { before[instance].state.clone() } else { Vec::new() };
        let keeps = !plan.description.states.is_empty();
        let log = keeps
            .then(|| StateLog::open(folder.clone(), owner.clone(), own, StateLimits::default()));
        Self { folder, owner, log, before, share, inputs }
    }

    /// Gives the instance what is its share of what was saved.
    pub(super) fn restore(
        &mut self,
        stage: &mut Stage,
        buffer: Option<&mut OrderBuffer>,
    ) -> Result<(), NodeError> {
        let before = std::mem::take(&mut self.before);
        if let Some(log) = &mut self.log {
            self.share.restore_state(&self.folder, &before, stage, log)?;
        }
        if let Some(buffer) = buffer {
            self.restore_rows(&before, buffer)?;
        }
        Ok(())
    }

    fn restore_rows(
        &self,
        before: &[InstanceCheckpoint],
        buffer: &mut OrderBuffer,
    ) -> Result<(), NodeError> {
        let schemas: Vec<Arc<Schema>> =
            self.inputs.iter().map(|(schema, _)| Arc::clone(schema)).collect();
        let Share { instance, instances, .. } = self.share;
        let same = self.share.is_same(before);
        let own = groups_of(instance, instances);
        for (index, held) in before.iter().enumerate() {
            // A file may hold rows of instances that were one before, and several may name it.
            let groups = overlap(&own, &groups_of(index, before.len()));
            if groups.is_empty() || (same && index != instance) {
                continue;
            }
            let keep = |input: usize, batch: &Batch| {
                let key = self.inputs[input].1.iter().map(|column| &batch.columns[*column].values);
                let keys = EncodedKeys::of(&key.collect::<Vec<_>>(), batch.rows);
                let owned = |row: usize| groups.contains(&keys.groups[row]);
                Some(BooleanBuffer::collect_bool(batch.rows, owned))
            };
            buffer.restore(&self.folder, &held.waiting, &schemas, held.released, keep)?;
        }
        Ok(())
    }

    /// Makes durable what changed since the last barrier, and answers what the checkpoint names.
    pub(super) fn save(
        &mut self,
        epoch: Epoch,
        stage: &mut Stage,
        buffer: Option<&mut OrderBuffer>,
    ) -> Result<(Vec<StateSegment>, Vec<RowSegment>), NodeError> {
        let state = match &mut self.log {
            None => Vec::new(),
            Some(log) => {
                stage.save::<NodeError>(|entries| Ok(log.append(entries)?))?;
                log.seal(epoch)?
            }
        };
        let waiting = match buffer {
            None => Vec::new(),
            Some(buffer) => buffer.save(&self.folder, &self.owner, epoch)?,
        };
        Ok((state, waiting))
    }
}

impl Share {
    /// Whether every instance takes up just what it held itself.
    fn is_same(&self, before: &[InstanceCheckpoint]) -> bool {
        let renumbered =
            self.states.iter().enumerate().any(|(at, (place, _))| at != *place as usize);
        before.len() == self.instances && !renumbered
    }

    fn restore_state(
        &self,
        folder: &Path,
        before: &[InstanceCheckpoint],
        stage: &mut Stage,
        log: &mut StateLog,
    ) -> Result<(), NodeError> {
        if self.is_same(before) {
            let own = &before[self.instance].state;
            for entries in StateReader::open(folder, own, 0..KEY_GROUPS)? {
                stage.restore(entries?)?;
            }
            return Ok(());
        }
        let mut take = |held: &InstanceCheckpoint, groups: Range<u16>, broadcast: bool| {
            for entries in StateReader::open(folder, &held.state, groups)? {
                let entries = self.own(entries?, broadcast);
                if !entries.states.is_empty() {
                    log.append(entries.clone())?;
                    stage.restore(entries)?;
                }
            }
            Ok::<(), NodeError>(())
        };
        let own = groups_of(self.instance, self.instances);
        for (index, held) in before.iter().enumerate() {
            let groups = overlap(&own, &groups_of(index, before.len()));
            if !groups.is_empty() {
                take(held, groups, false)?;
            }
        }
        // What every instance has, any of them can give.
        match before.first() {
            Some(first) => take(first, 0..1, true),
            None => Ok(()),
        }
    }

    /// The entries of states that are broadcast, or of those that are not, under their numbers now.
    fn own(&self, entries: StateEntries, broadcast: bool) -> StateEntries {
        let place = |state: u32| self.states.get(state as usize).copied();
        let keeps = |state: &u32| place(*state).is_some_and(|(_, all)| all == broadcast);
        let mut kept = if entries.states.iter().all(keeps) {
            entries
        } else {
            let rows: Vec<usize> =
                (0..entries.states.len()).filter(|row| keeps(&entries.states[*row])).collect();
            StateEntries {
                states: rows.iter().map(|row| entries.states[*row]).collect(),
                groups: rows.iter().map(|row| entries.groups[*row]).collect(),
                keys: picked(&entries.keys, &rows),
                sub_keys: picked(&entries.sub_keys, &rows),
                actions: rows.iter().map(|row| entries.actions[*row]).collect(),
                values: picked(&entries.values, &rows),
            }
        };
        for state in &mut kept.states {
            *state = place(*state).map_or(*state, |(place, _)| place);
        }
        kept
    }
}

/// The groups in both ranges.
fn overlap(one: &Range<u16>, other: &Range<u16>) -> Range<u16> {
    one.start.max(other.start)..one.end.min(other.end)
}

fn picked(values: &Varying, rows: &[usize]) -> Varying {
    let mut picked = Varying { offsets: vec![0], bytes: Vec::new() };
    for row in rows {
        let end = |row: usize| usize::try_from(values.offsets[row]).unwrap_or_default();
        picked.bytes.extend_from_slice(&values.bytes[end(*row)..end(*row + 1)]);
        picked.offsets.push(i32::try_from(picked.bytes.len()).unwrap_or(i32::MAX));
    }
    picked
}
