//! The server under test, and what processes use.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A server process; it ends when dropped.
pub struct Server {
    process: Child,
    pub address: String,
    pub http: reqwest::Client,
}

impl Server {
    pub async fn start(program: &Path, folder: &Path, database: &str) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FLOODGAUGE_")) {
            command.env_remove(name);
        }
        let folder = folder.to_str().unwrap();
        command.args(["serve", "--listen", "127.0.0.1:0", "--workers", "0", "--log", "warn"]);
        command.args(["--data-dir", folder, "--database-url", database]);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let address = said.trim().strip_prefix("listening on ").unwrap().to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let server = Self { process, address, http };
        // Whatever it does at its start is done once it answers.
        server.get("/readyz").await;
        server
    }

    pub async fn get(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.address)).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    /// Memory that is resident now.
    pub fn memory_mib(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// The most that ever was.
    pub fn peak_memory_mib(&self) -> f64 {
        self.status("VmHWM:")
    }

    pub fn cpu(&self) -> Duration {
        cpu(&self.process.id().to_string())
    }

    fn status(&self, field: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn cpu_of_self() -> Duration {
    cpu("self")
}

/// The processor time of a process, in user and system mode.
fn cpu(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name, in brackets, may hold spaces.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    // state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime …
    let ticks: u64 =
        rest.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    // Ticks are hundredths of a second on every Linux.
    Duration::from_millis(10 * ticks)
}
