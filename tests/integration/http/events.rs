//! Event streams: replayed, resumed, tailed, ended.

use super::{
    server::{Server, problem, small},
    worker::{claim, post, train_all},
};
use eventsource_stream::{Event, Eventsource};
use futures::{Stream, StreamExt};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// An open stream; after an entry if told.
async fn open(
    server: &Server,
    path: &str,
    after: Option<&str>,
) -> impl Stream<Item = Event> + Unpin + use<> {
    let mut request = server.request(Method::GET, path).header("accept-encoding", "gzip");
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    // Compression would hold messages back.
    assert!(!response.headers().contains_key("content-encoding"));
    response.bytes_stream().eventsource().map(Result::unwrap).boxed()
}

fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.id.parse().unwrap()).collect()
}

/// A sweep that has run to its end, and the path of its events.
async fn completed(server: &Server) -> String {
    let sweep = server.submit(&small("told")).await;
    train_all(server).await;
    assert_eq!(server.json(&format!("/v1/sweeps/{sweep}")).await["status"], "completed");
    format!("/v1/sweeps/{sweep}/events")
}

#[tokio::test]
async fn a_stream_tells_the_whole_log_and_ends_with_its_sweep() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let events: Vec<_> = open(&server, &path, None).await.collect().await;
    assert_eq!(seqs(&events), (1..=events.len() as u64).collect::<Vec<_>>());
    assert_eq!(events[0].event, "submitted");
    for event in &events {
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(data["event"]["type"], event.event);
        assert_eq!(data["seq"].to_string(), event.id);
        assert!(path.contains(data["sweep"].as_str().unwrap()));
        data["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        for decision in data["decisions"].as_array().unwrap() {
            assert!(!decision["reason"].as_str().unwrap().is_empty(), "{decision}");
        }
    }
    let last: Value = serde_json::from_str(&events.last().unwrap().data).unwrap();
    let actions = last["decisions"].as_array().unwrap();
    assert!(actions.iter().any(|decision| decision["action"] == "complete"), "{last}");
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let all: Vec<_> = open(&server, &path, None).await.collect().await;
    for cut in 1..all.len() {
        let seen: Vec<_> = open(&server, &path, None).await.take(cut).collect().await;
        let rest = open(&server, &path, Some(&seen.last().unwrap().id)).await;
        let rest: Vec<_> = rest.collect().await;
        assert_eq!([seen, rest].concat(), all);
    }
}

#[tokio::test]
async fn every_entry_comes_with_its_lines_and_a_report_with_none() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let events: Vec<_> = open(&server, &path, None).await.collect().await;
    let mut kinds = vec![];
    for event in &events {
        let data: Value = serde_json::from_str(&event.data).unwrap();
        let lines = data["lines"].as_array().unwrap();
        assert_eq!(lines.is_empty(), event.event == "reported", "{data}");
        kinds.extend(lines.iter().map(|line| line["kind"].as_str().unwrap().to_owned()));
        if event.event == "claimed" {
            let text = lines[0]["text"].as_str().unwrap();
            assert!(text.contains(" took segment ") && text.contains(": "), "{text}");
        }
    }
    assert_eq!((kinds[0].as_str(), kinds.last().unwrap().as_str()), ("submitted", "completed"));
}

#[tokio::test]
async fn the_header_goes_before_the_query() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let by_query = open(&server, &format!("{path}?after=2"), None).await.next().await.unwrap();
    assert_eq!(by_query.id, "3");
    let both = open(&server, &format!("{path}?after=1"), Some("3")).await.next().await.unwrap();
    assert_eq!(both.id, "4");
}

