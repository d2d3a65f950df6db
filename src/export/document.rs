//! What a file holds, whatever it is: JSON, the same gzipped, or the archive that has the data set too. What may
//! be held of it in memory is bounded.

use super::{
    ExportError, FORMAT, MAX_BYTES, archive,
    bounded::Bounded,
    budget::{Budget, Counted},
    curves::{Run, Runs, Wanted},
};
use floodgauge_net::without_number;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, error::Category};
use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Seek as _},
    path::Path,
};

/// The most values of all that is no curve, together.
const MAX_OTHER_VALUES: u64 = 1 << 20;

/// What tells who wrote a file, and in which format.
const ORIGIN: &str = "export";

/// What is read of a file.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The fields beside the curves.
    pub fields: &'a [&'a str],
    /// What of the curves.
    pub curves: Wanted<'a>,
    /// The most values of curves.
    pub most: u64,
}

/// What a file has of what was asked for.
pub struct Document {
    fields: BTreeMap<String, Value>,
    /// The curves of each family; none where it has no such field.
    pub runs: Option<Vec<Run>>,
    /// How many values of curves there are, arrays counted too.
    pub curve_values: u64,
}

impl Request<'_> {
    /// Only what tells the format.
    const NOTHING: Self = Self { fields: &[], curves: Wanted::Nothing, most: u64::MAX };
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// Any [`ExportError`].
    pub fn open(path: &Path, request: Request<'_>) -> Result<Self, ExportError> {
        Self::open_as(path, request).map_err(|error| match error {
            // What a later version wrote may be of another shape altogether.
            ExportError::Foreign(_) => match Self::open_as(path, Request::NOTHING).err() {
                Some(later @ ExportError::Later(_)) => later,
                _ => error,
            },
            error => error,
        })
    }

    fn open_as(path: &Path, request: Request<'_>) -> Result<Self, ExportError> {
        let mut file = File::open(path)?;
        if archive::is_one(&mut file)? {
            return archive::sweep(file, |member| Self::read(member, request));
        }
        let mut start = vec![];
        file.by_ref().take(2).read_to_end(&mut start)?;
        file.rewind()?;
        match start[..] {
            [0x1f, 0x8b] => {
                let unpacked = flate2::read::MultiGzDecoder::new(BufReader::new(file));
                Self::read(unpacked, request)
            }
            _ => Self::read(file, request),
        }
    }

    /// Reads JSON to its end.
    ///
    /// # Errors
    /// As for [`Document::open`].
    pub fn read(json: impl Read, request: Request<'_>) -> Result<Self, ExportError> {
        let curves = Budget::new(request.most, "values of curves");
        let others = Budget::new(MAX_OTHER_VALUES, "values beside its curves");
        let mut json = BufReader::with_capacity(1 << 16, Bounded::new(json, MAX_BYTES));
        let start = json.fill_buf().map_err(of_reader)?;
        let start = start.iter().find(|byte| !byte.is_ascii_whitespace());
        if start.is_some_and(|byte| !b"{[".contains(byte)) {
            let words = "it is neither an object of JSON nor a zip archive";
            return Err(ExportError::Foreign(words.into()));
        }
        let mut read = serde_json::Deserializer::from_reader(json);
        let fields = Fields { request, curves: &curves, others: &others };
        let mut document = fields.deserialize(&mut read).map_err(|error| {
            let exceeded = curves.exceeded().or_else(|| others.exceeded());
            exceeded.map_or_else(|| unread(error), ExportError::TooLarge)
        })?;
        read.end().map_err(unread)?;
        document.curve_values = curves.taken();
        document.check_format()?;
        Ok(document)
    }

    /// Refuses what another version wrote in a format that isn't known here.
    fn check_format(&self) -> Result<(), ExportError> {
        let Some(format) = self.value(ORIGIN).and_then(|origin| origin.get("format")) else {
            return Ok(());
        };
        match format.as_u64() {
            Some(format) if format > u64::from(FORMAT) => Err(ExportError::Later(format)),
            Some(_) => Ok(()),
            None => {
                Err(ExportError::Foreign(format!("`{ORIGIN}` at format: it is no whole number")))
            }
        }
    }

    /// A field as it stands there; none where there is none, or null.
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// A field as what it should be, taken out; none as of [`Document::value`].
    ///
    /// # Errors
    /// [`ExportError::Foreign`] if it is something else.
    pub fn field<T: DeserializeOwned>(&mut self, field: &str) -> Result<Option<T>, ExportError> {
        let value = self.fields.remove(field).filter(|value| !value.is_null());
        let read = value.map(serde_path_to_error::deserialize).transpose();
        read.map_err(|error| {
            ExportError::Foreign(format!("`{field}` at {}: {}", error.path(), error.inner()))
        })
    }

    /// The same of one that it must have.
    ///
    /// # Errors
    /// [`ExportError::Foreign`] if it is missing or something else.
    pub fn needed<T: DeserializeOwned>(&mut self, field: &str) -> Result<T, ExportError> {
        self.field(field)?.ok_or_else(|| missing(field))
    }

    /// The curves, taken out.
    ///
    /// # Errors
    /// [`ExportError::Foreign`] if there are none.
    pub fn take_runs(&mut self) -> Result<Vec<Run>, ExportError> {
        self.runs.take().ok_or_else(|| missing("runs"))
    }
}

fn missing(field: &str) -> ExportError {
    ExportError::Foreign(format!("it has no field `{field}`"))
}

/// Why a reader has no more bytes.
fn of_reader(error: io::Error) -> ExportError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => ExportError::TooLarge(error.to_string()),
        io::ErrorKind::UnexpectedEof => ExportError::Damaged("it breaks off".into()),
        // What is packed and doesn't fit its sum.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            ExportError::Damaged(without_number(&error.to_string()))
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

/// Reads the fields that are asked for, and passes over the others.
struct Fields<'a> {
    request: Request<'a>,
    curves: &'a Budget,
    others: &'a Budget,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.request.fields.iter().map(|name| format!("`{name}`")).collect();
        write!(f, "an object with fields such as {} and `runs`", names.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Document, A::Error> {
        let Self { request, curves, others } = self;
        let mut document = Document { fields: BTreeMap::new(), runs: None, curve_values: 0 };
        while let Some(name) = fields.next_key::<String>()? {
            if name == "runs" && !matches!(request.curves, Wanted::Nothing) {
                let runs = Runs { budget: curves, wanted: request.curves };
                document.runs = Some(fields.next_value_seed(runs)?);
            } else if name == ORIGIN || request.fields.contains(&name.as_str()) {
                document.fields.insert(name, fields.next_value_seed(Counted(others))?);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(document)
    }
}
