//! What cargo knows of a workspace, and its build.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::toolchain::{TARGET, Toolchain};

/// The profile that needs no word in anybody's Cargo.toml.
const GUEST_PROFILE: &str = "guest";
/// What it is where the workspace does not say: one optimised module, names kept for backtraces.
const GUEST_SETTINGS: [&str; 5] = [
    "profile.guest.inherits=\"release\"",
    "profile.guest.lto=true",
    "profile.guest.codegen-units=1",
    "profile.guest.panic=\"abort\"",
    "profile.guest.strip=false",
];

/// A workspace, as `cargo metadata` tells it.
#[derive(Debug, Deserialize)]
pub(super) struct Workspace {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// One of its packages.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    /// The name that `--package` takes.
    pub name: String,
    id: String,
    manifest_path: PathBuf,
    targets: Vec<CargoTarget>,
}

#[derive(Debug, Deserialize)]
struct CargoTarget {
    kind: Vec<String>,
}

/// What we need of one line of a build's messages.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: Option<String>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

impl Package {
    fn is_guest(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "cdylib"))
    }

    /// Whether its folder is this one or lies in it.
    pub(super) fn lies_below(&self, folder: &Path) -> bool {
        self.manifest_path.starts_with(folder)
    }
}

impl Workspace {
    /// The workspace that a folder belongs to.
    ///
    /// # Errors
    /// If there is no cargo, or no manifest in the folder or above it.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo; Rust is installed with rustup")?;
        if !output.status.success() {
            bail!("cargo finds no package at {}", folder.display());
        }
        serde_json::from_slice(&output.stdout).context("cargo metadata answers something unknown")
    }

    /// The packages that make modules.
    pub(super) fn guests(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_guest())
    }

    /// Where modules go if nobody says.
    pub(super) fn modules_folder(&self) -> PathBuf {
        self.workspace_root.join("modules")
    }

    /// Builds packages; answers each one's name and module.
    ///
    /// # Errors
    /// If the build fails: cargo has said why on stderr.
    pub(super) fn build(
        &self,
        packages: &[&Package],
        toolchain: &Toolchain,
        profile: &str,
    ) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let mut command = Command::new(cargo());
        command
            .current_dir(&self.workspace_root)
            .args(["build", "--lib", "--message-format", "json-render-diagnostics"])
            .args(["--profile", profile, "--target", TARGET, "--target-dir"])
            // Apart from the host's: two compilers may be at work, each locking the other out.
            .arg(self.target_directory.join("guests"));
        for package in packages {
            command.args(["--package", &package.name]);
        }
        if profile == GUEST_PROFILE && !self.has_profile(GUEST_PROFILE) {
            for setting in GUEST_SETTINGS {
                command.args(["--config", setting]);
            }
        }
        toolchain.apply(&mut command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run cargo")?;
        let stdout = child.stdout.take().context("the pipe was asked for")?;
        let modules = modules(stdout, packages);
        let status = child.wait().context("cannot wait for cargo")?;
        if !status.success() {
            bail!("the build failed; cargo says why above");
        }
        modules
    }

    /// Whether the workspace's manifest says what the profile is.
    fn has_profile(&self, profile: &str) -> bool {
        let heading = format!("[profile.{profile}]");
        fs::read_to_string(self.workspace_root.join("Cargo.toml"))
            .is_ok_and(|text| text.lines().any(|line| line.trim() == heading))
    }
}

/// The modules that a build's messages name, by package.
fn modules(stdout: ChildStdout, packages: &[&Package]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut modules = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("cannot read what cargo says")?;
        if !line.starts_with('{') {
            continue;
        }
        let message: Message =
            serde_json::from_str(&line).context("cargo build answers something unknown")?;
        let package =
            packages.iter().find(|package| Some(&package.id) == message.package_id.as_ref());
        if let (Some(package), "compiler-artifact") = (package, message.reason.as_str()) {
            let files = message.filenames.into_iter();
            modules.extend(
                files
                    .filter(|file| file.extension().is_some_and(|extension| extension == "wasm"))
                    .map(|file| (package.name.clone(), file)),
            );
        }
    }
    Ok(modules)
}

/// The cargo that runs us, or the one on the path.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_the_packages_that_make_a_cdylib() {
        let text = r#"{
            "packages": [
                {"name": "a", "id": "a 1", "manifest_path": "/w/transforms/a/Cargo.toml",
                 "targets": [{"kind": ["cdylib", "rlib"]}], "version": "1.0.0"},
                {"name": "b", "id": "b 1", "manifest_path": "/w/b/Cargo.toml",
                 "targets": [{"kind": ["lib"]}, {"kind": ["bin"]}]}
            ],
            "workspace_root": "/w", "target_directory": "/w/target", "version": 1
        }"#;
        let workspace: Workspace = serde_json::from_str(text).expect("as cargo prints it");
        let guests: Vec<&Package> = workspace.guests().collect();
        assert_eq!(guests.len(), 1);
        assert_eq!(guests[0].name, "a");
        assert!(guests[0].lies_below(Path::new("/w/transforms")));
        assert!(!guests[0].lies_below(Path::new("/w/trans")));
        assert_eq!(workspace.modules_folder(), Path::new("/w/modules"));
    }
}
