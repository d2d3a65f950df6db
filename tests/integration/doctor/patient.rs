//! What a server leaves behind: a sweep that ended, one that is half done, on a data set that was uploaded.

use crate::{
    http::{
        server::{Server, small},
        worker::{claim, train, train_all},
    },
    support::TestDatabase,
};
use floodgauge::{
    config::Storage,
    doctor::{Check, Finding, Patient, Report, Severity, examine},
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::path::PathBuf;

/// What is looked at.
pub struct Case {
    pub database: TestDatabase,
    /// The server that did all this; it still runs, and holds nothing.
    pub server: Server,
    /// The sweep that has ended.
    pub ended: String,
    /// The sweep that goes on.
    pub going: String,
}

/// 40 rows of two features and one of two classes.
pub fn table() -> String {
    (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 3, row % 2)).collect()
}

impl Case {
    pub async fn new(database: TestDatabase) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::on_folder(folder, database.open_again().await).await;
        let add = server.request(Method::POST, "/v1/datasets?name=mine");
        let add = add.header("content-type", "text/csv").body(table()).send().await.unwrap();
        assert_eq!(add.status(), StatusCode::CREATED);
        let mut spec = small("ended");
        spec["recipe"]["dataset"] = json!({ "name": "mine" });
        spec["recipe"]["batch_size"] = json!(10);
        let ended = server.submit(&spec).await;
        train_all(&server).await;
        let mut spec = small("going");
        spec["search"]["seeds"] = json!([0, 1]);
        let going = server.submit(&spec).await;
        let work = claim(&server, "worker", 0).await.unwrap();
        train(&server, &work).await;
        let case = Self { database, server, ended, going };
        assert_eq!(case.status(&case.ended).await, "completed");
        assert_eq!(case.status(&case.going).await, "running");
        case
    }

    pub async fn status(&self, sweep: &str) -> String {
        let sweep = self.server.json(&format!("/v1/sweeps/{sweep}")).await;
        sweep["status"].as_str().unwrap().to_owned()
    }

    pub async fn execute(&self, sql: &str) {
        self.database.execute(sql).await;
    }

    pub fn blobs(&self) -> PathBuf {
        self.server.folder.path().join("blobs")
    }

    pub fn patient(&self) -> Patient {
        let folder = self.server.folder.path();
        let storage =
            Storage { database_url: Some(self.database.url.clone()), ..Storage::in_folder(folder) };
        let (data, database_url) = (folder.join("data"), self.database.url.clone());
        let (repair, quick, is_served) = (false, false, false);
        Patient { storage, data, database_url, repair, quick, is_served }
    }

    /// What is wrong; of each check that found something.
    pub async fn problems(&self) -> Vec<Finding> {
        problems(&examine(&self.patient(), |_| {}).await)
    }

    /// The one thing that is wrong, which the check finds.
    pub async fn problem(&self, check: Check) -> Finding {
        let problems = self.problems().await;
        let [problem] = &problems[..] else { panic!("one problem: {problems:#?}") };
        assert_eq!(problem.check, check, "{problem:?}");
        assert!(problem.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{problem:?}");
        problem.clone()
    }

    /// The one thing that the check notes, and that needs nothing done.
    pub async fn note(&self, check: Check) -> Finding {
        let report = examine(&self.patient(), |_| {}).await;
        let of_check = report.findings.iter().filter(|finding| finding.check == check);
        let notes: Vec<_> = of_check.filter(|f| f.severity == Severity::Note).collect();
        let [note] = notes[..] else { panic!("one note: {report:#?}") };
        assert_eq!(note.remedy, None);
        note.clone()
    }

    /// Has it mended; what was done is told, and nothing is wrong afterwards.
    pub async fn is_mended(&self) {
        let report = examine(&Patient { repair: true, ..self.patient() }, |_| {}).await;
        assert_eq!(problems(&report), []);
        let mended: Vec<_> = report.findings.iter().filter(|f| f.repaired.is_some()).collect();
        assert!(!mended.is_empty(), "{report:?}");
        assert_eq!(self.problems().await, []);
    }

    /// Both sweeps go on: a server that starts now trains to the end, and extends what has ended.
    pub async fn goes_on(&self) {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(self.blobs(), folder.path().join("blobs")).unwrap();
        let server = Server::on_folder(folder, self.database.open_again().await).await;
        train_all(&server).await;
        let status =
            async |sweep: &str| server.json(&format!("/v1/sweeps/{sweep}")).await["status"].clone();
        assert_eq!(status(&self.going).await, "completed");
        let path = format!("/v1/sweeps/{}/extend", self.ended);
        assert!(server.post(&path, &json!({ "seeds": 1 })).await.status().is_success());
        train_all(&server).await;
        assert_eq!(status(&self.ended).await, "completed");
        assert_eq!(self.problems().await, []);
    }
}

pub fn problems(report: &Report) -> Vec<Finding> {
    report.findings.iter().filter(|finding| finding.is_problem()).cloned().collect()
}
