//! Tokens and sessions: who may do what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A thing that a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// See all sweeps and data sets
    Read,
    /// Submit, cancel and delete sweeps and data sets too
    Submit,
    /// Claim work, and no more than its leases need
    Worker,
    /// Everything, tokens included
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Submit, Self::Worker, Self::Admin];

    /// As tokens and settings spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Worker => "worker",
            Self::Admin => "admin",
        }
    }

    /// Whether who may do this may do the other too.
    pub fn includes(self, other: Self) -> bool {
        self == other || self == Self::Admin || (self == Self::Submit && other == Self::Read)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A token, without its secret. Version-7 UUIDs, so that ids sort by the time of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests a second, over a while; bursts may be ten times as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100_000))]
    pub rate: Option<u32>,
    /// Sweeps that it submitted and that haven't ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub open_sweeps: Option<u32>,
    /// Arms of these, each seed and weight decay counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000))]
    pub arms: Option<u32>,
    /// Bytes of the data sets that it uploaded and that are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000_000_000_u64))]
    pub upload_bytes: Option<u64>,
}

impl Limits {
    /// What is out of range: the field and why.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let check_range = |field, value: Option<u64>, least: u64, most: u64| {
            let value = value.filter(|value| !(least..=most).contains(value))?;
            Some((field, format!("{value} must be between {least} and {most}")))
        };
        check_range("rate", self.rate.map(u64::from), 1, 100_000)
            .or_else(|| {
                check_range("open_sweeps", self.open_sweeps.map(u64::from), 0, 1_000_000_000)
            })
            .or_else(|| check_range("arms", self.arms.map(u64::from), 0, 1_000_000_000))
            .or_else(|| check_range("upload_bytes", self.upload_bytes, 0, 1_000_000_000_000_000))
    }
}

/// A token, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenItem {
    /// Names the token where its secret must not; ids sort by the time of creation.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// What it may do; at least one scope.
    pub scopes: Vec<Scope>,
    /// How much it may have and do at once; fields that are unset bound nothing.
    pub limits: Limits,
    /// Whether it works: neither revoked nor expired.
    pub live: bool,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it stops working by itself; null if never.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked; null if it wasn't.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour; null if it never was.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, required))]
    pub used_at: Option<Timestamp>,
}

/// A token with its secret, which is told this once.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeToken {
    /// The secret: `fg_` and 64 hexadecimal digits.
    pub token: String,
    /// What is stored of it.
    #[serde(flatten)]
    pub item: TokenItem,
}

/// A page of tokens, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenList {
    /// The tokens of this page, those that no longer work too.
    pub items: Vec<TokenItem>,
    /// What to pass as `cursor` for the next page; null at the end.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_cursor: Option<TokenId>,
}

/// Which page of the list of tokens.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct TokenQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<TokenId>,
    /// At most so many items, 1 to 200; 100 when unset.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200, default = 100))]
    pub limit: Option<u32>,
}

/// What a new token shall be; the server chooses its id and its secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// What people call it; no other live token has the same name.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, example = "ci"))]
    pub name: String,
    /// What it may do.
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub scopes: Vec<Scope>,
    /// After how many seconds it stops working; never if unset.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3_162_240_000_u64))]
    pub expires_in_s: Option<u64>,
    /// Its bounds; none if unset.
    #[serde(default)]
    pub limits: Limits,
}

/// Who the server takes the caller for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Session {
    /// Whether the server has no tokens, and so lets everybody do everything.
    pub open: bool,
    /// The token that was shown, or that the session belongs to; null if there is none that works.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub token: Option<SessionToken>,
}

/// The token of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionToken {
    /// The id by which the list of tokens has it.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// What a session begins with.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The token: `fg_` and 64 hexadecimal digits.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "fg_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
    )]
    pub token: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_out_of_range_is_told() {
        assert_eq!(Limits::default().problem(), None);
        let never = Limits { rate: Some(0), ..Limits::default() };
        let expected = Some(("rate", "0 must be between 1 and 100000".to_owned()));
        assert_eq!(never.problem(), expected);
    }
}
