//! Files of the cache that are being written.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Names that are tried, should they be taken.
const ATTEMPTS: usize = 100;

/// No file is written for so long: who wrote an older one has ended without removing it.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

/// A new file that nobody else writes.
pub(super) fn file(folder: &Path) -> io::Result<(PathBuf, File)> {
    let mut attempts = 0;
    loop {
        let path = folder.join(name());
        attempts += 1;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((path, file)),
            // Containers that share the folder may share process ids too.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
}

fn name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!(".{}-{}-{next}.tmp", std::process::id(), now.as_nanos())
}

/// Removes the files that ended processes left behind. What cannot be removed stays.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let temporary = name.to_str().is_some_and(|name| {
            name.starts_with('.') && name.strip_suffix(".tmp").is_some_and(|name| !name.is_empty())
        });
        if temporary && is_old(&entry) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

fn is_old(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > LEFT_BEHIND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_temporary_files_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - 2 * LEFT_BEHIND;
        for name in [".1-2-3.tmp", "kept.aot", ".other", "visible.tmp"] {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(old).unwrap();
        }
        let (young, _) = file(folder.path()).unwrap();
        sweep(folder.path());
        assert!(!folder.path().join(".1-2-3.tmp").exists());
        assert!(young.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
