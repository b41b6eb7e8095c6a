//! A file's bytes as they were at one moment, as far as its size, time and inode can tell.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::Duration;

use super::FileConfig;
use crate::table::TableError;

/// A file of this length is no table: all its rows are one batch, with 32-bit offsets into text.
const TOO_LARGE: u64 = 1 << 30;

/// How often a file that keeps changing is read before it is given up.
const TRIES: u32 = 5;

/// The wait behind the first of them; each later one is twice as long.
const WAIT: Duration = Duration::from_millis(20);

/// Reads the file whole; again, after a while, if it was changed or replaced meanwhile.
pub(super) fn read(file: &FileConfig) -> Result<Vec<u8>, TableError> {
    read_by(file, || fs::read(&file.path))
}

fn read_by(
    file: &FileConfig,
    mut content: impl FnMut() -> io::Result<Vec<u8>>,
) -> Result<Vec<u8>, TableError> {
    let unreadable = |source| TableError::Read { file: file.display.clone(), source };
    let look = || fs::metadata(&file.path).map_err(unreadable);
    let mut wait = WAIT;
    for again in (0..TRIES).rev() {
        let before = look()?;
        if before.len() >= TOO_LARGE {
            return Err(TableError::TooLarge { file: file.display.clone() });
        }
        let bytes = content().map_err(unreadable)?;
        // What a pipe holds can be read only once, and its time is that of the reading.
        if !before.is_file() || same(&before, &look()?) {
            return Ok(bytes);
        }
        if again > 0 {
            thread::sleep(wait);
            wait *= 2;
        }
    }
    Err(TableError::BeingWritten { file: file.display.clone(), tries: TRIES })
}

fn same(before: &Metadata, after: &Metadata) -> bool {
    let state =
        |file: &Metadata| (file.len(), file.mtime(), file.mtime_nsec(), file.dev(), file.ino());
    state(before) == state(after)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::table::FileFormat;

    fn file(path: PathBuf) -> FileConfig {
        FileConfig { path, display: "games.csv".to_owned(), format: FileFormat::Csv }
    }

    #[test]
    fn a_file_that_is_replaced_while_it_is_read_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("games.csv");
        fs::write(&path, "old").unwrap();
        let mut reads = 0;
        let content = read_by(&file(path.clone()), || {
            reads += 1;
            let content = fs::read(&path)?;
            if reads == 1 {
                let new = folder.path().join("new");
                fs::write(&new, "new")?;
                fs::rename(new, &path)?;
            }
            Ok(content)
        });
        assert_eq!((content.unwrap(), reads), (b"new".to_vec(), 2));
        assert_eq!(read(&file(path)).unwrap(), b"new");
    }

    #[test]
    fn a_file_that_keeps_growing_is_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("games.csv");
        fs::write(&path, "").unwrap();
        let mut reads = 0;
        let error = read_by(&file(path.clone()), || {
            reads += 1;
            let content = fs::read(&path)?;
            fs::write(&path, "x".repeat(reads))?;
            Ok(content)
        })
        .unwrap_err();
        assert_eq!(reads, 5);
        assert!(error.to_string().contains("`games.csv` is being written"), "{error}");
        assert!(error.is_unreachable());
    }
}
