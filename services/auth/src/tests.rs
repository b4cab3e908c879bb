//! Logging in, well and badly.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

fn service(mode: Mode) -> Router {
    let (ports, _) = st2_memory::simulated_ports(1);
    let credentials = Credentials::new(ports, Duration::from_secs(60));
    Auth { credentials, mode, api_url: "http://api/".to_owned() }.into_router()
}

async fn post_json(
    router: &Router,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (StatusCode, HeaderMap, Value) {
    let mut request = Request::builder().method("POST").uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    let (parts, body) = router.clone().oneshot(request).await.expect("an answer").into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    (parts.status, parts.headers, serde_json::from_slice(&bytes).expect("JSON"))
}

fn basic_header(pair: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

#[tokio::test]
async fn a_password_buys_a_token() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "joe:{SHA}M6jbikrtu1x8YSHx2rxSAC5rsjo=\n").expect("written");
    let router = service(Mode::Standalone(FlatFile::at(file.path().to_owned())));
    let good = basic_header("joe:st2-test");
    let login = [("authorization", good.as_str())];

    let (status, headers, token) = post_json(&router, "/tokens", &login, "").await;
    assert_eq!(
        (status, &headers["x-api-url"]),
        (StatusCode::CREATED, &"http://api".parse::<HeaderValue>().expect("a value"))
    );
    assert_eq!(token["user"], "joe");
    let secret = token["token"].as_str().expect("a secret");
    assert_eq!(secret.len(), 32);

    let body = json!({"token": secret}).to_string();
    let (_, _, answer) = post_json(&router, "/tokens/validate", &[], &body).await;
    assert_eq!(answer, json!({"valid": true}));
    let (_, _, answer) = post_json(&router, "/tokens/validate", &[], "{\"token\": \"x\"}").await;
    assert_eq!(answer, json!({"valid": false}));

    for body in ["{\"ttl\": 0}", "{\"ttl\": 61}", "{\"ttl\": \"x\"}", "{\"user\": \"joe\"}", "{"] {
        let (status, _, answer) = post_json(&router, "/tokens", &login, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body} {answer}");
    }
    for pair in ["joe:wrong", "ann:st2-test", "joe"] {
        let bad = basic_header(pair);
        let (status, _, answer) =
            post_json(&router, "/tokens", &[("authorization", &bad)], "").await;
        assert_eq!(
            (status, answer),
            (StatusCode::UNAUTHORIZED, json!({"faultstring": INVALID})),
            "{pair}"
        );
    }
}

#[tokio::test]
async fn a_proxy_is_believed_only_with_its_secret() {
    let router = service(Mode::Proxy { secret: "s3".to_owned() });
    let user = ("x-forwarded-user", "joe");
    let (status, ..) = post_json(&router, "/tokens", &[user], "").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _, token) =
        post_json(&router, "/tokens", &[user, ("x-proxy-secret", "s3")], "").await;
    assert_eq!((status, &token["user"]), (StatusCode::CREATED, &json!("joe")));
}
