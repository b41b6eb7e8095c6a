//! Artifacts compiled ahead of time, kept in a folder that only their user can write.
//!
//! A file is named by the SHA-256 of the module that it was compiled from. It starts with a header
//! (magic, version of this format, fingerprint of the engine, hash of the module, length and SHA-256
//! of the rest); what does not fit is deleted, so that the module is compiled again.
//!
//! *Invariants*: native code is read only from a folder of this user that nobody else may write;
//! a file is complete or absent (written beside, then renamed); any damage is noticed before use.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use super::engine::Fingerprint;

const MAGIC: &[u8; 8] = b"MILLRACE";
const FORMAT: u32 = 1;
const HEADER: usize = 8 + 4 + 32 + 32 + 8 + 32;

/// Write permission of group and others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Where compiled artifacts are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheFolder {
    /// `$MILLRACE_CACHE`, else `$XDG_CACHE_HOME/millrace`, else `~/.cache/millrace`; nowhere if
    /// none of the variables is set.
    #[default]
    Default,
    /// This folder.
    At(PathBuf),
    /// Nowhere: each load compiles.
    Off,
}

impl CacheFolder {
    fn resolve(&self) -> Option<PathBuf> {
        match self {
            Self::At(folder) => Some(folder.clone()),
            Self::Off => None,
            Self::Default => {
                let variable = |name| {
                    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
                };
                variable("MILLRACE_CACHE")
                    // The base directory specification says to ignore relative paths.
                    .or_else(|| {
                        let base = variable("XDG_CACHE_HOME").filter(|base| base.is_absolute())?;
                        Some(base.join("millrace"))
                    })
                    .or_else(|| Some(variable("HOME")?.join(".cache/millrace")))
            }
        }
    }
}

/// Why a folder is not used for compiled artifacts.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be made or looked at.
    #[error("cannot use the cache folder `{}`; MILLRACE_CACHE names another", .folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Someone else could put code there.
    #[error(
        "the cache folder `{}` {what}, so it is not safe to run code from it: make it a folder of yours with mode 0700, or name another in MILLRACE_CACHE",
        .folder.display()
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
}

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
    /// Opens the folder, which is made if need be; `None` if there is to be no cache.
    pub(super) fn open(folder: &CacheFolder) -> Result<Option<Self>, CacheError> {
        let Some(folder) = folder.resolve() else { return Ok(None) };
        let unusable = |source| CacheError::Unusable { folder: folder.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(unusable)?;
        let metadata = fs::symlink_metadata(&folder).map_err(unusable)?;
        let not_ours = |what| CacheError::NotOurs { folder: folder.clone(), what };
        if !metadata.is_dir() {
            return Err(not_ours("is not a folder itself"));
        }
        if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
            return Err(not_ours("can be written by others"));
        }
        if metadata.uid() != our_user(&folder).map_err(unusable)? {
            return Err(not_ours("belongs to someone else"));
        }
        Ok(Some(Self { owner: metadata.uid(), folder }))
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
        let metadata = fs::symlink_metadata(path).map_err(Unfit::Read)?;
        if !metadata.is_file()
            || metadata.uid() != self.owner
            || metadata.mode() & WRITABLE_BY_OTHERS != 0
        {
            return Err(Unfit::NotOurs);
        }
        let bytes = fs::read(path).map_err(Unfit::Read)?;
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

    fn write(
        &self,
        path: &Path,
        module: &[u8; 32],
        engine: &Fingerprint,
        code: &[u8],
    ) -> io::Result<()> {
        let beside = unique(&self.folder);
        let written = new_file(&beside).and_then(|mut file| {
            file.write_all(&header(module, engine, code))?;
            file.write_all(code)
        });
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

/// The user that this process makes files as, learnt from a file that it makes.
fn our_user(folder: &Path) -> io::Result<u32> {
    let path = unique(folder);
    let user = new_file(&path).and_then(|file| file.metadata()).map(|metadata| metadata.uid());
    drop(fs::remove_file(&path));
    user
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// A name that no other thread or process uses now.
fn unique(folder: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!(".{}-{next}.tmp", std::process::id()))
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
    fn a_link_is_no_folder_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(matches!(open(&link), Err(CacheError::NotOurs { .. })));
    }
}
