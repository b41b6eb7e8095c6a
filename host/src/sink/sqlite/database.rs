//! The database's file: opening it, its settings, and whether it is still the same file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Target;
use crate::checkpoint::{create_folder, sync_folder};
use crate::sink::SinkError;

/// How long a commit waits for another program's lock before it gives up.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// The page cache in KiB, negative as SQLite wants it: room for the upper part of a big key's tree.
const CACHE_KIB: i32 = -65_536;

/// Opens the database, made where there is none, with its folder.
pub(super) fn create(target: &Target) -> Result<Connection, SinkError> {
    if let Some(folder) = folder(&target.path) {
        create_folder(folder).map_err(SinkError::io(&target.sink, "create", folder))?;
    }
    connect(target, OpenFlags::SQLITE_OPEN_CREATE)
}

/// Opens the database, which a checkpoint counts on.
pub(super) fn open(target: &Target) -> Result<Connection, SinkError> {
    if !target.path.exists() {
        return Err(SinkError::OutputMissing {
            sink: target.sink.clone(),
            path: target.path.clone(),
        });
    }
    connect(target, OpenFlags::empty())
}

fn connect(target: &Target, create: OpenFlags) -> Result<Connection, SinkError> {
    // A connection is used by one thread at a time, so that it needs no mutex of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection =
        Connection::open_with_flags(&target.path, flags).map_err(target.failed("open"))?;
    configure(&connection).map_err(target.failed("open"))?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(LOCK_WAIT)?;
    // Readers go on during a commit. Where the file system cannot do it, SQLite keeps its old mode.
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    // The number in the database is the commit, so that it must survive a power cut. With a
    // rollback journal that takes EXTRA: FULL leaves the journal's removal unsynced, and a journal
    // that comes back undoes the commit.
    let synchronous = if mode.eq_ignore_ascii_case("wal") { "FULL" } else { "EXTRA" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    Ok(())
}

/// Makes the database's name durable in its folder.
pub(super) fn sync_name(target: &Target) -> Result<(), SinkError> {
    let folder = folder(&target.path).unwrap_or(Path::new("."));
    sync_folder(folder).map_err(SinkError::io(&target.sink, "sync", folder))
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}

/// Which file a path names now: its device and inode. A connection goes on writing to the file that
/// it opened, even if another has taken its name.
pub(super) fn identity(target: &Target) -> Result<(u64, u64), SinkError> {
    let metadata = fs::metadata(&target.path).map_err(|_| SinkError::OutputReplaced {
        sink: target.sink.clone(),
        path: target.path.clone(),
    })?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_synced_as_the_journal_needs() {
        let synchronous = |connection: Connection| -> i64 {
            configure(&connection).unwrap();
            connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let on_disk = Connection::open(folder.path().join("test.db")).unwrap();
        assert_eq!(synchronous(on_disk), 2, "FULL");
        // It has no write-ahead log.
        assert_eq!(synchronous(Connection::open_in_memory().unwrap()), 3, "EXTRA");
    }
}
