//! What workers of released versions say, said again: they train a sweep to its end with today's
//! server, and are answered what they were answered.

use super::{but_the_model, recorded::difference};
use crate::http::server::Server;
use flate2::read::GzDecoder;
use floodgauge::upcast;
use reqwest::Method;
use serde_json::Value;
use std::{fs::File, time::Duration};

/// Names that this server gives, for those that the release's gave.
#[derive(Default)]
struct Names(Vec<(String, String)>);

impl Names {
    fn learn(&mut self, recorded: &Value, now: &Value) {
        for place in ["/sweep", "/lease/lease", "/lease/token"] {
            let text = |value: &Value| value.pointer(place).unwrap().as_str().unwrap().to_owned();
            self.0.push((text(recorded), text(now)));
        }
    }

    /// A text in which they are put.
    fn put(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (recorded, now)| text.replace(recorded, now))
    }
}

/// Bytes that are told as hexadecimal digits.
fn bytes(of: &Value) -> Vec<u8> {
    let digits = of.as_str().unwrap().as_bytes();
    let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

async fn says_it_again(release: &str) {
    let folder = format!("{}/tests/integration/releases", env!("CARGO_MANIFEST_DIR"));
    let file = File::open(format!("{folder}/{release}/wire.json.gz")).unwrap();
    let recorded: Value = serde_json::from_reader(GzDecoder::new(file)).unwrap();
    // Leases as long as the release's by default.
    let server = Server::with_leases_of(Duration::from_secs(15)).await;
    let sweep = server.submit(&recorded["submitted"]).await;
    let mut names = Names::default();
    let said = recorded["said"].as_array().unwrap();
    assert!(said.len() > 5);
    for said in said {
        let method: Method = said["method"].as_str().unwrap().parse().unwrap();
        let path = names.put(said["path"].as_str().unwrap());
        let mut request = server.request(method, &path);
        for (name, value) in said["headers"].as_object().unwrap() {
            request = request.header(name, names.put(value.as_str().unwrap()));
        }
        let answer = request.body(bytes(&said["body"])).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), said["status"], "{path}");
        let (was, now) = (bytes(&said["answer"]), answer.bytes().await.unwrap());
        let Ok(mut was) = serde_json::from_slice::<Value>(&was) else {
            assert_eq!(was, now, "{path}");
            continue;
        };
        let now: Value = serde_json::from_slice(&now).unwrap();
        if path.ends_with("/claim") {
            // To the field: such a worker refuses a recipe with one that it doesn't know.
            assert_eq!(keys(&was["recipe"]), keys(&now["recipe"]));
            names.learn(&was, &now);
        }
        was = serde_json::from_str(&names.put(&was.to_string())).unwrap();
        assert_eq!(difference(&was, &now), None, "{path}");
    }
    let best = server.json(&format!("/v1/sweeps/{sweep}/best")).await;
    let was: Value = serde_json::from_str(&names.put(&recorded["best"].to_string())).unwrap();
    let replayed = server.driver.sweep(sweep.parse().unwrap()).await.unwrap();
    let was = upcast::arms(&was, &replayed.facts().space().arms);
    assert_eq!(difference(&but_the_model(was.into_owned()), &but_the_model(best.clone())), None);
    assert_eq!(best["status"], "completed");
}

/// The fields of a value and of all values in it, in order.
fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let of = |(name, value): (&String, &Value)| {
                let inner = keys(value).into_iter().map(|key| format!("{name}.{key}"));
                [name.clone()].into_iter().chain(inner).collect::<Vec<_>>()
            };
            fields.iter().flat_map(of).collect()
        }
        Value::Array(items) => items.iter().flat_map(keys).collect(),
        _ => vec![],
    }
}

#[tokio::test]
async fn a_worker_of_0_1_0_trains_a_sweep_with_this_server() {
    says_it_again("0.1.0").await;
}
