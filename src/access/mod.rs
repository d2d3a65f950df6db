//! Tokens: what they look like, what they are allowed, and how many of what (pure).
//!
//! A token is 256 random bits. Who makes one is shown it once; the database keeps its SHA-256
//! digest, which leads to the token's row and to nobody's secret. Slow hashes are for passwords
//! that can be guessed; these can't be.

mod open;
mod scope;
mod secret;

pub use floodgauge_api::{Limits, Scope, TokenId};
pub use open::{DEFAULT_RATE, OpenTo};
pub use scope::{BadScopes, Scopes};
pub use secret::{Kind, Secret};

use floodgauge_protocol::text::name_problem;

/// The longest name of a token, in characters.
pub const MAX_NAME_CHARS: usize = 100;

/// What is wrong with a token's name.
///
/// # Errors
/// Says how long it may be, which character it may not have, or that nothing of it is seen.
pub fn check_name(name: &str) -> Result<(), String> {
    name_problem(name, MAX_NAME_CHARS).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_visible() {
        assert!(check_name("ci on the big machine").is_ok());
        for bad in ["", " ", "a\nb", "\u{202e}a", &"x".repeat(101)] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
