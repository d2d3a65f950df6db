//! What the system lets this process have.

/// Open files that aren't connections of clients: the database's, blobs, the listener, embedded
/// workers' own connections, files that uploads go to. Chosen, not measured.
const OTHER_FILES: usize = 256;

/// Files that are asked for where the administrator sets no bound. Chosen, not measured.
#[cfg(unix)]
const ENOUGH: u64 = 1 << 16;

/// How many connections fit into the files that this process may have open, of which it asks for as
/// many as it is allowed; none where no bound is known.
pub fn connections() -> Option<usize> {
    Some(of_files(open_files()?))
}

fn of_files(files: usize) -> usize {
    // Of very few half are kept.
    files.saturating_sub(OTHER_FILES).max(files / 2).max(1)
}

/// How many files this process may have open, once it has asked for as many as it is allowed.
#[cfg(unix)]
fn open_files() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let (now, allowed) = (current?, maximum.unwrap_or(ENOUGH));
    let more = Rlimit { current: Some(allowed), maximum };
    match (now < allowed).then(|| setrlimit(Resource::Nofile, more)) {
        Some(Ok(())) => usize::try_from(allowed).ok(),
        Some(Err(error)) => {
            tracing::debug!(%error, allowed, "no more files may be open");
            usize::try_from(now).ok()
        }
        None => usize::try_from(now).ok(),
    }
}

#[cfg(not(unix))]
fn open_files() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_left_for_other_things_than_connections() {
        assert_eq!(of_files(1024), 768);
        assert_eq!(of_files(300), 150);
        assert_eq!(of_files(0), 1);
    }
}
