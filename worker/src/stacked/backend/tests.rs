//! The CPU's kernels against burn's own operations, against finite differences, and against
//! themselves in other company.

use super::{StackedOps, primitives};
use crate::{
    device::Machine,
    stacked::{ConvShape, PoolShape, conv, max_pool, norm_train, to_host},
};
use burn::{
    backend::{Flex, flex::FlexTensor},
    tensor::{Tensor, TensorData},
};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

fn random(seed: u64, n: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn tensor(seed: u64, shape: [usize; 3]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(random(seed, shape.iter().product()), shape))
}

fn values(tensor: &FlexTensor) -> Vec<f32> {
    tensor.to_contiguous().as_slice::<f32>().unwrap().to_vec()
}

fn assert_near(ours: &FlexTensor, theirs: &FlexTensor) {
    let (ours, theirs) = (values(ours), values(theirs));
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(1.0f32, |most, x| most.max(x.abs()));
    for (i, (a, b)) in ours.iter().zip(&theirs).enumerate() {
        assert!((a - b).abs() <= 2e-5 * largest, "number {i} is {a}, not {b}");
    }
}

fn weight_shape(members: usize, shape: ConvShape) -> [usize; 3] {
    [members, shape.kernel * shape.kernel * shape.channels, shape.filters]
}

fn out_shape(members: usize, shape: ConvShape) -> [usize; 3] {
    [members, shape.samples * shape.out_height() * shape.out_width(), shape.filters]
}

fn in_shape(members: usize, shape: ConvShape) -> [usize; 3] {
    [members, shape.samples * shape.height * shape.width, shape.channels]
}

