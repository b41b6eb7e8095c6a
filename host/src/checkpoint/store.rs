//! The embedded database behind checkpoints (redb).

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rand::Rng;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::{Checkpoint, Repeat, StoreError, create_folder, sync_folder};
use crate::record::Epoch;

const META: TableDefinition<&str, &str> = TableDefinition::new("meta");
const CHECKPOINTS: TableDefinition<u64, &str> = TableDefinition::new("checkpoints");
const CONFIRMED: TableDefinition<(u64, &str), ()> = TableDefinition::new("confirmed");
const FORMAT: &str = "1";
/// Under which `META` has what is to be repeated.
const REPEAT: &str = "repeat";

/// The database's name in the store's folder.
const DATABASE: &str = "checkpoints.redb";
/// The database until it is whole: a run that is killed while it makes one leaves only this.
const UNFINISHED: &str = "checkpoints.redb.new";
/// The file whose lock says that the store is in use. It stays when the lock goes: removing it
/// would let two processes hold a lock each, on a file of that name each.
const LOCK: &str = "lock";

/// How long and how often whoever finds a store locked waits: [`CheckpointStore::is_in_use`] holds
/// the lock for a moment.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: u32 = 10;

/// A store that was just opened, and what it remembers.
pub struct Opened {
    /// The store.
    pub store: CheckpointStore,
    /// The newest checkpoint; `None` in a new store, until epoch 0 is written.
    pub last: Option<Checkpoint>,
}

/// The checkpoints of one pipeline.
pub struct CheckpointStore {
    // Dropped in this order: the lock goes when the database is closed.
    database: Database,
    #[allow(dead_code, reason = "it is held, not read")]
    lock: Lock,
    folder: PathBuf,
    path: PathBuf,
    incarnation: String,
}

impl CheckpointStore {
    /// Opens or makes the store in `folder` for `pipeline`. Nobody else can open it until it is
    /// dropped; killed at any moment, it can be opened again.
    ///
    /// # Errors
    /// [`StoreError`]: in use, unusable, or another pipeline's.
    pub fn open(folder: &Path, pipeline: &str) -> Result<Opened, StoreError> {
        let path = folder.join(DATABASE);
        create_folder(folder).map_err(StoreError::open(&path))?;
        let lock = lock(folder, &path)?;
        if !path.try_exists().map_err(StoreError::open(&path))? {
            make(folder, &path, pipeline)?;
        }
        // Always: the run that made the database may have been killed before it came to this.
        sync_folder(folder).map_err(StoreError::open(&path))?;
        let database = Database::open(&path).map_err(|error| unopened(&path, error))?;
        let incarnation = identify(&database, &path, pipeline)?;
        let store = Self { database, lock, folder: folder.to_owned(), path, incarnation };
        let last = store.last()?;
        Ok(Opened { store, last })
    }

