//! CIFAR-10 and CIFAR-100 in their binary version (<https://www.cs.toronto.edu/~kriz/cifar.html>):
//! records of one or two label bytes and 3,072 pixels, as files or in the archive that they come in.

use crate::{
    SetError, idx,
    set::{Images, Origin},
};
use floodgauge_protocol::DatasetName;
use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Pixels of an image, channel after channel.
const PIXELS: usize = 3 * 32 * 32;
/// More bytes than any batch has.
const MAX_BYTES: u64 = 200 << 20;

/// More bytes than an archive unpacks to.
const MAX_UNPACKED_BYTES: u64 = 256 << 20;

/// How one of the two sets is laid out.
pub(crate) struct Layout {
    /// The archive's name, as its authors publish it.
    pub archive: &'static str,
    /// The folder in it.
    pub folder: &'static str,
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// Label bytes before an image, of which the last counts.
    labels: usize,
}

/// CIFAR-10.
pub(crate) const TEN: Layout = Layout {
    archive: "cifar-10-binary.tar.gz",
    folder: "cifar-10-batches-bin",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: &["test_batch.bin"],
    labels: 1,
};

/// CIFAR-100 with its fine labels.
pub(crate) const HUNDRED: Layout = Layout {
    archive: "cifar-100-binary.tar.gz",
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: &["test.bin"],
    labels: 2,
};

impl Layout {
    /// The archive or, where there is none, the batches: loose, or in the archive's folder.
    pub fn find(&self, folder: &Path) -> Option<Vec<PathBuf>> {
        let archive = folder.join(self.archive);
        if archive.is_file() {
            return Some(vec![archive]);
        }
        [folder.to_owned(), folder.join(self.folder)].into_iter().find_map(|folder| {
            let batches: Vec<_> = self.batches().map(|batch| folder.join(batch)).collect();
            batches.iter().all(|path| path.is_file()).then_some(batches)
        })
    }

    /// Writes the set in what [`find`](Self::find) found as [`pack`](crate::pack) has it.
    pub fn write(
        &self,
        name: &DatasetName,
        files: &[PathBuf],
        writer: &mut dyn Write,
    ) -> Result<(), SetError> {
        let kind = Images::of(name)?;
        let mut batches = match files {
            [archive] => self.unpack(archive)?,
            loose => loose.iter().map(Batch::open).collect::<Result<_, SetError>>()?,
        };
        let place = match files {
            [archive] => archive.display(),
            batches => batches[0].parent().unwrap_or(&batches[0]).display(),
        };
        for names in [self.train, self.test] {
            let from = Origin::one(format!("{place}, {}", names.join(" + ")));
            let mut part = vec![];
            for batch in names {
                let at = files.iter().find(|path| file_name(path) == *batch).unwrap_or(&files[0]);
                let found = batches.remove(*batch);
                let found = found
                    .ok_or_else(|| SetError::malformed(at, format!("{batch} is not in it")))?;
                let record = (self.labels + PIXELS) as u64;
                if !found.bytes.is_multiple_of(record) {
                    let bytes = found.bytes;
                    let what =
                        format!("{batch}: it has {bytes} bytes, expected a multiple of {record}");
                    return Err(SetError::malformed(at, what));
                }
                part.push((at, found.file, (found.bytes / record) as usize));
            }
            let count: usize = part.iter().map(|(.., count)| count).sum();
            idx::write_header(writer, [count, 3, 32, 32]).map_err(SetError::Write)?;
            let mut labels = Vec::with_capacity(count);
            for (at, file, count) in part {
                let mut records = BufReader::with_capacity(1 << 16, file);
                let mut record = vec![0; self.labels + PIXELS];
                for _ in 0..count {
                    records.read_exact(&mut record).map_err(|error| SetError::read(at, error))?;
                    labels.push(record[self.labels - 1]);
                    writer.write_all(&record[self.labels..]).map_err(SetError::Write)?;
                }
            }
            from.check_labels(kind, count, &labels)?;
            idx::write(writer, [count], &labels).map_err(SetError::Write)?;
        }
        Ok(())
    }

    fn batches(&self) -> impl Iterator<Item = &'static str> {
        self.train.iter().chain(self.test).copied()
    }

    /// The batches in the archive, by name.
    fn unpack(&self, archive: &Path) -> Result<HashMap<String, Batch>, SetError> {
        let malformed = |error: io::Error| SetError::malformed(archive, error);
        let file = File::open(archive).map_err(|error| SetError::read(archive, error))?;
        let unzipped = flate2::read::GzDecoder::new(BufReader::new(file));
        // What else is in the archive, long names included, is read on the way.
        let unzipped = unzipped.take(MAX_UNPACKED_BYTES);
        let mut unpacked = tar::Archive::new(unzipped);
        let mut batches = HashMap::new();
        for entry in unpacked.entries().map_err(malformed)? {
            let entry = entry.map_err(malformed)?;
            let name = file_name(&entry.path().map_err(malformed)?);
            if self.batches().any(|batch| batch == name) {
                batches.insert(name, Batch::aside(entry).map_err(malformed)?);
            }
        }
        Ok(batches)
    }
}

