//! `floodgauge demo`: a server, a worker and a small sweep, with nothing to set up.

use super::{
    Failure,
    commands::Commands,
    listen, log, print,
    server::{Server, Settings, open_store},
    signals,
    sole::Sole,
    sweep_file, watch, words,
};
use crate::{
    access::OpenTo,
    client::Client,
    config::{
        Connections, DEFAULT_LISTEN, Data, Drain, Listen, Log, Retention, Storage, Work,
        socket_address,
    },
};
use anyhow::Context as _;
use console::style;
use floodgauge_protocol::{SweepSpec, text};
use std::{io, net::SocketAddr, path::PathBuf, pin::pin};
use tokio::net::TcpListener;

/// The sweep that is run.
const SWEEP: &str = include_str!("../../examples/digits.toml");

/// How many ports are tried, if the usual one is taken.
const PORTS_TRIED: u16 = 100;

/// Find the flood level of a small recipe, with nothing to set up
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge demo
  floodgauge demo --exit --json > best.json")]
pub struct Args {
    /// End once the answer is there, instead of serving the page until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Print nothing but the answer, as JSON, to standard output
    #[arg(long)]
    json: bool,
    /// Address and port to listen on; without it 127.0.0.1:7878, or the next port that is free
    #[arg(long, value_name = "ADDRESS", value_parser = socket_address)]
    listen: Option<SocketAddr>,
    /// Keep database and blobs in this folder; without it they are deleted at the end
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    log: Log,
}

/// Runs `demo`.
///
/// # Errors
/// As `serve` and `submit --watch`.
pub async fn run(args: Args) -> Result<(), Failure> {
    let _logging = log::start(&args.log, "warn", "floodgauge")?;
    let spec = sweep_file::parse(SWEEP).map_err(Failure::BadInput)?;
    let scratch = crate::scratch::folder().context("nothing can be kept")?;
    let storage = Storage::in_folder(args.data_dir.as_deref().unwrap_or(scratch.path()));
    let listener = listener(args.listen).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let settings = Settings {
        storage: &storage,
        work: &Work::one_worker(),
        data: &Data::none(),
        listen: &Listen::on(address),
        connections: Connections::default(),
        retention: Retention::for_ever(),
    };
    let mut sole = Sole::of(&storage).await?;
    if let Some(sole) = &mut sole {
        sole.publish(&format!("http://{address}"))?;
    }
    let server = Server::start(listener, open_store(&storage).await?, settings).await?;
    let client = Client::new(server.url.clone())?.with_texts(text::escaped);
    let commands = Commands::at(&server.url);

    let demo = async {
        let mut interrupted = pin!(signals::interrupted());
        tokio::select! {
            found = find(&client, &commands, &spec, args.json) => found?,
            () = &mut interrupted => {
                return Err(Failure::Sweep("ended before the sweep did".into()));
            }
        }
        if !args.exit {
            print::note("\nthe page stays until Ctrl-C");
            interrupted.await;
        }
        Ok(())
    };
    server.run_until(demo, &Drain::default_timeout()).await
}

/// Submits the sweep, follows it to its end and prints the answer.
async fn find(
    client: &Client,
    commands: &Commands,
    spec: &SweepSpec,
    json: bool,
) -> Result<(), Failure> {
    let made = client.submit(spec, None).await?.value;
    let page = words::page(client.server(), made.summary.id);
    let arms = made.summary.arms;
    print::note(&format!(
        "finding the flood level of `{}`: {arms} arms of {} each\n{}\n",
        spec.name,
        words::epochs(spec.recipe.epochs),
        style(&page).for_stderr().underlined(),
    ));
    let best = watch::follow(client, commands, &made).await?;
    if json {
        return print::json(&best.body);
    }
    print::out(&format!(
        "{}\n{}",
        words::card(&best.value, &made, commands),
        words::line("page", &page)
    ))
}

/// Listens where it was asked to or, if it wasn't, on the usual port or the next free one.
async fn listener(asked: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    if let Some(address) = asked {
        if Listen::on(address).open_to() == OpenTo::Nobody {
            return Err(Failure::BadInput(format!(
                "{address} can be reached from other machines, and the demo is for this one alone: listen on \
                 127.0.0.1, or use `floodgauge serve`"
            )));
        }
        return listen::on(address).await;
    }
    let usual: SocketAddr = DEFAULT_LISTEN.parse().context("the usual address")?;
    next_free(usual).await
}

/// Listens on the first free port from that of `usual` on.
async fn next_free(usual: SocketAddr) -> Result<TcpListener, Failure> {
    for port in usual.port()..=usual.port().saturating_add(PORTS_TRIED) {
        match TcpListener::bind((usual.ip(), port)).await {
            Ok(listener) => {
                if port != usual.port() {
                    print::note(&format!("port {} is taken; using {port}", usual.port()));
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => {
                let message = format!("can't listen on {}:{port}", usual.ip());
                return Err(anyhow::Error::new(error).context(message).into());
            }
        }
    }
    let (first, last) = (usual.port(), usual.port().saturating_add(PORTS_TRIED));
    Err(anyhow::anyhow!("every port from {first} to {last} is taken; name one with --listen")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_gives_way_to_the_next_free_one() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let usual = taken.local_addr().unwrap();
        let next = next_free(usual).await.unwrap().local_addr().unwrap();
        assert!(next.port() > usual.port());
    }

    #[tokio::test]
    async fn a_taken_port_that_was_asked_for_is_an_error() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let failure = listener(Some(address)).await.unwrap_err();
        assert!(failure.to_string().contains(&address.to_string()), "{failure}");
    }

    #[tokio::test]
    async fn an_address_that_others_reach_is_refused() {
        let failure = listener(Some("0.0.0.0:0".parse().unwrap())).await.unwrap_err().to_string();
        assert!(failure.contains("the demo is for this one alone"), "{failure}");
    }
}
