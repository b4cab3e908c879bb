//! Resources, keys, packs and what belongs to no family: what is asked, printed, and how it ends.

use std::sync::Arc;

use serde_json::{Value, json};

use super::play::{Scene, ok, play, play_with, table};
use super::stub::{Answer, Asked, Reply};

fn rule() -> Value {
    json!({"id": "5e0000000000000000000001", "ref": "p.r", "pack": "p", "name": "r", "description": "A rule",
        "enabled": true, "trigger": {"ref": "core.t", "parameters": {}}, "action": {"ref": "core.noop", "parameters": {}},
        "criteria": {}, "tags": []})
}

#[tokio::test]
async fn rules_are_listed_filtered_and_counted() {
    let answer = || table(vec![("GET", "/v1/rules", Reply(200, Some(7), json!([rule()])))]);
    let (stub, played) =
        play(answer(), &["rule", "list", "-n", "1", "-p", "p", "-g", "core.t", "--enabled"]).await;
    assert_eq!(
        played.out,
        "+-----+------+-------------+---------+\n| ref | pack | description | enabled |\n+-----+------+-------------+---------+\n\
         | p.r | p    | A rule      | True    |\n+-----+------+-------------+---------+\n"
    );
    assert!(
        played
            .err
            .contains("| Note: Only one rule is displayed. Use -n/--last flag for more results. |"),
        "{}",
        played.err
    );
    let asked = &stub.asked()[0];
    assert_eq!(asked.path, "/v1/rules/");
    let expected = [
        ("enabled", "True"),
        ("include_attributes", "ref,pack,description,enabled"),
        ("limit", "1"),
        ("pack", "p"),
        ("trigger", "core.t"),
    ];
    let sent: Vec<(&str, &str)> =
        asked.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(sent, expected);
    let (_, played) = play(answer(), &["rule", "list", "--iftt"]).await;
    assert!(played.out.contains("| p.r | core.t      | core.noop  | True    |"), "{}", played.out);
    let (_, played) = play(answer(), &["rule", "list", "-o", "name"]).await;
    assert_eq!((played.out.as_str(), played.err.as_str()), ("p.r\n", ""));
    let (_, played) =
        play(answer(), &["rule", "list", "-o", "jsonl", "-a", "ref", "trigger.ref"]).await;
    assert_eq!(played.out, "{\"ref\":\"p.r\",\"trigger\":{\"ref\":\"core.t\"}}\n");
}

#[tokio::test]
async fn an_empty_list_says_so() {
    let answer = || table(vec![("GET", "/v1/sensortypes", ok(json!([])))]);
    let (_, played) = play(answer(), &["sensor", "list"]).await;
    assert_eq!((played.code, played.out.as_str()), (0, "No matching items found\n"));
    let (_, played) = play(answer(), &["sensor", "list", "-j"]).await;
    assert_eq!(played.out, "[]\n");
    let (_, played) = play(answer(), &["sensor", "list", "-y"]).await;
    assert_eq!(played.out, "[]\n\n");
}

#[tokio::test]
async fn items_are_shown_and_missing_ones_named() {
    let answer = || table(vec![("GET", "/v1/rules/p.r", ok(rule()))]);
    let (_, played) = play(answer(), &["rule", "get", "p.r"]).await;
    assert_eq!(played.code, 0);
    let names: Vec<&str> = played
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_whitespace().next())
        .collect();
    assert_eq!(&names[..6], ["Property", "id", "ref", "pack", "name", "description"]);
    let (_, played) = play(answer(), &["rule", "get", "p.none"]).await;
    assert_eq!(
        (played.code, played.out.as_str()),
        (1, "Rule \"p.none\" is not found.\n\nERROR: Resource p.none not found.\n\n")
    );
    let (_, played) =
        play(answer(), &["rule", "get", "-j", "-a", "ref", "--", "p.none", "p.r"]).await;
    assert_eq!(
        (played.code, played.out.as_str()),
        (0, "Rule \"p.none\" is not found.\n\n{\n    \"ref\": \"p.r\"\n}\n")
    );
    let (_, played) =
        play(answer(), &["rule", "get", "-o", "json", "-a", "ref", "--", "p.r", "p.r"]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&played.out).unwrap(),
        json!([{"ref": "p.r"}, {"ref": "p.r"}])
    );
}

