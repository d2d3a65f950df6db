//! What an export has beside the curves that a server answers.

use super::FORMAT;
use floodgauge_api::{SweepDetail, SweepStatus};
use floodgauge_protocol::{
    Dataset, DatasetKind, DatasetName, Digest, Image, SchedulerKind, SweepId, wire::WireVersions,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
};

/// What wrote the file, and of what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The version of the file's shape.
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The versions of the language of workers and servers that this program understands.
    pub protocol: String,
    /// Which scheduler decided.
    pub scheduler: SchedulerKind,
    /// In which version of its policy.
    pub scheduler_version: u32,
    /// The sweep's id on the server that it comes from.
    pub sweep: SweepId,
    /// Where the sweep stood.
    pub status: SweepStatus,
    /// Why it had failed or been cancelled, in words; else none.
    #[serde(default)]
    pub end_reason: Option<String>,
}

impl Origin {
    /// That of a sweep which this program writes.
    pub fn of(sweep: &SweepDetail) -> Self {
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").into(),
            protocol: WireVersions::OF_SERVER.to_string(),
            scheduler: sweep.summary.scheduler,
            scheduler_version: sweep.scheduler_version,
            sweep: sweep.summary.id,
            status: sweep.summary.status,
            end_reason: sweep.summary.end_reason.clone(),
        }
    }
}

/// The data set that a sweep was trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportedData {
    /// Its name.
    pub name: DatasetName,
    /// Where its samples come from.
    pub kind: DatasetKind,
    /// The digest of its bytes; none of a set that every program has in itself.
    pub sha256: Option<Digest>,
    /// How many numbers a sample has.
    pub features: Option<u32>,
    /// The images that its samples are, where they are images.
    pub image: Option<Image>,
    /// How many classes the labels name.
    pub classes: Option<u32>,
    /// The most samples that training and validation can have together.
    pub most_samples: Option<u32>,
}

impl ExportedData {
    /// What a recipe tells of its data set.
    pub fn of(dataset: &Dataset) -> Self {
        let facts = dataset.facts();
        Self {
            name: dataset.name.clone(),
            kind: dataset.name.kind(),
            sha256: dataset.pin.map(|pin| pin.sha256),
            features: facts.map(|facts| facts.features),
            image: facts.and_then(|facts| facts.image),
            classes: facts.map(|facts| facts.classes),
            most_samples: facts.map(|facts| facts.max_samples),
        }
    }
}

/// A JSON object in a file, to which fields are added.
#[derive(Debug)]
pub struct Appended {
    file: BufWriter<File>,
    /// Entries of the list that is written last.
    entries: u64,
}

impl Appended {
    /// Opens an object of at least one field that ends where its file does.
    ///
    /// # Errors
    /// If the file doesn't end with a brace, or can't be read.
    pub fn open(mut file: File) -> io::Result<Self> {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"}" {
            let words = "the curves aren't a JSON object";
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        file.seek(SeekFrom::End(-1))?;
        Ok(Self { file: BufWriter::new(file), entries: 0 })
    }

    /// Adds a field whose value is this JSON.
    ///
    /// # Errors
    /// Of writing.
    pub fn field(&mut self, name: &str, json: &str) -> io::Result<()> {
        write!(self.file, ",\n\"{name}\":{json}")
    }

    /// Adds an entry, in JSON, to the log, which is the last field.
    ///
    /// # Errors
    /// Of writing.
    pub fn entry(&mut self, json: &str) -> io::Result<()> {
        let before = if self.entries == 0 { ",\n\"log\":[\n" } else { ",\n" };
        self.entries += 1;
        self.file.write_all(before.as_bytes())?;
        self.file.write_all(json.as_bytes())
    }

    /// Ends the object.
    ///
    /// # Errors
    /// Of writing.
    pub fn close(mut self) -> io::Result<File> {
        if self.entries > 0 {
            self.file.write_all(b"\n]")?;
        }
        self.file.write_all(b"}\n")?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn holding(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn fields_are_added_behind_those_that_are_there() {
        for entries in 0..3 {
            let mut appended = Appended::open(holding(r#"{"runs":[{}]}"#)).unwrap();
            appended.field("answer", r#"{"a":1}"#).unwrap();
            (0..entries).for_each(|entry| appended.entry(&entry.to_string()).unwrap());
            let mut file = appended.close().unwrap();
            file.rewind().unwrap();
            let mut expected = json!({ "runs": [{}], "answer": { "a": 1 } });
            if entries > 0 {
                expected["log"] = (0..entries).collect::<Vec<_>>().into();
            }
            assert_eq!(serde_json::from_reader::<_, Value>(file).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_object_gets_no_fields() {
        assert!(Appended::open(holding("[]")).is_err());
        assert!(Appended::open(holding("")).is_err());
    }

    #[test]
    fn a_data_set_is_told_by_its_digest_and_its_facts() {
        let dataset = json!({
            "name": "beans",
            "pin": { "sha256": "ab".repeat(32), "upload": {
                "format": "csv", "features": 4, "classes": 3, "samples": 150, "test_samples": 0
            } }
        });
        let data = ExportedData::of(&serde_json::from_value(dataset).unwrap());
        let told = serde_json::to_value(&data).unwrap();
        let expected = json!({ "name": "beans", "kind": "uploaded", "sha256": "ab".repeat(32),
            "features": 4, "image": null, "classes": 3, "most_samples": 135 });
        assert_eq!(told, expected);
        let digits = ExportedData::of(&Dataset::named(DatasetName::Digits));
        assert_eq!((digits.kind, digits.sha256), (DatasetKind::BuiltIn, None));
    }
}
