//! The clock that the processes of a world go by, and that can be set while they run.

use std::{
    ffi::OsString,
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What the processes of a world take for the system's clock.
pub struct Clock {
    library: PathBuf,
    path: PathBuf,
    file: File,
}

impl Clock {
    /// A clock that is right, in a folder of its world.
    pub fn new(folder: &Path) -> Self {
        let (library, path) = (folder.join("clock.so"), folder.join("clock"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chaos/clock.c");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", source, "-o"]);
        assert!(compile.arg(&library).status().unwrap().success(), "{source} isn't compiled");
        let clock = Self { library, file: File::create(&path).unwrap(), path };
        clock.set(Duration::ZERO, true);
        clock
    }

    /// Sets it ahead of the right time by so much, or back.
    pub fn set(&self, by: Duration, ahead: bool) {
        let seconds = i64::try_from(by.as_secs()).unwrap();
        let seconds = if ahead { seconds } else { -seconds };
        self.file.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    /// The environment of a process that goes by it.
    pub fn environment(&self) -> [(&'static str, OsString); 2] {
        [("LD_PRELOAD", self.library.clone().into()), ("CLOCK_SET_BY", self.path.clone().into())]
    }
}

#[test]
fn a_process_goes_by_the_clock_that_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(folder.path());
    let hour = Duration::from_secs(3_600);
    let read = || {
        let mut date = Command::new("date");
        let said = date.arg("+%s").envs(clock.environment()).output().unwrap().stdout;
        String::from_utf8(said).unwrap().trim().parse::<i64>().unwrap()
    };
    let right = read();
    clock.set(hour, true);
    assert!((3_600..3_700).contains(&(read() - right)));
    clock.set(hour, false);
    assert!((-3_600..-3_500).contains(&(read() - right)));
}
