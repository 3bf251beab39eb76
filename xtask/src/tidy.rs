//! The shape of the house, checked: which crate may see which, how long a file may grow, what no file may mention.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::test::root;

/// Crate to the workspace crates it may depend on. Arrows point downward only (ARCHITECTURE.md).
const ALLOWED: &[(&str, &[&str])] = &[
    ("attestation", &[]),
    ("tables", &[]),
    ("interactions", &[]),
    ("store", &[]),
    ("models", &["tables"]),
    ("fairness", &["models", "tables"]),
    ("reports", &["attestation", "fairness"]),
    ("server", &["attestation", "fairness", "interactions", "models", "reports", "store", "tables"]),
    ("cli", &["attestation", "fairness", "interactions", "models", "reports", "server", "store", "tables"]),
];

/// A heavy library has one owner, so that an edit elsewhere never waits for it.
const OWNERS: &[(&str, &str)] = &[
    ("axum", "server"),
    ("sqlx", "store"),
    ("typst", "reports"),
    ("typst-pdf", "reports"),
    ("qrcode", "reports"),
    ("parquet", "tables"),
    ("ed25519-dalek", "attestation"),
    ("clap", "cli"),
];

/// Lines of a source file outside its tests.
const FILE_LINES_MAX: usize = 800;
/// Bytes of a file in the repository that is not data.
const FILE_BYTES_MAX: u64 = 1 << 20;

#[test]
fn dependencies_point_downward_only() {
    for (name, dependencies) in manifests() {
        let allowed = ALLOWED
            .iter()
            .find(|(krate, _)| *krate == name)
            .unwrap_or_else(|| panic!("crates/{name} has no line in ALLOWED: say what it may depend on"))
            .1;
        for dependency in dependencies {
            if let Some(ours) = dependency.strip_prefix("assize-") {
                assert!(allowed.contains(&ours), "crates/{name} must not depend on {dependency}");
            }
            if let Some((_, owner)) = OWNERS.iter().find(|(library, _)| *library == dependency) {
                assert_eq!(*owner, name, "{dependency} belongs to crates/{owner} alone");
            }
        }
    }
}

#[test]
fn source_files_stay_readable() {
    let mut long = Vec::new();
    for path in tracked() {
        if path.extension().is_some_and(|extension| extension == "rs") && !in_tests(&path) {
            let text = std::fs::read_to_string(&path).expect("tracked sources are UTF-8");
            let lines = text.lines().take_while(|line| line.trim() != "mod tests {").count();
            if lines > FILE_LINES_MAX {
                long.push(format!("{}: {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "cut these at a module boundary:\n{}", long.join("\n"));
}

#[test]
fn every_source_file_says_its_purpose() {
    for path in tracked() {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("tracked sources are UTF-8");
            assert!(text.starts_with("//!"), "{} does not open with `//!`", path.display());
        }
    }
}

#[test]
fn no_large_file_slips_in() {
    for path in tracked() {
        let data = path.components().any(|part| part.as_os_str() == "data") || path.ends_with("Cargo.lock");
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        assert!(data || size <= FILE_BYTES_MAX, "{} has {size} bytes", path.display());
    }
}

#[test]
fn nothing_unfinished_is_left() {
    // Spelled apart, so that this file does not find itself.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore")];
    for path in tracked() {
        if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            let text = std::fs::read_to_string(&path).expect("tracked sources are UTF-8");
            for mark in marks {
                assert!(!text.contains(mark), "{} holds {mark}", path.display());
            }
        }
    }
}

fn in_tests(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// Workspace crates under `crates/` with the names of their plain dependencies.
fn manifests() -> BTreeMap<String, Vec<String>> {
    let mut manifests = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("crates")).expect("crates/ is there") {
        let path = entry.expect("crates/ can be listed").path();
        let Ok(text) = std::fs::read_to_string(path.join("Cargo.toml")) else { continue };
        let name = path.file_name().and_then(|name| name.to_str()).expect("a crate has a name").to_owned();
        let mut dependencies = Vec::new();
        let mut inside = false;
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line == "[dependencies]";
            } else if inside {
                let key: String =
                    line.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect();
                if !key.is_empty() {
                    dependencies.push(key);
                }
            }
        }
        manifests.insert(name, dependencies);
    }
    assert!(manifests.len() >= ALLOWED.len(), "a crate of ALLOWED is gone");
    manifests
}

/// Files that git knows.
fn tracked() -> Vec<PathBuf> {
    let output = std::process::Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(output.status.success(), "git ls-files failed");
    let files: Vec<PathBuf> = String::from_utf8(output.stdout)
        .expect("file names are UTF-8")
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(|name| root().join(name))
        .filter(|path| path.exists())
        .collect();
    assert!(files.len() > 20, "git ls-files saw {} files", files.len());
    files
}
