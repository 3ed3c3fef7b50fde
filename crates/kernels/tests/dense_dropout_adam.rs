//! Dense layers, batch normalization, dropout and Adam against definitions in f64 and against Burn's own.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(deprecated, reason = "burn-ndarray is a promised backend")]

use std::sync::{Mutex, MutexGuard};

use burn::optim::{AdamConfig, AdamWConfig, Optimizer};
use burn::tensor::activation::relu;
use burn::tensor::{DType, Device, Distribution, Shape, Tensor, TensorData};
use digits_kernels::{
    FusedAdam, FusedAdamConfig, Instructions, Path, batch_norm_relu, batch_norm_relu_path, dense,
    dense_relu, dropout,
};
use proptest::prelude::*;

/// Relative to the largest number of a result.
const TOLERANCE_F32: f64 = 1e-5;
const TOLERANCE_F64: f64 = 1e-12;

/// Instructions are chosen for the whole process: tests that choose take turns.
static CHOICE: Mutex<()> = Mutex::new(());

fn take_turns() -> MutexGuard<'static, ()> {
    CHOICE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn devices() -> [Device; 2] {
    [Device::flex(), Device::ndarray()]
}

/// All pairs.
fn both<A: Clone, B: Clone>(first: &[A], second: &[B]) -> Vec<(A, B)> {
    first
        .iter()
        .flat_map(|a| second.iter().map(|b| (a.clone(), b.clone())))
        .collect()
}

/// Whether to make do with few cases: under valgrind each takes a hundred times as long.
fn few() -> bool {
    std::env::var_os("DIGITS_FEW_CASES").is_some()
}

fn numbers(length: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            f64::from((state >> 40) as f32 / 8_388_608.0 - 1.0)
        })
        .collect()
}

fn tensor<const D: usize>(
    numbers: &[f64],
    shape: [usize; D],
    device: &Device,
    dtype: DType,
) -> Tensor<D> {
    Tensor::from_data(
        TensorData::new(numbers.to_vec(), Shape::from(shape)).convert_dtype(dtype),
        (device, dtype),
    )
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().unwrap()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-30, |max: f64, x| max.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs() / scale;
        assert!(error <= tolerance, "{what}: {found} for {expected}");
    }
}

/// Σⱼ a(i, j) · b(j, k), row by row.
fn product(
    [m, n, k]: [usize; 3],
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
) -> Vec<f64> {
    (0..m * n)
        .map(|at| (0..k).map(|l| a(at / n, l) * b(l, at % n)).sum())
        .collect()
}

#[test]
fn dense_layers_and_their_gradients_agree_with_the_definition() {
    let _turn = take_turns();
    let check = |dtype, tolerance, what: &str| {
        for device in devices().map(Device::autodiff) {
            for [batch, inputs, units] in [
                [1, 1, 1],
                [5, 7, 3],
                [13, 300, 33],
                [128, 64, 10],
                [3, 513, 64],
                [130, 97, 130],
            ] {
                let x = numbers(batch * inputs, 1);
                let w = numbers(inputs * units, 2);
                let b = numbers(units, 3);
                let g = numbers(batch * units, 4);
                let x_tensor = tensor(&x, [batch, inputs], &device, dtype).require_grad();
                let w_tensor = tensor(&w, [inputs, units], &device, dtype).require_grad();
                let b_tensor = tensor(&b, [units], &device, dtype).require_grad();
                let y = dense(x_tensor.clone(), w_tensor.clone(), Some(b_tensor.clone()));
                let gradients = (y.clone() * tensor(&g, [batch, units], &device, dtype))
                    .sum()
                    .backward();
                let what = format!("{what} {batch}×{inputs}×{units}");
                let mut expected = product(
                    [batch, units, inputs],
                    |i, l| x[i * inputs + l],
                    |l, j| w[l * units + j],
                );
                for (at, y) in expected.iter_mut().enumerate() {
                    *y += b[at % units];
                }
                assert_close(&values(y.inner()), &expected, tolerance, &what);
                let expected = product(
                    [batch, inputs, units],
                    |i, l| g[i * units + l],
                    |l, j| w[j * units + l],
                );
                let found = values(x_tensor.grad(&gradients).unwrap());
                assert_close(&found, &expected, tolerance, &what);
                let expected = product(
                    [inputs, units, batch],
                    |i, l| x[l * inputs + i],
                    |l, j| g[l * units + j],
                );
                let found = values(w_tensor.grad(&gradients).unwrap());
                assert_close(&found, &expected, tolerance, &what);
                let expected = product([1, units, batch], |_, _| 1.0, |l, j| g[l * units + j]);
                let found = values(b_tensor.grad(&gradients).unwrap());
                assert_close(&found, &expected, tolerance, &what);
            }
        }
    };
    for instructions in Instructions::available() {
        assert!(instructions.force());
        check(DType::F32, TOLERANCE_F32, &format!("{instructions:?}"));
    }
    check(DType::F64, TOLERANCE_F64, "f64");
}

