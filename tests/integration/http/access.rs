//! Who may do what.

use super::{
    server::{Server, problem, small},
    worker::{checkpoint, claim, digest, train_all, under, upload},
};
use floodgauge::{
    access::{Kind, Limits, Scope, Secret},
    http::access::{Gate, OpenTo},
};
use floodgauge_protocol::ArmIx;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header::HeaderValue};
use serde_json::{Value, json};
use std::time::Duration;

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// What each operation needs, told by what it is about rather than by the server's own table.
fn needed(path: &str, method: &str, tag: &str) -> Option<Scope> {
    match (tag, method) {
        ("operations", _) => (path == "/metrics").then_some(Scope::Read),
        ("work", _) => Some(Scope::Worker),
        ("access", _) => path.starts_with("/v1/tokens").then_some(Scope::Admin),
        (_, "get") => Some(Scope::Read),
        _ => Some(Scope::Submit),
    }
}

/// A request to an operation about things that aren't there.
fn ask(server: &Server, method: &str, path: &str, token: Option<&Secret>) -> RequestBuilder {
    let path = path.replace("{sha256}", &"0".repeat(64)).replace("{name}", "nothing-like-it");
    let path = path.split('/').map(|part| if part.starts_with('{') { NOBODY } else { part });
    let path = path.collect::<Vec<_>>().join("/");
    let request = server.request(method.to_uppercase().parse().unwrap(), &path);
    match token {
        Some(token) => request.bearer_auth(token.reveal()),
        None => request,
    }
}

#[tokio::test]
async fn every_operation_lets_in_those_scopes_that_it_needs_and_no_others() {
    let server = Server::start().await;
    let file = server.json("/openapi.json").await;
    let mut tokens = vec![];
    for scope in Scope::ALL {
        tokens.push((scope, server.make_token(scope, Limits::default()).await.0));
    }
    let mut asked = 0;
    for (path, item) in file["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let needed = needed(path, method, operation["tags"][0].as_str().unwrap());
            let what = format!("{method} {path}");
            let nobody = ask(&server, method, path, None).send().await.unwrap();
            match needed {
                Some(_) => drop(problem(nobody, 401, "unauthorized").await),
                None => assert_ne!(nobody.status(), StatusCode::FORBIDDEN, "{what}"),
            }
            for (scope, token) in &tokens {
                let answer = ask(&server, method, path, Some(token)).send().await.unwrap();
                if needed.is_none_or(|needed| scope.includes(needed)) {
                    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
                    // Signing in needs a token in its body, which this is not about.
                    let lets_in = !refused.contains(&answer.status());
                    assert!(lets_in, "{what} refuses {scope}: {}", answer.status());
                } else {
                    let body = problem(answer, 403, "forbidden").await;
                    let expected = format!("scope `{}`", needed.unwrap());
                    assert!(body["detail"].as_str().unwrap().contains(&expected), "{what}: {body}");
                }
                asked += 1;
            }
            // The description says the same.
            let schemes: Vec<_> = operation["security"].as_array().into_iter().flatten().collect();
            assert_eq!(schemes.is_empty(), needed.is_none(), "{what}");
            for scheme in schemes {
                let scopes = scheme.as_object().unwrap().values().next().unwrap();
                assert_eq!(scopes, &json!([needed.unwrap()]), "{what}");
            }
        }
    }
    assert!(asked > 100, "{asked}");
}

#[tokio::test]
async fn a_server_is_open_until_there_is_a_token_and_then_for_ever_closed() {
    let server = Server::start().await;
    assert_eq!(server.json("/v1/session").await, json!({ "open": true, "token": null }));
    server.submit(&small("open")).await;
    let tokens = server.get("/v1/tokens").await;
    problem(tokens, 403, "forbidden").await;
    let (secret, row) = server.make_token(Scope::Read, Limits::default()).await;
    problem(server.get("/v1/sweeps").await, 401, "unauthorized").await;
    let read = server.request(Method::GET, "/v1/sweeps").bearer_auth(secret.reveal());
    assert_eq!(read.send().await.unwrap().status(), StatusCode::OK);
    server.driver.store().revoke_token(row.token).await.unwrap();
    let read = server.request(Method::GET, "/v1/sweeps").bearer_auth(secret.reveal());
    let body = problem(read.send().await.unwrap(), 401, "unauthorized").await;
    assert_eq!(body["detail"], "the token is unknown, revoked or has expired");
    let response = server.get("/v1/sweeps").await;
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"floodgauge\"");
    assert_eq!(server.json("/v1/session").await, json!({ "open": false, "token": null }));
}

