//! Checkpoints that are damaged, each with the sweeps that share it.

use super::Known;
use crate::{
    blobs::{Blobs, look::Bytes},
    doctor::{Finding, Opened, finding::in_a_row, named},
};
use floodgauge_protocol::{Digest, SweepId};
use std::collections::{BTreeMap, btree_map::Entry};

/// A checkpoint that isn't what was stored.
struct Damaged {
    digest: Digest,
    /// What is wrong with it, and whose it is.
    what: String,
    /// Whether a sweep refers to it that is over.
    is_lost: bool,
}

/// A sweep in words, and whether it is over.
type Sweep = (String, bool);

/// Looks at all of them.
pub(super) async fn look(
    of: &Opened<'_>,
    blobs: &Blobs,
    known: &Known,
) -> anyhow::Result<Vec<Finding>> {
    let mut sweeps: BTreeMap<SweepId, Sweep> = BTreeMap::new();
    let (mut lost, mut again) = (vec![], vec![]);
    for (&digest, of_sweeps) in &known.checkpoints {
        let size = known.sizes.get(&digest).copied();
        let bytes = blobs.examine(digest, size, of.patient.quick).await?;
        if bytes == Bytes::Whole {
            continue;
        }
        for &sweep in of_sweeps {
            if let Entry::Vacant(unknown) = sweeps.entry(sweep) {
                unknown.insert(described(of, sweep).await?);
            }
        }
        let of_sweeps: Vec<&Sweep> = of_sweeps.iter().filter_map(|id| sweeps.get(id)).collect();
        let damaged = damaged(digest, bytes, &of_sweeps);
        if damaged.is_lost { lost.push(damaged) } else { again.push(damaged) }
    }
    Ok(of_lost(&lost).into_iter().chain(of_again(&again)).collect())
}

async fn described(of: &Opened<'_>, sweep: SweepId) -> anyhow::Result<Sweep> {
    let row = of.store.sweep(sweep).await?;
    // One that is deleted meanwhile needs nothing any more.
    Ok(row.map_or((format!("sweep {sweep}"), false), |row| (named(&row), row.status.is_final())))
}

fn damaged(digest: Digest, bytes: Bytes, sweeps: &[&Sweep]) -> Damaged {
    let how = match bytes {
        Bytes::Missing => "is missing".to_owned(),
        Bytes::Size(size) => format!("has {size} bytes, not as many as were stored"),
        Bytes::Unreadable => "can't be read".to_owned(),
        _ => "has other bytes than were stored".to_owned(),
    };
    let whose: Vec<String> = sweeps.iter().map(|(sweep, _)| sweep.clone()).collect();
    let what = format!("checkpoint {digest} of {} {how}", in_a_row(&whose));
    Damaged { digest, what, is_lost: sweeps.iter().any(|(_, is_over)| *is_over) }
}

/// Those that a sweep has which is over, and which nobody trains again for it.
fn of_lost(lost: &[Damaged]) -> Option<Finding> {
    let copy = match lost {
        [] => return None,
        [one] => {
            let name = one.digest.to_string();
            format!("copy {}/{name} into the folder of the blobs from a backup", &name[..2])
        }
        _ => "copy them into the folder of the blobs from a backup (rsync -a --checksum)".into(),
    };
    let arms = if lost.len() == 1 { "its arm" } else { "their arms" };
    let remedy = format!(
        "{copy}; without that, models of {arms} can't be downloaded. A running server trains again \
         what a sweep that goes on, or is extended, needs of it"
    );
    Some(told(lost, "", |what| Finding::fail(what, &remedy)))
}

/// Those that only sweeps have which go on.
fn of_again(again: &[Damaged]) -> Option<Finding> {
    let then = ": nothing has to be done, since a running server trains what needs it again, to the same \
                answer, as soon as a worker asks for it; a copy from a backup would save that work";
    (!again.is_empty()).then(|| told(again, then, Finding::note))
}

fn told(damaged: &[Damaged], then: &str, finding: impl Fn(String) -> Finding) -> Finding {
    if let [one] = damaged {
        return finding(format!("{}{then}", one.what));
    }
    let each: Vec<String> = damaged.iter().map(|one| one.what.clone()).collect();
    finding(format!("{} checkpoints are damaged{then}", damaged.len())).about(&each)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;

    fn sweep(name: &str, is_over: bool) -> Sweep {
        (format!("sweep {name}"), is_over)
    }

    fn of(byte: u8, sweeps: &[&Sweep]) -> Damaged {
        damaged(Digest([byte; 32]), Bytes::Missing, sweeps)
    }

    #[test]
    fn each_is_named_with_all_the_sweeps_that_share_it() {
        let (a, b, c) = (sweep("a", true), sweep("b", false), sweep("c", true));
        let one = of_lost(&[of(1, &[&a, &b, &c])]).unwrap();
        assert_eq!(one.severity, Severity::Fail);
        assert!(one.what.ends_with("of sweep a, sweep b and sweep c is missing"), "{}", one.what);
        assert!(one.remedy.unwrap().starts_with("copy 01/0101"));
        let two = of_lost(&[of(1, &[&a]), of(2, &[&c])]).unwrap();
        assert_eq!(two.what, "2 checkpoints are damaged");
        assert!(two.details[0].contains("0101 of sweep a is missing"), "{:?}", two.details);
        assert!(two.details[1].contains("0202 of sweep c is missing"), "{:?}", two.details);
    }

    #[test]
    fn of_very_many_the_first_are_named() {
        let a = sweep("a", false);
        let many: Vec<Damaged> = (0..30).map(|byte| of(byte, &[&a])).collect();
        let note = of_again(&many).unwrap();
        assert!(!note.is_problem() && note.remedy.is_none(), "{note:?}");
        assert!(note.what.starts_with("30 checkpoints are damaged: nothing has to be done"));
        assert_eq!((note.details.len(), &*note.details[20]), (21, "and 10 more"));
    }

    #[test]
    fn one_that_a_sweep_has_which_is_over_is_lost_whoever_shares_it() {
        let (over, going) = (sweep("a", true), sweep("b", false));
        assert!(of(1, &[&going, &over]).is_lost);
        assert!(!of(1, &[&going]).is_lost);
        assert_eq!((of_lost(&[]), of_again(&[])), (None, None));
    }
}