#[test]
fn a_dense_layer_passes_nan_on_forward_and_backward() {
    let _turn = take_turns();
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for device in devices().map(Device::autodiff) {
            let x = Tensor::<2>::from_data([[f32::NAN, 1.0], [1.0, 1.0]], &device).require_grad();
            let w = Tensor::<2>::ones([2, 3], &device).require_grad();
            let b = Tensor::<1>::zeros([3], &device).require_grad();
            let y = dense(x.clone(), w.clone(), Some(b.clone()));
            let g = Tensor::<2>::from_data([[1.0, 2.0, 3.0], [0.0, f32::NAN, 0.0]], &device);
            let gradients = (y.clone() * g).sum().backward();
            let y = values(y.inner());
            assert!(y[..3].iter().all(|y| y.is_nan()));
            assert_eq!(y[3..], [2.0; 3]);
            // Row 0 of x meets weights' row 0: NaN, even where g is 0.
            let w = values(w.grad(&gradients).unwrap());
            assert!(w[..3].iter().all(|w| w.is_nan()), "{w:?}");
            assert_eq!([w[3], w[5]], [1.0, 3.0]);
            assert!(w[4].is_nan());
            let x = values(x.grad(&gradients).unwrap());
            assert_eq!(x[..2], [6.0; 2]);
            assert!(x[2..].iter().all(|x| x.is_nan()), "{x:?}");
            let b = values(b.grad(&gradients).unwrap());
            assert_eq!([b[0], b[2]], [1.0, 3.0]);
            assert!(b[1].is_nan());
        }
    }
}

#[test]
fn dropout_multiplies_also_what_is_not_finite() {
    let _turn = take_turns();
    let length = 100;
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for (device, dtype) in both(&devices(), &[DType::F32, DType::F64]) {
            let of = |x: f64| {
                let x: Tensor<1> = tensor(&vec![x; length], [length], &device, dtype);
                values(dropout(x, 0.5, 3))
            };
            assert!(of(f64::NAN).iter().all(|x| x.is_nan()));
            for (kept, infinite) in of(1.0).into_iter().zip(of(f64::INFINITY)) {
                // 0 · ∞ is NaN.
                let expected = kept * f64::INFINITY;
                assert!(infinite == expected || infinite.is_nan() && expected.is_nan());
            }
            assert!(of(-1.0).iter().all(|x| x.is_sign_negative()));
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let _turn = take_turns();
    for (device, dtype) in both(&devices(), &[DType::F32, DType::F64]) {
        let all = [1, 2, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let tracked = device.clone().autodiff();
                let x = tensor(&numbers(70 * 900, 1), [70, 900], &tracked, dtype).require_grad();
                let w = tensor(&numbers(900 * 50, 2), [900, 50], &tracked, dtype).require_grad();
                let y = dropout(dense(x.clone(), w.clone(), None), 0.4, 5);
                let gradients = y.clone().square().sum().backward();
                let w_gradient = w.grad(&gradients).unwrap();
                let adam = adam(0.0);
                let (stepped, _) = adam.step(0.1, w.inner(), w_gradient.clone(), None);
                [
                    values(y.inner()),
                    values(x.grad(&gradients).unwrap()),
                    values(w_gradient),
                    values(stepped),
                ]
            })
        });
        assert_eq!(all[0], all[1]);
        assert_eq!(all[0], all[2]);
    }
}

