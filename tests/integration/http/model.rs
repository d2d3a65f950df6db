//! Taking the model of a trial away.

use super::{
    server::{Server, problem, small},
    worker::{claim, train, train_all},
};
use reqwest::StatusCode;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn the_model_of_a_trial_is_its_weights_with_word_of_what_they_are() {
    let server = Server::start().await;
    let sweep = server.submit(&small("two spirals, 1st")).await;
    train_all(&server).await;
    let response = server.get(&format!("/v1/trials/{sweep}.0.2/model")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    assert_eq!(
        response.headers()["content-disposition"],
        "attachment; filename=\"two-spirals-1st-0.2.safetensors\""
    );
    let file = response.bytes().await.unwrap();
    let model = SafeTensors::deserialize(&file).unwrap();
    let arrays: BTreeSet<_> = model.names().into_iter().collect();
    let of_model = [
        "layers.0.bias",
        "layers.0.weight",
        "layers.1.bias",
        "layers.1.weight",
        "layers.2.bias",
        "layers.2.weight",
    ];
    assert_eq!(arrays, of_model.into(), "what only a resume needs stays behind");
    assert_eq!(model.tensor("layers.0.weight").unwrap().data()[..4], 2.0f32.to_le_bytes());
    let (_, header) = SafeTensors::read_metadata(&file).unwrap();
    let of = &header.metadata().as_ref().unwrap()["floodgauge"];
    let of: Value = serde_json::from_str(of).unwrap();
    for (field, value) in [
        ("trial", json!(format!("{sweep}.0.2"))),
        ("arm", json!("flood b=0.2")),
        ("b", json!(0.2)),
        ("seed", json!(0)),
        ("weight_decay", json!(0.0)),
        ("epoch", json!(4)),
        ("dataset", json!("spiral")),
    ] {
        assert_eq!(of[field], value, "{field}");
    }
    assert_eq!(of["model"]["kind"], "mlp");
}

#[tokio::test]
async fn there_is_a_model_as_soon_as_there_is_a_checkpoint() {
    let server = Server::start().await;
    let sweep = server.submit(&small("early")).await;
    let path = format!("/v1/trials/{sweep}.0.0/model");
    problem(server.get(&path).await, 404, "not-found").await;
    let work = claim(&server, "worker", 0).await.unwrap();
    train(&server, &work).await;
    assert_eq!(server.get(&path).await.status(), StatusCode::OK);
}

/// What earlier versions took may be anything, and disks change what they keep.
#[tokio::test]
async fn a_model_whose_checkpoint_is_damaged_or_lost_says_so() {
    let server = Server::start().await;
    let sweep = server.submit(&small("unreadable")).await;
    train_all(&server).await;
    let path = format!("/v1/trials/{sweep}.0.0/model");
    let trials = server.driver.store().trials(sweep.parse().unwrap()).await.unwrap();
    let named = trials[0].checkpoint.unwrap().to_string();
    let object = server.folder.path().join("blobs").join(&named[..2]).join(&named);
    std::fs::write(&object, "anything").unwrap();
    let body = problem(server.get(&path).await, 409, "checkpoint-damaged").await;
    assert!(body["detail"].as_str().unwrap().contains("lost or damaged"), "{body}");
    std::fs::remove_file(object).unwrap();
    problem(server.get(&path).await, 409, "checkpoint-damaged").await;
}

#[tokio::test]
async fn what_is_no_trial_is_not_found() {
    let server = Server::start().await;
    let sweep = server.submit(&small("few")).await;
    for id in
        ["x", &sweep, &format!("{sweep}.0"), &format!("{sweep}.0.9"), &format!("{sweep}.0.0.0")]
    {
        let answer =
            problem(server.get(&format!("/v1/trials/{id}/model")).await, 404, "not-found").await;
        assert!(answer["detail"].as_str().unwrap().contains("trial"), "{answer}");
    }
}