prop_compose! {
    fn conv_shapes()(
        samples in 1usize..20,
        height in 1usize..12,
        width in 1usize..19,
        channels in prop_oneof![Just(1), Just(3), 1usize..20],
        filters in prop_oneof![Just(16), Just(32), 1usize..40],
        kernel in prop_oneof![Just(1), Just(3), Just(5)],
        stride in 1usize..3,
    ) -> ConvShape {
        ConvShape { samples, height, width, channels, filters, kernel, stride }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    #[test]
    fn convolutions_and_their_gradients_are_those_of_burn(
        shape in conv_shapes(),
        members in 1usize..4,
        shared: bool,
    ) {
        let x = tensor(1, in_shape(if shared { 1 } else { members }, shape));
        let weight = tensor(2, weight_shape(members, shape));
        let grad = tensor(3, out_shape(members, shape));
        assert_near(
            &Flex::stacked_conv(x.clone(), weight.clone(), shape),
            &primitives::conv::<Flex>(x.clone(), weight.clone(), shape),
        );
        assert_near(
            &Flex::stacked_conv_input_gradient(weight.clone(), grad.clone(), shape),
            &primitives::conv_input_gradient::<Flex>(weight, grad.clone(), shape),
        );
        assert_near(
            &Flex::stacked_conv_weight_gradient(x.clone(), grad.clone(), shape),
            &primitives::conv_weight_gradient::<Flex>(x, grad, shape),
        );
    }

    #[test]
    fn pools_and_their_gradients_are_those_of_burn(
        pictures in 1usize..9,
        height in 2usize..9,
        width in 2usize..9,
        channels in 1usize..20,
        ties: bool,
    ) {
        let shape = PoolShape { pictures, height, width, channels };
        let pixels = pictures * height * width;
        let mut x = random(1, pixels * channels);
        if ties {
            x.iter_mut().for_each(|x| *x = x.round());
        }
        let x = FlexTensor::from_data(TensorData::new(x, [1, pixels, channels]));
        let grad = tensor(2, [1, pictures * (height / 2) * (width / 2), channels]);
        let (ours, theirs) =
            (Flex::stacked_pool(x.clone(), shape), primitives::pool::<Flex>(x.clone(), shape));
        prop_assert_eq!(values(&ours), values(&theirs));
        let ours = Flex::stacked_pool_gradient(x.clone(), grad.clone(), shape);
        let theirs = primitives::pool_gradient::<Flex>(x, grad, shape);
        prop_assert_eq!(values(&ours), values(&theirs));
    }

    #[test]
    fn norms_and_their_gradients_are_those_of_burn(
        members in 1usize..4,
        rows in prop_oneof![2usize..20, 500usize..1_100],
        columns in 1usize..40,
    ) {
        let x = tensor(1, [members, rows, columns]);
        let [scale, shift] = [2, 3].map(|seed| tensor(seed, [members, 1, columns]));
        let ours = Flex::stacked_norm(x.clone(), scale.clone(), shift.clone());
        let theirs = primitives::norm::<Flex>(x.clone(), scale.clone(), shift);
        for (ours, theirs) in [(&ours.0, &theirs.0), (&ours.1, &theirs.1), (&ours.2, &theirs.2)] {
            assert_near(ours, theirs);
        }
        let grad = tensor(4, [members, rows, columns]);
        let (_, mean, variance) = theirs;
        let ours = Flex::stacked_norm_gradient(
            x.clone(), mean.clone(), variance.clone(), scale.clone(), grad.clone(),
        );
        let theirs = primitives::norm_gradient::<Flex>(x, mean, variance, scale, grad);
        for (ours, theirs) in [(&ours.0, &theirs.0), (&ours.1, &theirs.1), (&ours.2, &theirs.2)] {
            assert_near(ours, theirs);
        }
    }
}

#[test]
fn a_nan_gets_through_a_pool() {
    let shape = PoolShape { pictures: 1, height: 2, width: 2, channels: 1 };
    for at in 0..4 {
        let mut x = vec![1.0; 4];
        x[at] = f32::NAN;
        let x = FlexTensor::from_data(TensorData::new(x, [1, 4, 1]));
        assert!(values(&Flex::stacked_pool(x, shape))[0].is_nan());
    }
}

/// What a stack gives, member by member.
fn split(tensor: &FlexTensor, members: usize) -> Vec<Vec<f32>> {
    let values = values(tensor);
    values.chunks(values.len() / members).map(<[f32]>::to_vec).collect()
}

#[test]
fn a_member_has_its_bits_among_any_number_on_any_number_of_threads() {
    for channels in [1, 3] {
        let shape = ConvShape {
            samples: 33,
            height: 14,
            width: 14,
            channels,
            filters: 24,
            kernel: 3,
            stride: 1,
        };
        let pooled = PoolShape { pictures: shape.samples, height: 14, width: 14, channels: 24 };
        let run = |members: usize, threads: usize| -> Vec<Vec<f32>> {
            // Member 0 is the same in every stack.
            let stacked = |seed, [_, rows, columns]: [usize; 3]| {
                let all = (0..members as u64).flat_map(|k| random(seed + 10 * k, rows * columns));
                FlexTensor::from_data(TensorData::new(all.collect(), [members, rows, columns]))
            };
            let x = stacked(1, in_shape(1, shape));
            let weight = stacked(2, weight_shape(1, shape));
            let grad = stacked(3, out_shape(1, shape));
            let [scale, shift] = [4, 5].map(|seed| stacked(seed, [1, 1, 24]));
            let all = PoolShape { pictures: members * shape.samples, ..pooled };
            let pool_grad = stacked(6, [1, shape.samples * 49, 24]);
            let threads = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            threads.install(|| {
                let out = Flex::stacked_conv(x.clone(), weight.clone(), shape);
                let normed = Flex::stacked_norm(out.clone(), scale.clone(), shift);
                let norm = Flex::stacked_norm_gradient(
                    out.clone(),
                    normed.1.clone(),
                    normed.2.clone(),
                    scale,
                    grad.clone(),
                );
                let found = [
                    Flex::stacked_conv_input_gradient(weight, grad.clone(), shape),
                    Flex::stacked_conv_weight_gradient(x, grad, shape),
                    Flex::stacked_pool(out.clone(), all),
                    Flex::stacked_pool_gradient(out.clone(), pool_grad, all),
                    out,
                    normed.0,
                    normed.1,
                    normed.2,
                    norm.0,
                    norm.1,
                    norm.2,
                ];
                found.iter().map(|tensor| split(tensor, members).swap_remove(0)).collect()
            })
        };
        let alone = run(1, 1);
        for (members, threads) in [(1, 4), (2, 1), (2, 3), (5, 2), (20, 1), (20, 4)] {
            assert!(run(members, threads) == alone, "{members} members on {threads} threads");
        }
    }
}

#[test]
fn gradients_through_all_operations_match_finite_differences() {
    let device = Machine::default().device().clone();
    let shape = ConvShape {
        samples: 3,
        height: 4,
        width: 6,
        channels: 2,
        filters: 5,
        kernel: 3,
        stride: 1,
    };
    let pool = PoolShape { pictures: 2 * 3, height: 4, width: 6, channels: 5 };
    let make = |values: &[f32], shape: [usize; 3]| {
        Tensor::<3>::from_data(TensorData::new(values.to_vec(), shape), &device)
    };
    let shapes = [in_shape(2, shape), weight_shape(2, shape), [2, 1, 5], [2, 1, 5]];
    let start: Vec<Vec<f32>> =
        (0u64..).zip(shapes).map(|(seed, shape)| random(seed, shape.iter().product())).collect();
    let target = random(9, 2 * 18 * 5);
    let loss = |[x, weight, scale, shift]: [Tensor<3>; 4]| {
        let (normed, _) = norm_train(conv(x, weight, shape), scale, shift);
        let out = max_pool(normed, pool);
        let target = make(&target, [2, 18, 5]);
        let target = if out.device() == device { target } else { target.autodiff() };
        (out * target).sum()
    };
    let at = |values: &[Vec<f32>]| std::array::from_fn(|i| make(&values[i], shapes[i]));
    let leaves = at(&start).map(|tensor: Tensor<3>| tensor.autodiff().require_grad());
    let mut gradients = loss(leaves.clone()).backward();
    for (i, leaf) in leaves.iter().enumerate() {
        let gradient = to_host(leaf.grad_remove(&mut gradients).unwrap());
        let largest = gradient.iter().fold(0.0f32, |most, g| most.max(g.abs()));
        let mut wrong = 0;
        for j in (0..gradient.len()).step_by(7) {
            let moved = |by: f32| {
                let mut values = start.clone();
                values[i][j] += by;
                to_host(loss(at(&values)))[0]
            };
            let slope = (moved(0.002) - moved(-0.002)) / 0.004;
            wrong += usize::from((slope - gradient[j]).abs() > 0.02 * largest);
        }
        // A pool has kinks; a difference that straddles one is off.
        assert!(10 * wrong <= gradient.len().div_ceil(7), "{wrong} slopes of leaf {i} are off");
    }
}
