//! One metadata file per line, put through the registrar.

use std::collections::BTreeSet;

use base64::Engine as _;
use serde_json::{Value, json};
use st2_model as model;
use st2_wire::content as wire;

use super::fixture::{PACK_YAML, Site};
use crate::{Kind, Report, Request};

#[tokio::test]
async fn vectors_content_errors() {
    st2_vectors::run_async("content_errors", async |_, line| run(line).await).await;
}

async fn run(line: &Value) -> Result<(), String> {
    let site = Site::new();
    let kind = line["kind"].as_str().expect("a kind");
    lay_out(&site, line, kind);
    let pack = line["pack"].as_str().unwrap_or("testpack");
    let request = Request { packs: Some(BTreeSet::from([pack.to_owned()])), ..Request::default() };
    let report = site.registrar.register(request).await.map_err(|error| error.to_string())?;
    let result = &line["result"];
    if let Some(error) = result.get("error") {
        return judge_error(error, &report);
    }
    if result.get("swallowed").is_some() {
        return match report.problems.is_empty() {
            true => Err("a problem was expected".into()),
            false => Ok(()),
        };
    }
    let root = site.dir.path().display().to_string();
    let mut ours = json!({});
    for member in result.as_object().expect("an object").keys() {
        let value = match member.as_str() {
            "count" => counts(kind, &report, &result["count"]),
            "accepted" => accepted(&site, kind).await,
            "trigger_types" => trigger_types(&site).await,
            "triggers" => triggers(&site).await,
            other => panic!("unknown member {other}"),
        };
        ours[member] = value;
    }
    let ours = ours.to_string();
    let ours = ours.replace(&format!("{root}/packs"), "<packs>").replace(&root, "<base>");
    let ours: Value = serde_json::from_str(&ours).expect("JSON");
    if ours != *result {
        return Err(format!(
            "expected {result}\n    found    {ours}\n    problems {:?}",
            report.problems
        ));
    }
    Ok(())
}

fn lay_out(site: &Site, line: &Value, kind: &str) {
    let pack = line["pack"].as_str().unwrap_or("testpack");
    let content = match line["b64"].as_str() {
        Some(text) => base64::engine::general_purpose::STANDARD.decode(text).expect("base64"),
        None => line["text"].as_str().expect("text").as_bytes().to_vec(),
    };
    site.write(&format!("packs/{pack}/pack.yaml"), PACK_YAML);
    for (file, text) in line["files"].as_object().into_iter().flatten() {
        let file = match file.strip_prefix("<base>/") {
            Some(file) => file.to_owned(),
            None => format!("packs/{pack}/{file}"),
        };
        site.write(&file, text.as_str().expect("text"));
    }
    let folder = match kind {
        "alias" => "aliases".to_owned(),
        "policy" => "policies".to_owned(),
        kind => format!("{kind}s"),
    };
    let name = |default: &str| line["file"].as_str().unwrap_or(default).to_owned();
    let file = match kind {
        "pack" => format!("packs/{pack}/pack.yaml"),
        "config_schema" => format!("packs/{pack}/config.schema.yaml"),
        "config" => format!("configs/{pack}.yaml"),
        "override" => format!("overrides/{}", name("testpack.yaml")),
        _ => format!("packs/{pack}/{folder}/{}", name("x.yaml")),
    };
    site.write(&file, content);
}

/// A problem that names the field, if the recorded answer does.
fn judge_error(error: &Value, report: &Report) -> Result<(), String> {
    let path: Vec<String> = error["path"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
        .filter(|part| part != "values")
        .collect();
    let path = path.join(".");
    let is_same = |field: &str| field.contains(&path) || path.starts_with(&format!("{field}."));
    if report.problems.iter().any(|problem| is_same(&problem.field)) {
        return Ok(());
    }
    let message: String = error["message"].to_string().chars().take(200).collect();
    Err(format!("expected {message} at {path:?}\n    found {:?}", report.problems))
}

fn counts(kind: &str, report: &Report, expected: &Value) -> Value {
    let kind = match kind {
        "action" | "override" => Kind::Actions,
        "sensor" => Kind::Sensors,
        "trigger" => Kind::Triggers,
        "rule" => Kind::Rules,
        "alias" => Kind::Aliases,
        "policy" => Kind::Policies,
        "config" => Kind::Configs,
        other => panic!("{other} is not counted"),
    };
    let count = report.counts.get(&kind).copied().unwrap_or_default();
    match expected {
        Value::Array(_) => json!([count.found, count.overridden]),
        _ => json!(count.found),
    }
}

async fn accepted(site: &Site, kind: &str) -> Value {
    match kind {
        "pack" => {
            let packs = site.all::<model::Pack>().await;
            packs.first().map_or(Value::Null, |pack| bare(wire::pack(pack)))
        }
        "action" | "override" => listed(site.all::<model::Action>().await, wire::action),
        "sensor" => listed(site.all::<model::SensorType>().await, wire::sensor_type),
        "alias" => listed(site.all::<model::ActionAlias>().await, wire::alias),
        "policy" => listed(site.all::<model::Policy>().await, wire::policy),
        "config" => listed(site.all::<model::Config>().await, wire::config),
        "config_schema" => listed(site.all::<model::ConfigSchema>().await, wire::config_schema),
        "rule" => {
            let triggers = site.all::<model::Trigger>().await;
            listed(site.all::<model::Rule>().await, |rule| {
                let trigger = triggers.iter().find(|t| t.reference.to_string() == rule.trigger);
                anonymous(wire::rule(rule, trigger))
            })
        }
        other => panic!("{other} is never accepted"),
    }
}

/// A trigger's made-up name is written `<uuid>`.
fn anonymous(mut rule: Value) -> Value {
    let reference = &mut rule["trigger"]["ref"];
    if let Some((pack, name)) = reference.as_str().and_then(|text| text.split_once('.'))
        && name.len() == 36
        && name.matches('-').count() == 4
    {
        *reference = json!(format!("{pack}.<uuid>"));
    }
    rule
}

async fn trigger_types(site: &Site) -> Value {
    let kinds = site.all::<model::TriggerType>().await.into_iter();
    let of_pack = kinds.filter(|kind| kind.reference.pack() == "testpack");
    listed(of_pack.collect(), wire::trigger_type)
}

async fn triggers(site: &Site) -> Value {
    let triggers = site.all::<model::Trigger>().await.into_iter();
    let of_pack = triggers.filter(|trigger| trigger.reference.pack() == "testpack");
    listed(of_pack.collect(), wire::trigger)
}

/// Views without ids, by ref.
fn listed<E>(records: Vec<E>, view: impl Fn(&E) -> Value) -> Value {
    let mut views: Vec<Value> = records.iter().map(|record| bare(view(record))).collect();
    views.sort_by_key(|view| view["ref"].to_string());
    Value::Array(views)
}

fn bare(mut view: Value) -> Value {
    view.as_object_mut().expect("an object").remove("id");
    view
}
