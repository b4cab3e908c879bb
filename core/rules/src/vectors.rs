//! Recorded answers of the original, and the list of deliberate differences.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

mod criteria;
mod operators;

pub(crate) use criteria::rule;

/// The lines of `<stem>.jsonl`, the header first.
fn rows(stem: &str) -> (Value, Vec<Value>) {
    let folder = std::env::var_os("ST2_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contract/vectors")),
        PathBuf::from,
    );
    let path = folder.join(format!("{stem}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut rows: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let header = rows.remove(0);
    (header, rows)
}

fn differences(stem: &str) -> BTreeMap<String, String> {
    let path =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contract/differences"))
            .join(format!("{stem}.txt"));
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(id, reason)| (id.to_owned(), reason.to_owned()))
        .collect()
}

/// Runs `check` over every line; the listed lines must fail and all others must pass.
fn run(stem: &str, check: impl Fn(&Value, &Value) -> Result<(), String>) {
    let (header, rows) = rows(stem);
    let mut listed = differences(stem);
    let mut problems = Vec::new();
    for row in &rows {
        let id = row["id"].as_str().unwrap();
        let difference = listed.remove(id);
        match (check(&header, row), difference) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(reason)) => {
                problems.push(format!("{id}: passes, but is listed as different: {reason}"));
            }
            (Err(problem), None) => problems.push(format!("{id}: {problem}\n    {row}")),
        }
    }
    problems
        .extend(listed.into_keys().map(|id| format!("{id}: listed, but there is no such line")));
    let count = problems.len();
    assert!(problems.is_empty(), "{count} problems:\n{}", problems.join("\n"));
}
