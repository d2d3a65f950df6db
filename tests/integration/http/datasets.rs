//! Data sets: uploaded, listed, pinned, fetched, deleted.

use super::{
    server::{Server, problem, small},
    worker::{claim, digest, under},
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

/// 40 rows of two features and one of two classes.
fn table() -> String {
    (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 3, row % 2)).collect()
}

async fn post(
    server: &Server,
    path: &str,
    media_type: &str,
    body: impl Into<reqwest::Body>,
) -> Response {
    let request = server.request(Method::POST, path).header("content-type", media_type);
    request.body(body).send().await.unwrap()
}

async fn upload(server: &Server, name: &str) -> Value {
    let added = post(server, &format!("/v1/datasets?name={name}"), "text/csv", table()).await;
    assert_eq!(added.status(), StatusCode::CREATED);
    assert_eq!(added.headers()["location"], format!("datasets/{name}"));
    added.json().await.unwrap()
}

fn on(name: &str) -> Value {
    let mut spec = small("pinned");
    spec["recipe"]["dataset"] = json!({ "name": name });
    spec["recipe"]["batch_size"] = json!(10);
    spec
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_uploaded_set_is_there_once_and_is_listed_behind_the_known_ones() {
    let server = Server::start().await;
    let set = upload(&server, "mine").await;
    assert_eq!(
        [&set["kind"], &set["ready"], &set["features"], &set["classes"], &set["image"]],
        [&json!("uploaded"), &json!(true), &json!(2), &json!(2), &Value::Null]
    );
    assert_eq!([&set["n_train"], &set["n_val"], &set["most_samples"]], [24, 8, 36]);
    assert_eq!(set["kept"]["sha256"], digest(table().as_bytes()).to_string());
    assert_eq!(set["sweeps"], 0);
    assert_eq!(server.json("/v1/datasets/mine").await, set);
    let again = post(&server, "/v1/datasets?name=mine", "text/csv", table()).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.json::<Value>().await.unwrap(), set);
    let list = server.json("/v1/datasets").await;
    assert_eq!(names(&list).len(), 11);
    assert_eq!((names(&list)[0], names(&list)[10]), ("digits", "mine"));
    assert_eq!(list["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_file_comes_without_waiting_for_acknowledgements() {
    // Less than a peer may hold them back; the pieces of a file come in a tenth of it.
    const AT_ONCE: Duration = Duration::from_millis(35);
    let server = Server::start().await;
    let rows = (0..20_000).map(|row| format!("{row},{},{}\n", row % 3, row % 2));
    let large: String = rows.collect();
    let added = post(&server, "/v1/datasets?name=large", "text/csv", large.clone()).await;
    assert_eq!(added.status(), StatusCode::CREATED);
    let mut took = vec![];
    for _ in 0..31 {
        let asked = Instant::now();
        let file = server.get("/v1/datasets/large/file").await;
        assert_eq!(file.bytes().await.unwrap().len(), large.len());
        took.push(asked.elapsed());
    }
    took.sort();
    assert!(took[took.len() / 2] < AT_ONCE, "{took:?}");
}

#[tokio::test]
async fn what_is_kept_of_a_set_is_a_file_to_take_away() {
    let server = Server::start().await;
    upload(&server, "mine").await;
    let file = server.get("/v1/datasets/mine/file").await;
    assert_eq!(file.status(), StatusCode::OK);
    assert_eq!(file.headers()["content-type"], "text/csv");
    assert_eq!(file.headers()["content-disposition"], "attachment; filename=\"mine.csv\"");
    assert_eq!(file.text().await.unwrap(), table());
    for nothing in ["digits", "mnist", "other"] {
        let path = format!("/v1/datasets/{nothing}/file");
        let told = problem(server.get(&path).await, 404, "not-found").await;
        assert!(told["detail"].as_str().unwrap().contains(nothing), "{told}");
    }
}

#[tokio::test]
async fn uploaded_sets_come_page_by_page() {
    let server = Server::start().await;
    for name in ["c", "a", "b"] {
        upload(&server, name).await;
    }
    let first = server.json("/v1/datasets?limit=2").await;
    assert_eq!(names(&first)[10..], ["a", "b"]);
    let second = server.json("/v1/datasets?limit=2&cursor=b").await;
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["c"], &Value::Null));
    assert_eq!(first["next_cursor"], "b");
    problem(server.get("/v1/datasets?limit=0").await, 400, "malformed").await;
}

