//! What `cargo metadata` says: who depends on whom and on what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A crate of the workspace.
struct Member {
    folder: String,
    layer: Option<u64>,
    /// Name and kind (`null`, `dev`, `build`) of each dependency.
    dependencies: Vec<(String, Option<String>)>,
    features: Vec<String>,
}

#[expect(clippy::disallowed_methods, reason = "the test asks cargo")]
fn metadata() -> Value {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        // What other systems would link is none of this list's business.
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

pub(crate) fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the root")
}

fn members(metadata: &Value) -> BTreeMap<String, Member> {
    let ids: BTreeSet<&str> =
        array(&metadata["workspace_members"]).filter_map(Value::as_str).collect();
    array(&metadata["packages"])
        .filter(|package| package["id"].as_str().is_some_and(|id| ids.contains(id)))
        .map(|package| {
            let manifest = std::path::PathBuf::from(text(&package["manifest_path"]));
            let folder = manifest.parent().expect("a folder").strip_prefix(root()).expect("inside");
            let member = Member {
                folder: folder.display().to_string(),
                layer: package["metadata"]["st2"]["layer"].as_u64(),
                dependencies: array(&package["dependencies"])
                    .map(|d| (text(&d["name"]), d["kind"].as_str().map(str::to_owned)))
                    .collect(),
                features: package["features"]
                    .as_object()
                    .expect("features")
                    .keys()
                    .cloned()
                    .collect(),
            };
            (text(&package["name"]), member)
        })
        .collect()
}

/// The packages that are linked on this platform.
fn linked(metadata: &Value) -> Vec<&Value> {
    let nodes: BTreeSet<&str> =
        array(&metadata["resolve"]["nodes"]).filter_map(|node| node["id"].as_str()).collect();
    array(&metadata["packages"])
        .filter(|package| package["id"].as_str().is_some_and(|id| nodes.contains(id)))
        .collect()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn crates_depend_on_lower_layers_only() {
    let members = members(&metadata());
    let mut problems = Vec::new();
    for (name, member) in &members {
        let Some(layer) = member.layer else {
            problems.push(format!("{name}: [package.metadata.st2] layer is missing"));
            continue;
        };
        for (dependency, kind) in &member.dependencies {
            let Some(other) = members.get(dependency) else {
                continue;
            };
            // Tests and benchmarks of a crate may use the embedded backends, the port suites and
            // the test kits.
            let is_test_kit =
                ["st2-memory", "st2-sqlite", "st2-ports", "st2-support", "st2-vectors"]
                    .contains(&dependency.as_str());
            let is_for_tests =
                kind.as_deref() == Some("dev") || member.folder.starts_with("tests/");
            if is_for_tests && is_test_kit {
                continue;
            }
            if other.layer >= Some(layer) {
                problems.push(format!(
                    "{name} (layer {layer}) depends on {dependency} ({:?})",
                    other.layer
                ));
            }
        }
    }
    none(&problems);
}

#[test]
fn crates_are_named_after_their_folders() {
    let mut problems = Vec::new();
    let mut last_components = BTreeSet::new();
    for (name, member) in &members(&metadata()) {
        let last = member.folder.rsplit('/').next().unwrap_or_default().to_owned();
        let expected =
            if member.folder == "sdk/rust" { "st2-sdk".to_owned() } else { format!("st2-{last}") };
        if *name != expected {
            problems.push(format!("{}: the crate is {name}, not {expected}", member.folder));
        }
        if member.folder.matches('/').count() > 1 {
            problems.push(format!("{}: deeper than two levels", member.folder));
        }
        if !last_components.insert(last) {
            problems.push(format!("{}: another folder has this name", member.folder));
        }
    }
    none(&problems);
}

#[test]
fn forbidden_edges_do_not_exist() {
    // (what, the folders that may depend on it)
    let fences: &[(&str, &[&str])] = &[
        ("st2-memory", &["services/daemons", "tests/"]),
        ("st2-sqlite", &["services/daemons", "tests/"]),
        ("st2-socket", &["services/daemons", "tests/"]),
        ("st2-process", &["runners/", "services/daemons", "tests/"]),
    ];
    let no_wire = ["core/ports", "core/rules", "core/execution"];
    let mut problems = Vec::new();
    for (name, member) in &members(&metadata()) {
        for (dependency, kind) in &member.dependencies {
            if kind.as_deref() == Some("dev") {
                continue;
            }
            for (fenced, allowed) in fences {
                if dependency == fenced && !allowed.iter().any(|a| member.folder.starts_with(a)) {
                    problems.push(format!("{name} may not depend on {fenced}"));
                }
            }
            if dependency == "st2-wire" && no_wire.contains(&member.folder.as_str()) {
                problems.push(format!("{name} may not know the wire formats"));
            }
        }
    }
    none(&problems);
}

#[test]
fn libraries_stay_with_their_owners() {
    // (library, the folders that may use it)
    let owners: &[(&str, &[&str])] = &[
        ("nix", &["host/process"]),
        ("rusqlite", &["backends/sqlite"]),
        ("notify", &["core/content", "packs/linux"]),
        ("axum", &["services/http", "services/api", "services/auth"]),
        ("hyper", &["services/http"]),
        ("tower-http", &["services/http"]),
        ("reqwest", &["clients/client"]),
        ("clap", &["clients/cli", "services/daemons"]),
        ("anyhow", &["services/daemons", "clients/cli", "tests/"]),
        ("minijinja", &["core/expr"]),
        ("jsonschema", &["core/schema"]),
    ];
    let pure =
        ["core/model", "core/expr", "core/schema", "core/wire", "core/rules", "sdk/protocol"];
    let mut problems = Vec::new();
    for (name, member) in &members(&metadata()) {
        for (dependency, kind) in &member.dependencies {
            if kind.as_deref() == Some("dev") {
                continue;
            }
            for (library, folders) in owners {
                if dependency == library && !folders.iter().any(|f| member.folder.starts_with(f)) {
                    problems.push(format!("{name} may not use {library}"));
                }
            }
            if dependency == "tokio" && pure.contains(&member.folder.as_str()) {
                problems.push(format!("{name} is pure and may not use tokio"));
            }
        }
    }
    none(&problems);
}

#[test]
fn the_only_feature_is_the_test_suite() {
    let mut problems = Vec::new();
    for (name, member) in &members(&metadata()) {
        for feature in &member.features {
            if (name.as_str(), feature.as_str()) != ("st2-ports", "test-suite") {
                problems.push(format!("{name}: feature {feature}"));
            }
        }
    }
    none(&problems);
}

#[test]
fn there_is_one_tls_provider() {
    let metadata = metadata();
    let linked: BTreeSet<String> = array(&metadata["packages"]).map(|p| text(&p["name"])).collect();
    for banned in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"] {
        assert!(!linked.contains(banned), "{banned}: two TLS providers in one process panic");
    }
}