#[tokio::test]
async fn a_server_for_other_machines_is_not_open_without_a_token() {
    let server = Server::with_gate(Gate::new(OpenTo::Nobody)).await;
    problem(server.get("/v1/sweeps").await, 401, "unauthorized").await;
    problem(server.post("/v1/sweeps", &small("x")).await, 401, "unauthorized").await;
    assert_eq!(server.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_open_server_answers_to_names_of_this_machine_alone() {
    let named = async |server: &Server, host: &str| {
        server.request(Method::GET, "/v1/sweeps").header("host", host).send().await.unwrap()
    };
    let server = Server::start().await;
    assert_eq!(named(&server, "localhost:7878").await.status(), StatusCode::OK);
    let body = problem(named(&server, "rebound.example").await, 403, "forbidden").await;
    assert!(body["detail"].as_str().unwrap().contains("localhost"), "{body}");
    let everyones = Server::with_gate(Gate::new(OpenTo::Everyone)).await;
    assert_eq!(named(&everyones, "gauge.example").await.status(), StatusCode::OK);
    let closed = server.with_token(Scope::Read, Limits::default()).await;
    assert_eq!(named(&closed, "gauge.example").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_token_opens_nothing() {
    let server = Server::start().await.with_token(Scope::Admin, Limits::default()).await;
    let known = server.token.clone().unwrap();
    let wrong =
        format!("{}{}", &known[..known.len() - 1], if known.ends_with('0') { 1 } else { 0 });
    for value in ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", &known] {
        let request = server.client.get(format!("{}/v1/sweeps", server.base));
        let answer = request.header("authorization", value).send().await.unwrap();
        problem(answer, 401, "unauthorized").await;
    }
    let request = server.client.get(format!("{}/v1/sweeps", server.base)).bearer_auth(wrong);
    problem(request.send().await.unwrap(), 401, "unauthorized").await;
}

/// A sign-in as a page does it.
async fn sign_in(server: &Server, token: &str) -> Response {
    let url = format!("{}/v1/session", server.base);
    let request = server.client.post(url).header("sec-fetch-site", "same-origin");
    request.json(&json!({ "token": token })).send().await.unwrap()
}

#[tokio::test]
async fn the_page_signs_in_with_a_token_and_holds_a_cookie_that_is_no_token() {
    let server = Server::start().await;
    let (secret, row) = server.make_token(Scope::Submit, Limits::default()).await;
    let signed_in = sign_in(&server, secret.reveal()).await;
    assert_eq!(signed_in.status(), StatusCode::OK);
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(secret.reveal()) && !cookie.contains("Secure"), "{cookie}");
    let session: Value = signed_in.json().await.unwrap();
    assert_eq!(session["token"]["name"], row.name);
    assert_eq!(session["token"]["scopes"], json!(["submit"]));

    let pair = cookie.split(';').next().unwrap().to_owned();
    let get = async |path: &str| {
        server.request(Method::GET, path).header("cookie", &pair).send().await.unwrap()
    };
    assert_eq!(get("/v1/sweeps").await.status(), StatusCode::OK);
    problem(get("/v1/tokens").await, 403, "forbidden").await;
    let (_, value) = pair.split_once('=').unwrap();
    let as_token = server.request(Method::GET, "/v1/sweeps").bearer_auth(value);
    problem(as_token.send().await.unwrap(), 401, "unauthorized").await;

    let out = server.request(Method::DELETE, "/v1/session").header("cookie", &pair);
    let out = out.send().await.unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    problem(get("/v1/sweeps").await, 401, "unauthorized").await;
}

#[tokio::test]
async fn a_cookie_that_came_over_tls_stays_on_tls() {
    let server = Server::start().await;
    let (secret, _) = server.make_token(Scope::Read, Limits::default()).await;
    let request =
        server.request(Method::POST, "/v1/session").json(&json!({ "token": secret.reveal() }));
    let request = request.header("origin", "https://gauge.example").header("host", "gauge.example");
    let signed_in = request.send().await.unwrap();
    let cookies = signed_in.headers().get_all("set-cookie").iter();
    let cookies: Vec<&str> = cookies.map(|cookie| cookie.to_str().unwrap()).collect();
    let [ours, taken_back] = cookies[..] else { panic!("{cookies:?}") };
    // What browsers ask of such a name.
    assert!(ours.starts_with("__Host-floodgauge_session=fgs_") && ours.contains("; Path=/; "));
    assert!(ours.ends_with("; Secure") && !ours.contains("Domain"), "{ours}");
    assert!(taken_back.starts_with("floodgauge_session=; ") && taken_back.contains("Max-Age=0"));
    let pair = ours.split(';').next().unwrap();
    let read = server.request(Method::GET, "/v1/sweeps").header("cookie", pair);
    assert_eq!(read.send().await.unwrap().status(), StatusCode::OK);
    let out = server.request(Method::DELETE, "/v1/session").header("cookie", pair);
    let out = out.header("origin", "https://gauge.example").header("host", "gauge.example");
    let out = out.send().await.unwrap();
    let gone = out.headers().get_all("set-cookie").iter().filter(|cookie| {
        let cookie = cookie.to_str().unwrap();
        cookie.contains("session=; ") && cookie.contains("Max-Age=0")
    });
    assert_eq!(gone.count(), 2);
    let read = server.request(Method::GET, "/v1/sweeps").header("cookie", pair);
    problem(read.send().await.unwrap(), 401, "unauthorized").await;
}

#[tokio::test]
async fn no_cookie_of_others_signs_anybody_out() {
    let server = Server::start().await;
    let (secret, _) = server.make_token(Scope::Read, Limits::default()).await;
    let signed_in = sign_in(&server, secret.reveal()).await;
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
    let ours = cookie.split(';').next().unwrap();
    let unknown = Secret::new(Kind::Session).unwrap();
    for before in [
        format!("other={}", "x".repeat(300_000)),
        format!("floodgauge_session={}", "x".repeat(300_000)),
        format!("floodgauge_session={}", unknown.reveal()),
        "floodgauge_session".into(),
        "=; ;;".into(),
        "name=\u{fc}ml\u{e4}ut".into(),
    ] {
        let cookies = HeaderValue::from_bytes(format!("{before}; {ours}").as_bytes()).unwrap();
        let read = server.request(Method::GET, "/v1/sweeps").header("cookie", cookies);
        assert_eq!(read.send().await.unwrap().status(), StatusCode::OK, "{before:.40}");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_of_the_token_that_sends_it() {
    let server = Server::start().await;
    let (mine, _) = server.make_token(Scope::Submit, Limits::default()).await;
    let (theirs, _) = server.make_token(Scope::Submit, Limits::default()).await;
    let submit = async |secret: &Secret, name: &str| {
        let request = server.request(Method::POST, "/v1/sweeps").bearer_auth(secret.reveal());
        let request = request.header("idempotency-key", "nightly").json(&small(name));
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (status, answer.json::<Value>().await.unwrap()["id"].clone())
    };
    let (first, second) = (submit(&mine, "a").await, submit(&theirs, "a").await);
    assert_eq!([first.0, second.0], [StatusCode::CREATED; 2]);
    assert_ne!(first.1, second.1);
    assert_eq!(submit(&mine, "a").await, (StatusCode::OK, first.1));
    assert_eq!(submit(&theirs, "a").await, (StatusCode::OK, second.1));
    assert_eq!(submit(&theirs, "b").await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_a_worker_has_none() {
    let server = Server::start().await;
    let (worker, _) = server.make_token(Scope::Worker, Limits::default()).await;
    problem(sign_in(&server, worker.reveal()).await, 403, "forbidden").await;
    problem(sign_in(&server, "hunter2").await, 401, "unauthorized").await;
    let (secret, row) = server.make_token(Scope::Read, Limits::default()).await;
    let signed_in = sign_in(&server, secret.reveal()).await;
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
    let pair = cookie.split(';').next().unwrap().to_owned();
    server.driver.store().revoke_token(row.token).await.unwrap();
    let read = server.request(Method::GET, "/v1/sweeps").header("cookie", pair);
    problem(read.send().await.unwrap(), 401, "unauthorized").await;
}

#[tokio::test]
async fn other_sites_pages_change_nothing_whatever_they_show() {
    let server = Server::start().await.with_token(Scope::Admin, Limits::default()).await;
    let sweep = server.submit(&small("mine")).await;
    let cancel = format!("/v1/sweeps/{sweep}/cancel");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://elsewhere.example"),
        ("origin", "null"),
    ] {
        let request = server.request(Method::POST, &cancel).header(name, value);
        problem(request.send().await.unwrap(), 403, "cross-site").await;
        let request = server.request(Method::DELETE, &format!("/v1/sweeps/{sweep}"));
        problem(request.header(name, value).send().await.unwrap(), 403, "cross-site").await;
    }
    let own = server.request(Method::POST, &cancel).header("origin", &server.base);
    assert_eq!(own.send().await.unwrap().status(), StatusCode::ACCEPTED);
    let link = server.request(Method::GET, "/v1/sweeps").header("sec-fetch-site", "cross-site");
    assert_eq!(link.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_open_server_is_as_deaf_to_other_sites_pages() {
    let server = Server::start().await;
    let sweep = server.submit(&small("open")).await;
    let request = server.request(Method::POST, &format!("/v1/sweeps/{sweep}/cancel"));
    let request = request.header("origin", "http://elsewhere.example");
    problem(request.send().await.unwrap(), 403, "cross-site").await;
}

#[tokio::test]
async fn a_token_that_asks_too_fast_is_told_when_to_come_again() {
    let limits = Limits { rate: Some(1), ..Limits::default() };
    let server = Server::start().await.with_token(Scope::Read, limits).await;
    // A burst of ten goes through, and one a second from then on.
    let mut answer = server.get("/v1/sweeps").await;
    for _ in 0..1_000 {
        if answer.status() != StatusCode::OK {
            break;
        }
        answer = server.get("/v1/sweeps").await;
    }
    assert_eq!(answer.headers()["retry-after"], "1");
    problem(answer, 429, "rate-limited").await;
    let (other, _) = server.make_token(Scope::Read, Limits::default()).await;
    let url = format!("{}/v1/sweeps", server.base);
    let others = server.client.get(url).bearer_auth(other.reveal()).send().await.unwrap();
    assert_eq!(others.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_has_no_more_sweeps_and_arms_than_it_may() {
    let limits = Limits { open_sweeps: Some(1), arms: Some(4), ..Limits::default() };
    let server = Server::start().await.with_token(Scope::Submit, limits).await;
    let mut wide = small("wide");
    wide["search"]["seeds"] = json!([0, 1]);
    let body = problem(server.post("/v1/sweeps", &wide).await, 429, "over-quota").await;
    assert!(body["detail"].as_str().unwrap().contains("may have 4 arms"), "{body}");
    let sweep = server.submit(&small("first")).await;
    let refused = server.post("/v1/sweeps", &small("second")).await;
    assert_eq!(refused.headers()["retry-after"], "60");
    let body = problem(refused, 429, "over-quota").await;
    assert!(body["detail"].as_str().unwrap().contains("may have 1 open sweep,"), "{body}");
    let cancel = server.request(Method::POST, &format!("/v1/sweeps/{sweep}/cancel"));
    assert_eq!(cancel.send().await.unwrap().status(), StatusCode::ACCEPTED);
    server.submit(&small("second")).await;
}

#[tokio::test]
async fn a_token_extends_the_sweeps_of_others_within_its_own_bounds() {
    let server = Server::start().await;
    let sweep = server.submit(&small("others")).await;
    train_all(&server).await;
    let extend = format!("/v1/sweeps/{sweep}/extend");
    let limits = |arms| Limits { open_sweeps: Some(1), arms: Some(arms), ..Limits::default() };
    let server = server.with_token(Scope::Submit, limits(5)).await;
    let refused = server.post(&extend, &json!({ "seeds": 1 })).await;
    let body = problem(refused, 429, "over-quota").await;
    assert!(body["detail"].as_str().unwrap().contains("may have 5 arms"), "{body}");
    let server = server.with_token(Scope::Submit, limits(6)).await;
    let extended = server.post(&extend, &json!({ "seeds": 1 })).await;
    assert_eq!(extended.status(), StatusCode::ACCEPTED);
    problem(server.post("/v1/sweeps", &small("second")).await, 429, "over-quota").await;
}

#[tokio::test]
async fn an_upload_over_its_tokens_bound_is_refused_before_it_is_read() {
    let limits = Limits { upload_bytes: Some(1_000), ..Limits::default() };
    let server = Server::start().await.with_token(Scope::Submit, limits).await;
    let send = async |name: &str, rows: usize| {
        let table: String = (0..rows).map(|i| format!("{i},{},{}\n", i % 5, i % 2)).collect();
        let request = server.request(Method::POST, &format!("/v1/datasets?name={name}"));
        request.header("content-type", "text/csv").body(table).send().await.unwrap()
    };
    problem(send("large", 200).await, 429, "over-quota").await;
    assert_eq!(send("small", 60).await.status(), StatusCode::CREATED);
    problem(send("second", 100).await, 429, "over-quota").await;
    let deleted = server.delete("/v1/datasets/small").await;
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(send("second", 100).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_worker_sees_its_own_segment_and_nothing_else() {
    let server = Server::start().await;
    let sweep = server.submit(&small("theirs")).await;
    let other = server.submit(&small("other")).await;
    let server = server.with_token(Scope::Worker, Limits::default()).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    assert_eq!(
        upload(&server, &work, &checkpoint(&work, 2, ArmIx::PLAIN)).await,
        StatusCode::CREATED
    );
    let theirs = digest(b"theirs");
    let get = under(&server, &work, Method::GET, &format!("blobs/{theirs}"));
    problem(get.send().await.unwrap(), 404, "not-found").await;
    for of in [&sweep, &other] {
        for part in ["", "/best", "/trials", "/curves", "/grid", "/events"] {
            let answer = server.get(&format!("/v1/sweeps/{of}{part}")).await;
            problem(answer, 403, "forbidden").await;
        }
    }
    problem(server.post("/v1/sweeps", &small("x")).await, 403, "forbidden").await;
    problem(server.get("/v1/events").await, 403, "forbidden").await;
}

#[tokio::test]
async fn a_worker_inside_the_server_needs_no_token_of_the_database() {
    let internal = Gate::internal_secret().unwrap();
    let gate = Gate::new(OpenTo::Nobody).with_internal(&internal);
    let mut server = Server::with_gate(gate).await;
    problem(server.post("/v1/work/claim", &json!({})).await, 401, "unauthorized").await;
    server.token = Some(internal.reveal().into());
    assert!(claim(&server, "embedded", 0).await.is_none());
    problem(server.get("/v1/sweeps").await, 403, "forbidden").await;
}

#[tokio::test]
async fn a_stream_ends_once_its_token_is_revoked() {
    let gate = Gate::default().with_recheck(Duration::from_millis(20));
    let server = Server::with_gate(gate).await;
    let (secret, row) = server.make_token(Scope::Read, Limits::default()).await;
    let follow = server.request(Method::GET, "/v1/events").bearer_auth(secret.reveal());
    let mut stream = follow.send().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    server.driver.store().revoke_token(row.token).await.unwrap();
    let ended = async { while stream.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it goes on");
}

#[tokio::test]
async fn an_admin_makes_tokens_and_revokes_them() {
    let server = Server::start().await.with_token(Scope::Admin, Limits::default()).await;
    let spec = json!({ "name": "ci", "scopes": ["read", "worker"], "expires_in_s": 3600,
                       "limits": { "open_sweeps": 3 } });
    let made = server.post("/v1/tokens", &spec).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: Value = made.json().await.unwrap();
    let secret = made["token"].as_str().unwrap();
    assert!(Secret::read(Kind::Token, secret).is_some());
    assert_eq!(made["scopes"], json!(["read", "worker"]));
    assert_eq!(made["limits"], json!({ "open_sweeps": 3 }));
    assert!(made["expires_at"].is_string() && made["used_at"].is_null());
    problem(server.post("/v1/tokens", &spec).await, 409, "conflict").await;

    let url = format!("{}/v1/sweeps", server.base);
    let ask = async || server.client.get(&url).bearer_auth(secret).send().await.unwrap();
    assert_eq!(ask().await.status(), StatusCode::OK);
    // The use is noted behind the request's back.
    let store = server.driver.store();
    let noted = async { while store.tokens(None, 1).await.unwrap()[0].used_ms.is_none() {} };
    tokio::time::timeout(Duration::from_secs(60), noted).await.expect("it isn't noted");
    let list = server.json("/v1/tokens?limit=1").await;
    assert!(list["items"][0]["used_at"].is_string());
    assert!(!list.to_string().contains(secret), "{list}");

    let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(server.delete(&path).await.status(), StatusCode::NO_CONTENT);
    problem(server.delete(&path).await, 404, "not-found").await;
    problem(ask().await, 401, "unauthorized").await;
    let list = server.json("/v1/tokens").await;
    assert_eq!(list["items"][0]["live"], false);
    assert!(list["items"][0]["revoked_at"].is_string());
}

#[tokio::test]
async fn a_token_out_of_its_bounds_is_not_made() {
    let server = Server::start().await.with_token(Scope::Admin, Limits::default()).await;
    for (field, spec) in [
        ("/name", json!({ "name": "", "scopes": ["read"] })),
        ("/scopes", json!({ "name": "x", "scopes": [] })),
        ("/scopes/0", json!({ "name": "x", "scopes": ["root"] })),
        ("/expires_in_s", json!({ "name": "x", "scopes": ["read"], "expires_in_s": 0 })),
        ("/limits/rate", json!({ "name": "x", "scopes": ["read"], "limits": { "rate": 0 } })),
    ] {
        let body = problem(server.post("/v1/tokens", &spec).await, 400, "malformed").await;
        assert_eq!(body["errors"][0]["pointer"], field);
    }
}
