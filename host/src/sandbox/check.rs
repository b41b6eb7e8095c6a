//! What a module must and may be, checked before any of it runs: its format, its imports and
//! exports, and the version of the contract that it speaks.

use std::path::Path;

use wasmparser::{Parser, Payload};
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;
use wit_component::ComponentEncoder;

use super::artifact::ModuleKind;
use super::error::LoadError;

/// The contract's version that this host speaks: a guest's may be older in its minor part.
pub(super) const VERSION: &str = "1.0.0";

const PACKAGE: &str = "millrace:transform/";
const TRANSFORM: &str = "millrace:transform/transform";

/// Interfaces of ours that a guest may import.
const OURS: [&str; 2] = ["millrace:transform/host", "millrace:transform/types"];

/// WASI 0.2's packages that a guest may import from.
const WASI: [&str; 5] =
    ["wasi:cli/", "wasi:io/", "wasi:clocks/", "wasi:random/", "wasi:filesystem/"];

/// What `millrace:transform/transform` must have.
const FUNCTIONS: [&str; 8] =
    ["describe", "open", "add-schema", "process", "advance-watermark", "tick", "save", "restore"];

/// Tells a component from a core module by its first bytes.
pub(super) fn kind(path: &Path, bytes: &[u8]) -> Result<ModuleKind, LoadError> {
    if Parser::is_component(bytes) {
        return Ok(ModuleKind::Component);
    }
    if Parser::is_core_wasm(bytes) {
        return Ok(ModuleKind::Core);
    }
    let found = match bytes {
        [] => "is empty".to_owned(),
        _ if bytes.starts_with(b"\0asm") => {
            "is of a version of WebAssembly that is unknown".to_owned()
        }
        _ => format!("starts with {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(8)])),
    };
    Err(LoadError::NotWasm { path: path.to_owned(), found })
}

/// Makes a core module that carries its component type a component.
pub(super) fn componentize(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let core = CoreModule::read(bytes).map_err(|error| LoadError::Compile {
        path: path.to_owned(),
        message: error.to_string(),
    })?;
    if !core.has_component_type {
        return Err(LoadError::NoComponentType { path: path.to_owned() });
    }
    // Not validated here: the compiler does that.
    let encoded = ComponentEncoder::default()
        .module(bytes)
        .and_then(|encoder| encoder.validate(false).encode());
    encoded.map_err(|error| match core.foreign_import {
        Some(import) => LoadError::ForbiddenImport { path: path.to_owned(), import },
        None => LoadError::Convert { path: path.to_owned(), message: format!("{error:#}") },
    })
}

/// What matters of a core module before it is a component.
#[derive(Default)]
struct CoreModule {
    has_component_type: bool,
    /// An import that is of no interface at all, such as `wasi_snapshot_preview1`'s.
    foreign_import: Option<String>,
}

impl CoreModule {
    fn read(bytes: &[u8]) -> Result<Self, wasmparser::BinaryReaderError> {
        let mut core = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                    core.has_component_type = true;
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        let interface =
                            import.module.contains(':') || import.module.starts_with(['$', '[']);
                        if !interface && core.foreign_import.is_none() {
                            core.foreign_import =
                                Some(format!("{}.{}", import.module, import.name));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(core)
    }
}

/// What a checked component imports.
pub(super) struct Imports {
    /// The names, in the component's order.
    pub(super) names: Vec<String>,
    /// Whether WASI's are among them.
    pub(super) wasi: bool,
}

/// Checks imports and exports of a component: imports first, since they say more about a module that
/// is something else altogether.
pub(super) fn check(path: &Path, component: &Component) -> Result<Imports, LoadError> {
    let engine = component.engine();
    let ty = component.component_type();
    let mut imports = Imports { names: Vec::new(), wasi: false };
    for (name, _) in ty.imports(engine) {
        match allowed(name) {
            Allowed::Ours => {}
            Allowed::Wasi => imports.wasi = true,
            Allowed::OtherVersion(found) => return Err(wrong_version(path, found)),
            Allowed::No => {
                let import = name.to_owned();
                return Err(LoadError::ForbiddenImport { path: path.to_owned(), import });
            }
        }
        imports.names.push(name.to_owned());
    }
    check_exports(path, component)?;
    Ok(imports)
}

fn check_exports(path: &Path, component: &Component) -> Result<(), LoadError> {
    let engine = component.engine();
    let ty = component.component_type();
    let missing = |wanted: String| LoadError::MissingExport {
        path: path.to_owned(),
        wanted,
        found: ty.exports(engine).map(|(name, _)| name.to_owned()).collect(),
    };
    let wanted = || format!("{TRANSFORM}@{VERSION}");
    let mut other = None;
    for (name, item) in ty.exports(engine) {
        let (interface, version) = split(name);
        if interface != TRANSFORM {
            continue;
        }
        if !speaks(version) {
            other = Some(version.to_owned());
            continue;
        }
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            return Err(missing(wanted()));
        };
        for function in FUNCTIONS {
            let has = instance.exports(engine).any(|(name, item)| {
                name == function && matches!(item.ty, ComponentItem::ComponentFunc(_))
            });
            if !has {
                return Err(missing(format!("{}#{function}", wanted())));
            }
        }
        return Ok(());
    }
    Err(match other {
        Some(found) => wrong_version(path, &found),
        None => missing(wanted()),
    })
}

fn wrong_version(path: &Path, found: &str) -> LoadError {
    let found = if found.is_empty() { "none" } else { found };
    LoadError::WrongVersion { path: path.to_owned(), found: found.to_owned(), wanted: VERSION }
}

/// Whether an import is one that a guest may have.
#[derive(Debug, PartialEq, Eq)]
enum Allowed<'a> {
    Ours,
    Wasi,
    OtherVersion(&'a str),
    No,
}

fn allowed(import: &str) -> Allowed<'_> {
    let (interface, version) = split(import);
    if OURS.contains(&interface) {
        return if speaks(version) { Allowed::Ours } else { Allowed::OtherVersion(version) };
    }
    if interface.starts_with(PACKAGE) && !speaks(version) {
        return Allowed::OtherVersion(version);
    }
    if WASI.iter().any(|package| interface.starts_with(package)) && version.starts_with("0.2.") {
        return Allowed::Wasi;
    }
    Allowed::No
}