#[test]
fn dropout_keeps_the_expected_share_scaled_and_the_same_everywhere() {
    let _turn = take_turns();
    let length = if few() { 20_000 } else { 200_000 };
    for probability in [0.1, 0.25, 0.5, 0.9] {
        let mut all = Vec::new();
        for device in devices() {
            for instructions in Instructions::available() {
                assert!(instructions.force());
                let ones = Tensor::<1>::ones([length], &device);
                all.push(values(dropout(ones, probability, 7)));
            }
        }
        let first = &all[0];
        assert!(all.iter().all(|other| other == first));
        let keep = f64::from((1.0 / (1.0 - probability)) as f32);
        assert!(first.iter().all(|&x| x == 0.0 || x == keep));
        let kept = first.iter().filter(|&&x| x != 0.0).count() as f64;
        let expected = (1.0 - probability) * length as f64;
        // Five standard deviations of a binomial distribution.
        let allowed = 5.0 * (expected * probability).sqrt();
        assert!((kept - expected).abs() < allowed, "{kept} for {expected}");
        // Neighbours, and the masks of neighbouring seeds, do not hang together.
        let pairs = first.windows(2).filter(|w| w[0] != 0.0 && w[1] != 0.0);
        let expected = (1.0 - probability).powi(2) * length as f64;
        assert!((pairs.count() as f64 - expected).abs() < 2.0 * allowed + 1000.0);
        let other = values(dropout(
            Tensor::<1>::ones([length], &devices()[0]),
            probability,
            8,
        ));
        let both = first
            .iter()
            .zip(&other)
            .filter(|(a, b)| **a != 0.0 && **b != 0.0);
        assert!((both.count() as f64 - expected).abs() < 2.0 * allowed + 1000.0);
    }
}

/// Output, mean, variance, and the gradients by x, γ and β of one channel, from the definition.
fn normalized(x: &[f64], g: &[f64], [gamma, beta]: [f64; 2], epsilon: f64) -> [Vec<f64>; 6] {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let deviation = (variance + epsilon).sqrt();
    let unit: Vec<f64> = x.iter().map(|x| (x - mean) / deviation).collect();
    let before: Vec<f64> = unit.iter().map(|u| gamma * u + beta).collect();
    let g: Vec<f64> = g
        .iter()
        .zip(&before)
        .map(|(g, y)| if *y > 0.0 { *g } else { 0.0 })
        .collect();
    // By the chain rule through variance and mean, as in the paper.
    let by_variance: f64 = (0..x.len())
        .map(|i| g[i] * gamma * (x[i] - mean) * -0.5 * deviation.powi(-3))
        .sum();
    let by_mean: f64 = g.iter().map(|g| -g * gamma / deviation).sum::<f64>();
    let by_x = (0..x.len())
        .map(|i| g[i] * gamma / deviation + by_variance * 2.0 * (x[i] - mean) / n + by_mean / n)
        .collect();
    let by_gamma = g.iter().zip(&unit).map(|(g, u)| g * u).sum();
    let by_beta = g.iter().sum();
    let y = before.iter().map(|y| y.max(0.0)).collect();
    [
        y,
        vec![mean],
        vec![variance],
        by_x,
        vec![by_gamma],
        vec![by_beta],
    ]
}

/// [`batch_norm_relu`] and its gradients, in the order of [`normalized`].
fn batch_norm(
    shape: [usize; 4],
    [x, g, gamma, beta]: [&[f64]; 4],
    device: &Device,
    dtype: DType,
) -> [Vec<f64>; 6] {
    let x = tensor(x, shape, device, dtype).require_grad();
    let [gamma, beta] =
        [gamma, beta].map(|of| tensor(of, [shape[1]], device, dtype).require_grad());
    let result = batch_norm_relu(x.clone(), gamma.clone(), beta.clone(), 1e-5);
    let gradients = (result.output.clone() * tensor(g, shape, device, dtype))
        .sum()
        .backward();
    [
        values(result.output.inner()),
        values(result.mean.inner()),
        values(result.variance.inner()),
        values(x.grad(&gradients).unwrap()),
        values(gamma.grad(&gradients).unwrap()),
        values(beta.grad(&gradients).unwrap()),
    ]
}

