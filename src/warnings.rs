//! What is likely to go wrong with a recipe, told before it is paid. Pure.

use floodgauge_protocol::{Dataset, FeatureScale, Format, Image, Recipe, Scales};

/// A feature whose root mean square is larger than this is trained on badly as it is. Along its weights the loss
/// curves by up to half its mean square (cross-entropy of a softmax), and steps overshoot once rate times curvature
/// exceeds 2: at 10 that is so from a rate of 0.04 on, below the rate of a recipe that names none. Generated sets
/// stay below: the spirals come to 6.
const LARGE: f64 = 10.0;

/// How many times larger than the narrowest feature's half span the largest may be. Curvatures differ by at least
/// the square of that: at a hundred times, the largest rate that is stable takes 5,000 steps to bring the narrow
/// feature's weight two thirds of its way, and a recipe that names no length takes 2,000. (On scaling inputs:
/// LeCun, Bottou, Orr and Müller, Efficient BackProp, 1998, §4.3.) The half span and not the deviation, since a
/// column of ones and zeros that is rarely one has a small deviation and does no harm.
const FAR_APART: f64 = 100.0;

/// Where no feature is larger than this, even 200,000 of them, as many as an upload may have, come to less than a
/// single one of deviation 1.
const SMALL: f64 = 1e-3;

/// Room for rounding where a rate is compared with `1 − 1/K`.
const ROUNDING: f64 = 1e-9;

/// What to warn of before a recipe is trained whose split and pin are filled in; `scales` of its data set, if that
/// was measured.
pub fn of_recipe(recipe: &Recipe, scales: Option<&Scales>) -> Vec<String> {
    let dataset = &recipe.dataset;
    of_scales(dataset, scales).into_iter().chain(of_noise(dataset)).collect()
}

fn of_scales(dataset: &Dataset, scales: Option<&Scales>) -> Option<String> {
    let upload = dataset.pin?.upload?;
    let fault = unscaled(scales?, upload.format, upload.image).filter(|_| !dataset.standardize)?;
    let each = if upload.image.is_some() { "channel" } else { "feature" };
    Some(format!(
        "{fault}. Training often fails on such: set `standardize = true` in the recipe's `dataset`, \
         which gives each {each} mean 0 and deviation 1."
    ))
}

/// What makes features hard to train on as they are, in words; none where nothing does.
pub fn unscaled(scales: &Scales, format: Format, image: Option<Image>) -> Option<String> {
    let noun = match (format, image) {
        (Format::Csv, _) => "column",
        (Format::Npz, None) => "feature",
        (Format::Npz, Some(_)) => "channel",
    };
    let told = |FeatureScale { column, min, max, .. }: FeatureScale| {
        let [min, max] = [min, max].map(|end| number(f64::from(end)));
        format!("{noun} {column} goes from {min} to {max}")
    };
    let (largest, narrowest) = (scales.largest, scales.narrowest?);
    let size = largest.root_mean_square();
    let far_apart = size > FAR_APART * narrowest.half_span();
    Some(match far_apart {
        true if largest.column != narrowest.column => {
            format!("Features differ much in scale: {}, {}", told(largest), told(narrowest))
        }
        _ if size > LARGE => format!("Features are large: {}", told(largest)),
        true => format!("Features hardly vary: {}", told(narrowest)),
        _ if size < SMALL => format!("Features are small: {}, no other is larger", told(largest)),
        _ => return None,
    })
}

/// At a rate of `1 − 1/K` each of K classes is as likely as any other, whatever the sample is; beyond it the right
/// one is less likely, since noise always makes a label another one.
fn of_noise(dataset: &Dataset) -> Option<String> {
    let classes = dataset.facts()?.classes;
    let chance = 1.0 - 1.0 / f64::from(classes.max(1));
    let (rate, most) = (number(dataset.label_noise), number(chance));
    let (what, how) = match dataset.label_noise - chance {
        beyond if beyond > ROUNDING => ("mislead", "less"),
        beyond if beyond >= -ROUNDING => ("carry no signal", "no more"),
        _ => return None,
    };
    (classes > 1).then(|| {
        format!(
            "Labels {what}: with label_noise {rate} a label of {classes} classes is right {how} often than a guess. \
             Choose a rate well below {most}."
        )
    })
}

