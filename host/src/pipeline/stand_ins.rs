//! Sinks of tests in the places of configured ones: what a target may do is more than one that works
//! ever does.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::sink::{Durability, Handle, OpenSink, SinkConfig, SinkContext, SinkError};

/// A sink that a test puts in the place of a configured one. Its methods are those of
/// [`SinkConfig`].
pub trait StandIn: Send + Sync {
    /// How it is durable.
    fn durability(&self) -> Durability;

    /// Readies the output for a new store.
    ///
    /// # Errors
    /// As [`SinkConfig::initialise`].
    fn initialise(&self, context: &SinkContext) -> Result<Handle, SinkError>;

    /// Opens both halves.
    ///
    /// # Errors
    /// As [`SinkConfig::open`].
    fn open(&self, context: &SinkContext, last: &Handle) -> Result<OpenSink, SinkError>;
}

/// The stand-ins of a run, by the sinks' names; none by default.
#[derive(Clone, Default)]
pub struct StandIns(BTreeMap<String, Arc<dyn StandIn>>);

impl StandIns {
    /// These.
    pub fn new(sinks: impl IntoIterator<Item = (String, Arc<dyn StandIn>)>) -> Self {
        Self(sinks.into_iter().collect())
    }

    pub(super) fn get(&self, sink: &str) -> Option<Arc<dyn StandIn>> {
        self.0.get(sink).cloned()
    }
}

impl fmt::Debug for StandIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A sink of the plan with what it is told, or what stands in for it.
pub(super) struct PlannedSink {
    pub config: SinkConfig,
    pub context: SinkContext,
    pub stand_in: Option<Arc<dyn StandIn>>,
}

impl PlannedSink {
    pub(super) fn durability(&self) -> Durability {
        self.stand_in.as_ref().map_or_else(|| self.config.durability(), |sink| sink.durability())
    }

    pub(super) fn initialise(&self) -> Result<Handle, SinkError> {
        match &self.stand_in {
            Some(sink) => sink.initialise(&self.context),
            None => self.config.initialise(&self.context),
        }
    }

    pub(super) fn open(&self, last: &Handle) -> Result<OpenSink, SinkError> {
        match &self.stand_in {
            Some(sink) => sink.open(&self.context, last),
            None => self.config.open(&self.context, last),
        }
    }
}
