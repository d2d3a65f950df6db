//! An input's way through a model's arrays.

use crate::stacked::{self, ConvShape, Statistics};
use burn::tensor::Tensor;

/// Hands out a model's arrays in the order of their declaration.
pub(super) struct Pass<'a> {
    parameters: &'a [Tensor<3>],
    /// The statistics that evaluation uses; none in training, which uses the mini-batch's.
    running: Option<&'a [Statistics]>,
    next: usize,
    next_norm: usize,
    seen: Vec<Statistics>,
    /// Numbers that the arrays gave so far.
    numbers: usize,
}

impl<'a> Pass<'a> {
    pub fn training(parameters: &'a [Tensor<3>]) -> Self {
        Self { parameters, running: None, next: 0, next_norm: 0, seen: vec![], numbers: 0 }
    }

    pub fn evaluating(parameters: &'a [Tensor<3>], running: &'a [Statistics]) -> Self {
        Self { running: Some(running), ..Self::training(parameters) }
    }

    /// The statistics of the mini-batch at each batch norm, where it trained.
    pub fn seen(self) -> Vec<Statistics> {
        self.seen
    }

    /// How many numbers came out of the arrays on the way.
    pub fn numbers(&self) -> usize {
        self.numbers
    }

    fn counted(&mut self, x: Tensor<3>) -> Tensor<3> {
        self.numbers += x.dims().iter().product::<usize>();
        x
    }

    fn take(&mut self) -> Tensor<3> {
        self.next += 1;
        self.parameters[self.next - 1].clone()
    }

    /// A dense layer, with a bias unless a norm follows.
    pub fn linear(&mut self, x: Tensor<3>, bias: bool) -> Tensor<3> {
        let weight = self.take();
        let bias = bias.then(|| self.take());
        self.counted(stacked::linear(x, weight, bias))
    }

    /// A convolution without bias.
    pub fn conv(&mut self, x: Tensor<3>, shape: ConvShape) -> Tensor<3> {
        let weight = self.take();
        self.counted(stacked::conv(x, weight, shape))
    }

    /// Adds a bias.
    pub fn bias(&mut self, x: Tensor<3>) -> Tensor<3> {
        let bias = self.take();
        self.counted(x + bias)
    }

    /// The next batch norm that the layout declares, over the rows of `x` `[K, rows, width]`.
    pub fn norm(&mut self, x: Tensor<3>) -> Tensor<3> {
        let (scale, shift) = (self.take(), self.take());
        if let Some(running) = self.running {
            self.next_norm += 1;
            let x = stacked::norm(x, scale, shift, &running[self.next_norm - 1]);
            return self.counted(x);
        }
        let (x, statistics) = stacked::norm_train(x, scale, shift);
        self.seen.push(statistics);
        self.counted(x)
    }
}
