//! The page, whether or not it was built before this binary.

use super::server::{Server, problem};
use reqwest::{Method, Response};

async fn browse(server: &Server, path: &str) -> Response {
    let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
    server.request(Method::GET, path).header("accept", accept).send().await.unwrap()
}

#[tokio::test]
async fn a_browser_gets_a_page_under_a_strict_policy() {
    let server = Server::start().await;
    for path in ["/", "/sweeps"] {
        let response = browse(&server, path).await;
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8", "{path}");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(response.text().await.unwrap().contains("<title>Floodgauge"));
    }
}

#[tokio::test]
async fn the_api_reference_may_style_itself_and_no_more() {
    let server = Server::start().await;
    let response = browse(&server, "/docs").await;
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let unsafe_parts: Vec<_> = policy.split(';').filter(|part| part.contains("unsafe")).collect();
    assert_eq!(unsafe_parts, [" style-src 'self' 'unsafe-inline'"]);
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
}

#[tokio::test]
async fn a_page_that_is_known_is_not_sent_again() {
    let server = Server::start().await;
    let first = browse(&server, "/").await;
    let Some(tag) = first.headers().get("etag").cloned() else {
        // A binary without the page says how to build it, and that is never kept.
        assert_eq!(first.status(), 404);
        assert!(first.text().await.unwrap().contains("npm"));
        return;
    };
    assert_eq!(first.headers()["cache-control"], "no-cache");
    let again = server.request(Method::GET, "/").header("if-none-match", &tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    let changed = server.request(Method::GET, "/").header("if-none-match", "W/\"other\"");
    assert_eq!(changed.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_browser_that_mistypes_below_the_api_gets_a_problem() {
    let server = Server::start().await;
    problem(browse(&server, "/v1/nothing").await, 404, "not-found").await;
    problem(browse(&server, "/assets/gone.js").await, 404, "not-found").await;
}

#[tokio::test]
async fn what_the_page_names_is_kept_for_good() {
    let server = Server::start().await;
    let page = browse(&server, "/").await.text().await.unwrap();
    let named = page.split('"').filter_map(|text| text.strip_prefix("./assets/"));
    for file in named {
        let response = server.get(&format!("/assets/{file}")).await;
        assert_eq!(response.status(), 200, "{file}");
        let kept = response.headers()["cache-control"].to_str().unwrap().to_owned();
        assert!(kept.contains("immutable"), "{file}: {kept}");
    }
}
