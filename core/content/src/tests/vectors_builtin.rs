//! What StackStorm registers for its own packs, of which we ship `core` and `linux`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use st2_model as model;
use st2_vectors::Recording;
use st2_wire::content as wire;

use super::fixture::Site;

#[tokio::test]
async fn vectors_content_builtin() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let packs = root.join("packs");
    let site = Site::with(|settings| {
        settings.base_paths = vec![packs.clone()];
        settings.runner_metadata = runner_metadata(&root.join("runners"));
    });
    let report = site.register().await;
    assert_eq!(report.problems, []);
    let views = views(&site).await;
    Recording::read("content_builtin").only(is_ours).run(|_, line| {
        let key = (text(&line["kind"]), text(&line["ref"]));
        let ours = views.get(&key).ok_or("found nothing")?.to_string();
        let ours = ours.replace(&packs.display().to_string(), "<packs>");
        let ours: Value = serde_json::from_str(&ours).expect("JSON");
        let is_same = match key.0.as_str() {
            // What a runner is described as is our own prose; all else of it is contract.
            "runner_type" => wordless(&ours) == wordless(&line["api"]),
            _ => ours == line["api"],
        };
        if is_same { Ok(()) } else { Err(format!("found {ours}")) }
    });
}

/// The value without descriptions.
fn wordless(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "description")
            .map(|(name, member)| (name.clone(), wordless(member)))
            .collect(),
        Value::Array(items) => items.iter().map(wordless).collect(),
        other => other.clone(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What belongs to no pack, and what belongs to a pack that we ship.
fn is_ours(line: &Value) -> bool {
    let reference = text(&line["ref"]);
    match text(&line["kind"]).as_str() {
        "rule_type" | "policy_type" => true,
        "runner_type" => {
            matches!(reference.as_str(), "noop" | "local-shell-cmd" | "local-shell-script")
        }
        // Triggers of rules of packs that we do not ship.
        "trigger" if reference.ends_with("<uuid>") => false,
        _ => {
            let pack = reference.split('.').next().unwrap_or_default();
            matches!(pack, "core" | "linux")
        }
    }
}

/// The metadata files of the runners' crates.
fn runner_metadata(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "metadata.yaml") {
                texts.push(std::fs::read_to_string(path).expect("text"));
            }
        }
    }
    texts
}

async fn views(site: &Site) -> BTreeMap<(String, String), Value> {
    let mut views = BTreeMap::new();
    let mut add = |kind: &str, mut view: Value| {
        view.as_object_mut().expect("an object").remove("id");
        let named = view.get("ref").or_else(|| view.get("name")).cloned();
        views.insert((kind.to_owned(), text(&named.expect("a name"))), view);
    };
    for pack in site.all::<model::Pack>().await {
        add("pack", wire::pack(&pack));
    }
    for runner in site.all::<model::RunnerType>().await {
        add("runner_type", wire::runner_type(&runner));
    }
    for action in site.all::<model::Action>().await {
        add("action", wire::action(&action));
    }
    for kind in site.all::<model::TriggerType>().await {
        add("trigger_type", wire::trigger_type(&kind));
    }
    for trigger in site.all::<model::Trigger>().await {
        add("trigger", wire::trigger(&trigger));
    }
    for sensor in site.all::<model::SensorType>().await {
        add("sensor", wire::sensor_type(&sensor));
    }
    for kind in site.all::<model::RuleType>().await {
        add("rule_type", wire::rule_type(&kind));
    }
    for kind in site.all::<model::PolicyType>().await {
        add("policy_type", wire::policy_type(&kind));
    }
    views
}
