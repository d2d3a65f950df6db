//! Members that one thread trains as one stacked model.

use super::{
    batches::Batches,
    loops,
    member::{Member, Met},
    start::Plan,
    tensors::{self, Unread},
};
use crate::{
    checkpoint::{Array, State},
    data::Samples,
    device::{Arithmetic, Machine},
    evaluate::{self, Scores},
    flood::Weights,
    models::Network,
    optim::Optim,
    stacked::{member, unstack},
};
use burn::tensor::{Device, Tensor};
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

/// The tensors of several members at one step. A clone shares them until one of both takes a step.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    pub model: Network,
    pub optim: Optim,
}

impl Stack {
    /// Stacks the members' states.
    pub fn new(plan: &Plan, members: &[Member], states: &[State], device: &Device) -> Self {
        debug_assert_eq!(members.len(), states.len());
        let (architecture, decay) = (&plan.architecture, plan.weight_decay);
        Self {
            model: Network::stack(architecture, states, device),
            optim: Optim::stack(&plan.optimizer, decay, architecture, states, device),
        }
    }

    fn named(&self, plan: &Plan) -> impl Iterator<Item = (String, Vec<usize>, &Tensor<3>)> {
        let named = self.model.named(&plan.architecture).into_iter();
        named.chain(self.optim.named(&plan.architecture))
    }

    /// The arrays of a member.
    pub fn arrays(&self, plan: &Plan, index: usize) -> BTreeMap<String, Array> {
        let array = |(name, shape, tensor)| (name, Array { shape, values: member(tensor, index) });
        self.named(plan).map(array).collect()
    }
}

/// Mini-batches that are put together at once, since to wake a thread takes 20 µs.
const AHEAD: u64 = 4;

/// A mini-batch.
pub(super) struct Batch {
    /// `[1, batch, dim]`.
    pub input: Tensor<3>,
    pub labels: Vec<u8>,
}

/// What is known of a step before its members do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Its number, from 0.
    pub number: u64,
    /// The factor of the learning rate.
    pub rate: f64,
    /// Whether it ends an epoch, so that the gradients' norms are wanted.
    pub ends_epoch: bool,
    /// L2.
    pub weight_decay: f32,
}

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
    ways: Ways,
    block: u64,
}

/// How steps are computed; by tensors with the members' methods where the device sees them.
enum Ways {
    Loops,
    Tensors(Box<Weights>),
}

impl Ways {
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
    Known(Vec<Met>),
    Unread(Box<Unread>),
}

impl Group {
    /// Stacks members with their states; it has room for as many as `room`.
    pub fn new(
        plan: &Plan,
        members: Vec<Member>,
        states: &[State],
        machine: &Machine,
        room: usize,
    ) -> Self {
        let device = machine.device().clone();
        Self {
            stack: Stack::new(plan, &members, states, &device),
            ways: Ways::of(machine.arithmetic(), &members, &device),
            members,
            device,
            room,
            waiting: vec![],
            work: Duration::ZERO,
            next: VecDeque::new(),
            block: machine.block(),
        }
    }

    /// Bytes of the mini-batches that a group holds at once, each of so many numbers.
    pub fn batches_held(numbers: usize) -> usize {
        (AHEAD as usize + 1) * numbers * size_of::<f32>()
    }

    /// Has other members from here on.
    pub fn refill(&mut self, plan: &Plan, members: Vec<Member>, states: &[State]) {
        self.stack = Stack::new(plan, &members, states, &self.device);
        if let Ways::Tensors(_) = self.ways {
            self.ways = Ways::of(Arithmetic::Tensors, &members, &self.device);
        }
        self.members = members;
    }

    /// Its tensors, as long as somebody wants them.
    pub fn freeze(&self) -> Arc<Stack> {
        Arc::new(self.stack.clone())
    }

    /// The members and their states after `step` steps.
    pub fn unstack(&self, plan: &Plan, step: u64) -> Vec<(Member, State)> {
        let mut arrays = vec![BTreeMap::new(); self.members.len()];
        for (name, shape, tensor) in self.stack.named(plan) {
            for (arrays, values) in arrays.iter_mut().zip(unstack(tensor)) {
                arrays.insert(name.clone(), Array { shape: shape.clone(), values });
            }
        }
        let states =
            self.members.iter().zip(arrays).map(|(member, arrays)| {
                (member.clone(), State { arrays, step, tally: member.tally })
            });
        states.collect()
    }

