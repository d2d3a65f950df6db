//! Workers whose machine is in trouble.

use super::*;
use std::fs;

/// Long enough to see that something waits, and no test waits for it.
const LONG: Retry = Retry {
    first_delay: Duration::from_secs(1_000),
    max_delay: Duration::from_secs(1_000),
    tries: None,
};

fn cache_at(folder: &std::path::Path) -> Cache {
    Cache { folder: folder.into(), max_bytes: 1 << 20 }
}

#[tokio::test]
async fn a_worker_that_cannot_write_its_cache_asks_for_no_work_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    fs::write(&path, "a file").unwrap();
    let server = Server::start(vec![assignment(1)]).await;
    let worker = AtWork::start(real(&server, cache_at(&path)).recovering(QUICK));
    server.until(|log| log.troubles.len() == 3).await;
    server.see(|log| {
        assert!(log.claims.is_empty(), "{:?}", log.claims);
        let trouble = &log.troubles[0];
        assert_eq!((trouble.worker.as_str(), trouble.retry_in_s), ("real", 1));
        let expected = format!("the cache {} can't be written", path.display());
        assert!(trouble.message.starts_with(&expected), "{}", trouble.message);
    });
    fs::remove_file(&path).unwrap();
    server.until(|log| log.finished.len() == 1).await;
    assert!(server.see(|log| log.failed.is_empty() && log.handed_back.is_empty()));
    worker.end().await.unwrap();
}

#[tokio::test]
async fn after_a_hand_back_a_worker_waits_before_it_asks_for_more() {
    let mut work = assignment(1);
    work.segment.branches[0].start = Start::Checkpoint { digest: Digest([7; 32]) };
    let server = Server::start(vec![work, assignment(1)]).await;
    let worker = AtWork::start(real(&server, no_cache()).recovering(LONG));
    server.until(|log| log.handed_back.len() == 1).await;
    server.see(|log| {
        let seconds = log.handed_back[0].retry_in_s.unwrap();
        assert!((1_000..=2_000).contains(&seconds), "{seconds}");
        assert!(log.failed.is_empty());
    });
    // Whoever ends it needs not wait.
    worker.end().await.unwrap();
    assert_eq!(server.see(|log| (log.claims.len(), log.queue.len())), (1, 1));
}

#[tokio::test]
async fn a_worker_in_trouble_for_a_while_trains_what_comes_afterwards() {
    let digest = Digest([7; 32]);
    let mut bad = assignment(1);
    bad.segment.branches[0].start = Start::Checkpoint { digest };
    let server = Server::start(vec![bad.clone(), bad, assignment(1)]).await;
    let worker = AtWork::start(real(&server, no_cache()).recovering(QUICK));
    server.until(|log| log.finished.len() == 1).await;
    assert_eq!(server.see(|log| (log.handed_back.len(), log.failed.len())), (2, 0));
    worker.end().await.unwrap();
}

#[tokio::test]
async fn what_a_proxy_refuses_is_the_machines_trouble_and_what_the_server_refuses_is_not() {
    let server = Server::start(vec![assignment(1), assignment(1)]).await;
    server.fault("blobs", [Fault::Between(StatusCode::PAYLOAD_TOO_LARGE)]);
    let scripted = |_: &mut dyn Progress| Ok(vec![ended(b"weights")]);
    let client = Client::new(&server.address, QUICK).unwrap();
    let trainer = Arc::new(Scripted(Box::new(scripted)));
    let worker = Worker::with_trainer(client, "scripted".into(), no_cache(), trainer);
    let worker = AtWork::start(worker.recovering(QUICK));
    server.until(|log| log.handed_back.len() == 1).await;
    assert!(server.see(|log| log.handed_back[0].message.contains("413")));
    server.until(|log| log.finished.len() == 1).await;
    server.fault("blobs", [Fault::Told(StatusCode::UNPROCESSABLE_ENTITY, "invalid-checkpoint")]);
    server.set(|log| log.queue.push_back(assignment(1)));
    server.until(|log| log.failed.len() == 1).await;
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_trainer_that_the_system_fails_hands_its_segment_back() {
    let server = Server::start(vec![assignment(1)]).await;
    let script = |_: &mut dyn Progress| -> Trained {
        Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into())
    };
    let worker = AtWork::scripted(&server, Box::new(script));
    server.until(|log| log.handed_back.len() == 1).await;
    assert!(server.see(|log| log.failed.is_empty()));
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_proxy_that_answers_while_its_server_is_replaced_is_waited_out() {
    let server = Server::start(vec![assignment(1)]).await;
    let log = server.log.clone();
    let script = move |_: &mut dyn Progress| {
        log.send_modify(|log| {
            let gone = [Fault::Between(StatusCode::NOT_FOUND); 2];
            log.faults.entry("claim").or_default().extend(gone);
            log.queue.push_back(assignment(1));
        });
        Ok(vec![ended(b"weights")])
    };
    let client = Client::new(&server.address, QUICK).unwrap();
    let trainer = Arc::new(Scripted(Box::new(script)));
    let worker = Worker::with_trainer(client, "scripted".into(), no_cache(), trainer);
    let worker = AtWork::start(worker.recovering(QUICK));
    server.until(|log| log.finished.len() == 2).await;
    worker.end().await.unwrap();
}
