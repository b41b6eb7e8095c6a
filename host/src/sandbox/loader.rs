//! From a file to an artifact: read, hashed, converted, compiled or found in the cache, checked.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};

use super::artifact::{Artifact, Compiled, ModuleKind, Sizes};
use super::bindings::GuestPre;
use super::cache::{Cache, CacheFolder, hex};
use super::check;
use super::engine::Engine;
use super::error::{LoadError, SandboxError};
use super::store::StoreData;
use super::{imports, wasi};

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Where compiled artifacts are kept.
    pub cache: CacheFolder,
    /// Whether guests obey deadlines. Only a benchmark that shows their price sets it to false.
    pub deadlines: bool,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self { cache: CacheFolder::default(), deadlines: true }
    }
}

/// Loads artifacts. Clones share everything; one serves a whole process.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

struct Shared {
    engine: Arc<Engine>,
    cache: Option<Cache>,
    linker: Linker<StoreData>,
    /// Artifacts that are in use, by hash: stages with the same module share its code.
    loaded: Mutex<HashMap<[u8; 32], Weak<Compiled>>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("cache", &self.0.cache)
            .field("deadlines", &self.0.engine.has_deadlines())
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Sets up engine and cache.
    ///
    /// # Errors
    /// [`LoadError::Engine`] if the runtime does not work on this machine, [`LoadError::Cache`] if
    /// others could put code in the cache folder. One that cannot be used is done without.
    pub fn new(config: &SandboxConfig) -> Result<Self, SandboxError> {
        let engine = Engine::new(config.deadlines)?;
        let cache = Cache::open(&config.cache).map_err(LoadError::from)?;
        let mut linker = Linker::new(engine.wasm());
        imports::link(&mut linker)
            .map_err(|error| LoadError::Engine { message: format!("{error:#}") })?;
        Ok(Self(Arc::new(Shared {
            engine: Arc::new(engine),
            cache,
            linker,
            loaded: Mutex::new(HashMap::new()),
        })))
    }

    /// Loads the module in a file.
    ///
    /// # Errors
    /// [`SandboxError::Load`], which says what is wrong with the file.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Artifact, SandboxError> {
        let path = path.as_ref();
        let bytes =
            fs::read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        if let Some(compiled) = self.loaded(&hash) {
            return Ok(Artifact::new(path, compiled));
        }
        let compiled = Arc::new(self.compile(path, &bytes, hash)?);
        let mut loaded = self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|_, artifact| artifact.strong_count() > 0);
        loaded.insert(hash, Arc::downgrade(&compiled));
        drop(loaded);
        Ok(Artifact::new(path, compiled))
    }

    fn loaded(&self, hash: &[u8; 32]) -> Option<Arc<Compiled>> {
        self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(hash)?.upgrade()
    }

    fn compile(&self, path: &Path, bytes: &[u8], hash: [u8; 32]) -> Result<Compiled, LoadError> {
        let kind = check::kind(path, bytes)?;
        let cached = self.cached(&hash);
        let from_cache = cached.is_some();
        let component = match cached {
            Some(component) => component,
            None => self.translate(path, bytes, kind)?,
        };
        let imports = check::check(path, &component)?;
        if !from_cache {
            self.keep(&hash, &component);
        }
        let link = |message: wasmtime::Error| LoadError::Link {
            path: path.to_owned(),
            message: format!("{message:#}"),
        };
        let instance_pre = if imports.wasi {
            self.wasi_linker().and_then(|linker| linker.instantiate_pre(&component))
        } else {
            self.0.linker.instantiate_pre(&component)
        };
        let guest = GuestPre::new(instance_pre.map_err(link)?).map_err(link)?;
        let code = component.image_range();
        Ok(Compiled {
            hash: hex(&hash).into(),
            kind,
            sizes: Sizes {
                module: bytes.len() as u64,
                code: (code.end as usize).saturating_sub(code.start as usize) as u64,
            },
            imports: imports.names,
            wasi: imports.wasi,
            from_cache,
            guest,
            engine: Arc::clone(&self.0.engine),
        })
    }

    fn translate(
        &self,
        path: &Path,
        bytes: &[u8],
        kind: ModuleKind,
    ) -> Result<Component, LoadError> {
        let converted;
        let bytes = match kind {
            ModuleKind::Component => bytes,
            ModuleKind::Core => {
                converted = check::componentize(path, bytes)?;
                converted.as_slice()
            }
        };
        Component::from_binary(self.0.engine.wasm(), bytes).map_err(|error| LoadError::Compile {
            path: path.to_owned(),
            message: format!("{error:#}"),
        })
    }

    /// The compiled component of a module, if the cache has a fit one.
    #[expect(
        unsafe_code,
        reason = "compiled code cannot be proven harmless; that it is ours is what `cache` is for"
    )]
    fn cached(&self, hash: &[u8; 32]) -> Option<Component> {
        let (cache, engine) = (self.0.cache.as_ref()?, &self.0.engine);
        let entry = cache.find(hash, engine.fingerprint())?;
        // SAFETY: the bytes come from a file that belongs to this user and that nobody else may
        // write, which was checked of the open file they were read through, in a folder of which
        // the same was checked when the cache was opened. Only `keep` writes such files: with what
        // `Component::serialize` gave, and a header that was just compared and shows that they are
        // whole, of this module and of this engine. A header is no signature: a program of the same
        // user could forge all of it, but such a program needs no cache to run its code as them.
        // The runtime checks by itself that its own version and configuration made them.
        let component = unsafe { Component::deserialize(engine.wasm(), entry.code()) };
        match component {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(%error, "compiled artifact is made anew");
                cache.discard(hash, engine.fingerprint());
                None
            }
        }
    }

    fn keep(&self, hash: &[u8; 32], component: &Component) {
        let Some(cache) = &self.0.cache else { return };
        match component.serialize() {
            Ok(code) => cache.keep(hash, self.0.engine.fingerprint(), &code),
            Err(error) => tracing::warn!(%error, "compiled artifact is not kept"),
        }
    }

    /// A linker that knows WASI too. Few artifacts need it, so it is made for each.
    fn wasi_linker(&self) -> wasmtime::Result<Linker<StoreData>> {
        let mut linker = Linker::new(self.0.engine.wasm());
        imports::link(&mut linker)?;
        wasi::link(&mut linker)?;
        Ok(linker)
    }
}
