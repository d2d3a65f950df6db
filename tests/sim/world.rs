//! The workers, and the server's rules about leases: a claim counts attempts, who lost its lease is
//! refused, what is known already is sifted out.

use crate::{case::Case, dice::Dice};
use floodgauge::{
    scheduler::{Action, Decision, Event, Sweep, facts::newer},
    simulate::worker::VirtualWorker,
};
use floodgauge_protocol::{
    ArmIx, Segment, SegmentId,
    work::{BranchEnd, FinishedBranch, ReportRow},
};
use std::collections::BTreeMap;

/// How often a segment may be lost or fail in a world where nothing is to be given up.
const MISHAPS: u32 = 2;

/// How workers behave.
#[derive(Clone, Debug)]
pub struct Manners {
    dice: Dice,
    workers: usize,
    /// How likely each is, whenever a worker acts.
    dies: f64,
    fails: f64,
    repeats: f64,
    reorders: f64,
    saves: f64,
    /// How likely a worker's machine is in trouble, however often it was.
    troubles: f64,
    /// Whether failures are so many that segments are given up.
    pub hostile: bool,
}

impl Manners {
    /// The manners of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 7);
        let hostile = dice.chance(0.1);
        Self {
            workers: 1 + dice.below(5),
            dies: dice.one_of(&[0.0, 0.02, 0.1]),
            fails: if hostile { 0.3 } else { dice.one_of(&[0.0, 0.05]) },
            repeats: dice.one_of(&[0.0, 0.2]),
            reorders: dice.one_of(&[0.0, 0.2]),
            saves: 0.0,
            troubles: Dice::new(seed, 17).one_of(&[0.0, 0.2]),
            hostile,
            dice,
        }
    }

    /// A few workers that save what they train, and some of whom die or fail.
    pub fn saving(seed: u64) -> Self {
        let dice = Dice::new(seed, 13);
        Self {
            dice,
            workers: 3,
            dies: 0.04,
            fails: 0.04,
            saves: 0.4,
            troubles: 0.04,
            ..Self::obedient()
        }
    }

    /// Throws the dice of its workers for something else.
    pub fn chance(&mut self, chance: f64) -> bool {
        self.dice.chance(chance)
    }

    /// The same, for one of so many.
    pub fn below(&mut self, count: usize) -> usize {
        self.dice.below(count)
    }

    /// One worker that does what it is told, in order.
    pub fn obedient() -> Self {
        let dice = Dice::new(0, 0);
        Self {
            dice,
            workers: 1,
            dies: 0.0,
            fails: 0.0,
            repeats: 0.0,
            reorders: 0.0,
            saves: 0.0,
            troubles: 0.0,
            hostile: false,
        }
    }
}

/// A worker at its segment.
pub struct Worker {
    pub segment: Segment,
    pub attempt: u32,
    /// Epoch by epoch.
    pub rows: Vec<ReportRow>,
    pub sent: usize,
    /// It no longer answers, and its lease expires; or it comes back when that has happened.
    pub dead: bool,
}

/// A sweep, its log, and who works on it.
pub struct World {
    pub case: Case,
    pub sweep: Sweep,
    pub log: Vec<(Event, Vec<Decision>)>,
    /// Rows that were taken in as new.
    pub taken: Vec<(Segment, ReportRow)>,
    pub manners: Manners,
    /// Segments that were enqueued, in order.
    pub enqueued: Vec<SegmentId>,
    /// Things that the server refused, and that would have changed something.
    pub wrong: Vec<String>,
    queue: BTreeMap<SegmentId, Segment>,
    attempts: BTreeMap<SegmentId, u32>,
    mishaps: BTreeMap<SegmentId, u32>,
    pub busy: Vec<Worker>,
    zombies: Vec<Worker>,
}

impl World {
    pub fn new(case: Case, manners: Manners) -> Self {
        let mut world = Self {
            sweep: case.sweep(),
            case,
            manners,
            log: vec![],
            taken: vec![],
            enqueued: vec![],
            wrong: vec![],
            queue: BTreeMap::new(),
            attempts: BTreeMap::new(),
            mishaps: BTreeMap::new(),
            busy: vec![],
            zombies: vec![],
        };
        let spec = Box::new(world.case.spec.clone());
        world.event(Event::Submitted { spec });
        world
    }

    /// Lets the workers act until nothing is left to do.
    pub fn run(&mut self) {
        self.run_until(usize::MAX);
    }

