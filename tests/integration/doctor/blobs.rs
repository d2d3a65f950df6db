//! Checkpoints and data sets.

use super::patient::{Case, table};
use crate::{
    http::{
        server::small,
        worker::{digest, train_all},
    },
    support::{TestDatabase, on_both_databases},
};
use floodgauge::doctor::{Check, Patient, Severity, examine};
use reqwest::Method;
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

on_both_databases!(
    a_checkpoint_that_is_lost_cut_or_altered_is_found_with_its_sweep,
    a_damaged_checkpoint_of_a_sweep_that_goes_on_is_a_note_since_it_is_trained_again,
    every_damaged_checkpoint_is_named_with_all_sweeps_that_share_it,
    a_checkpoint_that_no_list_has_is_found_and_listed,
    a_blob_that_nobody_knows_is_found_and_goes,
    blobs_of_another_database_are_told_as_such_and_stay,
    what_was_half_written_long_ago_is_found_and_goes,
    a_data_set_that_is_lost_cut_or_altered_is_found_by_its_name,
    files_of_a_named_set_that_cannot_be_used_are_found,
    a_folder_of_blobs_that_is_gone_or_empty_is_one_finding_with_one_thing_to_do,
);

/// The file of a checkpoint of the sweep that has ended.
async fn checkpoint(case: &Case) -> PathBuf {
    checkpoint_of(case, &case.ended).await
}

async fn checkpoint_of(case: &Case, sweep: &str) -> PathBuf {
    let trials = case.server.json(&format!("/v1/sweeps/{sweep}/trials")).await;
    let trials = trials["items"].as_array().unwrap();
    let name = trials.iter().find_map(|trial| trial["checkpoint"].as_str()).unwrap();
    object(&case.blobs(), name)
}

fn object(blobs: &Path, name: &str) -> PathBuf {
    blobs.join(&name[..2]).join(name)
}

