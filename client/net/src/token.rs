//! What is said where a server asks for a token.

use reqwest::StatusCode;

/// That a server asks for a token, and what to do about it.
pub const ASKS_FOR_TOKEN: &str =
    "this server asks for a token: set FLOODGAUGE_TOKEN or use --token";

/// What there is to do about it alone.
pub const HOW_TO_SHOW_A_TOKEN: &str = "set FLOODGAUGE_TOKEN or use --token";

/// Whether a refusal is for want of a token. What a server says of that is left out, as earlier ones tell of
/// headers, which nobody writes who starts a program; of a token that was shown it says what is wrong with it.
pub fn lacks_token(status: StatusCode, was_shown: bool) -> bool {
    status == StatusCode::UNAUTHORIZED && !was_shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_lacking_where_none_was_shown_to_a_server_that_asks_for_one() {
        assert!(lacks_token(StatusCode::UNAUTHORIZED, false));
        assert!(!lacks_token(StatusCode::UNAUTHORIZED, true), "what is wrong with it is said");
        assert!(!lacks_token(StatusCode::FORBIDDEN, false), "another may be allowed to");
        assert!(ASKS_FOR_TOKEN.ends_with(HOW_TO_SHOW_A_TOKEN));
    }
}
