//! Versions of the wire: what a worker says, and what it makes of what a server says.

use super::*;
use floodgauge_protocol::wire::WireVersions;

/// A worker that does all there is to do on a server that says this of the wire.
async fn until_idle(wire: Option<&'static str>) -> (Server, Result<(), ClientError>) {
    let server = Server::start(vec![assignment(1)]).await;
    server.set(|log| log.wire = wire);
    let ending = Ending { when_idle: true, ..Ending::default() };
    let ended = real(&server, no_cache()).run(ending).await;
    (server, ended)
}

#[tokio::test]
async fn a_worker_works_for_any_server_with_a_version_in_common() {
    for wire in [Some("2"), Some("1-2"), Some("2-7")] {
        let (server, ended) = until_idle(wire).await;
        ended.unwrap();
        server.see(|log| {
            assert_eq!(log.finished.len(), 1, "{wire:?}");
            assert!(log.wires.len() >= 5, "with each request: {:?}", log.wires);
            let ours = WireVersions::OF_WORKER.to_string();
            assert!(log.wires.iter().all(|said| *said == ours), "{:?}", log.wires);
        });
    }
}

#[tokio::test]
async fn a_worker_ends_with_a_sentence_where_there_is_none_and_fails_nothing() {
    for wire in ["7-9", "a new notation"] {
        let (server, ended) = until_idle(Some(wire)).await;
        let error = ended.unwrap_err();
        assert!(matches!(error, ClientError::Incompatible(_)), "{error:?}");
        let words = error.to_string();
        assert!(words.starts_with("the worker is too old for this server"), "{words}");
        server.see(|log| assert_eq!((log.reports.len(), log.failed.len()), (0, 0)));
    }
}

#[tokio::test]
async fn a_server_of_before_metrics_had_names_is_to_be_upgraded() {
    for wire in [None, Some("1")] {
        let (server, ended) = until_idle(wire).await;
        let words = ended.unwrap_err().to_string();
        assert!(words.starts_with("the worker is too new for this server"), "{words}");
        assert!(words.contains("upgrade the server"), "{words}");
        server.see(|log| assert_eq!((log.reports.len(), log.failed.len()), (0, 0)));
    }
}
