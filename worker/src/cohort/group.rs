//! Members that one thread trains as one stacked model.

use super::{
    batches::{BATCHES_AHEAD, Batch, Batches},
    keep::{BestState, Kept},
    loops,
    member::{Member, StepOutcome},
    metrics::measured,
    setup::{Step, TrainingSetup},
    stack::Stack,
    tensors::{self, Unread},
};
use crate::{
    checkpoint::State,
    data::Samples,
    device::{Arithmetic, Machine},
    evaluate::{self, Scores},
    flood::Weights,
};
use burn::tensor::Device;
use floodgauge_protocol::{Metric, Segment};
use std::{
    collections::VecDeque,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

/// Several members stacked.
pub(super) struct Group {
    pub members: Vec<Member>,
    pub stack: Stack,
    pub device: Device,
    /// The most members that it may have.
    pub room: usize,
    /// Members that there was no room for, with the states that they go on from.
    pub waiting: Vec<(Member, State)>,
    /// What forward, backward and update took.
    pub work: Duration,
    /// The mini-batches of the steps to come, as far as they are put together.
    next: VecDeque<(u64, Batch)>,
    engine: Engine,
    block: u64,
}

/// What computes steps; tensors with the members' methods where the device sees them.
enum Engine {
    Loops,
    Tensors(Box<Weights>),
}

impl Engine {
    fn of(arithmetic: Arithmetic, members: &[Member], device: &Device) -> Self {
        let methods = || members.iter().map(|member| member.method).collect::<Vec<_>>();
        match arithmetic {
            Arithmetic::Loops => Self::Loops,
            Arithmetic::Tensors => Self::Tensors(Box::new(Weights::of(&methods(), device))),
        }
    }
}

/// A step that has gone forward.
enum Forward {
    Loops(loops::Pass),
    Tensors(tensors::Pass),
}

impl Forward {
    /// The members' mean losses.
    fn means(&self) -> Vec<f64> {
        match self {
            Self::Loops(pass) => pass.means.clone(),
            Self::Tensors(pass) => pass.means(),
        }
    }
}

/// What a step found out, or will have.
enum Taken {
    Known(Vec<StepOutcome>),
    Unread(Box<Unread>),
}

impl Group {
    /// Stacks members with their states; it has room for as many as `room`.
    pub fn new(
        setup: &TrainingSetup,
        members: Vec<Member>,
        states: &[State],
        machine: &Machine,
        room: usize,
    ) -> Self {
        let device = machine.device().clone();
        Self {
            stack: Stack::new(setup, states, &device),
            engine: Engine::of(machine.arithmetic(), &members, &device),
            members,
            device,
            room,
            waiting: vec![],
            work: Duration::ZERO,
            next: VecDeque::new(),
            block: machine.block(),
        }
    }

    /// Has other members from here on.
    pub fn refill(&mut self, setup: &TrainingSetup, members: Vec<Member>, states: &[State]) {
        self.stack = Stack::new(setup, states, &self.device);
        if let Engine::Tensors(_) = self.engine {
            self.engine = Engine::of(Arithmetic::Tensors, &members, &self.device);
        }
        self.members = members;
    }

    /// The members and their states after `step` steps.
    pub fn unstack(&self, setup: &TrainingSetup, step: u64) -> Vec<(Member, State)> {
        let arrays = self.stack.all_arrays(setup, self.members.len());
        let states =
            self.members.iter().zip(arrays).map(|(member, arrays)| {
                (member.clone(), State { arrays, step, tally: member.tally })
            });
        states.collect()
    }

    /// Takes steps, some of those given, and forks the arms that part at one of them before they
    /// take it. Gives the number of the next step.
    pub fn train_steps(
        &mut self,
        setup: &TrainingSetup,
        steps: Range<u64>,
        batches: &Batches<'_>,
    ) -> u64 {
        let all = steps;
        let steps = all.start..all.end.min(all.start + self.block);
        if steps.end == steps.start + 1 {
            self.train_first(setup, all, batches);
            return steps.end;
        }
        let before = self.stack.clone();
        let taken = steps.clone().map(|step| self.take(setup, step, batches)).collect();
        for (step, outcomes) in steps.clone().zip(self.read(taken)) {
            let losses: Vec<_> = outcomes.iter().map(|outcome| outcome.mean_loss).collect();
            if self.forks(losses.iter().copied()) {
                // Back to where the block began, and to this step again, which now is the first.
                self.stack = before;
                for again in steps.start..step {
                    self.take(setup, again, batches);
                }
                self.fork(setup, step, &losses);
                return step;
            }
            self.record(step, outcomes);
        }
        steps.end
    }

    /// Takes the first of `steps`, and looks at its losses before it moves the weights. A thread
    /// that has nothing to do meanwhile puts the next mini-batches together.
    fn train_first(&mut self, setup: &TrainingSetup, steps: Range<u64>, batches: &Batches<'_>) {
        let (number, next) = (steps.start, steps.start + 1);
        let batch = match self.next.pop_front() {
            Some((step, batch)) if step == number => batch,
            _ => {
                self.next.clear();
                batches.on(&self.device, number)
            }
        };
        if !self.next.is_empty() {
            return self.take_one(setup, number, &batch);
        }
        let device = self.device.clone();
        let gather = |step| (step, batches.on(&device, step));
        let ((), next) = rayon::join(
            || self.take_one(setup, number, &batch),
            || (next..steps.end.min(next + BATCHES_AHEAD)).map(gather).collect(),
        );
        self.next = next;
    }

    fn take_one(&mut self, setup: &TrainingSetup, number: u64, batch: &Batch) {
        let began = Instant::now();
        let mut forward = self.forward(batch);
        let losses = forward.means();
        if self.forks(losses.iter().copied()) {
            self.fork(setup, number, &losses);
            forward = self.forward(batch);
        }
        let taken = self.back(forward, batch, setup.step(number));
        self.work += began.elapsed();
        let steps = self.read(vec![taken]);
        steps.into_iter().for_each(|outcomes| self.record(number, outcomes));
    }

    /// Takes a step without a look at its losses.
    fn take(&mut self, setup: &TrainingSetup, number: u64, batches: &Batches<'_>) -> Taken {
        let batch = batches.on(&self.device, number);
        let began = Instant::now();
        let forward = self.forward(&batch);
        let taken = self.back(forward, &batch, setup.step(number));
        self.work += began.elapsed();
        taken
    }

    fn forward(&self, batch: &Batch) -> Forward {
        match self.engine {
            Engine::Loops => Forward::Loops(loops::Pass::forward(&self.stack.model, batch)),
            Engine::Tensors(_) => {
                Forward::Tensors(tensors::Pass::forward(&self.stack.model, batch))
            }
        }
    }

    fn back(&mut self, forward: Forward, batch: &Batch, step: Step) -> Taken {
        let (stack, members) = (&mut self.stack, &self.members);
        match (forward, &self.engine) {
            (Forward::Tensors(pass), Engine::Tensors(weights)) => {
                let taken = tensors::take(stack, members, weights, pass, batch, step);
                Taken::Unread(Box::new(taken))
            }
            (Forward::Loops(pass), _) => {
                Taken::Known(loops::take(stack, members, pass, batch, step))
            }
            (Forward::Tensors(_), Engine::Loops) => unreachable!("a group keeps its engine"),
        }
    }

    /// The members' outcomes of each step.
    fn read(&mut self, taken: Vec<Taken>) -> Vec<Vec<StepOutcome>> {
        let began = Instant::now();
        let (mut known, mut unread) = (vec![], vec![]);
        for taken in taken {
            match taken {
                Taken::Known(outcomes) => known.push(outcomes),
                Taken::Unread(outcomes) => unread.push(*outcomes),
            }
        }
        known.extend(Unread::read(unread, &self.members));
        self.work += began.elapsed();
        known
    }

    fn record(&mut self, step: u64, outcomes: Vec<StepOutcome>) {
        let members = self.members.iter_mut().zip(outcomes);
        members.for_each(|(member, outcome)| member.record(step, outcome));
    }

    /// The scores of each member on `samples`.
    pub fn scores(&self, samples: &Samples, dim: usize) -> Vec<Scores> {
        evaluate::scores(&self.stack.model, self.members.len(), samples, dim, &self.device)
    }

    /// Whether arms part at a step of these mean losses, one for each member.
    pub fn forks(&self, losses: impl IntoIterator<Item = f64>) -> bool {
        self.members.iter().zip(losses).any(|(member, loss)| member.forks(loss))
    }

    /// Forks the arms that part at step number `step`, whose losses are known and which isn't taken yet, or
    /// has to be begun anew. Those that there is no room for wait, in this state.
    pub fn fork(&mut self, setup: &TrainingSetup, step: u64, losses: &[f64]) {
        let whole = self.unstack(setup, step).into_iter().zip(losses);
        let (mut staying, mut forked) = (Vec::new(), Vec::new());
        for ((member, state), &loss) in whole {
            let mut members =
                if member.forks(loss) { member.fork(loss) } else { vec![member] }.into_iter();
            // The first takes its place.
            staying.extend(members.next().map(|member| (member, state.clone())));
            forked.extend(members.map(|member| (member, state.clone())));
        }
        let room = self.room.saturating_sub(staying.len()).min(forked.len());
        self.waiting.extend(forked.split_off(room));
        staying.extend(forked);
        let (members, states): (Vec<_>, Vec<State>) = staying.into_iter().unzip();
        self.refill(setup, members, &states);
    }

    /// Remembers where the members are at the start of an epoch, if levels may be woken there.
    pub fn begin_epoch(&mut self, step: u64) {
        if !self.members.iter().any(|member| member.watch.is_open()) {
            return;
        }
        let stack = Arc::new(self.stack.clone());
        for (index, member) in self.members.iter_mut().enumerate() {
            if member.watch.is_open() {
                let (stack, tally) = (stack.clone(), member.tally);
                member.begin_epoch(Kept::Shared { stack, index, step, tally });
            }
        }
    }

    /// Keeps the state of the members whose best epoch this is: number `epoch`, from 1, which
    /// ends after `step` steps.
    pub fn keep_best(
        &mut self,
        setup: &TrainingSetup,
        segment: &Segment,
        epoch: u32,
        step: u64,
        scores: &[Scores],
    ) {
        let mut frozen = None;
        for (index, scores) in scores.iter().enumerate() {
            let metrics = measured(scores, setup, step);
            let value = metrics.get(segment.metric).unwrap_or(Metric::Diverged);
            let member = &mut self.members[index];
            if member.diverged_at.is_some() || !member.best.is_beaten_by(value, segment.direction) {
                if let Some((_, kept)) = &mut member.best.here {
                    kept.detach(setup);
                }
                continue;
            }
            // The epoch is over: its losses are in the report.
            let tally = member.tally.after_epoch();
            let stack = frozen.get_or_insert_with(|| Arc::new(self.stack.clone())).clone();
            let here = Some((epoch, Kept::Shared { stack, index, step, tally }));
            member.best = BestState { value, here };
        }
    }
}
