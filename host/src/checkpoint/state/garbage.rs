//! Files that no checkpoint names.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::StoreError;

/// Removes every file in `folder` that `keep` does not name, unfinished ones among them: what a dead
/// run left. To be called before anything in the folder is written.
///
/// # Errors
/// [`StoreError::StateIo`] if the folder cannot be listed, or a file cannot be removed.
pub fn sweep(folder: &Path, keep: &BTreeSet<String>) -> Result<(), StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(StoreError::state("list", folder))?,
    };
    for entry in entries {
        let name = entry.map_err(StoreError::state("list", folder))?.file_name();
        let Some(name) = name.to_str() else { continue };
        if !keep.contains(name) {
            remove(folder, [name])?;
        }
    }
    Ok(())
}

/// Removes segments that no checkpoint names any more. Those that are gone already are passed over.
///
/// # Errors
/// [`StoreError::StateIo`] if a file cannot be removed; those before it are.
pub fn remove<F: AsRef<str>>(
    folder: &Path,
    files: impl IntoIterator<Item = F>,
) -> Result<(), StoreError> {
    for file in files {
        let path = folder.join(file.as_ref());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::state("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}