    /// Whether some process has the store of `folder` open; a folder without a store is in nobody's
    /// use. Nothing is changed.
    ///
    /// # Errors
    /// [`StoreError::Open`] if the lock cannot be looked at.
    pub fn is_in_use(folder: &Path) -> Result<bool, StoreError> {
        let path = folder.join(LOCK);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(StoreError::open(&path)(error)),
        };
        // Shared, so that two who look do not take each other for users.
        match file.try_lock_shared() {
            Ok(()) => {
                drop(file.unlock());
                Ok(false)
            }
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(StoreError::open(&path)(error)),
        }
    }

    /// The store's random name, made with it.
    #[must_use]
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// The folder of a sink's write-ahead rows, made durably if need be.
    ///
    /// # Errors
    /// [`StoreError::Open`] if it cannot be made.
    pub fn segments(&self, sink: &str) -> Result<PathBuf, StoreError> {
        let path = self.folder.join("segments").join(sink);
        create_folder(&path).map_err(StoreError::open(&path))?;
        Ok(path)
    }

    /// The folder of the files of state and waiting rows, made durably if need be.
    ///
    /// # Errors
    /// [`StoreError::Open`] if it cannot be made.
    pub fn state_folder(&self) -> Result<PathBuf, StoreError> {
        let path = self.folder.join("state");
        create_folder(&path).map_err(StoreError::open(&path))?;
        Ok(path)
    }

    /// The files of state and waiting rows that any checkpoint still kept here names: all others
    /// are of a dead run.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Damaged`].
    pub fn files(&self) -> Result<BTreeSet<String>, StoreError> {
        let transaction = self.database.begin_read().map_err(|source| self.io(source))?;
        let table = transaction.open_table(CHECKPOINTS).map_err(|source| self.io(source))?;
        let mut files = BTreeSet::new();
        for entry in table.iter().map_err(|source| self.io(source))? {
            let (epoch, text) = entry.map_err(|source| self.io(source))?;
            files.extend(self.parse(epoch.value(), text.value())?.files());
        }
        Ok(files)
    }

    /// Writes a checkpoint: durable on return. The one before stays, older ones go: at most one
    /// epoch awaits its commits, so everything before the last one is confirmed.
    ///
    /// # Errors
    /// [`StoreError::Io`]; the last checkpoint is then what it was.
    pub fn write(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.write_confirmed(checkpoint, &BTreeSet::new())
    }

    /// As [`CheckpointStore::write`], for a checkpoint whose handles of the sinks in `confirmed` are
    /// known to be committed. Whatever was to be repeated has been.
    ///
    /// # Errors
    /// As [`CheckpointStore::write`].
    pub fn write_confirmed(
        &self,
        checkpoint: &Checkpoint,
        confirmed: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(checkpoint).map_err(|source| self.io(source))?;
        let transaction = self.database.begin_write().map_err(|source| self.io(source))?;
        {
            let mut table =
                transaction.open_table(CHECKPOINTS).map_err(|source| self.io(source))?;
            table.insert(checkpoint.epoch, text.as_str()).map_err(|source| self.io(source))?;
            let kept = checkpoint.epoch.saturating_sub(1);
            table.retain(|epoch, _| epoch >= kept).map_err(|source| self.io(source))?;
            let mut table = transaction.open_table(CONFIRMED).map_err(|source| self.io(source))?;
            table.retain(|(epoch, _), ()| epoch >= kept).map_err(|source| self.io(source))?;
            for sink in confirmed {
                let entry = (checkpoint.epoch, sink.as_str());
                table.insert(entry, ()).map_err(|source| self.io(source))?;
            }
            let mut meta = transaction.open_table(META).map_err(|source| self.io(source))?;
            meta.remove(REPEAT).map_err(|source| self.io(source))?;
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
        self.back_before(epoch, None)
    }

    /// Goes back to the checkpoint before the target of `repeat`, and keeps `repeat` until a
    /// checkpoint is written: one step, durable on return. Answers the one before; `None` if there
    /// is none, and nothing is changed then.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Damaged`]; nothing is changed.
    pub fn go_back(&self, repeat: &Repeat) -> Result<Option<Checkpoint>, StoreError> {
        let text = serde_json::to_string(repeat).map_err(|source| self.io(source))?;
        self.back_before(repeat.target.epoch, Some(&text))
    }

    /// What is to be repeated from the last checkpoint on.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Damaged`].
    pub fn repeat(&self) -> Result<Option<Repeat>, StoreError> {
        let transaction = self.database.begin_read().map_err(|source| self.io(source))?;
        let meta = transaction.open_table(META).map_err(|source| self.io(source))?;
        let Some(text) = meta.get(REPEAT).map_err(|source| self.io(source))? else {
            return Ok(None);
        };
        serde_json::from_str(text.value())
            .map(Some)
            .map_err(|source| StoreError::DamagedRepeat { path: self.path.clone(), source })
    }

    /// Drops the checkpoints from `epoch` on, and keeps `repeat` where there is one; nothing happens
    /// where there is none before.
    fn back_before(
        &self,
        epoch: Epoch,
        repeat: Option<&str>,
    ) -> Result<Option<Checkpoint>, StoreError> {
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
            if let Some(repeat) = repeat {
                let mut meta = transaction.open_table(META).map_err(|source| self.io(source))?;
                meta.insert(REPEAT, repeat).map_err(|source| self.io(source))?;
            }
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
        self.parse(epoch.value(), text.value()).map(Some)
    }

    fn parse(&self, epoch: Epoch, text: &str) -> Result<Checkpoint, StoreError> {
        serde_json::from_str(text).map_err(|source| StoreError::Damaged {
            path: self.path.clone(),
            epoch,
            source,
        })
    }

    fn io(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        StoreError::io(&self.path, source)
    }
}

