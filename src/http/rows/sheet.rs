//! Columns side by side, as JSON: arrays that each hold one column of one trial.
//!
//! Rows come one after another, and the columns of a long trial are more than may be held at once. So a
//! sheet reads as many of its arrays as fit, writes them, and reads the same rows again for the next
//! ones. The rows of most trials are read once.

use super::{
    Broken, Extent, Rows,
    column::{Column, Word},
    pieces::{PIECE_BYTES, Pieces},
};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, VecDeque},
    iter::Peekable,
    mem::size_of,
};

/// What the parts that are held at once may take, in bytes. The longest column, of a trial of 100,000
/// epochs, takes a fifth of it.
const HELD_BYTES: usize = 4 << 20;

/// A part of a sheet.
#[derive(Clone, Debug)]
pub(in crate::http) enum Part {
    /// The beginning of an item: text, behind a comma unless it is the first.
    Open(String),
    /// The end of one.
    Close(&'static str),
    /// An array.
    Array(Array),
}

/// A column of a trial.
#[derive(Clone, Debug)]
pub(in crate::http) struct Array {
    /// The name of the field that it is; none in an array.
    pub key: Option<String>,
    /// Whose values it holds; of none it is empty.
    pub of: Option<Extent>,
    /// Which of its values.
    pub column: Column,
    /// Whether it is there.
    pub when: When,
}

/// Which arrays are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum When {
    /// All.
    Always,
    /// Those with any value.
    Any,
    /// Those that lack no value.
    Whole,
}

impl Array {
    /// A field of a trial.
    pub fn field(key: impl Into<String>, of: Extent, column: Column) -> Self {
        Self { key: Some(key.into()), of: Some(of), column, when: When::Always }
    }
}

/// A part with its values.
struct Held {
    part: Part,
    words: Vec<Word>,
}

impl Part {
    /// What it takes to hold it with its values.
    fn bytes(&self) -> usize {
        let more = match self {
            Self::Array(array) => array.of.map_or(0, |of| of.epochs as usize * size_of::<Word>()),
            Self::Open(text) => text.len(),
            Self::Close(_) => 0,
        };
        size_of::<Held>() + more
    }
}

/// Parts that are written one after another.
pub(in crate::http) struct Sheet<I: Iterator> {
    rows: Rows,
    parts: Peekable<I>,
    writer: Writer,
}

/// What is held, and how far it is written.
#[derive(Default)]
struct Writer {
    held: VecDeque<Held>,
    /// How many values of the first part that is held are written; none if it isn't begun.
    written: Option<usize>,
    /// The last byte of all that was written.
    last: u8,
}

impl<I: Iterator<Item = Part> + Send + 'static> Sheet<I> {
    /// The parts of a sheet, and where their values are from.
    pub fn new(rows: Rows, parts: I) -> Self {
        Self { rows, parts: parts.peekable(), writer: Writer::default() }
    }

    /// Takes up as many parts as fit, at least one, and reads their values.
    async fn take_up(&mut self) -> Result<(), Broken> {
        let held = &mut self.writer.held;
        let mut bytes = 0;
        while let Some(part) = self.parts.next_if(|part| {
            let fits = bytes + part.bytes() <= HELD_BYTES || bytes == 0;
            bytes += part.bytes();
            fits
        }) {
            held.push_back(Held { part, words: Vec::new() });
        }
        let mut wanted: BTreeMap<_, (Extent, Vec<usize>)> = BTreeMap::new();
        for (place, held) in held.iter_mut().enumerate() {
            if let Part::Array(Array { of: Some(of), .. }) = &held.part {
                held.words.reserve_exact(of.epochs as usize);
                wanted.entry(of.trial).or_insert((*of, vec![])).1.push(place);
            }
        }
        for (of, places) in wanted.values() {
            let mut epoch = 0;
            while epoch < of.epochs {
                let rows = self.rows.after(of, epoch).await?;
                epoch += rows.len() as u32;
                for &place in places {
                    let Held { part: Part::Array(array), words } = &mut held[place] else {
                        continue;
                    };
                    words.extend(rows.iter().map(|row| array.column.word(row, of.onset)));
                }
            }
        }
        Ok(())
    }
}

impl Writer {
    /// Writes on until nothing is held, or the piece has so many bytes.
    fn write(&mut self, json: &mut Vec<u8>, piece_bytes: usize) -> Result<(), Broken> {
        while !self.held.is_empty() && json.len() < piece_bytes {
            if self.write_first(json, piece_bytes)? {
                self.held.pop_front();
                self.written = None;
            }
            self.last = json.last().copied().unwrap_or(self.last);
        }
        Ok(())
    }

