//! Our trainer against an independent one. The larger recordings take minutes: `make check-grids`.

#![allow(clippy::unwrap_used)]

mod common;

use common::grid::Recorded;
use floodgauge_protocol::SweepSpec;

#[test]
fn closing_losses_and_onsets_agree_with_the_recorded_grid() {
    let recorded = Recorded::read(include_str!("data/digits-mlp-noise20.json"));
    for compared in recorded.compare(None) {
        let (ours, theirs) = (compared.ours, compared.theirs);
        println!(
            "{}: {:.4} ± {:.4}, recorded {:.4} ± {:.4}, {:+.2} standard errors apart",
            compared.what,
            ours.mean,
            ours.error,
            theirs.mean,
            theirs.error,
            compared.apart()
        );
        assert!(compared.agrees(), "{} is {:.2} apart", compared.what, compared.apart());
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
