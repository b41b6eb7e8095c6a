//! What the suites share: where the built parts are, goldens, and pipelines in a folder of their own.

mod golden;
mod process;
mod watch;
mod workbench;

use std::path::{Path, PathBuf};

pub use golden::compare_golden;
pub use process::{Ending, Process, wait_until};
pub use watch::{Lock, number};
pub use workbench::{Workbench, query, sandbox};

/// The workspace's folder.
///
/// # Panics
/// Never: the manifest of this package lies in it.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the workspace")
        .into()
}

/// The folder of the built wasm modules.
#[must_use]
pub fn modules_dir() -> PathBuf {
    std::env::var_os("MILLRACE_MODULES").map_or_else(|| root().join("modules"), PathBuf::from)
}

/// A built wasm module.
///
/// # Panics
/// If it was not built: `scripts/test` builds them all.
#[must_use]
pub fn module(name: &str) -> PathBuf {
    let path = modules_dir().join(name);
    assert!(path.exists(), "{} is not built; run scripts/test", path.display());
    path
}

/// The `millrace` program, beside the test's own executable.
///
/// # Panics
/// If it was not built: `scripts/test` builds it.
#[must_use]
pub fn program() -> PathBuf {
    let mut path = std::env::current_exe().expect("a running program knows its file");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.push("millrace");
    assert!(path.exists(), "{} is not built; run scripts/test", path.display());
    path
}
