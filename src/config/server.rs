//! Which server clients and workers talk to, what they show to be let in, and whose certificates they take.

use crate::{
    access::{Kind, Secret},
    client::Authorities,
    small_text,
};
use clap::Args;
use floodgauge_net::plain_io;
use reqwest::Url;
use std::{fs::File, path::PathBuf};

/// The longest file that a token is read from, with room for the blanks around it.
const MAX_TOKEN_BYTES: u64 = 4 << 10;

/// Where clients look for a server unless told otherwise.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:7878";

/// Which server a client talks to, as whom, and by whose word.
#[derive(Clone, Debug, Args)]
pub struct Server {
    /// The server's address
    #[arg(long = "server", env = "FLOODGAUGE_SERVER", value_name = "URL", default_value = DEFAULT_SERVER, value_parser = server_url)]
    pub url: Url,
    /// What it shows to be let in.
    #[command(flatten)]
    pub credential: Credential,
    /// Whose certificates it takes.
    #[command(flatten)]
    pub trust: Trust,
}

/// Whose certificates are taken beside those of the system's authorities.
#[derive(Clone, Debug, Default, Args)]
pub struct Trust {
    /// Certificates in PEM, one or more, of authorities to trust beside the system's: for an https address
    /// within a network that has its own
    #[arg(long, env = "FLOODGAUGE_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

impl Trust {
    /// The authorities, read from their file.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn authorities(&self) -> Result<Authorities, String> {
        let Some(file) = &self.ca_file else { return Ok(Authorities::default()) };
        Authorities::read(file).map_err(|error| format!("--ca-file: {error}"))
    }
}

/// What a client shows to be let in.
#[derive(Clone, Debug, Default, Args)]
pub struct Credential {
    /// The token, if the server asks for one; the variable or --token-file keep it out of the
    /// process list
    #[arg(long = "token", env = "FLOODGAUGE_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = token)]
    pub token: Option<Secret>,
    /// A file that holds the token, which --token goes before
    #[arg(
        id = "token_file",
        long = "token-file",
        env = "FLOODGAUGE_TOKEN_FILE",
        value_name = "FILE"
    )]
    pub file: Option<PathBuf>,
}

impl Credential {
    /// The token, if any; read from its file anew.
    ///
    /// # Errors
    /// Says what is wrong with the file; never what is in it.
    pub fn secret(&self) -> Result<Option<Secret>, String> {
        if self.token.is_some() {
            return Ok(self.token.clone());
        }
        let Some(file) = &self.file else { return Ok(None) };
        let text = File::open(file);
        let text = text.and_then(|file| small_text::read(file, MAX_TOKEN_BYTES, "token"));
        let shown = file.display();
        let text = text.map_err(|error| {
            format!("--token-file: {shown} can't be read: {}", plain_io(&error))
        })?;
        token(text.trim()).map(Some).map_err(|error| format!("--token-file: {shown}: {error}"))
    }
}

/// Reads a token. Its text isn't told, in case it was another secret.
fn token(text: &str) -> Result<Secret, String> {
    let read = Secret::read(Kind::Token, text.trim());
    read.ok_or_else(|| {
        "a token is fg_ and 64 hexadecimal digits, as `floodgauge token create` prints it".into()
    })
}

/// Reads an HTTP address; one without a scheme is taken for plain HTTP.
///
/// # Errors
/// Says what one looks like.
pub fn server_url(text: &str) -> Result<Url, String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let mut url = file_server(&with_scheme).map_err(
        |_| "expected the address of a server, such as http://gauge.example:7878 or 127.0.0.1:7878",
    )?;
    // Paths are joined to it, and a join would drop what follows the last slash.
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Reads an HTTP address that has its scheme.
///
/// # Errors
/// Says what one looks like.
pub fn file_server(text: &str) -> Result<Url, String> {
    let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let url = Url::parse(text).ok().filter(is_http);
    url.ok_or_else(|| "expected an address such as https://mirror.example/sets".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_scheme_is_plain_http() {
        assert_eq!(server_url("127.0.0.1:7878").unwrap().as_str(), "http://127.0.0.1:7878/");
        assert_eq!(server_url("https://a/b").unwrap().as_str(), "https://a/b/");
    }

    #[test]
    fn what_is_no_address_is_told_what_one_looks_like() {
        for wrong in ["", "ftp://a", "http://", "http://a:port", "a b", "http://a:70000"] {
            let refused = server_url(wrong).unwrap_err();
            assert!(refused.contains("such as http://gauge.example:7878"), "{wrong}: {refused}");
        }
        assert!(file_server("mirror.example/sets").unwrap_err().contains("https://mirror.example"));
        assert!(file_server("https://mirror.example/sets").is_ok());
    }

    #[test]
    fn a_token_file_that_is_not_there_is_told_as_that() {
        let file = Some("/nowhere/token".into());
        let refused = Credential { token: None, file }.secret().unwrap_err();
        let expected =
            "--token-file: /nowhere/token can't be read: there is no such file or folder";
        assert_eq!(refused, expected);
    }

    #[test]
    fn a_token_comes_from_the_flag_or_else_from_its_file() {
        let made = Secret::new(Kind::Token).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\n", made.reveal())).unwrap();
        let kept = Credential { token: None, file: Some(file.path().into()) };
        assert_eq!(kept.secret().unwrap(), Some(made));
        let other = Secret::new(Kind::Token).unwrap();
        let given = Credential { token: Some(other.clone()), ..kept.clone() };
        assert_eq!(given.secret().unwrap(), Some(other));
        std::fs::write(file.path(), "hunter2").unwrap();
        let refused = kept.secret().unwrap_err();
        assert!(refused.contains("fg_ and 64") && !refused.contains("hunter2"), "{refused}");
        std::fs::write(file.path(), "hunter2".repeat(1_000)).unwrap();
        let refused = kept.secret().unwrap_err();
        assert!(refused.ends_with("it has more than 4.0 KiB, which no token has"), "{refused}");
        assert_eq!(Credential::default().secret().unwrap(), None);
    }
}
