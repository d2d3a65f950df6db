//! An export read back, to be run again.

use super::{
    ExportError, Origin, Run,
    curves::Wanted,
    document::{Document, Request},
};
use floodgauge_api::{SweepBest, SweepStatus};
use floodgauge_protocol::{Method, SweepSpec};
use std::{cell::Cell, io::Read, path::Path};

/// The most values of curves that are read: 128 MiB of them.
pub const MAX_CURVE_VALUES: u64 = 1 << 24;

const REQUEST: Request<'static> = Request {
    fields: &["spec", "status", "export", "answer", "arms"],
    curves: Wanted::Curves,
    most: MAX_CURVE_VALUES,
};

/// What it takes to run a sweep again and to say what differs.
#[derive(Clone, Debug)]
pub struct Export {
    /// The sweep, with all that it was extended by, pinned to its data.
    pub spec: SweepSpec,
    /// What wrote the file; none of a grid that a server answered, which has neither answer nor log.
    pub origin: Option<Origin>,
    /// Where the sweep stood; none where the file doesn't tell.
    pub status: Option<SweepStatus>,
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
        Self::checked(Document::open(path, REQUEST)?)
    }

    /// Reads JSON to its end.
    ///
    /// # Errors
    /// As for [`Export::open`].
    pub fn read(json: impl Read) -> Result<Self, ExportError> {
        Self::checked(Document::read(json, REQUEST)?)
    }

    /// Whether it has a value of any curve.
    pub fn has_curves(&self) -> bool {
        let mut columns = self.runs.iter().flat_map(|run| run.columns.values());
        columns.any(|column| column.iter().any(|curve| !curve.is_empty()))
    }

    /// How many values the curves in some JSON have, as [`MAX_CURVE_VALUES`] bounds them. None is held.
    ///
    /// # Errors
    /// As for [`Export::open`].
    pub fn count_values(json: impl Read) -> Result<u64, ExportError> {
        let curves = Wanted::Count(&Cell::new(0));
        let request = Request { fields: &[], curves, most: u64::MAX };
        Ok(Document::read(json, request)?.curve_values)
    }

    fn checked(mut document: Document) -> Result<Self, ExportError> {
        let spec = document.field("spec")?.ok_or_else(|| {
            let words = "it has no field `spec`; what version 0.1.0 exported can't be run again";
            ExportError::Foreign(words.into())
        })?;
        let origin: Option<Origin> = document.field("export")?;
        let answer: Option<SweepBest> = document.field("answer")?;
        // As of the answer, which is asked for last.
        let status = answer.as_ref().map(|answer| answer.status);
        let status = status.or(origin.as_ref().map(|origin| origin.status));
        let export = Self {
            spec,
            status: status.or(document.field("status")?),
            origin,
            answer,
            arms: document.needed("arms")?,
            runs: document.take_runs()?,
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
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
            ("[1, 2]", "expected an object with fields such as `spec`"),
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
    fn values_are_counted_as_reading_counts_them() {
        let json = file().to_string();
        let read = Document::read(json.as_bytes(), REQUEST).unwrap();
        assert!(read.curve_values > 24, "two seeds, two arms, two epochs, three curves");
        assert_eq!(Export::count_values(json.as_bytes()).unwrap(), read.curve_values);
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
            (
                r#"{"spec":{"search":{"levels":[0"#,
                &b",0"[..],
                "more than 1048576 values beside its curves",
            ),
            (r#"{"answer":["#, &b"[],"[..], "more than 1048576 values beside its curves"),
            (r#"{"runs":[{"val_loss":[[0"#, &b",0"[..], "more than 16777216 values of curves"),
            (r#"{"runs":[{"val_loss":["#, &b"[],"[..], "more than 16777216 values of curves"),
            (r#"{"task":""#, &b"x"[..], "a text in it has more than 1.0 MiB"),
        ] {
            let endless = Endless(std::io::Cursor::new(start.to_owned()), again);
            let why = Export::read(endless).unwrap_err().to_string();
            assert!(why.starts_with("it is too large: ") && why.contains(said), "{start}: {why}");
        }
    }
}
