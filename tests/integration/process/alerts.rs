//! The alerts of docs/operations.md, as Prometheus reads them.

use super::{
    follow,
    programs::{Server, worker},
    spec,
};
use floodgauge_protocol::Levels;
use std::{collections::BTreeSet, process::Command};

const DOCS: &str = include_str!("../../../docs/operations.md");

/// The block in YAML.
fn rules() -> &'static str {
    let [_, block]: [&str; 2] =
        DOCS.split("```yaml\n").collect::<Vec<_>>().try_into().expect("there is one such block");
    block.split("```").next().unwrap()
}

#[tokio::test]
async fn the_alerts_of_the_docs_are_rules_of_prometheus_about_metrics_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    std::fs::write(&file, rules()).unwrap();
    let checked = Command::new("promtool").args(["check", "rules"]).arg(&file).output();
    let checked = checked.expect("`promtool`, of Debian's package `prometheus`");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    let server = Server::start(folder.path(), None);
    let _worker = worker(&server.address, "counted");
    let mut quick = spec();
    quick.recipe.epochs = 2;
    quick.search.levels = Levels::List(vec![1.0]);
    let sweep = server.client.submit(&quick, None).await.unwrap().value.summary.id;
    follow(&server, sweep).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let metrics = http.get(format!("{}/metrics", server.address)).send().await.unwrap();
    let metrics = metrics.error_for_status().unwrap().text().await.unwrap();
    let words = rules().split(|letter: char| !(letter.is_ascii_lowercase() || letter == '_'));
    let named: BTreeSet<_> = words.filter(|word| word.starts_with("floodgauge_")).collect();
    assert!(named.len() > 5, "{named:?}");
    for name in named {
        // What is told of a histogram stands without the endings of its samples.
        let metric = name.trim_end_matches("_bucket");
        assert!(metrics.contains(&format!("# TYPE {metric} ")), "there is no {name} in {metrics}");
    }
}
