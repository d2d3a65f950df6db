//! An export with its data set: a zip archive of two files.

use super::ExportError;
use bytesize::ByteSize;
use floodgauge_datasets::{
    archive::{Directory, directory},
    digest,
    upload::MAX_BYTES as MAX_DATA_BYTES,
};
use floodgauge_protocol::{Digest, Format};
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, Write},
    path::Path,
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// What the sweep is called in an archive.
const SWEEP: &str = "sweep.json";
/// More members than are looked at.
const MAX_MEMBERS: u16 = 8;

/// What a data set is called in an archive.
fn data_name(format: Format) -> String {
    format!("data.{}", format.as_str())
}

/// Writes an archive of a sweep and its data set, both read from their beginning.
///
/// # Errors
/// Of reading and writing.
pub fn write(
    archive: impl Write + Seek,
    sweep: &mut File,
    format: Format,
    data: &mut File,
) -> io::Result<()> {
    let mut archive = ZipWriter::new(archive);
    let packed = SimpleFileOptions::default().large_file(true);
    let deflated = packed.compression_method(CompressionMethod::Deflated);
    archive.start_file(SWEEP, deflated)?;
    sweep.rewind()?;
    io::copy(sweep, &mut archive)?;
    let as_it_is = packed.compression_method(CompressionMethod::Stored);
    let packed_already = format == Format::Npz;
    archive.start_file(data_name(format), if packed_already { as_it_is } else { deflated })?;
    data.rewind()?;
    io::copy(data, &mut archive)?;
    archive.finish()?.flush()
}

/// Whether a file is an archive, by how it begins.
///
/// # Errors
/// If it can't be read.
pub fn is_one(file: &mut File) -> io::Result<bool> {
    let mut start = vec![];
    file.rewind()?;
    Read::by_ref(file).take(4).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start == b"PK\x03\x04")
}

/// Reads the sweep of an archive.
///
/// # Errors
/// [`ExportError::Foreign`] if it has none; what `read` says of it.
pub fn sweep<T>(
    file: File,
    read: impl FnOnce(&mut dyn Read) -> Result<T, ExportError>,
) -> Result<T, ExportError> {
    let mut archive = open(file)?;
    let mut member = match archive.by_name(SWEEP) {
        Err(ZipError::FileNotFound) => {
            let words = format!("the zip archive holds no {SWEEP}");
            return Err(ExportError::Foreign(words));
        }
        member => member.map_err(unreadable)?,
    };
    read(&mut member)
}

/// The data set that an archive holds, unpacked into a file that goes when it is closed; none where it holds
/// none, and of a file that is no archive.
///
/// # Errors
/// [`ExportError::Damaged`] if it hasn't the digest of what the sweep was trained on.
pub fn data(path: &Path, format: Format, sha256: Digest) -> Result<Option<File>, ExportError> {
    let mut file = File::open(path)?;
    if !is_one(&mut file)? {
        return Ok(None);
    }
    let mut archive = open(file)?;
    let member = match archive.by_name(&data_name(format)) {
        Err(ZipError::FileNotFound) => return Ok(None),
        member => member.map_err(unreadable)?,
    };
    let mut unpacked = crate::scratch::file()?;
    let copied = io::copy(&mut member.take(MAX_DATA_BYTES + 1), &mut unpacked);
    let bytes = copied.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => ExportError::Damaged(format!("its data set: {error}")),
        _ => ExportError::Io(error),
    })?;
    if bytes > MAX_DATA_BYTES {
        let most = ByteSize::b(MAX_DATA_BYTES).display().iec();
        let words = format!("its data set has more than {most}");
        return Err(ExportError::Damaged(words));
    }
    unpacked.rewind()?;
    let found = digest::of(BufReader::new(&unpacked))?;
    if found != sha256 {
        return Err(ExportError::Damaged(format!(
            "the data set in it has the digest {found}, its sweep was trained on {sha256}"
        )));
    }
    unpacked.rewind()?;
    Ok(Some(unpacked))
}

fn open(mut file: File) -> Result<ZipArchive<BufReader<File>>, ExportError> {
    // Before anything is made of them.
    match directory(&mut file)? {
        Directory::Missing => {
            return Err(ExportError::Damaged("the zip archive breaks off".into()));
        }
        Directory::Zip64 => {
            let words = "the zip archive has the directory of a zip64 file, which no export has";
            return Err(ExportError::Foreign(words.into()));
        }
        Directory::Members(count) if count > MAX_MEMBERS => {
            let words = format!("the zip archive holds {count} files");
            return Err(ExportError::Foreign(words));
        }
        Directory::Members(_) => {}
    }
    ZipArchive::new(BufReader::new(file)).map_err(unreadable)
}

fn unreadable(error: ZipError) -> ExportError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::InvalidData => ExportError::Io(error),
        other => ExportError::Damaged(format!("the zip archive: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Export, *};
    use crate::export::read::tests::file;
    use std::fs;

    fn holding(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn archive(folder: &Path, sweep: &[u8], data: &[u8]) -> std::path::PathBuf {
        let path = folder.join("x.zip");
        let (mut sweep, mut data) = (holding(sweep), holding(data));
        let to = File::create(&path).unwrap();
        write(to, &mut sweep, Format::Csv, &mut data).unwrap();
        path
    }

    fn digest_of(bytes: &[u8]) -> Digest {
        digest::of(bytes).unwrap()
    }

    #[test]
    fn sweep_and_data_come_out_of_an_archive_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), file().to_string().as_bytes(), b"1,2,0\n");
        assert_eq!(Export::open(&path).unwrap().spec.name, "x");
        let unpacked = data(&path, Format::Csv, digest_of(b"1,2,0\n")).unwrap();
        let mut text = String::new();
        unpacked.unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "1,2,0\n");
        assert!(data(&path, Format::Npz, digest_of(b"")).unwrap().is_none());
        let wrong = data(&path, Format::Csv, digest_of(b"others")).unwrap_err();
        assert!(wrong.to_string().starts_with("it is damaged: the data set in it has"), "{wrong}");
        let plain = folder.path().join("x.json");
        fs::write(&plain, file().to_string()).unwrap();
        assert_eq!(Export::open(&plain).unwrap().spec.name, "x");
        assert!(data(&plain, Format::Csv, digest_of(b"")).unwrap().is_none());
    }

    #[test]
    fn damaged_and_foreign_archives_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), file().to_string().as_bytes(), b"1,2,0\n");
        let whole = fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            Export::open(&path).unwrap_err().to_string()
        };
        let cut = refused(&whole[..whole.len() / 2]);
        assert_eq!(cut, "it is damaged: the zip archive breaks off");
        let mut altered = whole.clone();
        // The sum of the sweep, which the directory at the end tells first.
        let directory = whole.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        altered[directory + 16] ^= 0xff;
        let altered = refused(&altered);
        assert!(altered.starts_with("it is damaged: "), "{altered}");
        let other = |members: usize| {
            let mut other = ZipWriter::new(io::Cursor::new(vec![]));
            for member in 0..members {
                let options = SimpleFileOptions::default();
                other.start_file(format!("{member}.txt"), options).unwrap();
            }
            other.finish().unwrap().into_inner()
        };
        assert!(refused(&other(1)).ends_with("the zip archive holds no sweep.json"));
        assert!(refused(&other(9)).ends_with("the zip archive holds 9 files"));
        let mut zip64 = whole.clone();
        let end = zip64.len() - 22;
        zip64[end + 16..end + 20].fill(0xff);
        let zip64 = refused(&zip64);
        assert!(zip64.ends_with("the directory of a zip64 file, which no export has"), "{zip64}");
    }
}
