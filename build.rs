//! Makes sure that the folder exists which the page is embedded from, so that the crate
//! compiles before the page was ever built, and anew once it was.

use std::{fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=web/dist");
    fs::create_dir_all("web/dist")
}