/// The lock of a store, given back when it is dropped.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would not do: a process that another thread is just starting holds a copy of
        // every open file until it runs its program, and the lock would stay with that copy.
        // A lock that cannot be given back goes with the process.
        drop(self.0.unlock());
    }
}

#[cfg(test)]
impl CheckpointStore {
    /// A copy of the locked file, as a process that is being started has one.
    pub(super) fn copy_of_lock(&self) -> File {
        self.lock.0.try_clone().expect("a copy")
    }
}

/// Takes the store of `folder` for this process, whose database is or will be at `path`.
fn lock(folder: &Path, path: &Path) -> Result<Lock, StoreError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
        .map_err(StoreError::open(path))?;
    let mut looks = LOOKS;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::WouldBlock) if looks > 0 => {
                looks -= 1;
                thread::sleep(LOOK);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::open(path)(error)),
        }
    }
}

/// Makes the database under another name, and gives it its own when it is whole.
fn make(folder: &Path, path: &Path, pipeline: &str) -> Result<(), StoreError> {
    let unfinished = folder.join(UNFINISHED);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(StoreError::open(&unfinished)(error));
        }
        _ => {}
    }
    let database = Database::create(&unfinished).map_err(|error| unopened(&unfinished, error))?;
    identify(&database, &unfinished, pipeline)?;
    drop(database);
    fs::rename(&unfinished, path).map_err(StoreError::open(path))
}

fn unopened(path: &Path, error: redb::DatabaseError) -> StoreError {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.to_owned() },
        error => StoreError::open(path)(error),
    }
}

/// Checks that the database is of this format and for `pipeline`, and answers its incarnation; all
/// three are noted in a new one.
fn identify(database: &Database, path: &Path, pipeline: &str) -> Result<String, StoreError> {
    let transaction = database.begin_write().map_err(|source| StoreError::io(path, source))?;
    let incarnation;
    {
        let mut meta =
            transaction.open_table(META).map_err(|source| StoreError::io(path, source))?;
        let mut entry = |key: &'static str, wanted: &str| -> Result<String, StoreError> {
            let found = meta
                .get(key)
                .map_err(|source| StoreError::io(path, source))?
                .map(|value| value.value().to_owned());
            if let Some(found) = found {
                return Ok(found);
            }
            meta.insert(key, wanted).map_err(|source| StoreError::io(path, source))?;
            Ok(wanted.to_owned())
        };
        for (key, wanted) in [("format", FORMAT), ("pipeline", pipeline)] {
            let found = entry(key, wanted)?;
            if found != wanted {
                let (path, wanted) = (path.to_owned(), wanted.to_owned());
                return Err(StoreError::Mismatch { path, what: key, found, wanted });
            }
        }
        incarnation = entry("incarnation", &format!("{:016x}", rand::rng().random::<u64>()))?;
        transaction.open_table(CHECKPOINTS).map_err(|source| StoreError::io(path, source))?;
        transaction.open_table(CONFIRMED).map_err(|source| StoreError::io(path, source))?;
    }
    transaction.commit().map_err(|source| StoreError::io(path, source))?;
    Ok(incarnation)
}
