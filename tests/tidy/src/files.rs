//! What stands in the tracked files.

use std::path::{Path, PathBuf};

use crate::graph::root;

#[expect(clippy::disallowed_methods, reason = "the test asks git")]
fn tracked() -> Vec<PathBuf> {
    let output = std::process::Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git ls-files runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("names are UTF-8")
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|path| root().join(path).is_file())
        .collect()
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

fn sources() -> Vec<(PathBuf, String)> {
    tracked()
        .into_iter()
        .filter(|path| has_extension(path, "rs"))
        .map(|path| {
            let text = std::fs::read_to_string(root().join(&path)).expect("a source file");
            (path, text)
        })
        .collect()
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn source_files_say_what_they_are_and_stay_short() {
    let mut problems = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if !text.starts_with("//!") {
            problems.push(format!("{}: does not start with //!", path.display()));
        }
        if lines > 800 {
            problems.push(format!("{}: {lines} lines", path.display()));
        }
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            problems.push(format!("{}: name it after the module", path.display()));
        }
    }
    none(&problems);
}

#[test]
fn tests_are_not_switched_off() {
    let ignore = concat!("#[", "ignore");
    let should_panic = concat!("#[", "should_panic");
    let problems: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.contains(ignore) || text.contains(should_panic))
        .map(|(path, _)| path.display().to_string())
        .collect();
    none(&problems);
}

#[test]
fn the_map_names_every_crate_and_is_short() {
    let map = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    assert!(map.lines().count() <= 250, "ARCHITECTURE.md is longer than 250 lines");
    let mut problems = Vec::new();
    for path in tracked() {
        let Some(folder) = path.parent().filter(|_| path.ends_with("Cargo.toml")) else {
            continue;
        };
        let folder = folder.display().to_string();
        if !folder.is_empty() && !map.contains(&format!("`{folder}`")) {
            problems.push(format!("{folder} is not in ARCHITECTURE.md"));
        }
    }
    none(&problems);
}

#[test]
fn nothing_names_a_machine() {
    let banned = [concat!("/wo", "rk/"), concat!("/tmp/ba", "sh_jobs"), concat!("..", "/shared")];
    let mut problems = Vec::new();
    for path in tracked() {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else {
            continue;
        };
        for word in banned {
            if text.contains(word) {
                problems.push(format!("{}: {word}", path.display()));
            }
        }
    }
    none(&problems);
}

#[test]
fn recorded_answers_each_have_a_test() {
    let tests: String = sources().into_iter().map(|(_, text)| text).collect();
    let mut problems = Vec::new();
    for path in tracked() {
        if path.starts_with("tests/contract/vectors") {
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            if !tests.contains(&format!("vectors_{stem}")) {
                problems.push(format!("{}: no test vectors_{stem}", path.display()));
            }
        }
    }
    none(&problems);
}
