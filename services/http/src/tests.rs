//! The edge with a resource of one line behind it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use axum::{Extension, Router};
use http_body_util::BodyExt;
use st2_access::Credentials;
use st2_ports::{Health, Readiness};
use tower::ServiceExt;

use super::*;

async fn app(auth_enable: bool) -> (Router, String, Health) {
    let ports = st2_memory::simulated_ports(1).0;
    let credentials = Credentials::new(ports.clone(), Duration::from_secs(60));
    let (_, secret) = credentials.issue_token("joe", None).await.expect("a token");
    let router = Router::new()
        .route("/who/{id}", get(|Extension(caller): Extension<Caller>| async move { caller.user }))
        .fallback(|| async { Fault::no_such_path() })
        .method_not_allowed_fallback(|| async { Fault::no_such_path() });
    let settings = EdgeSettings {
        auth_enable,
        system_user: "stanley".to_owned(),
        allow_origin: vec!["http://127.0.0.1:3000".to_owned(), "http://ui".to_owned()],
        cookie_secure: true,
    };
    let mounts = vec![Mount { prefix: "/api", router, needs_credentials: |_, _| true }];
    let health = Health::default();
    let edge = Edge::new(ports, credentials, health.clone(), settings, mounts);
    (edge.into_router(), secret, health)
}

async fn ask(
    app: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, axum::http::HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a request");
    let response = app.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}

#[tokio::test(start_paused = true)]
async fn every_form_of_a_path_leads_to_the_resource() {
    let (app, token, _) = app(true).await;
    let token = [("X-Auth-Token", token.as_str())];
    for path in
        ["/who/1", "/v1/who/1", "/api/v1/who/1", "/api/who/1", "/v1/who/1/", "/v1/who/a%20b"]
    {
        let (status, headers, body) = ask(&app, "GET", path, &token).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "joe"), "{path}");
        assert!(
            headers.contains_key("x-request-id") && headers.contains_key("set-cookie"),
            "{path}"
        );
    }
    for (method, path) in [
        ("GET", "/v2/who/1"),
        ("PATCH", "/v1/who/1"),
        ("HEAD", "/v1/nothing"),
        ("GET", "/apis/who/1"),
    ] {
        let (status, _, _) = ask(&app, method, path, &token).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    let (status, _, body) = ask(&app, "GET", "/v1/%ff", &token).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("URL encoded"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn credentials_come_from_the_first_place_that_has_one() {
    let (app, token, _) = app(true).await;
    let ask = |path: String, headers: Vec<(&'static str, String)>| {
        let app = app.clone();
        async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            ask(&app, "GET", &path, &headers).await
        }
    };
    let (status, _, body) = ask("/v1/who/1".to_owned(), vec![]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(body, "{\"faultstring\":\"Unauthorized - One of Token or API key required.\"}");
    let (status, ..) = ask(format!("/v1/who/1?x-auth-token={token}"), vec![]).await;
    assert_eq!(status, StatusCode::OK);
    let cookie = vec![("cookie", format!("a=b; auth-token={token}"))];
    let (status, headers, _) = ask("/v1/who/1".to_owned(), cookie).await;
    assert!(status == StatusCode::OK && !headers.contains_key("set-cookie"));
    let wrong_first = vec![("x-auth-token", "wrong".to_owned())];
    let (status, _, body) = ask(format!("/v1/who/1?x-auth-token={token}"), wrong_first).await;
    assert_eq!(
        (status, body.as_str()),
        (StatusCode::UNAUTHORIZED, "{\"faultstring\":\"Unauthorized\"}")
    );
}

#[tokio::test(start_paused = true)]
async fn without_authentication_the_system_user_acts() {
    let (app, ..) = app(false).await;
    let (status, _, body) = ask(&app, "GET", "/v1/who/1", &[]).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "stanley"));
}

#[tokio::test(start_paused = true)]
async fn browsers_get_their_headers_without_credentials() {
    let (app, ..) = app(true).await;
    let (status, headers, body) = ask(&app, "OPTIONS", "/v1/x", &[("Origin", "http://ui")]).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, ""));
    assert_eq!(headers["access-control-allow-origin"], "http://ui");
    let (_, headers, _) = ask(&app, "OPTIONS", "/v1/x", &[("Origin", "http://evil")]).await;
    assert_eq!(headers["access-control-allow-origin"], "http://127.0.0.1:3000");
}

#[tokio::test(start_paused = true)]
async fn readiness_names_what_is_not_ready() {
    let (app, _, health) = app(true).await;
    health.set("api", Readiness::Ready);
    assert_eq!(ask(&app, "GET", "/readyz", &[]).await.0, StatusCode::OK);
    health.set("content", Readiness::Unready("disk on fire".to_owned()));
    let (status, _, body) = ask(&app, "GET", "/readyz", &[]).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("disk on fire"), "{body}");
    assert_eq!(ask(&app, "GET", "/livez", &[]).await.0, StatusCode::OK);
}

#[test]
fn parameters_are_typed_as_the_original_types_them() {
    let params = Params::parse("limit=5&a=1&a=2&b=Yes&c=x&d=&e=1,2");
    assert_eq!(params.text("a"), Some("2"));
    assert_eq!(params.boolean("b").expect("a boolean"), Some(true));
    assert_eq!(params.text("d"), None);
    assert_eq!(params.list("e"), Some(vec!["1", "2"]));
    assert_eq!(
        params.integer("c").expect_err("text").faultstring,
        "Parameter \"c\" is not of type integer"
    );
    assert_eq!(params.page(Some(9)).expect("a page"), Page { limit: Some(5), offset: 0 });
    for bad in ["limit=0", "limit=-2", "limit=x", "offset=2147483648", "offset=-1"] {
        assert_eq!(Params::parse(bad).page(None).expect_err(bad).status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(Params::parse("limit=-1").page(Some(9)).expect("all").limit, None);
}
