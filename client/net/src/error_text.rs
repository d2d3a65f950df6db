//! What the system says of a failure, in plain words.

use std::io::{self, ErrorKind};

/// What the resolver's errors begin with, which the standard library gives no kind of their own.
const UNKNOWN_NAME: &str = "failed to lookup address information";

/// What the system said, in words that need no manual. What a program put in its own words stays.
pub fn plain_io(error: &io::Error) -> String {
    let said = error.to_string();
    if said.starts_with(UNKNOWN_NAME) {
        return "no machine is known by that name: check its spelling and this machine's DNS"
            .into();
    }
    match of_kind(error.kind()) {
        Some(words) if error.get_ref().is_none() => words.into(),
        _ => without_number(&said),
    }
}

/// A kind of failure in plain words; none where the system's own will do.
fn of_kind(kind: ErrorKind) -> Option<&'static str> {
    use ErrorKind as K;
    Some(match kind {
        K::NotFound => "there is no such file or folder",
        K::PermissionDenied => "permission denied for this user",
        K::AlreadyExists => "a file of that name exists already",
        K::NotSeekable => "it is a pipe: copy what it holds to a file first",
        K::IsADirectory => "it is a folder, not a file",
        K::NotADirectory => "a part of its path is a file, not a folder",
        K::InvalidData => "it isn't text in UTF-8",
        K::StorageFull | K::QuotaExceeded => "the disk is full",
        K::ReadOnlyFilesystem => "nothing can be written there: its disk is read-only",
        K::AddrInUse => "another program listens there",
        K::AddrNotAvailable => "this machine has no such address",
        K::ConnectionRefused => {
            "the connection was refused: nothing listens at that address and port"
        }
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => "the connection broke off",
        K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown => {
            "it can't be reached: check the network and the address"
        }
        K::TimedOut => "it took too long",
        K::OutOfMemory => "there is not enough memory",
        _ => return None,
    })
}

/// Words of the system's without the number that it has for them.
pub fn without_number(said: &str) -> String {
    let Some((before, rest)) = said.split_once(" (os error ") else { return said.into() };
    match rest.split_once(')') {
        Some((number, after)) if number.parse::<i32>().is_ok() => {
            format!("{before}{}", without_number(after))
        }
        _ => said.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_has_no_numbers_and_says_what_is_the_matter() {
        let missing = std::fs::read("/nowhere/at/all").unwrap_err();
        assert_eq!(plain_io(&missing), "there is no such file or folder");
        let folder = std::fs::read(std::env::temp_dir()).unwrap_err();
        assert_eq!(plain_io(&folder), "it is a folder, not a file");
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = std::net::TcpListener::bind(taken.local_addr().unwrap()).unwrap_err();
        assert_eq!(plain_io(&taken), "another program listens there");
        let unknown = io::Error::other(format!("{UNKNOWN_NAME}: Name or service not known"));
        assert!(plain_io(&unknown).starts_with("no machine is known by that name"));
    }

    #[test]
    fn what_has_words_of_its_own_keeps_them() {
        let named = io::Error::new(ErrorKind::NotFound, "x.csv: No such file (os error 2)");
        assert_eq!(plain_io(&named), "x.csv: No such file");
        assert_eq!(without_number("no (os error 2) at path x"), "no at path x");
        assert_eq!(without_number("a (os error two) b"), "a (os error two) b");
    }
}
