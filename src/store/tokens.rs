//! What the store takes and answers of tokens.

use crate::{
    access::{Limits, Scopes, Secret, TokenId},
    counting::count,
};
use floodgauge_protocol::Digest;
use std::{fmt, time::Duration};

/// A token to record.
#[derive(Clone, Debug, PartialEq)]
pub struct NewToken {
    /// What stands for the token where its secret must not.
    pub token: TokenId,
    /// What people call it.
    pub name: String,
    /// The digest of its secret.
    pub sha256: Digest,
    /// What it may do.
    pub scopes: Scopes,
    /// How long it lasts; for ever if unset.
    pub lasts: Option<Duration>,
    /// What it may have and do at once; unset ones don't bound.
    pub limits: Limits,
}

impl NewToken {
    /// A token that lasts for ever, with no bounds of its own.
    pub fn of(secret: &Secret, name: &str, scopes: Scopes) -> Self {
        Self {
            token: TokenId(uuid::Uuid::now_v7()),
            name: name.into(),
            sha256: secret.digest(),
            scopes,
            lasts: None,
            limits: Limits::default(),
        }
    }
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRow {
    /// What stands for the token where its secret must not.
    pub token: TokenId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// What it may have and do at once; unset ones don't bound.
    pub limits: Limits,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it stops working by itself, in milliseconds since 1970; none if never.
    pub expires_ms: Option<i64>,
    /// When it was revoked, likewise; none if it wasn't.
    pub revoked_ms: Option<i64>,
    /// When it was last used, to the hour, likewise; none if it never was.
    pub used_ms: Option<i64>,
    /// Whether it works: neither revoked nor expired, by the database's clock.
    pub live: bool,
}

/// What came of recording a token.
#[derive(Clone, Debug, PartialEq)]
pub enum AddedToken {
    /// It is new.
    New(TokenRow),
    /// Another one that isn't revoked has its name.
    NameTaken,
}

/// What a token has of that which can be bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sweeps that it submitted and that haven't ended.
    pub open_sweeps: u64,
    /// Their arms, each seed and weight decay counted.
    pub arms: u64,
    /// Bytes of data sets that it uploaded and that are kept.
    pub upload_bytes: u64,
}

/// A bound that a request would have gone beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverQuota {
    /// What there would be too much of.
    pub of: Quota,
    /// The token's bound for it.
    pub most: u64,
    /// What there would have been.
    pub would_be: u64,
}

/// A thing that a token may have only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// [`Limits::open_sweeps`].
    OpenSweeps,
    /// [`Limits::arms`].
    Arms,
    /// [`Limits::upload_bytes`].
    UploadBytes,
}

impl Usage {
    /// The first bound that this goes beyond.
    pub fn beyond(&self, limits: &Limits) -> Option<OverQuota> {
        let over = |of, would_be, most: Option<u64>| {
            let most = most.filter(|most| would_be > *most)?;
            Some(OverQuota { of, most, would_be })
        };
        over(Quota::OpenSweeps, self.open_sweeps, limits.open_sweeps.map(u64::from))
            .or_else(|| over(Quota::Arms, self.arms, limits.arms.map(u64::from)))
            .or_else(|| over(Quota::UploadBytes, self.upload_bytes, limits.upload_bytes))
    }
}

impl fmt::Display for OverQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, most, would_be } = self;
        match of {
            Quota::OpenSweeps => {
                let sweeps = count(*most as usize, "open sweep");
                write!(f, "this token may have {sweeps}, this would be number {would_be}")
            }
            Quota::Arms => write!(
                f,
                "the open sweeps of this token may have {} (each seed and weight decay counts), with \
                 this one they would have {would_be}",
                count(*most as usize, "arm")
            ),
            Quota::UploadBytes => write!(
                f,
                "the data sets of this token may have {most} bytes, with this one they would \
                 have {would_be}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_what_may_be_reached_and_not_passed() {
        let limits = Limits { open_sweeps: Some(2), arms: Some(40), ..Limits::default() };
        let usage = |open_sweeps, arms| Usage { open_sweeps, arms, upload_bytes: 1 << 40 };
        assert_eq!(usage(2, 40).beyond(&limits), None);
        assert_eq!(usage(3, 40).beyond(&limits).unwrap().of, Quota::OpenSweeps);
        let over = usage(2, 41).beyond(&limits).unwrap();
        assert_eq!(over, OverQuota { of: Quota::Arms, most: 40, would_be: 41 });
        assert_eq!(usage(9, 999).beyond(&Limits::default()), None);
    }
}
