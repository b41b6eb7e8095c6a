//! Which files a source reads, and in which order.
//!
//! *Invariants*: the order is that of the patterns, and within one that of the paths' bytes, so that
//! the same files come in the same order at every start; a file that is matched twice has the first
//! of its places.
//! *Not here*: what was read of them before (`resume`).

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::source::SourceError;

/// So many files one source reads at most: a checkpoint names each of them.
pub(super) const MAX_FILES: usize = 1 << 16;

/// `*` ends at a folder, and what is hidden must be named.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// A path, or a pattern of paths: `*`, `?`, `[…]` and `**` as in a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    /// What a relative one is relative to.
    base: PathBuf,
    /// As it is written.
    display: String,
    /// With its base in front; `None`: it is a path.
    pattern: Option<Pattern>,
}

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct PatternError {
    /// What is wrong.
    pub reason: &'static str,
}

impl PathPattern {
    /// The path or pattern that is written so; a relative one is relative to `base`.
    ///
    /// # Errors
    /// If it is a pattern, and a wrong one.
    pub fn new(base: &Path, written: &str) -> Result<Self, PatternError> {
        let base = without_dots(base);
        let pattern = if written.contains(['*', '?', '[']) {
            let wrong = |error: glob::PatternError| PatternError { reason: error.msg };
            // By itself first, so that its base is not blamed.
            Pattern::new(written).map_err(wrong)?;
            let whole = Path::new(&Pattern::escape(&base.to_string_lossy()))
                .join(without_dots(Path::new(written)));
            Some(Pattern::new(&whole.to_string_lossy()).map_err(wrong)?)
        } else {
            None
        };
        Ok(Self { base, display: written.to_owned(), pattern })
    }

    /// As it is written, with its variables put in.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Whether it may match `path`, which is made plain already; `plain` takes the dots out of a
    /// path and puts the working folder in front.
    #[must_use]
    pub fn may_match(&self, path: &Path, plain: impl Fn(&Path) -> PathBuf) -> bool {
        plain(&self.path()) == path
            || self.pattern.as_ref().is_some_and(|pattern| {
                let pattern = plain(Path::new(pattern.as_str()));
                Pattern::new(&pattern.to_string_lossy())
                    .is_ok_and(|pattern| pattern.matches_path_with(path, OPTIONS))
            })
    }

    /// Whether a file of this name, as [`Listed::name`] gives it, is one of its matches.
    pub(super) fn owns(&self, name: &str) -> bool {
        let matches = |pattern: &Pattern| {
            pattern.matches_path_with(&without_dots(&self.base.join(name)), OPTIONS)
        };
        self.display == name || self.pattern.as_ref().is_some_and(matches)
    }

    /// It, taken as a path.
    fn path(&self) -> PathBuf {
        self.base.join(&self.display)
    }

    /// The folder that a pattern's matches are in or beneath, for messages.
    fn folder(&self) -> String {
        let written = Path::new(&self.display);
        let plain =
            |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
        let folder: PathBuf = written.components().take_while(plain).collect();
        let folder = self.base.join(folder).to_string_lossy().into_owned();
        match folder.trim_end_matches('/') {
            "" if folder.is_empty() => "./".to_owned(),
            plain => format!("{plain}/"),
        }
    }

    /// The files that are there, sorted; none where there is no such path.
    fn find(&self) -> Result<Vec<PathBuf>, SourceError> {
        let path = self.path();
        let read = |source| SourceError::Read { input: self.display.clone(), source };
        match (fs::metadata(&path), &self.pattern) {
            // A name with brackets in it, which is there, is meant.
            (Ok(metadata), _) if metadata.is_file() => return Ok(vec![path]),
            (Ok(_), None) => return Err(SourceError::NotAFile { input: self.display.clone() }),
            (Err(error), None) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            (Err(error), None) => return Err(read(error)),
            (_, Some(_)) => {}
        }
        let pattern = self.pattern.as_ref().map_or("", Pattern::as_str);
        let paths =
            glob::glob_with(pattern, OPTIONS).map_err(|error| read(io::Error::other(error)))?;
        let mut found = Vec::new();
        for path in paths {
            let path = path.map_err(|error| SourceError::Read {
                input: error.path().display().to_string(),
                source: error.into(),
            })?;
            let metadata = fs::metadata(&path)
                .map_err(|source| SourceError::Read { input: self.name_of(&path), source })?;
            if metadata.is_file() {
                found.push(path);
            }
        }
        found.sort_by(|one, other| bytes(one).cmp(bytes(other)));
        Ok(found)
    }

    /// What a matching file is called.
    fn name_of(&self, path: &Path) -> String {
        if path == self.path() {
            return self.display.clone();
        }
        path.strip_prefix(&self.base).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn without_match(&self) -> SourceError {
        if self.pattern.is_some() {
            return SourceError::NoMatch { pattern: self.display.clone(), folder: self.folder() };
        }
        let source = fs::metadata(self.path()).err();
        let source = source.unwrap_or_else(|| io::ErrorKind::NotFound.into());
        SourceError::Read { input: self.display.clone(), source }
    }
}

/// Where a file stands in the order: its pattern, and its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pattern: usize,
    path: Vec<u8>,
}

/// The place that a file of this name has or had; `None`: no pattern matches it.
pub(super) fn place_of(name: &str, patterns: &[PathPattern]) -> Option<Place> {
    let pattern = patterns.iter().position(|pattern| pattern.owns(name))?;
    let path = bytes(&patterns[pattern].base.join(name)).to_owned();
    Some(Place { pattern, path })
}

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What it is called, in messages and as the origin of its rows: as it is written, or as it is
    /// matched, without the folder of the pipeline's file.
    pub(super) name: String,
    /// Where it stands in the order.
    pub(super) place: Place,
}

/// The files in their order. A pattern must match one, or `had` one when it was read before.
pub(super) fn list(
    patterns: &[PathPattern],
    had: impl Fn(&PathPattern) -> bool,
) -> Result<Vec<Listed>, SourceError> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let found = pattern.find()?;
        if found.is_empty() && !had(pattern) {
            return Err(pattern.without_match());
        }
        for path in found {
            let name = pattern.name_of(&path);
            let real = fs::canonicalize(&path)
                .map_err(|source| SourceError::Read { input: name.clone(), source })?;
            if !seen.insert(real) {
                continue;
            }
            if files.len() == MAX_FILES {
                let pattern = pattern.display.clone();
                return Err(SourceError::TooManyFiles { pattern, most: MAX_FILES });
            }
            let place = Place { pattern: index, path: bytes(&path).to_owned() };
            files.push(Listed { path, name, place });
        }
    }
    Ok(files)
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn without_dots(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_without_a_match_is_named_as_it_is_meant() {
        for (base, written, folder) in [
            ("", "zz*.jsonl", "./"),
            ("./", "in/*.jsonl", "in/"),
            ("pipelines", "*.jsonl", "pipelines/"),
            ("pipelines", "/*.jsonl", "/"),
            ("pipelines", "/data/[ab]/*.jsonl", "/data/"),
        ] {
            let pattern = PathPattern::new(Path::new(base), written).expect("a pattern");
            assert_eq!(pattern.folder(), folder, "{base} {written}");
        }
    }
}