#[tokio::test]
async fn a_client_that_has_seen_the_end_is_told_to_stay_away() {
    let server = Server::start().await;
    let path = completed(&server).await;
    let all: Vec<_> = open(&server, &path, None).await.collect().await;
    let request = server.request(Method::GET, &path);
    let request = request.header("last-event-id", &all.last().unwrap().id);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn who_comes_back_to_a_cancelled_sweep_hears_what_came_after_its_end() {
    let server = Server::start().await;
    let sweep = server.submit(&small("late")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    server.request(Method::POST, &format!("/v1/sweeps/{sweep}/cancel")).send().await.unwrap();
    let path = format!("/v1/sweeps/{sweep}/events");
    let events: Vec<_> = open(&server, &path, None).await.collect().await;
    let ending = &events.last().unwrap().id;
    let stay_away = server.request(Method::GET, &path).header("last-event-id", ending);
    assert_eq!(stay_away.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    post(&server, &work, "fail", &json!({ "message": "told to stop" })).await;
    let late: Vec<_> = open(&server, &path, Some(ending)).await.collect().await;
    assert_eq!(late.iter().map(|event| &event.event).collect::<Vec<_>>(), ["failed"]);
    let stay_away = server.request(Method::GET, &path).header("last-event-id", &late[0].id);
    assert_eq!(stay_away.send().await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_open_stream_hears_what_is_committed_later() {
    let server = Server::start().await;
    let sweep = server.submit(&small("live")).await;
    let mut events = open(&server, &format!("/v1/sweeps/{sweep}/events"), None).await;
    assert_eq!(events.next().await.unwrap().event, "submitted");
    claim(&server, "worker", 0).await.unwrap();
    assert_eq!(events.next().await.unwrap().event, "claimed");
    let cancel = format!("/v1/sweeps/{sweep}/cancel");
    server.request(Method::POST, &cancel).send().await.unwrap();
    assert_eq!(events.next().await.unwrap().event, "cancel_requested");
    assert!(events.next().await.is_none(), "the sweep is over");
}

#[tokio::test]
async fn many_watchers_of_a_running_sweep_hear_the_same() {
    let server = Server::start().await;
    let sweep = server.submit(&small("watched")).await;
    let path = format!("/v1/sweeps/{sweep}/events");
    let streams = futures::future::join_all((0..8).map(|_| open(&server, &path, None))).await;
    let watching = futures::future::join_all(streams.into_iter().map(|s| s.collect::<Vec<_>>()));
    let (heard, ()) = tokio::join!(watching, train_all(&server));
    assert_eq!(seqs(&heard[0]), (1..=heard[0].len() as u64).collect::<Vec<_>>());
    assert!(heard.iter().all(|events| *events == heard[0]));
}

#[tokio::test]
async fn a_watcher_that_falls_behind_its_feed_misses_nothing() {
    let server = Server::start().await;
    let events = open(&server, "/v1/events", None).await;
    let mut sweeps = Vec::new();
    for i in 0..400 {
        sweeps.push(server.submit(&small(&format!("sweep {i}"))).await);
    }
    let heard: Vec<_> = events.take(sweeps.len()).collect().await;
    for (event, sweep) in heard.iter().zip(&sweeps) {
        assert!(event.data.contains(sweep), "{event:?}");
    }
}

#[tokio::test]
async fn the_stream_of_all_sweeps_begins_now_and_can_be_resumed() {
    let server = Server::start().await;
    server.submit(&small("before")).await;
    let mut events = open(&server, "/v1/events", None).await;
    let first = server.submit(&small("first")).await;
    let heard = events.next().await.unwrap();
    assert!(heard.data.contains(&first), "{heard:?}");
    drop(events);
    let second = server.submit(&small("second")).await;
    let mut events = open(&server, "/v1/events", Some(&heard.id)).await;
    assert!(events.next().await.unwrap().data.contains(&second));
}

#[tokio::test]
async fn a_closing_server_ends_its_streams() {
    let mut server = Server::start().await;
    let sweep = server.submit(&small("endless")).await;
    let mut one = open(&server, &format!("/v1/sweeps/{sweep}/events"), None).await;
    assert_eq!(one.next().await.unwrap().event, "submitted");
    let mut all = open(&server, "/v1/events", None).await;
    server.closing.cancel();
    assert!(one.next().await.is_none());
    assert!(all.next().await.is_none());
    (&mut server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_id_that_is_none_is_malformed() {
    let server = Server::start().await;
    let sweep = server.submit(&small("strict")).await;
    for path in [format!("/v1/sweeps/{sweep}/events"), "/v1/events".into()] {
        let request = server.request(Method::GET, &path).header("last-event-id", "x");
        problem(request.send().await.unwrap(), 400, "malformed").await;
        problem(server.get(&format!("{path}?before=1")).await, 400, "malformed").await;
    }
}
