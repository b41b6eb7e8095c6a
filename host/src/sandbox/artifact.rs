//! A checked and compiled transform: what it is, and the way to its instances.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::bindings::GuestPre;
use super::describe;
use super::description::{Description, InputSchema, TableSchema};
use super::engine::Engine;
use super::error::{DescribeError, SandboxError};
use super::instance::Instance;
use super::limits::Limits;
use super::runner::Runner;
use super::store::StoreData;

/// What a module's file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModuleKind {
    /// A component.
    Component,
    /// A core module that carries its component type.
    Core,
}

/// Sizes of an artifact, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// The module's file.
    pub module: u64,
    /// The compiled code with its data, as it is mapped into memory.
    pub code: u64,
}

/// What is shared by all uses of one module.
pub(super) struct Compiled {
    pub(super) hash: Arc<str>,
    pub(super) kind: ModuleKind,
    pub(super) sizes: Sizes,
    pub(super) imports: Vec<String>,
    pub(super) wasi: bool,
    pub(super) from_cache: bool,
    pub(super) guest: GuestPre<StoreData>,
    pub(super) engine: Arc<Engine>,
}

/// A transform that was loaded and checked. Cloning is cheap.
#[derive(Clone)]
pub struct Artifact {
    path: PathBuf,
    compiled: Arc<Compiled>,
}

/// What an instance is opened with.
#[derive(Clone, Debug)]
pub struct OpenContext {
    /// The stage's name, for errors and logs.
    pub stage: String,
    /// Parameters, an object.
    pub params: serde_json::Value,
    /// The schemas of each input.
    pub inputs: Vec<InputSchema>,
    /// The joined tables.
    pub tables: Vec<TableSchema>,
    /// What the instance may use.
    pub limits: Limits,
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact")
            .field("path", &self.path)
            .field("hash", &self.compiled.hash)
            .finish_non_exhaustive()
    }
}

impl Artifact {
    pub(super) fn new(path: &Path, compiled: Arc<Compiled>) -> Self {
        Self { path: path.to_owned(), compiled }
    }

    /// SHA-256 of the module's bytes, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.compiled.hash
    }

    /// The file that it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds.
    #[must_use]
    pub fn kind(&self) -> ModuleKind {
        self.compiled.kind
    }

    /// Its sizes.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.compiled.sizes
    }

    /// The interfaces that it imports.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.compiled.imports
    }

    /// Whether its code came from the cache rather than from the compiler.
    #[must_use]
    pub fn from_cache(&self) -> bool {
        self.compiled.from_cache
    }

    /// Asks the transform what it is for these params and schemas, in an instance of its own with
    /// the default limits.
    ///
    /// # Errors
    /// [`DescribeError::Problems`] with everything that keeps it from running,
    /// [`DescribeError::Sandbox`] if it breaks down or contradicts the contract.
    pub fn describe(
        &self,
        params: &serde_json::Value,
        inputs: &[InputSchema],
        tables: &[TableSchema],
    ) -> Result<Description, DescribeError> {
        self.describe_within(Limits::default(), params, inputs, tables)
    }

    /// As [`Artifact::describe`], with other limits: whether it starts at all within them.
    ///
    /// # Errors
    /// As [`Artifact::describe`].
    pub fn describe_within(
        &self,
        limits: Limits,
        params: &serde_json::Value,
        inputs: &[InputSchema],
        tables: &[TableSchema],
    ) -> Result<Description, DescribeError> {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy();
        let mut runner = Runner::new(Arc::clone(&self.compiled), &name, limits)?;
        describe::describe(&mut runner, params, inputs, tables)
    }

    /// Makes an instance and opens it.
    ///
    /// # Errors
    /// [`SandboxError::NotRunnable`] if `describe` has problems with the same arguments,
    /// [`SandboxError::Failed`] if the transform refuses to open, and what any call can give.
    pub fn open(&self, context: &OpenContext) -> Result<Instance, SandboxError> {
        let runner = Runner::new(Arc::clone(&self.compiled), &context.stage, context.limits)?;
        Instance::open(runner, context)
    }
}
