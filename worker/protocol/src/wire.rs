//! Which versions of the language between workers and servers each of them understands.
//!
//! Each says so in the header [`WIRE_HEADER`]: workers with every request, servers with every answer
//! to a claim. Who says nothing is of release 0.1.0 and speaks [version 1](WireVersions::UNSAID). Of
//! the versions that both understand the newest is spoken; where there is none, the claim is refused
//! in words, before any work is given out.

use crate::recipe::Recipe;
use std::{fmt, str::FromStr};

/// The header in which workers and servers say what they understand: `2`, or `1-2`.
pub const WIRE_HEADER: &str = "floodgauge-wire";

/// The versions that somebody understands, `oldest` to `newest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireVersions {
    /// The oldest version that is understood.
    pub oldest: u32,
    /// The newest version that is understood.
    pub newest: u32,
}

impl WireVersions {
    /// What this build's server understands. Version 2 is version 1 with the header, with metrics by
    /// name in the rows of reports, and with the kind of a failure.
    pub const OF_SERVER: Self = Self { oldest: 1, newest: 2 };

    /// What this build's worker speaks: metrics by name, which no server of version 1 reads. So servers are
    /// upgraded before their workers.
    pub const OF_WORKER: Self = Self { oldest: 2, newest: 2 };

    /// Of whoever says nothing.
    pub const UNSAID: Self = Self { oldest: 1, newest: 1 };

    /// What a header says, if there is one; what can't be read is of some later time.
    pub fn said(header: Option<&str>) -> Self {
        let later = Self { oldest: u32::MAX, newest: u32::MAX };
        header.map_or(Self::UNSAID, |said| said.parse().unwrap_or(later))
    }

    /// The version that two speak with each other; none if they have none in common.
    pub fn spoken_with(self, other: Self) -> Option<u32> {
        let newest = self.newest.min(other.newest);
        (newest >= self.oldest.max(other.oldest)).then_some(newest)
    }

    /// Why a worker and a server can't work together, for the people of either, if they can't.
    pub fn incompatible(worker: Self, server: Self) -> Option<String> {
        if worker.spoken_with(server).is_some() {
            return None;
        }
        let (who, advice) = match worker.newest < server.oldest {
            true => ("too old", "install the server's release where the worker runs"),
            false => {
                ("too new", "upgrade the server, or install its release where the worker runs")
            }
        };
        Some(format!(
            "the worker is {who} for this server: it speaks wire {worker}, the server {server}; {advice}"
        ))
    }
}

impl fmt::Display for WireVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.oldest == self.newest {
            true => write!(f, "{}", self.newest),
            false => write!(f, "{}-{}", self.oldest, self.newest),
        }
    }
}

/// A text that names no versions.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a version such as 2, or versions such as 1-2")]
pub struct NoVersions;

impl FromStr for WireVersions {
    type Err = NoVersions;

    fn from_str(text: &str) -> Result<Self, NoVersions> {
        let (oldest, newest) = text.split_once('-').unwrap_or((text, text));
        let version = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|version| digits && *version > 0).ok_or(NoVersions)
        };
        let (oldest, newest) = (version(oldest)?, version(newest)?);
        if oldest <= newest { Ok(Self { oldest, newest }) } else { Err(NoVersions) }
    }
}

/// A recipe as a worker of wire version `spoken` reads it; none if it means something that this
/// version has no words for, so that no such worker may train it.
///
/// Here is where a field that a recipe gains is left out for workers that don't know it, as long as
/// it has the meaning that they have without it. So far versions 1 and 2 have the same fields.
pub fn recipe_in(spoken: u32, recipe: &Recipe) -> Option<Recipe> {
    let WireVersions { oldest, newest } = WireVersions::OF_SERVER;
    let understood = oldest..=newest;
    understood.contains(&spoken).then(|| recipe.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(text: &str) -> WireVersions {
        text.parse().unwrap()
    }

    #[test]
    fn versions_read_as_they_are_written() {
        for text in ["1", "2", "1-2", "3-17"] {
            assert_eq!(versions(text).to_string(), text);
        }
        assert_eq!(versions("2-2").to_string(), "2");
        assert_eq!(WireVersions::said(None), WireVersions::UNSAID);
        assert_eq!(WireVersions::said(Some("1-2")), versions("1-2"));
        assert_eq!(WireVersions::said(Some("?")).spoken_with(WireVersions::OF_SERVER), None);
        for text in ["", "0", "-1", "2-1", "1-", "a", "1-2-3", "+1", "99999999999", " 1"] {
            assert_eq!(text.parse::<WireVersions>(), Err(NoVersions), "{text}");
        }
    }

    #[test]
    fn the_newest_common_version_is_spoken() {
        assert_eq!(versions("1-2").spoken_with(versions("1")), Some(1));
        assert_eq!(versions("1-4").spoken_with(versions("2-3")), Some(3));
        assert_eq!(versions("1").spoken_with(versions("2-3")), None);
        assert_eq!(versions("4").spoken_with(versions("2-3")), None);
        assert_eq!(WireVersions::OF_SERVER.spoken_with(WireVersions::UNSAID), Some(1));
    }

    #[test]
    fn who_has_no_version_in_common_is_told_who_is_behind() {
        let (old, new) = (versions("1"), versions("3-4"));
        assert_eq!(WireVersions::incompatible(old, versions("1-2")), None);
        let words = WireVersions::incompatible(old, new).unwrap();
        assert!(
            words.starts_with(
                "the worker is too old for this server: it speaks wire 1, the server 3-4"
            ),
            "{words}"
        );
        let words = WireVersions::incompatible(new, old).unwrap();
        assert!(words.starts_with("the worker is too new for this server"), "{words}");
    }

    #[test]
    fn a_worker_of_0_1_0_gets_exactly_the_fields_that_it_knows() {
        // As 0.1.0 sends a recipe that says no more than it must.
        let text = r#"{"dataset":{"name":"digits","label_noise":0.0,"n_train":1000,"n_val":397},"model":{"kind":"mlp","hidden":[128,128],"batch_norm":false},"optimizer":{"kind":"sgd","lr":0.05,"momentum":0.9},"batch_size":50,"epochs":100}"#;
        let recipe: Recipe = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&recipe_in(1, &recipe).unwrap()).unwrap(), text);
        assert_eq!(recipe_in(2, &recipe), Some(recipe.clone()));
        assert_eq!(recipe_in(WireVersions::OF_SERVER.newest + 1, &recipe), None);
    }
}
