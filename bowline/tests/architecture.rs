//! The house stands as it was drawn: which crate may know which, and what every crate and file has in common.
//!
//! ```text
//! contract <- chassis <- services/*, gateway <- bowline        service -x-> service      chassis -x-> any service
//!                ^------ testkit (dev-dependency only)         contract: no axum, no sqlx, no tokio
//! ```
//!
//! A rule that only stands in a paragraph is soon broken by somebody who did not read it. To change one, change it here
//! and write down why in `docs/adr/`.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a crate is in the house, by its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Bowline,
    Chassis,
    Contract,
    Gateway,
    Service,
    Testkit,
    Xtask,
}

/// Why an arrow may not be drawn; nothing when it may.
fn forbidden(from: Room, to: Room, development: bool) -> Option<&'static str> {
    use Room::{Bowline, Chassis, Contract, Gateway, Service, Testkit, Xtask};
    let rule = |allowed: bool, rule| (!allowed).then_some(rule);
    match (from, to) {
        (_, Bowline) => Some("bowline is the top of the house: nothing stands on it"),
        (_, Xtask) => Some("xtask is a tool: nothing stands on it"),
        (Xtask, _) => {
            rule(to == Testkit, "xtask builds in seconds: it uses testkit (without default features) only")
        }
        (Contract, _) => Some("the contract is read by everybody and knows nobody"),
        (_, Testkit) => rule(development, "testkit is for tests: a dev-dependency only"),
        (Bowline, _) => None,
        (Chassis, _) => rule(to == Contract, "the chassis knows the contract and no service"),
        (Testkit, _) => {
            rule(matches!(to, Chassis | Contract), "testkit knows the chassis and the contract, no service")
        }
        (Service, Service) => Some("no service knows another: call it through its client in contract"),
        (Service | Gateway, _) => rule(
            matches!(to, Chassis | Contract),
            "a service and the gateway stand on chassis and contract only",
        ),
    }
}

/// What the contract may not pull in, however indirectly: whoever speaks the language needs no server and no database.
const NOT_IN_THE_CONTRACT: [&str; 6] = ["axum", "axum-core", "hyper", "sqlx", "sqlx-core", "tokio"];

/// Longer than this, a file is two files.
const LONGEST_FILE: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What `cargo metadata` tells, as far as it is asked here.
#[derive(Debug, Deserialize)]
struct House {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    description: Option<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    /// Where it is, when it is not from a registry.
    path: Option<PathBuf>,
    /// `dev`, `build`, or nothing.
    kind: Option<String>,
}

impl Package {
    fn folder(&self) -> Result<&Path> {
        self.manifest_path.parent().context("a manifest stands in a folder")
    }
}

fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn house() -> Result<House> {
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--locked"])
        .current_dir(root())
        .output()?;
    anyhow::ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("cargo metadata")
}

fn folder<'a>(house: &House, package: &'a Package) -> Result<&'a str> {
    let folder = package.folder()?.strip_prefix(&house.workspace_root)?;
    folder.to_str().context("a folder has a name that can be read")
}

fn room(folder: &str) -> Result<Room> {
    Ok(match folder {
        "bowline" => Room::Bowline,
        "chassis" => Room::Chassis,
        "contract" => Room::Contract,
        "gateway" => Room::Gateway,
        "testkit" => Room::Testkit,
        "xtask" => Room::Xtask,
        service if service.starts_with("services/") => Room::Service,
        other => {
            anyhow::bail!("{other}: a crate that the drawing does not have; give it a room in this test")
        }
    })
}

/// The crate of the house that a dependency means, if it is one.
fn neighbour<'a>(house: &'a House, dependency: &Dependency) -> Option<&'a Package> {
    let path = dependency.path.as_ref()?;
    house.packages.iter().find(|package| package.manifest_path.parent() == Some(path))
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}

#[test]
fn no_arrow_is_drawn_that_the_design_does_not_have() -> Result<()> {
    let house = house()?;
    let mut faults = Vec::new();
    for from in &house.packages {
        for dependency in &from.dependencies {
            let Some(to) = neighbour(&house, dependency) else { continue };
            let development = dependency.kind.as_deref() == Some("dev");
            let rooms = (room(folder(&house, from)?)?, room(folder(&house, to)?)?);
            if let Some(rule) = forbidden(rooms.0, rooms.1, development) {
                let kind = if development { "dev-dependency" } else { "dependency" };
                faults.push(format!("{} -> {} ({kind}): {rule}", from.name, to.name));
            }
        }
    }
    none(&faults);
    Ok(())
}

#[test]
fn every_arrow_of_the_drawing_is_judged_as_drawn() {
    use Room::{Bowline, Chassis, Contract, Gateway, Service, Testkit, Xtask};
    for (from, to) in [
        (Chassis, Contract),
        (Service, Chassis),
        (Service, Contract),
        (Gateway, Chassis),
        (Bowline, Service),
        (Bowline, Gateway),
        (Testkit, Chassis),
        (Xtask, Testkit),
    ] {
        assert_eq!(forbidden(from, to, false), None, "{from:?} -> {to:?}");
    }
    for (from, to) in [
        (Contract, Chassis),
        (Chassis, Service),
        (Chassis, Gateway),
        (Service, Service),
        (Service, Gateway),
        (Gateway, Service),
        (Service, Testkit),
        (Bowline, Testkit),
        (Testkit, Service),
        (Xtask, Chassis),
        (Service, Bowline),
        (Testkit, Xtask),
    ] {
        assert!(forbidden(from, to, false).is_some(), "{from:?} -> {to:?}");
    }
    assert_eq!(forbidden(Service, Testkit, true), None);
    assert!(forbidden(Service, Service, true).is_some());
}