const NORM_SHAPES: [[usize; 4]; 6] = [
    [1, 1, 3, 4],
    [13, 3, 1, 1],
    [5, 4, 3, 7],
    [3, 7, 4, 4],
    [1, 2, 28, 28],
    [128, 3, 14, 14],
];

#[test]
fn batch_normalization_and_its_gradients_agree_with_the_definition() {
    for shape in NORM_SHAPES {
        let [batch, channels, height, width] = shape;
        let (plane, count) = (height * width, batch * channels * height * width);
        // A mean many times the deviation, which a sum of squares would not survive.
        let x: Vec<f64> = numbers(count, 1).into_iter().map(|x| 20.0 + x).collect();
        let g = numbers(count, 2);
        let [gamma, beta] = [3, 4].map(|seed| numbers(channels, seed));
        let of_channel = |numbers: &[f64], channel| -> Vec<f64> {
            numbers
                .chunks_exact(plane)
                .skip(channel)
                .step_by(channels)
                .flatten()
                .copied()
                .collect()
        };
        let types = [(DType::F32, 1e-5), (DType::F64, TOLERANCE_F64)];
        for (device, (dtype, tolerance)) in both(&devices().map(Device::autodiff), &types) {
            let found = batch_norm(shape, [&x, &g, &gamma, &beta], &device, dtype);
            for channel in 0..channels {
                let expected = normalized(
                    &of_channel(&x, channel),
                    &of_channel(&g, channel),
                    [gamma[channel], beta[channel]],
                    1e-5,
                );
                let names = ["output", "mean", "variance", "∂x", "∂γ", "∂β"];
                for (at, name) in names.into_iter().enumerate() {
                    let found = if found[at].len() == count {
                        of_channel(&found[at], channel)
                    } else {
                        vec![found[at][channel]]
                    };
                    // Of a difference of nearly equal numbers, the difference's error counts.
                    let scale = if dtype == DType::F32 { 20.0 } else { 100.0 };
                    let what = format!("{name} of {shape:?} in {dtype:?} on {device:?}");
                    assert_close(&found, &expected[at], scale * tolerance, &what);
                }
            }
        }
    }
}

#[test]
fn batch_normalization_gives_the_same_bits_with_any_number_of_threads() {
    let shape = [64, 5, 14, 14];
    let [x, g] = [1, 2].map(|seed| numbers(64 * 5 * 14 * 14, seed));
    let [gamma, beta] = [3, 4].map(|seed| numbers(5, seed));
    let device = Device::flex().autodiff();
    let [one, two, three] = [1, 2, 3].map(|threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| batch_norm(shape, [&x, &g, &gamma, &beta], &device, DType::F32))
    });
    assert_eq!(one, two);
    assert_eq!(one, three);
}

#[test]
fn batch_normalization_elsewhere_takes_burns_operations() {
    let device = Device::flex().autodiff();
    let path = |shape: [usize; 4], dtype: DType| {
        batch_norm_relu_path(&Tensor::zeros(shape, (&device, dtype)))
    };
    assert_eq!(path([2, 3, 4, 4], DType::F32), Path::Fused);
    assert_eq!(path([0, 3, 4, 4], DType::F32), Path::Ordinary);
    assert_eq!(path([2, 3, 4, 4], DType::F16), Path::Ordinary);
    let shape = [4, 3, 5, 5];
    let [x, g] = [1, 2].map(|seed| numbers(300, seed));
    let [gamma, beta] = [3, 4].map(|seed| numbers(3, seed));
    let run = |dtype| batch_norm(shape, [&x, &g, &gamma, &beta], &device, dtype);
    for (half, single) in run(DType::F16).iter().zip(run(DType::F32)) {
        assert_close(half, &single, 0.01, "f16");
    }
}

