//! The recorded HTTP answers.

use std::collections::BTreeMap;

use serde_json::Value;
use st2_support::{Node, NodeOptions};

use crate::play::{Player, folder, listed};

#[test]
fn vectors_api() -> anyhow::Result<()> {
    let text = std::fs::read_to_string(folder("vectors").join("api.jsonl"))?;
    let listed = listed("api.txt")?;
    let mut options = NodeOptions::open();
    options.packs.push(folder("packs").join("default"));
    let url = ("ST2_WEBUI__WEBUI_BASE_URL".to_owned(), "http://127.0.0.1".to_owned());
    options.environment.push(url);
    let node = Node::start(&options)?;
    let player = Player::new(&node)?;
    let mut differences = BTreeMap::new();
    let mut steps = 0;
    for line in text.lines().skip(1) {
        let scenario: Value = serde_json::from_str(line)?;
        steps += scenario["steps"].as_array().map_or(0, Vec::len);
        differences.extend(player.play(&scenario)?);
    }
    println!("{} of {steps} steps are as recorded", steps - differences.len());
    let unlisted: Vec<String> = differences
        .iter()
        .filter(|(step, _)| !listed.contains(*step))
        .map(|(step, difference)| format!("{step}\t{difference}"))
        .collect();
    let obsolete: Vec<&String> =
        listed.iter().filter(|step| !differences.contains_key(*step)).collect();
    assert!(unlisted.is_empty(), "steps that differ:\n{}", unlisted.join("\n"));
    assert!(obsolete.is_empty(), "steps that no longer differ: {obsolete:?}");
    assert!(node.stop()?, "the node did not end well");
    Ok(())
}
