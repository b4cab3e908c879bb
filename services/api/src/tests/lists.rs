//! What all lists share: pages, counts, order, names and projections.

use serde_json::{Value, json};

use super::Site;

fn refs(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|one| one["ref"].as_str().expect("a ref")).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_count_everything() {
    let site = Site::new().await;
    for (query, expected, total, limit) in [
        ("", vec!["demo.plain", "other.plain"], "2", None),
        ("?limit=1", vec!["demo.plain"], "2", Some("1")),
        ("?limit=1&offset=1", vec!["other.plain"], "2", Some("1")),
        ("?limit=1&offset=9", vec![], "2", Some("1")),
        ("?limit=-1&offset=1", vec!["other.plain"], "2", None),
        ("?pack=other", vec!["other.plain"], "1", None),
        ("?name=plain", vec!["demo.plain", "other.plain"], "2", None),
        ("?name=plain&pack=demo", vec!["demo.plain"], "1", None),
        ("?name=plain&limit=1&offset=1", vec!["other.plain"], "2", Some("1")),
        ("?name=lain", vec![], "0", None),
        ("?sort=-ref", vec!["other.plain", "demo.plain"], "2", None),
        ("?sort=-name", vec!["demo.plain", "other.plain"], "2", None),
        ("?sort=nonsense", vec!["demo.plain", "other.plain"], "2", None),
    ] {
        let answer = site.send("GET", &format!("/actions{query}"), None).await;
        assert_eq!(refs(&answer.body), expected, "{query}");
        let header = |name: &str| {
            answer.headers.get(name).map(|value| value.to_str().expect("text").to_owned())
        };
        assert_eq!(header("x-total-count").as_deref(), Some(total), "{query}");
        assert_eq!(header("x-limit").as_deref(), limit, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn projections_keep_what_identifies() {
    let site = Site::new().await;
    let list = site.get("/actions?pack=demo&include_attributes=parameters.text.type,enabled").await;
    let id = list[0]["id"].clone();
    assert_eq!(
        list,
        json!([{
            "ref": "demo.plain",
            "enabled": true,
            "parameters": {"text": {"type": "string"}},
            "id": id,
        }])
    );
    let list = site.get("/actions?exclude_attributes=parameters,notify").await;
    assert_eq!((list[0].get("parameters"), list[0].get("notify")), (None, None));
    for (query, fault) in [
        ("include_attributes=x", "Invalid or unsupported include attribute specified: x"),
        ("exclude_attributes=name", "Invalid or unsupported exclude attribute specified: name"),
    ] {
        let path = format!("/actions?{query}");
        assert_eq!(site.refused("GET", &path, None).await, (400, fault.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_leads_nowhere_is_not_found() {
    let site = Site::new().await;
    for (method, path) in
        [("GET", "/nope"), ("PATCH", "/actions"), ("HEAD", "/actions"), ("GET", "/packs/a/b")]
    {
        assert_eq!(site.send(method, path, None).await.status.as_u16(), 404, "{method} {path}");
    }
}