    /// Whether nothing is left to do.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.busy.is_empty()
    }

    /// Lets them act until the log has so many entries, or nothing is left to do.
    pub fn run_until(&mut self, entries: usize) {
        while self.log.len() < entries && !self.is_idle() {
            let idle = self.busy.len() < self.manners.workers && !self.queue.is_empty();
            if idle && (self.busy.is_empty() || self.manners.dice.chance(0.5)) {
                self.claim();
            } else {
                let at = self.manners.dice.below(self.busy.len());
                self.act(at);
            }
            self.haunt();
        }
    }

    pub fn event(&mut self, event: Event) {
        let decisions = self.sweep.step(&event);
        self.case.plan = self.sweep.facts().space().clone();
        self.case.epochs = self.sweep.facts().spec().recipe.epochs;
        for decision in &decisions {
            match &decision.action {
                Action::Enqueue { segment } => {
                    self.enqueued.push(segment.segment);
                    self.queue.insert(segment.segment, segment.clone());
                }
                Action::Retry { segment } => self.requeue(*segment),
                Action::Withdraw { segment } => drop(self.queue.remove(segment)),
                _ => {}
            }
        }
        if let Event::StartedOver { family, .. } = &event {
            self.taken.retain(|(segment, _)| segment.family != *family);
        }
        // Who holds what was withdrawn, hears of it too late.
        let open = |worker: &Worker| {
            self.sweep.facts().segments().get_open(worker.segment.segment).is_some()
        };
        let (busy, gone) = std::mem::take(&mut self.busy).into_iter().partition(open);
        self.busy = busy;
        self.zombies.extend::<Vec<_>>(gone);
        self.log.push((event, decisions));
    }

    pub fn requeue(&mut self, segment: SegmentId) {
        if let Some(open) = self.sweep.facts().segments().get_open(segment) {
            self.queue.insert(segment, open.clone());
        }
    }

    pub fn claim(&mut self) {
        // Most take the oldest; some get another first.
        let pick = match self.manners.workers {
            1 => 0,
            _ if self.queue.is_empty() => return,
            _ => self.manners.dice.below(self.queue.len()),
        };
        let Some(segment) = self.queue.keys().nth(pick).copied() else { return };
        let Some(work) = self.queue.remove(&segment) else { return };
        let attempt = self.attempts.get(&segment).map_or(1, |attempt| attempt + 1);
        self.attempts.insert(segment, attempt);
        let (worker, fingerprint) = (format!("w{attempt}"), "f".to_string());
        self.event(Event::Claimed { segment, attempt, worker, fingerprint });
        let mut rows = VirtualWorker::new(&self.sweep, &self.case, work.family).rows(&work);
        let ended = |row: &ReportRow| self.case.diverged(work.family, row.arms[0], row.epoch - 1);
        rows.retain(|row| !ended(row));
        self.busy.push(Worker { segment: work, attempt, rows, sent: 0, dead: false });
    }

    fn may_go_wrong(&mut self, segment: SegmentId) -> bool {
        let mishaps = self.mishaps.entry(segment).or_default();
        let allowed = self.manners.hostile || *mishaps < MISHAPS;
        *mishaps += u32::from(allowed);
        allowed
    }

    fn act(&mut self, at: usize) {
        let segment = self.busy[at].segment.segment;
        let attempt = self.busy[at].attempt;
        if self.busy[at].dead {
            let worker = self.busy.swap_remove(at);
            if self.sweep.facts().segments().may_expire(segment) {
                let name = format!("w{attempt}");
                self.event(Event::Expired { segment, attempt, worker: name });
            }
            self.event(Event::Lost { segment, attempt });
            self.requeue(segment);
            self.zombies.push(worker);
            return;
        }
        if self.manners.dice.chance(self.manners.dies) && self.may_go_wrong(segment) {
            self.busy[at].dead = true;
            return;
        }
        if self.manners.dice.chance(self.manners.fails) && self.may_go_wrong(segment) {
            self.zombies.push(self.busy.swap_remove(at));
            self.event(Event::Failed { segment, attempt, message: "the disk is full".into() });
            return;
        }
        if self.manners.troubles > 0.0 && self.manners.dice.chance(self.manners.troubles) {
            self.zombies.push(self.busy.swap_remove(at));
            let worker = format!("w{attempt}");
            let message = "its disk is full".into();
            let backoff_s = Some(self.sweep.facts().segments().backoff_after_hand_back(segment));
            self.event(Event::HandedBack {
                segment,
                attempt,
                worker,
                message,
                retry_in_s: 2,
                backoff_s,
            });
            return;
        }
        let left = self.busy[at].rows.len() - self.busy[at].sent;
        if left == 0 {
            let worker = self.busy.swap_remove(at);
            self.finish(&worker);
            if self.manners.dice.chance(self.manners.repeats) {
                self.zombies.push(worker);
            }
            return;
        }
        let count = 1 + self.manners.dice.below(left);
        let from = self.busy[at].sent;
        let reorder = self.manners.dice.chance(self.manners.reorders);
        if reorder && count < left {
            // What comes too early is refused, and sent again in its turn.
            let early = self.busy[at].rows[from + count..].to_vec();
            self.report(segment, attempt, &early);
        }
        let rows = self.busy[at].rows[from..from + count].to_vec();
        self.report(segment, attempt, &rows);
        if self.manners.dice.chance(self.manners.repeats) {
            self.report(segment, attempt, &rows);
        }
        self.busy[at].sent += count;
        if self.manners.saves > 0.0 && self.manners.dice.chance(self.manners.saves) {
            self.save(at);
        }
    }

    /// A worker uploads the states of the last epoch that it has reported as a whole.
    fn save(&mut self, at: usize) {
        let worker = &self.busy[at];
        let per_epoch = self.sweep.facts().steps_per_epoch();
        let Some(next) = worker.rows.get(worker.sent) else { return };
        let to_step = u64::from(next.epoch - 1) * per_epoch;
        if to_step <= worker.segment.from_step {
            return;
        }
        let (segment, attempt) = (worker.segment.segment, worker.attempt);
        let branches = self.cut(&worker.segment, to_step);
        if let Err(error) = self.sweep.facts().check_saved(segment, &branches) {
            self.wrong.push(format!("segment {segment} can't be saved: {error}"));
        }
        let branches = newer(self.sweep.facts(), segment, &branches);
        if !branches.is_empty() {
            self.event(Event::Saved { segment, attempt, branches });
        }
    }

    /// How the runs of a segment are at the end of an epoch of it.
    pub fn cut(&self, segment: &Segment, to_step: u64) -> Vec<FinishedBranch> {
        let mut branches = self.ends(&Segment { to_step, ..segment.clone() });
        let cut = |branch: &&mut FinishedBranch| {
            branch.end == BranchEnd::Reached && branch.step == to_step
        };
        if to_step < segment.to_step {
            branches.iter_mut().filter(cut).for_each(|branch| branch.end = BranchEnd::Stopped);
        }
        branches
    }

    pub fn report(&mut self, segment: SegmentId, attempt: u32, rows: &[ReportRow]) {
        let Ok(sifted) = self.sweep.facts().sift(segment, rows) else { return };
        if !sifted.contradicting.is_empty() {
            self.wrong.push(format!("segment {segment}: known rows with other bits"));
        }
        if sifted.new.is_empty() && sifted.redone == 0 {
            return;
        }
        if let Some(work) = self.sweep.facts().segments().get_open(segment).cloned() {
            self.taken.extend(sifted.new.iter().map(|row| (work.clone(), row.clone())));
        }
        let (rows, redone) = (sifted.new, sifted.redone);
        self.event(Event::Reported { segment, attempt, rows, redone });
    }

    fn ends(&self, segment: &Segment) -> Vec<FinishedBranch> {
        let mut ends = VirtualWorker::new(&self.sweep, &self.case, segment.family).ends(segment);
        let seed = self.sweep.facts().space().families[segment.family.ix()].seed;
        for end in ends.iter_mut().filter(|end| end.arms.contains(&ArmIx::PLAIN)) {
            end.minima = self.case.minima(seed, segment.from_step..segment.to_step.min(end.step));
        }
        let per_epoch = self.sweep.facts().steps_per_epoch();
        for end in ends.iter_mut().filter(|end| end.test.is_none()) {
            let arm = end.arms[0];
            let diverged = |&epoch: &u32| self.case.diverged(segment.family, arm, epoch);
            if let Some(epoch) = (1..=(end.step / per_epoch) as u32).find(diverged) {
                let onset_step = end.onset_step;
                // Whoever had an onset was trained beyond it.
                let step =
                    onset_step.map_or(0, |onset| onset + 1).max(u64::from(epoch) * per_epoch);
                let diverged = FinishedBranch::new(end.arms.clone(), BranchEnd::Diverged, step);
                *end = FinishedBranch { onset_step, ..diverged };
            }
        }
        ends
    }

    fn finish(&mut self, worker: &Worker) {
        self.hand_in(worker, self.ends(&worker.segment));
    }

    pub fn hand_in(&mut self, worker: &Worker, branches: Vec<FinishedBranch>) {
        let (segment, attempt) = (worker.segment.segment, worker.attempt);
        if let Err(error) = self.sweep.facts().check_finish(segment, &branches) {
            self.wrong.push(format!("segment {segment} can't be handed in: {error}"));
        }
        self.event(Event::Finished { segment, attempt, branches });
    }

    /// Those whose lease is gone say their last. A server would refuse it by its attempt; a
    /// segment that is over takes nothing in even so.
    fn haunt(&mut self) {
        let Some(zombie) = self.zombies.pop() else { return };
        let (segment, attempt) = (zombie.segment.segment, zombie.attempt);
        if self.sweep.facts().segments().get_open(segment).is_none() {
            let before = self.sweep.clone();
            let branches = self.ends(&zombie.segment);
            let decisions = self.sweep.step(&Event::Finished { segment, attempt, branches });
            if !decisions.is_empty() || self.sweep != before {
                self.wrong.push(format!("segment {segment} was over, and changed something"));
            }
        }
    }

    /// Prints the log in words.
    pub fn print(&self) {
        println!("{}", serde_json::to_string_pretty(&self.case.spec).unwrap());
        for (seq, (event, decisions)) in (1..).zip(&self.log) {
            println!("{seq} {}", event.name());
            for decision in decisions {
                println!("    {}", decision.reason);
            }
        }
    }
}