    /// Takes steps, some of those given, and forks the arms that part at one of them before they
    /// take it. Gives the number of the next step.
    pub fn advance(&mut self, plan: &Plan, steps: Range<u64>, batches: &Batches<'_>) -> u64 {
        let all = steps;
        let steps = all.start..all.end.min(all.start + self.block);
        if steps.end == steps.start + 1 {
            self.advance_one(plan, all, batches);
            return steps.end;
        }
        let before = self.stack.clone();
        let taken = steps.clone().map(|step| self.take(plan, step, batches)).collect();
        for (step, met) in steps.clone().zip(self.read(taken)) {
            let losses: Vec<_> = met.iter().map(|met| met.mean).collect();
            if self.forks(losses.iter().copied()) {
                // Back to where the block began, and to this step again, which now is the first.
                self.stack = before;
                for again in steps.start..step {
                    self.take(plan, again, batches);
                }
                self.fork(plan, step, &losses);
                return step;
            }
            self.meet(step, met);
        }
        steps.end
    }

    /// Takes the first of `steps`, and looks at its losses before it moves the weights. A thread
    /// that has nothing to do meanwhile puts the next mini-batches together.
    fn advance_one(&mut self, plan: &Plan, steps: Range<u64>, batches: &Batches<'_>) {
        let (number, next) = (steps.start, steps.start + 1);
        let batch = match self.next.pop_front() {
            Some((step, batch)) if step == number => batch,
            _ => {
                self.next.clear();
                batch(plan, number, batches, &self.device)
            }
        };
        if !self.next.is_empty() {
            return self.take_one(plan, number, &batch);
        }
        let device = self.device.clone();
        let gather = |step| (step, self::batch(plan, step, batches, &device));
        let ((), next) = rayon::join(
            || self.take_one(plan, number, &batch),
            || (next..steps.end.min(next + AHEAD)).map(gather).collect(),
        );
        self.next = next;
    }

    fn take_one(&mut self, plan: &Plan, number: u64, batch: &Batch) {
        let began = Instant::now();
        let mut forward = self.forward(batch);
        let losses = forward.means();
        if self.forks(losses.iter().copied()) {
            self.fork(plan, number, &losses);
            forward = self.forward(batch);
        }
        let taken = self.back(forward, batch, plan.step(number));
        self.work += began.elapsed();
        let met = self.read(vec![taken]);
        met.into_iter().for_each(|met| self.meet(number, met));
    }

    /// Takes a step without a look at its losses.
    fn take(&mut self, plan: &Plan, number: u64, batches: &Batches<'_>) -> Taken {
        let batch = batch(plan, number, batches, &self.device);
        let began = Instant::now();
        let forward = self.forward(&batch);
        let taken = self.back(forward, &batch, plan.step(number));
        self.work += began.elapsed();
        taken
    }

    fn forward(&self, batch: &Batch) -> Forward {
        match self.ways {
            Ways::Loops => Forward::Loops(loops::Pass::forward(&self.stack.model, batch)),
            Ways::Tensors(_) => Forward::Tensors(tensors::Pass::forward(&self.stack.model, batch)),
        }
    }

    fn back(&mut self, forward: Forward, batch: &Batch, step: Step) -> Taken {
        let (stack, members) = (&mut self.stack, &self.members);
        match (forward, &self.ways) {
            (Forward::Tensors(pass), Ways::Tensors(weights)) => {
                let taken = tensors::take(stack, members, weights, pass, batch, step);
                Taken::Unread(Box::new(taken))
            }
            (Forward::Loops(pass), _) => {
                Taken::Known(loops::take(stack, members, pass, batch, step))
            }
            (Forward::Tensors(_), Ways::Loops) => unreachable!("a group doesn't change its ways"),
        }
    }

    /// What the members met in each step.
    fn read(&mut self, taken: Vec<Taken>) -> Vec<Vec<Met>> {
        let began = Instant::now();
        let (mut known, mut unread) = (vec![], vec![]);
        for taken in taken {
            match taken {
                Taken::Known(met) => known.push(met),
                Taken::Unread(met) => unread.push(*met),
            }
        }
        known.extend(Unread::read(unread, &self.members));
        self.work += began.elapsed();
        known
    }

    fn meet(&mut self, step: u64, met: Vec<Met>) {
        self.members.iter_mut().zip(met).for_each(|(member, met)| member.meet(step, met));
    }

    /// The scores of each member on `samples`.
    pub fn scores(&self, samples: &Samples, dim: usize) -> Vec<Scores> {
        evaluate::scores(&self.stack.model, self.members.len(), samples, dim, &self.device)
    }
}

/// The mini-batch of a step.
fn batch(plan: &Plan, step: u64, batches: &Batches<'_>, device: &Device) -> Batch {
    let (features, labels) = batches.gather(step);
    Batch { input: evaluate::batch(features, plan.dim, device), labels }
}
