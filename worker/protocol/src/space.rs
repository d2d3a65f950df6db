//! The arms and families that a sweep spells out.

use crate::{
    ids::{ArmIx, FamilyIx, TrialKey},
    method::Method,
    sweep::SweepSpec,
};
use serde::{Deserialize, Serialize};

/// All that arms must have in common to share a trunk, beside the recipe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Family {
    /// Its index among the sweep's families.
    pub family: FamilyIx,
    /// The seed of split, noise, initial weights and batch order.
    pub seed: u32,
    /// L2 applied in the optimiser.
    pub weight_decay: f64,
}

/// The arms and families of a sweep, in the order of their indices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchSpace {
    /// The arms; the first is plain, the others follow the sweep's methods in their order, those
    /// with a level rising in it. Levels added later come behind all others.
    pub arms: Vec<Method>,
    /// The families: for each weight decay, every seed. Seeds added later come behind all others.
    pub families: Vec<Family>,
}

impl SearchSpace {
    /// Spells out a sweep as it is submitted. Levels that can't be expanded count as none:
    /// [`SweepSpec::problems`] has reported them.
    pub fn of(spec: &SweepSpec) -> Self {
        let levels = spec.search.levels.expand().unwrap_or_default();
        let swept = spec.search.methods.iter().flat_map(|method| method.arms(&levels));
        let families = spec
            .search
            .weight_decay
            .iter()
            .flat_map(|&weight_decay| {
                spec.search.seeds.iter().map(move |&seed| (seed, weight_decay))
            })
            .zip(0..)
            .map(|((seed, weight_decay), ix)| Family { family: FamilyIx(ix), seed, weight_decay })
            .collect();
        Self { arms: std::iter::once(Method::Plain).chain(swept).collect(), families }
    }

    /// The indices of all arms.
    pub fn arm_ids(&self) -> impl Iterator<Item = ArmIx> + use<> {
        (0..self.arms.len() as u16).map(ArmIx)
    }

    /// Every trial, family by family.
    pub fn trials(&self) -> impl Iterator<Item = TrialKey> + '_ {
        self.families
            .iter()
            .flat_map(|family| self.arm_ids().map(|arm| TrialKey::new(family.family, arm)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_comes_first_and_each_decay_has_every_seed() {
        let spec: SweepSpec = serde_json::from_str(
            r#"{"name": "x", "recipe": {"dataset": {"name": "spiral"}},
                "search": {"levels": [0.2, 0.1], "seeds": [7, 8], "weight_decay": [0, 0.1]}}"#,
        )
        .unwrap();
        let space = SearchSpace::of(&spec);
        assert_eq!(space.arms, [Method::Plain, Method::Flood { b: 0.1 }, Method::Flood { b: 0.2 }]);
        let families: Vec<_> = space.families.iter().map(|f| (f.seed, f.weight_decay)).collect();
        assert_eq!(families, [(7, 0.0), (8, 0.0), (7, 0.1), (8, 0.1)]);
        assert_eq!(space.trials().count(), 12);
    }
}
