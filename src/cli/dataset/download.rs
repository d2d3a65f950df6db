//! `floodgauge dataset download`: fetches the files of known sets to the data folder.

use super::{Failure, bytes_bar, dataset_name, print};
use crate::config::{Data, Trust, file_server};
use floodgauge_datasets::{
    Folder,
    download::{DownloadError, Downloads, Progress, fetch},
};
use floodgauge_protocol::DatasetName;
use indicatif::ProgressBar;
use reqwest::Url;

/// Download known data sets to the data folder of a server on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files that are there are kept; a download that broke off goes on where it was; every file is
checked by its SHA-256.

Examples:
  floodgauge dataset download mnist cifar10
  floodgauge dataset download svhn --data /srv/data --mirror https://mirror.example/sets")]
pub struct Args {
    /// Their names: mnist, fashion_mnist, kmnist, cifar10, cifar100 or svhn
    #[arg(required = true, value_parser = dataset_name)]
    names: Vec<DatasetName>,
    #[command(flatten)]
    data: Data,
    /// Another address than the public ones; files lie there under SET/FILE
    #[arg(long, env = "FLOODGAUGE_MIRROR", value_name = "URL", value_parser = file_server)]
    mirror: Option<Url>,
    #[command(flatten)]
    trust: Trust,
}

/// Runs `dataset download`.
///
/// # Errors
/// [`Failure::BadInput`] for a set that doesn't come as files, or certificates that can't be read; the
/// first file that can't be had.
pub async fn run(args: Args) -> Result<(), Failure> {
    let folder = Folder::new(args.data.folder);
    let authorities = args.trust.authorities().map_err(Failure::BadInput)?;
    let downloads = Downloads { mirror: args.mirror, authorities, ..Downloads::default() };
    for name in &args.names {
        let mut bar: Option<(String, ProgressBar)> = None;
        let mut progress = |progress: Progress<'_>| {
            if bar.as_ref().is_none_or(|(file, _)| file != progress.file) {
                print::note(&format!("{name}: {}, {} bytes", progress.file, progress.total));
                bar = Some((progress.file.into(), bytes_bar(progress.file, progress.total)));
            }
            if let Some((_, bar)) = &bar {
                bar.set_position(progress.done);
            }
        };
        let fetched = fetch(name, &folder, &downloads, &mut progress).await;
        if let Some((_, bar)) = bar {
            bar.finish_and_clear();
        }
        fetched.map_err(|error| match error {
            DownloadError::NoFiles(_) => Failure::BadInput(error.to_string()),
            error => Failure::Other(error.into()),
        })?;
        print::out(&format!("{name} is in {}", folder.of(name).display()))?;
    }
    Ok(())
}
