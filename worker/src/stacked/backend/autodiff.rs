//! The way back through the operations.

use super::StackedOps;
use crate::stacked::shapes::{ConvShape, PoolShape};
use burn::backend::{
    AutodiffBackend, TensorMetadata,
    autodiff::{
        Autodiff,
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

#[derive(Debug)]
struct Conv;

impl<B: StackedOps> Backward<B, 2> for Conv {
    /// Input and weight.
    type State = (FloatTensor<B>, FloatTensor<B>, ConvShape);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let ([x_node, weight_node], (x, weight, shape)) = (ops.parents, ops.state);
        if let Some(node) = x_node {
            let mut found = B::stacked_conv_input_gradient(weight, grad.clone(), shape);
            if x.shape()[0] < found.shape()[0] {
                found = B::float_sum_dim(found, 0);
            }
            grads.register::<B>(node.id, found);
        }
        if let Some(node) = weight_node {
            let found = B::stacked_conv_weight_gradient(x, grad, shape);
            grads.register::<B>(node.id, found);
        }
    }
}

#[derive(Debug)]
struct Pool;

impl<B: StackedOps> Backward<B, 1> for Pool {
    /// The input.
    type State = (FloatTensor<B>, PoolShape);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let ([node], (x, shape)) = (ops.parents, ops.state);
        if let Some(node) = node {
            grads.register::<B>(node.id, B::stacked_pool_gradient(x, grad, shape));
        }
    }
}

#[derive(Debug)]
struct Norm;

impl<B: StackedOps> Backward<B, 3> for Norm {
    /// Input, mean, variance and scale.
    type State = [FloatTensor<B>; 4];

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let [x, mean, variance, scale] = ops.state;
        let (x, scale, shift) = B::stacked_norm_gradient(x, mean, variance, scale, grad);
        for (node, found) in ops.parents.into_iter().zip([x, scale, shift]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, found);
            }
        }
    }
}

impl<B: StackedOps, C: CheckpointStrategy> StackedOps for Autodiff<B, C> {
    fn stacked_conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self> {
        let prep = Conv.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful();
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        match prep {
            OpsKind::Tracked(prep) => {
                let out = B::stacked_conv(x.clone(), weight.clone(), shape);
                prep.finish((x, weight, shape), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::stacked_conv(x, weight, shape)),
        }
    }

    fn stacked_pool(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        let prep = Pool.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = x.into_primitive();
        match prep {
            OpsKind::Tracked(prep) => {
                let out = B::stacked_pool(x.clone(), shape);
                prep.finish((x, shape), out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::stacked_pool(x, shape)),
        }
    }

    fn stacked_norm(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), scale.node(), shift.node()];
        let prep = Norm.prepare::<C>(nodes).compute_bound().stateful();
        let (x, scale) = (x.into_primitive(), scale.into_primitive());
        let (out, mean, variance) =
            B::stacked_norm(x.clone(), scale.clone(), shift.into_primitive());
        let statistics = [mean.clone(), variance.clone()].map(Self::from_inner);
        let out = match prep {
            OpsKind::Tracked(prep) => prep.finish([x, mean, variance, scale], out),
            OpsKind::UnTracked(prep) => prep.finish(out),
        };
        let [mean, variance] = statistics;
        (out, mean, variance)
    }
}
