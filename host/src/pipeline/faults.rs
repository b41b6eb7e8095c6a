//! Crash points for tests: each step between a barrier and its acknowledgement has a name.

use std::fmt;
use std::sync::Arc;

use super::PipelineError;
use crate::record::Epoch;

/// Decides whether to crash at a point: its name, the sink it belongs to (or ""), and the epoch.
type Decide = dyn Fn(&str, &str, Epoch) -> bool + Send + Sync;

/// Where a run crashes; nowhere by default.
///
/// The points of a new store are `initialised` (each sink) and `begun` (epoch 0 is stored). Where a
/// checkpoint is to be repeated, `turned` is when the store is back at the one before. Those of
/// one checkpoint, in order: `saved` (each instance of a stage that keeps something, as `stage#0`) and
/// `prepared` (each sink), `collected`, `stored`, then for
/// each sink `committed` and `confirmed`, then `acknowledged`. A crash drops everything at once, as
/// a dying process would, but for what the operating system already has.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<Decide>>);

impl Faults {
    /// Faults where `decide` says so.
    pub fn new(decide: impl Fn(&str, &str, Epoch) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(decide)))
    }

    pub(super) fn at(&self, point: &str, sink: &str, epoch: Epoch) -> Result<(), PipelineError> {
        match &self.0 {
            Some(decide) if decide(point, sink, epoch) => {
                Err(PipelineError::Injected(format!("{point} {sink} of epoch {epoch}")))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faults").field(&self.0.is_some()).finish()
    }
}
