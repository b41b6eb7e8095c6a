//! What may be loaded, and what is said about what may not.

use std::fs;
use std::path::PathBuf;

use millrace::sandbox::{LoadError, ModuleKind, Outcome, SandboxError};
use millrace_tests::{module, sandbox};
use serde_json::json;
use tempfile::TempDir;
use wit_component::ComponentEncoder;

use super::support::{artifact, context, id, process};

/// A file with these bytes, in a folder that lasts as long as what is returned.
fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("module.wasm");
    fs::write(&path, bytes).expect("the folder is writable");
    (folder, path)
}

fn refused(bytes: &[u8]) -> LoadError {
    let (_folder, path) = file(bytes);
    match sandbox().load(&path) {
        Err(SandboxError::Load(error)) => {
            let text = error.to_string();
            assert!(text.contains("module.wasm"), "the file is named: {text}");
            error
        }
        other => panic!("it is refused: {other:?}"),
    }
}

#[test]
fn a_core_module_is_loaded_and_told_apart() {
    let artifact = artifact("contract_guest.wasm");
    assert_eq!(artifact.kind(), ModuleKind::Core);
    assert_eq!(artifact.hash().len(), 64);
    assert!(artifact.path().ends_with("contract_guest.wasm"));
    assert_eq!(artifact.sizes().module, fs::metadata(artifact.path()).unwrap().len());
    assert!(artifact.sizes().code > artifact.sizes().module);
    assert!(artifact.imports().iter().any(|import| import == "millrace:transform/host@1.0.0"));
    assert!(artifact.imports().iter().all(|import| import.starts_with("millrace:transform/")));
}

#[test]
fn a_component_is_loaded_as_it_is() {
    let core = fs::read(module("hostile_guest.wasm")).unwrap();
    let component = ComponentEncoder::default().module(&core).unwrap().encode().unwrap();
    let (_folder, path) = file(&component);
    let artifact = sandbox().load(&path).expect("a component loads");
    assert_eq!(artifact.kind(), ModuleKind::Component);
    let mut instance = artifact.open(&context(json!({}), id())).expect("it opens");
    assert!(matches!(process(&mut instance, 2), Ok(Outcome::Mapped { .. })));
}

#[test]
fn one_module_is_compiled_once() {
    let (one, two) = (artifact("empty_guest.wasm"), artifact("empty_guest.wasm"));
    assert_eq!(one.hash(), two.hash());
    assert_ne!(one.hash(), artifact("probe_guest.wasm").hash());
}

#[test]
fn what_is_no_module_is_said_to_be_none() {
    let missing = sandbox().load("/nowhere/module.wasm");
    assert!(matches!(missing, Err(SandboxError::Load(LoadError::Read { .. }))));
    for bytes in [&b""[..], b"#!/bin/sh\n", b"(module)", b"\0asm\x02\0\0\0"] {
        assert!(matches!(refused(bytes), LoadError::NotWasm { .. }), "{bytes:?}");
    }
    assert!(refused(b"(module)").to_string().contains("starts with \"(module)\""));
    assert!(matches!(refused(b"\0asm\x01\0\0\0"), LoadError::NoComponentType { .. }));
    let core = fs::read(module("empty_guest.wasm")).unwrap();
    assert!(matches!(refused(&core[..core.len() / 2]), LoadError::Compile { .. }));
    assert!(matches!(refused(b"\0asm\x0d\0\x01\0\xff\xff"), LoadError::Compile { .. }));
}

#[test]
fn a_component_without_the_transforms_exports_is_told_what_is_wanted() {
    match refused(b"\0asm\x0d\0\x01\0") {
        LoadError::MissingExport { wanted, found, .. } => {
            assert_eq!(wanted, "millrace:transform/transform@1.0.0");
            assert!(found.is_empty());
        }
        other => panic!("it exports nothing: {other}"),
    }
}

#[test]
fn another_version_is_told_both() {
    match sandbox().load(module("wrong_version_guest.wasm")) {
        Err(SandboxError::Load(LoadError::WrongVersion { found, wanted, .. })) => {
            assert_eq!((&*found, wanted), ("2.0.0", "1.0.0"));
        }
        other => panic!("version 2 is not spoken here: {other:?}"),
    }
}

#[test]
fn a_forbidden_import_is_named() {
    match sandbox().load(module("wrong_import_guest.wasm")) {
        Err(SandboxError::Load(LoadError::ForbiddenImport { import, .. })) => {
            assert_eq!(import, "example:curious/secrets@1.0.0");
        }
        other => panic!("secrets are not for guests: {other:?}"),
    }
}