/// An interface's name and version; the version is empty where there is none.
fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// Whether the host speaks this version of the contract: the same major part, and no younger.
fn speaks(version: &str) -> bool {
    fn parts(version: &str) -> Option<(u64, u64)> {
        let (major, rest) = version.split_once('.')?;
        let (minor, _patch) = rest.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
    match (parts(version), parts(VERSION)) {
        (Some((major, minor)), Some((our_major, our_minor))) => {
            major == our_major && minor <= our_minor
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn only_our_imports_and_five_packages_of_wasi_are_allowed() {
        assert_eq!(allowed("millrace:transform/host@1.0.0"), Allowed::Ours);
        assert_eq!(allowed("millrace:transform/types@1.0.3"), Allowed::Ours);
        assert_eq!(allowed("millrace:transform/host@2.0.0"), Allowed::OtherVersion("2.0.0"));
        assert_eq!(allowed("millrace:transform/host@1.1.0"), Allowed::OtherVersion("1.1.0"));
        assert_eq!(allowed("millrace:transform/secrets@1.0.0"), Allowed::No);
        for import in
            ["wasi:cli/stdout@0.2.0", "wasi:io/poll@0.2.12", "wasi:filesystem/types@0.2.6"]
        {
            assert_eq!(allowed(import), Allowed::Wasi, "{import}");
        }
        for import in [
            "wasi:sockets/tcp@0.2.0",
            "wasi:http/types@0.2.0",
            "wasi:cli/stdout@0.3.0",
            "wasi:cli/stdout",
            "example:other/thing@1.0.0",
            "log",
        ] {
            assert_eq!(allowed(import), Allowed::No, "{import}");
        }
    }

    #[test]
    fn modules_are_told_from_anything_else() {
        let path = Path::new("m.wasm");
        assert!(matches!(kind(path, CORE), Ok(ModuleKind::Core)));
        assert!(matches!(kind(path, b"\0asm\x0d\0\x01\0"), Ok(ModuleKind::Component)));
        for bytes in [&b""[..], b"\0asm", b"\0asm\x07\0\0\0", b"hello", b"\xff\xfe\0\0"] {
            assert!(matches!(kind(path, bytes), Err(LoadError::NotWasm { .. })), "{bytes:?}");
        }
    }

    #[test]
    fn a_core_module_must_say_what_its_functions_take() {
        let refused = componentize(Path::new("m.wasm"), CORE);
        assert!(matches!(refused, Err(LoadError::NoComponentType { .. })));
        let broken = [CORE, &[1, 200]].concat();
        let refused = componentize(Path::new("m.wasm"), &broken);
        assert!(matches!(refused, Err(LoadError::Compile { .. })));
    }

    #[test]
    fn an_import_of_no_interface_is_seen() {
        // One import: module `env`, name `f`, a function of type 0.
        let types = [1, 4, 1, 0x60, 0, 0];
        let imports = [2, 9, 1, 3, b'e', b'n', b'v', 1, b'f', 0, 0];
        let module = [CORE, &types, &imports].concat();
        let core = CoreModule::read(&module).unwrap();
        assert_eq!(core.foreign_import.as_deref(), Some("env.f"));
        assert!(!core.has_component_type);
    }
}
