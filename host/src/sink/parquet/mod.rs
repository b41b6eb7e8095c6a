//! A folder of Parquet files, one for each checkpoint that has rows.
//!
//! An epoch's rows go to a hidden file while they come. Preparing completes that file, makes it
//! durable and gives it the name of its epoch, hidden still; committing renames it to
//! `part-INCARNATION-EPOCH.parquet`. Hidden names begin with a dot and end with another word than
//! `.parquet`, so that no reader of the folder takes them for rows.
//!
//! *Invariants*: a visible part is whole, durable and final; no part is ever visible twice or
//! under two names; files that do not carry this store's incarnation are left alone, but for a new
//! store that is told to replace them; memory is bounded by a row group's bytes.
//! *Not here*: what Parquet files look like inside (the crate `parquet`), which types columns take
//! (`layout`).

mod commit;
mod error;
mod layout;
#[cfg(test)]
mod tests;
mod write;

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use error::PartError;

use super::{Handle, IfExists, OpenSink, SinkContext, SinkError};
use crate::checkpoint::{create_folder, sync_folder};
use crate::record::Epoch;

/// The settings of a folder of Parquet files.
#[derive(Clone, Debug)]
pub struct ParquetConfig {
    /// The folder; made where there is none.
    pub path: PathBuf,
    /// What to do about a folder that has Parquet files when the store is new.
    pub if_exists: IfExists,
    /// The most rows of a row group, at least 1.
    pub row_group_rows: usize,
    /// How pages are compressed.
    pub compression: ParquetCompression,
}

/// How the pages of a Parquet file are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParquetCompression {
    /// By Zstandard.
    #[default]
    Zstd,
    /// Not at all.
    None,
}

/// What the checkpoint keeps of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ParquetHandle {
    /// The last epoch that was prepared; the names of later parts have greater numbers.
    epoch: Epoch,
    /// Its part; `None` where the epoch has no rows.
    part: Option<Part>,
}

/// One part: a whole file. Its names follow from the store's incarnation and its epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    /// The name that it gets when it is committed, for those who read the checkpoint.
    file: String,
    /// Rows in it.
    rows: u64,
    /// The file's length.
    bytes: u64,
}

impl ParquetHandle {
    fn read(handle: &Handle, sink: &str) -> Result<Self, SinkError> {
        serde_json::from_value(handle.0.clone())
            .map_err(|source| SinkError::Handle { sink: sink.to_owned(), source })
    }

    fn write(&self) -> Handle {
        Handle(serde_json::to_value(self).expect("numbers and names are JSON"))
    }
}

/// What hidden names begin with, whosever they are.
const HIDDEN: &str = ".millrace-";
/// What the name of a part that is being written ends with.
const UNFINISHED: &str = ".parquet.tmp";
/// What the name of a part that is whole, and not committed, ends with.
const PREPARED: &str = ".parquet.prepared";
const VISIBLE: &str = "part-";
const PARQUET: &str = ".parquet";

/// The folder that a sink fills, and whose it is.
#[derive(Clone, Debug)]
struct Output {
    sink: String,
    incarnation: String,
    folder: PathBuf,
}

impl Output {
    fn new(config: &ParquetConfig, context: &SinkContext) -> Self {
        Self {
            sink: context.sink.clone(),
            incarnation: context.incarnation.clone(),
            folder: config.path.clone(),
        }
    }

    /// The part that is being written, of which there is one at a time.
    fn unfinished(&self) -> PathBuf {
        self.folder.join(format!("{HIDDEN}{}{UNFINISHED}", self.incarnation))
    }

    fn prepared(&self, epoch: Epoch) -> PathBuf {
        self.folder.join(format!("{HIDDEN}{}-{epoch:020}{PREPARED}", self.incarnation))
    }

    /// The name of a committed part; names of one store sort as epochs do.
    fn visible_name(&self, epoch: Epoch) -> String {
        format!("{VISIBLE}{}-{epoch:020}{PARQUET}", self.incarnation)
    }

    fn visible(&self, epoch: Epoch) -> PathBuf {
        self.folder.join(self.visible_name(epoch))
    }