#[tokio::test]
async fn rules_are_created_from_files() {
    let answer = || table(vec![("POST", "/v1/rules", Reply(201, None, rule()))]);
    let files = |scene: &mut Scene| {
        std::fs::write(scene.directory.join("rule.yaml"), "name: r\npack: p\nenabled: yes\n")
            .unwrap();
        std::fs::write(scene.directory.join("bad.yaml"), "name: [r\n").unwrap();
        std::fs::write(scene.directory.join("rule.txt"), "{}").unwrap();
    };
    let (stub, played) = play_with(answer(), &["rule", "create", "rule.yaml"], files).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(stub.asked()[0].json(), json!({"name": "r", "pack": "p", "enabled": true}));
    for (name, reason) in [
        ("none.yaml", "does not exist."),
        ("bad.yaml", "line "),
        ("rule.txt", "must end in .json, .yaml or .yml"),
    ] {
        let (stub, played) = play_with(answer(), &["rule", "create", name], files).await;
        assert_eq!((played.code, stub.asked().len()), (2, 0), "{name}");
        assert!(
            played.out.starts_with("ERROR: File \"")
                && played.out.contains(reason)
                && played.out.contains(name),
            "{}",
            played.out
        );
    }
    let refused = table(vec![(
        "POST",
        "/v1/rules",
        Reply(409, None, json!({"faultstring": "p.r is there already"})),
    )]);
    let (stub, played) = play_with(refused, &["rule", "create", "rule.yaml"], files).await;
    assert_eq!(played.code, 2);
    let expected = format!(
        "ERROR: 409 Client Error: Conflict\nMESSAGE: p.r is there already for url: {}/v1/rules\n",
        stub.base
    );
    assert_eq!(played.out, expected);
}

