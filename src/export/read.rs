//! A file read back.

use super::{
    ExportError, FORMAT, MAX_BYTES, Origin, Run, archive,
    bounded::Bounded,
    budget::{Budget, Counted},
    curves::Runs,
};
use floodgauge_api::SweepBest;
use floodgauge_protocol::{Method, SweepSpec};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, error::Category};
use std::{
    fmt,
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Seek as _},
    path::Path,
};

/// The most figures of curves that are read: 128 MiB of them.
const MAX_FIGURES: u64 = 1 << 24;

/// The most values of all else together.
const MAX_VALUES: u64 = 1 << 20;

/// What it takes to run a sweep again and to say what came out otherwise.
#[derive(Clone, Debug)]
pub struct Export {
    /// The sweep, with all that it was extended by, pinned to its data.
    pub spec: SweepSpec,
    /// What wrote the file; none of a grid that a server answered, which has neither answer nor log.
    pub origin: Option<Origin>,
    /// The answer.
    pub answer: Option<SweepBest>,
    /// The arms, in the order in which runs have their curves.
    pub arms: Vec<Method>,
    /// The curves of each family.
    pub runs: Vec<Run>,
}

impl Export {
    /// Reads a file: JSON, the same gzipped, or the archive that has the data set too. What may be held of
    /// it in memory is bounded, whatever it is.
    ///
    /// # Errors
    /// Any [`ExportError`].
    pub fn open(path: &Path) -> Result<Self, ExportError> {
        let mut file = File::open(path)?;
        if archive::is_one(&mut file)? {
            return archive::sweep(file, |member| Self::read(member));
        }
        let mut start = vec![];
        file.by_ref().take(2).read_to_end(&mut start)?;
        file.rewind()?;
        match start[..] {
            [0x1f, 0x8b] => Self::read(flate2::read::MultiGzDecoder::new(BufReader::new(file))),
            _ => Self::read(file),
        }
    }

    /// Reads JSON to its end.
    ///
    /// # Errors
    /// As for [`Export::open`].
    pub fn read(json: impl Read) -> Result<Self, ExportError> {
        let (figures, values) =
            (Budget::new(MAX_FIGURES, "figures"), Budget::new(MAX_VALUES, "values"));
        let mut json = BufReader::with_capacity(1 << 16, Bounded::new(json, MAX_BYTES));
        let start = json.fill_buf().map_err(of_reader)?;
        let start = start.iter().find(|byte| !byte.is_ascii_whitespace());
        if start.is_some_and(|byte| !b"{[".contains(byte)) {
            let words = "it is neither an object of JSON nor a zip archive";
            return Err(ExportError::Foreign(words.into()));
        }
        let mut read = serde_json::Deserializer::from_reader(json);
        let fields = Fields { figures: &figures, values: &values };
        let parts = fields.deserialize(&mut read).map_err(|error| {
            let exceeded = figures.exceeded().or_else(|| values.exceeded());
            exceeded.map_or_else(|| unread(error), ExportError::TooLarge)
        })?;
        read.end().map_err(unread)?;
        parts.checked()
    }
}

/// Why a reader has no more bytes.
fn of_reader(error: io::Error) -> ExportError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => ExportError::TooLarge(error.to_string()),
        // What is packed and breaks off, or doesn't fit its sum.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            ExportError::Damaged(error.to_string())
        }
        _ => ExportError::Io(error),
    }
}

/// Why JSON can't be read.
fn unread(error: serde_json::Error) -> ExportError {
    match error.classify() {
        Category::Io => of_reader(error.into()),
        Category::Eof => ExportError::Damaged(format!("it breaks off: {error}")),
        Category::Syntax => ExportError::Damaged(error.to_string()),
        Category::Data => ExportError::Foreign(error.to_string()),
    }
}

/// Reads the fields that matter, and passes over the others.
struct Fields<'a> {
    figures: &'a Budget,
    values: &'a Budget,
}

