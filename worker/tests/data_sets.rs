//! Data sets as recipes ask for them.

#![allow(clippy::unwrap_used)]

use floodgauge_protocol::{Dataset, DatasetName};
use floodgauge_worker::data::{Data, DataError, load};
use std::collections::HashSet;

fn digits(label_noise: f64) -> Dataset {
    Dataset { name: DatasetName::Digits, label_noise, n_train: None, n_val: None }
}

fn images(data: &Data, part: &floodgauge_worker::data::Samples) -> HashSet<Vec<u32>> {
    part.features.chunks(data.dim).map(|x| x.iter().map(|v| v.to_bits()).collect()).collect()
}

#[test]
fn digits_are_split_without_overlap_and_scaled_to_one() {
    let data = load(&digits(0.0), 0, None).unwrap();
    assert_eq!((data.dim, data.classes), (64, 10));
    assert_eq!((data.train.len(), data.val.len(), data.test.len()), (1_000, 397, 400));
    let [train, val, test] = [&data.train, &data.val, &data.test].map(|part| images(&data, part));
    assert!(train.is_disjoint(&val) && train.is_disjoint(&test) && val.is_disjoint(&test));
    let most = data.train.features.iter().copied().fold(0.0, f32::max);
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
        |n_train| Dataset { name: DatasetName::Spiral, label_noise: 0.05, n_train, n_val: None };
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
fn files_are_asked_for_by_name_and_place() {
    for name in [DatasetName::Mnist, DatasetName::FashionMnist, DatasetName::Kmnist] {
        let folder = tempfile::tempdir().unwrap();
        let dataset = Dataset { name, label_noise: 0.0, n_train: None, n_val: None };
        let error = load(&dataset, 0, Some(folder.path())).unwrap_err();
        let DataError::Missing { files, .. } = &error else { panic!("{error}") };
        let there = |file: &str| folder.path().join(name.as_str()).join(file);
        assert_eq!(
            files[..],
            [
                there("train-images-idx3-ubyte.gz"),
                there("train-labels-idx1-ubyte.gz"),
                there("t10k-images-idx3-ubyte.gz"),
                there("t10k-labels-idx1-ubyte.gz"),
            ]
        );
        assert!(files.iter().all(|file| error.to_string().contains(file.to_str().unwrap())));
    }
}