    /// Writes on in the first part that is held; answers whether it is done with.
    fn write_first(&mut self, json: &mut Vec<u8>, piece_bytes: usize) -> Result<bool, Broken> {
        let Some(Held { part, words }) = self.held.front() else { return Ok(true) };
        let is_first = matches!(self.last, b'[' | b'{' | 0);
        let array = match part {
            Part::Open(text) => {
                json.extend((!is_first).then_some(b','));
                json.extend(text.as_bytes());
                return Ok(true);
            }
            Part::Close(text) => {
                json.extend(text.as_bytes());
                return Ok(true);
            }
            Part::Array(array) => array,
        };
        let begin = match self.written {
            Some(written) => written,
            None => {
                let is_there = match array.when {
                    When::Always => true,
                    When::Any => words.iter().any(|word| *word != Word::NONE),
                    When::Whole => words.iter().all(|word| *word != Word::NONE),
                };
                if !is_there {
                    return Ok(true);
                }
                json.extend((!is_first).then_some(b','));
                if let Some(key) = &array.key {
                    serde_json::to_writer(&mut *json, key)?;
                    json.push(b':');
                }
                json.push(b'[');
                0
            }
        };
        for (place, word) in words.iter().enumerate().skip(begin) {
            if json.len() >= piece_bytes {
                self.written = Some(place);
                return Ok(false);
            }
            json.extend((place > 0).then_some(b','));
            array.column.write(*word, json)?;
        }
        json.push(b']');
        Ok(true)
    }
}

impl<I: Iterator<Item = Part> + Send + 'static> Pieces for Sheet<I> {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let mut json = Vec::with_capacity(PIECE_BYTES + 1024);
        while json.len() < PIECE_BYTES {
            if self.writer.held.is_empty() {
                self.take_up().await?;
                if self.writer.held.is_empty() {
                    break;
                }
            }
            self.writer.write(&mut json, PIECE_BYTES)?;
        }
        Ok((!json.is_empty()).then(|| json.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::CurveRow;
    use floodgauge_protocol::{ArmIx, FamilyIx, Metric, MetricName, MetricValues, TrialKey};

    fn held(epochs: u32) -> VecDeque<Held> {
        let of = Extent { trial: TrialKey::new(FamilyIx(0), ArmIx(0)), epochs, onset: None };
        let row = |epoch| CurveRow {
            trial: of.trial,
            epoch,
            step: 20 * u64::from(epoch),
            train_loss: Metric::Finite(1.0 / f64::from(epoch)),
            metrics: MetricValues::validation(Metric::Finite(0.5), Metric::Diverged),
            branch: ArmIx(0),
            diagnostics: None,
        };
        let rows: Vec<CurveRow> = (1..=epochs).map(row).collect();
        let array = |key: &str, column: Column| Part::Array(Array::field(key, of, column));
        let parts = [
            Part::Open("{\"items\":[".into()),
            Part::Open("{\"family\":0".into()),
            array("epoch", Column::Epoch),
            array("step", Column::Step),
            Part::Open("\"metrics\":{".into()),
            array("train_loss", Column::TrainLoss),
            array("val_error", Column::Metric(MetricName::val_error())),
            Part::Close("}"),
            Part::Close("}"),
            Part::Close("]}"),
        ];
        let words = |part: &Part| match part {
            Part::Array(array) => rows.iter().map(|row| array.column.word(row, None)).collect(),
            _ => vec![],
        };
        parts.into_iter().map(|part| Held { words: words(&part), part }).collect()
    }

    #[test]
    fn a_sheet_is_the_same_wherever_its_pieces_end() {
        for epochs in [0, 1, 12] {
            let mut whole = vec![];
            let mut writer = Writer { held: held(epochs), ..Writer::default() };
            writer.write(&mut whole, usize::MAX).unwrap();
            serde_json::from_slice::<serde_json::Value>(&whole).unwrap();
            for piece_bytes in 1..=whole.len() {
                let mut writer = Writer { held: held(epochs), ..Writer::default() };
                let mut pieces = vec![];
                while !writer.held.is_empty() {
                    let mut piece = vec![];
                    writer.write(&mut piece, piece_bytes).unwrap();
                    pieces.extend(piece);
                }
                let text = |bytes| String::from_utf8(bytes).unwrap();
                assert_eq!(text(pieces), text(whole.clone()), "pieces of {piece_bytes}");
            }
        }
    }
}
