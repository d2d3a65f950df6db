//! Secrets: made, read and hashed.

use anyhow::Context as _;
use floodgauge_protocol::Digest;
use rand::{TryRng as _, rngs::SysRng};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What a secret opens, told by its first letters, so that people and scanners know it when they
/// see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A token: `fg_`.
    Token,
    /// A browser's session, which a token opened: `fgs_`.
    Session,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Token => "fg_",
            Self::Session => "fgs_",
        }
    }
}

/// The kind's letters and 64 hexadecimal digits, 256 random bits. Never logged: its debug form
/// doesn't show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    kind: Kind,
    text: String,
}

impl Secret {
    /// A new one, from the operating system's generator.
    ///
    /// # Errors
    /// The generator's trouble.
    pub fn new(kind: Kind) -> anyhow::Result<Self> {
        let mut bits = [0; 32];
        SysRng.try_fill_bytes(&mut bits).context("the system gives no random numbers")?;
        // The same hexadecimal digits that digests have.
        Ok(Self { kind, text: format!("{}{}", kind.prefix(), Digest(bits)) })
    }

    /// Reads a secret of that kind; none if the text can't be one.
    pub fn read(kind: Kind, text: &str) -> Option<Self> {
        text.strip_prefix(kind.prefix())?.parse::<Digest>().ok()?;
        Some(Self { kind, text: text.into() })
    }

    /// What it opens.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is stored of it.
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(&self.text).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", self.kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_as_what_it_is_and_is_never_shown_by_accident() {
        let token = Secret::new(Kind::Token).unwrap();
        assert_eq!(token.reveal().len(), 3 + 64);
        assert_eq!(Secret::read(Kind::Token, token.reveal()), Some(token.clone()));
        assert_eq!(Secret::read(Kind::Session, token.reveal()), None);
        assert_eq!(format!("{token:?}"), "Secret(fg_…)");
        assert_ne!(Secret::new(Kind::Token).unwrap(), token);
    }

    #[test]
    fn what_is_no_secret_is_not_looked_up() {
        let upper = format!("fg_{}", "A".repeat(64));
        for text in ["", "fg_", "password", "fg_0123", &upper] {
            assert_eq!(Secret::read(Kind::Token, text), None, "{text}");
        }
    }
}
