//! What is done, in which order: a function of a seed, but that a fault which met no work comes again later.

use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

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
    /// A proxy takes no bodies as large as a checkpoint.
    RefuseBodies,
    FillDisk,
    /// A worker can't keep the data set that it is to train on.
    BreakDisk,
    /// A checkpoint that is to be gone on from is altered, cut or deleted.
    DamageBlob,
    /// All workers are gone for good, and only another kind of machine is there for a while.
    LoseMachines,
    /// Clients ask for streams and tables, and read none of them.
    ReadSlowly,
    /// The clock of servers and workers is set by hours, and right again after a while.
    SetClock,
}

/// How many kinds there are.
pub const KINDS: usize = ALL.len();

const ALL: [Fault; 17] = [
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
    Fault::RefuseBodies,
    Fault::FillDisk,
    Fault::BreakDisk,
    Fault::DamageBlob,
    Fault::LoseMachines,
    Fault::ReadSlowly,
    Fault::SetClock,
];

/// One of a seed's faults.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    pub fault: Fault,
    /// Entries of the sweeps' logs to wait for before.
    pub after: usize,
    /// Which worker or server, of as many as there are.
    pub whom: usize,
    /// How many requests, hours, or which kind of damage.
    pub times: usize,
}

/// The kinds that a database knows.
pub fn kinds(postgres: bool) -> Vec<Fault> {
    let of_postgres = [Fault::StopDatabase, Fault::CrashDatabase];
    ALL.into_iter().filter(|fault| postgres || !of_postgres.contains(fault)).collect()
}

/// The faults of a seed: each kind once in a row of all kinds, in an order that is drawn anew for
/// each row.
pub struct Plan {
    random: ChaCha8Rng,
    postgres: bool,
    row: VecDeque<Planned>,
}

impl Plan {
    pub fn new(seed: u64, postgres: bool) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), postgres, row: VecDeque::new() }
    }

    /// What is done next.
    pub fn draw(&mut self) -> Planned {
        self.fill();
        self.row.pop_front().unwrap()
    }

    /// Draws a row, if none is left.
    fn fill(&mut self) {
        if self.row.is_empty() {
            let mut row = kinds(self.postgres);
            row.shuffle(&mut self.random);
            let random = &mut self.random;
            self.row.extend(row.into_iter().map(|fault| Planned {
                fault,
                after: random.random_range(1..=5),
                whom: random.random_range(0..2),
                times: random.random_range(1..=3),
            }));
        }
    }

    /// Has a fault that wasn't tried come next.
    pub fn put_first(&mut self, planned: Planned) {
        self.row.push_front(planned);
    }

    /// Has a fault that met no work come again, after those that are left of its row or, if none are, after
    /// the next.
    pub fn put_off(&mut self, planned: Planned) {
        self.fill();
        self.row.push_back(planned);
    }
}

#[test]
fn a_seed_does_the_same_again_and_every_kind_in_turn() {
    let described = |seed, postgres| -> Vec<String> {
        let mut plan = Plan::new(seed, postgres);
        (0..3 * KINDS).map(|_| format!("{:?}", plan.draw())).collect()
    };
    assert_eq!(described(7, true), described(7, true));
    assert_ne!(described(7, true), described(8, true));
    for postgres in [false, true] {
        let (kinds, mut plan) = (kinds(postgres), Plan::new(7, postgres));
        let mut row: Vec<_> = kinds.iter().map(|_| plan.draw().fault).collect();
        row.sort_unstable();
        assert_eq!(row, kinds);
    }
}

#[test]
fn a_fault_that_met_no_work_comes_again_in_its_row() {
    let mut plan = Plan::new(7, true);
    let met_none = plan.draw();
    plan.put_off(met_none);
    let mut row: Vec<_> = (0..KINDS).map(|_| plan.draw().fault).collect();
    assert_eq!(row.last(), Some(&met_none.fault));
    row.sort_unstable();
    assert_eq!(row, ALL);
}