#[tokio::test]
async fn updates_go_to_the_id_and_refuse_another_one() {
    let answer = || {
        table(vec![
            ("GET", "/v1/rules/p.r", ok(rule())),
            ("PUT", "/v1/rules/5e0000000000000000000001", ok(rule())),
        ])
    };
    let files = |scene: &mut Scene| {
        std::fs::write(scene.directory.join("rule.json"), r#"{"name": "r"}"#).unwrap();
        std::fs::write(scene.directory.join("other.json"), r#"{"id": "x"}"#).unwrap();
        std::fs::write(scene.directory.join("list.json"), "[]").unwrap();
    };
    let (stub, played) = play_with(answer(), &["rule", "update", "p.r", "rule.json"], files).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(stub.asked()[1].json(), json!({"name": "r", "id": "5e0000000000000000000001"}));
    for name in ["other.json", "list.json"] {
        let (stub, played) = play_with(answer(), &["rule", "update", "p.r", name], files).await;
        assert_eq!((played.code, stub.asked().len()), (2, 1), "{name}");
    }
}

#[tokio::test]
async fn switching_sends_the_whole_object_back() {
    let answer = table(vec![
        ("GET", "/v1/rules/p.r", ok(rule())),
        ("PUT", "/v1/rules/5e0000000000000000000001", ok(rule())),
    ]);
    let (stub, played) = play(answer, &["rule", "disable", "p.r"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    let mut expected = rule();
    expected["enabled"] = json!(false);
    assert_eq!(stub.asked()[1].json(), expected);
}

#[tokio::test]
async fn deleting_looks_first_and_counts_what_is_gone_as_deleted() {
    let answer = || {
        table(vec![
            ("GET", "/v1/actions/p.a", ok(json!({"id": "1", "ref": "p.a"}))),
            ("GET", "/v1/rules/p.r", ok(rule())),
            ("DELETE", "/v1/actions/1", Reply(204, None, json!(""))),
        ])
    };
    let (stub, played) = play(answer(), &["action", "delete", "-r", "p.a"]).await;
    assert_eq!(
        (played.code, played.out.as_str()),
        (0, "Resource with id \"p.a\" has been successfully deleted.\n")
    );
    assert_eq!(stub.asked()[1].json(), json!({"remove_files": true}));
    let (stub, played) = play(answer(), &["rule", "delete", "p.r"]).await;
    assert_eq!((played.code, stub.asked()[1].body.as_str()), (0, ""));
    let (_, played) = play(answer(), &["rule", "delete", "p.none"]).await;
    assert_eq!((played.code, played.out.as_str()), (2, "Rule \"p.none\" is not found.\n\n"));
}

#[tokio::test]
async fn keys_are_set_read_and_deleted() {
    let item = json!({"name": "a/b", "value": "v", "scope": "st2kv.system", "secret": false});
    let answer = || {
        table(vec![
            ("PUT", "/v1/keys/a%2Fb", ok(item.clone())),
            ("GET", "/v1/keys/a%2Fb", ok(item.clone())),
            ("DELETE", "/v1/keys/a%2Fb", Reply(204, None, json!(""))),
            ("GET", "/v1/keys", Reply(200, Some(1), json!([item.clone()]))),
        ])
    };
    let (stub, played) = play(answer(), &["key", "set", "-e", "-l", "60", "a/b", "v"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(
        stub.asked()[0].json(),
        json!({"name": "a/b", "value": "v", "scope": "system", "user": null, "secret": true, "ttl": 60})
    );
    let asked = |scene: &mut Scene| scene.answers = vec!["typed".to_owned()];
    let (stub, _) = play_with(answer(), &["key", "set", "a/b"], asked).await;
    assert_eq!(stub.asked()[0].json()["value"], "typed");
    let (stub, _) = play_with(answer(), &["key", "set", "a/b", "-"], asked).await;
    assert_eq!(stub.asked()[0].json()["value"], "typed");
    let (stub, played) = play(answer(), &["key", "get", "a/b", "-d", "-j"]).await;
    assert_eq!(serde_json::from_str::<Value>(&played.out).unwrap(), item);
    assert_eq!(stub.asked()[0].query["decrypt"], "true");
    let (stub, played) = play(answer(), &["key", "list", "--prefix", "a"]).await;
    assert!(played.out.contains("| a/b  | v     | False  |"), "{}", played.out);
    let query = &stub.asked()[0].query;
    assert_eq!(
        (query["scope"].as_str(), query["limit"].as_str(), query["prefix"].as_str()),
        ("all", "50", "a")
    );
    let (stub, played) = play(answer(), &["key", "delete", "a/b"]).await;
    assert_eq!((played.code, stub.asked()[1].query["scope"].as_str()), (0, "system"));
    let (_, played) = play(answer(), &["key", "delete", "none"]).await;
    assert_eq!(played.code, 2);
}

#[tokio::test]
async fn deleting_by_prefix_takes_all_pages() {
    let answer: Answer = Arc::new(|asked: &Asked| {
        if asked.method == "DELETE" {
            return Some(Reply(204, None, json!("")));
        }
        let offset: usize = asked.query["offset"].parse().unwrap();
        let names =
            (offset..(offset + 100).min(150)).map(|number| json!({"name": format!("k{number}")}));
        Some(Reply(200, Some(150), names.collect()))
    });
    let (stub, played) = play(answer, &["key", "delete_by_prefix", "-p", "k"]).await;
    assert!(
        played.out.starts_with("Deleted 150 keys\nDeleted key ids: k0, k1, "),
        "{}",
        played.out
    );
    assert_eq!(stub.asked().iter().filter(|asked| asked.method == "DELETE").count(), 150);
}

#[tokio::test]
async fn a_file_of_keys_is_checked_before_the_first_is_stored() {
    let answer = || {
        table(vec![
            ("PUT", "/v1/keys/a", ok(json!({"name": "a", "value": "1"}))),
            ("PUT", "/v1/keys/b", ok(json!({"name": "b", "value": "{}"}))),
        ])
    };
    let files = |scene: &mut Scene| {
        std::fs::write(
            scene.directory.join("k.yaml"),
            "- {name: a, value: '1'}\n- {name: b, value: {x: 1}}\n",
        )
        .unwrap();
    };
    let (stub, played) = play_with(answer(), &["key", "load", "k.yaml"], files).await;
    assert_eq!((played.code, stub.asked().len()), (2, 0));
    assert!(
        played.out.contains("k.yaml\", item 2: the value of \"b\" is no text"),
        "{}",
        played.out
    );
    let (stub, played) = play_with(answer(), &["key", "load", "-c", "k.yaml"], files).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(stub.asked()[1].json()["value"], "{\"x\":1}");
}

#[tokio::test]
async fn packs_are_installed_by_an_execution() {
    let done = json!({"id": "e1", "status": "succeeded", "result": {"output": {"packs_list": ["p"], "warning_list": ["mind the gap"]}}});
    let answer = |end: Value| {
        table(vec![
            ("POST", "/v1/packs/install", Reply(202, None, json!({"execution_id": "e1"}))),
            ("POST", "/v1/packs/register", ok(json!({"actions": 3}))),
            ("GET", "/v1/executions/e1", ok(end)),
            ("GET", "/v1/packs/p", ok(json!({"ref": "p", "name": "p", "version": "1.0.0"}))),
        ])
    };
    let (stub, played) = play(answer(done.clone()), &["pack", "install", "p", "--force"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(
        stub.asked()[0].json(),
        json!({"packs": ["p"], "force": true, "skip_dependencies": false})
    );
    assert!(
        played.out.contains("| version     | 1.0.0 |") && played.err.contains("mind the gap"),
        "{played:?}"
    );
    let (_, played) =
        play(answer(json!({"id": "e1", "status": "failed"})), &["pack", "install", "p"]).await;
    assert_eq!(played.code, 1);
    let (stub, played) =
        play(answer(done), &["pack", "register", "p", "--types", "actions", "rules"]).await;
    assert!(played.out.contains("| actions  | 3     |"), "{}", played.out);
    assert_eq!(stub.asked()[0].json(), json!({"packs": ["p"], "types": ["actions", "rules"]}));
}

#[tokio::test]
async fn trigger_instances_are_newest_last_and_reported_again() {
    let instance = |id: &str| json!({"id": id, "trigger": "core.t", "occurrence_time": "2020-01-01T10:00:00.000000Z", "status": "processed"});
    let answer = || {
        table(vec![
            ("GET", "/v1/triggerinstances", ok(json!([instance("new"), instance("old")]))),
            ("POST", "/v1/triggerinstances/i/re_emit", ok(json!({"message": "again"}))),
        ])
    };
    let (_, played) = play(answer(), &["trigger-instance", "list"]).await;
    assert!(played.out.find("old").unwrap() < played.out.find("new").unwrap(), "{}", played.out);
    let (_, played) = play(answer(), &["trigger-instance", "re-emit", "i"]).await;
    assert_eq!(played.out, "again\n");
}

#[tokio::test]
async fn help_and_mistakes_end_as_scripts_expect() {
    let answer = || table(vec![]);
    let (_, played) = play(answer(), &[]).await;
    assert_eq!((played.code, played.out.as_str()), (2, ""));
    assert!(played.err.contains("Getting started:"), "{}", played.err);
    for words in [
        &["nonsense"][..],
        &["rule"][..],
        &["rule", "list", "--nonsense"][..],
        &["run"][..],
        &["key", "set"][..],
    ] {
        let (_, played) = play(answer(), words).await;
        assert_eq!((played.code, played.out.as_str()), (2, ""), "{words:?}");
        assert!(!played.err.is_empty());
    }
    for words in [
        &["--help"][..],
        &["rule", "list", "--help"][..],
        &["run", "-h"][..],
        &["action", "execute", "--help"][..],
    ] {
        let (_, played) = play(answer(), words).await;
        assert_eq!((played.code, played.err.as_str()), (0, ""), "{words:?}");
        assert!(played.out.contains("Usage: st2"), "{}", played.out);
    }
    let (_, played) = play(answer(), &["--version"]).await;
    assert_eq!(played.out, format!("st2 {}\n", env!("CARGO_PKG_VERSION")));
    let (_, played) = play(answer(), &["completion", "bash"]).await;
    assert!(played.out.contains("_st2()"), "{}", played.out);
}

#[tokio::test]
async fn long_options_may_be_shortened() {
    let answer = table(vec![("GET", "/v1/rules", ok(json!([])))]);
    let (stub, played) = play(answer, &["rule", "list", "--trig", "core.t"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(stub.asked()[0].query["trigger"], "core.t");
}

/// Every group lists and shows, and every command explains itself.
#[test]
fn every_command_has_help_and_no_option_twice() {
    crate::args::command().debug_assert();
}

#[tokio::test]
async fn commands_of_single_groups_ask_and_tell() {
    let answer = || {
        table(vec![
            (
                "POST",
                "/v1/apikeys",
                Reply(201, None, json!({"id": "k", "key": "secret", "user": "joe"})),
            ),
            ("PUT", "/v1/inquiries/i", ok(json!({}))),
            ("POST", "/v1/workflows/inspect", ok(json!([]))),
            ("GET", "/v1/actions/p.b", ok(json!({"id": "b"}))),
            ("POST", "/v1/actions/p.a/clone", Reply(201, None, json!({"ref": "p.b"}))),
            (
                "POST",
                "/v1/actionalias/match",
                ok(json!({"actionalias": {"name": "deploy", "description": "d"}})),
            ),
            (
                "POST",
                "/v1/aliasexecution/match_and_execute",
                Reply(
                    201,
                    None,
                    json!({"results": [
                {"actionalias": {"ref": "p.deploy"}, "execution": {"id": "e1"}}]}),
                ),
            ),
            ("POST", "/v1/packs/index/search", ok(json!([]))),
        ])
    };
    let (stub, played) =
        play(answer(), &["apikey", "create", "-u", "joe", "-m", "{\"a\": 1}", "-k"]).await;
    assert_eq!((played.code, played.out.as_str()), (0, "secret\n"));
    assert_eq!(stub.asked()[0].json(), json!({"user": "joe", "metadata": {"a": 1}}));
    let (_, played) = play(answer(), &["apikey", "create", "-m", "[]"]).await;
    assert!(played.out.contains("--metadata must be a JSON object"), "{}", played.out);
    let (stub, played) = play(answer(), &["inquiry", "respond", "i", "-r", "{\"go\": true}"]).await;
    assert_eq!(played.out, "\nResponse accepted for inquiry i.\n");
    assert_eq!(stub.asked()[0].json(), json!({"id": "i", "response": {"go": true}}));
    let file = |scene: &mut Scene| {
        std::fs::write(scene.directory.join("w.yaml"), "version: 1.0\n").unwrap()
    };
    let (stub, played) =
        play_with(answer(), &["workflow", "inspect", "--file", "w.yaml"], file).await;
    assert_eq!(played.out, "No errors found in workflow definition.\n");
    assert_eq!(
        (stub.asked()[0].body.as_str(), stub.asked()[0].headers["content-type"].as_str()),
        ("version: 1.0\n", "text/plain")
    );
    let (stub, played) = play(answer(), &["action", "clone", "p.a", "p", "b"]).await;
    assert_eq!((played.code, stub.asked().len()), (1, 1), "{played:?}");
    let yes = |scene: &mut Scene| scene.answers = vec!["y".to_owned()];
    let (stub, _) = play_with(answer(), &["action", "clone", "p.a", "p", "b"], yes).await;
    assert_eq!(
        stub.asked()[1].json(),
        json!({"dest_pack": "p", "dest_action": "b", "overwrite": true})
    );
    let (_, played) = play(answer(), &["action-alias", "match", "deploy it"]).await;
    assert!(played.out.contains("| deploy | d           |"), "{}", played.out);
    let (_, played) = play(answer(), &["action-alias", "execute", "deploy it"]).await;
    assert_eq!(
        played.out,
        "Matching Action-alias: 'p.deploy'\nTo get the results, execute:\n st2 execution get e1\n"
    );
    let (_, played) = play(answer(), &["pack", "search", "x"]).await;
    assert_eq!(played.out, "No matching items found\n");
    let (_, played) = play(answer(), &["pack", "show", "x"]).await;
    assert_eq!(played.code, 1);
}
