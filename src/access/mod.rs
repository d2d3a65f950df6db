//! Tokens: what they look like, what they are allowed, and how many of what (pure).
//!
//! A token is 256 random bits. Who makes one is shown it once; the database keeps its SHA-256
//! digest, which leads to the token's row and to nobody's secret. Slow hashes are for passwords
//! that can be guessed; these can't be.

mod scope;
mod secret;

pub use scope::{BadScopes, Scope, Scopes};
pub use secret::{Kind, Secret};

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use utoipa::ToSchema;
use uuid::Uuid;

/// The longest name of a token, in characters.
pub const MAX_NAME_CHARS: usize = 100;

/// A token, without its secret. Version-7 UUIDs, so that ids sort by the time of creation.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
pub struct TokenId(pub Uuid);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TokenId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// How much of what a token may have; none is no bound of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests a second, over a while; bursts may be ten times as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100_000)]
    pub rate: Option<u32>,
    /// Sweeps that it submitted and that haven't ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub open_sweeps: Option<u32>,
    /// Arms of these, each seed and weight decay counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub arms: Option<u32>,
    /// Bytes of the data sets that it uploaded and that are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_u64)]
    pub upload_bytes: Option<u64>,
}

impl Limits {
    /// What is out of range: the field and why.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let within = |field, value: Option<u64>, least: u64, most: u64| {
            let value = value.filter(|value| !(least..=most).contains(value))?;
            Some((field, format!("{value} must be between {least} and {most}")))
        };
        within("rate", self.rate.map(u64::from), 1, 100_000)
            .or_else(|| within("open_sweeps", self.open_sweeps.map(u64::from), 0, 1_000_000_000))
            .or_else(|| within("arms", self.arms.map(u64::from), 0, 1_000_000_000))
            .or_else(|| within("upload_bytes", self.upload_bytes, 0, 1_000_000_000_000_000))
    }
}

/// What is wrong with a token's name.
///
/// # Errors
/// Says how long it may be, or which character it may not have.
pub fn check_name(name: &str) -> Result<(), String> {
    let count = name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&count) {
        return Err(format!("a token's name has 1 to {MAX_NAME_CHARS} characters, not {count}"));
    }
    match name.chars().find(|c| c.is_control()) {
        Some(c) => Err(format!("a token's name has no {c:?}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_visible() {
        assert!(check_name("ci on the big machine").is_ok());
        for bad in ["", "a\nb", &"x".repeat(101)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_limit_out_of_range_is_told() {
        assert_eq!(Limits::default().problem(), None);
        let never = Limits { rate: Some(0), ..Limits::default() };
        let expected = Some(("rate", "0 must be between 1 and 100000".to_owned()));
        assert_eq!(never.problem(), expected);
    }
}
