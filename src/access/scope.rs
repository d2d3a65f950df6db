//! What a token may do.

use floodgauge_api::Scope;
use serde::Serialize;
use std::{collections::BTreeSet, fmt, str::FromStr};
use utoipa::ToSchema;

/// What a token may do, at least one thing; written with spaces in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

/// A text that names no scopes, or unknown ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scopes are one or more of read, submit, worker and admin, not `{0}`")]
pub struct BadScopes(String);

impl Scopes {
    /// These; none if there are none.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Option<Self> {
        let scopes: BTreeSet<_> = scopes.into_iter().collect();
        (!scopes.is_empty()).then_some(Self(scopes))
    }

    /// Whether they allow this.
    pub fn allow(&self, wanted: Scope) -> bool {
        self.0.iter().any(|scope| scope.includes(wanted))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl From<Scope> for Scopes {
    fn from(scope: Scope) -> Self {
        Self(BTreeSet::from([scope]))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = BadScopes;

    fn from_str(text: &str) -> Result<Self, BadScopes> {
        let bad = || BadScopes(text.chars().take(80).collect());
        let read = |word: &str| {
            Scope::ALL.into_iter().find(|scope| scope.as_str() == word).ok_or_else(bad)
        };
        let scopes: Vec<_> = text.split_whitespace().map(read).collect::<Result<_, _>>()?;
        Self::of(scopes).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_submits_reads_and_an_admin_does_everything_but_a_worker_only_works() {
        let allowed = |scope: Scope| -> Vec<_> {
            Scope::ALL.into_iter().filter(|&wanted| Scopes::from(scope).allow(wanted)).collect()
        };
        assert_eq!(allowed(Scope::Read), [Scope::Read]);
        assert_eq!(allowed(Scope::Submit), [Scope::Read, Scope::Submit]);
        assert_eq!(allowed(Scope::Worker), [Scope::Worker]);
        assert_eq!(allowed(Scope::Admin), Scope::ALL);
    }

    #[test]
    fn scopes_read_as_they_are_written() {
        let scopes = Scopes::of([Scope::Worker, Scope::Read]).unwrap();
        assert_eq!(scopes.to_string(), "read worker");
        assert_eq!("worker  read".parse(), Ok(scopes));
        assert_eq!("".parse::<Scopes>(), Err(BadScopes(String::new())));
        assert!("read root".parse::<Scopes>().unwrap_err().to_string().contains("`read root`"));
    }
}
