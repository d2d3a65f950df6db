//! Everything that can go wrong is told in one shape.

use super::server::{Server, problem, small};
use reqwest::{Method, StatusCode};
use serde_json::json;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[tokio::test]
async fn every_field_out_of_range_is_pointed_at() {
    let server = Server::start().await;
    let mut spec = small("bad");
    spec["recipe"]["batch_size"] = json!(0);
    spec["search"]["seeds"] = json!([1, 1]);
    let body = problem(server.post("/v1/sweeps", &spec).await, 422, "invalid-sweep").await;
    assert_eq!(body["detail"], "2 problems");
    assert_eq!(body["errors"][0]["pointer"], "/recipe/batch_size");
    assert_eq!(body["errors"][0]["detail"], "batch_size must be at least 1");
    assert_eq!(body["errors"][1]["pointer"], "/search/seeds");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_malformed_with_its_place() {
    let server = Server::start().await;
    let request = server.request(Method::POST, "/v1/sweeps");
    let request = request.header("content-type", "application/json; charset=utf-8");
    let body = problem(request.body("{").send().await.unwrap(), 400, "malformed").await;
    assert!(body["detail"].as_str().unwrap().contains("line 1"), "{body}");
    assert_eq!(body["errors"], json!([]));
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_refused() {
    let server = Server::start().await;
    let body = small("form").to_string();
    for declared in [None, Some("text/plain"), Some("application/jsonp")] {
        let mut request = server.request(Method::POST, "/v1/sweeps").body(body.clone());
        if let Some(declared) = declared {
            request = request.header("content-type", declared);
        }
        problem(request.send().await.unwrap(), 415, "unsupported-media-type").await;
    }
}

#[tokio::test]
async fn a_body_over_its_limit_is_too_large_declared_or_not() {
    let server = Server::start().await;
    let long = "x".repeat((1 << 20) + 1);
    let declared = server.post("/v1/sweeps", &json!({ "name": long })).await;
    let body = problem(declared, 413, "too-large").await;
    assert_eq!(body["detail"], "at most 1 MiB are taken here");
    let chunks: Vec<Result<_, std::io::Error>> = vec![Ok(format!("{{\"name\": \"{long}\"}}"))];
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let request = server.request(Method::POST, "/v1/sweeps").body(stream);
    let streamed = request.header("content-type", "application/json").send().await.unwrap();
    problem(streamed, 413, "too-large").await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found_whatever_is_asked_of_it() {
    let server = Server::start().await;
    for id in [NOBODY, "no-id", "%ff"] {
        for rest in ["", "/best", "/trials", "/curves", "/grid", "/events"] {
            let path = format!("/v1/sweeps/{id}{rest}");
            problem(server.get(&path).await, 404, "not-found").await;
        }
        let cancel = server.request(Method::POST, &format!("/v1/sweeps/{id}/cancel"));
        problem(cancel.send().await.unwrap(), 404, "not-found").await;
        problem(server.delete(&format!("/v1/sweeps/{id}")).await, 404, "not-found").await;
    }
}

#[tokio::test]
async fn an_unknown_route_is_not_found() {
    let server = Server::start().await;
    for path in ["/v1", "/v1/nothing", "/v1/sweeps/", "/nothing.js", "/a/b/c"] {
        let response = server.get(path).await;
        let body = problem(response, 404, "not-found").await;
        assert_eq!(body["detail"], format!("no route `GET {path}`"));
    }
    problem(server.post("/nothing", &json!({})).await, 404, "not-found").await;
}

#[tokio::test]
async fn a_wrong_method_is_told_which_ones_there_are() {
    let server = Server::start().await;
    let response = server.request(Method::PUT, "/v1/sweeps").send().await.unwrap();
    let allow = response.headers()["allow"].to_str().unwrap().to_owned();
    problem(response, 405, "method-not-allowed").await;
    let mut allowed: Vec<_> = allow.split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[tokio::test]
async fn a_bad_query_is_malformed() {
    let server = Server::start().await;
    for query in ["limit=0", "limit=201", "limit=x", "cursor=x", "serach=digits"] {
        let response = server.get(&format!("/v1/sweeps?{query}")).await;
        problem(response, 400, "malformed").await;
    }
}

#[tokio::test]
async fn every_answer_names_its_request_and_keeps_browsers_from_guessing() {
    let server = Server::start().await;
    let request = server.request(Method::GET, "/v1/nothing").header("x-request-id", "mine");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "mine");
    let response = server.get("/livez").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-request-id"].len(), 36);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_accept_it() {
    let server = Server::start().await;
    let request = server.request(Method::GET, "/openapi.json").header("accept-encoding", "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
    assert!(!server.get("/openapi.json").await.headers().contains_key("content-encoding"));
}
