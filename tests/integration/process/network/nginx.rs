//! A real nginx on free ports of the loopback interface, with all its files in a folder of its own; it
//! ends when it is dropped.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// An nginx that runs.
pub struct Nginx {
    process: Child,
    /// For TLS and without, as the configuration uses them.
    pub ports: [u16; 2],
    _folder: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Nginx {
    /// Runs with what `http` makes of two free ports, as the contents of the block of that name.
    pub fn start(http: impl Fn([u16; 2]) -> String) -> Self {
        // Between finding a port free and using it, another process may take it.
        (0..5)
            .map(|_| Self::try_start(&http))
            .find(
                |started| !matches!(started, Err(said) if said.contains("Address already in use")),
            )
            .unwrap_or_else(|| Err("no port stays free".into()))
            .unwrap_or_else(|said| panic!("nginx doesn't start: {said}"))
    }

    fn try_start(http: &impl Fn([u16; 2]) -> String) -> Result<Self, String> {
        let free = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = free.map(|listener| listener.local_addr().unwrap().port());
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("nginx.conf");
        std::fs::write(&settings, configuration(&folder, &http(ports))).unwrap();
        let mut process = Command::new(program()?)
            .args(["-e", "stderr", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut all = String::new();
        // It tells this once it listens.
        while !all.contains("getrlimit(RLIMIT_NOFILE)") {
            if said.read_line(&mut all).unwrap() == 0 {
                process.wait().unwrap();
                return Err(all);
            }
        }
        // Read to the end, or a full pipe would stop it.
        std::thread::spawn(move || said.read_to_string(&mut String::new()));
        Ok(Self { process, ports, _folder: folder })
    }
}

fn configuration(folder: &TempDir, http: &str) -> String {
    let folder = folder.path().display();
    let kept: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {folder}/{what};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr notice;\n\
         events {{ worker_connections 512; }}\nhttp {{\naccess_log off;\n{kept}{http}\n}}\n"
    )
}

/// Debian keeps it out of the PATH of those who aren't root.
fn program() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join("nginx"))
        .find(|program| program.exists())
        .ok_or_else(|| "it isn't here; install the package `nginx`".into())
}
