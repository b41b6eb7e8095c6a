//! `millrace build`: transforms to wasm modules, by whichever toolchain this machine has.
//!
//! *Invariants*: rustup is never run; a module in the out folder is whole (written beside, then
//! renamed) and keeps its time if its bytes are the same, so nothing reloads for nothing.
//! *Not here*: installing a toolchain (`scripts/setup`).

mod cargo;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde_json::json;

use super::exit::{CommandResult, Exit, Failure};
use super::output;
use super::text::{bytes, table};
use cargo::{Package, Workspace};
use toolchain::Toolchain;

/// Compile transforms to WebAssembly modules
///
/// Takes every package below PATH that makes a `cdylib`, compiles it for wasm32-unknown-unknown
/// with the profile `guest` (optimised, names kept for backtraces) into a target folder of its own,
/// and copies the modules that changed.
///
/// The installed target of the Rust toolchain is used if it is there; otherwise Debian's rustc-web
/// and rust-web-src packages, which build the standard library from source.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// A folder: a package, a workspace, or one with packages below it
    #[arg(default_value = ".", value_name = "PATH")]
    path: PathBuf,
    /// Only this package; may be given several times
    #[arg(long, short, value_name = "NAME")]
    package: Vec<String>,
    /// Where the modules go [default: `modules` beside the workspace's Cargo.toml]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// The cargo profile
    #[arg(long, value_name = "PROFILE", default_value = "guest")]
    profile: String,
    /// Print the modules as JSON: [{"package", "module", "bytes", "changed"}]
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  millrace build transforms                      every transform of this tree
  millrace build --package wager-revenue         one of them
  cd my-transform && millrace build --out ../modules";

/// A module in the out folder.
struct Module {
    package: String,
    path: PathBuf,
    size: u64,
    changed: bool,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> CommandResult {
    let folder = arguments
        .path
        .canonicalize()
        .with_context(|| format!("{} is no folder", arguments.path.display()))
        .map_err(Failure::usage)?;
    let workspace = Workspace::of(&folder)?;
    let packages = select(&workspace, &folder, &arguments.package).map_err(Failure::usage)?;
    let toolchain = Toolchain::find()?;
    tracing::info!("building {} with {toolchain}", names(&packages));
    let built = workspace.build(&packages, &toolchain, &arguments.profile)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => workspace.modules_folder(),
    };
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let modules = built
        .iter()
        .map(|(package, file)| copy(package, file, &out))
        .collect::<anyhow::Result<Vec<Module>>>()?;
    show(&modules, arguments.json)?;
    Ok(Exit::Done)
}

/// The packages to build: those named, or all below the folder.
fn select<'a>(
    workspace: &'a Workspace,
    folder: &Path,
    named: &[String],
) -> anyhow::Result<Vec<&'a Package>> {
    let all: Vec<&Package> = workspace.guests().collect();
    if named.is_empty() {
        let below: Vec<&Package> =
            all.into_iter().filter(|package| package.lies_below(folder)).collect();
        if below.is_empty() {
            bail!(
                "no package below {} makes a module; the Cargo.toml of a transform has \
                 crate-type = [\"cdylib\", \"rlib\"] under [lib]",
                folder.display()
            );
        }
        return Ok(below);
    }
    named
        .iter()
        .map(|name| {
            all.iter().copied().find(|package| package.name == *name).ok_or_else(|| {
                anyhow!("no package `{name}` makes a module; these do: {}", names(&all))
            })
        })
        .collect()
}

fn names(packages: &[&Package]) -> String {
    packages.iter().map(|package| package.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Copies a built file into the out folder, unless the same bytes are there.
fn copy(package: &str, file: &Path, out: &Path) -> anyhow::Result<Module> {
    let name = file.file_name().context("cargo names the file that it made")?;
    let path = out.join(name);
    let built = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let changed = fs::read(&path).map_or(true, |present| present != built);
    if changed {
        // A running pipeline may look at any moment: it sees the old file or the new one.
        let partial = path.with_extension("wasm.partial");
        fs::write(&partial, &built)
            .and_then(|()| fs::rename(&partial, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Module { package: package.to_owned(), path, size: built.len() as u64, changed })
}

fn show(modules: &[Module], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let list = modules.iter().map(|module| {
            json!({
                "package": module.package,
                "module": module.path.display().to_string(),
                "bytes": module.size,
                "changed": module.changed,
            })
        });
        return output::print_json(&list.collect());
    }
    let mut table = table(&["module", "", "size"], 2);
    for module in modules {
        table.add_row([
            module.path.display().to_string(),
            String::from(if module.changed { "changed" } else { "unchanged" }),
            bytes(module.size),
        ]);
    }
    output::print(&format!("{}\n", table.trim_fmt()))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn an_unchanged_module_keeps_its_time() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let built = folder.path().join("a.wasm");
        let out = folder.path().join("modules");
        fs::create_dir(&out).expect("a new folder");
        fs::write(&built, b"one").expect("written");
        assert!(copy("a", &built, &out).expect("copied").changed);

        let old = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        let copied = out.join("a.wasm");
        fs::File::options()
            .write(true)
            .open(&copied)
            .and_then(|file| file.set_modified(old))
            .expect("its time can be set");
        assert!(!copy("a", &built, &out).expect("looked at").changed);
        let modified = fs::metadata(&copied).and_then(|metadata| metadata.modified());
        assert_eq!(modified.expect("it has a time"), old);

        fs::write(&built, b"two").expect("written");
        assert!(copy("a", &built, &out).expect("copied").changed);
        assert_eq!(fs::read(&copied).expect("it is there"), b"two");
    }
}
