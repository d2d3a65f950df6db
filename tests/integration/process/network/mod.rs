//! What lies between programs and their server: nginx as the documentation has it, TLS with authorities that only
//! we know, proxies to the world.

mod authorities;
mod documented;
mod forward_proxy;
mod nginx;
mod proxies;
mod refusals;
mod tls;

use super::programs::program;
use floodgauge::client::{Authorities, Client};
use floodgauge_protocol::{Levels, SweepSpec};
use std::path::Path;

/// A sweep that is trained in a moment, on samples that no worker needs to fetch.
fn quick() -> SweepSpec {
    let mut spec = super::spec();
    spec.recipe.epochs = 3;
    spec.search.levels = Levels::List(vec![1.0]);
    spec.search.seeds = vec![0];
    spec
}

/// A client of a server whose certificate is of an authority of ours.
fn trusting(address: &str, authority: &Path) -> Client {
    let authorities = Authorities::read(authority).unwrap();
    Client::trusting(address.parse().unwrap(), &authorities).unwrap()
}

/// What a command printed, what it complained of, and its exit code.
struct Said {
    printed: String,
    complaint: String,
    code: Option<i32>,
}

/// Runs a command with these variables, and without those of whoever runs the tests that name proxies.
fn said(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = program(arguments);
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    Said {
        printed: String::from_utf8(output.stdout).unwrap(),
        complaint: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}
