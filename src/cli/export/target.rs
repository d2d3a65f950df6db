//! The file that an export becomes: whole, or not at all.

use crate::{
    cli::{Failure, fetched::kept, print},
    export::archive,
};
use anyhow::Context as _;
use floodgauge_net::plain_io;
use floodgauge_protocol::Format;
use std::{
    fs::{self, File, Permissions},
    io::{self, Seek as _},
    path::{Path, PathBuf},
};
use tempfile::{Builder, NamedTempFile};

/// What the file is called beside its place until it is whole, before letters of its own.
const PART: &str = ".floodgauge-export-";

/// Where it is written.
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file that was named, whose place it takes.
    Named(PathBuf),
    /// One that nobody named, which takes no other's place.
    New(PathBuf),
}

impl Target {
    /// What was asked for, or else a file that is called like the sweep.
    pub fn of(output: Option<PathBuf>, sweep: &str, end: &str) -> Self {
        match output {
            Some(path) if path.as_os_str() == "-" => Self::Stdout,
            Some(path) => Self::Named(path),
            None => Self::New(PathBuf::from(format!("{}.{end}", file_name(sweep)))),
        }
    }

    /// Whether it is standard output.
    pub fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Refuses a place that is taken or that isn't there.
    ///
    /// # Errors
    /// [`Failure::BadInput`] with the place.
    pub fn check(&self) -> Result<(), Failure> {
        let there = |path: &Path| path.try_exists().unwrap_or(false);
        match self {
            // A link is there too, wherever it leads.
            Self::New(path) if fs::symlink_metadata(path).is_ok() => {
                let shown = path.display();
                Err(Failure::BadInput(format!(
                    "{shown} is there already; name a file with --output"
                )))
            }
            // A pipe of the shell's, /dev/stdout say, is a link that leads to no path.
            Self::Named(path) if fs::metadata(path).is_ok() => match path.is_dir() {
                true => Err(Failure::BadInput(format!("{} is a folder", path.display()))),
                false => Ok(()),
            },
            Self::Named(path) => {
                let end = end_of_links(path)
                    .map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))?;
                let folder = folder_of(&end);
                if there(folder) {
                    return Ok(());
                }
                let link = match end == *path {
                    true => String::new(),
                    false => format!("{} leads to {}: ", path.display(), end.display()),
                };
                let folder = folder.display();
                Err(Failure::BadInput(format!("{link}there is no folder {folder}")))
            }
            _ => Ok(()),
        }
    }

    /// Writes the sweep, with its data set as an archive, and prints where it lies.
    ///
    /// # Errors
    /// [`Failure::BadInput`] if it can't be written; what was in its place is there still.
    pub fn write(&self, json: &mut File, data: Option<(Format, File)>) -> Result<(), Failure> {
        let path = match self {
            Self::Stdout => {
                json.rewind().map_err(kept)?;
                let copied = io::copy(json, &mut io::stdout().lock());
                copied.context("standard output")?;
                return Ok(());
            }
            Self::Named(path) | Self::New(path) => path,
        };
        let shown = path.display();
        self.place(path, |file| fill(file, json, data)).map_err(|error| {
            Failure::BadInput(format!("{shown} can't be written: {}", plain_io(&error)))
        })?;
        print::out(&shown.to_string())
    }

    /// Has a file filled and puts it in its place once it is whole and on the disk. One that isn't goes.
    fn place(&self, path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let before = fs::metadata(path).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            // Into a pipe or a device, whose place no file can take. It may have no path but the link to it.
            return fill(&mut File::options().write(true).open(path)?);
        }
        // Of a link, what it leads to is replaced, or made.
        let path = match (self, &before) {
            (Self::New(_), _) => path.to_owned(),
            (_, Some(_)) => fs::canonicalize(path)?,
            (_, None) => end_of_links(path)?,
        };
        let mut part = part_beside(&path)?;
        fill(part.as_file_mut())?;
        if let Some(before) = before {
            part.as_file().set_permissions(before.permissions())?;
        }
        part.as_file().sync_all()?;
        let placed = match self {
            Self::New(_) => part.persist_noclobber(&path),
            _ => part.persist(&path),
        };
        placed.map(drop).map_err(|error| error.error)
    }
}

fn fill(file: &mut File, json: &mut File, data: Option<(Format, File)>) -> io::Result<()> {
    match data {
        Some((format, mut data)) => archive::write(file, json, format, &mut data),
        None => json.rewind().and_then(|()| io::copy(json, file)).map(drop),
    }
}

/// More links in a row than the system follows.
const MAX_LINKS: usize = 64;

