//! Why a stage cannot go on.

use crate::sandbox::SandboxError;

/// An error of a stage. All of them end the pipeline: what was checkpointed stays good.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The guest trapped, overran a limit, broke the contract or gave up.
    #[error(transparent)]
    Guest(#[from] SandboxError),
    /// A table of a join was never loaded.
    #[error("stage `{stage}` joins table `{table}`, which is not loaded")]
    TableMissing {
        /// The stage.
        stage: String,
        /// The table.
        table: String,
    },
}
