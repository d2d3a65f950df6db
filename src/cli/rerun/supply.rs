//! The data set of an exported sweep, on the server that is to run it again.

use super::unusable;
use crate::{
    cli::{Failure, print},
    client::{Client, ClientError, api::DatasetItem},
    export::archive,
};
use anyhow::Context as _;
use floodgauge_protocol::{Dataset, DatasetKind, DatasetName, Digest, Pin};
use std::path::Path;

/// What a server has of a data set.
#[derive(Debug, PartialEq, Eq)]
enum There {
    /// These very bytes.
    Same,
    /// Nothing of this name, or these bytes, damaged.
    Nothing,
    /// Another file.
    Another(Digest),
}

/// Makes sure that the server has the data, adding it from the file where that holds it.
///
/// # Errors
/// [`Failure::BadInput`] with the data set's name and digest, and what to do, where the server lacks it;
/// whatever the client meets.
pub async fn supply(client: &Client, dataset: &Dataset, file: &Path) -> Result<(), Failure> {
    let name = &dataset.name;
    match (name.kind(), dataset.pin) {
        (DatasetKind::BuiltIn | DatasetKind::Generated, _) => Ok(()),
        (DatasetKind::Files, pin) => {
            let set = client.dataset(name).await?.value;
            if set.ready { Ok(()) } else { Err(Failure::BadInput(without_files(&set, pin))) }
        }
        (DatasetKind::Uploaded, pin) => match (pin, there(client, name, pin).await?) {
            (_, There::Same) => Ok(()),
            (Some(pin), There::Another(found)) => {
                Err(Failure::BadInput(another(name, pin.sha256, found)))
            }
            (Some(pin), _) => add(client, name, pin, file).await,
            (None, _) => Err(Failure::BadInput(missing(name, None))),
        },
    }
}

async fn there(
    client: &Client,
    name: &DatasetName,
    pin: Option<Pin>,
) -> Result<There, ClientError> {
    match client.dataset(name).await {
        Ok(answer) => Ok(of(&answer.value, pin)),
        Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(There::Nothing),
        Err(error) => Err(error),
    }
}

fn of(set: &DatasetItem, pin: Option<Pin>) -> There {
    let kept = set.kept.as_ref().map(|kept| kept.sha256);
    match (kept, pin) {
        (Some(found), Some(pin)) if found != pin.sha256 => There::Another(found),
        (Some(_), _) if set.ready => There::Same,
        _ => There::Nothing,
    }
}

/// Adds what the file holds.
async fn add(client: &Client, name: &DatasetName, pin: Pin, file: &Path) -> Result<(), Failure> {
    let lacking = || Failure::BadInput(missing(name, Some(pin.sha256)));
    let format = pin.upload.ok_or_else(lacking)?.format;
    let data = archive::data(file, format, pin.sha256).map_err(|error| unusable(file, &error))?;
    let data = tokio::fs::File::from_std(data.ok_or_else(lacking)?);
    let length = data.metadata().await.context("the data set's length")?.len();
    client.add_dataset(name, format, data, length, |_| {}).await?;
    print::note(&format!("the data set `{name}` was added from {}", file.display()));
    Ok(())
}

fn missing(name: &DatasetName, sha256: Option<Digest>) -> String {
    let digest = sha256.map(|sha256| format!(" (SHA-256 {sha256})")).unwrap_or_default();
    format!(
        "the server has no data set `{name}`{digest}, and the file doesn't hold it; add it with \
         `floodgauge dataset add FILE --name {name}`, or export the sweep with --with-data"
    )
}

fn another(name: &DatasetName, sha256: Digest, found: Digest) -> String {
    format!(
        "the server's data set `{name}` is another one: the sweep was trained on SHA-256 {sha256}, it has \
         {found}; use another server, or remove it with `floodgauge dataset remove {name}`"
    )
}

fn without_files(set: &DatasetItem, pin: Option<Pin>) -> String {
    let name = &set.name;
    let digest = pin.map(|pin| format!(" (SHA-256 {})", pin.sha256)).unwrap_or_default();
    let files = match &set.missing[..] {
        [] => String::new(),
        missing => format!(": {}", missing.join(", ")),
    };
    format!(
        "the server lacks the files of the data set `{name}`{digest}{files}; \
         `floodgauge dataset download {name}` fetches them to its data folder"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn digest(byte: u8) -> Digest {
        Digest([byte; 32])
    }

    fn set(kept: Option<u8>, ready: bool) -> DatasetItem {
        let kept = kept.map(|byte| {
            json!({
                "sha256": digest(byte), "bytes": 3, "format": "csv", "test_samples": 0,
                "since": "2026-01-01T00:00:00Z"
            })
        });
        serde_json::from_value(json!({
            "name": "beans", "kind": "uploaded", "ready": ready, "missing": ["a.gz", "b.gz"],
            "damage": null, "features": 4, "image": null, "classes": 3, "most_samples": 135,
            "n_train": 90, "n_val": 30, "kept": kept.unwrap_or(Value::Null)
        }))
        .unwrap()
    }

    #[test]
    fn a_set_is_there_if_its_bytes_are() {
        let pin = Some(Pin { sha256: digest(1), upload: None });
        assert_eq!(of(&set(Some(1), true), pin), There::Same);
        assert_eq!(of(&set(Some(1), true), None), There::Same);
        assert_eq!(
            of(&set(Some(1), false), pin),
            There::Nothing,
            "damaged: added again it is mended"
        );
        assert_eq!(of(&set(Some(2), true), pin), There::Another(digest(2)));
        assert_eq!(of(&set(None, true), pin), There::Nothing);
    }

    #[test]
    fn who_lacks_a_set_is_told_its_name_its_digest_and_what_to_do() {
        let beans: DatasetName = "beans".parse().unwrap();
        let one = digest(1).to_string();
        let words = missing(&beans, Some(digest(1)));
        assert!(words.contains("no data set `beans`") && words.contains(&one), "{words}");
        assert!(words.contains("floodgauge dataset add FILE --name beans"), "{words}");
        let words = another(&beans, digest(1), digest(2));
        assert!(words.contains(&one) && words.contains(&digest(2).to_string()), "{words}");
        let pin = Some(Pin { sha256: digest(1), upload: None });
        let words = without_files(&set(None, false), pin);
        assert!(words.contains("a.gz, b.gz") && words.contains(&one), "{words}");
        assert!(words.contains("floodgauge dataset download beans"), "{words}");
    }
}