/// The place that a path leads to, whether there is anything or not: the path itself unless it is a link.
///
/// # Errors
/// If links lead in a circle.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = folder_of(&path).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// An empty file in the same folder, so on the same disk, that goes if it is dropped.
fn part_beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PART);
    if let Some(permissions) = usual_permissions() {
        builder.permissions(permissions);
    }
    // Without the library's words, which name a file that nobody asked for.
    builder.tempfile_in(folder_of(path)).map_err(|error| error.kind().into())
}

/// Those of any new file, as far as the user's mask leaves them; temporary ones are for their user alone.
#[cfg(unix)]
fn usual_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn usual_permissions() -> Option<Permissions> {
    None
}

/// A sweep's name as every file system takes it.
fn file_name(sweep: &str) -> String {
    let parts = sweep.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name: String = parts.collect::<Vec<_>>().join("-").chars().take(80).collect();
    if name.is_empty() { "sweep".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn json() -> File {
        let mut json = tempfile::tempfile().unwrap();
        json.write_all(b"{}").unwrap();
        json
    }

    /// The names of all that lies in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// A folder with a file in it, and the file.
    fn written_before() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        fs::write(&path, "before").unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_that_nobody_named_is_called_like_its_sweep() {
        for (sweep, file) in [("digits", "digits"), ("../a b\u{202e}", "a-b"), ("…", "sweep")] {
            assert_eq!(file_name(sweep), file);
        }
        let Target::New(path) = Target::of(None, "x y", "zip") else { panic!("it is new") };
        assert_eq!(path, Path::new("x-y.zip"));
        assert!(Target::of(Some("-".into()), "x", "json").is_stdout());
    }

    #[test]
    fn a_file_takes_the_place_of_one_that_was_named_alone() {
        let (folder, path) = written_before();
        let new = Target::New(path.clone());
        assert!(new.check().is_err() && new.write(&mut json(), None).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        let named = Target::Named(path.clone());
        named.check().unwrap();
        named.write(&mut json(), None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
        assert_eq!(names(folder.path()), ["x.json"]);
        let nowhere = Target::Named(folder.path().join("no/x.json"));
        assert!(nowhere.check().unwrap_err().to_string().contains("there is no folder"));
        let itself = Target::Named(folder.path().to_owned()).check();
        assert!(itself.unwrap_err().to_string().ends_with("is a folder"));
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_of_the_shell_is_written_into() {
        use std::{io::Read as _, os::fd::AsRawFd as _};
        let (mut reader, writer) = io::pipe().unwrap();
        let target = Target::Named(format!("/dev/fd/{}", writer.as_raw_fd()).into());
        target.check().unwrap();
        target.write(&mut json(), None).unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "{}");
    }

    #[test]
    fn an_export_that_fails_leaves_what_was_there_and_nothing_else() {
        let (folder, path) = written_before();
        let target = Target::Named(path.clone());
        let full = target.place(&path, |file| {
            file.write_all(b"half of it")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        assert_eq!(names(folder.path()), ["x.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_where_nothing_is_yet_is_written_through() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("far")).unwrap();
        symlink("far/link", path("link")).unwrap();
        symlink("x.json", path("far/link")).unwrap();
        let target = Target::Named(path("link"));
        target.check().unwrap();
        target.write(&mut json(), None).unwrap();
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(path("far/x.json")).unwrap(), "{}");
        let mut left = names(&path("far"));
        left.sort();
        assert_eq!((names(folder.path()).len(), left), (2, vec!["link".into(), "x.json".into()]));
        // One that nobody named takes no link's place, wherever that leads.
        symlink("nowhere.json", path("new.json")).unwrap();
        let new = Target::New(path("new.json"));
        assert!(new.check().is_err() && new.write(&mut json(), None).is_err());
        assert!(fs::symlink_metadata(path("new.json")).unwrap().is_symlink());
        assert!(!path("nowhere.json").exists());
        assert_eq!(names(folder.path()).len(), 3, "nothing else is left");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_told_before_anything_is_fetched() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        symlink("gone/x.json", path("link")).unwrap();
        symlink("circle", path("circle")).unwrap();
        let refused = |name| Target::Named(path(name)).check().unwrap_err().to_string();
        let told = refused("link");
        assert!(told.contains("leads to") && told.contains("there is no folder"), "{told}");
        assert!(refused("circle").ends_with("its links lead in a circle"));
        for name in ["link", "circle"] {
            assert!(Target::Named(path(name)).write(&mut json(), None).is_err());
        }
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_permissions_stay_as_they_were() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("x.json"), folder.path().join("link"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::write(&path, "before").unwrap();
        let usual = mode(&path);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        Target::Named(link.clone()).write(&mut json(), None).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((fs::read_to_string(&path).unwrap(), mode(&path)), ("{}".into(), 0o640));
        let new = folder.path().join("new.json");
        Target::New(new.clone()).write(&mut json(), None).unwrap();
        assert_eq!(mode(&new), usual);
    }
}
