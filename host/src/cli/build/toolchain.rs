//! Which compiler makes wasm on this machine.
//!
//! In this order: the wasm target of the Rust toolchain; Debian's compiler, which builds the
//! standard library from Debian's source package; a sentence that names both ways.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// What guests are compiled for.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's compiler. It is never the one on the path, which is rustup's.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Where its source package puts the standard library, in its sysroot.
const LIBRARY_SOURCE: &str = "lib/rustlib/src/rust/library/Cargo.lock";

/// A way to compile guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// The toolchain has the target.
    Installed,
    /// Debian's compiler, with its source package and a linker from elsewhere: it brings none.
    Debian {
        /// The linker for wasm.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds a way.
    ///
    /// # Errors
    /// If there is none; the message names what to install.
    pub(super) fn find() -> anyhow::Result<Self> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let library = ask(&rustc, &["--print", "target-libdir", "--target", TARGET])?;
        if Path::new(&library).is_dir() {
            return Ok(Self::Installed);
        }
        if !debian_has_sources() {
            bail!(
                "this Rust toolchain cannot compile for {TARGET}; one of these changes that:\n  \
                 rustup target add {TARGET}\n  \
                 apt-get install rustc-web rust-web-src    (Debian, as root)"
            );
        }
        // The linker is asked of this toolchain, before another one is put in its place.
        let linker = linker(&rustc)?;
        Ok(Self::Debian { linker })
    }

    /// Makes cargo use it.
    pub(super) fn apply(&self, cargo: &mut Command) {
        match self {
            Self::Installed => {}
            Self::Debian { linker } => {
                cargo
                    .arg("-Zbuild-std=std,panic_abort")
                    .env("RUSTC", DEBIAN_RUSTC)
                    // A released compiler takes -Z options only so; the standard library does, too.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
            }
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => f.write_str("the installed wasm target"),
            Self::Debian { .. } => f.write_str("Debian's rustc and its standard library's source"),
        }
    }
}

/// What rustc answers to a question, trimmed.
fn ask(rustc: &OsStr, question: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(rustc)
        .args(question)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| {
            format!("cannot run {}; Rust is installed with rustup", rustc.display())
        })?;
    if !output.status.success() {
        bail!("{} does not answer {}", rustc.display(), question.join(" "));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn debian_has_sources() -> bool {
    let rustc = Path::new(DEBIAN_RUSTC);
    rustc.exists()
        && ask(rustc.as_os_str(), &["--print", "sysroot"])
            .is_ok_and(|sysroot| Path::new(&sysroot).join(LIBRARY_SOURCE).exists())
}

/// The linker that comes with the toolchain, else LLVM's on the path.
fn linker(rustc: &OsStr) -> anyhow::Result<PathBuf> {
    let sysroot = ask(rustc, &["--print", "sysroot"])?;
    let version = ask(rustc, &["-vV"])?;
    let host = host(&version).context("rustc -vV names no host")?;
    let own = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    if own.exists() {
        return Ok(own);
    }
    on_path("wasm-ld").context(
        "there is no linker for wasm: neither rust-lld in the toolchain nor wasm-ld on the path \
         (Debian: apt-get install lld)",
    )
}

fn host(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_what_rustc_says() {
        let version =
            "rustc 1.95.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0";
        assert_eq!(host(version), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host("rustc 1.95.0"), None);
    }

    #[test]
    fn debians_way_is_told_to_cargo_alone() {
        let mut cargo = Command::new("cargo");
        Toolchain::Debian { linker: "/lld".into() }.apply(&mut cargo);
        assert!(cargo.get_args().any(|argument| argument == "-Zbuild-std=std,panic_abort"));
        assert!(cargo.get_envs().any(|(name, value)| name == "RUSTC" && value.is_some()));

        let mut cargo = Command::new("cargo");
        Toolchain::Installed.apply(&mut cargo);
        assert_eq!(cargo.get_args().count() + cargo.get_envs().count(), 0);
    }
}