#[tokio::test]
async fn a_set_of_files_tells_which_it_lacks_without_the_place() {
    let server = Server::start().await;
    let set = server.json("/v1/datasets/svhn").await;
    assert_eq!([&set["kind"], &set["ready"]], [&json!("files"), &json!(false)]);
    assert_eq!(set["missing"], json!(["svhn/train_32x32.mat", "svhn/test_32x32.mat"]));
    let refused = problem(server.post("/v1/sweeps", &on("svhn")).await, 422, "invalid-sweep").await;
    assert_eq!(refused["errors"][0]["pointer"], "/recipe/dataset/name");
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(
        detail.contains("train_32x32.mat") && detail.contains("dataset download svhn"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_refused_with_its_row_or_array() {
    let server = Server::start().await;
    let mut torn = table();
    torn.push_str("1,2\n");
    let refused = post(&server, "/v1/datasets?name=torn", "text/csv", torn).await;
    let refused = problem(refused, 422, "invalid-dataset").await;
    assert_eq!(refused["detail"], "row 41 (line 41) has 2 columns, the first row has 3");
    let refused = post(&server, "/v1/datasets?name=torn", "application/zip", table()).await;
    let refused = problem(refused, 422, "invalid-dataset").await;
    assert_eq!(refused["detail"], "the file is not a zip archive, as NPZ files are");
    problem(server.get("/v1/datasets/torn").await, 404, "not-found").await;
    let incoming = server.folder.path().join("blobs/incoming");
    assert_eq!(std::fs::read_dir(incoming).map_or(0, Iterator::count), 0, "nothing is left of it");
}

#[tokio::test]
async fn an_upload_says_what_it_is_and_how_it_is_called() {
    let server = Server::start().await;
    for (path, status, kind) in [
        ("/v1/datasets", 400, "malformed"),
        ("/v1/datasets?name=Not%20a%20name", 400, "malformed"),
        ("/v1/datasets?name=a&color=red", 400, "malformed"),
        ("/v1/datasets?name=mnist", 409, "conflict"),
    ] {
        problem(post(&server, path, "text/csv", table()).await, status, kind).await;
    }
    for media_type in ["text/plain", "application/json", "multipart/form-data"] {
        let refused = post(&server, "/v1/datasets?name=mine", media_type, table()).await;
        problem(refused, 415, "unsupported-media-type").await;
    }
    upload(&server, "mine").await;
    let other = post(&server, "/v1/datasets?name=mine", "text/csv", table() + "1,1,1\n").await;
    let answer = problem(other, 409, "conflict").await;
    assert!(answer["detail"].as_str().unwrap().contains("`mine`"), "{answer}");
}

#[tokio::test]
async fn an_upload_that_announces_too_much_is_refused_before_it_comes() {
    let server = Server::start().await;
    let address = server.base.strip_prefix("http://").unwrap().to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let head = "POST /v1/datasets?name=mine HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                    content-type: text/csv\r\ncontent-length: 2147483648\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("1024 MiB"), "{answer}");
}

#[tokio::test]
async fn a_sweep_is_pinned_to_its_set_and_keeps_it() {
    let server = Server::start().await;
    upload(&server, "mine").await;
    let id = server.submit(&on("mine")).await;
    let dataset = &server.json(&format!("/v1/sweeps/{id}")).await["spec"]["recipe"]["dataset"];
    assert_eq!([&dataset["n_train"], &dataset["n_val"]], [24, 8]);
    let pin = &dataset["pin"];
    assert_eq!(pin["sha256"], digest(table().as_bytes()).to_string());
    assert_eq!(pin["upload"]["samples"], 40);
    let answer = problem(server.delete("/v1/datasets/mine").await, 409, "conflict").await;
    assert_eq!(answer["detail"], "1 sweep is pinned to the data set `mine`: delete it first");
    server.post(&format!("/v1/sweeps/{id}/cancel"), &json!({})).await;
    assert_eq!(server.delete(&format!("/v1/sweeps/{id}")).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(server.delete("/v1/datasets/mine").await.status(), StatusCode::NO_CONTENT);
    problem(server.delete("/v1/datasets/mine").await, 404, "not-found").await;
    problem(server.delete("/v1/datasets/digits").await, 404, "not-found").await;
}

#[tokio::test]
async fn a_sweep_on_a_set_that_does_not_fit_is_refused() {
    let server = Server::start().await;
    let refused = |spec: Value| async {
        let spec = spec;
        let refused = server.post("/v1/sweeps", &spec).await;
        let answer = problem(refused, 422, "invalid-sweep").await;
        let error = &answer["errors"][0];
        (
            error["pointer"].as_str().unwrap().to_owned(),
            error["detail"].as_str().unwrap().to_owned(),
        )
    };
    let (pointer, detail) = refused(on("mine")).await;
    assert_eq!(pointer, "/recipe/dataset/name");
    assert!(detail.contains("no data set named `mine`"), "{detail}");
    upload(&server, "mine").await;
    let mut greedy = on("mine");
    greedy["recipe"]["dataset"]["n_train"] = json!(36);
    let (pointer, detail) = refused(greedy).await;
    assert_eq!(pointer, "/recipe/dataset/n_train");
    assert!(detail.contains("exceed the 36 samples of mine"), "{detail}");
    let mut other = on("mine");
    other["recipe"]["dataset"]["pin"] = json!({ "sha256": "0".repeat(64) });
    assert_eq!(refused(other).await.0, "/recipe/dataset/pin");
    let mut digits = on("digits");
    digits["recipe"]["dataset"]["pin"] = json!({ "sha256": "0".repeat(64) });
    assert_eq!(refused(digits).await.0, "/recipe/dataset/pin");
}

#[tokio::test]
async fn a_worker_gets_the_bytes_that_its_sweep_is_pinned_to_and_no_others() {
    let server = Server::start().await;
    upload(&server, "mine").await;
    post(&server, "/v1/datasets?name=other", "text/csv", table() + "1,1,1\n").await;
    server.submit(&on("mine")).await;
    let work = claim(&server, "worker", 0).await.unwrap();
    let pin = work.recipe.dataset.pin.unwrap();
    let get = under(&server, &work, Method::GET, &format!("blobs/{}", pin.sha256));
    let response = get.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-length"], table().len().to_string());
    assert_eq!(response.text().await.unwrap(), table());
    let other = digest((table() + "1,1,1\n").as_bytes());
    let get = under(&server, &work, Method::GET, &format!("blobs/{other}"));
    problem(get.send().await.unwrap(), 404, "not-found").await;
}

/// The four files of a set of so many images.
fn put_mnist(server: &Server, images: u8) {
    let folder = server.folder.path().join("data/mnist");
    std::fs::create_dir_all(&folder).unwrap();
    for stem in ["train", "t10k"] {
        let head = [0, 0, 8, 3, 0, 0, 0, images, 0, 0, 0, 28, 0, 0, 0, 28];
        let pixels = vec![images; usize::from(images) * 784];
        let labels: Vec<u8> = (0..images).map(|i| i % 10).collect();
        let write = |kind: &str, bytes: &[u8]| {
            std::fs::write(folder.join(format!("{stem}-{kind}-ubyte")), bytes).unwrap();
        };
        write("images-idx3", &[&head[..], &pixels].concat());
        write("labels-idx1", &[&[0, 0, 8, 1, 0, 0, 0, images][..], &labels].concat());
    }
}

#[tokio::test]
async fn a_set_of_files_is_pinned_as_it_is_and_kept_when_the_files_are_gone() {
    let server = Server::start().await;
    put_mnist(&server, 20);
    let pin = async || {
        let id = server.submit(&on("mnist")).await;
        let sweep = server.json(&format!("/v1/sweeps/{id}")).await;
        sweep["spec"]["recipe"]["dataset"]["pin"]["sha256"].as_str().unwrap().to_owned()
    };
    let first = pin().await;
    assert_eq!(pin().await, first);
    put_mnist(&server, 30);
    let second = pin().await;
    assert_ne!(first, second);
    std::fs::remove_dir_all(server.folder.path().join("data")).unwrap();
    assert_eq!(pin().await, second);
    let set = server.json("/v1/datasets/mnist").await;
    assert_eq!([&set["ready"], &set["kept"]["sha256"]], [&json!(true), &json!(second)]);
    // Each sweep's worker gets the bytes that were there when it was submitted.
    let work = claim(&server, "worker", 0).await.unwrap();
    assert_eq!(work.recipe.dataset.pin.unwrap().sha256.to_string(), first);
    let get = under(&server, &work, Method::GET, &format!("blobs/{first}"));
    assert_eq!(digest(&get.send().await.unwrap().bytes().await.unwrap()).to_string(), first);
}

#[tokio::test]
async fn a_damaged_file_is_told_to_whoever_submits() {
    let server = Server::start().await;
    put_mnist(&server, 20);
    let labels = server.folder.path().join("data/mnist/t10k-labels-idx1-ubyte");
    std::fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 1, 3]).unwrap();
    let refused =
        problem(server.post("/v1/sweeps", &on("mnist")).await, 422, "invalid-sweep").await;
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("t10k-labels") && detail.contains("expected 20"), "{detail}");
}
