//! What can go wrong with a guest, typed for those who decide between retry, dead letter and halt.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::cache::CacheError;
use super::description::Problem;
use super::fault::Breach;

/// Characters of an artifact's hash that messages print.
const SHORT_HASH: usize = 12;

/// An error of the sandbox. But for [`SandboxError::Failed`], an error of a call ends its instance.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A module cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The guest trapped: a panic, an access out of bounds, too deep a recursion.
    #[error("{at} trapped {}: {}", .trap.place, .trap.message)]
    Trapped {
        /// Who, in which call.
        at: Origin,
        /// Where and why.
        trap: Box<Trap>,
    },
    /// A call took longer than the deadline.
    #[error("{at} exceeded its deadline of {} ms", .deadline.as_millis())]
    DeadlineExceeded {
        /// Who, in which call.
        at: Origin,
        /// The bound.
        deadline: Duration,
    },
    /// The guest's memory would have grown beyond its bound.
    #[error("{at} ran out of memory: it wanted {wanted} bytes, its bound is {max}")]
    OutOfMemory {
        /// Who, in which call.
        at: Origin,
        /// Bytes that it would have held.
        wanted: u64,
        /// The bound.
        max: u64,
    },
    /// The guest's tables would have grown beyond their bound.
    #[error("{at} wanted a table of {wanted} elements, its bound is {max}")]
    TableTooLarge {
        /// Who, in which call.
        at: Origin,
        /// Elements that the table would have had.
        wanted: u64,
        /// The bound.
        max: u64,
    },
    /// The answer of a call is larger than its bound.
    #[error("{at} answered more than {max} bytes")]
    OutputTooLarge {
        /// Who, in which call.
        at: Origin,
        /// The bound.
        max: u64,
    },
    /// The answer of a call breaks the contract.
    #[error("{at} broke the contract: {breach}")]
    ContractBreach {
        /// Who, in which call.
        at: Origin,
        /// Where and how.
        breach: Box<Breach>,
    },
    /// The guest gave up by itself. Its instance lives on.
    #[error("{at} failed: {message}")]
    Failed {
        /// Who, in which call.
        at: Origin,
        /// The guest's words.
        message: String,
    },
    /// The guest's `describe` has problems with params or schemas that are to be opened.
    #[error("{at} cannot run: {}", first(.problems))]
    NotRunnable {
        /// Who, in which call.
        at: Origin,
        /// The guest's problems; never empty.
        problems: Vec<Problem>,
    },
    /// An instance cannot be made of the artifact.
    #[error("{at} cannot be instantiated: {message}")]
    Instantiate {
        /// Who.
        at: Origin,
        /// What the runtime says.
        message: String,
    },
    /// A call on an instance that an earlier error ended.
    #[error("{at} was called after an earlier error had ended the instance")]
    Ended {
        /// Who, in which call.
        at: Origin,
    },
}

fn first(problems: &[Problem]) -> &str {
    problems.first().map_or("", |problem| &problem.message)
}

impl SandboxError {
    /// Who, in which call; `None` while loading.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Load(_) => None,
            Self::Trapped { at, .. }
            | Self::DeadlineExceeded { at, .. }
            | Self::OutOfMemory { at, .. }
            | Self::TableTooLarge { at, .. }
            | Self::OutputTooLarge { at, .. }
            | Self::ContractBreach { at, .. }
            | Self::Failed { at, .. }
            | Self::NotRunnable { at, .. }
            | Self::Instantiate { at, .. }
            | Self::Ended { at } => Some(at),
        }
    }

    /// Where a panic struck, as far as the guest said.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Trapped { trap, .. } => Some(&trap.place),
            _ => None,
        }
    }
}

