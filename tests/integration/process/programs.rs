//! The real programs: servers and workers as processes, killed without a word when dropped.

use floodgauge::client::Client;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A process that ends by SIGKILL.
pub struct Process(Child);

impl Process {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = program(arguments);
        command.envs(variables.iter().copied());
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Whatever a command starts.
    pub fn of(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }

    /// The first lines that it prints; then it ends.
    pub fn first_lines(arguments: &[&str], count: usize) -> Vec<String> {
        let mut process = Self::start(arguments, &[]);
        let stdout = process.0.stdout.take().unwrap();
        BufReader::new(stdout).lines().take(count).map(|line| line.unwrap()).collect()
    }

    /// What the system knows it by.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Tells it to end in order, and waits until it has; answers whether it ended well.
    pub fn terminate(&mut self) -> bool {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.wait()
    }

    /// Waits until it ends by itself; answers whether it ended well.
    pub fn wait(&mut self) -> bool {
        self.0.wait().unwrap().success()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_floodgauge"));
    // The settings of whoever runs the tests are not theirs.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FLOODGAUGE_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// What a command that ends well prints.
pub fn run(arguments: &[&str]) -> String {
    let output = program(arguments).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub complaint: String,
}

/// Runs a command to its end, whatever that is.
pub fn ended(arguments: &[&str]) -> Ended {
    let output = program(arguments).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    Ended { code: output.status.code().unwrap(), complaint }
}

/// What a command complains of that ends as bad input.
pub fn refused(arguments: &[&str]) -> String {
    let output = program(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A worker that runs in `folder`, and keeps the data sets that it fetches in `cache`.
pub fn worker_in(folder: &Path, server: &str, name: &str, cache: &Path) -> Process {
    let cache = cache.to_str().unwrap();
    let flags = ["--name", name, "--threads", "1", "--log", "warn", "--cache", cache];
    let arguments = [&["worker", "--server", server], &flags[..]].concat();
    let mut command = program(&arguments);
    Process(command.current_dir(folder).stdout(Stdio::null()).spawn().unwrap())
}

/// A worker that serves one server.
pub fn worker(server: &str, name: &str) -> Process {
    worker_with(server, name, &[])
}

/// The same, with flags.
pub fn worker_with(server: &str, name: &str, flags: &[&str]) -> Process {
    worker_within(server, name, flags, &[])
}

/// The same, with further variables in its environment.
pub fn worker_within(
    server: &str,
    name: &str,
    flags: &[&str],
    variables: &[(&str, &str)],
) -> Process {
    let common = ["worker", "--server", server, "--name", name, "--threads", "1", "--log", "warn"];
    Process::start(&[&common, flags].concat(), variables)
}

/// A server that trains nothing itself.
pub struct Server {
    pub process: Process,
    /// `http://127.0.0.1:` and its port.
    pub address: String,
    pub client: Client,
}

impl Server {
    /// A server on a free port.
    pub fn start(folder: &Path, database: Option<&str>) -> Self {
        Self::start_with(folder, database, &[], &[])
    }

    /// The same with further flags, and variables in its environment.
    pub fn start_with(
        folder: &Path,
        database: Option<&str>,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        Self::listening("127.0.0.1:0", folder, database, flags, variables)
    }

    /// The answer to a GET.
    pub async fn json(&self, path: &str) -> serde_json::Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}{path}", self.address)).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    /// Another server in the place of this one, which is killed.
    pub fn replace(self, folder: &Path, database: Option<&str>) -> Self {
        self.replace_with(folder, database, &[])
    }

    /// The same with further flags.
    pub fn replace_with(mut self, folder: &Path, database: Option<&str>, flags: &[&str]) -> Self {
        self.process.kill();
        let address = self.address.trim_start_matches("http://");
        Self::listening(address, folder, database, flags, &[])
    }

    /// Another server in the place of this one, which is ended in order.
    pub fn restart(mut self, folder: &Path, database: Option<&str>) -> Self {
        assert!(self.process.terminate(), "it ended badly");
        let address = self.address.trim_start_matches("http://");
        Self::listening(address, folder, database, &[], &[])
    }

    fn listening(
        address: &str,
        folder: &Path,
        database: Option<&str>,
        flags: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut arguments = vec!["--listen", address, "--workers", "0"];
        arguments.extend(database.iter().flat_map(|url| ["--database-url", url]));
        arguments.extend(flags);
        Self::with_variables(folder, &arguments, variables)
    }

    /// A server with these flags.
    pub fn with(folder: &Path, flags: &[&str]) -> Self {
        Self::with_variables(folder, flags, &[])
    }

    fn with_variables(folder: &Path, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = folder.to_str().unwrap();
        let mut arguments =
            vec!["serve", "--data-dir", folder, "--lease-ttl", "2", "--log", "warn"];
        arguments.extend(flags);
        let mut process = Process::start(&arguments, variables);
        let mut said = String::new();
        let stdout = process.0.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        let address = said.trim().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("it said {said:?}")).to_owned();
        let client = Client::new(format!("{address}/").parse().unwrap()).unwrap();
        Self { process, address, client }
    }
}
