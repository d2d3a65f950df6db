//! Our trainer against an independent one. The larger recordings take minutes: `make check-grids`.

#![allow(clippy::unwrap_used)]

mod common;

use common::grid::{Recorded, words};
use floodgauge_protocol::SweepSpec;

#[test]
fn closing_losses_and_onsets_agree_with_the_recorded_grid() {
    let recorded = Recorded::read(include_str!("data/digits-mlp-noise20.json"));
    for compared in recorded.compare(None, None) {
        let (ours, theirs) = (words(&compared.ours), words(&compared.theirs));
        let (what, apart) = (&compared.what, compared.apart());
        println!("{what}: {ours}, recorded {theirs}, {apart:+.2} standard errors apart");
        assert!(compared.agrees(), "{what} is {apart:.2} apart");
    }
}

#[test]
fn the_example_is_the_recorded_recipe() {
    let recorded = Recorded::read(include_str!("data/digits-mlp-noise20.json")).recipe;
    let sweep: SweepSpec = toml::from_str(include_str!("../../examples/digits.toml")).unwrap();
    let resolved = |recipe: floodgauge_protocol::Recipe| floodgauge_protocol::Recipe {
        dataset: recipe.dataset.resolved(),
        ..recipe
    };
    assert_eq!(resolved(sweep.recipe), resolved(recorded));
}
