//! Commands that are printed to be copied: each with the flags that lead it where this one went.

use crate::config::{DEFAULT_DATA_DIR, DEFAULT_SERVER, Server, Storage};
use reqwest::Url;
use std::{borrow::Cow, path::Path};

/// What leads a further command to where this one went: to the same server, or to the same database.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    /// The flags that name the place, each with a space before it.
    place: String,
    /// Those that name whose word is good there.
    credential: String,
}

impl Commands {
    /// Commands that ask the same server. Where a token was given in words it isn't told.
    pub fn to_server(server: &Server) -> Self {
        let mut to = Self::at(&server.url);
        if let Some(file) = &server.trust.ca_file {
            to.place += &path("--ca-file", file);
        }
        if let (None, Some(file)) = (&server.credential.token, &server.credential.file) {
            to.credential = path("--token-file", file);
        }
        to
    }

    /// Commands that ask the server at an address.
    pub fn at(url: &Url) -> Self {
        let mut url = url.clone();
        // Only addresses without a host refuse, and none of a server is.
        let _ = url.set_password(None);
        let address = url.as_str().trim_end_matches('/');
        match address == DEFAULT_SERVER {
            true => Self::default(),
            false => Self { place: flag("--server", address), credential: String::new() },
        }
    }

    /// Commands that work on the same database. A URL that has a password isn't told.
    pub fn on(storage: &Storage) -> Self {
        let place = match &storage.database_url {
            Some(url) if has_password(url) => " (with the same --database-url)".into(),
            Some(url) => flag("--database-url", url),
            None if storage.data_dir == Path::new(DEFAULT_DATA_DIR) => String::new(),
            None => path("--data-dir", &storage.data_dir),
        };
        Self { place, credential: String::new() }
    }

    /// A command of this program's, such as `watch ID`.
    pub fn line(&self, command: &str) -> String {
        self.led(&format!("floodgauge {command}"))
    }

    /// A command that the server gave, such as that of an advice.
    pub fn led(&self, command: &str) -> String {
        format!("{command}{}{}", self.place, self.credential)
    }

    /// The command that starts a worker, which wants a token of its own.
    pub fn worker(&self) -> String {
        format!("floodgauge worker{}", self.place)
    }
}

/// A file as an argument of a command, whatever it is called.
pub fn file(path: &Path) -> String {
    let shown = path.display().to_string();
    // What begins with a dash would be read as a flag.
    let here = if shown.starts_with('-') { "./" } else { "" };
    quoted(&format!("{here}{shown}")).into_owned()
}

/// Whether the URL of a database holds a secret, or may.
fn has_password(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.password().is_some()) || url.contains("password=")
}

fn path(name: &str, path: &Path) -> String {
    flag(name, &path.display().to_string())
}

fn flag(name: &str, value: &str) -> String {
    format!(" {name} {}", quoted(value))
}

/// A word as shells take it.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/.:_-@%+=,".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{Kind, Secret},
        config::{Credential, Trust},
    };

    fn server(url: &str) -> Server {
        let (credential, trust) = (Credential::default(), Trust::default());
        Server { url: url.parse().unwrap(), credential, trust }
    }

    #[test]
    fn a_command_goes_to_the_server_that_was_asked() {
        let usual = server(&format!("{DEFAULT_SERVER}/"));
        assert_eq!(Commands::to_server(&usual).line("watch 7"), "floodgauge watch 7");
        let mut other = server("https://gauge.example/tools/");
        other.trust.ca_file = Some("our ca.pem".into());
        other.credential.file = Some("/run/token".into());
        let to = Commands::to_server(&other);
        let there = "--server https://gauge.example/tools --ca-file 'our ca.pem'";
        assert_eq!(
            to.led("floodgauge extend 7 --seeds 2"),
            format!("floodgauge extend 7 --seeds 2 {there} --token-file /run/token")
        );
        assert_eq!(to.worker(), format!("floodgauge worker {there}"), "its token is another");
    }

    #[test]
    fn no_secret_is_told() {
        let mut server = server("http://me:hunter2@gauge:7878/");
        server.credential.token = Some(Secret::new(Kind::Token).unwrap());
        let told = Commands::to_server(&server).line("list");
        assert_eq!(told, "floodgauge list --server http://me@gauge:7878");
        let mut storage = Storage::in_folder(Path::new("x"));
        for secret in ["postgres://me:hunter2@db/x", "postgres://db/x?password=hunter2"] {
            storage.database_url = Some(secret.into());
            let told = Commands::on(&storage).line("token list");
            assert_eq!(told, "floodgauge token list (with the same --database-url)");
        }
    }

    #[test]
    fn a_file_is_one_word_of_a_command_whatever_it_is_called() {
        for (name, word) in [
            ("runs/digits.json", "runs/digits.json"),
            ("my sweep.json", "'my sweep.json'"),
            ("it's; rm -r $HOME", r"'it'\''s; rm -r $HOME'"),
            ("-x.json", "./-x.json"),
            ("", "''"),
        ] {
            assert_eq!(file(Path::new(name)), word);
        }
    }

    #[test]
    fn a_command_works_on_the_database_that_was_named() {
        let on = |storage: &Storage| Commands::on(storage).line("token list");
        let mut storage = Storage::in_folder(Path::new(DEFAULT_DATA_DIR));
        assert_eq!(on(&storage), "floodgauge token list");
        storage.data_dir = "/srv/it's".into();
        assert_eq!(on(&storage), r"floodgauge token list --data-dir '/srv/it'\''s'");
        storage.database_url = Some("postgres://me@db/x".into());
        assert_eq!(on(&storage), "floodgauge token list --database-url postgres://me@db/x");
    }
}