/// The stage, the artifact and the call that an error comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The stage's name; the module's file while it is only described.
    pub stage: Arc<str>,
    /// SHA-256 of the artifact, in hexadecimal.
    pub artifact: Arc<str>,
    /// The function of the contract, or `instantiate`.
    pub call: &'static str,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = self.artifact.get(..SHORT_HASH).unwrap_or(&self.artifact);
        write!(f, "transform `{}` (artifact {hash}), in {},", self.stage, self.call)
    }
}

/// Where and why a guest trapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// What the guest was working on.
    pub place: Place,
    /// The panic's message, or the kind of trap.
    pub message: String,
    /// Names of the functions that were running, innermost first, where the module has names.
    pub backtrace: Vec<String>,
}

/// What a guest was working on when it trapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A row of the call's batch.
    Row(usize),
    /// A timer that was firing.
    Timer {
        /// When it was due, microseconds.
        time: i64,
        /// The encoded key that it belongs to.
        key: Vec<u8>,
    },
    /// Neither a row nor a timer.
    Elsewhere,
    /// The guest did not say.
    Unknown,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(row) => write!(f, "at row {row}"),
            Self::Timer { time, .. } => write!(f, "at the timer of {time}"),
            Self::Elsewhere => f.write_str("outside of rows and timers"),
            Self::Unknown => f.write_str("at an unknown place"),
        }
    }
}

/// Why a module cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine does not work on this machine.
    #[error("the WebAssembly engine cannot be set up: {message}")]
    Engine {
        /// What the runtime says.
        message: String,
    },
    /// The cache folder is not safe to use.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The file cannot be read.
    #[error("cannot read module `{}`", .path.display())]
    Read {
        /// The module.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else.
    #[error("`{}` is not WebAssembly: it {found}", .path.display())]
    NotWasm {
        /// The module.
        path: PathBuf,
        /// How it starts.
        found: String,
    },
    /// A core module that does not say what its functions take.
    #[error(
        "`{}` is a core module without component type information: build it on millrace-sdk, or with wit-bindgen",
        .path.display()
    )]
    NoComponentType {
        /// The module.
        path: PathBuf,
    },
    /// A core module that cannot be made a component.
    #[error("`{}` cannot be made a component: {message}", .path.display())]
    Convert {
        /// The module.
        path: PathBuf,
        /// What the converter says.
        message: String,
    },
    /// A module that does not compile.
    #[error("`{}` is not a valid component: {message}", .path.display())]
    Compile {
        /// The module.
        path: PathBuf,
        /// What the compiler says.
        message: String,
    },
    /// An import that no guest may have.
    #[error(
        "`{}` imports `{import}`: besides millrace:transform, only WASI's cli, io, clocks, random and filesystem 0.2 may be imported",
        .path.display()
    )]
    ForbiddenImport {
        /// The module.
        path: PathBuf,
        /// The import.
        import: String,
    },
    /// The module speaks another version of the contract.
    #[error("`{}` speaks version {found} of millrace:transform, this host speaks {wanted}", .path.display())]
    WrongVersion {
        /// The module.
        path: PathBuf,
        /// The module's version.
        found: String,
        /// The host's.
        wanted: &'static str,
    },
    /// The module does not export what a transform must.
    #[error("`{}` does not export `{wanted}`; it exports {}", .path.display(), names(.found))]
    MissingExport {
        /// The module.
        path: PathBuf,
        /// What is missing.
        wanted: String,
        /// What it exports.
        found: Vec<String>,
    },
    /// An allowed import is used in a way that this host does not know.
    #[error("`{}` cannot be linked: {message}", .path.display())]
    Link {
        /// The module.
        path: PathBuf,
        /// What the linker says.
        message: String,
    },
}

fn names(found: &[String]) -> String {
    if found.is_empty() { "nothing".to_owned() } else { found.join(", ") }
}

/// Why a module gives no description.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// The transform cannot run with these params and schemas.
    #[error("{}", all(.0))]
    Problems(Vec<Problem>),
    /// The guest broke down or broke the contract.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

fn all(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("; ")
}
