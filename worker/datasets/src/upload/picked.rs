//! Some of the samples of an upload, as they come by.

use super::{Floats, Part, Sink};
use floodgauge_protocol::Upload;

/// The samples that are wanted of each part.
pub(super) struct Picked {
    train: Picker,
    test: Option<Picker>,
}

impl Picked {
    /// The training samples at `rows`, which rise, and perhaps all test samples.
    pub fn new(upload: &Upload, rows: &[usize], with_test: bool) -> Self {
        let of = |rows| Picker {
            dim: (upload.features as usize).max(1),
            rows,
            numbers: Cursor::default(),
            labels: Cursor::default(),
            picked: Floats::default(),
        };
        let all = || of((0..upload.test_samples as usize).collect());
        Self { train: of(rows.to_vec()), test: with_test.then(all) }
    }

    /// What was wanted of each part.
    pub fn into_parts(self) -> (Floats, Option<Floats>) {
        (self.train.picked, self.test.map(|test| test.picked))
    }

    fn part(&mut self, part: Part) -> Option<&mut Picker> {
        match part {
            Part::Train => Some(&mut self.train),
            Part::Test => self.test.as_mut(),
        }
    }
}

impl Sink for Picked {
    fn features(&mut self, part: Part, features: &[f32]) {
        let Some(Picker { dim, rows, numbers, picked, .. }) = self.part(part) else { return };
        numbers.pick(rows, *dim, features, &mut picked.features);
    }

    fn labels(&mut self, part: Part, labels: &[u8]) {
        let Some(Picker { rows, labels: cursor, picked, .. }) = self.part(part) else { return };
        cursor.pick(rows, 1, labels, &mut picked.labels);
    }
}

struct Picker {
    dim: usize,
    /// The samples that are wanted, rising.
    rows: Vec<usize>,
    numbers: Cursor,
    labels: Cursor,
    picked: Floats,
}

/// How far values have come by.
#[derive(Default)]
struct Cursor {
    /// Values so far.
    seen: usize,
    /// Wanted samples that are past.
    past: usize,
}

impl Cursor {
    /// Takes of the next values, `dim` a sample, those of the samples at `rows`.
    fn pick<T: Copy>(&mut self, rows: &[usize], dim: usize, mut values: &[T], into: &mut Vec<T>) {
        while let Some(&row) = rows.get(self.past) {
            let (from, to) = (row * dim, (row + 1) * dim);
            let skip = from.saturating_sub(self.seen).min(values.len());
            let take = (to - self.seen.max(from)).min(values.len() - skip);
            into.extend_from_slice(&values[skip..skip + take]);
            self.seen += skip + take;
            values = &values[skip + take..];
            if self.seen < to {
                return;
            }
            self.past += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_wanted_samples_are_picked_however_they_come_by(
            wanted in prop::collection::btree_set(0usize..30, 0..10),
            dim in 1usize..5,
            cuts in prop::collection::vec(0usize..120, 0..6),
        ) {
            let rows: Vec<_> = wanted.into_iter().collect();
            let values: Vec<usize> = (0..30 * dim).collect();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(values.len())).collect();
            cuts.extend([0, values.len()]);
            cuts.sort_unstable();
            let (mut cursor, mut picked) = (Cursor::default(), vec![]);
            for piece in cuts.windows(2) {
                cursor.pick(&rows, dim, &values[piece[0]..piece[1]], &mut picked);
            }
            let expected: Vec<_> = rows.iter().flat_map(|row| row * dim..(row + 1) * dim).collect();
            prop_assert_eq!(picked, expected);
        }
    }
}
