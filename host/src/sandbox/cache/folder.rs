//! Where compiled artifacts are kept, and whether it is safe to.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::temporary;

/// Write permission of group and others.
pub(super) const WRITABLE_BY_OTHERS: u32 = 0o022;

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
    pub(super) fn resolve(&self) -> Option<PathBuf> {
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
    /// It cannot be made, looked at or written to. No reason not to start: each load compiles then.
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

/// Makes the folder if need be, and answers whose it is: this process's user's, who alone may write
/// there.
pub(super) fn ready(folder: &Path) -> Result<u32, CacheError> {
    let unusable = |source| CacheError::Unusable { folder: folder.to_owned(), source };
    let not_ours = |what| CacheError::NotOurs { folder: folder.to_owned(), what };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
    let metadata = fs::symlink_metadata(folder).map_err(unusable)?;
    if !metadata.is_dir() {
        return Err(not_ours("is not a folder itself"));
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(not_ours("can be written by others"));
    }
    if metadata.uid() != our_user(folder).map_err(unusable)? {
        return Err(not_ours("belongs to someone else"));
    }
    Ok(metadata.uid())
}

/// The user that this process makes files as, learnt from a file that it makes.
fn our_user(folder: &Path) -> io::Result<u32> {
    let (path, file) = temporary::file(folder)?;
    let user = file.metadata().map(|metadata| metadata.uid());
    drop(fs::remove_file(&path));
    user
}