#[test]
fn the_contract_needs_no_server_and_no_database() -> Result<()> {
    let output = Command::new(cargo())
        .args(["tree", "--package", "contract", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--offline", "--locked"])
        .current_dir(root())
        .output()?;
    anyhow::ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout)?;
    assert!(tree.starts_with("contract "), "not the tree that was asked for:\n{tree}");
    let faults: Vec<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| NOT_IN_THE_CONTRACT.contains(name))
        .map(|name| format!("contract -> .. -> {name}: see `cargo tree -p contract -e normal -i {name}`"))
        .collect();
    none(&faults);
    Ok(())
}

#[test]
fn every_crate_takes_lints_versions_and_licence_from_the_workspace() -> Result<()> {
    let house = house()?;
    let mut faults = Vec::new();
    for package in &house.packages {
        let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(&package.manifest_path)?)?;
        let inherits = |value: Option<&toml::Value>| {
            value.and_then(|v| v.get("workspace")).and_then(toml::Value::as_bool).unwrap_or(false)
        };
        if !inherits(manifest.get("lints")) {
            faults.push(format!("{}: needs `[lints] workspace = true`", package.name));
        }
        for key in ["edition", "license", "publish", "rust-version", "version"] {
            if !inherits(manifest.get("package").and_then(|p| p.get(key))) {
                faults.push(format!("{}: needs `{key}.workspace = true`", package.name));
            }
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(section).and_then(toml::Value::as_table);
            for (name, value) in table.into_iter().flatten() {
                if !inherits(Some(value)) {
                    faults.push(format!(
                        "{}: {name} has a version of its own; needs `workspace = true`",
                        package.name
                    ));
                }
            }
        }
        if package.description.as_ref().is_none_or(|text| text.trim().is_empty()) {
            faults.push(format!("{}: needs a description", package.name));
        }
    }
    none(&faults);
    Ok(())
}

#[test]
fn no_file_is_too_long_to_read() -> Result<()> {
    let house = house()?;
    let mut faults = Vec::new();
    for package in &house.packages {
        for file in rust_files(package.folder()?)? {
            let lines = std::fs::read_to_string(&file)?.lines().count();
            if lines > LONGEST_FILE {
                let name = file.strip_prefix(&house.workspace_root).unwrap_or(&file).display();
                faults.push(format!("{name}: {lines} lines; {LONGEST_FILE} is the limit, 300 is usual"));
            }
        }
    }
    none(&faults);
    Ok(())
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let code = "use crate::db::Pool;\nuse crate::{\n    http::{Json, Query},\n    peer,\n};\nfn f() { crate::run::go() }\n\
                // crate::mail\n#[cfg(test)]\nmod tests {\n use crate::ops; }";
    assert_eq!(modules_used(code), ["db", "http", "peer", "", "run"]);
}

#[test]
fn inside_the_chassis_lower_does_not_use_higher() -> Result<()> {
    let source = root().join("chassis/src");
    let layers = layers(&std::fs::read_to_string(source.join("lib.rs"))?);
    assert!(layers.len() > 1, "chassis/src/lib.rs lists its layers as `//! 1. `clock`, ..`");
    let layer = |module: &str| layers.iter().position(|layer| layer.iter().any(|m| m == module));
    let mut faults = Vec::new();
    for file in rust_files(&source)? {
        let name = file.strip_prefix(&source)?;
        let module =
            name.iter().next().and_then(|first| Path::new(first).file_stem()).and_then(|stem| stem.to_str());
        let Some(module) = module.filter(|module| *module != "lib") else { continue };
        let Some(own) = layer(module) else {
            faults.push(format!("chassis::{module}: in no layer; add it to the list in chassis/src/lib.rs"));
            continue;
        };
        for used in modules_used(&std::fs::read_to_string(&file)?) {
            if layer(&used).is_some_and(|other| other > own) {
                let name = name.display();
                faults.push(format!(
                    "chassis/src/{name} uses crate::{used}: layer {} uses a higher one",
                    own + 1
                ));
            }
        }
    }
    faults.dedup();
    none(&faults);
    Ok(())
}

/// The modules of each layer, from the numbered list in the crate's documentation.
fn layers(source: &str) -> Vec<Vec<String>> {
    let is_item =
        |line: &&str| line.strip_prefix("//! ").is_some_and(|l| l.starts_with(|c: char| c.is_ascii_digit()));
    let names = |line: &str| line.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    source.lines().filter(is_item).map(names).collect()
}

/// The modules of the own crate that a file names, before its unit tests and outside of comments.
fn modules_used(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    code.join("\n").split("crate::").skip(1).flat_map(first_names).collect()
}

/// `db` of `db::Pool`, and `db` and `http` of `{db::Pool, http::{Json, Query}}`.
fn first_names(path: &str) -> Vec<String> {
    let name = |part: &str| part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => parts.push(String::new()),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => parts.last_mut().into_iter().filter(|_| depth == 0).for_each(|part| part.push(c)),
        }
    }
    parts.iter().map(|part| name(part)).collect()
}

/// All Rust files below a folder, without what cargo built.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