    /// What a name of the folder is to this sink.
    fn role(&self, name: &OsStr) -> Role {
        let Some(name) = name.to_str() else { return Role::Foreign };
        if let Some(rest) = name.strip_prefix(HIDDEN) {
            let Some(own) = rest.strip_prefix(&*self.incarnation) else {
                let is_hidden_part = rest.ends_with(UNFINISHED) || rest.ends_with(PREPARED);
                return if is_hidden_part { Role::OthersHidden } else { Role::Foreign };
            };
            if own == UNFINISHED {
                return Role::Unfinished;
            }
            return epoch_between(own, PREPARED).map_or(Role::Foreign, Role::Prepared);
        }
        if !name.ends_with(PARQUET) || name.starts_with('.') {
            return Role::Foreign;
        }
        let Some(rest) = name.strip_prefix(VISIBLE) else { return Role::Readable };
        let own = rest.strip_prefix(&*self.incarnation);
        own.and_then(|own| epoch_between(own, PARQUET)).map_or(Role::OthersVisible, Role::Visible)
    }

    /// Every file of the folder that is something to a sink of this kind.
    fn files(&self) -> Result<Vec<(PathBuf, Role)>, SinkError> {
        let list = || SinkError::io(&self.sink, "list", &self.folder);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(list())? {
            let entry = entry.map_err(list())?;
            let role = self.role(&entry.file_name());
            if role != Role::Foreign {
                files.push((entry.path(), role));
            }
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(files)
    }

    /// Makes what was created, renamed or removed in the folder durable.
    fn sync(&self) -> Result<(), SinkError> {
        sync_folder(&self.folder).map_err(SinkError::io(&self.sink, "sync", &self.folder))
    }

    /// Removes a file that may be gone already.
    fn remove(&self, path: &Path) -> Result<(), SinkError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(SinkError::io(&self.sink, "remove", path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// `-00000000000000000042` between the incarnation and `end`.
fn epoch_between(name: &str, end: &str) -> Option<Epoch> {
    let digits = name.strip_prefix('-')?.strip_suffix(end)?;
    let is_number = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// What a file of the folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The part that this store is, or was, writing.
    Unfinished,
    /// A part of this store that is not committed.
    Prepared(Epoch),
    /// A committed part of this store.
    Visible(Epoch),
    /// A hidden part of another store.
    OthersHidden,
    /// A visible file that has a part's name, of another store or another program.
    OthersVisible,
    /// Some other visible Parquet file.
    Readable,
    /// Nothing to us.
    Foreign,
}

/// Readies the folder for a new store: see [`super::SinkConfig::initialise`].
pub(super) fn initialise(
    config: &ParquetConfig,
    context: &SinkContext,
) -> Result<Handle, SinkError> {
    let output = Output::new(config, context);
    if fs::metadata(&output.folder).is_ok_and(|metadata| !metadata.is_dir()) {
        return Err(PartError::NotAFolder { sink: output.sink, path: output.folder }.into());
    }
    create_folder(&output.folder).map_err(SinkError::io(&output.sink, "create", &output.folder))?;
    for (path, role) in output.files()? {
        let is_replaced = config.if_exists == IfExists::Replace;
        match role {
            // Of a dead run of this store, whose rows no checkpoint knows.
            Role::Unfinished | Role::Prepared(_) => output.remove(&path)?,
            Role::OthersHidden | Role::OthersVisible | Role::Visible(_) if is_replaced => {
                output.remove(&path)?;
            }
            Role::OthersVisible | Role::Visible(_) | Role::Readable
                if config.if_exists == IfExists::Error =>
            {
                return Err(SinkError::OutputNotEmpty {
                    sink: output.sink.clone(),
                    output: format!("`{}`", output.folder.display()),
                });
            }
            _ => {}
        }
    }
    output.sync()?;
    Ok(ParquetHandle { epoch: 0, part: None }.write())
}

/// Opens both halves: see [`super::SinkConfig::open`].
pub(super) fn open(
    config: &ParquetConfig,
    context: &SinkContext,
    last: &Handle,
) -> Result<OpenSink, SinkError> {
    let output = Output::new(config, context);
    ParquetHandle::read(last, &output.sink)?;
    let sink = write::ParquetSink::new(output.clone(), config, &context.schema)?;
    let committer = commit::ParquetCommitter::new(output);
    Ok(OpenSink { sink: Box::new(sink), committer: Box::new(committer) })
}
