//! What each route needs, all in one place. A route that isn't here needs `admin`, and a test
//! compares this with the OpenAPI file.

use crate::access::Scope;
use axum::http::Method;

/// What a route needs to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing, and nothing that is shown is looked at.
    Nothing,
    /// Nothing, but who asks makes a difference.
    Anyone,
    /// A token, or a session of it, with this scope.
    Scope(Scope),
}

const NOTHING: Need = Need::Nothing;
const ANYONE: Need = Need::Anyone;
const READ: Need = Need::Scope(Scope::Read);
const SUBMIT: Need = Need::Scope(Scope::Submit);
const WORKER: Need = Need::Scope(Scope::Worker);
const ADMIN: Need = Need::Scope(Scope::Admin);

/// Every route, by method and path.
pub const TABLE: &[(&str, &str, Need)] = &[
    ("GET", "/", NOTHING),
    ("GET", "/docs", NOTHING),
    ("GET", "/openapi.json", NOTHING),
    ("GET", "/livez", NOTHING),
    ("GET", "/readyz", NOTHING),
    ("GET", "/metrics", READ),
    ("GET", "/v1/session", ANYONE),
    ("POST", "/v1/session", ANYONE),
    ("DELETE", "/v1/session", ANYONE),
    ("GET", "/v1/tokens", ADMIN),
    ("POST", "/v1/tokens", ADMIN),
    ("DELETE", "/v1/tokens/{token}", ADMIN),
    ("GET", "/v1/sweeps", READ),
    ("POST", "/v1/sweeps", SUBMIT),
    ("POST", "/v1/plans", SUBMIT),
    ("GET", "/v1/sweeps/{id}", READ),
    ("DELETE", "/v1/sweeps/{id}", SUBMIT),
    ("POST", "/v1/sweeps/{id}/cancel", SUBMIT),
    ("POST", "/v1/sweeps/{id}/pause", SUBMIT),
    ("POST", "/v1/sweeps/{id}/resume", SUBMIT),
    ("POST", "/v1/sweeps/{id}/extend", SUBMIT),
    ("GET", "/v1/sweeps/{id}/best", READ),
    ("GET", "/v1/sweeps/{id}/trials", READ),
    ("GET", "/v1/trials/{id}/model", READ),
    ("GET", "/v1/sweeps/{id}/curves", READ),
    ("GET", "/v1/sweeps/{id}/grid", READ),
    ("GET", "/v1/sweeps/{id}/sparkline", READ),
    ("GET", "/v1/sweeps/{id}/table", READ),
    ("GET", "/v1/sweeps/{id}/events", READ),
    ("GET", "/v1/events", READ),
    ("GET", "/v1/datasets", READ),
    ("POST", "/v1/datasets", SUBMIT),
    ("GET", "/v1/datasets/{name}", READ),
    ("DELETE", "/v1/datasets/{name}", SUBMIT),
    ("GET", "/v1/datasets/{name}/file", READ),
    ("POST", "/v1/work/claim", WORKER),
    ("POST", "/v1/work/trouble", WORKER),
    ("POST", "/v1/work/{lease}/reports", WORKER),
    ("PUT", "/v1/work/{lease}/blobs/{sha256}", WORKER),
    ("GET", "/v1/work/{lease}/blobs/{sha256}", WORKER),
    ("POST", "/v1/work/{lease}/finish", WORKER),
    ("POST", "/v1/work/{lease}/fail", WORKER),
];

/// What a request needs. `HEAD` is a `GET` without its body. A method that a known route doesn't
/// have needs nothing: its answer says that there is no such method.
pub(super) fn need(method: &Method, path: &str) -> Need {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let mut of_path = TABLE.iter().filter(|(_, route, _)| *route == path).peekable();
    let otherwise = if of_path.peek().is_some() { NOTHING } else { ADMIN };
    of_path.find(|(known, ..)| *known == method).map_or(otherwise, |(.., need)| *need)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_that_is_described_has_a_row_and_no_row_is_of_another() {
        let described = serde_json::to_value(crate::http::openapi()).unwrap();
        let paths = described["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        });
        let rows = TABLE.iter().map(|(method, path, _)| (method.to_string(), path.to_string()));
        let (described, rows): (BTreeSet<_>, BTreeSet<_>) = (operations.collect(), rows.collect());
        assert_eq!(rows.len(), TABLE.len(), "a route has two rows");
        assert_eq!(described, rows);
    }

    #[test]
    fn a_route_without_a_row_is_an_admins() {
        assert_eq!(need(&Method::GET, "/v1/new"), ADMIN);
        assert_eq!(need(&Method::PATCH, "/v1/sweeps"), NOTHING, "it is told that there is none");
        assert_eq!(need(&Method::HEAD, "/v1/sweeps"), READ);
    }
}
