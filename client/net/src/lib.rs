//! How our programs reach others over HTTP: whom they trust, which proxies they ask, and what is said when
//! somebody else than the server answers.
//!
//! A [`Peer`] is who requests go to. It makes the HTTP client for them, says in plain words what a failed
//! request met and what may be done about it ([`Peer::explain`]), and knows the answers that aren't the
//! peer's own ([`Peer::stranger`]). [`plain_io`] puts what the system says in plain words.

mod authorities;
mod error_text;
mod failed;
mod no_answer;
mod peer;
mod stranger;
mod token;

pub use authorities::{Authorities, CaFileError};
pub use error_text::{plain_io, without_number};
pub use no_answer::NoAnswer;
pub use peer::{Peer, causes, innermost};
pub use stranger::Stranger;
pub use token::{ASKS_FOR_TOKEN, HOW_TO_SHOW_A_TOKEN, lacks_token};
