//! Why the store cannot be used.

use std::path::{Path, PathBuf};

use crate::record::Epoch;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error(
        "the checkpoint store {path} is in use by another millrace process; stop that one, or give this pipeline a store of its own (checkpoint.store)"
    )]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The folder or file cannot be made or opened.
    #[error(
        "cannot open the checkpoint store {path}; its folder must exist or be creatable, and be writable"
    )]
    Open {
        /// The database file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was made by another format, or for another pipeline.
    #[error(
        "the checkpoint store {path} {}; give this pipeline a store of its own (checkpoint.store)",
        differs(.what, .found, .wanted)
    )]
    Mismatch {
        /// The database file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What the store has.
        found: String,
        /// What is needed.
        wanted: String,
    },
    /// A read or write failed; nothing was changed.
    #[error("the checkpoint store {path} failed; nothing was changed by this step")]
    Io {
        /// The database file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stored checkpoint does not read back.
    #[error(
        "checkpoint {epoch} in {path} is damaged; restore the store from a copy, or start over with a new one"
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// Which.
        epoch: Epoch,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// What is to be repeated does not read back.
    #[error(
        "what {path} says of the checkpoint that is to be repeated is damaged; restore the store from a copy, or start over with a new one"
    )]
    DamagedRepeat {
        /// The database file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A file of state cannot be made, read, written or removed.
    #[error(
        "cannot {action} {path}, where state is kept; its disk must have room, and this process must own it"
    )]
    StateIo {
        /// What was tried.
        action: &'static str,
        /// The segment, or the folder of segments.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A segment that the checkpoint names is not as it was written.
    #[error(
        "the state segment {path} is damaged: {problem}; restore the store from a copy, or start over with a new one"
    )]
    StateDamaged {
        /// The segment.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Segments of state are not made fewer.
    #[error(
        "{segments} state segments in {folder} wait to be compacted, and cannot be; mend the cause and start again from the last checkpoint"
    )]
    StateUncompacted {
        /// The folder of segments.
        folder: PathBuf,
        /// How many the log has.
        segments: usize,
        /// Why the last compaction failed.
        #[source]
        source: Box<StoreError>,
    },
}

/// Whose store it is, or of which format.
fn differs(what: &str, found: &str, wanted: &str) -> String {
    if what == "pipeline" {
        format!("belongs to pipeline `{found}`; this one is `{wanted}`")
    } else {
        format!("has {what} `{found}`, and this millrace reads `{wanted}`")
    }
}

impl StoreError {
    /// Says which store cannot be opened or made.
    pub(super) fn open<E>(path: &Path) -> impl Fn(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Open { path: path.to_owned(), source: source.into() }
    }

    /// Says which store failed.
    pub(super) fn io(
        path: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Io { path: path.to_owned(), source: source.into() }
    }

    /// Says what failed with which file of state.
    pub(super) fn state(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::StateIo { action, path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_says_whose_store_it_is() {
        let error = |what, found: &str, wanted: &str| {
            let (found, wanted) = (found.to_owned(), wanted.to_owned());
            StoreError::Mismatch { path: "s".into(), what, found, wanted }.to_string()
        };
        let start = "the checkpoint store s belongs to pipeline `rev`; this one is `other`; give ";
        assert!(error("pipeline", "rev", "other").starts_with(start));
        let start = "the checkpoint store s has format `2`, and this millrace reads `1`; give ";
        assert!(error("format", "2", "1").starts_with(start));
    }
}
