//! `floodgauge completions`: what a shell needs to complete the command line.

use super::{Failure, print};
use clap_complete::Shell;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  source <(floodgauge completions bash)
  floodgauge completions zsh > \"${fpath[1]}/_floodgauge\"
  floodgauge completions fish > ~/.config/fish/completions/floodgauge.fish")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Runs `completions` for the command line that `program` describes.
///
/// # Errors
/// Trouble of standard output.
pub async fn run(args: Args, mut program: clap::Command) -> Result<(), Failure> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, name, &mut script);
    print::verbatim(String::from_utf8_lossy(&script).trim_end())
}
