//! What is done, in which order: a function of a seed and of nothing that happens meanwhile.

use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    KillWorker,
    KillServer,
    /// Postgres ends its connections, and comes back.
    StopDatabase,
    /// Postgres is gone from one moment to the next, and recovers from its log.
    CrashDatabase,
    /// A worker is stopped until another has taken its lease, then goes on.
    PauseWorker,
    /// A server is stopped for longer than leases last, then goes on.
    PauseServer,
    CutRequests,
    RefuseRequests,
    GarbleAnswers,
    TruncateAnswers,
    FillDisk,
}

/// How many kinds there are.
pub const KINDS: usize = ALL.len();

const ALL: [Fault; 11] = [
    Fault::KillWorker,
    Fault::KillServer,
    Fault::StopDatabase,
    Fault::CrashDatabase,
    Fault::PauseWorker,
    Fault::PauseServer,
    Fault::CutRequests,
    Fault::RefuseRequests,
    Fault::GarbleAnswers,
    Fault::TruncateAnswers,
    Fault::FillDisk,
];

/// One of a seed's faults.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    pub fault: Fault,
    /// Entries of the sweeps' logs to wait for before.
    pub after: usize,
    /// Which worker or server, of as many as there are.
    pub whom: usize,
    /// How many requests.
    pub times: usize,
}

/// The kinds that a database knows.
pub fn kinds(postgres: bool) -> Vec<Fault> {
    let of_postgres = [Fault::StopDatabase, Fault::CrashDatabase];
    ALL.into_iter().filter(|fault| postgres || !of_postgres.contains(fault)).collect()
}

/// The faults of a seed: each kind once in a row of all kinds, in an order that is drawn anew for
/// each row.
pub fn drawn(seed: u64, postgres: bool) -> impl Iterator<Item = Planned> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut row = Vec::new();
    std::iter::repeat_with(move || {
        if row.is_empty() {
            row = kinds(postgres);
            row.shuffle(&mut random);
        }
        Planned {
            fault: row.pop().unwrap(),
            after: random.random_range(1..=5),
            whom: random.random_range(0..2),
            times: random.random_range(1..=3),
        }
    })
}

#[test]
fn a_seed_does_the_same_again_and_every_kind_in_turn() {
    let described = |seed, postgres| -> Vec<String> {
        drawn(seed, postgres).take(3 * KINDS).map(|planned| format!("{planned:?}")).collect()
    };
    assert_eq!(described(7, true), described(7, true));
    assert_ne!(described(7, true), described(8, true));
    for postgres in [false, true] {
        let kinds = kinds(postgres);
        let mut row: Vec<_> = drawn(7, postgres).take(kinds.len()).map(|p| p.fault).collect();
        row.sort_unstable();
        assert_eq!(row, kinds);
    }
}
