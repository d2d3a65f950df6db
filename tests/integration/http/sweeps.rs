//! Submitting, listing, cancelling, deleting.

use super::{
    server::{Server, problem, small},
    worker,
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

async fn submit_with_key(server: &Server, key: &str, body: String) -> Response {
    let request = server.request(Method::POST, "/v1/sweeps").header("idempotency-key", key);
    request.header("content-type", "application/json").body(body).send().await.unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_submitted_sweep_is_spelled_out_where_its_location_says() {
    let server = Server::start().await;
    let response = server.post("/v1/sweeps", &small("first")).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let created: Value = response.json().await.unwrap();
    // Relative to the request's own address.
    assert_eq!(location, format!("sweeps/{}", created["id"].as_str().unwrap()));
    let looked = server.json(&format!("/v1/{location}")).await;
    assert_eq!(created, looked);
    for (field, value) in [
        ("name", json!("first")),
        ("status", json!("queued")),
        ("scheduler", json!("grid")),
        ("dataset", json!("spiral")),
        ("arms", json!(3)),
        ("seeds", json!(1)),
        ("epochs", json!(4)),
        ("metric", json!("val_loss")),
        ("at", json!("last")),
        ("best", json!(null)),
        ("steps_per_epoch", json!(2)),
        ("rungs", json!([4])),
        ("seq", json!(1)),
        (
            "scheduler_version",
            json!(floodgauge::scheduler::current_version(
                floodgauge_protocol::SchedulerKind::Halving
            )),
        ),
        ("families", json!([{ "family": 0, "seed": 0, "weight_decay": 0.0 }])),
    ] {
        assert_eq!(looked[field], value, "{field}");
    }
    let arm =
        json!({ "arm": 1, "name": "flood b=0.1", "method": "flood", "b": 0.1, "parameter": 0.1 });
    assert_eq!(looked["arms_list"][1], arm);
    let plain =
        json!({ "arm": 0, "name": "plain", "method": "plain", "b": null, "parameter": null });
    assert_eq!(looked["arms_list"][0], plain);
    assert_eq!(looked["spec"]["recipe"]["dataset"]["n_train"], 100);
    let created_at: jiff::Timestamp = looked["created_at"].as_str().unwrap().parse().unwrap();
    assert!(created_at > "2025-01-01T00:00:00Z".parse().unwrap());
}

#[tokio::test]
async fn the_list_is_paged_newest_first_without_gap_or_double() {
    let server = Server::start().await;
    for i in 0..5 {
        server.submit(&small(&format!("sweep {i}"))).await;
    }
    let first = server.json("/v1/sweeps?limit=2").await;
    assert_eq!(names(&first), ["sweep 4", "sweep 3"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    // What is submitted meanwhile shifts nothing.
    server.submit(&small("sweep 5")).await;
    let second = server.json(&format!("/v1/sweeps?limit=2&cursor={cursor}")).await;
    assert_eq!(names(&second), ["sweep 2", "sweep 1"]);
    let cursor = second["next_cursor"].as_str().unwrap();
    let third = server.json(&format!("/v1/sweeps?limit=2&cursor={cursor}")).await;
    assert_eq!(names(&third), ["sweep 0"]);
    assert_eq!(third["next_cursor"], json!(null));
}

#[tokio::test]
async fn a_page_that_ends_the_list_exactly_has_no_next_one() {
    let server = Server::start().await;
    server.submit(&small("only")).await;
    let list = server.json("/v1/sweeps?limit=1").await;
    assert_eq!((names(&list), &list["next_cursor"]), (vec!["only"], &json!(null)));
}

#[tokio::test]
async fn a_search_finds_names_by_a_part_of_them_whatever_the_case() {
    let server = Server::start().await;
    for name in ["Digits", "spiral 100%", "two digits", "spiral_x"] {
        server.submit(&small(name)).await;
    }
    assert_eq!(names(&server.json("/v1/sweeps?search=DIGIT").await), ["two digits", "Digits"]);
    assert_eq!(names(&server.json("/v1/sweeps?search=%25").await), ["spiral 100%"]);
    assert_eq!(names(&server.json("/v1/sweeps?search=l_").await), ["spiral_x"]);
    assert_eq!(names(&server.json("/v1/sweeps?search=").await).len(), 4);
}

#[tokio::test]
async fn the_list_can_be_cut_to_one_status() {
    let server = Server::start().await;
    server.submit(&small("kept")).await;
    let ended = server.submit(&small("ended")).await;
    server.request(Method::POST, &format!("/v1/sweeps/{ended}/cancel")).send().await.unwrap();
    let list = server.json("/v1/sweeps?status=cancelled").await;
    assert_eq!(names(&list), ["ended"]);
    let list = server.json("/v1/sweeps?status=queued&search=e").await;
    assert_eq!(names(&list), ["kept"]);
    problem(server.get("/v1/sweeps?status=gone").await, 400, "malformed").await;
}

#[tokio::test]
async fn the_same_key_and_body_make_one_sweep_however_the_body_is_written() {
    let server = Server::start().await;
    let body = small("once");
    let first = submit_with_key(&server, "key", body.to_string()).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let spelled_otherwise = serde_json::to_string_pretty(&body).unwrap();
    let again = submit_with_key(&server, "key", spelled_otherwise).await;
    assert_eq!(again.status(), StatusCode::OK);
    let (first, again): (Value, Value) = (first.json().await.unwrap(), again.json().await.unwrap());
    assert_eq!(first["id"], again["id"]);
    assert_eq!(server.json("/v1/sweeps").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn racing_submissions_with_one_key_make_one_sweep() {
    let server = Server::start().await;
    let body = small("race").to_string();
    let racing = (0..8).map(|_| submit_with_key(&server, "key", body.clone()));
    let answers = futures::future::join_all(racing).await;
    let created = answers.iter().filter(|answer| answer.status() == StatusCode::CREATED).count();
    let found = answers.iter().filter(|answer| answer.status() == StatusCode::OK).count();
    assert_eq!((created, found), (1, 7));
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    let server = Server::start().await;
    submit_with_key(&server, "key", small("one").to_string()).await;
    let other = submit_with_key(&server, "key", small("other").to_string()).await;
    problem(other, 422, "idempotency-key-reused").await;
    assert_eq!(names(&server.json("/v1/sweeps").await), ["one"]);
    let longest = "k".repeat(200);
    let taken = submit_with_key(&server, &longest, small("long").to_string()).await;
    assert_eq!(taken.status(), StatusCode::CREATED);
    for bad in ["", &"k".repeat(201)] {
        let refused = submit_with_key(&server, bad, small("bad").to_string()).await;
        problem(refused, 400, "malformed").await;
    }
}

#[tokio::test]
async fn a_cancelled_sweep_can_be_deleted_but_not_cancelled_again() {
    let server = Server::start().await;
    let path = format!("/v1/sweeps/{}", server.submit(&small("doomed")).await);
    problem(server.delete(&path).await, 409, "conflict").await;
    let cancel = format!("{path}/cancel");
    let cancelled = server.request(Method::POST, &cancel).send().await.unwrap();
    assert_eq!(cancelled.status(), StatusCode::ACCEPTED);
    assert_eq!(cancelled.json::<Value>().await.unwrap()["status"], "cancelled");
    let again = server.request(Method::POST, &cancel).send().await.unwrap();
    problem(again, 409, "conflict").await;
    assert!(worker::claim(&server, "worker", 0).await.is_none(), "its work was withdrawn");
    assert_eq!(server.delete(&path).await.status(), StatusCode::NO_CONTENT);
    problem(server.get(&path).await, 404, "not-found").await;
    problem(server.delete(&path).await, 404, "not-found").await;
    assert_eq!(names(&server.json("/v1/sweeps").await), [""; 0]);
}

#[tokio::test]
async fn a_plan_tells_what_a_sweep_would_cost_and_stores_nothing() {
    let server = Server::start().await;
    let mut spec = small("planned");
    spec["search"]["seeds"] = json!([0, 1]);
    let response = server.post("/v1/plans", &spec).await;
    assert_eq!(response.status(), StatusCode::OK);
    let plan: Value = response.json().await.unwrap();
    assert_eq!((&plan["arms"], &plan["seeds"]), (&json!(3), &json!(2)));
    let cost = &plan["run_equivalents"];
    assert_eq!((&cost["low"], &cost["high"]), (&json!(2.0), &json!(6.0)));
    assert_eq!((&cost["full_grid"], &cost["phases"][0]["arms"]), (&json!(6.0), &json!(2)));
    assert_eq!(plan["spec"]["recipe"]["dataset"]["n_train"], 100, "the split is filled in");
    assert_eq!(plan["time"], json!(null), "nobody has trained it yet");
    assert_eq!(names(&server.json("/v1/sweeps").await), [""; 0]);
    let sweep = server.submit(&small("timed")).await;
    worker::train_all(&server).await;
    let response = server.post("/v1/plans", &spec).await;
    let time = response.json::<Value>().await.unwrap()["time"].take();
    assert_eq!(time["measured_on"], sweep);
    assert!(time["low_s"].as_f64().unwrap() <= time["high_s"].as_f64().unwrap());
}

#[tokio::test]
async fn a_plan_names_the_fields_that_a_submission_would() {
    let server = Server::start().await;
    let mut spec = small("wrong");
    spec["recipe"]["epochs"] = json!(0);
    let body = problem(server.post("/v1/plans", &spec).await, 422, "invalid-sweep");
    assert_eq!(body.await["errors"][0]["pointer"], "/recipe/epochs");
}

#[tokio::test]
async fn a_plan_is_still_had_as_the_first_version_had_it() {
    let server = Server::start().await;
    let now: Value = server.post("/v1/plans", &small("x")).await.json().await.unwrap();
    let before = server.post("/v1/sweeps?dry_run=true", &small("x")).await;
    assert_eq!(before.status(), StatusCode::OK);
    assert_eq!(before.json::<Value>().await.unwrap(), now);
    assert_eq!(names(&server.json("/v1/sweeps").await), [""; 0]);
    let answer = server.post("/v1/sweeps?dry_run=perhaps", &small("x")).await;
    problem(answer, 400, "malformed").await;
    let answer = server.post("/v1/sweeps?dry_run=false", &small("x")).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
}
