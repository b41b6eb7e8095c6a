//! Resume points and the numbers of checkpoints.

use serde::{Deserialize, Serialize};

/// The number of a checkpoint: 0 is written before the first row, then one more each time.
pub type Epoch = u64;

/// Where a source goes on after a restart: opaque to all but the source that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position(pub serde_json::Value);
