//! Artifacts compiled ahead of time, kept in a folder that only their user can write.
//!
//! A file is named by the SHA-256 of the module that it was compiled from. It starts with a header
//! (magic, version of this format, fingerprint of the engine, hash of the module, length and SHA-256
//! of the rest); what does not fit is deleted, so that the module is compiled again. Where no folder
//! can be used, each load compiles.
//!
//! *Invariants*: native code is read only from a folder of this user that nobody else may write, and
//! through the descriptor whose owner and mode were checked; a file is complete or absent (written
//! beside, then renamed); any damage is noticed before use. The header tells damage, not malice:
//! whoever may write here is this user, who may do anything anyway.

mod folder;
mod temporary;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use self::folder::{CacheError, CacheFolder};
use self::folder::{WRITABLE_BY_OTHERS, ready};
use super::engine::Fingerprint;

const MAGIC: &[u8; 8] = b"MILLRACE";
const FORMAT: u32 = 1;
const HEADER: usize = 8 + 4 + 32 + 32 + 8 + 32;

/// An open cache folder.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    owner: u32,
}

/// Compiled code that is whole and made for this engine, but for what only the runtime can check.
pub(super) struct Entry(Vec<u8>);

impl Entry {
    /// The compiled code.
    pub(super) fn code(&self) -> &[u8] {
        &self.0[HEADER..]
    }
}

/// Why a file of the cache is of no use.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("it cannot be read: {0}")]
    Read(io::Error),
    #[error("others may have written it")]
    NotOurs,
    #[error("it is damaged")]
    Damaged,
    #[error("it was made by another version")]
    Stale,
}

impl Cache {
    /// Opens the folder, which is made if need be; `None` if there is to be no cache, or none can be
    /// kept there. A folder that others could put code in is refused.
    pub(super) fn open(folder: &CacheFolder) -> Result<Option<Self>, CacheError> {
        let Some(folder) = folder.resolve() else { return Ok(None) };
        match ready(&folder) {
            Ok(owner) => {
                temporary::sweep(&folder);
                Ok(Some(Self { owner, folder }))
            }
            Err(error @ CacheError::NotOurs { .. }) => Err(error),
            Err(CacheError::Unusable { folder, source }) => {
                tracing::warn!(
                    folder = %folder.display(),
                    error = %source,
                    "compiled artifacts are not kept: the cache folder cannot be used, MILLRACE_CACHE names another"
                );
                Ok(None)
            }
        }
    }

    /// The code compiled from the module with this hash, if there is a fit file. An unfit one is
    /// deleted.
    pub(super) fn find(&self, module: &[u8; 32], engine: &Fingerprint) -> Option<Entry> {
        let path = self.path(module, engine);
        match self.read(&path, module, engine) {
            Ok(entry) => Some(entry),
            Err(Unfit::Read(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(unfit) => {
                tracing::warn!(file = %path.display(), "compiled artifact is made anew: {unfit}");
                self.discard(module, engine);
                None
            }
        }
    }

    /// Deletes the file of a module.
    pub(super) fn discard(&self, module: &[u8; 32], engine: &Fingerprint) {
        // If it cannot be deleted it will be found unfit again.
        drop(fs::remove_file(self.path(module, engine)));
    }

    /// Keeps compiled code. A failure costs the next start some time and nothing else.
    pub(super) fn keep(&self, module: &[u8; 32], engine: &Fingerprint, code: &[u8]) {
        let path = self.path(module, engine);
        if let Err(error) = self.write(&path, module, engine, code) {
            tracing::warn!(file = %path.display(), %error, "compiled artifact is not kept");
        }
    }

    /// The first bytes of the fingerprint keep engines with and without deadlines apart, which
    /// would otherwise take the file from each other.
    fn path(&self, module: &[u8; 32], engine: &Fingerprint) -> PathBuf {
        self.folder.join(format!("{}-{}.aot", hex(module), hex(&engine[..4])))
    }

    fn read(&self, path: &Path, module: &[u8; 32], engine: &Fingerprint) -> Result<Entry, Unfit> {
        let bytes = self.bytes(path)?;
        let (header, code) = bytes.split_at_checked(HEADER).ok_or(Unfit::Damaged)?;
        let wanted = self::header(module, engine, code);
        if header == wanted {
            return Ok(Entry(bytes));
        }
        // Another format or engine, with the magic in place, is not damage but age.
        let prefix = MAGIC.len() + 4 + 32;
        if header.starts_with(MAGIC) && header[..prefix] != wanted[..prefix] {
            return Err(Unfit::Stale);
        }
        Err(Unfit::Damaged)
    }

    /// The bytes of a file that only this user could have written. Owner and mode are those of the
    /// open file, which is the one that the name stands for and no link.
    fn bytes(&self, path: &Path) -> Result<Vec<u8>, Unfit> {
        let named = fs::symlink_metadata(path).map_err(Unfit::Read)?;
        if !named.is_file() {
            return Err(Unfit::NotOurs);
        }
        let mut file = File::open(path).map_err(Unfit::Read)?;
        let opened = file.metadata().map_err(Unfit::Read)?;
        if (named.dev(), named.ino()) != (opened.dev(), opened.ino())
            || opened.uid() != self.owner
            || opened.mode() & WRITABLE_BY_OTHERS != 0
        {
            return Err(Unfit::NotOurs);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Unfit::Read)?;
        Ok(bytes)
    }

    fn write(
        &self,
        path: &Path,
        module: &[u8; 32],
        engine: &Fingerprint,
        code: &[u8],
    ) -> io::Result<()> {
        let (beside, mut file) = temporary::file(&self.folder)?;
        let written =
            file.write_all(&header(module, engine, code)).and_then(|()| file.write_all(code));
        written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
            drop(fs::remove_file(&beside));
        })
    }
}

