//! CSV: a row a sample, numbers in each column, the class in the column `label` or, without one of
//! that name, in the last. The first row is a header if one of its cells is not a number.

use super::{Classes, Layout, Part, Sink, UploadError, bad, check_enough, check_size};
use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use floodgauge_protocol::{Format, Upload};
use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// More bytes than a row may have; 200,000 numbers with all their digits have fewer.
const MAX_ROW_BYTES: u64 = 16 << 20;
/// The most characters of a cell that a message repeats.
const MAX_QUOTED_CHARS: usize = 40;
/// What is said of a label that is none.
const NO_CLASS: &str = "is not a class, a whole number from 0 to 255";

/// Reads a table to its end.
pub(super) fn parse(reader: impl Read, sink: &mut impl Sink) -> Result<Upload, UploadError> {
    let (reader, since_row) = Bounded::new(reader);
    let mut rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
    let mut row = ByteRecord::new();
    let mut table: Option<Table> = None;
    let (mut features, mut samples, mut classes) = (Vec::new(), 0u64, Classes::new());
    while rows.read_byte_record(&mut row).map_err(unreadable)? {
        since_row.set(0);
        let line = row.position().map_or(0, csv::Position::line);
        let table = match &table {
            Some(table) => table,
            None => {
                let (new, header) = Table::of(&row)?;
                let (features, label) = (new.columns - 1, Some(new.label));
                sink.begin(Part::Train, Layout { features, image: None, label });
                let new = &*table.insert(new);
                if header {
                    continue;
                }
                new
            }
        };
        samples += 1;
        check_size(samples, table.columns as u64 - 1)?;
        let place = || format!("row {samples} (line {line})");
        if row.len() != table.columns {
            let (found, columns) = (row.len(), table.columns);
            return bad(format!("{} has {found} columns, the first row has {columns}", place()));
        }
        features.clear();
        let mut label = 0;
        for (column, cell) in row.iter().enumerate() {
            let refuse = |what: &str| {
                bad(format!("{}, {}: `{}` {what}", place(), table.name(column), quoted(cell)))
            };
            match number(cell) {
                Some(value) if column == table.label => match class(value) {
                    Some(class) => label = class,
                    None => return refuse(NO_CLASS),
                },
                None if column == table.label => return refuse(NO_CLASS),
                Some(value) if (value as f32).is_finite() => features.push(value as f32),
                Some(_) => return refuse("is not a finite number"),
                None => return refuse("is not a number"),
            }
        }
        classes.count(label);
        sink.features(Part::Train, &features);
        sink.labels(Part::Train, &[label]);
    }
    let Some(table) = table else { return bad("the file is empty") };
    check_enough(samples)?;
    Ok(Upload {
        format: Format::Csv,
        features: table.columns as u32 - 1,
        image: None,
        classes: classes.finish(&table.name(table.label))?,
        // Bounded by the size of a table.
        samples: samples as u32,
        test_samples: 0,
    })
}

/// What the first row says.
struct Table {
    columns: usize,
    label: usize,
    names: Option<Vec<String>>,
}

impl Table {
    /// The table that begins with `row`, and whether that is a header.
    fn of(row: &ByteRecord) -> Result<(Self, bool), UploadError> {
        let columns = row.len();
        check_size(1, columns as u64 - 1).or_else(|_| {
            let found = match columns {
                1 => "only 1 column found".into(),
                _ => format!("{columns} columns found"),
            };
            match separator(row).filter(|_| columns == 1) {
                Some(other) => bad(format!("{found}; is {other} the separator? commas are needed")),
                None => bad(format!("{found}: a class and 1 to 200000 features are needed")),
            }
        })?;
        let header = row.iter().any(|cell| number(cell).is_none());
        let names: Vec<String> =
            row.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        let named = |name: &String| name.eq_ignore_ascii_case("label");
        let label = match names.iter().filter(|name| named(name)).count() {
            0 => columns - 1,
            1 => names.iter().position(named).unwrap_or(columns - 1),
            count => return bad(format!("{count} columns are named `label`")),
        };
        Ok((Self { columns, label, names: header.then_some(names) }, header))
    }

    fn name(&self, column: usize) -> String {
        match self.names.as_ref().and_then(|names| names.get(column)) {
            Some(name) => format!("column `{}`", quoted(name.as_bytes())),
            None => format!("column {}", column + 1),
        }
    }
}

/// What seems to separate the columns of a row in which commas don't.
fn separator(row: &ByteRecord) -> Option<&'static str> {
    let others = [(b';', "`;`"), (b'\t', "a tab"), (b'|', "`|`")];
    let (_, name) = others.into_iter().find(|(byte, _)| row.as_slice().contains(byte))?;
    Some(name)
}

fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.trim().parse().ok()
}

fn class(value: f64) -> Option<u8> {
    (value.fract() == 0.0 && (0.0..=255.0).contains(&value)).then_some(value as u8)
}

fn quoted(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).chars().take(MAX_QUOTED_CHARS).collect()
}

fn unreadable(error: csv::Error) -> UploadError {
    let message = error.to_string();
    match error.into_kind() {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            UploadError::Bad(error.to_string())
        }
        ErrorKind::Io(error) => UploadError::Read(error),
        _ => UploadError::Bad(message),
    }
}

/// A reader that gives up on a row without end.
struct Bounded<R> {
    inner: R,
    since_row: Rc<Cell<u64>>,
}

impl<R> Bounded<R> {
    fn new(inner: R) -> (Self, Rc<Cell<u64>>) {
        let since_row = Rc::new(Cell::new(0));
        (Self { inner, since_row: since_row.clone() }, since_row)
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > MAX_ROW_BYTES {
            let message = format!("a row has more than {MAX_ROW_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let count = self.inner.read(buffer)?;
        self.since_row.set(self.since_row.get() + count as u64);
        Ok(count)
    }
}
