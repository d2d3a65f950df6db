//! How our programs reach others over HTTP: whom they trust, which proxies they ask, and what is said when
//! somebody else than the server answers.
//!
//! A [`Peer`] is who requests go to. It makes the HTTP client for them, adds to a failed request what
//! may be done about it ([`Peer::advice`]), and knows the answers that aren't the peer's own
//! ([`Peer::stranger`]).

mod authorities;
mod no_answer;
mod peer;
mod stranger;

pub use authorities::{Authorities, CaFileError};
pub use no_answer::NoAnswer;
pub use peer::{Peer, causes, innermost};
pub use stranger::Stranger;
