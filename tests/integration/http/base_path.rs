//! The server below a path, as a proxy sees it that hands the path on.

use super::server::{Server, problem, small};
use reqwest::{Method, StatusCode};
use serde_json::Value;

#[tokio::test]
async fn page_and_api_lie_below_the_base_path() {
    let server = Server::below("/tools/floodgauge").await;
    let submitted = server.post("/tools/floodgauge/v1/sweeps", &small("below")).await;
    assert_eq!(submitted.status(), StatusCode::CREATED);
    // Relative, so the prefix needn't be known to be kept.
    let location = submitted.headers()["location"].to_str().unwrap().to_owned();
    let created: Value = submitted.json().await.unwrap();
    let looked = server.json(&format!("/tools/floodgauge/v1/{location}")).await;
    assert_eq!(created["id"], looked["id"]);
    let listed = server.json("/tools/floodgauge/v1/sweeps?search=below").await;
    assert_eq!(listed["items"][0]["id"], looked["id"]);
    let page = server.request(Method::GET, "/tools/floodgauge/").header("accept", "text/html");
    assert!(page.send().await.unwrap().text().await.unwrap().contains("<title>Floodgauge"));
}

#[tokio::test]
async fn the_base_path_without_its_slash_leads_to_the_page() {
    let server = Server::below("/tools/floodgauge").await;
    let answer = server.get("/tools/floodgauge").await;
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()["location"], "floodgauge/");
}

#[tokio::test]
async fn workers_and_probes_reach_the_server_at_its_root_too() {
    let server = Server::below("/floodgauge").await;
    server.json("/v1/sweeps").await;
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_path_that_only_begins_alike_is_another() {
    let server = Server::below("/floodgauge").await;
    problem(server.get("/floodgaugette/v1/sweeps").await, 404, "not-found").await;
    problem(server.get("/floodgauge/v1/nothing").await, 404, "not-found").await;
}