#[test]
fn licences_are_permissive() {
    let allowed = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Unicode-3.0",
        "Zlib",
        "0BSD",
        "Unlicense",
        "CC0-1.0",
        "BSL-1.0",
        "MIT-0",
        "Apache-2.0 WITH LLVM-exception",
        "CDLA-Permissive-2.0",
        "MPL-2.0",
    ];
    let mut problems = Vec::new();
    for package in array(&metadata()["packages"]) {
        // It names no expression, but carries the MIT licence as its only licence file.
        let is_mit_by_file = package["name"] == "libyaml-safer";
        let licence = text(&package["license"]).replace('/', " OR ");
        let alternatives = licence.split(" OR ").map(|part| part.trim_matches(['(', ')', ' ']));
        let fine = alternatives.into_iter().any(|alternative| {
            alternative
                .split(" AND ")
                .all(|part| allowed.contains(&part.trim_matches(['(', ')', ' '])))
        });
        if !fine && !is_mit_by_file {
            problems.push(format!("{}: {licence}", text(&package["name"])));
        }
    }
    none(&problems);
}

#[test]
fn duplicate_versions_are_listed_with_a_reason() {
    let listed: BTreeMap<&str, &str> = include_str!("../duplicates.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('\t').expect("name, tab, reason"))
        .collect();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let metadata = metadata();
    for package in linked(&metadata) {
        versions.entry(text(&package["name"])).or_default().insert(text(&package["version"]));
    }
    let mut problems = Vec::new();
    for (name, versions) in &versions {
        if versions.len() > 1 && !listed.contains_key(name.as_str()) {
            problems.push(format!("{name}: {versions:?} is not in duplicates.txt"));
        }
    }
    for name in listed.keys() {
        if versions.get(*name).is_none_or(|versions| versions.len() < 2) {
            problems
                .push(format!("{name}: is no longer duplicated, remove it from duplicates.txt"));
        }
    }
    none(&problems);
}

#[test]
fn every_library_is_explained() {
    let page = std::fs::read_to_string(root().join("docs/dependencies.md")).expect("the page");
    let mut problems = BTreeSet::new();
    for member in members(&metadata()).values() {
        for (dependency, _) in &member.dependencies {
            if !dependency.starts_with("st2-") && !page.contains(&format!("`{dependency}`")) {
                problems.insert(format!("{dependency}: not in docs/dependencies.md"));
            }
        }
    }
    none(&problems.into_iter().collect::<Vec<_>>());
}
