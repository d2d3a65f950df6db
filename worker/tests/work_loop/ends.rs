//! States saved on the way, and workers that end in order.

use super::*;

#[tokio::test]
async fn states_are_uploaded_on_the_way_and_told_after_their_rows() {
    let work = assignment(5);
    let (rows, branches) = alone(&work);
    let server = Server::start(vec![work]).await;
    let worker = AtWork::start(real(&server, no_cache()).saving_every(Duration::ZERO));
    server.until(|log| log.finished.len() == 1).await;
    server.see(|log| {
        assert_eq!(log.rows(), rows);
        // After each epoch but the last, whose states are handed in.
        assert_eq!(log.saved.len(), 4);
        for (epoch, (reported, runs)) in (1..).zip(&log.saved) {
            assert!(*reported >= 4 * epoch, "{reported} rows");
            assert!(runs.iter().all(|run| run.step == 2 * epoch as u64));
            let arms: Vec<_> = runs.iter().flat_map(|run| run.arms.clone()).collect();
            assert_eq!(arms, [0, 1, 2, 3].map(ArmIx));
            let named = runs.iter().flat_map(FinishedBranch::checkpoints);
            assert!(named.into_iter().all(|digest| log.blobs.contains_key(&digest)));
        }
        for (ended, expected) in log.finished[0].branches.iter().zip(&branches) {
            assert_eq!((&ended.arms, ended.step), (&expected.arms, expected.step));
            assert_eq!(ended.checkpoint, expected.checkpoint);
        }
    });
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_drained_worker_hands_in_at_the_end_of_its_epoch_and_claims_no_more() {
    let server = Server::start(vec![assignment(10_000_000), assignment(1)]).await;
    let ending = Ending::default();
    let (worker, token) = (real(&server, no_cache()), ending.clone());
    let run = tokio::spawn(async move { worker.run(token).await });
    server.until(|log| !log.reports.is_empty()).await;
    ending.drain.cancel();
    run.await.unwrap().unwrap();
    server.see(|log| {
        let [finish] = &log.finished[..] else { panic!("{:?}", log.finished) };
        for branch in &finish.branches {
            assert_eq!(branch.end, BranchEnd::Stopped);
            assert!(branch.step > 0 && branch.step.is_multiple_of(2));
            assert!(log.blobs.contains_key(&branch.checkpoint.unwrap()));
            let reported = |row: &ReportRow| row.arms == branch.arms && row.step == branch.step;
            assert!(log.rows().iter().any(reported), "its last epoch is reported");
        }
        assert_eq!((log.queue.len(), log.live.len(), log.failed.len()), (1, 0, 0));
    });
}

#[tokio::test]
async fn a_worker_that_is_to_end_when_idle_does_all_there_is_and_ends() {
    let server = Server::start(vec![assignment(2), assignment(1)]).await;
    let ending = Ending { when_idle: true, ..Ending::default() };
    real(&server, no_cache()).run(ending).await.unwrap();
    server.see(|log| {
        assert_eq!((log.finished.len(), log.queue.len()), (2, 0));
        assert!(log.claims.iter().all(|claim| claim.wait_s == 0));
    });
}

#[tokio::test]
async fn the_first_claim_is_answered_at_once_and_those_after_it_wait_for_work() {
    let server = Server::start(vec![]).await;
    let worker = AtWork::start(real(&server, no_cache()));
    server.until(|log| log.claims.len() == 2).await;
    let waits = server.see(|log| log.claims.iter().map(|claim| claim.wait_s).collect::<Vec<_>>());
    assert_eq!(waits, [0, 25]);
    worker.end().await.unwrap();
}

#[tokio::test]
async fn a_sweep_that_ends_while_a_checkpoint_is_fetched_lets_its_worker_go() {
    let mut endless = assignment(1);
    endless.segment.branches[0].start = Start::Checkpoint { digest: Digest([7; 32]) };
    let server = Server::start(vec![endless]).await;
    server.set(|log| {
        (log.ttl_s, log.blobs_wait_for) = (1, usize::MAX);
        log.stops = vec![Stop { arms: (0..4).map(ArmIx).collect(), at_epoch: 0 }];
    });
    let worker = AtWork::start(real(&server, no_cache()));
    server.until(|log| log.claims.len() == 2).await;
    server.see(|log| {
        assert!(!log.reports.is_empty(), "it was told when it renewed its lease");
        assert!(log.failed.is_empty() && log.handed_back.is_empty() && log.finished.is_empty());
    });
    worker.end().await.unwrap();
}
