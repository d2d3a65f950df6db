//! The real program as a process.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// A process; it ends by SIGKILL when dropped.
pub struct Process(Child);

impl Process {
    /// Starts the program.
    pub fn start(arguments: &[&str], environment: &[(&str, OsString)]) -> Self {
        Self(command(arguments, environment).spawn().unwrap())
    }

    /// Starts it, and waits for the line that says that it listens.
    pub fn listening(arguments: &[&str], environment: &[(&str, OsString)]) -> Self {
        let mut process = Self::start(arguments, environment);
        let mut said = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.starts_with("listening on "), "it said {said:?}");
        process
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id()]).status();
        assert!(sent.unwrap().success());
    }

    /// Bounds the size of every file that it writes to: the soft limit, which can be lifted.
    pub fn bound_files(&self, bytes: &str) {
        let limit = format!("--fsize={bytes}:");
        let set = Command::new("prlimit").args(["--pid", &self.id(), &limit]).status();
        assert!(set.unwrap().success());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    fn id(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a command that ends well prints.
pub fn run(arguments: &[&str], environment: &[(&str, OsString)]) -> String {
    let output = command(arguments, environment).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The shell has a file that may not grow be an error to the program, as a full disk is, rather than
/// a signal that ends it.
fn command(arguments: &[&str], environment: &[(&str, OsString)]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_floodgauge")]);
    // The settings of whoever runs the tests are not theirs.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FLOODGAUGE_")) {
        command.env_remove(name);
    }
    command.envs(environment.iter().cloned());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}
