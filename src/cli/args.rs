//! What several commands take: a sweep, a server, and the form of its answer.

use super::{Failure, commands::Commands};
use crate::{client::Client, config::Server};
use floodgauge_protocol::{SweepId, text};

/// The sweep that a command is about.
#[derive(Debug, clap::Args)]
pub struct SweepArg {
    /// The sweep's id
    #[arg(value_parser = sweep_id)]
    pub id: SweepId,
}

/// The server that is asked, and how its answer is printed.
#[derive(Debug, clap::Args)]
pub struct Ask {
    /// Print what the server answers as JSON
    #[arg(long)]
    pub json: bool,
    /// Whom to ask.
    #[command(flatten)]
    pub server: Server,
}

impl Ask {
    /// A client of the server.
    ///
    /// # Errors
    /// See [`connect`].
    pub fn connect(&self) -> Result<Client, Failure> {
        connect(&self.server)
    }

    /// Further commands to the same server.
    pub fn commands(&self) -> Commands {
        Commands::to_server(&self.server)
    }
}

/// Reads a sweep's id.
///
/// # Errors
/// Says where ids are to be found.
pub fn sweep_id(text: &str) -> Result<SweepId, String> {
    text.parse().map_err(|_| "that is not a sweep's id; `floodgauge list` shows them".into())
}

/// A client of the server that was named, with the token that was given.
///
/// # Errors
/// Files of a token or of certificates that can't be read; this machine's TLS.
pub fn connect(server: &Server) -> Result<Client, Failure> {
    let token = server.credential.secret().map_err(Failure::BadInput)?;
    let authorities = server.trust.authorities().map_err(Failure::BadInput)?;
    // What others wrote is shown as it is, and does nothing to the terminal.
    let client = Client::trusting(server.url.clone(), &authorities)?.with_texts(text::escaped);
    Ok(match token {
        Some(token) => client.with_token(token.reveal()),
        None => client,
    })
}