/// What a file has of them.
#[derive(Default)]
struct Parts {
    spec: Option<Value>,
    export: Option<Value>,
    answer: Option<Value>,
    arms: Option<Value>,
    runs: Option<Vec<Run>>,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Parts;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parts, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the fields `spec`, `arms` and `runs`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Parts, A::Error> {
        let mut parts = Parts::default();
        while let Some(name) = fields.next_key::<String>()? {
            let value = match name.as_str() {
                "spec" => &mut parts.spec,
                "export" => &mut parts.export,
                "answer" => &mut parts.answer,
                "arms" => &mut parts.arms,
                "runs" => {
                    parts.runs = Some(fields.next_value_seed(Runs(self.figures))?);
                    continue;
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *value = Some(fields.next_value_seed(Counted(self.values))?);
        }
        Ok(parts)
    }
}

impl Parts {
    fn checked(self) -> Result<Export, ExportError> {
        let Self { spec, export, answer, arms, runs } = self;
        if let Some(format) = export.as_ref().and_then(|origin| origin.get("format")?.as_u64())
            && format > u64::from(FORMAT)
        {
            return Err(ExportError::Later(format));
        }
        let spec = spec.filter(|spec| !spec.is_null()).ok_or_else(|| {
            let words = "it has no field `spec`; what version 0.1.0 exported can't be run again";
            ExportError::Foreign(words.into())
        })?;
        let missing = |field: &str| ExportError::Foreign(format!("it has no field `{field}`"));
        let export = Export {
            spec: typed("spec", spec)?,
            origin: export.map(|origin| typed("export", origin)).transpose()?,
            answer: answer.map(|answer| typed("answer", answer)).transpose()?,
            arms: typed("arms", arms.ok_or_else(|| missing("arms"))?)?,
            runs: runs.ok_or_else(|| missing("runs"))?,
        };
        for run in &export.runs {
            if let Some((name, _)) =
                run.columns.iter().find(|(_, column)| column.len() != export.arms.len())
            {
                let (seed, arms) = (run.seed, export.arms.len());
                return Err(ExportError::Damaged(format!(
                    "seed {seed} must have a curve of `{name}` for each of {arms} arms"
                )));
            }
        }
        Ok(export)
    }
}

/// A field as what it should be.
fn typed<T: DeserializeOwned>(field: &str, value: Value) -> Result<T, ExportError> {
    let read = serde_path_to_error::deserialize(value);
    read.map_err(|error| {
        ExportError::Foreign(format!("`{field}` at {}: {}", error.path(), error.inner()))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::simulate::RecordedGrid;
    use proptest::prelude::*;
    use serde_json::json;
    use std::io::Write as _;

    /// An export of plain and a level over two epochs of two seeds.
    pub fn file() -> Value {
        let run = |seed: u32| {
            json!({
                "seed": seed, "weight_decay": 0.0, "steps_per_epoch": 20, "onset_step": [null, 3],
                "train_loss": [[2.0, 1.5], [2.0, 1.6]], "val_loss": [[2.1, 1.9], [2.1, 1.7]],
                "val_error": [[0.9, 0.8], [0.9, "diverged"]]
            })
        };
        json!({
            "task": "x",
            "spec": { "name": "x", "recipe": { "dataset": { "name": "digits" }, "epochs": 2 },
                      "search": { "levels": [0.2], "seeds": [0, 1] } },
            "recipe": { "data": "digits" },
            "arms": [{ "method": "plain" }, { "method": "flood", "b": 0.2 }],
            "levels": [null, 0.2], "epochs": 2, "runs": [run(0), run(1)],
            "export": { "format": 1, "program": "0.2.0", "protocol": "1-2", "scheduler": "grid",
                        "scheduler_version": 1, "sweep": "01970000-0000-7000-8000-000000000000",
                        "status": "completed" },
            "answer": {
                "sweep": "01970000-0000-7000-8000-000000000000", "status": "completed",
                "metric": "val_loss", "at": "last",
                "best": { "arm": 1, "name": "flood b=0.2", "method": "flood", "b": 0.2,
                          "parameter": 0.2, "weight_decay": 0.0, "objective": 1.7,
                          "probability": null, "test": null },
                "baseline": null, "difference": null,
                "run_equivalents": { "spent": 1.0, "full_grid": 2.0, "saved_by_sharing": 0.0,
                                     "saved_by_pruning": 0.0, "redone": 0.0 },
                "verdict": ""
            },
            "log": [{ "seq": 1, "event": { "type": "of_later_versions", "deep": [[[]]] } }]
        })
    }

    fn refused(json: &str) -> String {
        Export::read(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_file_is_read_whatever_else_it_has() {
        let export = Export::read(file().to_string().as_bytes()).unwrap();
        assert_eq!((export.spec.name.as_str(), export.arms.len(), export.runs.len()), ("x", 2, 2));
        assert_eq!(export.origin.unwrap().scheduler_version, 1);
        assert_eq!(export.answer.unwrap().best.best.unwrap().arm.b, Some(0.2));
        let mut grid = file();
        for field in ["export", "answer", "log"] {
            grid.as_object_mut().unwrap().remove(field);
        }
        let export = Export::read(grid.to_string().as_bytes()).unwrap();
        assert!(export.origin.is_none() && export.answer.is_none(), "a server's grid");
    }

    #[test]
    fn simulate_reads_it_as_the_grid_that_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(&path, file().to_string()).unwrap();
        let grids = RecordedGrid::read(&path).unwrap();
        assert_eq!((grids.len(), grids[0].runs.len()), (1, 2));
    }

    #[test]
    fn a_packed_file_is_unpacked() {
        let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        packed.write_all(file().to_string().as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json.gz");
        std::fs::write(&path, &packed).unwrap();
        assert_eq!(Export::open(&path).unwrap().spec.name, "x");
        std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
        let why = Export::open(&path).unwrap_err().to_string();
        assert!(why.starts_with("it is damaged: "), "{why}");
    }

    proptest! {
        #[test]
        fn whatever_was_altered_is_read_or_refused(at in any::<prop::sample::Index>(), by: Vec<u8>) {
            let mut bytes = file().to_string().into_bytes();
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + by.len() / 2);
            bytes.splice(at..end, by);
            // What is read has a curve for each arm, so that it can be compared.
            if let Ok(export) = Export::read(&bytes[..]) {
                let mut columns = export.runs.iter().flat_map(|run| run.columns.values());
                prop_assert!(columns.all(|column| column.len() == export.arms.len()));
            }
        }
    }

    #[test]
    fn what_is_no_export_is_told_as_such() {
        for (json, said) in [
            ("name = \"x\"", "neither an object of JSON nor a zip archive"),
            ("\u{0}\u{1}\u{2}", "neither an object of JSON nor a zip archive"),
            ("[1, 2]", "expected an object with the fields `spec`, `arms` and `runs`"),
            (r#"{"name": "x"}"#, "no field `spec`"),
            (r#"{"spec": null, "arms": [], "runs": []}"#, "version 0.1.0"),
            (r#"{"spec": {"name": 7}, "arms": [], "runs": []}"#, "`spec` at name"),
        ] {
            let why = refused(json);
            assert!(why.starts_with("it is no export of a sweep: "), "{json}: {why}");
            assert!(why.contains(said), "{json}: {why}");
        }
    }

    #[test]
    fn a_file_that_broke_off_or_was_altered_is_told_as_damaged() {
        let whole = file().to_string();
        for end in [1, whole.len() / 2, whole.len() - 1] {
            let why = refused(&whole[..end]);
            assert!(why.starts_with("it is damaged: it breaks off"), "{end}: {why}");
        }
        let why = refused(&format!("{whole}}}"));
        assert!(why.starts_with("it is damaged: trailing characters"), "{why}");
        let mut short = file();
        short["runs"][1]["val_loss"].as_array_mut().unwrap().pop();
        let why = refused(&short.to_string());
        assert_eq!(why, "it is damaged: seed 1 must have a curve of `val_loss` for each of 2 arms");
    }

    #[test]
    fn a_later_format_is_left_to_its_version() {
        let mut later = file();
        later["export"]["format"] = json!(2);
        later["export"]["program"] = json!({ "of": "later" });
        assert!(
            refused(&later.to_string()).contains("in format 2; this one reads formats up to 1")
        );
    }

    #[test]
    fn a_hostile_file_is_refused_before_it_is_held() {
        /// `{"FIELD":` and then the same again and again, for ever.
        struct Endless(std::io::Cursor<String>, &'static [u8]);
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                match self.0.read(buffer)? {
                    0 => {
                        let whole = buffer.len() / self.1.len() * self.1.len();
                        let parts = buffer[..whole].chunks_exact_mut(self.1.len());
                        parts.for_each(|part| part.copy_from_slice(self.1));
                        Ok(whole)
                    }
                    count => Ok(count),
                }
            }
        }
        for (start, again, said) in [
            (r#"{"spec":{"search":{"levels":[0"#, &b",0"[..], "more than 1048576 values"),
            (r#"{"answer":["#, &b"[],"[..], "more than 1048576 values"),
            (r#"{"runs":[{"val_loss":[[0"#, &b",0"[..], "more than 16777216 figures"),
            (r#"{"runs":[{"val_loss":["#, &b"[],"[..], "more than 16777216 figures"),
            (r#"{"task":""#, &b"x"[..], "a text in it has more than 1048576 bytes"),
        ] {
            let endless = Endless(std::io::Cursor::new(start.to_owned()), again);
            let why = Export::read(endless).unwrap_err().to_string();
            assert!(why.starts_with("it is too large: ") && why.contains(said), "{start}: {why}");
        }
    }
}
