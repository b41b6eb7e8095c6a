//! A transform at its configured place: join, guest call, and what its answer does to a batch.
//!
//! *Invariants*: dead rows never reach a guest; the order of rows is kept; a rejected row leaves
//! the batch and becomes exactly one dead letter. Where every row of a batch crosses, nothing is done
//! per row but for rejects; where some do not, the columns that cross are gathered and spread again.
//! *Not here*: the boundary itself (`sandbox`), threads and channels (`pipeline`).

mod chain;
mod error;
mod join;
mod keys;
mod mapped;
mod numbering;
mod order;
mod projection;
mod timed;
mod transform;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use chain::Chain;
pub use error::{BatchPlace, StageError};
pub use join::{Missing, join};
pub use keys::{EncodedKeys, KEY_GROUPS, groups_of, owner_of};
pub use numbering::Numbering;
pub use order::{OrderBuffer, OrderError, OrderSegment};
pub use timed::TimerOutput;
pub use transform::Stage;

use crate::record::{Batch, DeadLetter, Schema};
use crate::sandbox::{Artifact, Description, InputSchema, Limits, TableSchema};
use crate::table::TableSnapshot;

/// The snapshots of the tables in force, by name. They change at barriers only.
pub type Tables = Arc<BTreeMap<String, Arc<TableSnapshot>>>;

/// A join of a stage to a table, with every name resolved.
#[derive(Clone, Debug)]
pub struct JoinConfig {
    /// The table's name.
    pub table: String,
    /// The input's columns that make the key, in the order of the table's key.
    pub on: Vec<usize>,
    /// What to do with a row whose key is not in the table.
    pub missing: Missing,
    /// The table's columns that the transform reads, in its order.
    pub columns: Vec<usize>,
}

/// One input of a stage.
#[derive(Clone, Debug)]
pub struct StageInput {
    /// Its name: the node's, or the key of named inputs.
    pub name: String,
    /// What its rows look like.
    pub schema: Arc<Schema>,
    /// The columns of its batches that the transform reads, in its order.
    pub reads: Vec<usize>,
    /// The columns of its batches that make the key, for a keyed transform.
    pub key: Vec<usize>,
}

/// A stage as configured and checked.
#[derive(Clone, Debug)]
pub struct StageConfig {
    /// The node's name.
    pub name: String,
    /// The transform.
    pub artifact: Artifact,
    /// Its parameters, an object.
    pub params: serde_json::Value,
    /// What an instance may use.
    pub limits: Limits,
    /// What the transform said about itself for these inputs.
    pub description: Description,
    /// The inputs, in order.
    pub inputs: Vec<StageInput>,
    /// The joins, in the order of the description's tables.
    pub joins: Vec<JoinConfig>,
    /// The joined tables' columns as the transform sees them (nullable where a miss gives null).
    pub table_schemas: Vec<TableSchema>,
    /// What the rows of each port look like.
    pub outputs: Vec<Arc<Schema>>,
}

impl StageConfig {
    fn input_schemas(&self) -> Vec<InputSchema> {
        self.inputs
            .iter()
            .enumerate()
            .map(|(index, input)| InputSchema {
                input: index,
                name: input.name.clone(),
                schema: 0,
                fields: input.schema.fields.clone(),
            })
            .collect()
    }

    /// For each input, the place in the output of each column that the transform adds or replaces.
    fn places(&self) -> Vec<Vec<usize>> {
        let Some(port) = self.description.outputs.first() else { return Vec::new() };
        let place = |input: &StageInput| {
            let schema = input.schema.with(&port.fields);
            port.fields.iter().filter_map(|field| schema.index_of(&field.name)).collect()
        };
        self.inputs.iter().map(place).collect()
    }
}

/// What a stage made of one batch.
#[derive(Debug, Default)]
pub struct StageOutput {
    /// Batches with the port that they leave by, in order.
    pub batches: Vec<(usize, Batch)>,
    /// Rows set aside, in order.
    pub rejected: Vec<DeadLetter>,
}