/// A number with four digits that tell, or all before its point.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if (1e-4..1e9).contains(&size) => {
            let digits = (3.0 - size.log10().floor()).max(0.0) as usize;
            grouped(without_zeros(&format!("{value:.digits$}")))
        }
        _ => {
            let text = format!("{value:.3e}");
            match text.split_once('e') {
                Some((digits, power)) => format!("{}e{power}", without_zeros(digits)),
                None => text,
            }
        }
    }
}

fn without_zeros(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

/// With a comma before every three digits of a whole part.
fn grouped(text: &str) -> String {
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::with_capacity(text.len() + 4);
    for (i, c) in whole.chars().enumerate() {
        let left = whole.len() - i;
        if left.is_multiple_of(3) && out.ends_with(|c: char| c.is_ascii_digit()) {
            out.push(',');
        }
        out.push(c);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use floodgauge_protocol::{Digest, Pin, Upload};
    use proptest::prelude::*;

    fn feature(column: u32, min: f32, max: f32) -> FeatureScale {
        let [low, high] = [min, max].map(f64::from);
        // Half the samples at either end.
        FeatureScale { column, min, max, mean: low.midpoint(high), deviation: (high - low) / 2.0 }
    }

    fn scales(largest: FeatureScale, narrowest: FeatureScale) -> Scales {
        Scales { largest, narrowest: Some(narrowest), constant: 0 }
    }

    fn recipe(dataset: &str) -> Recipe {
        serde_json::from_str(&format!(r#"{{"dataset": {{"name": {dataset}}}}}"#)).unwrap()
    }

    fn on_upload(format: Format, image: Option<Image>) -> Recipe {
        let mut recipe = recipe(r#""mine""#);
        let upload =
            Upload { format, features: 12, image, classes: 4, samples: 100, test_samples: 0 };
        recipe.dataset.pin = Some(Pin { sha256: Digest([1; 32]), upload: Some(upload) });
        recipe
    }

    #[test]
    fn features_far_apart_are_warned_of_unless_they_are_standardised() {
        let far = scales(feature(3, 0.0, 1e5), feature(1, 0.001, 1.0));
        let mut recipe = on_upload(Format::Csv, None);
        let expected = "Features differ much in scale: column 3 goes from 0 to 100,000, column 1 goes from 0.001 to \
                        1. Training often fails on such: set `standardize = true` in the recipe's `dataset`, which \
                        gives each feature mean 0 and deviation 1.";
        assert_eq!(of_recipe(&recipe, Some(&far)), [expected]);
        assert_eq!(of_recipe(&recipe, None), [""; 0], "what wasn't measured isn't judged");
        recipe.dataset.standardize = true;
        assert_eq!(of_recipe(&recipe, Some(&far)), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_told_as_it_is_in_the_words_of_the_file() {
        let image = Some(Image::square(3, 2));
        let one = |feature| scales(feature, feature);
        for (scales, format, image, expected) in [
            (
                one(feature(0, 0.0, 255.0)),
                Format::Npz,
                image,
                "are large: channel 0 goes from 0 to 255",
            ),
            (
                one(feature(1, 1990.0, 2020.0)),
                Format::Csv,
                None,
                "are large: column 1 goes from 1,990 to 2,020",
            ),
            (
                one(feature(0, 0.996, 1.004)),
                Format::Npz,
                None,
                "hardly vary: feature 0 goes from 0.996 to 1.004",
            ),
            (
                scales(feature(7, -2e-5, 2e-5), feature(2, -1e-6, 1e-6)),
                Format::Npz,
                None,
                "are small: feature 7 goes from -2e-5 to 2e-5, no other is larger",
            ),
            (
                scales(feature(0, -5.0, 5.0), feature(4, 0.01, 0.02)),
                Format::Npz,
                None,
                "differ much in scale: feature 0 goes from -5 to 5, feature 4 goes from 0.01 to 0.02",
            ),
        ] {
            let told = unscaled(&scales, format, image);
            assert_eq!(told.as_deref(), Some(&*format!("Features {expected}")));
            let warned = of_recipe(&on_upload(format, image), Some(&scales));
            assert_eq!(warned.len(), 1, "{warned:?}");
            assert_eq!(warned[0].contains("each channel"), image.is_some(), "{warned:?}");
        }
    }

    #[test]
    fn features_that_train_as_they_are_are_not_warned_of() {
        let rare = FeatureScale { column: 9, min: 0.0, max: 1.0, mean: 1e-5, deviation: 3e-3 };
        for fine in [
            scales(feature(1, 0.0, 1.0), feature(2, 0.0, 1.0)),
            scales(feature(1, -9.0, 9.0), feature(2, 0.0, 0.25)),
            // Ones and zeros, rarely one.
            scales(feature(1, -5.0, 5.0), rare),
            Scales { largest: feature(1, 5.0, 5.0), narrowest: None, constant: 3 },
            Scales { largest: feature(1, 0.0, 0.0), narrowest: None, constant: 3 },
        ] {
            assert_eq!(unscaled(&fine, Format::Csv, None), None, "{fine:?}");
        }
    }

    #[cfg(feature = "worker")]
    #[test]
    fn no_set_that_is_built_in_or_generated_has_features_to_warn_of() {
        use floodgauge_datasets::scales::Gauge;
        use floodgauge_protocol::{DatasetKind, DatasetName};
        let known = DatasetName::ALL.into_iter().filter(|name| name.kind() != DatasetKind::Files);
        for name in known {
            let set = Dataset::named(name);
            let data = floodgauge_worker::data::load(&set, 0, None).unwrap();
            let mut gauge = Gauge::new(data.dim, data.image);
            let features = &data.train.features;
            gauge.take(&features.numbers(0..features.len()));
            let found = gauge.scales(|feature| feature).unwrap();
            assert_eq!(unscaled(&found, Format::Npz, data.image), None, "{}: {found:?}", set.name);
        }
    }

    #[test]
    fn labels_without_signal_or_against_it_are_warned_of() {
        const NO_SIGNAL: &str = "Labels carry no signal";
        const MISLEAD: &str = "Labels mislead";
        let warned = |rest: &str| {
            let told = of_recipe(&recipe(rest), None);
            assert!(told.len() <= 1, "{told:?}");
            told.into_iter().next()
        };
        let told = warned(r#""digits", "label_noise": 0.9"#).unwrap();
        assert!(told.contains("label_noise 0.9 a label of 10 classes is right no more"), "{told}");
        assert!(told.ends_with("Choose a rate well below 0.9."), "{told}");
        for (set, noise, expected) in [
            ("digits", 0.89, None),
            ("digits", 0.9, Some(NO_SIGNAL)),
            ("digits", 0.91, Some(MISLEAD)),
            ("digits", 1.0, Some(MISLEAD)),
            ("spiral", 0.499, None),
            ("spiral", 0.5, Some(NO_SIGNAL)),
            ("spiral", 1.0, Some(MISLEAD)),
            ("cifar100", 0.9, None),
            ("cifar100", 0.99, Some(NO_SIGNAL)),
            // Its classes aren't known before it is pinned.
            ("mine", 1.0, None),
        ] {
            let told = warned(&format!(r#""{set}", "label_noise": {noise}"#));
            let what = told.as_ref().and_then(|told| Some(told.split_once(':')?.0));
            assert_eq!(what, expected, "{set} {noise}: {told:?}");
            let is_less =
                told.as_ref().is_some_and(|told| told.contains("is right less often than a guess"));
            assert_eq!(is_less, expected == Some(MISLEAD), "{told:?}");
        }
        let mut uploaded = on_upload(Format::Csv, None);
        uploaded.dataset.label_noise = 0.75;
        let large = scales(feature(1, 0.0, 255.0), feature(2, 0.0, 255.0));
        assert_eq!(of_recipe(&uploaded, Some(&large)).len(), 2);
    }

    #[test]
    fn numbers_are_told_with_the_digits_that_matter() {
        for (value, expected) in [
            (0.0, "0"),
            (f64::from(0.001f32), "0.001"),
            (0.000_123_456, "0.0001235"),
            (0.5, "0.5"),
            (-1.0, "-1"),
            (1.23456, "1.235"),
            (28_867.51, "28,868"),
            (999.96, "1,000"),
            (-1_234_567.0, "-1,234,567"),
            (100_000.0, "100,000"),
            (f64::from(3.4e38f32), "3.4e38"),
            (2e-5, "2e-5"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    proptest! {
        #[test]
        fn a_number_in_words_is_the_number(value in prop_oneof![
            any::<f32>().prop_filter("finite", |value| value.is_finite()).prop_map(f64::from),
            -1e6f64..1e6,
        ]) {
            let told: f64 = number(value).replace(',', "").parse().unwrap();
            prop_assert!((told - value).abs() <= 5.01e-4 * value.abs(), "{} {}", told, value);
        }
    }
}
