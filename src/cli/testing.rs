//! A sweep as a server answers it, for tests of what is said of it.

use crate::client::api::SweepDetail;
use serde_json::json;

/// Plain and two levels for nine epochs, in a family for each of these seeds and weight decays.
pub fn sweep(families: &[(u32, f64)]) -> SweepDetail {
    let family = |(ix, (seed, weight_decay)): (usize, &(u32, f64))| json!({ "family": ix, "seed": seed, "weight_decay": weight_decay });
    serde_json::from_value(json!({
        "id": "01970000-0000-7000-8000-000000000000", "name": "x", "status": "running",
        "scheduler": "sha", "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        "dataset": "digits", "arms": 3, "seeds": 1, "epochs": 9, "metric": "val_loss", "at": "last",
        "best": null, "seq": 1, "steps_per_epoch": 20, "rungs": [3, 9], "scheduler_version": 3,
        "stages": [{ "name": "rung 1 of 2", "counts": { "of": "rung", "rung": 0, "ends_at": 3 } },
                   { "name": "rung 2 of 2", "counts": { "of": "rung", "rung": 1, "ends_at": 9 } }],
        "spec": { "name": "x", "recipe": { "dataset": { "name": "digits" }, "epochs": 9 },
                  "search": { "levels": [0.1, 0.2] }, "scheduler": { "kind": "sha" } },
        "arms_list": [{ "arm": 0, "name": "plain", "method": "plain", "b": null, "parameter": null },
                      { "arm": 1, "name": "flood b=0.1", "method": "flood", "b": 0.1, "parameter": 0.1 },
                      { "arm": 2, "name": "flood b=0.2", "method": "flood", "b": 0.2, "parameter": 0.2 }],
        "families": families.iter().enumerate().map(family).collect::<Vec<_>>()
    }))
    .unwrap()
}
