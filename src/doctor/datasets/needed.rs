//! Named sets that sweeps train on which go on, and whose files aren't in the data folder.

use crate::{
    counting::count_of,
    doctor::{Finding, Opened},
};
use floodgauge_datasets::{Folder, SetError};
use floodgauge_protocol::{DatasetKind, DatasetName};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// A set without files, and how many sweeps train on it that go on.
struct Needed {
    name: DatasetName,
    /// Those that are pinned to its bytes, which are kept.
    pinned: usize,
    /// Those that aren't.
    unpinned: usize,
}

/// Looks for such sets; of those whose kept bytes are damaged it is told already.
pub(super) async fn look(
    of: &Opened<'_>,
    damaged: &BTreeSet<String>,
) -> anyhow::Result<Vec<Finding>> {
    let mut needed: BTreeMap<String, Needed> = BTreeMap::new();
    let mut after = None;
    loop {
        let sweeps = of.sweeps_behind(after).await?;
        let Some(last) = sweeps.last() else { break };
        after = Some(last.sweep);
        for sweep in sweeps.iter().filter(|sweep| !sweep.status.is_final()) {
            let Ok(spec) = sweep.read_spec() else { continue };
            let dataset = spec.recipe.dataset;
            if dataset.name.kind() != DatasetKind::Files {
                continue;
            }
            let of_set = needed.entry(dataset.name.to_string());
            let name = dataset.name;
            let of_set = of_set.or_insert(Needed { name, pinned: 0, unpinned: 0 });
            of_set.pinned += usize::from(dataset.pin.is_some());
            of_set.unpinned += usize::from(dataset.pin.is_none());
        }
    }
    let folder = Folder::new(of.patient.data.clone());
    let missing = |needed: &Needed| {
        !damaged.contains(needed.name.as_str())
            && matches!(folder.find(&needed.name), Err(SetError::Missing { .. }))
    };
    let missing = needed.into_values().filter(missing);
    Ok(missing.map(|needed| told(&needed, folder.path())).collect())
}

fn told(needed: &Needed, folder: &Path) -> Finding {
    let Needed { name, pinned, unpinned } = needed;
    let how = if folder.is_dir() { "has no files of it" } else { "isn't there" };
    let what = |sweeps: usize| {
        format!(
            "{} on data set `{name}`, and the data folder, {}, {how}",
            count_of(sweeps, "sweep that goes on trains", "sweeps that go on train"),
            folder.display()
        )
    };
    match unpinned {
        0 => Finding::note(format!(
            "{}: its bytes are kept, and they go on with these",
            what(*pinned)
        )),
        _ => Finding::warn(
            format!("{}; nothing is kept of it", what(*unpinned)),
            format!(
                "name the folder that has its files (--data), or run \
                 `floodgauge dataset download {name}`"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    #[test]
    fn a_folder_that_is_missed_is_a_problem_only_where_nothing_is_kept() {
        let there = tempfile::tempdir().unwrap();
        let said = |pinned, unpinned, folder: &Path| {
            told(&Needed { name: DatasetName::Mnist, pinned, unpinned }, folder)
        };
        let kept = said(2, 0, &there.path().join("gone"));
        assert_eq!((kept.severity, &kept.remedy), (Severity::Note, &None));
        assert!(kept.what.starts_with("2 sweeps that go on train on data set `mnist`"));
        assert!(kept.what.contains("isn't there: its bytes are kept"), "{}", kept.what);
        let lost = said(2, 1, there.path());
        assert_eq!(lost.severity, Severity::Warn);
        assert!(lost.what.starts_with("1 sweep that goes on trains on"), "{}", lost.what);
        assert!(lost.what.contains("has no files of it; nothing is kept"), "{}", lost.what);
        assert!(lost.remedy.unwrap().contains("dataset download mnist"));
    }
}
