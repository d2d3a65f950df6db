//! Data sets as recipes ask for them.

#![allow(clippy::unwrap_used)]

use floodgauge_datasets::SetError;
use floodgauge_protocol::{Dataset, DatasetName, Digest};
use floodgauge_worker::data::{Data, DataError, Samples, Wanted, load, load_pinned};
use std::{
    collections::HashSet,
    fs::File,
    io::{Seek, Write},
};

fn digits(label_noise: f64) -> Dataset {
    Dataset { label_noise, ..Dataset::named(DatasetName::Digits) }
}

/// All features of some samples.
fn all(samples: &Samples) -> Vec<f32> {
    samples.features.numbers(0..samples.features.len())
}

fn images(data: &Data, part: &Samples) -> HashSet<Vec<u32>> {
    all(part).chunks(data.dim).map(|x| x.iter().map(|v| v.to_bits()).collect()).collect()
}

#[test]
fn digits_are_split_without_overlap_and_scaled_to_one() {
    let data = load(&digits(0.0), 0, None).unwrap();
    assert_eq!((data.dim, data.classes), (64, 10));
    assert_eq!((data.train.len(), data.val.len(), data.test.len()), (1_000, 397, 400));
    let [train, val, test] = [&data.train, &data.val, &data.test].map(|part| images(&data, part));
    assert!(train.is_disjoint(&val) && train.is_disjoint(&test) && val.is_disjoint(&test));
    let most = all(&data.train).into_iter().fold(0.0, f32::max);
    assert_eq!(most, 1.0);
}

#[test]
fn every_seed_draws_its_own_split_and_repeats_it() {
    let of = |seed| load(&digits(0.2), seed, None).unwrap();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1).train.features, of(2).train.features);
}

#[test]
fn noise_flips_training_and_validation_labels_at_its_rate_and_leaves_the_test_clean() {
    let (mut flipped, mut count) = (0, 0);
    for seed in 0..10 {
        let (clean, noisy) =
            (load(&digits(0.0), seed, None).unwrap(), load(&digits(0.2), seed, None).unwrap());
        assert_eq!(clean.test, noisy.test);
        assert_eq!(clean.train.features, noisy.train.features);
        for (clean, noisy) in [(clean.train, noisy.train), (clean.val, noisy.val)] {
            let pairs = clean.labels.iter().zip(&noisy.labels);
            flipped += pairs.filter(|(a, b)| a != b).count();
            count += clean.len();
        }
    }
    let rate = flipped as f64 / count as f64;
    assert!((rate - 0.2).abs() < 0.01, "{rate}");
}

#[test]
fn synthetic_sets_have_the_papers_sizes_unless_the_recipe_has_its_own() {
    let dataset =
        |n_train| Dataset { label_noise: 0.05, n_train, ..Dataset::named(DatasetName::Spiral) };
    let data = load(&dataset(None), 3, None).unwrap();
    assert_eq!((data.train.len(), data.val.len(), data.test.len()), (100, 100, 20_000));
    let larger = load(&dataset(Some(250)), 3, None).unwrap();
    assert_eq!(larger.train.len(), 250);
    assert_eq!(larger.test, data.test);
}

#[test]
fn a_split_that_is_too_large_is_an_error_with_its_bound() {
    let dataset = Dataset { n_train: Some(1_500), ..digits(0.0) };
    assert!(matches!(load(&dataset, 0, None), Err(DataError::Split { most: 1_697, .. })));
}

#[test]
fn standardised_digits_differ_in_their_features_alone() {
    let plain = load(&digits(0.2), 0, None).unwrap();
    let standard = Dataset { standardize: true, ..digits(0.2) };
    let standard = load(&standard, 0, None).unwrap();
    assert_eq!(standard.train.labels, plain.train.labels);
    let features = all(&standard.train);
    let count = features.len() as f64;
    let mean = features.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
    let square = features.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / count;
    assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-5, "{mean}, {square}");
}

/// A pinned recipe and its bytes.
fn pinned(bytes: &[u8], pin: serde_json::Value) -> (Dataset, File) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let pin = serde_json::json!({ "sha256": Digest([0; 32]), "upload": pin });
    let dataset = serde_json::json!({ "name": "mine", "pin": pin });
    (serde_json::from_value(dataset).unwrap(), file)
}

#[test]
fn an_uploaded_table_is_split_in_three_without_overlap() {
    let rows: String = (0..50).map(|row| format!("{row},{}\n", row % 2)).collect();
    let upload = serde_json::json!(
        { "format": "csv", "features": 1, "classes": 2, "samples": 50, "test_samples": 0 }
    );
    let (dataset, file) = pinned(rows.as_bytes(), upload);
    let data = load_pinned(&dataset, 0, file, Wanted::All).unwrap();
    assert_eq!((data.dim, data.classes, data.image), (1, 2, None));
    assert_eq!((data.train.len(), data.val.len(), data.test.len()), (30, 10, 10));
    let mut seen = [all(&data.train), all(&data.val), all(&data.test)].concat();
    seen.sort_by(f32::total_cmp);
    assert!(seen.iter().map(|&x| x as usize).eq(0..50));
}

#[test]
fn files_are_asked_for_by_name_and_place_and_never_without_a_folder() {
    for name in [DatasetName::Mnist, DatasetName::Cifar10, DatasetName::Svhn] {
        let folder = tempfile::tempdir().unwrap();
        let dataset = Dataset::named(name.clone());
        let error = load(&dataset, 0, Some(folder.path())).unwrap_err();
        let DataError::Set(SetError::Missing { files, .. }) = &error else { panic!("{error}") };
        assert!(files.iter().all(|file| file.starts_with(folder.path().join(name.as_str()))));
        assert!(matches!(load(&dataset, 0, None), Err(DataError::Unpinned(_))));
    }
}

#[test]
fn a_split_that_the_files_are_too_few_for_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("mnist");
    std::fs::create_dir(&dir).unwrap();
    let images =
        [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28][..], &[255; 2 * 784]].concat();
    for stem in ["train", "t10k"] {
        std::fs::write(dir.join(format!("{stem}-images-idx3-ubyte")), &images).unwrap();
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 3, 9];
        std::fs::write(dir.join(format!("{stem}-labels-idx1-ubyte")), labels).unwrap();
    }
    let dataset = |n_train| Dataset {
        n_train: Some(n_train),
        n_val: Some(1),
        ..Dataset::named(DatasetName::Mnist)
    };
    let data = load(&dataset(1), 0, Some(folder.path())).unwrap();
    assert_eq!((data.dim, data.classes, data.test.labels), (784, 10, vec![3, 9]));
    assert!(all(&data.train).iter().all(|&pixel| pixel == 1.0));
    assert!(matches!(
        load(&dataset(2), 0, Some(folder.path())),
        Err(DataError::Split { most: 2, .. })
    ));
}
