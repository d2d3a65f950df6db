//! Files made to harm: random bytes, whole files with a few bytes changed, and archives that unpack
//! to more than they should. None makes a reader panic, or take more memory than a file of its kind
//! may need.
#![allow(clippy::unwrap_used)]

mod common;

use common::{alone, taken};
use flate2::{Compression, write::GzEncoder};
use floodgauge_datasets::{
    Folder, SetError, pack,
    upload::{UploadError, check, read},
};
use floodgauge_protocol::{DatasetName, Format};
use proptest::{collection::vec, prelude::*};
use std::{
    fs::{self, File},
    io::{Cursor, Read, Seek, Write, repeat},
};
use zip::{ZipWriter, write::SimpleFileOptions};

/// What reading a small file may take beside it, in MiB. Tests run one at a time, so that each
/// sees its own memory.
const LITTLE: f32 = 16.0;

fn temporary(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// Reads bytes as an upload, whole and checked.
fn upload(bytes: &[u8], format: Format) {
    let (_, mib) = taken(|| {
        let checked = check(temporary(bytes), format).is_ok();
        assert_eq!(read(temporary(bytes), format).is_ok(), checked);
    });
    assert!(mib < LITTLE, "{mib} MiB");
}

/// Loads a named set from files with these bytes.
fn load(name: &DatasetName, files: &[(&str, &[u8])]) -> Result<(), SetError> {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join(name.as_str());
    fs::create_dir(&own).unwrap();
    for (file, bytes) in files {
        fs::write(own.join(file), bytes).unwrap();
    }
    let (loaded, mib) = taken(|| Folder::new(folder.path()).load(name).map(drop));
    assert!(mib < LITTLE, "{mib} MiB");
    loaded
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// So many zeros after a beginning, packed.
fn bomb(beginning: &[u8], zeros: u64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(beginning).unwrap();
    std::io::copy(&mut repeat(0).take(zeros), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// The header of an IDX file of bytes, with no data behind it.
fn idx(dims: &[u32]) -> Vec<u8> {
    let sizes = dims.iter().flat_map(|dim| dim.to_be_bytes());
    [0, 0, 8, dims.len() as u8].into_iter().chain(sizes).collect()
}

fn images(count: u32) -> Vec<u8> {
    [idx(&[count, 28, 28]), vec![7; count as usize * 784]].concat()
}

fn labels(count: u32) -> Vec<u8> {
    [idx(&[count]), (0..count).map(|i| (i % 10) as u8).collect()].concat()
}

/// A header of a NumPy array, and data.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = format!("{header:<117}\n");
    let length = (padded.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, padded.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn small_npz() -> Vec<u8> {
    let y: Vec<u8> = (0..24).map(|i| i % 3).collect();
    npz(&[("x", &npy("|u1", "(24, 2)", &[9; 48])), ("y", &npy("|u1", "(24,)", &y))])
}

fn small_csv() -> Vec<u8> {
    let rows = (0..24).map(|i| format!("{}.5,{i},{}\n", i % 7, i % 3));
    format!("a,b,label\n{}", rows.collect::<String>()).into_bytes()
}

/// A MATLAB file with one array, as [`mat`](https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf) has it.
fn small_mat() -> Vec<u8> {
    let element = |kind: u32, body: &[u8]| {
        let mut bytes = [kind.to_le_bytes(), (body.len() as u32).to_le_bytes()].concat();
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    };
    let body = [
        element(6, &[9, 0, 0, 0, 0, 0, 0, 0]),
        element(5, &[2, 0, 0, 0, 2, 0, 0, 0]),
        element(1, b"X"),
        element(2, &[1, 2, 3, 4]),
    ];
    let mut file = vec![b' '; 124];
    file.extend([0, 1, b'I', b'M']);
    file.extend(element(14, &body.concat()));
    file
}

fn cifar() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for name in ["train.bin", "test.bin"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(3074);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, format!("cifar-100-binary/{name}"), &[1; 3074][..])
            .unwrap();
    }
    builder.into_inner().unwrap()
}

/// Where to change which bytes, and where to cut.
fn damage() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)>
{
    (
        vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        prop::option::weighted(0.3, any::<prop::sample::Index>()),
    )
}

fn damaged(
    mut bytes: Vec<u8>,
    (changes, cut): &(Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>),
) -> Vec<u8> {
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

proptest! {
    #[test]
    fn random_bytes_are_no_upload(bytes in vec(any::<u8>(), 0..4_000)) {
        let _alone = alone();
        upload(&bytes, Format::Csv);
        upload(&bytes, Format::Npz);
        upload(&[b"PK\x03\x04", &bytes[..]].concat(), Format::Npz);
        upload(&npz(&[("x", &bytes), ("y", &npy("|u1", "(24,)", &[0; 24]))]), Format::Npz);
    }

    #[test]
    fn damaged_tables_are_read_or_refused(damage in damage()) {
        let _alone = alone();
        upload(&damaged(small_csv(), &damage), Format::Csv);
    }

    #[test]
    fn damaged_archives_are_read_or_refused(damage in damage()) {
        let _alone = alone();
        upload(&damaged(small_npz(), &damage), Format::Npz);
    }

    #[test]
    fn arrays_with_any_header_are_read_or_refused(header in "[ -~]{0,80}", shape in "\\([0-9, ]{0,24}\\)") {
        let _alone = alone();
        let padded = format!("{header:<117}\n");
        let length = (padded.len() as u16).to_le_bytes();
        let x = [&b"\x93NUMPY\x01\x00"[..], &length, padded.as_bytes()].concat();
        let y = npy("|u1", "(24,)", &[0; 24]);
        upload(&npz(&[("x", &x), ("y", &y)]), Format::Npz);
        upload(&npz(&[("x", &npy("<f8", &shape, &[0; 64])), ("y", &y)]), Format::Npz);
    }

    #[test]
    fn damaged_idx_files_are_read_or_refused(damage in damage(), packed: bool, inside: bool) {
        let _alone = alone();
        let hurt = match (packed, inside) {
            (false, _) => damaged(images(2), &damage),
            (true, true) => gzip(&damaged(images(2), &damage)),
            (true, false) => damaged(gzip(&images(2)), &damage),
        };
        let _ = load(&DatasetName::Mnist, &[
            ("train-images-idx3-ubyte", &hurt),
            ("train-labels-idx1-ubyte", &labels(2)),
            ("t10k-images-idx3-ubyte", &images(2)),
            ("t10k-labels-idx1-ubyte", &damaged(labels(2), &damage)),
        ]);
    }

    #[test]
    fn damaged_cifar_archives_are_read_or_refused(damage in damage(), inside: bool) {
        let _alone = alone();
        let hurt = if inside { gzip(&damaged(cifar(), &damage)) } else { damaged(gzip(&cifar()), &damage) };
        let _ = load(&DatasetName::Cifar100, &[("cifar-100-binary.tar.gz", &hurt)]);
    }

    #[test]
    fn damaged_matlab_files_are_read_or_refused(damage in damage(), bytes in vec(any::<u8>(), 0..2_000)) {
        let _alone = alone();
        for hurt in [&damaged(small_mat(), &damage), &bytes] {
            let _ = load(&DatasetName::Svhn, &[("train_32x32.mat", hurt), ("test_32x32.mat", hurt)]);
        }
    }

    #[test]
    fn damaged_packs_are_read_or_refused(damage in damage(), bytes in vec(any::<u8>(), 0..2_000)) {
        let _alone = alone();
        let whole = [images_of_four(2), labels(2), images_of_four(2), labels(2)].concat();
        for hurt in [&damaged(whole, &damage), &bytes] {
            let (_, mib) = taken(|| pack::read(&DatasetName::Mnist, &mut &hurt[..]).is_ok());
            assert!(mib < LITTLE, "{mib} MiB");
        }
    }
}

fn images_of_four(count: u32) -> Vec<u8> {
    [idx(&[count, 1, 28, 28]), vec![7; count as usize * 784]].concat()
}

#[test]
fn a_packed_array_that_unpacks_to_more_than_it_announces_is_refused_unread() {
    let _alone = alone();
    let images = bomb(&images(2), 300 << 20);
    assert!(images.len() < 4 << 20, "a bomb");
    let refused = load(
        &DatasetName::Mnist,
        &[
            ("train-images-idx3-ubyte", &images),
            ("train-labels-idx1-ubyte", &labels(2)),
            ("t10k-images-idx3-ubyte", &images),
            ("t10k-labels-idx1-ubyte", &labels(2)),
        ],
    );
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("expected 2 × 28 × 28"), "{message}");
}

#[test]
fn an_archive_full_of_something_else_is_given_up() {
    let _alone = alone();
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(400 << 20);
    header.set_mode(0o644);
    builder.append_data(&mut header, "junk", repeat(0).take(400 << 20)).unwrap();
    let archive = builder.into_inner().unwrap().finish().unwrap();
    let refused = load(&DatasetName::Cifar100, &[("cifar-100-binary.tar.gz", &archive)]);
    assert!(matches!(refused, Err(SetError::Malformed { .. })), "{refused:?}");
}

#[test]
fn an_array_that_unpacks_to_more_than_its_shape_says_is_refused_unread() {
    let _alone = alone();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("x.npy", SimpleFileOptions::default()).unwrap();
    zip.write_all(&npy("|u1", "(24, 2)", &[9; 48])).unwrap();
    std::io::copy(&mut repeat(0).take(300 << 20), &mut zip).unwrap();
    zip.start_file("y.npy", SimpleFileOptions::default()).unwrap();
    zip.write_all(&npy("|u1", "(24,)", &[0; 24])).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let (refused, mib) = taken(|| check(temporary(&bytes), Format::Npz));
    assert!(mib < LITTLE, "{mib} MiB");
    let Err(UploadError::Bad(message)) = refused else { panic!("{refused:?}") };
    assert_eq!(message, "array `x` has more numbers than its shape says");
}

#[test]
fn a_large_array_is_checked_without_being_held() {
    let _alone = alone();
    let rows = 1u64 << 18;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("x.npy", SimpleFileOptions::default()).unwrap();
    zip.write_all(&npy("|u1", &format!("({rows}, 200)"), &[])).unwrap();
    std::io::copy(&mut repeat(1).take(rows * 200), &mut zip).unwrap();
    zip.start_file("y.npy", SimpleFileOptions::default()).unwrap();
    let y: Vec<u8> = (0..rows).map(|i| (i % 2) as u8).collect();
    zip.write_all(&npy("|u1", &format!("({rows},)"), &y)).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    let (taken_in, mib) = taken(|| check(temporary(&bytes), Format::Npz));
    assert_eq!(taken_in.unwrap().upload.samples, 1 << 18);
    assert!(mib < LITTLE, "{mib} MiB");
}
