//! The embedded database behind checkpoints (redb).

use std::fs;
use std::path::{Path, PathBuf};

use rand::Rng;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::Checkpoint;
use crate::record::Epoch;

const META: TableDefinition<&str, &str> = TableDefinition::new("meta");
const CHECKPOINTS: TableDefinition<u64, &str> = TableDefinition::new("checkpoints");
const CONFIRMED: TableDefinition<(u64, &str), ()> = TableDefinition::new("confirmed");
const FORMAT: &str = "1";

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
        "the checkpoint store {path} has {what} `{found}`, this run needs `{wanted}`; give this pipeline a store of its own (checkpoint.store)"
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
}

/// A store that was just opened, and what it remembers.
pub struct Opened {
    /// The store.
    pub store: CheckpointStore,
    /// The newest checkpoint; `None` in a new store, until epoch 0 is written.
    pub last: Option<Checkpoint>,
}

/// The checkpoints of one pipeline.
pub struct CheckpointStore {
    database: Database,
    folder: PathBuf,
    path: PathBuf,
    incarnation: String,
}

impl CheckpointStore {
    /// Opens or makes the store in `folder` for `pipeline`.
    ///
    /// # Errors
    /// [`StoreError`]: in use, unusable, or another pipeline's.
    pub fn open(folder: &Path, pipeline: &str) -> Result<Opened, StoreError> {
        let path = folder.join("checkpoints.redb");
        fs::create_dir_all(folder)
            .map_err(|source| StoreError::Open { path: path.clone(), source: source.into() })?;
        let database = Database::create(&path).map_err(|source| match source {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.clone() },
            source => StoreError::Open { path: path.clone(), source: source.into() },
        })?;
        let mut store =
            Self { database, folder: folder.to_owned(), path, incarnation: String::new() };
        store.incarnation = store.identify(pipeline)?;
        let last = store.last()?;
        Ok(Opened { store, last })
    }

    /// The store's random name, made with it.
    #[must_use]
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// The folder of a sink's write-ahead rows, made if need be.
    ///
    /// # Errors
    /// [`StoreError::Open`] if it cannot be made.
    pub fn segments(&self, sink: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder.join("segments").join(sink);
        fs::create_dir_all(&path)
            .map_err(|source| StoreError::Open { path: path.clone(), source: source.into() })?;
        Ok(path)
    }

    /// Writes a checkpoint: durable on return. The one before stays, older ones go: at most one
    /// epoch awaits its commits, so everything before the last one is confirmed.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the last checkpoint is then what it was.
    pub fn write(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let text = serde_json::to_string(checkpoint).map_err(|source| self.io(source))?;
        let transaction = self.database.begin_write().map_err(|source| self.io(source))?;
        {
            let mut table =
                transaction.open_table(CHECKPOINTS).map_err(|source| self.io(source))?;
            table.insert(checkpoint.epoch, text.as_str()).map_err(|source| self.io(source))?;
            let kept = checkpoint.epoch.saturating_sub(1);
            table.retain(|epoch, _| epoch >= kept).map_err(|source| self.io(source))?;
            let mut confirmed =
                transaction.open_table(CONFIRMED).map_err(|source| self.io(source))?;
            confirmed.retain(|(epoch, _), ()| epoch >= kept).map_err(|source| self.io(source))?;
        }
        transaction.commit().map_err(|source| self.io(source))
    }

    /// Notes that the handle of `sink` in `epoch` is committed: durable on return.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the handle will be committed again, which has no effect.
    pub fn confirm(&self, epoch: Epoch, sink: &str) -> Result<(), StoreError> {
        let transaction = self.database.begin_write().map_err(|source| self.io(source))?;
        {
            let mut table = transaction.open_table(CONFIRMED).map_err(|source| self.io(source))?;
            table.insert((epoch, sink), ()).map_err(|source| self.io(source))?;
        }
        transaction.commit().map_err(|source| self.io(source))
    }

    /// Whether the handle of `sink` in `epoch` is known to be committed.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn is_confirmed(&self, epoch: Epoch, sink: &str) -> Result<bool, StoreError> {
        let transaction = self.database.begin_read().map_err(|source| self.io(source))?;
        let table = transaction.open_table(CONFIRMED).map_err(|source| self.io(source))?;
        Ok(table.get((epoch, sink)).map_err(|source| self.io(source))?.is_some())
    }

    /// Drops checkpoint `epoch` whole and answers the one before: what came after that has nowhere
    /// been committed, and never will be. `None` if there is none before; nothing is dropped then.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Damaged`]; nothing is dropped.
    pub fn fall_back(&self, epoch: Epoch) -> Result<Option<Checkpoint>, StoreError> {
        let transaction = self.database.begin_write().map_err(|source| self.io(source))?;
        {
            let mut checkpoints =
                transaction.open_table(CHECKPOINTS).map_err(|source| self.io(source))?;
            let before = checkpoints
                .range(..epoch)
                .map_err(|source| self.io(source))?
                .next_back()
                .transpose()
                .map_err(|source| self.io(source))?
                .is_some();
            if !before {
                return Ok(None);
            }
            checkpoints.retain(|number, _| number < epoch).map_err(|source| self.io(source))?;
            let mut confirmed =
                transaction.open_table(CONFIRMED).map_err(|source| self.io(source))?;
            confirmed.retain(|(number, _), ()| number < epoch).map_err(|source| self.io(source))?;
        }
        transaction.commit().map_err(|source| self.io(source))?;
        self.last()
    }

    fn last(&self) -> Result<Option<Checkpoint>, StoreError> {
        let transaction = self.database.begin_read().map_err(|source| self.io(source))?;
        let table = transaction.open_table(CHECKPOINTS).map_err(|source| self.io(source))?;
        let Some((epoch, text)) = table.last().map_err(|source| self.io(source))? else {
            return Ok(None);
        };
        serde_json::from_str(text.value()).map(Some).map_err(|source| StoreError::Damaged {
            path: self.path.clone(),
            epoch: epoch.value(),
            source,
        })
    }

    fn identify(&self, pipeline: &str) -> Result<String, StoreError> {
        let transaction = self.database.begin_write().map_err(|source| self.io(source))?;
        let incarnation;
        {
            let mut meta = transaction.open_table(META).map_err(|source| self.io(source))?;
            let mut entry = |key: &'static str, wanted: &str| -> Result<String, StoreError> {
                let found = meta
                    .get(key)
                    .map_err(|source| self.io(source))?
                    .map(|value| value.value().to_owned());
                if let Some(found) = found {
                    return Ok(found);
                }
                meta.insert(key, wanted).map_err(|source| self.io(source))?;
                Ok(wanted.to_owned())
            };
            for (key, wanted) in [("format", FORMAT), ("pipeline", pipeline)] {
                let found = entry(key, wanted)?;
                if found != wanted {
                    let (path, wanted) = (self.path.clone(), wanted.to_owned());
                    return Err(StoreError::Mismatch { path, what: key, found, wanted });
                }
            }
            incarnation = entry("incarnation", &format!("{:016x}", rand::rng().random::<u64>()))?;
            transaction.open_table(CHECKPOINTS).map_err(|source| self.io(source))?;
            transaction.open_table(CONFIRMED).map_err(|source| self.io(source))?;
        }
        transaction.commit().map_err(|source| self.io(source))?;
        Ok(incarnation)
    }

    fn io(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::Io { path: self.path.clone(), source: source.into() }
    }
}
