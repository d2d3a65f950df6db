//! Who trains, who can't, and who is missed.

use super::patient::{Case, problems};
use crate::{
    http::worker::{claim, epochs, post, rows},
    support::{TestDatabase, on_both_databases},
};
use floodgauge::doctor::{Check, Patient, Severity, examine};
use reqwest::StatusCode;
use serde_json::json;

on_both_databases!(
    a_worker_in_trouble_is_told_of_with_its_trouble,
    work_that_waits_for_long_is_told_of_where_nobody_asks_for_it,
    a_sweep_whose_kind_of_machine_is_gone_is_noted_with_how_long_it_waits,
);

/// Has all that waits, and every machine that was seen, be older by so many minutes.
async fn age(case: &Case, minutes: u32) {
    let ms = minutes * 60_000;
    case.execute(&format!(
        "update segments set queued_ms = queued_ms - {ms}; \
         update queue set queued_ms = queued_ms - {ms}; \
         update machines set seen_ms = seen_ms - {ms}"
    ))
    .await;
}

async fn a_worker_in_trouble_is_told_of_with_its_trouble(database: TestDatabase) {
    let case = Case::new(database).await;
    let trouble = json!({ "worker": "w7", "message": "no \u{1b}room", "retry_in_s": 60 });
    let answer = case.server.post("/v1/work/trouble", &trouble).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let problem = case.problem(Check::Workers).await;
    assert_eq!(problem.severity, Severity::Warn);
    assert!(problem.what.starts_with("worker `w7` asks for no work"), "{}", problem.what);
    assert!(problem.what.ends_with(": no \\u{1b}room"), "{}", problem.what);
    // One that takes work is well again.
    claim(&case.server, "w7", 0).await.unwrap();
    assert_eq!(case.problems().await, []);
}

async fn work_that_waits_for_long_is_told_of_where_nobody_asks_for_it(database: TestDatabase) {
    let case = Case::new(database).await;
    age(&case, 60).await;
    // As far as is known no server runs, that anybody could ask.
    assert_eq!(case.problems().await, []);
    let report = examine(&case.patient(), |_| {}).await;
    let mut told = report.findings.iter().filter(|found| found.check == Check::Workers);
    assert!(told.any(|found| found.what.contains("no server is known to run")), "{report:#?}");
    let served = Patient { is_served: true, ..case.patient() };
    let found = problems(&examine(&served, |_| {}).await);
    let [problem] = &found[..] else { panic!("one problem: {found:#?}") };
    assert_eq!((problem.check, problem.severity), (Check::Workers, Severity::Warn));
    assert!(problem.what.contains("none has asked for work in the last 5m"), "{}", problem.what);
    assert!(problem.remedy.as_ref().unwrap().contains("floodgauge worker"));
    // A worker of any kind is somebody.
    case.server.driver.store().machine_seen("another").await.unwrap();
    assert_eq!(problems(&examine(&served, |_| {}).await), []);
}

async fn a_sweep_whose_kind_of_machine_is_gone_is_noted_with_how_long_it_waits(
    database: TestDatabase,
) {
    let case = Case::new(database).await;
    let work = claim(&case.server, "gone", 0).await.unwrap();
    let first = json!({ "rows": rows(&work, *epochs(&work).start()) });
    let begun = post(&case.server, &work, "reports", &first).await;
    assert_eq!(begun.status(), StatusCode::OK);
    age(&case, 20).await;
    case.server.driver.store().machine_seen("another").await.unwrap();
    // As long as one of its kind holds work, that kind is there.
    let report = examine(&case.patient(), |_| {}).await;
    assert!(report.findings.iter().all(|found| found.severity == Severity::Ok), "{report:#?}");
    case.execute("update segments set expires_ms = 1 where state = 'leased'").await;
    assert_eq!(case.problems().await, []);
    let note = case.note(Check::Workers).await;
    let of_sweep = format!("of sweep {} (`going`) ", case.going);
    assert!(note.what.starts_with(&of_sweep), "{}", note.what);
    assert!(note.what.contains("`test`: none has asked for work for 20m"), "{}", note.what);
    assert!(note.what.contains("--start-over-after`, 1h unless"), "{}", note.what);
}
