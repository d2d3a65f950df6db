//! The same rules by operations of the device, for those that can't lend their memory.

use super::{Adam, Optim, Rule};
use burn::tensor::{Bool, Tensor};

impl Optim {
    /// Updates `parameters` `[K, …]` by `gradients`, a tensor like each, as [`Optim::step`] does.
    /// Members stay as they are where `keep` (`[K, 1, 1]`) is true.
    pub fn step_tensors(
        &mut self,
        parameters: Vec<&mut Tensor<3>>,
        gradients: Vec<Tensor<3>>,
        step: u64,
        rate: f64,
        keep: Option<&Tensor<3, Bool>>,
    ) {
        let rule = Rule::of(&self.optimizer, self.weight_decay, step, rate);
        for (i, (parameter, gradient)) in parameters.into_iter().zip(gradients).enumerate() {
            let mut slots: Vec<_> = self.slots.iter_mut().map(|slot| &mut slot[i]).collect();
            let old: Vec<_> = slots.iter().map(|slot| (**slot).clone()).collect();
            let (theta, new) = updated(rule, parameter.clone(), gradient, old);
            replace(parameter, theta, keep);
            for (slot, new) in slots.iter_mut().zip(new) {
                replace(slot, new, keep);
            }
        }
    }
}

/// Puts `new` in the place of `old`, but for what is kept.
fn replace(old: &mut Tensor<3>, new: Tensor<3>, keep: Option<&Tensor<3, Bool>>) {
    old.inplace(|old| match keep {
        Some(keep) => {
            let keep = keep.clone().expand(old.dims());
            new.mask_where(keep, old)
        }
        None => new,
    });
}

/// A parameter and its slots after a step.
fn updated(
    rule: Rule,
    theta: Tensor<3>,
    gradient: Tensor<3>,
    slots: Vec<Tensor<3>>,
) -> (Tensor<3>, Vec<Tensor<3>>) {
    let decayed = |decay: f32| match decay {
        0.0 => gradient.clone(),
        decay => gradient.clone() + theta.clone() * decay,
    };
    let mut slots = slots.into_iter();
    match (rule, slots.next(), slots.next()) {
        (Rule::Sgd { lr, decay }, None, None) => {
            let moved = theta.clone() - decayed(decay) * lr;
            (moved, vec![])
        }
        (Rule::Momentum { lr, decay, momentum, nesterov }, Some(velocity), None) => {
            let gradient = decayed(decay);
            let velocity = velocity * momentum + gradient.clone();
            let towards = match nesterov {
                true => gradient + velocity.clone() * momentum,
                false => velocity.clone(),
            };
            (theta.clone() - towards * lr, vec![velocity])
        }
        (Rule::Adam(adam), Some(first), Some(second)) => {
            let Adam { lr, decay, shrink, beta, rest, correct, epsilon } = adam;
            let gradient = decayed(decay);
            let first = first * beta[0] + gradient.clone() * rest[0];
            let second = second * beta[1] + gradient.clone() * gradient * rest[1];
            let size = (second.clone() / correct[1]).sqrt() + epsilon;
            let towards = first.clone() / correct[0] / size;
            (theta.clone() * shrink - towards * lr, vec![first, second])
        }
        (rule, ..) => unreachable!("{rule:?} with other slots than its own"),
    }
}