/// A batch, read from its start.
struct Batch {
    file: File,
    bytes: u64,
}

impl Batch {
    /// A loose one, with its name.
    fn open(path: &PathBuf) -> Result<(String, Self), SetError> {
        let open = || {
            let file = File::open(path)?;
            Self { bytes: file.metadata()?.len(), file }.bounded()
        };
        let batch = open().map_err(|error| SetError::read(path, error))?;
        Ok((file_name(path), batch))
    }

    /// One of an archive, whose batches come in any order, in a nameless file.
    fn aside(entry: impl Read) -> io::Result<Self> {
        let mut file = tempfile::tempfile()?;
        let bytes = io::copy(&mut entry.take(MAX_BYTES + 1), &mut file)?;
        file.rewind()?;
        Self { file, bytes }.bounded()
    }

    fn bounded(self) -> io::Result<Self> {
        match self.bytes > MAX_BYTES {
            true => Err(io::Error::other(format!("a batch has more than {MAX_BYTES} bytes"))),
            false => Ok(self),
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Features, Folder, idx::tests::gzip};

    /// Records of one image each: its labels, and pixels that tell them apart.
    fn batch(labels: &[&[u8]]) -> Vec<u8> {
        let record = |labels: &&[u8]| {
            let pixels = (0..PIXELS).map(|i| (i / 1024) as u8 * 10 + labels[labels.len() - 1] % 10);
            labels.iter().copied().chain(pixels).collect::<Vec<_>>()
        };
        labels.iter().flat_map(record).collect()
    }

    fn archive(folder: &str, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, format!("{folder}/{name}"), &bytes[..]).unwrap();
        }
        gzip(&builder.into_inner().unwrap())
    }

    /// A data folder with these files in the folder of the set.
    fn put(name: &DatasetName, files: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Folder) {
        let folder = tempfile::tempdir().unwrap();
        for (file, bytes) in files {
            let path = folder.path().join(name.as_str()).join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let sets = Folder::new(folder.path());
        (folder, sets)
    }

    fn ten() -> Vec<(&'static str, Vec<u8>)> {
        let batches = TEN.batches().zip(0u8..);
        batches.map(|(name, at)| (name, batch(&[&[at], &[9 - at]]))).collect()
    }

    #[test]
    fn an_archive_loose_batches_and_its_folder_hold_the_same_set() {
        let name = DatasetName::Cifar10;
        let packed = vec![(TEN.archive, archive(TEN.folder, &ten()))];
        let nested = TEN.batches().map(|batch| format!("{}/{batch}", TEN.folder));
        let nested: Vec<_> = nested.zip(ten()).map(|(path, (_, bytes))| (path, bytes)).collect();
        let nested: Vec<_> = nested.iter().map(|(path, b)| (path.as_str(), b.clone())).collect();
        let mut digests = vec![];
        for files in [packed, ten(), nested] {
            let (_folder, sets) = put(&name, &files);
            let set = sets.load(&name).unwrap();
            assert_eq!(set.train.labels, [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]);
            assert_eq!(set.test.as_ref().unwrap().labels, [5, 4]);
            let Features::Bytes(pixels, _) = &set.train.features else { panic!("no bytes") };
            assert_eq!(
                pixels[PIXELS..2 * PIXELS].chunks(1024).map(|c| c[0]).collect::<Vec<_>>(),
                [9, 19, 29]
            );
            digests.push(sets.digest(&name).unwrap());
        }
        assert!(digests[0] == digests[1] && digests[1] == digests[2]);
    }

    #[test]
    fn the_fine_labels_of_the_hundred_count() {
        let name = DatasetName::Cifar100;
        let files = [("train.bin", batch(&[&[1, 99], &[0, 42]])), ("test.bin", batch(&[&[7, 3]]))];
        let (_folder, sets) = put(&name, &files);
        let set = sets.load(&name).unwrap();
        assert_eq!((set.classes, set.train.labels), (100, vec![99, 42]));
        assert_eq!(set.test.unwrap().labels, [3]);
    }

    #[test]
    fn an_unusable_file_is_named_with_what_was_expected_of_it() {
        let name = DatasetName::Cifar10;
        let mut short = ten();
        short[2].1.pop();
        let mut label = ten();
        label[5].1[0] = 10;
        let lacking = vec![(TEN.archive, archive(TEN.folder, &ten()[..5]))];
        let cut = vec![(TEN.archive, archive(TEN.folder, &ten())[..100].to_vec())];
        for (files, expected) in [
            (short, "data_batch_3.bin: it has 6145 bytes, expected a multiple of 3073"),
            (label, "test_batch.bin doesn't fit: label 10 of sample 0, expected one below 10"),
            (lacking, "test_batch.bin is not in it"),
            (cut, TEN.archive),
            (ten()[..5].to_vec(), "files that aren't there"),
        ] {
            let (folder, sets) = put(&name, &files);
            let message = sets.load(&name).unwrap_err().to_string();
            let place = folder.path().join("cifar10").display().to_string();
            assert!(
                message.contains(&place) && message.contains(expected),
                "{message}; {expected}"
            );
        }
    }
}
