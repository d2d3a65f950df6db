//! What is said of a server that is asked as well.

use super::patient::Case;
use crate::support::TestDatabase;
use floodgauge::{
    client::Client,
    doctor::{Check, Finding, Report, Severity, ask, examine},
};
use std::time::Duration;
use tokio::net::TcpListener;

/// What is found of the server at an address, beside a report.
async fn asked(address: &str, mut report: Report) -> Vec<Finding> {
    let client = Client::new(address.parse().unwrap()).unwrap();
    ask(&client, &mut report, |_| {}).await;
    report.findings.retain(|finding| finding.check == Check::Server);
    report.findings
}

#[tokio::test]
async fn where_nothing_listens_it_says_so_and_how_to_start_a_server() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let found = asked(&address, Report::default()).await;
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.severity, Severity::Fail);
    assert!(finding.what.starts_with(&format!("no answer from {address}")), "{}", finding.what);
    let remedy = finding.remedy.as_ref().unwrap();
    assert!(
        remedy.contains("nothing listens there") && remedy.contains("`floodgauge serve`"),
        "{remedy}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_in_trouble_is_told_of_once() {
    let case = Case::new(TestDatabase::sqlite().await).await;
    let store = case.server.driver.store();
    store.note_trouble("w7", "no room", Duration::from_secs(60)).await.unwrap();
    let address = format!("{}/", case.server.base);
    // Of a database that couldn't be looked at, only its server tells.
    let found = asked(&address, Report::default()).await;
    assert!(found.iter().any(|finding| finding.what.contains("worker `w7`")), "{found:?}");
    let report = examine(&case.patient(), |_| {}).await;
    assert_eq!(report.problems(), 1);
    let found = asked(&address, report).await;
    let [finding] = &found[..] else { panic!("{found:?}") };
    assert_eq!(finding.severity, Severity::Ok);
}
