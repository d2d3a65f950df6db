//! Data sets go by a piece at a time: what isn't wanted of them takes no memory.
#![allow(clippy::unwrap_used)]

mod common;

use common::{alone, taken};
use floodgauge_datasets::{
    Features, Folder, SetError, pack,
    upload::{check, read, read_rows},
};
use floodgauge_protocol::{DatasetName, Format};
use std::{
    fs::{self, File},
    io::{BufReader, Seek, Write},
    path::Path,
};

/// What passing a set through may take, in MiB; each of those here has more than 15.
const LITTLE: f32 = 2.0;

const IMAGES: u32 = 20_000;

fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let sizes = dims.iter().flat_map(|dim| dim.to_be_bytes());
    [0, 0, 8, dims.len() as u8].into_iter().chain(sizes).chain(data.iter().copied()).collect()
}

/// Images all of whose pixels tell their place, and a few for testing.
fn put_mnist(folder: &Path) {
    let own = folder.join("mnist");
    fs::create_dir(&own).unwrap();
    for (part, count) in [("train", IMAGES), ("t10k", 10)] {
        let pixels: Vec<u8> = (0..count).flat_map(|image| [(image % 251) as u8; 784]).collect();
        let labels: Vec<u8> = (0..count).map(|image| (image % 10) as u8).collect();
        let write = |name: &str, bytes: Vec<u8>| fs::write(own.join(name), bytes).unwrap();
        write(&format!("{part}-images-idx3-ubyte"), idx(&[count, 28, 28], &pixels));
        write(&format!("{part}-labels-idx1-ubyte"), idx(&[count], &labels));
    }
}

fn put_cifar(folder: &Path) {
    let own = folder.join("cifar10");
    fs::create_dir(&own).unwrap();
    for batch in 1..=6 {
        let name = if batch == 6 { "test_batch".into() } else { format!("data_batch_{batch}") };
        let mut file = File::create(own.join(format!("{name}.bin"))).unwrap();
        for image in 0..1_000u32 {
            file.write_all(&[(image % 10) as u8]).unwrap();
            file.write_all(&[batch; 3_072]).unwrap();
        }
    }
}

#[test]
fn a_server_digests_and_packs_a_set_without_holding_it() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    put_mnist(folder.path());
    put_cifar(folder.path());
    for name in [DatasetName::Mnist, DatasetName::Cifar10] {
        let sets = Folder::new(folder.path());
        let (digest, mib) = taken(|| sets.digest(&name).unwrap());
        assert!(mib < LITTLE, "{name}: {mib} MiB");
        let (packed, mib) = taken(|| sets.packed(&name).unwrap());
        assert!(mib < LITTLE, "{name}: {mib} MiB");
        assert_eq!(packed.0, digest);
        let set = pack::read(&name, &mut BufReader::new(packed.1)).unwrap();
        assert_eq!(set, sets.load(&name).unwrap());
    }
}

#[test]
fn a_worker_holds_the_samples_alone_that_it_asks_for() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    put_mnist(folder.path());
    let (_, file) = Folder::new(folder.path()).packed(&DatasetName::Mnist).unwrap();
    let rows: Vec<_> = (0..IMAGES as usize).step_by(200).collect();
    let choose = |samples| {
        assert_eq!(samples, IMAGES as usize);
        Ok::<_, SetError>(rows.clone())
    };
    let mut reader = BufReader::new(file);
    let (set, mib) =
        taken(|| pack::read_rows(&DatasetName::Mnist, &mut reader, choose, false).unwrap());
    assert!(mib < LITTLE, "{mib} MiB");
    assert_eq!(set.test, None);
    let labels: Vec<_> = rows.iter().map(|row| (row % 10) as u8).collect();
    assert_eq!(set.train.labels, labels);
    let pixels = rows.iter().flat_map(|row| [(row % 251) as u8; 784]);
    assert_eq!(set.train.features, Features::Bytes(pixels.collect(), 255.0));
}

#[test]
fn of_an_uploaded_table_a_worker_holds_the_rows_alone_that_it_asks_for() {
    let _alone = alone();
    let mut file = tempfile::tempfile().unwrap();
    for row in 0..40_000 {
        let numbers: Vec<_> = (0..100).map(|column| (row * 100 + column).to_string()).collect();
        writeln!(file, "{},{}", numbers.join(","), row % 3).unwrap();
    }
    let again = |mut file: &File| {
        file.rewind().unwrap();
        file.try_clone().unwrap()
    };
    let upload = check(again(&file), Format::Csv).unwrap().upload;
    let rows: Vec<_> = (0..40_000).step_by(400).collect();
    let (set, mib) = taken(|| read_rows(again(&file), &upload, &rows, true).unwrap());
    assert!(mib < LITTLE, "{mib} MiB");
    assert_eq!(set, read(again(&file), Format::Csv).unwrap().rows(&rows, true));
    let other = floodgauge_protocol::Upload { samples: 39_999, ..upload };
    let error = read_rows(again(&file), &other, &rows, true).unwrap_err().to_string();
    assert!(error.contains("isn't the one that was uploaded"), "{error}");
}
