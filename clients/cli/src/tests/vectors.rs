//! The recorded answers of the reference client (`tests/contract/vectors/cli_params.jsonl`).
//!
//! Texts of failures come from its language and need only be failures of the same kind: same exit
//! code, one text in the same place. Usage texts differ by design; exit code 2 counts. The reference
//! colours pipes too, ours terminals only: lines with a `TERM` are played as to a terminal.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::play::{Played, Scene};
use super::stub::{Answer, Asked, Reply, Stub};

#[tokio::test]
async fn vectors_cli_params() {
    st2_vectors::run_async("cli_params", async |_, vector| match vector["op"].as_str() {
        Some("run") => run(vector).await,
        Some("text") => text(vector).await,
        other => Err(format!("nothing can run the operation {other:?}")),
    })
    .await;
}

async fn run(vector: &Value) -> Result<(), String> {
    let (header, reference) = (defaults(), vector["action"].as_str().unwrap().to_owned());
    let parameters = |name: &str| vector.get(name).unwrap_or(&header[name]).clone();
    let action = json!({"id": "5e000000000000000000000a", "ref": reference, "runner_type": "local-shell-cmd",
        "parameters": parameters("action_parameters")});
    let runner =
        json!({"name": "local-shell-cmd", "runner_parameters": parameters("runner_parameters")});
    let (stub, played) = play(vector, answers(json!({"action": action, "runner": runner}))).await;
    let posted: Vec<Asked> =
        stub.asked().into_iter().filter(|asked| asked.method == "POST").collect();
    match (vector.get("body"), posted.as_slice()) {
        (Some(expected), [asked]) => same_body(expected, asked),
        (Some(_), _) => Err(format!("{} requests were posted; {played:?}", posted.len())),
        (None, []) => failed_alike(&vector["error"], &played),
        (None, [asked, ..]) => Err(format!("posted {}, but should have failed", asked.body)),
    }
}

fn same_body(expected: &Value, asked: &Asked) -> Result<(), String> {
    let (expected, digits) = exact_numbers(expected);
    if let Some(missing) = digits.iter().find(|digits| !asked.body.contains(digits.as_str())) {
        return Err(format!("{} lacks the digits {missing}", asked.body));
    }
    if asked.json() == expected {
        Ok(())
    } else {
        Err(format!("posted {}, not {expected}", asked.body))
    }
}

/// `{"$int": digits}` as the nearest number, with the digits that must stand in the text.
fn exact_numbers(value: &Value) -> (Value, Vec<String>) {
    let mut digits = Vec::new();
    let plain = replace(value, &mut digits);
    (plain, digits)
}

fn replace(value: &Value, digits: &mut Vec<String>) -> Value {
    match value {
        Value::Object(fields) => match fields.get("$int").and_then(Value::as_str) {
            Some(text) => {
                digits.push(text.to_owned());
                json!(text.parse::<f64>().unwrap())
            }
            None => Value::Object(
                fields.iter().map(|(name, value)| (name.clone(), replace(value, digits))).collect(),
            ),
        },
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| replace(item, digits)).collect())
        }
        other => other.clone(),
    }
}

fn failed_alike(error: &Value, played: &Played) -> Result<(), String> {
    let code = error["exit"].as_u64().unwrap();
    if u64::from(played.code) != code {
        return Err(format!("exit code {}, not {code}: {played:?}", played.code));
    }
    let told = if code == 2 { !played.err.is_empty() } else { is_one_error(&played.out) };
    if told { Ok(()) } else { Err(format!("no text of the failure: {played:?}")) }
}

fn is_one_error(text: &str) -> bool {
    text.matches("ERROR: ").count() == 1 && text.ends_with("\n\n")
}

async fn text(vector: &Value) -> Result<(), String> {
    let (stub, played) = play(vector, answers(vector["data"].clone())).await;
    let expected = vector["exit"].as_u64().unwrap();
    if u64::from(played.code) != expected {
        return Err(format!("exit code {}, not {expected}: {played:?}", played.code));
    }
    if expected == 2 {
        return if played.err.is_empty() { Err("no usage text".to_owned()) } else { Ok(()) };
    }
    if played.out != vector["stdout"].as_str().unwrap() {
        return Err(format!(
            "printed\n{}\nnot\n{}",
            played.out,
            vector["stdout"].as_str().unwrap()
        ));
    }
    let asked: Vec<Value> = stub.asked().iter().map(as_recorded).collect();
    if json!(asked) == vector["requests"] { Ok(()) } else { Err(format!("asked {asked:?}")) }
}

