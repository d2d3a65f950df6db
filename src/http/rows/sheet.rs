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
    held: VecDeque<Held>,
    /// How many values of the first of them are written.
    written: usize,
    /// The last byte of all that was written.
    last: u8,
}

impl<I: Iterator<Item = Part> + Send + 'static> Sheet<I> {
    /// The parts of a sheet, and where their values are from.
    pub fn new(rows: Rows, parts: I) -> Self {
        Self { rows, parts: parts.peekable(), held: VecDeque::new(), written: 0, last: 0 }
    }

    /// Takes up as many parts as fit, at least one, and reads their values.
    async fn take_up(&mut self) -> Result<(), Broken> {
        let mut bytes = 0;
        while let Some(part) = self.parts.next_if(|part| {
            let fits = bytes + part.bytes() <= HELD_BYTES || bytes == 0;
            bytes += part.bytes();
            fits
        }) {
            self.held.push_back(Held { part, words: Vec::new() });
        }
        let mut wanted: BTreeMap<_, (Extent, Vec<usize>)> = BTreeMap::new();
        for (place, held) in self.held.iter_mut().enumerate() {
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
                    let Held { part: Part::Array(array), words } = &mut self.held[place] else {
                        continue;
                    };
                    words.extend(rows.iter().map(|row| array.column.word(row, of.onset)));
                }
            }
        }
        Ok(())
    }

    /// Writes on in the first part that is held; answers whether it is done with.
    fn write(&mut self, json: &mut Vec<u8>) -> Result<bool, Broken> {
        let Some(Held { part, words }) = self.held.front() else { return Ok(true) };
        let is_first = matches!(json.last().unwrap_or(&self.last), b'[' | b'{' | 0);
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
        if self.written == 0 {
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
        }
        for word in &words[self.written..] {
            if json.len() >= PIECE_BYTES {
                return Ok(false);
            }
            json.extend((self.written > 0).then_some(b','));
            array.column.write(*word, json)?;
            self.written += 1;
        }
        json.push(b']');
        Ok(true)
    }
}

impl<I: Iterator<Item = Part> + Send + 'static> Pieces for Sheet<I> {
    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        let mut json = Vec::with_capacity(PIECE_BYTES + 1024);
        while json.len() < PIECE_BYTES {
            if self.held.is_empty() {
                self.take_up().await?;
                if self.held.is_empty() {
                    break;
                }
            }
            if self.write(&mut json)? {
                self.held.pop_front();
                self.written = 0;
            }
        }
        self.last = json.last().copied().unwrap_or(self.last);
        Ok((!json.is_empty()).then(|| json.into()))
    }
}
