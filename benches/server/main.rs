//! What a server carries, without any training: scripted workers report, watchers follow, and
//! every event is checked. A real server process on a database that makes every commit durable;
//! a bare insert loop on the same database, in the same run, tells what it does without us, and
//! durable writes of a few blocks meanwhile, how long the disk keeps everybody waiting.
//!
//! `make bench-server`; `ARGS='--seconds 10 --database sqlite'` makes it shorter.

#![allow(clippy::unwrap_used, missing_docs)]

mod bare;
mod large;
mod latency;
#[path = "../../tests/integration/support/postgres.rs"]
#[allow(dead_code, reason = "tests need the rest of it")]
mod postgres;
mod process;
mod queue;
mod watchers;
mod workers;

use clap::{Parser, ValueEnum};
use latency::Latencies;
use process::Server;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

#[derive(Parser)]
struct Args {
    /// How long the load lasts, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Report rows offered a second; 0 for as many as get through
    #[arg(long, default_value_t = 2_200)]
    rows: u64,
    /// Event streams that are followed
    #[arg(long, default_value_t = 500)]
    watchers: usize,
    /// Sweeps that are reported on, each by one worker
    #[arg(long, default_value_t = 20)]
    sweeps: usize,
    /// Sweeps in the list whose pages are asked for
    #[arg(long, default_value_t = 10_000)]
    listed: usize,
    /// Claims that wait while others report
    #[arg(long, default_value_t = 500)]
    idle: usize,
    /// Segments that wait when claims are timed
    #[arg(long, default_value_t = 20_000)]
    queued: usize,
    /// How often each database is measured, anew each time
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Which database
    #[arg(long, default_value = "both")]
    database: Kind,
    /// Another build of the program to measure
    #[arg(long, default_value = env!("CARGO_BIN_EXE_floodgauge"))]
    program: PathBuf,
    // What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
    Both,
}

/// Rows of a post: the paper's twenty levels and plain.
pub const ROWS: usize = 21;

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let mut table = Table::default();
    for _ in 0..args.runs {
        if args.database != Kind::Postgres {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("floodgauge.db").display());
            table.add("SQLite", run(&args, folder.path(), &url, false).await);
        }
        if args.database != Kind::Sqlite {
            let folder = tempfile::tempdir().unwrap();
            let server = postgres::durable_server();
            server.warm_up().await;
            let url = server.new_database().await;
            table.add("Postgres", run(&args, folder.path(), &url, true).await);
        }
    }
    table.print();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let cores = std::thread::available_parallelism().unwrap();
    println!("\n{cores} cores; the machine's load at the end: {}", load.trim());
}

/// Measures everything on one database; a line a figure.
async fn run(
    args: &Args,
    folder: &std::path::Path,
    url: &str,
    is_postgres: bool,
) -> Vec<(&'static str, String)> {
    let bare = bare::transactions(url, folder, is_postgres, Duration::from_secs(5)).await;
    let server = Server::start(&args.program, folder, url).await;
    let idle = server.memory_mib();

    let sweeps = workers::submit(&server, args.sweeps).await;
    let watchers = watchers::follow(&server, &sweeps, args.watchers).await;
    let (own, its) = (process::cpu_of_self(), server.cpu());
    let disk = bare::Disk::start(folder);
    let began = Instant::now();
    let work = workers::claim(&server, sweeps.len()).await;
    let time = Duration::from_secs(args.seconds);
    let mut load = workers::report(&server, &work, args.rows, time).await;
    let took = began.elapsed();
    let mut disk = disk.finish();
    let cores =
        |before: Duration, after: Duration| (after - before).as_secs_f64() / took.as_secs_f64();
    let (own, its) = (cores(own, process::cpu_of_self()), cores(its, server.cpu()));
    let heads = workers::heads(&server, &sweeps).await;
    let events = watchers.finish(&heads).await;
    let (loaded, peak) = (server.memory_mib(), server.peak_memory_mib());

    let [alone, beside] = queue::cost_of_waiting(&server, args.idle).await;
    let mut few = queue::claims(&server, 1_000).await;
    let mut many = queue::claims(&server, args.queued).await;
    let large = large::measure(&server).await;
    let mut pages = workers::page(&server, args.listed).await;
    let rate = load.count() as f64 / took.as_secs_f64();
    let rows = rate * ROWS as f64;
    vec![
        ("report rows committed a second", format!("{rows:.0}")),
        ("posts of 21 rows a second", format!("{rate:.1}")),
        ("bare transactions of 21 rows a second", format!("{bare:.0}")),
        ("posts to bare transactions", format!("{:.2}", rate / bare)),
        ("post, median", ms(load.at(0.5))),
        ("post, p99", ms(load.at(0.99))),
        ("post, longest", ms(load.at(1.0))),
        ("a durable write of 8 KiB meanwhile, median", ms(disk.at(0.5))),
        ("a durable write of 8 KiB meanwhile, p99", ms(disk.at(0.99))),
        ("a durable write of 8 KiB meanwhile, longest", ms(disk.at(1.0))),
        ("event streams", format!("{} over {} sweeps", args.watchers, args.sweeps)),
        ("events received, all in order", events.to_string()),
        ("processor time of a post, no claim waiting", ms(alone)),
        (
            "processor time of a post, claims waiting",
            format!("{} beside {}", ms(beside), args.idle),
        ),
        ("claim, median, 1,000 segments queued", ms(few.at(0.5))),
        ("claim, median, more segments queued", format!("{} of {}", ms(many.at(0.5)), args.queued)),
        ("page of 50 of the list, p99", format!("{} of {}", ms(pages.at(0.99)), args.listed)),
        ("submission of 19,100 trials", ms(large.submitted)),
        ("report of 64 epochs of 191 arms", ms(large.short)),
        ("report of 500 epochs of 191 arms", ms(large.long)),
        ("processor time of a refused body, a MiB", ms(large.refused)),
        ("memory idle", format!("{idle:.0} MiB")),
        ("memory after load, peak", format!("{loaded:.0} MiB, {peak:.0} MiB")),
        ("cores of the server", format!("{its:.2}")),
        ("cores of the load generator", format!("{own:.2}")),
    ]
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Figures by database, as a table of Markdown.
#[derive(Default)]
struct Table {
    columns: Vec<(&'static str, Vec<(&'static str, String)>)>,
}

impl Table {
    fn add(&mut self, database: &'static str, figures: Vec<(&'static str, String)>) {
        self.columns.push((database, figures));
    }

    fn print(&self) {
        let names: Vec<_> = self.columns.iter().map(|(database, _)| *database).collect();
        println!("\n| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
        let rows = self.columns.first().map_or(0, |(_, figures)| figures.len());
        for row in 0..rows {
            let cells: Vec<_> = self.columns.iter().map(|(_, f)| f[row].1.as_str()).collect();
            println!("| {} | {} |", self.columns[0].1[row].0, cells.join(" | "));
        }
    }
}

/// Latencies of several workers, together.
pub fn together(all: Vec<Latencies>) -> Latencies {
    all.into_iter().fold(Latencies::default(), Latencies::and)
}