/// What can happen to a file; each is told by such words.
fn harms(whole: &[u8]) -> [(&'static str, Option<Vec<u8>>); 3] {
    let mut altered = whole.to_vec();
    altered[whole.len() / 2] ^= 1;
    [("lost", None), ("cut", Some(whole[..9].to_vec())), ("altered", Some(altered))]
}

fn put(path: &Path, bytes: Option<&Vec<u8>>) {
    match bytes {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
}

async fn a_checkpoint_that_is_lost_cut_or_altered_is_found_with_its_sweep(database: TestDatabase) {
    let case = Case::new(database).await;
    let path = checkpoint(&case).await;
    let whole = fs::read(&path).unwrap();
    for (how, harmed) in harms(&whole) {
        put(&path, harmed.as_ref());
        let problem = case.problem(Check::Blobs).await;
        assert_eq!(problem.severity, Severity::Fail);
        let words = match how {
            "lost" => "is missing",
            "cut" => "has 9 bytes",
            _ => "has other bytes",
        };
        assert!(problem.what.contains(words), "{}", problem.what);
        assert!(problem.what.contains(&case.ended), "{}", problem.what);
        assert!(problem.remedy.unwrap().contains("from a backup"));
        // Nothing that is referred to is deleted, and what is lost isn't made.
        let report = examine(&Patient { repair: true, ..case.patient() }, |_| {}).await;
        assert_eq!(super::patient::problems(&report).len(), 1);
        assert_eq!(path.exists(), harmed.is_some());
        // Its bytes are left unread where that was asked for.
        let quick = examine(&Patient { quick: true, ..case.patient() }, |_| {}).await;
        assert_eq!(quick.problems(), usize::from(how != "altered"));
        put(&path, Some(&whole));
        assert_eq!(case.problems().await, []);
    }
}

async fn a_damaged_checkpoint_of_a_sweep_that_goes_on_is_a_note_since_it_is_trained_again(
    database: TestDatabase,
) {
    let case = Case::new(database).await;
    let path = checkpoint_of(&case, &case.going).await;
    put(&path, None);
    assert_eq!(case.problems().await, []);
    let note = case.note(Check::Blobs).await;
    assert!(note.what.contains(&case.going), "{}", note.what);
    assert!(note.what.contains(": nothing has to be done, since a running server"), "{note:?}");
    assert_eq!(note.remedy, None);
}

/// The checkpoints that trials of a sweep have.
async fn checkpoints(case: &Case, sweep: &str) -> BTreeSet<String> {
    let trials = case.server.json(&format!("/v1/sweeps/{sweep}/trials")).await;
    let trials = trials["items"].as_array().unwrap().iter();
    trials.filter_map(|trial| trial["checkpoint"].as_str()).map(str::to_owned).collect()
}

async fn every_damaged_checkpoint_is_named_with_all_sweeps_that_share_it(database: TestDatabase) {
    let case = Case::new(database).await;
    let mut spec = small("twin");
    spec["recipe"]["dataset"] = json!({ "name": "mine" });
    spec["recipe"]["batch_size"] = json!(10);
    let twin = case.server.submit(&spec).await;
    train_all(&case.server).await;
    let (ended, twins) = (checkpoints(&case, &case.ended).await, checkpoints(&case, &twin).await);
    let shared: Vec<&String> = ended.intersection(&twins).take(2).collect();
    let [first, second] = shared[..] else {
        panic!("they share two at least: {ended:?} {twins:?}")
    };
    for name in [first, second] {
        put(&object(&case.blobs(), name), None);
    }
    let problem = case.problem(Check::Blobs).await;
    assert_eq!(problem.severity, Severity::Fail);
    assert_eq!(problem.what, "2 checkpoints are damaged");
    assert_eq!(problem.details.len(), 2, "{problem:?}");
    for (name, detail) in [first, second].into_iter().zip(&problem.details) {
        for named in [name, &case.ended, &twin] {
            assert!(detail.contains(named.as_str()), "{detail}");
        }
        assert!(detail.ends_with(" is missing"), "{detail}");
    }
    assert!(problem.remedy.unwrap().contains("A running server trains again"));
}

async fn a_checkpoint_that_no_list_has_is_found_and_listed(database: TestDatabase) {
    let case = Case::new(database).await;
    let path = checkpoint(&case).await;
    let name = path.file_name().unwrap().to_str().unwrap();
    case.execute(&format!("delete from blobs where digest = '{name}'")).await;
    let problem = case.problem(Check::Blobs).await;
    assert!(problem.what.contains("doesn't list it"), "{}", problem.what);
    case.is_mended().await;
    assert!(path.exists());
    case.goes_on().await;
}

async fn a_blob_that_nobody_knows_is_found_and_goes(database: TestDatabase) {
    let case = Case::new(database).await;
    let path = object(&case.blobs(), &digest(b"left over").to_string());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "left over").unwrap();
    let other = case.blobs().join("README");
    fs::write(&other, "of somebody else").unwrap();
    let problem = case.problem(Check::Blobs).await;
    assert_eq!(problem.severity, Severity::Warn);
    assert!(problem.what.contains("1 blob is with 9 B left over"), "{}", problem.what);
    case.is_mended().await;
    assert!(!path.exists() && other.exists());
    case.goes_on().await;
}

async fn blobs_of_another_database_are_told_as_such_and_stay(database: TestDatabase) {
    let case = Case::new(database).await;
    let there = || {
        let shards = fs::read_dir(case.blobs()).unwrap().map(|shard| shard.unwrap().path());
        shards.filter(|path| path.is_dir()).map(|path| fs::read_dir(path).unwrap().count()).sum()
    };
    let before: usize = there();
    let another = TestDatabase::sqlite().await;
    let patient = Patient { repair: true, database_url: another.url.clone(), ..case.patient() };
    let report = examine(&patient, |_| {}).await;
    let problems = super::patient::problems(&report);
    let [problem] = &problems[..] else { panic!("one problem: {problems:#?}") };
    assert_eq!((problem.check, problem.severity), (Check::Blobs, Severity::Fail));
    assert!(problem.what.contains("the database knows 0"), "{}", problem.what);
    assert_eq!(there(), before);
}

async fn what_was_half_written_long_ago_is_found_and_goes(database: TestDatabase) {
    let case = Case::new(database).await;
    let half = PathBuf::from(format!("{}#1", checkpoint(&case).await.display()));
    let incoming = case.blobs().join("incoming");
    fs::create_dir_all(&incoming).unwrap();
    let before = SystemTime::now() - Duration::from_secs(25 * 3600);
    for path in [&half, &incoming.join("old"), &incoming.join("new")] {
        fs::write(path, "half").unwrap();
        if !path.ends_with("new") {
            File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
        }
    }
    let problem = case.problem(Check::Blobs).await;
    assert!(problem.what.starts_with("2 files are half written"), "{}", problem.what);
    case.is_mended().await;
    assert!(!half.exists() && !incoming.join("old").exists() && incoming.join("new").exists());
}

async fn a_data_set_that_is_lost_cut_or_altered_is_found_by_its_name(database: TestDatabase) {
    let case = Case::new(database).await;
    let whole = table().into_bytes();
    let path = object(&case.blobs(), &digest(&whole).to_string());
    for (how, harmed) in harms(&whole) {
        put(&path, harmed.as_ref());
        let problem = case.problem(Check::Datasets).await;
        let words = match how {
            "lost" => "its bytes are lost",
            "cut" => "9 of its",
            _ => "its bytes aren't those that were stored",
        };
        assert!(problem.what.contains(words), "{}", problem.what);
        assert!(problem.what.contains("data set `mine`"), "{}", problem.what);
        assert!(problem.what.contains("1 sweep is pinned to it"), "{}", problem.what);
        // It does as it is told.
        let add = case.server.request(Method::POST, "/v1/datasets?name=mine");
        let add = add.header("content-type", "text/csv").body(table()).send().await.unwrap();
        assert!(add.status().is_success());
        assert_eq!(case.problems().await, []);
    }
}

async fn files_of_a_named_set_that_cannot_be_used_are_found(database: TestDatabase) {
    let case = Case::new(database).await;
    let folder = case.patient().data.join("mnist");
    fs::create_dir_all(&folder).unwrap();
    for name in ["train-images", "train-labels", "t10k-images", "t10k-labels"] {
        let kind = if name.ends_with("images") { "idx3" } else { "idx1" };
        fs::write(folder.join(format!("{name}-{kind}-ubyte")), [0, 0, 8]).unwrap();
    }
    let problem = case.problem(Check::Datasets).await;
    assert_eq!(problem.severity, Severity::Warn);
    assert!(problem.what.starts_with("the files of data set `mnist`"), "{}", problem.what);
}

async fn a_folder_of_blobs_that_is_gone_or_empty_is_one_finding_with_one_thing_to_do(
    database: TestDatabase,
) {
    let case = Case::new(database).await;
    for entry in fs::read_dir(case.blobs()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        }
    }
    let told = async |how: &str| {
        let problem = case.problem(Check::Blobs).await;
        assert_eq!((problem.severity, &problem.details), (Severity::Fail, &vec![]));
        assert!(problem.what.ends_with(how), "{problem:?}");
        assert!(problem.remedy.unwrap().contains("--blobs"));
        assert!(case.note(Check::Datasets).await.what.contains("can't be looked at before"));
    };
    // What marks it as the folder of blobs is there, and not one of these.
    told("holds none of them").await;
    fs::remove_dir_all(case.blobs()).unwrap();
    fs::create_dir(case.blobs()).unwrap();
    told("holds none of them").await;
    fs::remove_dir(case.blobs()).unwrap();
    told("isn't there").await;
    assert!(!case.blobs().exists(), "it makes none");
}
