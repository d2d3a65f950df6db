//! How large the features of a data set are.

use serde::{Deserialize, Serialize};

/// How large the features of an uploaded set are in the samples that train and validate: of all features the two
/// that tell most. Of images each channel is a feature, as it is for `standardize`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scales {
    /// The feature with the largest root mean square.
    pub largest: FeatureScale,
    /// Of the features that vary, the one with the narrowest span; null where none varies.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub narrowest: Option<FeatureScale>,
    /// How many features are the same number in every sample.
    pub constant: u32,
}

/// The numbers that a feature has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeatureScale {
    /// Which feature it is: of a table its column, counted from 1 with the label's among them; of arrays its index,
    /// of images that of the channel, counted from 0.
    pub column: u32,
    /// The least of its numbers.
    pub min: f32,
    /// The greatest of them.
    pub max: f32,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, the square root of the mean squared distance to the mean.
    pub deviation: f64,
}

impl FeatureScale {
    /// The root of its mean square.
    pub fn root_mean_square(&self) -> f64 {
        self.mean.hypot(self.deviation)
    }

    /// Half the way from its least number to its greatest: no deviation is larger.
    pub fn half_span(&self) -> f64 {
        (f64::from(self.max) - f64::from(self.min)) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_what_they_are_in_json() {
        let feature = |column, min, max| FeatureScale {
            column,
            min,
            max,
            mean: (f64::from(min) + f64::from(max)) / 2.0,
            deviation: 0.1 + 0.2,
        };
        let narrowest = Some(feature(1, 0.001, 1.1));
        let scales = Scales { largest: feature(3, -3.4e38, 1e5), narrowest, constant: 2 };
        let json = serde_json::to_string(&scales).unwrap();
        assert!(json.contains(r#""min":0.001,"max":1.1,"#), "{json}");
        assert_eq!(serde_json::from_str::<Scales>(&json).unwrap(), scales);
        let json = serde_json::to_string(&Scales { narrowest: None, ..scales }).unwrap();
        assert!(json.contains(r#""narrowest":null"#), "{json}");
    }

    #[test]
    fn a_span_counts_both_ends_and_a_mean_square_the_mean_too() {
        let feature = FeatureScale { column: 0, min: -3e38, max: 3e38, mean: -3.0, deviation: 4.0 };
        assert_eq!(feature.root_mean_square(), 5.0);
        assert_eq!(feature.half_span(), f64::from(3e38f32));
    }
}