fn as_recorded(asked: &Asked) -> Value {
    let mut recorded = Map::new();
    recorded.insert("method".to_owned(), asked.method.as_str().into());
    recorded.insert("path".to_owned(), asked.path.as_str().into());
    if !asked.query.is_empty() {
        recorded.insert("query".to_owned(), json!(asked.query));
    }
    if !asked.body.is_empty() {
        recorded.insert("body".to_owned(), asked.json());
    }
    Value::Object(recorded)
}

async fn play(vector: &Value, answer: Answer) -> (Stub, Played) {
    let stub = Stub::start(answer).await;
    let directory = tempfile::tempdir().unwrap();
    lay_out(directory.path());
    let mut scene = Scene::new(directory.path(), &stub.base);
    let given: BTreeMap<String, String> = vector
        .get("env")
        .map(|env| serde_json::from_value(env.clone()).unwrap())
        .unwrap_or_default();
    scene.terminal = given.contains_key("TERM") && vector["op"] == "text";
    if vector.get("note").is_some() {
        // The recording cut the environment down; what the stub needs goes on the command line.
        scene.env.clear();
    }
    scene.env.extend(given);
    let api = format!("{}/v1", stub.base);
    let words = vector["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let words: Vec<&str> = ["--api-url", &api].into_iter().chain(words).collect();
    let played = scene.play(&words).await;
    (stub, played)
}

fn lay_out(directory: &std::path::Path) {
    std::fs::write(directory.join("f.txt"), "file content\nline 2\n").unwrap();
    std::fs::write(directory.join("u.txt"), "J\u{f6}rg").unwrap();
    std::fs::write(directory.join("b.bin"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(directory.join("empty"), "").unwrap();
    std::fs::create_dir(directory.join("sub")).unwrap();
}

/// The parameters that the header of the file gives an action and its runner.
fn defaults() -> Value {
    json!({
        "action_parameters": {
            "s": {"type": "string"}, "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
            "l": {"type": "array"}, "li": {"type": "array", "items": {"type": "integer"}}, "o": {"type": "object"},
            "lo": {"type": "array", "items": {"type": "object"},
                "properties": {"k": {"type": "integer"}, "b": {"type": "boolean"}, "l": {"type": "array"}}},
            "nl": {"type": "null"}, "pos": {"type": "string", "position": 0}, "req": {"type": "string", "required": true}
        },
        "runner_parameters": {
            "cmd": {"type": "string"}, "timeout": {"type": "integer", "default": 60}, "sudo": {"type": "boolean"},
            "env": {"type": "object"}, "hosts": {"type": "string"}
        }
    })
}

/// The stub of the recording: list, execution, children, action and runner come from the vector.
fn answers(data: Value) -> Answer {
    Arc::new(move |asked: &Asked| {
        let part = |name: &str| data.get(name).cloned().unwrap_or(Value::Null);
        let path = asked.path.trim_end_matches('/');
        let reply = match (asked.method.as_str(), path) {
            ("GET", path) if path.starts_with("/v1/actions/") => {
                let known = part("action");
                return (path.rsplit('/').next() == known["ref"].as_str())
                    .then(|| Reply(200, None, known));
            }
            ("GET", "/v1/runnertypes") => json!([part("runner")]),
            ("GET", "/v1/executions") => part("list"),
            ("GET", path) if path.ends_with("/children") => part("children"),
            ("GET", path) if path.starts_with("/v1/executions/") => part("exec"),
            ("POST", "/v1/executions") => match part("exec") {
                Value::Null => json!({"id": "5e0000000000000000000001", "status": "requested"}),
                execution => execution,
            },
            _ => return None,
        };
        Some(Reply(200, None, reply))
    })
}