#[test]
fn a_nan_in_a_channel_makes_all_of_the_channel_nan_and_no_other() {
    for device in devices() {
        let mut x = numbers(2 * 3 * 4, 1);
        x[5] = f64::NAN; // image 0, channel 1
        let x: Tensor<4> = tensor(&x, [2, 3, 2, 2], &device, DType::F32);
        let [gamma, beta] = [1.0, 0.0].map(|value| Tensor::<1>::full([3], value, &device));
        let result = batch_norm_relu(x, gamma, beta, 1e-5);
        for (at, y) in values(result.output).into_iter().enumerate() {
            assert_eq!(y.is_nan(), at / 4 % 3 == 1, "{at}: {y}");
        }
    }
}

#[test]
fn a_dense_layer_with_relu_is_the_layer_and_then_burns_relu() {
    let _turn = take_turns();
    for (device, dtype) in both(&devices().map(Device::autodiff), &[DType::F32, DType::F64]) {
        // The last image is 0: as many exact zeros before ReLU as biases, of both signs.
        let (mut x, mut b) = (numbers(150 * 70, 1), numbers(260, 3));
        x[149 * 70..].fill(0.0);
        b[..130].fill(0.0);
        b[..65].fill(-0.0);
        let found = [dense_relu, |x, w, b| relu(dense(x, w, b))].map(|layer: Layer| {
            let x = tensor(&x, [150, 70], &device, dtype).require_grad();
            let w = tensor(&numbers(70 * 260, 2), [70, 260], &device, dtype).require_grad();
            let b = tensor(&b, [260], &device, dtype).require_grad();
            let y = layer(x.clone(), w.clone(), Some(b.clone()));
            let g = tensor(&numbers(150 * 260, 4), [150, 260], &device, dtype);
            let gradients = (y.clone() * g).sum().backward();
            [
                values(y.inner()),
                values(x.grad(&gradients).unwrap()),
                values(w.grad(&gradients).unwrap()),
                values(b.grad(&gradients).unwrap()),
            ]
        });
        assert_eq!(found[0], found[1]);
        let nan = Tensor::full([1, 1], f64::NAN, (&device, dtype));
        let passed = dense_relu(nan, Tensor::ones([1, 1], (&device, dtype)), None);
        assert!(values(passed)[0].is_nan());
    }
}

type Layer = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

#[test]
fn dropout_sends_the_gradient_through_the_same_mask() {
    let _turn = take_turns();
    for device in devices().map(Device::autodiff) {
        let x = Tensor::<2>::random([50, 40], Distribution::Default, &device).require_grad();
        let y = dropout(x.clone(), 0.3, 11);
        let gradient = x.grad(&y.sum().backward()).unwrap();
        let mask = dropout(
            Tensor::<2>::ones([50, 40], &device.clone().inner()),
            0.3,
            11,
        );
        assert_eq!(values(gradient), values(mask));
    }
}

fn adam(weight_decay: f32) -> FusedAdam {
    FusedAdamConfig {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay,
    }
    .build()
}

#[test]
fn adam_goes_on_from_burns_state_and_burn_from_ours() {
    let _turn = take_turns();
    let ours = adam(0.0);
    let burns = AdamConfig::new().with_epsilon(1e-8).build();
    for device in devices() {
        let gradient =
            |step: u64| -> Tensor<1> { tensor(&numbers(50, 2 + step), [50], &device, DType::F32) };
        let start: Tensor<1> = tensor(&numbers(50, 1), [50], &device, DType::F32);
        let (mut all_burn, mut state) = (start.clone(), None);
        for step in 0..6 {
            (all_burn, state) = burns.step(0.01, all_burn, gradient(step), state);
        }
        // Two steps of one, two of the other, and again.
        let (mut mixed, mut state) = (start, None);
        for step in 0..6 {
            (mixed, state) = if step / 2 == 1 {
                ours.step(0.01, mixed, gradient(step), state)
            } else {
                burns.step(0.01, mixed, gradient(step), state)
            };
        }
        assert_close(&values(mixed), &values(all_burn), 1e-6, "parameters");
    }
}