fn header(module: &[u8; 32], engine: &Fingerprint, code: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(engine);
    header.extend_from_slice(module);
    header.extend_from_slice(&(code.len() as u64).to_le_bytes());
    header.extend_from_slice(&Sha256::digest(code));
    header
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const MODULE: [u8; 32] = [1; 32];
    const ENGINE: Fingerprint = [2; 32];

    fn open(folder: &Path) -> Result<Cache, CacheError> {
        Cache::open(&CacheFolder::At(folder.to_owned()))
            .map(|cache| cache.expect("a folder is given"))
    }

    #[test]
    fn what_is_kept_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("deep/cache")).unwrap();
        assert!(cache.find(&MODULE, &ENGINE).is_none());
        cache.keep(&MODULE, &ENGINE, b"code");
        assert_eq!(cache.find(&MODULE, &ENGINE).unwrap().code(), b"code");
        assert!(cache.find(&[3; 32], &ENGINE).is_none());
        let names = fs::read_dir(&cache.folder).unwrap().count();
        assert_eq!(names, 1, "no temporary file is left");
        let mode = fs::metadata(&cache.folder).unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn every_damaged_byte_is_noticed_and_the_file_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("cache")).unwrap();
        cache.keep(&MODULE, &ENGINE, b"code");
        let path = cache.path(&MODULE, &ENGINE);
        let whole = fs::read(&path).unwrap();
        for index in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[index] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert!(cache.find(&MODULE, &ENGINE).is_none(), "byte {index}");
            assert!(!path.exists());
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(cache.find(&MODULE, &ENGINE).is_none(), "cut to {length}");
        }
    }

    #[test]
    fn another_engines_file_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("cache")).unwrap();
        let mut other = ENGINE;
        other[31] = 9;
        cache.keep(&MODULE, &other, b"code");
        let path = cache.path(&MODULE, &ENGINE);
        assert!(matches!(cache.read(&path, &MODULE, &ENGINE), Err(Unfit::Stale)));
        assert!(cache.find(&MODULE, &ENGINE).is_none());
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_or_file_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path()).unwrap();
        cache.keep(&MODULE, &ENGINE, b"code");
        let path = cache.path(&MODULE, &ENGINE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(cache.find(&MODULE, &ENGINE).is_none());
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(open(folder.path()), Err(CacheError::NotOurs { .. })));
    }

    #[test]
    fn a_link_is_no_artifact_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(&folder.path().join("cache")).unwrap();
        cache.keep(&MODULE, &ENGINE, b"code");
        let (path, away) = (cache.path(&MODULE, &ENGINE), folder.path().join("away"));
        fs::rename(&path, &away).unwrap();
        std::os::unix::fs::symlink(&away, &path).unwrap();
        assert!(matches!(cache.read(&path, &MODULE, &ENGINE), Err(Unfit::NotOurs)));
        assert!(cache.find(&MODULE, &ENGINE).is_none());
        assert!(away.exists() && !path.exists(), "the link is deleted, not what it leads to");
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_no_reason_not_to_start() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let cache = Cache::open(&CacheFolder::At(file.join("cache")));
        assert!(matches!(cache, Ok(None)), "{cache:?}");
    }

    #[test]
    fn a_link_is_no_folder_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(matches!(open(&link), Err(CacheError::NotOurs { .. })));
    }
}
