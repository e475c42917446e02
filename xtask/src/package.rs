//! `cargo xtask package`: each published crate is packed, the packages are unpacked into a workspace of their own and
//! checked there, and the command is installed and asked for its version.
//!
//! `cargo package` would verify each package by itself, and build every dependency anew for each; one workspace shares
//! them, with each other and with the tests (same profile, same target folder). Everything runs offline: what is needed
//! has been fetched for the tests.

use crate::{cargo, root, succeeds};
use std::path::{Path, PathBuf};
use std::process::Command;

/// True if the packages hold all that they need and, where that is asked for, since it builds half of the workspace once more,
/// the installed command starts.
pub fn run(and_install: bool) -> bool {
    let excluded = ["--exclude", "xtask", "--exclude", "apical-benches", "--exclude", "apical-py"];
    let packed = ["package", "--workspace", "--allow-dirty", "--offline", "--no-verify", "--quiet"];
    if !succeeds(cargo(&packed).args(excluded)) {
        return false;
    }
    match unpack() {
        Ok(workspace) => {
            let mut check = cargo(&["check", "--workspace", "--offline", "--manifest-path"]);
            check.arg(workspace.join("Cargo.toml")).arg("--target-dir").arg(root().join("target"));
            succeeds(&mut check) && (!and_install || install())
        }
        Err(why) => {
            eprintln!("unpacking the packages: {why}");
            false
        }
    }
}

/// The crates that are published, with their version.
fn published() -> Result<Vec<String>, String> {
    let manifest = read_toml(&root().join("Cargo.toml"))?;
    let version = manifest["workspace"]["package"]["version"].as_str().unwrap_or_default().to_owned();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("crates")).map_err(|e| e.to_string())? {
        let table = read_toml(&entry.map_err(|e| e.to_string())?.path().join("Cargo.toml"))?;
        if table["package"].get("publish").and_then(toml::Value::as_bool) != Some(false) {
            names.push(format!("{}-{version}", table["package"]["name"].as_str().unwrap_or_default()));
        }
    }
    names.sort();
    Ok(names)
}

fn read_toml(path: &Path) -> Result<toml::Table, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    text.parse().map_err(|e| format!("{}: {e}", path.display()))
}

/// A workspace of the unpacked packages that find each other, with the profiles and the lock file of this one.
fn unpack() -> Result<PathBuf, String> {
    let place = root().join("target/packed");
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).map_err(|e| e.to_string())?;
    let names = published()?;
    let (mut members, mut patch) = (toml::value::Array::new(), toml::Table::new());
    for name in &names {
        let archive = root().join("target/package").join(format!("{name}.crate"));
        // -m: packages carry one fixed date, by which cargo would take new sources for those it has compiled before.
        if !succeeds(Command::new("tar").arg("-xmzf").arg(&archive).arg("-C").arg(&place)) {
            return Err(format!("{} cannot be unpacked", archive.display()));
        }
        members.push(name.clone().into());
        let (stem, _) = name.rsplit_once('-').ok_or("a package without version")?;
        patch.insert(stem.to_owned(), toml::Table::from_iter([("path".to_owned(), name.clone().into())]).into());
    }
    let mut manifest = toml::Table::new();
    let workspace =
        toml::Table::from_iter([("members".to_owned(), members.into()), ("resolver".to_owned(), "3".into())]);
    manifest.insert("workspace".into(), workspace.into());
    manifest.insert("patch".into(), toml::Table::from_iter([("crates-io".to_owned(), patch.into())]).into());
    if let Some(profile) = read_toml(&root().join("Cargo.toml"))?.remove("profile") {
        manifest.insert("profile".into(), profile);
    }
    let text = toml::to_string(&manifest).map_err(|e| e.to_string())?;
    std::fs::write(place.join("Cargo.toml"), text).map_err(|e| e.to_string())?;
    std::fs::copy(root().join("Cargo.lock"), place.join("Cargo.lock")).map_err(|e| e.to_string())?;
    Ok(place)
}

fn install() -> bool {
    let place = root().join("target/install");
    let installed = succeeds(
        cargo(&["install", "--path", "crates/apical-cli", "--debug", "--offline", "--locked", "--force", "--root"])
            .arg(&place),
    );
    if !installed {
        return false;
    }
    let binary = place.join("bin").join(format!("apical{}", std::env::consts::EXE_SUFFIX));
    match Command::new(&binary).arg("--version").status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("{}: {error}", binary.display());
            false
        }
    }
}