#[test]
#[should_panic(expected = "Adam's state is that of another parameter")]
fn a_state_of_another_type_is_refused() {
    let device = Device::flex();
    let of = |dtype| -> Tensor<1> { tensor(&numbers(5, 1), [5], &device, dtype) };
    let adam = adam(0.0);
    let (_, state) = adam.step(0.1, of(DType::F64), of(DType::F64), None);
    drop(adam.step(0.1, of(DType::F32), of(DType::F32), state));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if few() { 3 } else { 64 }))]

    /// Numbers that f32 multiplies and adds exactly: the same, not only close.
    #[test]
    fn random_dense_layers_are_exact_where_arithmetic_is(
        (batch, inputs, units) in (1_usize..40, 1_usize..600, 1_usize..70),
        seed in 0_u64..1000,
    ) {
        let _turn = take_turns();
        let dyadic = |length, seed| -> Vec<f64> {
            numbers(length, seed).into_iter().map(|x| (x * 4.0).round() / 4.0 + 0.0).collect()
        };
        let (x, w) = (dyadic(batch * inputs, seed), dyadic(inputs * units, seed + 1));
        let b = dyadic(units, seed + 2);
        let mut expected = product(
            [batch, units, inputs],
            |i, l| x[i * inputs + l],
            |l, j| w[l * units + j],
        );
        for (at, y) in expected.iter_mut().enumerate() {
            *y += b[at % units];
        }
        for (device, instructions) in both(&devices(), &Instructions::available()) {
            assert!(instructions.force());
            let y = dense(
                tensor(&x, [batch, inputs], &device, DType::F32),
                tensor(&w, [inputs, units], &device, DType::F32),
                Some(tensor(&b, [units], &device, DType::F32)),
            );
            prop_assert_eq!(&values(y), &expected);
        }
    }

    #[test]
    fn random_steps_of_adam_are_those_of_burn(
        length in 1_usize..200,
        rate in 1e-5_f64..0.1,
        steps in 1_u64..8,
        seed in 0_u64..1000,
    ) {
        let _turn = take_turns();
        for device in devices() {
            let burns = AdamConfig::new().with_epsilon(1e-8).build();
            let start: Tensor<1> = tensor(&numbers(length, seed), [length], &device, DType::F32);
            let (mut ours, mut state) = (start.clone(), None);
            let (mut theirs, mut their_state) = (start, None);
            for step in 0..steps {
                let g: Tensor<1> = tensor(&numbers(length, seed + step), [length], &device, DType::F32);
                (ours, state) = adam(0.0).step(rate, ours, g.clone(), state);
                (theirs, their_state) = burns.step(rate, theirs, g, their_state);
            }
            assert_close(&values(ours), &values(theirs), 1e-6, "parameters");
        }
    }
}

#[test]
fn adam_takes_the_steps_of_burn() {
    let _turn = take_turns();
    let types = [(DType::F32, 1e-6), (DType::F64, 1e-6)];
    for instructions in Instructions::available() {
        assert!(instructions.force());
        for (device, (dtype, tolerance)) in both(&devices(), &types) {
            for weight_decay in [0.0_f32, 0.02] {
                let fused = adam(weight_decay);
                let adam = AdamConfig::new().with_epsilon(1e-8).build();
                let decay = AdamWConfig::new()
                    .with_epsilon(1e-8)
                    .with_weight_decay(weight_decay)
                    .build();
                let start = tensor(&numbers(40_000, 1), [200, 200], &device, dtype);
                let (mut ours, mut state) = (start.clone(), None);
                let mut burns = start.clone();
                let (mut adam_state, mut decay_state) = (None, None);
                for step in 0..20 {
                    let gradient = tensor(&numbers(40_000, 2 + step), [200, 200], &device, dtype);
                    (ours, state) = fused.step(0.01, ours, gradient.clone(), state);
                    if weight_decay == 0.0 {
                        (burns, adam_state) = adam.step(0.01, burns, gradient, adam_state);
                    } else {
                        (burns, decay_state) = decay.step(0.01, burns, gradient, decay_state);
                    }
                }
                assert_close(&values(ours), &values(burns), tolerance, "parameters");
                // What was shared is not changed behind its owner's back.
                assert_eq!(values(start), numbers(40_000, 1));
            }
        }
    }
}
