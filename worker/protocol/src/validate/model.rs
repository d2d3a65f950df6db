//! Checks on the model and on what it wants of the data.

use super::{Problems, bound};
use crate::{model::Model, sweep::SweepSpec};

/// Where the channels of the widest stage of a residual network stay within [`bound::MAX_WIDTH`].
const MAX_RESNET_WIDTH: u32 = bound::MAX_WIDTH / 4;
const RESNET_DEPTH: std::ops::RangeInclusive<u32> = 8..=110;

impl SweepSpec {
    pub(super) fn check_model(&self, problems: &mut Problems) {
        let (model, name) = (&self.recipe.model, &self.recipe.dataset.name);
        // Nothing is known of a data set that isn't there.
        let facts = self.recipe.dataset.facts();
        let image = facts.as_ref().and_then(|facts| facts.image);
        let has_images = facts.is_none() || image.is_some();
        problems.unless(has_images || !model.wants_images(), "/recipe/model/kind", || {
            format!("{} wants images, which {name} are not", model.kind())
        });
        check_widths(problems, "hidden", "hidden layers", model.hidden());
        match model {
            Model::Mlp { .. } => {}
            Model::Cnn { channels, kernel, .. } => {
                check_widths(problems, "channels", "convolutions", channels);
                problems.unless(!channels.is_empty(), "/recipe/model/channels", || {
                    "at least one convolution is needed".into()
                });
                problems.unless([3, 5].contains(kernel), "/recipe/model/kernel", || {
                    format!("kernel {kernel} must be 3 or 5")
                });
                if let Some(image) = image {
                    let most = image.height.min(image.width).ilog2() as usize;
                    problems.unless(channels.len() <= most, "/recipe/model/channels", || {
                        format!(
                            "{} convolutions, each of which halves the image, leave nothing of {} × {} pixels",
                            channels.len(),
                            image.height,
                            image.width
                        )
                    });
                }
            }
            Model::Resnet { depth, width } => {
                let fits = RESNET_DEPTH.contains(depth) && depth % 6 == 2;
                problems.unless(fits, "/recipe/model/depth", || {
                    format!("depth {depth} must be 6n + 2, from 8 to {}", RESNET_DEPTH.end())
                });
                problems.unless(
                    (1..=MAX_RESNET_WIDTH).contains(width),
                    "/recipe/model/width",
                    || format!("width {width} must be between 1 and {MAX_RESNET_WIDTH}"),
                );
            }
        }
        let numbers = facts
            .as_ref()
            .map_or(0, |facts| model.parameters(facts.features, image, facts.classes));
        let bytes = numbers.saturating_mul(4 * (1 + self.recipe.optimizer.slots()));
        let widest = match model {
            Model::Resnet { .. } => "/recipe/model/width",
            Model::Mlp { .. } | Model::Cnn { .. } => "/recipe/model/hidden",
        };
        problems.unless(bytes <= bound::MAX_CHECKPOINT_BYTES, widest, || {
            format!("checkpoints of {bytes} bytes are more than {}", bound::MAX_CHECKPOINT_BYTES)
        });
        self.check_augment(problems);
    }

    fn check_augment(&self, problems: &mut Problems) {
        let augment = self.recipe.augment;
        let Some(facts) = self.recipe.dataset.facts() else { return };
        let Some(image) = facts.image else {
            let name = &self.recipe.dataset.name;
            problems.unless(augment.is_none(), "/recipe/augment", || {
                format!("only images can be augmented, which {name} are not")
            });
            return;
        };
        let most = image.height.min(image.width) / 2;
        problems.unless(augment.crop <= most, "/recipe/augment/crop", || {
            format!("crop {} is more than half of the image, {most}", augment.crop)
        });
    }
}

fn check_widths(problems: &mut Problems, field: &str, what: &str, widths: &[u32]) {
    let pointer = format!("/recipe/model/{field}");
    problems.unless(widths.len() <= bound::MAX_LAYERS, &pointer, || {
        format!("{} {what} are more than {}", widths.len(), bound::MAX_LAYERS)
    });
    if widths.len() > bound::MAX_LAYERS {
        return;
    }
    for (i, width) in widths.iter().enumerate() {
        problems.unless(
            (1..=bound::MAX_WIDTH).contains(width),
            format_args!("{pointer}/{i}"),
            || format!("width {width} must be between 1 and {}", bound::MAX_WIDTH),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(data: &str, model: &str, augment: &str) -> SweepSpec {
        let text = format!(
            r#"{{"name": "x", "recipe": {{"dataset": {{"name": "{data}"}}, "model": {model},
                "augment": {augment}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn pointers(data: &str, model: &str, augment: &str) -> Vec<String> {
        let problems = sweep(data, model, augment).problems();
        problems.into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn models_for_images_need_no_more_than_their_kind_and_images() {
        let none: [String; 0] = [];
        for model in [r#"{"kind": "cnn"}"#, r#"{"kind": "resnet", "depth": 20}"#] {
            assert_eq!(pointers("digits", model, "{}"), none);
            assert_eq!(pointers("kmnist", model, r#"{"flip": true, "crop": 4}"#), none);
            assert_eq!(pointers("spiral", model, "{}"), ["/recipe/model/kind"]);
        }
    }

    #[test]
    fn each_value_out_of_its_range_is_pointed_at() {
        for (model, field) in [
            (r#"{"kind": "cnn", "channels": []}"#, "channels"),
            (r#"{"kind": "cnn", "channels": [1, 2, 3, 4]}"#, "channels"),
            (r#"{"kind": "cnn", "channels": [4, 0]}"#, "channels/1"),
            (r#"{"kind": "cnn", "kernel": 4}"#, "kernel"),
            (r#"{"kind": "cnn", "hidden": [0]}"#, "hidden/0"),
            (r#"{"kind": "resnet", "depth": 2}"#, "depth"),
            (r#"{"kind": "resnet", "depth": 18}"#, "depth"),
            (r#"{"kind": "resnet", "depth": 116}"#, "depth"),
            (r#"{"kind": "resnet", "depth": 8, "width": 0}"#, "width"),
            (r#"{"kind": "resnet", "depth": 110, "width": 256}"#, "width"),
        ] {
            let expected = format!("/recipe/model/{field}");
            assert_eq!(pointers("digits", model, "{}"), [expected], "{model}");
        }
    }

    #[test]
    fn widths_that_no_sum_could_hold_are_out_of_range_like_any_other() {
        let most = u32::MAX;
        for (model, field) in [
            (format!(r#"{{"kind": "resnet", "depth": 20, "width": {most}}}"#), "width"),
            (format!(r#"{{"kind": "mlp", "hidden": [{most}, {most}]}}"#), "hidden/0"),
            (format!(r#"{{"kind": "cnn", "channels": [{most}], "kernel": {most}}}"#), "channels/0"),
        ] {
            let expected = format!("/recipe/model/{field}");
            assert!(pointers("digits", &model, "{}").contains(&expected), "{model}");
        }
    }

    #[test]
    fn only_images_are_augmented_and_not_beyond_half_of_them() {
        let model = r#"{"kind": "mlp", "hidden": []}"#;
        assert_eq!(pointers("spiral", model, r#"{"flip": true}"#), ["/recipe/augment"]);
        assert_eq!(pointers("digits", model, r#"{"crop": 5}"#), ["/recipe/augment/crop"]);
    }
}
