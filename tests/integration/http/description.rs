//! The OpenAPI file says what the server does.

use super::server::{Server, small};
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Every operation with its path and its method.
fn operations(file: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = file["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

#[tokio::test]
async fn the_file_is_openapi_3_1_and_names_every_operation_once() {
    let server = Server::start().await;
    let file = server.json("/openapi.json").await;
    assert!(file["openapi"].as_str().unwrap().starts_with("3.1."));
    let operations = operations(&file);
    let ids: BTreeSet<_> = operations
        .iter()
        .map(|(.., operation)| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), operations.len());
    for (path, method, operation) in operations {
        assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let content = &response["content"]["application/problem+json"];
            assert_eq!(
                content["schema"]["$ref"], "#/components/schemas/Problem",
                "{method} {path} {status}"
            );
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let server = Server::start().await;
    let file = server.json("/openapi.json").await;
    let text = file.to_string();
    let schemas = file["components"]["schemas"].as_object().unwrap();
    for rest in text.split("\"#/components/schemas/").skip(1) {
        let name = rest.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is nowhere");
    }
}

#[tokio::test]
async fn every_described_operation_is_routed_and_every_other_method_is_not() {
    let server = Server::start().await;
    let file = server.json("/openapi.json").await;
    let mut described: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, method, _) in operations(&file) {
        described.entry(path).or_default().insert(method);
    }
    let sweep = server.submit(&small("described")).await;
    for (path, methods) in described {
        let path = path.replace("{id}", &sweep).replace("{lease}", &sweep);
        let path = path.replace("{sha256}", &"0".repeat(64)).replace("{token}", &sweep);
        // A method that no operation has is answered with those that the route has.
        let response = server.request(Method::TRACE, &path).send().await.unwrap();
        assert_eq!(response.status(), 405, "{path} is not routed");
        let allow = response.headers()["allow"].to_str().unwrap().to_lowercase();
        let allowed: BTreeSet<_> = allow.split(',').filter(|m| METHODS.contains(m)).collect();
        assert_eq!(allowed, methods, "{path}");
    }
}

#[tokio::test]
async fn every_route_of_the_guide_is_described() {
    let server = Server::start().await;
    let file = server.json("/openapi.json").await;
    let described: BTreeSet<&str> =
        file["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let guide = include_str!("../../../docs/http.md");
    let documented: BTreeSet<&str> = guide
        .split('`')
        .flat_map(|code| code.split_whitespace())
        .filter(|word| word.starts_with("/v1/") || word.ends_with("z") && word.starts_with('/'))
        .map(|word| word.split('?').next().unwrap_or(word))
        .collect();
    let unknown: Vec<_> = documented.difference(&described).collect();
    assert!(unknown.is_empty(), "docs/http.md tells of {unknown:?}");
    let api = described.iter().filter(|path| path.starts_with("/v1/"));
    let undocumented: Vec<_> = api.filter(|path| !documented.contains(*path)).collect();
    assert!(undocumented.is_empty(), "docs/http.md doesn't tell of {undocumented:?}");
}
